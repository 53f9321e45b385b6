"""How a view of a light box is drawn: the radiograph pixel by pixel of the screen, and the marks on it."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import image_marks, mask_layer
from cxr_desktop.widgets.lightbox import Lightbox
from cxr_desktop.widgets.rendering import Rendering
from cxr_desktop.widgets.sight import Sight, Size
from trainer.colours import FRAMED
from trainer.geometry import Part


class ImageCanvas(QWidget):
    """Shows what lies on a light box, with or without its heat map.

    `title` says which view it is, where there are two; the `second` of two does not repeat what both have in common.
    """

    def __init__(self, lightbox: Lightbox, *, with_heat: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lightbox, self.with_heat = lightbox, with_heat
        self.title, self.second = "", False
        self._rendering = Rendering()
        self._drawn: tuple[object, NDArray[np.uint8], QImage] | None = None
        self._masked: tuple[object, object, NDArray[np.uint8], QImage] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Heat map over the radiograph" if with_heat else "Radiograph")
        self._describe()
        lightbox.changed.connect(self.update)
        lightbox.pointed.connect(self.update)
        lightbox.image_changed.connect(self._describe)
        lightbox.heat_changed.connect(self._describe)

    # Geometry

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for a small radiograph."""
        return QSize(320, 320)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Room for a thumbnail."""
        return QSize(120, 120)

    def view(self) -> Size:
        """Width and height in pixels of the screen."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def sight(self) -> Sight:
        """Where this view looks. Only with an image."""
        return self.lightbox.sight or Sight.whole(self.lightbox.size, self.view())

    def place(self, at: QPointF) -> tuple[float, float]:
        """Column and row of the image at a point of the widget. Only with an image."""
        ratio = self.devicePixelRatioF()
        return self.sight().place(at.x() * ratio, at.y() * ratio, self.view())

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Zoom (screen pixels per image pixel); the place at a point, or in the middle, stays where it is."""
        if self.lightbox.image is None:
            return
        ratio = self.devicePixelRatioF()
        point = at or QRectF(self.rect()).center()
        self.lightbox.set_sight(self.sight().zoomed(zoom, point.x() * ratio, point.y() * ratio, self.view()))

    def pan(self, right: float, down: float) -> None:
        """Move the image by so many points."""
        if self.lightbox.image is not None:
            ratio = self.devicePixelRatioF()
            self.lightbox.set_sight(self.sight().moved(right * ratio, down * ratio))

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw what lies on the light box."""
        painter = QPainter(self)
        if self.lightbox.image is None:
            painter.fillRect(self.rect(), QColor(theme.colours().surface))
            painter.setPen(QColor(theme.colours().muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No image")
        else:
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
            self._paint_image(painter)
            self._paint_marks(painter)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.colours().accent), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_image(self, painter: QPainter) -> None:
        pyramid, sight, view = self.lightbox.pyramid, self.sight(), self.view()
        assert pyramid is not None
        left, top = sight.origin(view)
        whole = pyramid.size(sight.zoom)
        x0, y0 = max(0, left), max(0, top)
        width, height = min(view[0], left + whole[0]) - x0, min(view[1], top + whole[1]) - y0
        if width <= 0 or height <= 0:
            return
        box = (x0 - left, y0 - top, width, height)
        ratio = self.devicePixelRatioF()
        painter.drawImage(QPointF(x0 / ratio, y0 / ratio), self._rendered(sight.zoom, box, ratio))
        if self.lightbox.masks:
            painter.drawImage(QPointF(x0 / ratio, y0 / ratio), self._masks(sight.zoom, box, ratio))

    def _masks(self, zoom: float, box: tuple[int, int, int, int], ratio: float) -> QImage:
        """The visible part of the masks; the last one is kept."""
        masks, sight = self.lightbox.masks, (zoom, box, ratio)
        if self._masked is None or self._masked[0] is not masks or self._masked[1] != sight:
            pixels = mask_layer.picture(masks, zoom, box)
            image = QImage(pixels.data, box[2], box[3], pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
            image.setDevicePixelRatio(ratio)
            self._masked = masks, sight, pixels, image
        return self._masked[3]

    def _rendered(self, zoom: float, box: tuple[int, int, int, int], ratio: float) -> QImage:
        """The visible part; the last one is kept, since a mouse that moves only changes the marks."""
        of = self.lightbox
        heat = of.heat_pyramid if self.with_heat else None
        key = (of.pyramid, heat, zoom, box, of.look, ratio)
        if self._drawn is None or self._drawn[0] != key:
            assert of.pyramid is not None
            if heat is not None and of.heat and of.heat.evident:
                pixels, form = self._rendering.overlay(of.pyramid, heat, zoom, box, of.look), QImage.Format.Format_RGB32
            else:
                pixels, form = self._rendering.grey(of.pyramid, zoom, box, of.look), QImage.Format.Format_Grayscale8
            image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0], form)
            image.setDevicePixelRatio(ratio)
            self._drawn = key, pixels, image
        return self._drawn[2]

    def room(self) -> QRectF:
        """Where marks may stand."""
        return QRectF(self.rect()).adjusted(theme.SPACE, theme.SPACE, -theme.SPACE, -theme.SPACE)

    def _paint_marks(self, painter: QPainter) -> None:
        of, room = self.lightbox, self.room()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if seen := self._seen():
            image_marks.frame(painter, self._on_screen(seen))
        # A name is shortened where there is no room for it; of a sentence every word is needed.
        framed = image_marks.wrapped(self._framed(), painter.font(), room.width(), 3) if self._framed() else []
        image_marks.row(painter, room, self._name_lines(), [*self._title_lines(), *framed])
        image_marks.row(painter, room, self._window_lines(), self._point_lines(), bottom=True)
        image_marks.side_letters(painter, room, self.sides())
        self._paint_scale_bar(painter, room)
        if of.point and not self.underMouse():
            ratio = self.devicePixelRatioF()
            x, y = self.sight().spot(*of.point, self.view())
            image_marks.cross(painter, QPointF(x / ratio, y / ratio))

    def _seen(self) -> Part | None:
        """The part of the image that the network was shown, where the heat map is and the part is not all."""
        return self.lightbox.heat.seen if self.with_heat and self.lightbox.heat else None

    def _on_screen(self, part: Part) -> QRectF:
        """Where a part of the image stands in this view."""
        left, top, right, bottom = part
        corners = [self.sight().spot(*at, self.view()) for at in ((left, top), (right, bottom))]
        (x0, y0), (x1, y1) = corners
        ratio = self.devicePixelRatioF()
        return QRectF(QPointF(x0 / ratio, y0 / ratio), QPointF(x1 / ratio, y1 / ratio))

    def _paint_scale_bar(self, painter: QPainter, room: QRectF) -> None:
        bearings = self.lightbox.bearings
        if bearings.spacing is None:
            return
        per_mm = self.sight().zoom / bearings.spacing[1] / self.devicePixelRatioF()
        if length := image_marks.bar_length(per_mm, room.width() / 3):
            bottom = QPointF(room.center().x(), room.bottom() - 3.5 * painter.fontMetrics().lineSpacing())
            image_marks.scale_bar(painter, bottom, per_mm, length, bearings.measured)

    def sides(self) -> image_marks.Sides:
        image = self.lightbox.image
        return image_marks.sides(self.lightbox.bearings, image.facts.view if image else "")

    # Words

    def _name_lines(self) -> list[str]:
        width, height = self.lightbox.size
        lines = [] if self.second else [self.lightbox.caption, f"{width} × {height} pixels"]
        return [text for text in lines if text]

    def _title_lines(self) -> list[str]:
        return [text for text in (self.title, self._heat_words(), *mask_layer.lines(self.lightbox.masks)) if text]

    def _framed(self) -> str:
        return FRAMED if self._seen() else ""

    def _heat_words(self) -> str:
        heat = self.lightbox.heat if self.with_heat else None
        if heat is None:
            return ""
        if heat.values is None:
            return f"heat map of {heat.finding} is being made"
        return f"heat map: {heat.finding}" if heat.evident else f"no evidence for {heat.finding}"

    def _window_lines(self) -> list[str]:
        if self.second:
            return []
        look = self.lightbox.look
        window = f"level {look.window.level:.2f}  width {look.window.width:.2f}"
        return [f"zoom {self.sight().zoom * 100:.0f} %", f"{window}, inverted" if look.inverted else window]

    def _point_lines(self) -> list[str]:
        of = self.lightbox
        if of.point is None or of.shown is None:
            return []
        column, row = int(of.point[0]), int(of.point[1])
        values = f"grey {of.shown.pixels[row, column]:.3f}"
        if self.with_heat and of.heat and of.heat.values is not None:
            left, top, right, bottom = of.heat.seen or (0, 0, *of.size)
            inside = left <= column < right and top <= row < bottom
            values += f", heat {of.heat.values[row, column]:.3g}" if inside else ", not shown to the network"
        return [f"column {column}, row {row}", values]

    def _describe(self) -> None:
        words = "No image"
        if self.lightbox.image is not None:
            words = ", ".join(text for text in (*self._name_lines(), *self._title_lines(), self._framed()) if text)
        self.setAccessibleDescription(words)
