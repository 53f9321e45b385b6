"""What lies on the light box: a radiograph, its heat map, and how both are looked at. Several views may show one light box."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from cxr_desktop.widgets import mask_layer
from cxr_desktop.widgets.mask_layer import Masks
from cxr_desktop.widgets.pyramid import Pyramid
from cxr_desktop.widgets.rendering import Look
from cxr_desktop.widgets.sight import Sight, Size
from cxr_desktop.widgets.window_level import FULL, Window
from trainer import colours
from trainer.bearings import Bearings
from trainer.geometry import Part
from trainer.images import Image


@dataclass(frozen=True, eq=False)
class Heat:
    """A heat map over the whole image; `values` is None while it is being made. `maximum` is its largest value.

    `of` says whose it is where there are several networks: that of one of them, or their mean. `seen` is the part of the image
    that the network was shown (left, top, right, bottom), None where that is all of it.
    """

    finding: str
    values: NDArray[np.float32] | None
    maximum: float
    of: str = ""
    seen: Part | None = None

    @property
    def evident(self) -> bool:
        """Whether there is anything to see in it."""
        return self.maximum > 0


class Lightbox(QObject):
    """An image (or none), a heat map (or none), window, sight and scale. Views repaint when it changes."""

    changed = Signal()
    """Anything that is seen."""
    image_changed = Signal()
    heat_changed = Signal()
    """Another heat map, or another scale for it."""
    window_changed = Signal(float, float)
    """Level and width."""
    pointed = Signal()
    """The mouse points elsewhere."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.image: Image | None = None
        """As a network sees it."""
        self.shown: Image | None = None
        """The same through another of its file's windows, or the same."""
        self.caption = ""
        self.bearings = Bearings()
        self.pyramid: Pyramid | None = None
        self.masks: Masks = ()
        self.heat: Heat | None = None
        self.heat_pyramid: Pyramid | None = None
        self.look = Look()
        self.sight: Sight | None = None
        """None: the whole image, fitted into each view."""
        self.fixed_top: float | None = None
        """The heat map's value of the brightest colour for all images; None: each image's own maximum."""
        self.point: tuple[float, float] | None = None
        """Column and row under the mouse."""

    @property
    def size(self) -> Size:
        """Width and height of the image in pixels; (0, 0) without one."""
        return (self.image.pixels.shape[1], self.image.pixels.shape[0]) if self.image else (0, 0)

    def put(self, image: Image | None, caption: str, bearings: Bearings | None) -> None:
        """Another image, fitted, as its file shows it, without a heat map; the same one again keeps all that."""
        self.caption = caption
        if image is not None and image is self.image:
            self.bearings = bearings or self.bearings
            self.changed.emit()
            return
        self.bearings = bearings or Bearings()
        self.image = self.shown = image
        self.pyramid = Pyramid(image.pixels) if image else None
        self.sight = self.point = None
        self.masks = ()
        self._look(replace(self.look, window=FULL, inverted=False))
        self.put_heat(None, "")
        self.image_changed.emit()

    def put_shown(self, image: Image) -> None:
        """The same radiograph through another of its file's windows; sight, masks and heat map stay, level and width do not."""
        if self.image is None or image.pixels.shape != self.image.pixels.shape:
            raise ValueError("the same radiograph has the same shape")
        if image is not self.shown:
            self.shown, self.pyramid = image, Pyramid(image.pixels)
            self._look(replace(self.look, window=FULL))
            self.image_changed.emit()
            self.changed.emit()

    def put_heat(self, values: NDArray[np.float32] | None, finding: str, of: str = "", seen: Part | None = None) -> None:
        """A heat map [H,W] >= 0 over the image. None: none, or, where a finding is named, one that is being made.

        `seen` is the part of the image that the network was shown, where that may not be all of it.
        """
        if values is not None and (self.image is None or values.shape != self.image.pixels.shape):
            raise ValueError("a heat map has the shape of its image")
        self.heat = self.heat_pyramid = None
        if values is not None:
            part = seen if seen != (0, 0, *self.size) else None
            self.heat = Heat(finding, values, float(values.max(initial=0.0)), of, part)
            self.heat_pyramid = Pyramid(values)
        elif finding:
            self.heat = Heat(finding, None, 0.0, of)
        self._rescale()

    def put_masks(self, masks: Masks) -> None:
        """Masks over the image, with what each shows; none of them is one of another shape. () takes them away."""
        if any(self.image is None or values.shape != self.image.pixels.shape for _, values in masks):
            raise ValueError("a mask has the shape of its image")
        self.masks = mask_layer.ordered(masks)
        self.image_changed.emit()
        self.changed.emit()

    def set_window(self, window: Window) -> None:
        """Show other grey values."""
        self._look(replace(self.look, window=window))

    def set_inverted(self, inverted: bool) -> None:
        """Show black as white, or as black again."""
        self._look(replace(self.look, inverted=inverted))

    def set_opacity(self, opacity: float) -> None:
        """How much the heat map's brightest colour covers, 0 to 1."""
        self._look(replace(self.look, opacity=min(max(opacity, 0.0), 1.0)))

    def set_fixed_top(self, top: float | None) -> None:
        """One scale for all images, or (None) each image's own."""
        self.fixed_top = top
        self._rescale()

    def set_sight(self, sight: Sight | None) -> None:
        """Look elsewhere; None: at the whole image."""
        self.sight = sight.within(self.size) if sight else None
        self.changed.emit()

    def set_point(self, point: tuple[float, float] | None) -> None:
        """Where the mouse is, as column and row; None where it is not on the image."""
        width, height = self.size
        inside = point is not None and 0 <= point[0] < width and 0 <= point[1] < height
        self.point = point if inside else None
        self.pointed.emit()

    def scale_words(self) -> str:
        """What the colours of the heat map mean."""
        return "scale: this image" if self.fixed_top is None else f"scale: fixed 0 to {self.fixed_top:.3g}"

    def picture(self) -> QImage:
        """Image and heat map as they look now, at the image's own size, without any text. Only with an image."""
        assert self.shown is not None, "there is no image"
        grey = self.look.window.shown(self.shown.pixels)
        grey = 1 - grey if self.look.inverted else grey
        heat = self.heat.values if self.heat and self.heat.values is not None else np.zeros(grey.shape)
        drawn = np.ascontiguousarray(colours.blended(grey, heat, top=self.look.top, opacity=self.look.opacity))
        height, width = drawn.shape[:2]
        return QImage(drawn.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()

    def _rescale(self) -> None:
        own = self.heat.maximum if self.heat else 0.0
        self.look = replace(self.look, top=own if self.fixed_top is None else self.fixed_top)
        self.heat_changed.emit()
        self.changed.emit()

    def _look(self, look: Look) -> None:
        moved = look.window != self.look.window
        self.look = look
        self.changed.emit()
        if moved:
            self.window_changed.emit(look.window.level, look.window.width)
