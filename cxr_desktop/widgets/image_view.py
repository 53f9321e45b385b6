"""A view of a light box that is worked with: window, zoom and place by mouse, touchpad and keys."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from cxr_desktop.widgets import image_marks
from cxr_desktop.widgets.image_canvas import ImageCanvas
from cxr_desktop.widgets.lightbox import Lightbox

PAN, WINDOW = "pan", "window"
FULL_DRAG = 300
"""A drag of so many points widens the window by its own width, or moves its level by as much."""
WHEEL_NOTCH = 480
"""Eighths of a degree of a wheel that double the zoom: four notches."""
KEY_PAN, KEY_WINDOW = 0.1, 0.05
"""One press of an arrow key: share of the view, and share of the window's width."""
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


@dataclass(frozen=True)
class Drag:
    """What the pressed button does, and where the mouse was last; `far`: it is more than a click."""

    does: str
    button: Qt.MouseButton
    start: QPointF
    last: QPointF
    far: bool = False


class ImageView(ImageCanvas):
    """One view of a light box, with or without its heat map.

    Wheel: zoom at the mouse. Left drag: pan, or window with the window tool. Middle drag, or left with the space bar: pan.
    Right drag: window, sideways its width, up and down its level. Arrow keys: pan; with Shift: window.
    """

    menu_wanted = Signal(QPoint)
    """Show a menu here (global place)."""

    def __init__(self, lightbox: Lightbox, *, with_heat: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(lightbox, with_heat=with_heat, parent=parent)
        self.tool = PAN
        """What a left drag does."""
        self._drag: Drag | None = None
        self._space = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin a drag."""
        if self.lightbox.image is None or self._drag is not None:
            return
        button = event.button()
        does = {
            Qt.MouseButton.LeftButton: PAN if self._space else self.tool,
            Qt.MouseButton.MiddleButton: PAN,
            Qt.MouseButton.RightButton: WINDOW,
        }.get(button)
        if does:
            self._drag = Drag(does, button, event.position(), event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Go on with a drag, and say what is under the mouse."""
        if self.lightbox.image is None:
            return
        if self._drag is not None:
            self._dragged(self._drag, event.position())
        self.lightbox.set_point(self.place(event.position()))
        self._explain_sides(event.position())

    def _dragged(self, drag: Drag, at: QPointF) -> None:
        far = drag.far or (at - drag.start).manhattanLength() >= QApplication.startDragDistance()
        if not far:
            return
        moved = at - drag.last
        self._drag = Drag(drag.does, drag.button, drag.start, at, far)
        if drag.does == PAN:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.pan(moved.x(), moved.y())
        else:
            self.setCursor(Qt.CursorShape.SizeAllCursor)
            window = self.lightbox.look.window.moved(moved.x() / FULL_DRAG, moved.y() / FULL_DRAG)
            self.lightbox.set_window(window)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """End a drag; a right click that was none asks for the menu."""
        drag = self._drag
        if drag is None or event.button() != drag.button:
            return
        self._drag = None
        self.setCursor(Qt.CursorShape.CrossCursor)
        if drag.button == Qt.MouseButton.RightButton and not drag.far:
            self.menu_wanted.emit(event.globalPosition().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Left: look at the whole image again."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.lightbox.set_sight(None)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """The menu key; the mouse asks when its button is released, because it may be a drag."""
        if event.reason() != QContextMenuEvent.Reason.Mouse:
            self.menu_wanted.emit(self.mapToGlobal(self.rect().center()))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Zoom at the mouse."""
        if self.lightbox.image is not None:
            self.zoom_to(self.sight().zoom * 2 ** (event.angleDelta().y() / WHEEL_NOTCH), event.position())
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        """The other view no longer shows a cross here."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Nothing is pointed at."""
        super().leaveEvent(event)
        self.lightbox.set_point(None)

    def event(self, event: QEvent) -> bool:
        """Pinch on a touchpad."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            if self.lightbox.image is not None:
                self.zoom_to(self.sight().zoom * (1 + event.value()), event.position())
            return True
        return super().event(event)

    def _explain_sides(self, at: QPointF) -> None:
        """What the question mark behind a letter means, as long as the mouse is there."""
        of = self.sides()
        boxes = image_marks.side_boxes(self.room(), of, image_marks.side_font(self.font()))
        doubtful = not of.certain and any(box.contains(at) for box in boxes.values())
        self.setToolTip(image_marks.BY_CONVENTION if doubtful else "")

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Arrow keys, and the space bar for panning."""
        key = event.key()
        if key == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = True
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif key in _ARROWS and self.lightbox.image is not None:
            right, down = _ARROWS[key]
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.lightbox.set_window(self.lightbox.look.window.moved(right * KEY_WINDOW, down * KEY_WINDOW))
            else:
                self.pan(-right * self.width() * KEY_PAN, -down * self.height() * KEY_PAN)
        elif key != Qt.Key.Key_Space:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """The space bar is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._let_go()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A space bar that is let go elsewhere is not noticed here."""
        self._let_go()
        super().focusOutEvent(event)

    def _let_go(self) -> None:
        self._space = False
        if self._drag is None:
            self.setCursor(Qt.CursorShape.CrossCursor)
