"""Images as a grid of tiles, as many as there are: nothing is laid out, every place is computed from the row.

Qt's own list view lays out each item, which takes seconds and hundreds of megabytes for a million.
"""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QHelpEvent, QKeyEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QToolTip, QWidget

from cxr_desktop.dataset.tables import ImagesModel
from cxr_desktop.dataset.thumbnails import Thumbnails
from cxr_desktop.widgets.lattice import GAP, Action, Lattice
from cxr_desktop.widgets.tile import SIZES, Standing, TilePainter

Hint = QAbstractItemView.ScrollHint
STEPS = 3
"""Single steps of the scroll bar for one line of tiles."""


class ImageGrid(QAbstractItemView):
    """Shows an `ImagesModel`; the selection model may be shared with a table."""

    opened = Signal()
    """The current image was asked for by a double click or Enter."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._tiles = TilePainter(self.font(), SIZES[1])
        self.setAccessibleName("Images")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMouseTracking(False)
        self.doubleClicked.connect(lambda _: self.opened.emit())
        thumbnails.ready.connect(self._show_ready)

    # Size of the tiles

    @property
    def side(self) -> int:
        """Longer edge of the pictures in device independent pixels."""
        return self._tiles.side

    def set_side(self, side: int) -> None:
        """Show larger or smaller pictures; the image at the top stays."""
        top = self.visible_rows().start
        self._tiles = TilePainter(self.font(), side)
        self._keep_at_top(top)
        self.viewport().update()

    def _keep_at_top(self, row: int) -> None:
        self.updateGeometries()
        self.verticalScrollBar().setValue(self.lattice().top(row) - GAP)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """A new font has another height."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.set_side(self.side)

    def lattice(self) -> Lattice:
        """Where the tiles stand."""
        model = self.model()
        return Lattice(model.rowCount() if model is not None else 0, self.viewport().width(), self._tiles.size)

    def visible_rows(self) -> range:
        """Rows of the model of which at least a part is on the screen."""
        return self.lattice().rows(self.verticalOffset(), self.viewport().height())

    def _rect(self, row: int) -> QRect:
        return self.lattice().rect(row).translated(0, -self.verticalOffset())

    def _row_near(self, point: QPoint) -> int:
        return self.lattice().near(point + QPoint(0, self.verticalOffset()))

    # What a view must answer

    def visualRect(self, index: QModelIndex) -> QRect:  # noqa: N802 - Qt's name
        """Where an image stands in the viewport."""
        return self._rect(index.row()) if index.isValid() else QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:  # noqa: N802 - Qt's name
        """The image under a point of the viewport."""
        row = self._row_near(point)
        return self.model().index(row, 0) if row >= 0 and self._rect(row).contains(point) else QModelIndex()

    def scrollTo(self, index: QModelIndex, hint: Hint = Hint.EnsureVisible) -> None:  # noqa: N802 - Qt's name
        """Bring an image onto the screen, moving as little as possible."""
        if not index.isValid():
            return
        rect, bar, height = self._rect(index.row()), self.verticalScrollBar(), self.viewport().height()
        if hint == Hint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - height // 2)
        elif rect.top() < GAP or hint == Hint.PositionAtTop:
            bar.setValue(bar.value() + rect.top() - GAP)
        elif rect.bottom() > height - GAP:
            bar.setValue(bar.value() + min(rect.bottom() - height + GAP, rect.top() - GAP))

    def moveCursor(self, action: Action, modifiers: Qt.KeyboardModifier) -> QModelIndex:  # noqa: N802 - Qt's
        """Where a key leads from the current image."""
        lattice, current = self.lattice(), self.currentIndex()
        if not lattice.count:
            return QModelIndex()
        row = lattice.moved(current.row(), action, self.viewport().height()) if current.isValid() else self.visible_rows().start
        return self.model().index(row, 0)

    def horizontalOffset(self) -> int:  # noqa: N802 - Qt's name
        """The grid never scrolls sideways."""
        return 0

    def verticalOffset(self) -> int:  # noqa: N802 - Qt's name
        """Pixels above the viewport."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: QModelIndex) -> bool:  # noqa: N802 - Qt's
        """None is."""
        return False

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:  # noqa: N802 - Qt's name
        """Select from the image at one corner to that at the other, row by row as one reads: always one range."""
        selection = QItemSelection()
        touched = rect.width() > 1 or rect.height() > 1 or self.indexAt(rect.topLeft()).isValid()
        if self.lattice().count and touched:
            rows = sorted((self._row_near(rect.topLeft()), self._row_near(rect.bottomRight())))
            last = self.model().columnCount() - 1
            selection.append(QItemSelectionRange(self.model().index(rows[0], 0), self.model().index(rows[1], last)))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:  # noqa: N802 - Qt's name
        """What must be painted again when this selection changes."""
        region, visible = QRegion(), self.visible_rows()
        for part in selection:
            for row in range(max(part.top(), visible.start), min(part.bottom() + 1, visible.stop)):
                region += self._rect(row)
        return region

    def keyboardSearch(self, search: str) -> None:  # noqa: N802 - Qt's name
        """Typing does not search: it would read every image. There is a text filter for that."""

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # noqa: N802 - Qt's name
        """Say to screen readers which image the keyboard acts on."""
        super().currentChanged(current, previous)
        self._describe()

    def dataChanged(self, first: QModelIndex, last: QModelIndex, roles: Sequence[int] = ()) -> None:  # noqa: N802 - Qt's name
        """The current image may be read only now."""
        super().dataChanged(first, last, list(roles))
        self._describe()

    def _describe(self) -> None:
        words = self.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole) if self.currentIndex().isValid() else None
        description = ", ".join(str(words or "").splitlines())
        if description != self.accessibleDescription():
            self.setAccessibleDescription(description)

    # Scrolling and painting

    def updateGeometries(self) -> None:  # noqa: N802 - Qt's name
        """Fit the scroll bar to the number of images."""
        super().updateGeometries()
        bar, height, lattice = self.verticalScrollBar(), self.viewport().height(), self.lattice()
        bar.setPageStep(height)
        bar.setSingleStep(max(1, lattice.line // STEPS))
        bar.setRange(0, max(0, lattice.height - height))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The image at the top stays there when the number of columns changes."""
        before = replace(self.lattice(), width=event.oldSize().width())
        super().resizeEvent(event)
        self.updateGeometries()
        if before.columns != self.lattice().columns:
            self._keep_at_top(before.rows(self.verticalOffset(), 1).start)

    def scrollContentsBy(self, dx: int, dy: int) -> None:  # noqa: N802 - Qt's name
        """Move what is painted already."""
        self.viewport().scroll(dx, dy)
        QToolTip.hideText()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the tiles that are touched, and ask for the pictures that are on the screen."""
        model, selection, current = self.model(), self.selectionModel(), self.currentIndex().row()
        assert isinstance(model, ImagesModel)
        self._thumbnails.set_side(round(self.side * self.devicePixelRatioF()))
        visible = self.visible_rows()
        records = {row: model.record(row) for row in visible}
        with QPainter(self.viewport()) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            for row, record in records.items():
                rect = self._rect(row)
                if event.region().intersects(rect):
                    standing = Standing(selection.isSelected(model.index(row, 0)), row == current and self.hasFocus())
                    picture = self._thumbnails.picture(record) if record else None
                    self._tiles.paint(painter, rect, record, picture, standing)
        self._thumbnails.want([record for record in records.values() if record])

    def _show_ready(self, digests: frozenset[str]) -> None:
        model = self.model()
        if isinstance(model, ImagesModel) and self.isVisible():
            for row in self.visible_rows():
                record = model.record(row)
                if record and record.digest in digests:
                    self.viewport().update(self._rect(row))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Enter opens the current image."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.opened.emit()
            return
        super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """The tooltip also says why a picture cannot be shown."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index, model = self.indexAt(event.pos()), self.model()
            record = model.record(index.row()) if index.isValid() and isinstance(model, ImagesModel) else None
            picture = self._thumbnails.picture(record) if record else None
            words = [str(index.data(Qt.ItemDataRole.ToolTipRole) or "")] if record else []
            if isinstance(picture, str):
                words.append(f"Cannot be shown: {picture}.")
            QToolTip.showText(event.globalPos(), "\n".join(words), self.viewport())
            return True
        return bool(super().viewportEvent(event))
