"""Work in threads: results come to the UI thread, late ones are dropped, faults are not hidden."""

import threading
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThread
from pytestqt.qtbot import QtBot

from cxr_desktop.jobs import Jobs
from trainer.errors import DataError, Progress


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    made = Jobs(threads=2)
    yield made
    made.finish()


def test_a_result_is_delivered_in_the_ui_thread(qtbot: QtBot, jobs: Jobs) -> None:
    seen: list[tuple[object, bool, bool]] = []
    ui = QThread.currentThread()

    def work(progress: Progress) -> int:
        return threading.get_ident()

    job = jobs.run(work, lambda result: seen.append((result, QThread.currentThread() == ui, job.running)))
    with qtbot.waitSignal(job.ended):
        pass
    assert seen[0][0] != threading.get_ident()
    assert seen[0][1:] == (True, True)
    assert not jobs.busy()


def test_progress_is_told_in_order(qtbot: QtBot, jobs: Jobs) -> None:
    told: list[tuple[int, int]] = []

    def work(progress: Progress) -> None:
        for done in range(1, 6):
            progress(done, 5)

    job = jobs.run(work)
    job.progressed.connect(lambda done, total: told.append((done, total)))
    with qtbot.waitSignal(job.ended):
        pass
    assert told == [(done, 5) for done in range(1, 6)]


def test_an_error_of_the_users_world_is_handed_over(qtbot: QtBot, jobs: Jobs) -> None:
    told: list[object] = []

    def work(progress: Progress) -> None:
        raise DataError("The table is empty", where="labels.csv", remedy="Choose another.")

    job = jobs.run(work, lambda result: told.append("done"), told.append)
    with qtbot.waitSignal(job.ended):
        pass
    assert [str(one) for one in told] == ["The table is empty (labels.csv). Choose another."]


def test_a_fault_of_ours_is_raised_in_the_ui_thread(qtbot: QtBot, jobs: Jobs) -> None:
    def work(progress: Progress) -> None:
        raise ZeroDivisionError("ours")

    with qtbot.captureExceptions() as faults:
        job = jobs.run(work)
        with qtbot.waitSignal(job.ended):
            pass
    assert [kind for kind, _, _ in faults] == [ZeroDivisionError]


def test_a_cancelled_job_delivers_nothing_and_ends_at_its_next_word(qtbot: QtBot, jobs: Jobs) -> None:
    going, cancelled, reached = threading.Event(), threading.Event(), threading.Event()

    def work(progress: Progress) -> str:
        going.set()
        assert cancelled.wait(10)
        progress(1, 2)
        reached.set()
        return "late"

    seen: list[object] = []
    job = jobs.run(work, seen.append, seen.append)
    assert going.wait(10)
    job.cancel()
    with qtbot.waitSignal(job.ended):
        cancelled.set()
    assert seen == []
    assert not reached.is_set()


def test_a_job_that_had_not_begun_never_begins(qtbot: QtBot) -> None:
    jobs, hold, ran = Jobs(threads=1), threading.Event(), threading.Event()
    first = jobs.run(lambda progress: hold.wait(10))
    second = jobs.run(lambda progress: ran.set())
    with qtbot.waitSignal(second.ended):
        second.cancel()
    with qtbot.waitSignal(first.ended):
        hold.set()
    jobs.finish()
    assert not ran.is_set()


def test_a_result_for_an_owner_that_is_gone_is_dropped(qtbot: QtBot, jobs: Jobs) -> None:
    hold, seen = threading.Event(), []
    owner = QObject()
    job = jobs.run(lambda progress: hold.wait(10), seen.append, owner=owner)
    owner.deleteLater()
    with qtbot.waitSignal(owner.destroyed):
        pass
    with qtbot.waitSignal(job.ended):
        hold.set()
    assert seen == []


def test_finish_waits_for_the_threads(qtbot: QtBot) -> None:
    jobs, going, ended = Jobs(threads=1), threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        going.set()
        try:
            while True:
                progress(0, 0)
        finally:
            ended.set()

    job = jobs.run(work)
    over: list[bool] = []
    job.ended.connect(lambda: over.append(True))
    assert going.wait(10)
    jobs.finish()
    assert ended.is_set()
    assert over == [True]


def test_without_threads_everything_is_done_at_once(qtbot: QtBot) -> None:
    jobs, seen = Jobs(threads=0), []
    jobs.run(lambda progress: 7, seen.append)
    assert seen == [7]
    assert not jobs.busy()


def test_after_finish_nothing_is_done_any_more(qtbot: QtBot) -> None:
    jobs, seen = Jobs(threads=1), []
    jobs.finish()
    job = jobs.run(lambda progress: seen.append("worked"), seen.append, seen.append)
    assert not job.running
    assert seen == []
    assert not jobs.busy()


def test_finish_does_not_wait_for_ever_for_a_dead_disk(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr_desktop.jobs.PATIENCE", 0.2)
    jobs, going, back, seen = Jobs(threads=1), threading.Event(), threading.Event(), list[object]()

    def work(progress: Progress) -> None:
        going.set()
        back.wait(30)

    jobs.run(work, seen.append, seen.append)
    assert going.wait(10)
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("job_"))  # the program may end
    start = time.monotonic()
    jobs.finish()
    assert time.monotonic() - start < 5
    assert not jobs.busy()
    back.set()
    for thread in [one for one in threading.enumerate() if one.name.startswith("job_")]:
        thread.join(10)  # it still knows `jobs`: a Qt object must not be freed by another thread than its own
    assert seen == []
