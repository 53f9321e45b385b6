"""Folders of images that are not there: told on opening, asked about once, and found again or refused in words."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.moved_images import NONE_MISSING, MovedImages
from cxr_desktop.notices import ERROR, INFORMATION, WARNING, Notice
from cxr_desktop.project import Project
from cxr_desktop.widgets.notice_bar import NoticeBar
from tests.trainer.makers import draw
from trainer import importer
from trainer.errors import DataError

NAMES = tuple(f"{finding}/{number}.png" for finding in ("A", "B") for number in range(4))


@pytest.fixture
def moved(tmp_path: Path) -> tuple[Path, Path]:
    """A project and the folder where the images of its two sources, one and two, are now."""
    for source in ("one", "two"):
        draw(tmp_path / "old" / source, *(f"{source}/{name}" for name in NAMES))
        importer.run(tmp_path / "p.cxr", [tmp_path / "old" / source])
    return tmp_path / "p.cxr", Path(shutil.move(tmp_path / "old", tmp_path / "new"))


@pytest.fixture
def bar(project: Project, qtbot: QtBot) -> NoticeBar:
    """What is shown of warnings and errors."""
    made, window = NoticeBar(), QWidget()
    for widget in (made, window):
        qtbot.addWidget(widget)
    project.noticed.connect(lambda notice: made.add(notice) if notice.kind != INFORMATION else None)
    project.settled.connect(made.settle)
    made.moved = MovedImages(project, window)
    return made


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | str], list[str]]:
    """Answer the next question for a folder; returns the titles of the dialogs."""
    titles: list[str] = []

    def answer(path: Path | str) -> list[str]:
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda _, title, *__: titles.append(title) or str(path))
        return titles

    return answer


def press(bar: NoticeBar, place: int, name: str) -> None:
    next(button for button in bar.cards()[place].choices if button.text() == name).click()


def test_one_answer_finds_all_folders_again(
    project: Project, bar: NoticeBar, moved: tuple[Path, Path], choose: Callable, told: list[Notice], qtbot: QtBot
) -> None:
    folder, new = moved
    assert project.open(folder)
    qtbot.waitUntil(lambda: len(bar.cards()) == 1)
    (card,) = bar.cards()
    assert card.notice.what == "2 folders with 16 images are not there."
    assert card.notice.where == f"{new.parent / 'old/one'}\n{new.parent / 'old/two'}"
    assert [button.text() for button in card.choices] == ["Find it…", "Look again"]
    assert card.copy.isHidden()
    titles = choose("")
    press(bar, 0, "Find it…")
    assert titles == [f"Where are the images of {new.parent / 'old/one'} now?"]
    assert bar.cards() == [card]
    choose(new / "two")
    with qtbot.waitSignal(project.images_changed, timeout=30_000):
        press(bar, 0, "Find it…")
    assert bar.cards() == []
    assert told[-1].kind == INFORMATION
    assert told[-1].what.count("8 of 8 images") == 2
    assert project.catalog.folders() == [new / "one", new / "two"]


def test_a_drive_that_is_back_is_noticed(
    project: Project, bar: NoticeBar, moved: tuple[Path, Path], told: list[Notice], qtbot: QtBot
) -> None:
    folder, new = moved
    assert project.open(folder)
    qtbot.waitUntil(lambda: len(bar.cards()) == 1)
    (new.parent / "old").mkdir()
    (new / "one").rename(new.parent / "old" / "one")
    press(bar, 0, "Look again")
    qtbot.waitUntil(lambda: bool(bar.cards()) and bar.cards()[0].notice.what.startswith("The folder "))
    assert bar.cards()[0].notice.what == f"The folder {new.parent / 'old/two'} with 8 images is not there."
    (new / "two").rename(new.parent / "old" / "two")
    with qtbot.waitSignal(project.images_changed):
        press(bar, 0, "Look again")
    assert bar.cards() == []
    assert told[-1].what == NONE_MISSING
    project.missing_wanted.emit()
    qtbot.waitUntil(lambda: [notice.what for notice in told].count(NONE_MISSING) == 2)
    project.close()
    project.missing_wanted.emit()


def test_the_wrong_folder_is_told_and_some_images_can_be_taken(
    project: Project, bar: NoticeBar, moved: tuple[Path, Path], choose: Callable, qtbot: QtBot
) -> None:
    folder, new = moved
    draw(new.parent / "some", "one/A/0.png")
    assert project.open(folder)
    qtbot.waitUntil(lambda: len(bar.cards()) == 1)
    choose(new.parent / "some")
    project.missing_wanted.emit()
    qtbot.waitUntil(lambda: len(bar.cards()) == 2, timeout=30_000)
    wrong = bar.cards()[1]
    assert wrong.notice.kind == ERROR
    assert wrong.notice.what.startswith("Only 1 of the 8 images of ")
    assert wrong.notice.remedy == "Nothing was changed. Choose the folder that holds them now."
    with qtbot.waitSignal(project.images_changed, timeout=30_000):
        press(bar, 1, "Go on with these alone")
    qtbot.waitUntil(lambda: len(bar.cards()) == 2)
    assert [card.notice.kind for card in bar.cards()] == [WARNING, WARNING]
    assert "7 files" in bar.cards()[0].notice.remedy
    assert len(project.catalog.ids()) == 9
    project.close()
    assert bar.cards() == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "Say where they are now: cxr-trainer relocate a.cxr NEW",
            "Say where they are now: choose 'Find moved images' in the menu Dataset",
        ),
        ("Choose it; to go on with these alone: cxr-trainer relocate 'a b.cxr' x --partial", "Choose it."),
    ],
)
def test_the_window_speaks_of_its_own_menus(project: Project, told: list[Notice], said: str, words: str) -> None:
    project.tell(DataError("So it is", remedy=said))
    assert told[0].remedy == words
