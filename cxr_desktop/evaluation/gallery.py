"""A gallery of images with truth and answer under each, with or without heat maps; Enter or a click opens one large."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QListView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.dataset.thumbnails import Thumbnails
from cxr_desktop.evaluation import figure_words
from cxr_desktop.evaluation.gallery_items import Item, ItemModel, items, with_records
from cxr_desktop.evaluation.heat_pictures import HeatPictures, Wanted
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.widgets.elided_label import ElidedLabel
from trainer.mistakes import Level
from trainer.results import Prediction

MOST = 60
"""Images that are shown at once; all of them can be seen in the dataset."""
SIDE = 132
PADDING = 6


class Gallery(QWidget):
    """Some images of a prediction. `opened` is sent with the item that the user wants to see large."""

    opened = Signal(object)

    def __init__(self, project: Project, network: LoadedNetwork, name: str, parent: QWidget | None = None) -> None:
        """`name` is what it is remembered by."""
        super().__init__(parent)
        self._project, self._name = project, name
        self._networks: tuple[Path, ...] = ()
        self._none = ""
        self._ids: np.ndarray = np.empty(0, np.int64)
        self._words = ""
        self._reading = Latest(project, self)
        self.thumbnails = Thumbnails(project, self)
        self.heat = HeatPictures(project, network, self)
        self.model = ItemModel(self)
        self.title, self.state = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle), theme.muted()
        self.with_heat = QCheckBox("Heat maps")
        self.to_dataset = QPushButton("Show in Dataset")
        self.list = QListView()
        self._dress()
        self._lay_out()
        self._connect()
        self.with_heat.setChecked(project.settings.text(f"evaluation/{name}-heat") == "yes")
        self.clear("")

    def clear(self, words: str) -> None:
        """Show nothing but a sentence."""
        self._words, self._ids = "", np.empty(0, np.int64)
        self.title.clear()
        self.state.setText(words)
        self.model.set_items([])
        self.to_dataset.setEnabled(False)

    def show_maps(self, networks: tuple[Path, ...], none: str = "") -> None:
        """Whose heat maps there are: those of the networks of these run folders together; or in words why there are none."""
        self._networks, self._none = networks, none
        self.with_heat.setEnabled(not none)
        self.with_heat.setToolTip(none or figure_words.glossary_of("heat map") or "Show where the network looked.")

    def show_rows(
        self,
        prediction: Prediction,
        rows: Sequence[int] | np.ndarray,
        *,
        thresholds: Mapping[str, Level],
        finding: str,
        words: str,
        total: int | None = None,
    ) -> None:
        """Show rows of a prediction; `words` say what they are, `total` of how many they are some."""
        self._words = words
        self._ids = prediction.ids[np.asarray(rows, dtype=np.int64)]
        found = items(prediction, rows[:MOST], thresholds, finding)
        of = total if total is not None else len(rows)
        self.title.setText(words if len(found) == of else f"{words}; {len(found)} of {of:,} shown")
        self.to_dataset.setEnabled(bool(len(rows)))
        self.model.set_items(found)
        self._say()
        if found:
            catalog = self._project.background
            self._reading.ask(lambda _: with_records(catalog, found), self._known)

    def ids(self) -> np.ndarray:
        """Ids of all images that it stands for, int64 [n], also of those that are not shown."""
        return self._ids

    def current(self) -> Item | None:
        """The item that has the focus."""
        index = self.list.currentIndex()
        return self.model.items[index.row()] if index.isValid() else None

    def _known(self, found: list[Item]) -> None:
        if [item.image for item in found] != [item.image for item in self.model.items]:
            return
        self.model.items = found
        self._want()
        self._say()
        self.list.viewport().update()

    @property
    def _heated(self) -> bool:
        """Whether heat maps are wanted, and there are any."""
        return self.with_heat.isChecked() and bool(self._networks) and not self._none

    def _want(self) -> None:
        records = [item.record for item in self.model.items if item.record is not None]
        self.thumbnails.set_side(round(SIDE * self.devicePixelRatioF()))
        self.thumbnails.want(records)
        if self._heated:
            wanted = [Wanted(i.record.path, i.record.digest, i.finding) for i in self.model.items if i.record is not None]
            self.heat.want(self._networks, wanted)

    def _toggled(self, on: bool) -> None:
        self._project.settings.set_text(f"evaluation/{self._name}-heat", "yes" if on else "no")
        self._want()
        self._say()
        self.list.viewport().update()

    def _say(self) -> None:
        if not self.model.items:
            self.state.setText("No such image." if self._words else self.state.text())
        elif not self._heated:
            self.state.setText("Click an image, or press Enter, to see it large.")
        elif self.heat.problem:
            self.state.setText(f"No heat maps: {self.heat.problem}")
        elif self.heat.busy and self.heat.top == 0:
            self.state.setText("The network is being loaded …")
        else:
            self.state.setText(f"Brightest colour: evidence of {self.heat.top:.3g} in the network's own unit, in all of them.")

    def picture(self, item: Item) -> QPixmap | str | None:
        """What is painted for an item: a picture, in words why there is none, or None as long as it is made."""
        if item.record is None:
            return None if self._reading.busy else "not in the project any more"
        if self._heated:
            found = self.heat.picture(item.record.digest, item.finding)
            if found is not None:
                return found
        return self.thumbnails.picture(item.record)

    def _opened(self, index: QModelIndex) -> None:
        if index.isValid():
            self.opened.emit(self.model.items[index.row()])

    def _dataset(self) -> None:
        self._project.images_wanted.emit(self._ids, self._words)

    def _dress(self) -> None:
        self.list.setModel(self.model)
        self.list.setItemDelegate(_Delegate(self))
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setAccessibleName("Images")
        self.to_dataset.setToolTip("Show all of these images on the Dataset page.")

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.with_heat)
        top.addWidget(self.to_dataset)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(top)
        column.addWidget(self.list, 1)
        column.addWidget(self.state)

    def _connect(self) -> None:
        self.list.clicked.connect(self._opened)
        self.list.activated.connect(self._opened)
        self.with_heat.toggled.connect(self._toggled)
        self.to_dataset.clicked.connect(self._dataset)
        self.thumbnails.ready.connect(self.list.viewport().update)
        self.heat.changed.connect(self._say)
        self.heat.changed.connect(self.list.viewport().update)


class _Delegate(QStyledItemDelegate):
    """Paints a picture with two lines under it."""

    def __init__(self, gallery: Gallery) -> None:
        super().__init__(gallery)
        self._gallery = gallery

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        return QSize(SIDE + 2 * PADDING, SIDE + 2 * option.fontMetrics.height() + 3 * PADDING)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        chosen, item = theme.colours(), self._gallery.model.items[index.row()]
        painter.save()
        box = QRectF(option.rect).adjusted(1, 1, -1, -1)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            edge = chosen.accent if option.state & QStyle.StateFlag.State_Selected else chosen.line
            painter.setPen(QPen(QColor(edge), 2))
            painter.drawRoundedRect(box, 4, 4)
        frame = QRect(option.rect.x() + PADDING, option.rect.y() + PADDING, SIDE, SIDE)
        self._picture(painter, frame, self._gallery.picture(item))
        painter.setPen(QColor(chosen.text))
        metrics, line = option.fontMetrics, option.fontMetrics.height()
        number = f" {item.probability:.3f}"
        room = SIDE - metrics.horizontalAdvance(number)
        for place, (text, wide) in enumerate(((item.truth, SIDE), (item.said, room))):
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, wide)
            painter.drawText(QRect(frame.x(), frame.bottom() + PADDING + place * line, wide, line), 0, shown)
        below = QRect(frame.x() + room, frame.bottom() + PADDING + line, SIDE - room, line)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, number)
        painter.restore()

    def _picture(self, painter: QPainter, frame: QRect, picture: QPixmap | str | None) -> None:
        chosen = theme.colours()
        if not isinstance(picture, QPixmap):
            painter.fillRect(frame, QColor(chosen.raised))
            painter.setPen(QColor(chosen.muted))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(frame.adjusted(PADDING, 0, -PADDING, 0), flags, picture or "…")
            return
        ratio = picture.width() / max(1, picture.height())
        wide, high = (SIDE, SIDE / ratio) if ratio >= 1 else (SIDE * ratio, SIDE)
        place = QRectF(frame.x() + (SIDE - wide) / 2, frame.y() + (SIDE - high) / 2, wide, high)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(place, picture, QRectF(picture.rect()))
