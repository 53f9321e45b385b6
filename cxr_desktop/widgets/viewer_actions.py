"""What can be done with a radiograph on the light box, as actions: for buttons, menus and keys alike."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QWidget

from cxr_desktop.widgets import viewer_icons

ORIGINAL, OVERLAY, BESIDE = "original", "overlay", "beside"
MODES = {
    ORIGINAL: ("&Original only", "G", "Show the radiograph without its heat map."),
    OVERLAY: ("Heat map o&ver the radiograph", "V", "Show the heat map over the radiograph."),
    BESIDE: ("&Side by side", "B", "Show the radiograph, and beside it the heat map over it."),
}
PRESETS = {
    "Full range": ("", "As the file itself wants to be shown."),
    "Percentiles 1 to 99": ("A", "From the 1st to the 99th percentile of the grey values."),
    "Lungs": ("L", "The darker part of the grey values that the image uses."),
    "Mediastinum and bones": ("M", "The brighter part of the grey values that the image uses."),
}
GESTURES = (
    ("Wheel, pinch", "Zoom at the mouse"),
    ("Left drag", "Pan, or level and width with the window tool"),
    ("Middle drag, Space + drag", "Pan"),
    ("Right drag", "Window: sideways its width, up and down its level"),
    ("Double click", "Fit to the view"),
    ("Arrow keys", "Pan"),
    ("Shift + arrow keys", "Window: sideways its width, up and down its level"),
)
"""What the canvas does by itself, for a list of keys: (keys or mouse, what they do)."""


class ViewerActions(QObject):
    """The actions of one viewer; the viewer connects them. All of them belong to `owner` and work while it has the focus."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._icons: dict[str, QAction] = {}
        self.fit = self._made("&Fit to the view", "F", "Show the whole image, as large as it fits.", "fit")
        self.actual = self._made("&1 : 1", "1", "One pixel of the image on one pixel of the screen.", "actual")
        self.zoom_in = self._made("Zoom &in", "Ctrl++", "Enlarge. The wheel zooms at the mouse.", "zoom_in")
        self.zoom_in.setShortcuts([QKeySequence("Ctrl++"), QKeySequence("Ctrl+="), QKeySequence("+")])
        self.zoom_out = self._made("Zoom &out", "Ctrl+-", "Make smaller. The wheel zooms at the mouse.", "zoom_out")
        self.zoom_out.setShortcuts([QKeySequence("Ctrl+-"), QKeySequence("-")])
        self.window = self._made(
            "&Window tool",
            "W",
            "Drag with the left button: sideways the window's width, up and down its level. The right button always does so.",
            "window",
        )
        self.window.setCheckable(True)
        self.invert = self._made("In&vert", "I", "Show black as white.", "invert")
        self.invert.setCheckable(True)
        self.reset = self._made(
            "&Reset window", "R", "The file's first window, its level and width as the file wants them, not inverted.", "reset"
        )
        self.next_look = self._made("Next window of the fi&le", "D", "Another of the windows that the file offers.")
        self.presets = {name: self._made(name, *what) for name, what in PRESETS.items()}
        self.fixed = self._made("&Fixed scale", "S", "The same colours for the same evidence in all images.")
        self.fixed.setCheckable(True)
        self.fainter = self._made("Heat map &fainter", ",", "Less opacity.")
        self.stronger = self._made("Heat map &stronger", ".", "More opacity.")
        self.modes = {mode: self._made(*what, mode) for mode, what in MODES.items()}
        group = QActionGroup(self)
        for action in self.modes.values():
            action.setCheckable(True)
            group.addAction(action)
        self.draw_icons()

    def commands(self) -> list[QAction | None]:
        """All of them in the order of a menu; None is a separator."""
        sight = [self.fit, self.actual, self.zoom_in, self.zoom_out]
        window = [self.window, *self.presets.values(), self.next_look, self.invert, self.reset]
        heat = [*self.modes.values(), self.fainter, self.stronger, self.fixed]
        return [*sight, None, *window, None, *heat]

    def enable(self, *, image: bool, heat: bool, looks: bool) -> None:
        """What can be done with an image, with a heat map, and with several windows in the file."""
        of_heat = {*self.modes.values(), self.fainter, self.stronger, self.fixed}
        for action in self.commands():
            if action:
                action.setEnabled(heat if action in of_heat else looks if action is self.next_look else image)

    def draw_icons(self) -> None:
        """Draw the icons in the theme's colours."""
        for name, action in self._icons.items():
            action.setIcon(viewer_icons.icon(name))

    def on(self, action: QAction, slot: Callable[[], object]) -> None:
        """Do this when the user asks for an action."""
        action.triggered.connect(lambda: slot())

    def _made(self, text: str, key: str, tip: str, icon: str = "") -> QAction:
        action = QAction(text, self._owner)
        if key:
            action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        plain = text.replace("&", "")
        action.setToolTip(f"{plain} ({key}). {tip}" if key else f"{plain}. {tip}")
        action.setStatusTip(tip)
        self._owner.addAction(action)
        if icon:
            self._icons[icon] = action
        return action
