"""Cycles are collected by the timer in the UI thread, and by Python again afterwards."""

import gc
import weakref

from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from cxr_desktop.collector import Collector


class _Node:
    def __init__(self) -> None:
        self.itself = self


def test_cycles_are_freed_in_the_ui_thread_only(qtbot: QtBot) -> None:
    collector = Collector()
    try:
        assert not gc.isenabled()
        freed_in: list[QThread] = []
        node = _Node()
        weakref.finalize(node, lambda: freed_in.append(QThread.currentThread()))
        del node
        clutter = [[] for _ in range(gc.get_threshold()[0] + 10)]  # enough that a look is due
        collector.look()
        assert freed_in == [QThread.currentThread()]
        assert len(clutter) > 0
    finally:
        collector.stop()
    assert gc.isenabled()


def test_nothing_is_done_as_long_as_little_was_made(qtbot: QtBot) -> None:
    collector = Collector()
    try:
        gc.collect()
        before = gc.get_stats()[0]["collections"]
        collector.look()
        assert gc.get_stats()[0]["collections"] == before
    finally:
        collector.stop()
