"""The filter bar: typing and choosing gives filters, and the filters show."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.filter_bar import MOST, PAUSE, FilterBar
from cxr_desktop.dataset.shown_images import Overview, survey
from cxr_desktop.project import Project
from trainer.records import NO, NOT_STATED, YES, Filter


@pytest.fixture
def overview(opened: Project) -> Overview:
    opened.catalog.add_flag(opened.catalog.ids()[:3], "rotated")
    opened.catalog.set_excluded(opened.catalog.ids()[5:7], True)
    return survey(opened.folder)


@pytest.fixture
def bar(qtbot: QtBot, overview: Overview) -> FilterBar:
    made = FilterBar()
    qtbot.addWidget(made)
    made.show_overview(overview)
    made.show()
    return made


@pytest.fixture
def wanted(bar: FilterBar) -> list[Filter]:
    """Filters that were asked for; each is shown, as the page does it."""
    found: list[Filter] = []
    bar.filter_wanted.connect(found.append)
    bar.filter_wanted.connect(bar.show_filter)
    return found


def entries(menu: QMenu) -> dict[str, QAction]:
    menu.aboutToShow.emit()
    return {action.text().partition("\t")[0]: action for action in menu.actions()}


def submenu(bar: FilterBar, name: str, entry: str) -> QMenu:
    bar.menus[name].aboutToShow.emit()
    return [menu for menu in bar.menus[name].findChildren(QMenu) if menu.title() == entry][-1]


def chosen(menu: QMenu) -> list[str]:
    return [action.text().partition("\t")[0] for action in menu.actions() if action.isChecked()]


def test_typing_searches_after_a_pause(qtbot: QtBot, bar: FilterBar, wanted: list[Filter]) -> None:
    qtbot.keyClicks(bar.text, "P00")
    assert wanted == []
    qtbot.waitUntil(lambda: bool(wanted), timeout=PAUSE * 10)
    assert wanted == [Filter(text="P00")]


def test_enter_searches_at_once_and_only_once(qtbot: QtBot, bar: FilterBar, wanted: list[Filter]) -> None:
    qtbot.keyClicks(bar.text, "  P00 ")
    qtbot.keyClick(bar.text, Qt.Key.Key_Return)
    assert wanted == [Filter(text="P00")]
    qtbot.keyClick(bar.text, Qt.Key.Key_Return)
    assert len(wanted) == 1
    bar.text.clear()
    qtbot.keyClick(bar.text, Qt.Key.Key_Return)
    assert wanted[1:] == [Filter()]


def test_a_filter_does_not_disturb_typing(qtbot: QtBot, bar: FilterBar) -> None:
    qtbot.keyClicks(bar.text, "P00")
    bar.show_filter(Filter(view="PA"))  # the answer to something else
    assert bar.text.text() == "P00"
    qtbot.keyClick(bar.text, Qt.Key.Key_Return)
    bar.show_filter(Filter())
    assert bar.text.text() == ""


def test_findings_are_yes_no_or_not_stated(bar: FilterBar, wanted: list[Filter], overview: Overview) -> None:
    assert list(entries(bar.menus["Finding"])) == list(overview.counts.findings)
    for answer, value in (("yes", YES), ("not stated", NOT_STATED), ("no", NO)):
        entries(submenu(bar, "Finding", "Normal"))[answer].trigger()
        assert wanted[-1] == Filter({"Normal": value})
    entries(submenu(bar, "Finding", "Lobar pneumonia"))["yes"].trigger()
    assert wanted[-1] == Filter({"Normal": NO, "Lobar pneumonia": YES})
    assert chosen(submenu(bar, "Finding", "Normal")) == ["no"]
    assert chosen(bar.menus["Finding"]) == ["Lobar pneumonia", "Normal"]
    entries(submenu(bar, "Finding", "Normal"))["Any"].trigger()
    assert wanted[-1] == Filter({"Lobar pneumonia": YES})


def test_entries_say_how_many_images_they_have(bar: FilterBar, overview: Overview) -> None:
    menu = submenu(bar, "Finding", "Normal")
    yes = menu.actions()[1]
    assert yes.text() == f"yes\t{overview.counts.findings['Normal']['yes']}"
    part = entries(bar.menus["Part"])["train"]
    assert part.text() == f"train\t{overview.counts.split['train']}"


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("Part", "train", Filter(part="train")),
        ("View", "PA", Filter(view="PA")),
        ("Sex", "F", Filter(sex="F")),
        ("Flag", "rotated", Filter(flag="rotated")),
        ("Excluded", "Only", Filter(excluded=True)),
        ("Excluded", "With", Filter(excluded=None)),
    ],
)
def test_other_menus(bar: FilterBar, wanted: list[Filter], name: str, entry: str, expected: Filter) -> None:
    entries(bar.menus[name])[entry].trigger()
    assert wanted == [expected]
    first = next(iter(entries(bar.menus[name])))
    assert chosen(bar.menus[name]) == [entry]
    entries(bar.menus[name])[first].trigger()
    assert wanted[-1] == Filter()


def test_conditions_add_up(bar: FilterBar, wanted: list[Filter]) -> None:
    entries(bar.menus["Part"])["train"].trigger()
    entries(bar.menus["Sex"])["M"].trigger()
    assert wanted[-1] == Filter(part="train", sex="M")


def test_a_patient_is_typed_exactly(qtbot: QtBot, bar: FilterBar, wanted: list[Filter]) -> None:
    qtbot.keyClicks(bar.patient, "P0003")
    qtbot.keyClick(bar.patient, Qt.Key.Key_Return)
    assert wanted == [Filter(patient="P0003")]
    bar.patient.clear()
    qtbot.keyClick(bar.patient, Qt.Key.Key_Return)
    assert wanted[-1] == Filter()


def test_unknown_values_stand_at_the_end(bar: FilterBar, overview: Overview, wanted: list[Filter]) -> None:
    counts = replace(overview.counts, views={"": 7, "PA": 3, "AP & more": 2}, parts_given={"train": 5, "": 7})
    bar.show_overview(replace(overview, counts=counts))
    assert list(entries(bar.menus["View"])) == ["Any", "AP && more", "PA", "unknown"]
    entries(bar.menus["View"])["unknown"].trigger()
    assert wanted == [Filter(view="")]
    entries(submenu(bar, "Part", "As the dataset came"))["train"].trigger()
    assert wanted[-1] == Filter(view="", part_given="train")


def test_a_menu_does_not_grow_for_ever(bar: FilterBar, overview: Overview) -> None:
    sources = {f"clinic {number:04d}": 1 for number in range(MOST + 5)}
    bar.show_overview(replace(overview, counts=replace(overview.counts, sources=sources)))
    found = entries(bar.menus["Source"])
    assert len(found) == MOST + 2
    assert not found["5 more are not listed"].isEnabled()


def test_what_there_is_not_cannot_be_chosen(bar: FilterBar, overview: Overview) -> None:
    bare = replace(overview, counts=replace(overview.counts, flags={}, findings={}, split_name=""))
    bar.show_overview(bare)
    buttons = {button.text(): button for button in bar.findChildren(QToolButton) if button.menu()}
    assert not buttons["Flag"].isEnabled()
    assert not entries(bar.menus["Part"])["The images are not split yet"].isEnabled()
    assert not entries(bar.menus["Finding"])["The project has no findings"].isEnabled()
    bar.show_overview(None)
    assert not any(button.isEnabled() for button in buttons.values())


def test_opening_menus_again_and_again_keeps_nothing(qtbot: QtBot, bar: FilterBar) -> None:
    for _ in range(5):
        bar.menus["Finding"].aboutToShow.emit()
    qtbot.waitUntil(lambda: len(bar.menus["Finding"].findChildren(QMenu)) == 3)


def test_the_find_action_goes_to_the_text(qtbot: QtBot, bar: FilterBar) -> None:
    bar.text.setText("abc")
    action = bar.find_action(bar)
    action.trigger()
    assert bar.text.hasFocus()
    assert bar.text.selectedText() == "abc"


def test_every_control_has_a_name(bar: FilterBar) -> None:
    controls: list[QWidget] = [bar.text, bar.patient, *(menu.parentWidget() for menu in bar.menus.values())]
    assert all(control.accessibleName() for control in controls)
