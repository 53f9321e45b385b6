"""The radiograph viewer: the image, its heat map over it or beside it, the scale of its colours, and the tools for all that."""

import json
import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, Signal
from PySide6.QtGui import QAction, QFocusEvent, QImage
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets import heat_scale
from cxr_desktop.widgets.heat_scale import HeatScale
from cxr_desktop.widgets.image_view import PAN, WINDOW, ImageView
from cxr_desktop.widgets.lightbox import Lightbox
from cxr_desktop.widgets.look_chooser import LookChooser
from cxr_desktop.widgets.sight import STEP
from cxr_desktop.widgets.viewer_actions import BESIDE, MODES, ORIGINAL, OVERLAY, ViewerActions
from cxr_desktop.widgets.viewer_tools import ViewerTools, rounded_up
from cxr_desktop.widgets.window_level import FULL, presets
from trainer.bearings import Bearings
from trainer.geometry import Part
from trainer.images import Image

OPACITY_STEP = 0.1


class Viewer(QWidget):
    """Shows one image at a time. `compact`: without the row of tools; everything is still there by key, mouse and menu.

    `commands` are its actions in the order of a menu (None: a separator); they work while the viewer has the focus, or
    whatever widget a page adds them to.
    """

    window_changed = Signal(float, float)
    """Window level and width, in grey values 0 to 1."""
    look_wanted = Signal(int)
    """Another of the file's windows was chosen, a place in `Facts.looks` or `images.PERCENTILES`: answer it by `show_look`.
    0 is shown already, and an answer that is still to come is not wanted any more."""
    options_changed = Signal()
    """Mode, opacity or scale: worth remembering."""

    def __init__(self, parent: QWidget | None = None, *, compact: bool = False) -> None:
        super().__init__(parent)
        self.lightbox = Lightbox(self)
        self.viewer_actions = ViewerActions(self)
        self.commands: list[QAction | None] = self.viewer_actions.commands()
        self.tools = ViewerTools(self.viewer_actions, self)
        self.looks = LookChooser(self)
        self.original = ImageView(self.lightbox, parent=self)
        self.overlay = ImageView(self.lightbox, with_heat=True, parent=self)
        self.scale = HeatScale(self.lightbox, self)
        self._mode = OVERLAY if compact else BESIDE
        self._fixed_top = 0.0
        self._compact = compact
        self._lay_out()
        self._connect()
        self._arrange()

    # What pages use

    def show_image(self, image: Image | None, caption: str = "", bearings: Bearings | None = None) -> None:
        """Show an image as its file wants it, fitted, without a heat map; the same image again stays as it is looked at.

        `caption` stands on it, so it should not name the patient. `bearings` (of `trainer.bearings.read`) give it its sides and
        a length in mm; without them, a frontal view has the usual sides, marked with a question mark.
        """
        if image is None or image is not self.lightbox.image:
            self.looks.offer(image.facts.looks if image else ())
        self.lightbox.put(image, caption, bearings)

    def show_look(self, look: int, image: Image) -> None:
        """The image that is shown, read through another of its file's windows. One of another size is not it."""
        if self.lightbox.image is not None and image.pixels.shape == self.lightbox.image.pixels.shape:
            self.lightbox.put_shown(image)
            self.looks.show_current(look)
        else:
            self.looks.show_asked(self.looks.current)

    def choose_look(self, look: int) -> None:
        """Ask for another of the file's windows, as if it were chosen by hand; one that it does not offer is 0."""
        look = look if self.looks.name(look) else 0
        self.looks.show_asked(look)
        if look == 0 and self.lightbox.image is not None:
            self.show_look(0, self.lightbox.image)
        self.look_wanted.emit(look)

    def set_heatmap(
        self, values: NDArray[np.float32] | None, finding: str = "", of: str = "", seen: Part | None = None
    ) -> None:
        """A heat map float32 [H,W] >= 0 over the image, in its own unit. None: none, or one of `finding` that is being made.

        `of` says of which network it is where there are several, or that it is their mean; `seen` which part of the image
        (left, top, right, bottom, in pixels) it was shown, which is framed where it is not all.
        """
        self.lightbox.put_heat(values, finding, of, seen)

    def clear(self) -> None:
        """Show nothing."""
        self.show_image(None)

    def picture(self) -> QImage:
        """What is to be saved: the image at its own size with its heat map and, beside it, the legend. Needs an image.

        No text but the finding's stands on it, so nothing of the patient but what is in the pixels themselves.
        """
        return heat_scale.saved(self.lightbox)

    @property
    def mode(self) -> str:
        """How a heat map is shown: original (not at all), overlay or beside."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Show heat maps otherwise."""
        self._mode = mode
        self._arrange()
        self.options_changed.emit()

    def set_fixed_scale(self, top: float | None) -> None:
        """Give the brightest colour this value in all images, or (None) each image's own maximum."""
        if top is not None:
            self._fixed_top = top
        self.lightbox.set_fixed_top(top)
        self._show_state()
        self.options_changed.emit()

    def options(self) -> str:
        """Mode, opacity and scale as a word to remember."""
        of = self.lightbox
        return json.dumps({"mode": self._mode, "opacity": round(of.look.opacity, 2), "fixed": of.fixed_top})

    def set_options(self, word: str) -> None:
        """Restore what `options` gave; what makes no sense is left as it is."""
        try:
            known = json.loads(word)
        except ValueError:
            return
        if not isinstance(known, dict):
            return
        mode, opacity, fixed = known.get("mode"), _positive(known.get("opacity")), known.get("fixed", False)
        if isinstance(mode, str) and mode in MODES:
            self.set_mode(mode)
        if opacity is not None:
            self._set_opacity(opacity)
        if fixed is None or _positive(fixed):
            self.set_fixed_scale(_positive(fixed))

    # Inside

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Who gives the viewer the focus means the image. With a focus proxy Tab would skip the tools before it."""
        self._main_view().setFocus(event.reason())

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Icons follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "viewer_actions"):
            self.viewer_actions.draw_icons()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(self.tools)
        column.addWidget(self.looks)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.original, 1)
        row.addWidget(self.overlay, 1)
        row.addWidget(self.scale)
        column.addLayout(row, 1)
        self.tools.setVisible(not self._compact)

    def _connect(self) -> None:
        do, of = self.viewer_actions, self.lightbox
        do.on(do.fit, lambda: of.set_sight(None))
        do.on(do.actual, lambda: self._focused().zoom_to(1.0))
        do.on(do.zoom_in, lambda: self._zoom(STEP))
        do.on(do.zoom_out, lambda: self._zoom(1 / STEP))
        do.on(do.window, self._set_tool)
        do.on(do.invert, lambda: of.set_inverted(do.invert.isChecked()))
        do.on(do.reset, self._reset)
        do.on(do.next_look, self.looks.next)
        self.looks.chosen.connect(self.choose_look)
        for name, action in do.presets.items():
            do.on(action, lambda name=name: self._preset(name))
        for mode, action in do.modes.items():
            do.on(action, lambda mode=mode: self.set_mode(mode))
        do.on(do.fixed, lambda: self._fix(do.fixed.isChecked()))
        do.on(do.fainter, lambda: self._set_opacity(of.look.opacity - OPACITY_STEP))
        do.on(do.stronger, lambda: self._set_opacity(of.look.opacity + OPACITY_STEP))
        self.tools.opacity_moved.connect(self._set_opacity)
        self.tools.scale_chosen.connect(self._fix)
        self.tools.maximum_changed.connect(self.set_fixed_scale)
        of.window_changed.connect(self.window_changed)
        of.image_changed.connect(self._show_state)
        of.heat_changed.connect(self._arrange)
        for view in (self.original, self.overlay):
            view.menu_wanted.connect(self._pop_up)

    def _arrange(self) -> None:
        """Which views there are."""
        heat = self.lightbox.heat is not None
        mode = self._mode if heat else ORIGINAL
        focused = self.original.hasFocus() or self.overlay.hasFocus()
        self.original.setVisible(mode != OVERLAY)
        self.overlay.setVisible(mode != ORIGINAL)
        self.scale.setVisible(mode != ORIGINAL)
        self.original.title, self.overlay.second = "original" if mode == BESIDE else "", mode == BESIDE
        self.tools.show_heat(heat)
        if focused:
            self._main_view().setFocus()
        self._show_state()

    def _show_state(self) -> None:
        """Actions and controls stand where the light box does."""
        of, do = self.lightbox, self.viewer_actions
        do.enable(image=of.image is not None, heat=of.heat is not None, looks=self.looks.several)
        do.modes[self._mode].setChecked(True)
        do.invert.setChecked(of.look.inverted)
        do.fixed.setChecked(of.fixed_top is not None)
        self.tools.show_state(of.look.opacity, of.fixed_top is not None, of.fixed_top or self._proposed_top())

    def _main_view(self) -> ImageView:
        return self.overlay if self.lightbox.heat is not None and self._mode == OVERLAY else self.original

    def _focused(self) -> ImageView:
        return self.overlay if self.overlay.hasFocus() else self._main_view()

    def _zoom(self, factor: float) -> None:
        if self.lightbox.image is not None:
            view = self._focused()
            view.zoom_to(view.sight().zoom * factor)

    def _set_tool(self) -> None:
        for view in (self.original, self.overlay):
            view.tool = WINDOW if self.viewer_actions.window.isChecked() else PAN

    def _reset(self) -> None:
        if self.looks.several:
            self.choose_look(0)
        self.lightbox.set_window(FULL)
        self.lightbox.set_inverted(False)
        self._show_state()

    def _preset(self, name: str) -> None:
        if self.lightbox.shown is not None:
            self.lightbox.set_window(presets(self.lightbox.shown.pixels)[name])

    def _set_opacity(self, opacity: float) -> None:
        self.lightbox.set_opacity(opacity)
        self._show_state()
        self.options_changed.emit()

    def _proposed_top(self) -> float:
        """What a fixed scale begins with: what was fixed before, or this image's maximum."""
        heat = self.lightbox.heat
        return self._fixed_top or rounded_up(heat.maximum if heat else 0.0)

    def _fix(self, fixed: bool) -> None:
        self.set_fixed_scale(self._proposed_top() if fixed else None)

    def _pop_up(self, place: QPoint) -> None:
        """All commands as a menu; it goes when it is closed."""
        menu = QMenu(self)
        for command in self.commands:
            if command is None:
                menu.addSeparator()
            else:
                menu.addAction(command)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)


def _positive(value: object) -> float | None:
    """A number that is finite and not negative, or None."""
    if isinstance(value, bool) or not isinstance(value, float | int):
        return None
    return float(value) if 0 <= value < math.inf else None
