"""The files under review as rows with a thumbnail: name, and below it the top finding, or the state in words."""

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFontMetrics, QImage, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.review.review_list import DONE, FILE, PROBABILITY, REFUSED, STATE, TOP, ReviewList

PADDING = 6
SETTLED = 60
"""Milliseconds without scrolling after which the rows in sight are worth reading."""


class FileRow(QStyledItemDelegate):
    """Draws one file."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Background and focus as the style has them, then picture and texts."""
        files = index.model()
        assert isinstance(files, ReviewList)
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        side = option.rect.height() - 2 * PADDING
        frame = QRect(option.rect.left() + PADDING, option.rect.top() + PADDING, side, side)
        painter.save()
        _draw_thumbnail(painter, frame, files.thumbnail(files.path(index.row())))
        texts = option.rect.adjusted(side + 2 * PADDING, PADDING, -PADDING, -PADDING)
        self._draw_texts(painter, texts, option, files, index.row())
        painter.restore()

    def _draw_texts(self, painter: QPainter, box: QRect, option: QStyleOptionViewItem, files: ReviewList, row: int) -> None:
        chosen, colours = bool(option.state & QStyle.StateFlag.State_Selected), theme.colours()
        metrics = QFontMetrics(option.font)
        lines = (_name(files, row), _below(files, row))
        below = colours.error if files.state(row) == REFUSED else colours.muted
        inks = (colours.on_accent,) * 2 if chosen else (colours.text, below)
        sides = (Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideRight)
        height = box.height() // 2
        for number, (text, ink, side) in enumerate(zip(lines, inks, sides, strict=True)):
            painter.setPen(QColor(ink))
            line = QRect(box.left(), box.top() + number * height, box.width(), height)
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, metrics.elidedText(text, side, box.width()))


class FileList(QTableView):
    """All files; any number of them may be selected, and the current one is on screen.

    A table of one column: Qt's list view looks through all rows whenever one changes, and 10,000 files change for minutes.
    """

    sight_changed = Signal()
    """Other rows are visible than before."""

    def __init__(self, files: ReviewList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Files under review")
        self.setModel(files)
        self.setItemDelegate(FileRow(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.horizontalHeader().hide()
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(2 * self.fontMetrics().height() + 3 * PADDING)
        self.setMinimumWidth(24 * self.fontMetrics().averageCharWidth())
        self._settling = QTimer(self, singleShot=True, interval=SETTLED)
        self._settling.timeout.connect(self._settled)
        self.verticalScrollBar().valueChanged.connect(lambda: self._settling.start())
        files.layoutChanged.connect(lambda: self._settling.start())
        files.modelReset.connect(self._show_one_column)
        self._show_one_column()

    def in_sight(self) -> list[Path]:
        """The files whose rows are visible, from the top."""
        files = self.model()
        assert isinstance(files, ReviewList)
        if not self.isVisible() or not files.rowCount():
            return []
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        return [files.path(row) for row in range(max(first, 0), (last if last >= 0 else files.rowCount() - 1) + 1)]

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Right and left go on and back, as down and up do."""
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()), 0)
        row = self.currentIndex().row() + step
        if not step:
            super().keyPressEvent(event)
        elif not event.modifiers() and 0 <= row < self.model().rowCount():
            self.setCurrentIndex(self.model().index(row, FILE))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """More rows may be in sight."""
        super().resizeEvent(event)
        self._settling.start()

    def _settled(self) -> None:
        if self.isVisible():
            self.sight_changed.emit()

    def _show_one_column(self) -> None:
        for column in range(self.model().columnCount()):
            self.setColumnHidden(column, column != FILE)
        self.horizontalHeader().setSectionResizeMode(FILE, QHeaderView.ResizeMode.Stretch)


def _name(files: ReviewList, row: int) -> str:
    return str(files.index(row, FILE).data())


def _below(files: ReviewList, row: int) -> str:
    """The second line: what was found, or the state."""
    if files.state(row) != DONE:
        return files.state(row)
    texts = [str(files.index(row, column).data()) for column in (PROBABILITY, TOP)]
    return " ".join(text for text in texts if text) or str(files.index(row, STATE).data())


def _draw_thumbnail(painter: QPainter, frame: QRect, picture: QImage | None) -> None:
    if picture is None:
        painter.setPen(QColor(theme.colours().line))
        painter.drawRect(frame.adjusted(0, 0, -1, -1))
    else:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(frame, picture)
