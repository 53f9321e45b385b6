"""Only the newest question is answered."""

import threading

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.latest import Latest
from cxr_desktop.notices import Notice
from cxr_desktop.project import Project
from trainer.errors import DataError, Progress


class Gate:
    """A job that waits until it is let through."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, progress: Progress) -> str:
        assert self.open.wait(10)
        return "slow"


@pytest.fixture
def latest(opened: Project) -> Latest:
    return Latest(opened, opened)


def test_an_answer_arrives(qtbot: QtBot, latest: Latest) -> None:
    answers: list[int] = []
    latest.ask(lambda _: 7, answers.append)
    assert latest.busy
    qtbot.waitUntil(lambda: not latest.busy)
    assert answers == [7]


def test_only_the_newest_of_many_is_asked_and_answered(qtbot: QtBot, latest: Latest) -> None:
    gate, asked, answers = Gate(), [], []
    latest.ask(gate, answers.append)
    for number in range(20):
        latest.ask(lambda _, number=number: asked.append(number) or number, answers.append)
    gate.open.set()
    qtbot.waitUntil(lambda: not latest.busy)
    assert (asked, answers) == ([19], [19])


def test_an_error_that_was_overtaken_is_not_told(qtbot: QtBot, latest: Latest, told: list[Notice]) -> None:
    gate, answers = Gate(), []

    def refused(progress: Progress) -> None:
        gate(progress)
        raise DataError("It cannot be")

    latest.ask(refused, answers.append)
    latest.ask(lambda _: 1, answers.append)
    gate.open.set()
    qtbot.waitUntil(lambda: not latest.busy)
    assert (answers, told) == ([1], [])


def test_an_error_is_told_or_given_to_who_wants_it(qtbot: QtBot, latest: Latest, told: list[Notice]) -> None:
    def refused(progress: Progress) -> None:
        raise DataError("It cannot be", remedy="Do without.")

    errors: list[object] = []
    latest.ask(refused, print)
    qtbot.waitUntil(lambda: not latest.busy)
    assert [notice.what for notice in told] == ["It cannot be."]
    latest.ask(refused, print, errors.append)
    qtbot.waitUntil(lambda: not latest.busy)
    assert len(errors) == len(told) == 1


def test_a_question_in_the_answer_is_asked(qtbot: QtBot, latest: Latest) -> None:
    answers: list[int] = []

    def again(value: int) -> None:
        answers.append(value)
        if value < 3:
            latest.ask(lambda _: value + 1, again)

    latest.ask(lambda _: 1, again)
    qtbot.waitUntil(lambda: not latest.busy)
    assert answers == [1, 2, 3]


def test_another_project_does_not_wait_for_the_old_one(qtbot: QtBot, opened: Project, latest: Latest) -> None:
    gate, answers, folder = Gate(), [], opened.folder
    latest.ask(gate, answers.append)
    opened.close()
    assert opened.open(folder)
    latest.ask(lambda _: 2, answers.append)
    qtbot.waitUntil(lambda: answers == [2])
    gate.open.set()
    qtbot.waitUntil(lambda: not opened.jobs.busy())
    assert answers == [2]
    assert not latest.busy
