"""Marks on a radiograph: what is certain, what is not, and what there is no room for."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFont, QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import QApplication

from cxr_desktop.widgets import image_marks
from cxr_desktop.widgets.image_marks import Sides
from tests.desktop.radiographs import pixels_of
from trainer.bearings import Bearings

ROOM = QRectF(10, 10, 280, 180)


@pytest.fixture
def sheet(qapp: QApplication) -> QImage:
    image = QImage(300, 200, QImage.Format.Format_RGB32)
    image.fill(0)
    return image


def drawn_columns(sheet: QImage) -> tuple[int, int]:
    """First and last column with anything bright."""
    bright = np.flatnonzero((pixels_of(sheet).max(axis=2) > 120).any(axis=0))
    return int(bright[0]), int(bright[-1])


def test_stated_sides_are_certain() -> None:
    assert image_marks.sides(Bearings("L", "R", "H", "F"), "PA") == Sides("L", "R", "H", "F", certain=True)


@pytest.mark.parametrize("view", ["PA", "AP"])
def test_a_frontal_view_has_sides_by_convention(view: str) -> None:
    assert image_marks.sides(Bearings(), view) == Sides("R", "L", certain=False)


@pytest.mark.parametrize("view", ["", "LL", "LATERAL"])
def test_otherwise_nothing_is_claimed(view: str) -> None:
    assert image_marks.sides(Bearings(), view) == Sides()


def test_doubtful_letters_have_a_question_mark_and_stand_at_their_edges(qapp: QApplication) -> None:
    boxes = image_marks.side_boxes(ROOM, Sides("R", "L", certain=False), QFont())
    assert set(boxes) == {"R?", "L?"}
    assert boxes["R?"].left() == ROOM.left()
    assert boxes["L?"].right() == pytest.approx(ROOM.right())
    certain = image_marks.side_boxes(ROOM, Sides("R", "L", "H", "F"), QFont())
    assert set(certain) == {"R", "L", "H", "F"}
    assert certain["H"].top() == ROOM.top()
    assert certain["F"].bottom() == pytest.approx(ROOM.bottom())
    assert all(ROOM.adjusted(-1, -1, 1, 1).contains(box) for box in certain.values())


@pytest.mark.parametrize(
    ("per_mm", "room", "length"),
    [(1, 300, 200), (0.5, 300, 500), (10, 100, 10), (0.01, 100, 0), (2, 30, 10), (30, 25, 0), (1, 0, 0)],
)
def test_the_longest_length_that_fits(per_mm: float, room: float, length: int) -> None:
    assert image_marks.bar_length(per_mm, room) == length


def test_the_bar_is_as_long_as_it_says(sheet: QImage) -> None:
    painter = QPainter(sheet)
    image_marks.scale_bar(painter, QPointF(150, 100), 2.0, 50, "")
    painter.end()
    row = np.flatnonzero(pixels_of(sheet)[99:101].max(axis=(0, 2)) > 120)
    assert row[-1] - row[0] == pytest.approx(100, abs=2)


def test_short_texts_stand_whole_at_both_ends(sheet: QImage) -> None:
    painter = QPainter(sheet)
    image_marks.row(painter, ROOM, ["left"], ["right"])
    painter.end()
    first, last = drawn_columns(sheet)
    assert first in range(9, 14)
    assert last in range(284, 292)


@pytest.mark.parametrize("bottom", [False, True])
def test_texts_that_would_meet_stand_in_lines_of_their_own(sheet: QImage, bottom: bool) -> None:
    painter = QPainter(sheet)
    image_marks.row(painter, ROOM, ["x" * 90], ["y" * 90, "y"], bottom=bottom)
    painter.end()
    lit = pixels_of(sheet).max(axis=2) > 120
    assert not lit[:, :9].any()
    assert not lit[:, 292:].any()
    lines = np.flatnonzero(np.diff(lit.any(axis=1).astype(int)) == 1)
    assert len(lines) == 3
    middle = lines.mean()
    assert bool(middle > 100) is bottom
    single = lit[lines[1] + 1 : lines[1] + 3] if bottom else lit[lines[2] + 1 : lines[2] + 3]
    assert not single[:, :200].any()  # "y" alone stands at the right end


def test_text_can_be_read_on_white(sheet: QImage) -> None:
    sheet.fill(0xFFFFFFFF)
    painter = QPainter(sheet)
    image_marks.row(painter, ROOM, ["words"], [])
    painter.end()
    assert pixels_of(sheet)[:30, :60].min() < 120


def test_a_cross_marks_a_place(sheet: QImage) -> None:
    painter = QPainter(sheet)
    image_marks.cross(painter, QPointF(100, 50))
    painter.end()
    lit = pixels_of(sheet).max(axis=2) > 100
    assert lit[50, 92:97].any()
    assert not lit[50, 100]  # what it points at can be seen


def test_long_findings_are_wrapped_at_their_separators(qapp: QApplication) -> None:
    font = QFont()
    width = QFontMetricsF(font).horizontalAdvance("Pneumonia/Vir")
    assert image_marks.wrapped("Pneumonia/Viral/COVID-19", font, width, 5)[0] == "Pneumonia/"
    broken = image_marks.wrapped("W" * 60, font, width, 100)
    assert "".join(broken) == "W" * 60
    assert all(QFontMetricsF(font).horizontalAdvance(line) <= width for line in broken)
    short = image_marks.wrapped("W" * 60, font, width, 2)
    assert len(short) == 2
    assert short[1].endswith("…")
    assert image_marks.wrapped("", font, width, 2) == [""]
