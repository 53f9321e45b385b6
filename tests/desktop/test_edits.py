"""Labels, flags and exclusion by hand: stored, taken back exactly, done again, and never lost or half done."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import edits
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from cxr_desktop.settings import Settings
from trainer.catalog import NO, NOT_STATED, YES, Catalog
from trainer.records import Entry, Ids


def rows(catalog: Catalog) -> dict[str, list[Any]]:
    """Everything that an edit may change."""
    with catalog._reading() as connection:
        sql = "SELECT image, name, value, by_user FROM labels JOIN findings ON findings.id = finding ORDER BY image, name"
        return {
            "labels": connection.execute(sql).fetchall(),
            "findings": connection.execute("SELECT name FROM findings ORDER BY name").fetchall(),
            "flags": connection.execute("SELECT flag, image FROM flags ORDER BY flag, image").fetchall(),
            "excluded": connection.execute("SELECT id FROM images WHERE excluded = 1 ORDER BY id").fetchall(),
        }


@pytest.fixture
def large(tmp_path: Path, project: Project) -> Project:
    """2,000 images that need not be there, with one finding."""
    with Catalog.create(tmp_path / "large.cxr") as catalog:
        entries = [Entry(f"{n:05d}.png", f"{n:040x}", 1, 1, 8, 8, labels={"A": n % 2} if n % 3 else {}) for n in range(2000)]
        catalog.store(tmp_path / "source", entries, findings=("A",))
    assert project.open(tmp_path / "large.cxr")
    return project


def read_only(project: Project) -> None:
    """From now on the catalog takes nothing more, as on a disk that cannot be written to."""
    for catalog in (project.catalog, project.background):
        catalog._connection.execute("PRAGMA query_only = ON")


def writable(project: Project) -> None:
    """It takes changes again."""
    for catalog in (project.catalog, project.background):
        catalog._connection.execute("PRAGMA query_only = OFF")


def test_a_label_is_stored_told_and_taken_back(opened: Project, qtbot: QtBot) -> None:
    catalog, ids = opened.catalog, opened.catalog.ids()
    before = rows(catalog)
    with qtbot.waitSignal(opened.images_changed):
        edits.set_label(opened, ids[:3], "Normal", YES)
    assert catalog.labels(ids[:3], ["Normal"]).ravel().tolist() == [YES] * 3
    assert opened.undo.undoText() == "label Normal of 3 images"
    after = rows(catalog)
    with qtbot.waitSignal(opened.images_changed):
        opened.undo.undo()
    assert rows(catalog) == before
    with qtbot.waitSignal(opened.images_changed):
        opened.undo.redo()
    assert rows(catalog) == after


def test_each_kind_of_change_has_its_words(opened: Project) -> None:
    ids = opened.catalog.ids()
    edits.set_label(opened, ids[:1], "  Nodule ", YES)
    edits.set_excluded(opened, ids[:2], True)
    edits.set_excluded(opened, ids[:1], False)
    edits.add_flag(opened, ids[:2], "rotated")
    edits.remove_flag(opened, ids[:1], "rotated")
    words = [opened.undo.text(place) for place in range(opened.undo.count())]
    assert words == [
        "label Nodule of 1 image",
        "exclude 2 images",
        "include 1 image",
        "flag rotated on 2 images",
        "take flag rotated off 1 image",
    ]
    assert "Nodule" in opened.catalog.findings()


def test_what_changes_nothing_is_no_step(opened: Project) -> None:
    ids = opened.catalog.ids()
    edits.set_excluded(opened, ids[:2], False)
    edits.remove_flag(opened, ids[:2], "rotated")
    edits.set_label(opened, [], "Normal", YES)
    edits.set_label(opened, ids[:1], "   ", YES)
    edits.add_flag(opened, ids[:1], " ")
    assert opened.undo.count() == 0
    edits.set_label(opened, ids[:1], "Normal", YES)
    edits.set_label(opened, ids[:1], "Normal", YES)
    assert opened.undo.count() == 1


def test_confirming_a_source_by_hand_is_a_step(opened: Project) -> None:
    """The answer stays, but from now on no import changes it."""
    catalog = opened.catalog
    image = catalog.ids()[:1]
    value = int(catalog.labels(image, ["Normal"])[0, 0])
    edits.set_label(opened, image, "Normal", value)
    assert opened.undo.count() == 1
    assert catalog.selection(image).answers["Normal"][3] == 1
    opened.undo.undo()
    assert catalog.selection(image).answers["Normal"][3] == 0


IDS = st.sets(st.integers(1, 30), min_size=1)
STEP = st.one_of(
    st.tuples(st.just("label"), IDS, st.sampled_from(["Normal", "New"]), st.sampled_from([1, 0, -1])),
    st.tuples(st.just("exclude"), IDS, st.booleans()),
    st.tuples(st.just("flag"), IDS, st.sampled_from(["a", "b"])),
    st.tuples(st.just("unflag"), IDS, st.sampled_from(["a", "b"])),
    st.just(("undo",)),
    st.just(("redo",)),
)  # fmt: skip
DO: dict[str, Callable[..., None]] = {
    "label": edits.set_label,
    "exclude": edits.set_excluded,
    "flag": edits.add_flag,
    "unflag": edits.remove_flag,
}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_any_way_there_and_back(opened: Project, steps: list[Any]) -> None:
    """After each undo and redo the catalog is, to the row, what it was at that place of the stack."""
    undo = opened.undo
    undo.clear()
    undo.setIndex(0)
    states = {0: rows(opened.catalog)}
    start = states[0]
    for kind, *what in steps:
        if kind in DO:
            ids, *rest = what
            before = undo.index()
            DO[kind](opened, sorted(ids), *rest)
            if undo.index() > before:
                states = {place: state for place, state in states.items() if place <= before}
            states[undo.index()] = rows(opened.catalog)
        else:
            getattr(undo, kind)()
        assert rows(opened.catalog) == states[undo.index()]
    undo.setIndex(0)
    assert rows(opened.catalog) == start


def test_many_images_go_to_a_job_and_back(large: Project, qtbot: QtBot) -> None:
    ids = large.catalog.ids()
    before = rows(large.catalog)
    tasks: list[str] = []
    large.task_started.connect(lambda task: tasks.append(task.label))
    with qtbot.waitSignal(large.images_changed):
        edits.set_label(large, ids, "A", YES)
    assert tasks == ["Storing: label A of 2,000 images"]
    assert large.catalog.selection(ids).answers == {"A": (2000, 0, 0, 2000)}
    with qtbot.waitSignal(large.images_changed):
        large.undo.undo()
    assert rows(large.catalog) == before
    assert tasks[1] == "Taking back: label A of 2,000 images"


def test_changes_wait_in_line_and_keep_their_order(large: Project, qtbot: QtBot) -> None:
    ids = large.catalog.ids()
    edits.set_label(large, ids, "A", YES)
    edits.set_label(large, ids[:5], "A", NO)
    edits.set_label(large, ids, "B", NOT_STATED)
    edits.set_excluded(large, ids[:1], True)
    large.undo.undo()
    assert large.undo.count() == 4
    qtbot.waitUntil(lambda: "B" in large.catalog.findings() and not large.jobs.busy())
    found = large.catalog.labels(ids[:6], ["A"]).ravel().tolist()
    assert found == [NO] * 5 + [YES]
    assert not large.catalog.records(ids[:1])[0].excluded
    large.undo.setIndex(0)
    qtbot.waitUntil(lambda: large.catalog.findings() == ["A"] and not large.jobs.busy())
    assert large.catalog.labels(ids[:4], ["A"]).ravel().tolist() == [-1, 1, 0, -1]


def test_undone_before_it_was_stored_leaves_nothing(large: Project, qtbot: QtBot) -> None:
    ids = large.catalog.ids()
    before = rows(large.catalog)
    edits.set_label(large, ids, "A", YES)
    edits.set_excluded(large, ids, True)
    large.undo.undo()
    large.undo.undo()
    qtbot.waitUntil(lambda: not large.jobs.busy())
    qtbot.waitUntil(lambda: rows(large.catalog) == before)
    large.undo.setIndex(2)
    qtbot.waitUntil(lambda: large.catalog.counts().excluded == 2000 and not large.jobs.busy())
    assert large.catalog.selection(ids).answers["A"][0] == 2000


def test_a_disk_that_refuses_leaves_the_stack_as_it_was(opened: Project, told: list[Notice]) -> None:
    ids = opened.catalog.ids()
    edits.set_excluded(opened, ids[:1], True)
    read_only(opened)
    edits.set_label(opened, ids[:2], "Normal", YES)
    edits.set_excluded(opened, ids[1:2], True)
    assert opened.undo.count() == 1
    assert [notice.what for notice in told] == ["The project cannot be written to."] * 2
    assert told[0].remedy


def test_an_undo_that_is_refused_can_be_tried_again(opened: Project, told: list[Notice], qtbot: QtBot) -> None:
    ids = opened.catalog.ids()
    edits.set_excluded(opened, ids[:1], True)
    edits.add_flag(opened, ids[:1], "odd")
    read_only(opened)
    opened.undo.undo()
    qtbot.waitUntil(lambda: opened.undo.index() == 2)
    assert len(told) == 1
    writable(opened)
    opened.undo.setIndex(0)
    assert not opened.catalog.records(ids[:1])[0].excluded
    read_only(opened)
    opened.undo.redo()
    qtbot.waitUntil(lambda: opened.undo.index() == 0)
    assert opened.undo.count() == 2, "it can still be done again"
    assert len(told) == 2


def test_a_job_that_is_refused_takes_its_step_away(large: Project, told: list[Notice], qtbot: QtBot) -> None:
    ids = large.catalog.ids()
    edits.set_excluded(large, ids[:1], True)
    read_only(large)
    edits.set_label(large, ids, "A", YES)
    qtbot.waitUntil(lambda: large.undo.count() == 1)
    assert large.undo.undoText() == "exclude 1 image"
    assert len(told) == 1
    writable(large)
    large.undo.undo()
    assert large.catalog.counts().excluded == 0


def test_a_job_taken_back_in_vain_stays_done(large: Project, told: list[Notice], qtbot: QtBot) -> None:
    ids = large.catalog.ids()
    with qtbot.waitSignal(large.images_changed):
        edits.set_excluded(large, ids, True)
    read_only(large)
    large.undo.undo()
    qtbot.waitUntil(lambda: large.undo.index() == 1)
    assert large.catalog.counts().excluded == 2000
    assert len(told) == 1


def test_a_change_that_the_user_stops_is_no_step(large: Project, qtbot: QtBot) -> None:
    """Three long jobs keep all threads busy, so that it is still waiting when it is stopped."""
    gate, ids = threading.Event(), large.catalog.ids()
    for _ in range(3):
        large.run(lambda _: gate.wait(10))
    tasks: list[Any] = []
    large.task_started.connect(tasks.append)
    edits.set_excluded(large, ids, True)
    tasks[0].cancel()
    qtbot.waitUntil(lambda: large.undo.count() == 0)
    gate.set()
    qtbot.waitUntil(lambda: not large.jobs.busy())
    assert large.catalog.counts().excluded == 0


@pytest.mark.parametrize("ending", ["close", "finish"])
def test_what_is_under_way_is_stored_before_the_project_closes(large: Project, ending: str) -> None:
    folder, ids, gate = large.folder, large.catalog.ids(), threading.Event()
    for _ in range(3):
        large.run(lambda _: gate.wait(0.2))
    edits.set_label(large, ids, "B", YES)
    edits.set_excluded(large, ids, True)
    edits.add_flag(large, ids[:1], "last")
    getattr(large, ending)()
    with Catalog.open(folder) as catalog:
        assert catalog.counts().excluded == 2000
        assert catalog.selection(ids).answers["B"] == (2000, 0, 0, 2000)
        assert catalog.flag_names() == ["last"]


def test_a_change_in_the_middle_of_being_stored_is_waited_for(large: Project) -> None:
    """It is neither cut off nor made twice."""
    begun, made = threading.Event(), []

    def slow(catalog: Catalog, images: Ids) -> Ids:
        begun.set()
        changed = catalog.set_excluded(images, True)
        threading.Event().wait(0.2)
        made.append(threading.current_thread())
        return changed

    edits._change(large, large.catalog.ids(), "exclude", slow, lambda _catalog, _before: None)
    assert begun.wait(10)
    large.close()
    assert len(made) == 1
    assert made[0] is not threading.main_thread()


def test_a_fault_of_ours_is_not_tried_for_ever(large: Project, qtbot: QtBot) -> None:
    asked: list[int] = []

    def faulty(_catalog: Catalog, _images: object) -> None:
        asked.append(1)
        raise ZeroDivisionError("a fault")

    with qtbot.captureExceptions() as faults:
        edits._change(large, large.catalog.ids(), "break", faulty, lambda _catalog, _before: None)
        assert large.undo.count() == 1
        qtbot.waitUntil(lambda: large.undo.count() == 0)
    assert [fault[0] for fault in faults] == [ZeroDivisionError]
    assert asked == [1]
    with qtbot.waitSignal(large.images_changed):
        edits.set_excluded(large, large.catalog.ids(), True)


def test_another_project_has_its_own_steps(opened: Project, tmp_path: Path) -> None:
    other = Path(shutil.copytree(opened.folder, tmp_path / "other.cxr"))
    edits.set_excluded(opened, opened.catalog.ids()[:1], True)
    assert opened.open(other)
    assert opened.undo.count() == 0
    edits.set_excluded(opened, opened.catalog.ids()[:2], True)
    opened.undo.undo()
    assert opened.catalog.counts().excluded == 0


def test_ids_of_any_kind_and_twice_the_same(opened: Project) -> None:
    edits.set_excluded(opened, [2, 1, 2], True)
    assert opened.undo.undoText() == "exclude 2 images"
    edits.add_flag(opened, np.array([3, 3], dtype=np.int32), "x")
    assert opened.undo.undoText() == "flag x on 1 image"


def test_undo_outlives_nothing(settings: Settings, lungs: Path, qtbot: QtBot) -> None:
    """A project with steps on its stack can be thrown away."""
    project = Project(settings)
    project.open(lungs)
    edits.set_excluded(project, project.catalog.ids()[:1], True)
    project.finish()
    with qtbot.waitSignal(project.destroyed):
        project.deleteLater()


@pytest.fixture
def importing(opened: Project) -> Iterator[sqlite3.Connection]:
    """Another program that is writing to the project, until its transaction ends."""
    other = sqlite3.connect(opened.folder / "catalog.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_while_another_program_writes_the_window_goes_on_and_the_label_follows(
    opened: Project, importing: sqlite3.Connection, qtbot: QtBot, told: list[Notice]
) -> None:
    catalog, ids = opened.catalog, opened.catalog.ids()
    start = time.monotonic()
    edits.set_label(opened, ids[:1], "Mass", YES)
    edits.set_label(opened, ids[1:2], "Mass", YES)
    edits.set_excluded(opened, ids[:1], True)
    opened.undo.undo()
    assert time.monotonic() - start < 1
    assert opened.undo.count() == 3
    assert "Mass" not in catalog.findings()
    qtbot.waitUntil(opened.jobs.busy)  # the change keeps trying while the other program writes
    importing.execute("ROLLBACK")
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert catalog.labels(ids[:3], ["Mass"]).ravel().tolist() == [YES, YES, NOT_STATED]
    assert catalog.counts().excluded == 0
    assert told == []
    opened.undo.undo()
    assert catalog.labels(ids[:2], ["Mass"]).ravel().tolist() == [YES, NOT_STATED]


def test_undo_and_redo_wait_for_another_program_too(
    opened: Project, qtbot: QtBot, importing: sqlite3.Connection, told: list[Notice]
) -> None:
    catalog, ids = opened.catalog, opened.catalog.ids()
    importing.execute("ROLLBACK")
    edits.set_excluded(opened, ids[:2], True)
    importing.execute("BEGIN IMMEDIATE")
    opened.undo.undo()
    assert catalog.counts().excluded == 2
    importing.execute("ROLLBACK")
    qtbot.waitUntil(lambda: catalog.counts().excluded == 0 and not opened.jobs.busy())
    opened.undo.redo()
    assert catalog.counts().excluded == 2
    assert told == []


def test_closing_while_another_program_writes_says_what_could_not_be_stored(
    opened: Project, importing: sqlite3.Connection, told: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "AT_THE_END", 0.2)
    ids = opened.catalog.ids()
    for place in range(10):
        edits.set_label(opened, ids[place : place + 1], "Mass", YES)
    start = time.monotonic()
    opened.close()
    assert time.monotonic() - start < 3
    assert [notice.what for notice in told] == ["10 changes could not be stored: Another program is writing to this project."]


def test_labels_are_stored_on_closing_though_every_thread_waits_for_a_dead_disk(large: Project) -> None:
    """Else the window would hang, and whoever ends it would lose them."""
    ids, folder, back = large.catalog.ids(), large.folder, threading.Event()
    for _ in range(3):
        large.run(lambda _: back.wait(30), survives=True)
    edits.set_label(large, ids, "Mass", YES)
    edits.set_label(large, ids[:1], "Nodule", YES)
    start = time.monotonic()
    large.close()
    assert time.monotonic() - start < 5
    back.set()
    with Catalog.open(folder) as catalog:
        assert catalog.labels(ids, ["Mass"]).all()
        assert catalog.labels(ids[:2], ["Nodule"]).ravel().tolist() == [YES, NOT_STATED]
