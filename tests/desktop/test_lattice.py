"""Places in the grid, computed and never stored."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect, QSize

from cxr_desktop.widgets.lattice import GAP, Action, Lattice

LATTICES = st.builds(
    Lattice,
    count=st.integers(1, 1_000_000),
    width=st.integers(1, 3_000),
    tile=st.builds(QSize, st.integers(50, 400), st.integers(50, 400)),
)
ACTIONS = [
    Action.MoveLeft, Action.MoveRight, Action.MoveUp, Action.MoveDown, Action.MovePageUp, Action.MovePageDown, Action.MoveHome,
    Action.MoveEnd, Action.MoveNext, Action.MovePrevious,
]  # fmt: skip
TEN = Lattice(10, 340, QSize(100, 120))
"""Ten tiles, three in a line: 0 1 2 / 3 4 5 / 6 7 8 / 9."""


def test_three_in_a_line() -> None:
    assert (TEN.columns, TEN.line, TEN.height) == (3, 124, 4 * 124 + GAP)
    assert TEN.rect(0) == QRect(10, 4, 100, 120)
    assert TEN.rect(4) == QRect(120, 128, 100, 120)
    assert TEN.rect(9) == QRect(10, 376, 100, 120)


@given(lattice=LATTICES, data=st.data())
def test_the_tile_at_its_own_centre(lattice: Lattice, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, lattice.count - 1))
    rect = lattice.rect(row)
    assume(rect.right() < lattice.width)  # a viewport that is narrower than a tile cuts it off
    assert lattice.near(rect.center()) == row
    assert rect.left() >= 0
    assert rect.bottom() < lattice.height


@given(lattice=LATTICES, data=st.data())
def test_tiles_do_not_touch(lattice: Lattice, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, lattice.count - 1))
    for other in (row + 1, row + lattice.columns):
        if other < lattice.count:
            assert not lattice.rect(row).intersects(lattice.rect(other))


@given(lattice=LATTICES, top=st.integers(0, 10**7), height=st.integers(1, 2_000))
def test_visible_rows_are_those_whose_lines_are_on_screen(lattice: Lattice, top: int, height: int) -> None:
    rows = lattice.rows(top, height)
    assert 0 <= rows.start <= rows.stop <= lattice.count
    if rows:
        assert lattice.top(rows[-1]) - GAP < top + height
        assert lattice.top(rows[0]) + lattice.line > top
    assert len(rows) <= (height // lattice.line + 2) * lattice.columns


def test_points_outside_lead_to_the_nearest() -> None:
    assert TEN.near(QPoint(-50, -50)) == 0
    assert TEN.near(QPoint(10_000, 20)) == 2
    assert TEN.near(QPoint(10, 10_000)) == 9
    assert TEN.near(QPoint(330, 400)) == 9
    assert Lattice(0, 340, QSize(100, 120)).near(QPoint(5, 5)) == -1


@pytest.mark.parametrize(
    ("row", "action", "to"),
    [
        (4, Action.MoveLeft, 3), (3, Action.MoveLeft, 2), (0, Action.MoveLeft, 0), (9, Action.MoveRight, 9),
        (4, Action.MoveUp, 1), (1, Action.MoveUp, 1), (6, Action.MoveDown, 9), (7, Action.MoveDown, 7),
        (0, Action.MovePageDown, 6), (1, Action.MovePageDown, 7), (4, Action.MovePageDown, 7), (9, Action.MovePageUp, 3),
        (2, Action.MovePageUp, 2), (5, Action.MoveHome, 0), (5, Action.MoveEnd, 9), (5, Action.MoveNext, 6),
        (5, Action.MovePrevious, 4),
    ],
)  # fmt: skip
def test_keys(row: int, action: Action, to: int) -> None:
    assert TEN.moved(row, action, page=250) == to


@given(lattice=LATTICES, action=st.sampled_from(ACTIONS), page=st.integers(1, 3_000), data=st.data())
def test_no_key_leads_out(lattice: Lattice, action: Action, page: int, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, lattice.count - 1))
    assert 0 <= lattice.moved(row, action, page) < lattice.count


def test_a_viewport_that_is_too_narrow_has_one_column() -> None:
    narrow = Lattice(3, 20, QSize(100, 120))
    assert narrow.columns == 1
    assert [narrow.rect(row).left() for row in range(3)] == [0, 0, 0]


def test_a_million_images_fit_into_a_scroll_bar() -> None:
    assert Lattice(1_000_000, 400, QSize(220, 270)).height < 2**31
