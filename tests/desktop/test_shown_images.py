"""Which images are shown: filters, orders, images that another page sent, and how many there are."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.shown_images import Choice, ShownImages
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from trainer.records import YES, Filter


@pytest.fixture
def shown(qtbot: QtBot, opened: Project) -> ShownImages:
    """All images, counted."""
    made = ShownImages(opened, opened)
    made.refresh()
    qtbot.waitUntil(lambda: made.patients is not None and made.overview is not None)
    return made


def settled(qtbot: QtBot, project: Project) -> None:
    qtbot.waitUntil(lambda: not project.jobs.busy())


def test_at_first_all_images_are_shown(opened: Project, shown: ShownImages) -> None:
    assert shown.ids.tolist() == opened.catalog.ids().tolist()
    assert shown.total == 30
    assert shown.patients == len(set(opened.catalog.patients(shown.ids)))
    assert not shown.choice.narrows


def test_the_overview_counts_the_whole_project(opened: Project, shown: ShownImages) -> None:
    assert shown.overview is not None
    assert shown.overview.counts == opened.catalog.counts()
    assert shown.overview.tally.images.sum() == 30
    assert shown.overview.splits == tuple(opened.catalog.splits())


def test_filters_and_orders(qtbot: QtBot, opened: Project, shown: ShownImages) -> None:
    where = Filter({"Normal": YES}, part="train")
    shown.filter(where)
    shown.sort("-patient")
    settled(qtbot, opened)
    assert shown.ids.tolist() == opened.catalog.ids(where, "-patient").tolist()
    assert 0 < len(shown.ids) < 30 == shown.total
    assert shown.choice.narrows
    shown.clear()
    settled(qtbot, opened)
    assert len(shown.ids) == 30
    assert shown.choice.order == "-patient"


def test_of_many_filters_the_last_one_holds(qtbot: QtBot, opened: Project, shown: ShownImages) -> None:
    answers: list[int] = []
    shown.found.connect(lambda: answers.append(len(shown.ids)))
    for letters in ("p", "p0", "p00", "p000", "p0001", "no such file"):
        shown.filter(Filter(text=letters))
    settled(qtbot, opened)
    assert answers[-1] == 0
    assert len(answers) <= 2


def test_images_from_another_page(qtbot: QtBot, opened: Project, shown: ShownImages) -> None:
    ids = opened.catalog.ids()
    wanted = ids[[7, 3, 5]]
    opened.catalog.set_excluded(ids[3:4], True)
    shown.filter(Filter({"Normal": YES}))
    opened.images_wanted.emit(wanted, "Missed by run first")
    settled(qtbot, opened)
    assert shown.ids.tolist() == sorted(wanted.tolist(), key=ids.tolist().index)
    assert shown.choice.words == "Missed by run first"
    shown.filter(Filter(excluded=False))
    settled(qtbot, opened)
    assert shown.ids.tolist() == ids[[5, 7]].tolist()


def test_after_them_all_images_are_shown_again(qtbot: QtBot, opened: Project, shown: ShownImages) -> None:
    ids = opened.catalog.ids()
    opened.catalog.set_excluded(ids[:1], True)
    opened.images_wanted.emit(ids[:2], "Two")
    shown.release()
    settled(qtbot, opened)
    assert shown.ids.tolist() == ids[1:].tolist()
    assert not shown.choice.narrows


def test_no_images_from_another_page(qtbot: QtBot, opened: Project, shown: ShownImages) -> None:
    opened.images_wanted.emit(np.array([], dtype=np.int64), "None")
    settled(qtbot, opened)
    assert len(shown.ids) == 0
    assert shown.choice.narrows


def test_changes_are_followed(qtbot: QtBot, opened: Project, shown: ShownImages) -> None:
    opened.catalog.set_excluded(shown.ids[:4], True)
    opened.images_changed.emit()
    settled(qtbot, opened)
    assert (len(shown.ids), shown.total) == (26, 30)
    assert shown.overview is not None
    assert shown.overview.counts.excluded == 4


def test_a_filter_that_lost_its_meaning_is_told_and_dropped(
    qtbot: QtBot, opened: Project, shown: ShownImages, told: list[Notice]
) -> None:
    shown.filter(Filter({"Elephant": YES}))
    settled(qtbot, opened)
    assert [notice.what for notice in told] == ["The project has no such finding."]
    assert shown.choice.where == Filter()
    assert len(shown.ids) == 30


def test_closing_and_opening(qtbot: QtBot, opened: Project, shown: ShownImages) -> None:
    shown.filter(Filter(view="PA"))
    shown.sort("-age")
    folder = opened.folder
    opened.close()
    assert (len(shown.ids), shown.total, shown.patients, shown.overview, shown.known) == (0, 0, None, None, False)
    assert opened.open(folder)
    settled(qtbot, opened)
    assert len(shown.ids) == 30
    assert shown.choice.where == Filter()
    assert shown.choice.order == "-age"


def test_without_a_project_nothing_is_asked(project: Project) -> None:
    shown = ShownImages(project, project)
    shown.refresh()
    shown.filter(Filter(view="PA"))
    assert not project.jobs.busy()
    assert not shown.known


@pytest.mark.parametrize(
    ("choice", "narrows"),
    [
        (Choice(), False),
        (Choice(order="-age"), False),
        (Choice(Filter(excluded=None)), True),
        (Choice(wanted=np.zeros(0, int)), True),
    ],
)
def test_what_stands_in_the_way(choice: Choice, narrows: bool) -> None:
    assert choice.narrows is narrows
