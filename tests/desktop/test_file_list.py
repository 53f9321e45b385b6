"""The list at the left: what a row says, which rows are in sight, what keys do."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.review.review_list import Answers, ReviewList
from cxr_desktop.widgets import file_list
from cxr_desktop.widgets.file_list import FileList
from trainer import verdicts
from trainer.verdicts import FilePrediction

PATHS = [Path(f"/images/{number:04d}.png") for number in range(500)]


@pytest.fixture
def files(qtbot: QtBot) -> ReviewList:
    made = ReviewList()
    made.add(PATHS)
    return made


@pytest.fixture
def shown(qtbot: QtBot, files: ReviewList) -> FileList:
    made = FileList(files)
    files.setParent(made)
    qtbot.addWidget(made)
    made.resize(240, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_the_second_line_says_what_was_found_or_the_state(files: ReviewList) -> None:
    assert file_list._below(files, 0) == "no model"
    files.ask_for(Answers(("Normal", "Mass")))
    said = FilePrediction(PATHS[0], np.array([0.25, 0.75], np.float32), np.zeros(2, np.float32))
    files.answer(said)
    files.answer(verdicts.refused(PATHS[1], "The file is empty."))
    assert [file_list._below(files, row) for row in range(3)] == ["0.750 Mass", "not readable", "waiting"]
    assert file_list._name(files, 0) == "0000.png"


def test_what_is_in_sight(qtbot: QtBot, shown: FileList) -> None:
    first = shown.in_sight()
    assert first[0] == PATHS[0]
    assert 4 < len(first) < 20
    with qtbot.waitSignal(shown.sight_changed):
        shown.verticalScrollBar().setValue(shown.verticalScrollBar().maximum())
    assert shown.in_sight()[-1] == PATHS[-1]
    shown.hide()
    assert shown.in_sight() == []


def test_a_short_list_is_in_sight_as_a_whole(qtbot: QtBot, files: ReviewList, shown: FileList) -> None:
    files.remove(range(3, 500))
    assert shown.in_sight() == PATHS[:3]


def test_right_and_left_go_on_and_back(qtbot: QtBot, shown: FileList, files: ReviewList) -> None:
    shown.setCurrentIndex(files.index(0, 0))
    for key, row in ((Qt.Key.Key_Left, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_Down, 2), (Qt.Key.Key_Left, 1)):
        qtbot.keyClick(shown, key)
        assert shown.currentIndex().row() == row


def test_whole_rows_are_selected(qtbot: QtBot, shown: FileList, files: ReviewList) -> None:
    shown.setCurrentIndex(files.index(2, 0))
    assert len(shown.selectionModel().selectedIndexes()) == files.columnCount()


def test_the_thumbnail_is_drawn(qtbot: QtBot, shown: FileList, files: ReviewList) -> None:
    picture = QImage(96, 96, QImage.Format.Format_Grayscale8)
    picture.fill(200)
    files.keep_thumbnail(PATHS[0], picture)
    row = shown.visualRect(files.index(0, 0))
    seen = shown.viewport().grab(row).toImage()
    assert seen.pixelColor(row.height() // 2, row.height() // 2) == QColor(200, 200, 200)


def test_an_unreadable_file_is_told_in_words_and_not_in_colour_alone(
    qtbot: QtBot, shown: FileList, files: ReviewList, qapp: QApplication
) -> None:
    files.answer(verdicts.refused(PATHS[0], "The file is empty."))
    assert file_list._below(files, 0) == "not readable"
    light = shown.viewport().grab(shown.visualRect(files.index(0, 0))).toImage()
    theme.apply(qapp, "dark")
    QApplication.sendPostedEvents(None, QEvent.Type.PaletteChange)
    dark = shown.viewport().grab(shown.visualRect(files.index(0, 0))).toImage()
    assert light != dark
