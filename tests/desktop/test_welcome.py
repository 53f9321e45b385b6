"""The first page: four things to do, and the recent projects."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from cxr_desktop.settings import Settings
from cxr_desktop.welcome import Welcome


def _page(qtbot: QtBot, settings: Settings) -> Welcome:
    page = Welcome(settings)
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    return page


@pytest.mark.parametrize("name", ["new", "open", "demo", "review"])
def test_each_button_says_what_was_chosen(qtbot: QtBot, settings: Settings, name: str) -> None:
    page = _page(qtbot, settings)
    chosen: list[str] = []
    page.chosen.connect(chosen.append)
    QTest.mouseClick(page.buttons[name], Qt.MouseButton.LeftButton)
    page.buttons[name].setFocus()
    QTest.keyClick(page.buttons[name], Qt.Key.Key_Space)
    assert chosen == [name, name]
    assert page.buttons[name].accessibleDescription()


def test_without_recent_projects_it_says_so(qtbot: QtBot, settings: Settings) -> None:
    page = _page(qtbot, settings)
    assert page.none.isVisible()
    assert not page.recent.isVisible()


def test_a_recent_project_opens_by_click_and_by_key(qtbot: QtBot, settings: Settings, lungs: Path) -> None:
    settings.add_recent(lungs)
    page = _page(qtbot, settings)
    chosen: list[Path] = []
    page.project_chosen.connect(chosen.append)
    item = page.recent.item(0)
    assert item.text().startswith("lungs\n")
    assert item.toolTip() == str(lungs)
    QTest.mouseClick(page.recent.viewport(), Qt.MouseButton.LeftButton, pos=page.recent.visualItemRect(item).center())
    assert chosen == [lungs]
    page.recent.setCurrentItem(item)
    QTest.keyClick(page.recent, Qt.Key.Key_Return)
    assert chosen == [lungs, lungs]


def test_a_project_that_is_not_there_is_found_or_forgotten(
    qtbot: QtBot, settings: Settings, lungs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, other = lungs.parent / "away" / "lungs.cxr", lungs.parent / "away" / "other.cxr"
    for path in (gone, other, lungs):
        settings.add_recent(path)
    page = _page(qtbot, settings)
    chosen: list[Path] = []
    page.project_chosen.connect(chosen.append)
    assert [page.recent.item(row).text().partition("\n")[0] for row in range(3)] == ["lungs", "other", "lungs"]
    assert page.recent.item(1).text().endswith(" any more")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(lungs.parent))
    for row, button in ((2, "Cancel"), (2, "Find it…"), (1, "Forget it")):
        page.recent.itemClicked.emit(page.recent.item(row))
        (box,) = [one for one in page.findChildren(QMessageBox) if one.isVisible()]
        next(one for one in box.buttons() if one.text().replace("&", "") == button).click()
        page.refresh()
    assert chosen == [lungs]
    assert settings.missing_recent() == []
    settings.add_recent(gone)
    page.refresh()
    shutil.copytree(lungs, gone)  # its drive is connected again
    page.recent.itemActivated.emit(page.recent.item(page.recent.count() - 1))
    assert chosen == [lungs, gone]
