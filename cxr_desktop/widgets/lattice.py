"""Places of equal tiles in lines from left to right: nothing is stored, every place is computed from the row number."""

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QAbstractItemView

Action = QAbstractItemView.CursorAction
GAP = 4
"""Smallest space between two tiles."""


@dataclass(frozen=True)
class Lattice:
    """`count` tiles of one size in a viewport of `width` pixels; y counts from the top of all tiles."""

    count: int
    width: int
    tile: QSize

    @property
    def columns(self) -> int:
        """Tiles in a line."""
        return max(1, (self.width - GAP) // (self.tile.width() + GAP))

    @property
    def line(self) -> int:
        """Pixels from one line to the next."""
        return self.tile.height() + GAP

    @property
    def height(self) -> int:
        """Pixels of all lines."""
        return -(-self.count // self.columns) * self.line + GAP

    def rect(self, row: int) -> QRect:
        """Where a tile stands; what is left over of the width is shared among the spaces."""
        column = row % self.columns
        spare = max(0, self.width - self.columns * self.tile.width())
        left = round(spare * (column + 1) / (self.columns + 1)) + column * self.tile.width()
        return QRect(QPoint(left, self.top(row)), self.tile)

    def top(self, row: int) -> int:
        """Upper edge of a tile."""
        return row // self.columns * self.line + GAP

    def rows(self, top: int, height: int) -> range:
        """Rows of which at least a part lies between `top` and `top + height`."""
        first = max(0, top // self.line) * self.columns
        return range(min(first, self.count), min(((top + height - 1) // self.line + 1) * self.columns, self.count))

    def near(self, point: QPoint) -> int:
        """The row at or nearest to a point; -1 if there is none."""
        column = min(max(0, point.x() * self.columns // max(1, self.width)), self.columns - 1)
        return min(max(0, point.y() // self.line * self.columns + column), self.count - 1)

    def moved(self, row: int, action: Action, page: int) -> int:
        """Where a key leads from a row; `page` is the height of the viewport. Up and down stay in their column."""
        lines = max(1, page // self.line) * self.columns
        sideways = {Action.MoveLeft: -1, Action.MovePrevious: -1, Action.MoveRight: 1, Action.MoveNext: 1}
        upright = {
            Action.MoveUp: -self.columns, Action.MoveDown: self.columns, Action.MovePageUp: -lines, Action.MovePageDown: lines,
        }  # fmt: skip
        if action in sideways:
            return min(max(0, row + sideways[action]), self.count - 1)
        if action in upright:
            return self._in_column(row, upright[action])
        return 0 if action == Action.MoveHome else self.count - 1

    def _in_column(self, row: int, step: int) -> int:
        column = row % self.columns
        last = (self.count - 1 - column) // self.columns * self.columns + column
        return min(max(column, row + step), last)
