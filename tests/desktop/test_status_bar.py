"""The line at the bottom: work with progress and time left, the last notice, the device."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.notices import INFORMATION, Notice
from cxr_desktop.status_bar import PURPOSE, StatusBar, duration
from cxr_desktop.tasks import Task


def _bar(qtbot: QtBot) -> StatusBar:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.resize(1000, 30)
    bar.show()
    return bar


def test_what_the_program_is_not_for_always_stands_there(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    assert PURPOSE in [label.text() for label in bar.findChildren(type(bar.device))]


def test_work_is_shown_until_it_has_ended(qtbot: QtBot) -> None:
    bar, task = _bar(qtbot), Task("Importing images")
    assert not bar.work.isVisible()
    bar.work.add(task)
    task.advance(3, 12)
    assert bar.work.isVisible()
    assert bar.work.label.text() == "Importing images"
    assert (bar.work.bar.value(), bar.work.bar.maximum()) == (3, 12)
    task.end()
    assert not bar.work.isVisible()
    assert bar.work.tasks() == []


def test_a_step_in_words_stands_behind_the_name(qtbot: QtBot) -> None:
    bar, task = _bar(qtbot), Task("Making the demo")
    bar.work.add(task)
    task.noted.emit("Training")
    assert bar.work.label.text() == "Making the demo: Training"
    task.end()


def test_work_without_a_name_is_not_shown(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    bar.work.add(Task(""))
    assert not bar.work.isVisible()


def test_the_newest_is_shown_and_the_others_are_counted(qtbot: QtBot) -> None:
    bar, first, second = _bar(qtbot), Task("Importing images"), Task("Evaluating")
    bar.work.add(first)
    bar.work.add(second)
    assert bar.work.label.text() == "Evaluating (+1)"
    assert "Importing images" in bar.work.label.toolTip()
    second.end()
    assert bar.work.label.text() == "Importing images"
    first.end()


def test_the_button_stops_the_work_that_is_shown(qtbot: QtBot) -> None:
    bar, task = _bar(qtbot), Task("Evaluating")
    bar.work.add(task)
    QTest.mouseClick(bar.work.stop, Qt.MouseButton.LeftButton)
    assert task.cancelled
    task.end()


def test_an_unknown_total_is_a_busy_bar(qtbot: QtBot) -> None:
    bar, task = _bar(qtbot), Task("Looking")
    bar.work.add(task)
    task.advance(0, 0)
    assert bar.work.bar.maximum() == 0
    assert bar.work.remaining.text() == ""
    task.end()


def test_time_left_follows_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    task = Task("Importing images")
    assert task.remaining() is None
    now[0] = 110.0
    task.advance(25, 100)
    assert task.remaining() == pytest.approx(30.0)
    task.noted.emit("another step")
    assert task.remaining() is None  # its speed is not known yet
    task.end()
    assert task.remaining() is None


def test_the_last_notice_stays_in_sight_and_gives_way_to_width(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    bar.tell(Notice(INFORMATION, "Saved. " + "A long story " * 40, "", "Do that."))
    assert bar.notice.whole.startswith("Saved.")
    assert bar.notice.text() != bar.notice.whole
    assert bar.notice.toolTip() == bar.notice.whole
    assert bar.width() == 1000


def test_the_device_that_auto_takes_is_named(qtbot: QtBot) -> None:
    bar = _bar(qtbot)
    cpu = {"name": "cpu", "label": "Some CPU", "memory": 0, "free": 0}
    bar.show_devices([{"name": "cuda:0", "label": "Some GPU", "memory": 8, "free": 6}, cpu])
    assert bar.device.text() == "Some GPU"
    bar.show_devices([cpu])
    assert bar.device.text() == "Some CPU"
    bar.show_devices([])
    assert bar.device.text() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (12, "12 s"), (89, "89 s"), (100, "2 min"), (3540, "59 min"), (5400, "1 h 30 min"), (86400, "24 h 00 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
