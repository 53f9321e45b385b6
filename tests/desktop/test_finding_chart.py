"""The chart of the dataset filters when it is clicked."""

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.finding_chart import WHOLE, FindingChart
from cxr_desktop.dataset.shown_images import survey
from cxr_desktop.project import Project
from trainer.catalog import Catalog
from trainer.records import NO, YES, Filter


@pytest.fixture
def chart(qtbot: QtBot, opened: Project) -> FindingChart:
    made = FindingChart()
    qtbot.addWidget(made)
    made.show_overview(survey(opened.folder))
    return made


@pytest.fixture
def wanted(chart: FindingChart) -> list[Filter]:
    """Filters that were asked for; each is shown, as the page does it."""
    found: list[Filter] = []
    chart.filter_wanted.connect(found.append)
    chart.filter_wanted.connect(chart.show_filter)
    return found


def test_a_segment_filters_and_the_same_again_clears(chart: FindingChart, wanted: list[Filter]) -> None:
    chart.chart.clicked.emit("Normal", "test")
    chart.chart.clicked.emit("Normal", "test")
    assert wanted == [Filter({"Normal": YES}, part="test"), Filter()]


def test_a_row_filters_all_its_parts(chart: FindingChart, wanted: list[Filter]) -> None:
    chart.chart.clicked.emit("Normal", "")
    assert chart.chart.selected() == ("Normal", "")
    chart.chart.clicked.emit("Pleural effusion", "")
    chart.chart.clicked.emit("Pleural effusion", "")
    assert wanted == [Filter({"Normal": YES}), Filter({"Pleural effusion": YES}), Filter()]


def test_other_conditions_stay(chart: FindingChart, wanted: list[Filter]) -> None:
    chart.show_filter(Filter({"Lobar pneumonia": NO}, view="PA"))
    chart.chart.clicked.emit("Normal", "train")
    assert wanted == [Filter({"Lobar pneumonia": NO, "Normal": YES}, part="train", view="PA")]
    chart.chart.clicked.emit("Normal", "train")
    assert wanted[-1] == Filter({"Lobar pneumonia": NO}, view="PA")


def test_it_outlines_what_the_filter_says(chart: FindingChart) -> None:
    chart.show_filter(Filter({"Normal": YES}, part="validation"))
    assert chart.chart.selected() == ("Normal", "validation")
    chart.show_filter(Filter({"Normal": YES, "Pleural effusion": YES}))
    assert chart.chart.selected() is None
    chart.show_filter(Filter({"Normal": NO}))
    assert chart.chart.selected() is None
    chart.show_filter(Filter({"Normal": YES}, part="external"))  # a part without images has no segment
    assert chart.chart.selected() is None


def test_images_in_no_part(qtbot: QtBot, opened: Project) -> None:
    split = opened.catalog.split()
    opened.catalog.save_split(type(split)("half", {"train": opened.catalog.ids()[:15]}, 1, "", 0, None, ""))
    chart = FindingChart()
    qtbot.addWidget(chart)
    chart.show_overview(survey(opened.folder))
    with qtbot.waitSignal(chart.filter_wanted) as wanted:
        chart.chart.clicked.emit("Normal", "in no part")
    assert wanted.args == [Filter({"Normal": YES}, part="none")]


def test_without_a_split_there_is_one_segment(qtbot: QtBot, opened: Project) -> None:
    with Catalog.open(opened.folder) as catalog:
        catalog._connection.execute("DELETE FROM settings WHERE key = 'split'")
    chart = FindingChart()
    qtbot.addWidget(chart)
    chart.show_overview(survey(opened.folder))
    wanted: list[Filter] = []
    chart.filter_wanted.connect(wanted.append)
    chart.chart.clicked.emit("Normal", WHOLE)
    chart.show_filter(wanted[-1])
    chart.chart.clicked.emit("Normal", WHOLE)
    assert wanted == [Filter({"Normal": YES}), Filter()]


def test_it_says_what_it_shows(chart: FindingChart, opened: Project) -> None:
    assert opened.catalog.active_split() in chart._told.text()
    chart.show_overview(None)
    assert chart._told.text() == "Counting…"
