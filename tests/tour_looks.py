"""What a machine can see wrong on a screen: text that is cut off, neighbours that overlap, parts that stick out."""

import re
from collections.abc import Iterator
from itertools import combinations

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QGroupBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPushButton,
    QRadioButton,
    QSlider,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyleOptionComboBox,
    QStyleOptionFrame,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)

SLACK = 1
"""Pixels (device independent) of rounding."""
ELIDED = {"Elided", "ElidedLabel", "NameBox", "ChoiceBox"}
"""Classes that shorten what does not fit, with all of it in the tooltip."""
_OWN_WAYS = (
    QTabWidget, QAbstractSpinBox, QComboBox, QMainWindow, QAbstractScrollArea, QLineEdit, QSplitter, QStackedWidget, QSlider,
    QTabBar,
)  # fmt: skip
"""Qt's own compounds, whose parts lie over one another on purpose."""


def problems(top: QWidget) -> list[str]:
    """What is wrong with a window or dialog as it stands, in words; [] if nothing is."""
    found: list[str] = []
    for widget in [top, *top.findChildren(QWidget)]:
        if not widget.isVisible() or widget.window() is not top:
            continue
        if not ELIDED & {kind.__name__ for kind in type(widget).__mro__} and (words := clipped(widget)):
            found.append(f"{words}: {where(widget)}")
        if _sticks_out(widget):
            found.append(f"sticks out of its parent by {_overhang(widget)}: {where(widget)}")
        found.extend(f"overlap: {where(one)} and {where(other)}" for one, other in _overlaps(widget))
    return found


def where(widget: QWidget) -> str:
    """A widget for people who look for it."""
    words = getattr(widget, "text", str)() if isinstance(widget, QLabel | QAbstractButton) else widget.accessibleName()
    names = []
    parent: QWidget | None = widget
    while parent is not None and len(names) < 4:
        names.append(type(parent).__name__)
        parent = parent.parentWidget()
    return f"{' '.join(str(words).split())[:50]!r} ({' < '.join(names)})"


def clipped(widget: QWidget) -> str:
    """Why the text of a widget cannot be read as a whole; "" if it can."""
    if isinstance(widget, QLabel):
        return _label(widget)
    if isinstance(widget, QPushButton | QToolButton | QCheckBox | QRadioButton | QGroupBox):
        return _button(widget)
    if isinstance(widget, QComboBox):
        return _combo(widget)
    if isinstance(widget, QLineEdit):
        return _line(widget)
    if isinstance(widget, QTabBar):
        return _tabs(widget)
    if isinstance(widget, QHeaderView):
        return _header(widget)
    return ""


def _label(label: QLabel) -> str:
    text = label.text()
    if not text or not label.pixmap().isNull():
        return ""
    if label.wordWrap():
        needs = label.heightForWidth(label.width())
        if needs > label.height() + SLACK:
            return f"cut off at the bottom, needs {needs} and has {label.height()}"
        if label.textFormat() == Qt.TextFormat.RichText or "<" in text:
            return ""
        longest = max((_across(label, word) for word in re.split(r"[\s/\\-]+", text)), default=0)
        room = label.contentsRect().width()
        return f"a word is cut off, needs {longest} and has {room}" if longest > room + SLACK else ""
    needed, has = label.sizeHint(), label.size()
    if needed.width() > has.width() + SLACK:
        return f"cut off at the right, needs {needed.width()} and has {has.width()}"
    return f"cut off below, needs {needed.height()} and has {has.height()}" if needed.height() > has.height() + 2 else ""


def _button(button: QWidget) -> str:
    text = button.title() if isinstance(button, QGroupBox) else button.text()  # type: ignore[attr-defined]
    if (
        isinstance(button, QToolButton)
        and button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
        and not button.icon().isNull()
    ):
        text = ""
    if not text:
        return ""
    needs = _across(button, text.replace("&&", "\0").replace("&", "").replace("\0", "&"))
    if isinstance(button, QCheckBox | QRadioButton):
        needs += button.style().pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth) + 4
    has = button.width() - 4
    if needs > has + SLACK:
        return f"cut off at the right, needs {needs} and has {has}"
    high = button.fontMetrics().height()
    return f"cut off below, needs {high} and has {button.height()}" if high > button.height() + SLACK else ""


def _combo(box: QComboBox) -> str:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    field = QStyle.SubControl.SC_ComboBoxEditField
    room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, box).width()
    needs = _across(box, box.currentText())
    return f"the choice is cut off, needs {needs} and has {room}" if needs > room + SLACK else ""


def _line(field: QLineEdit) -> str:
    option = QStyleOptionFrame()
    field.initStyleOption(option)
    room = field.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, field).width() - 2
    shown = field.text() or field.placeholderText()
    if field.text() and not isinstance(field.parentWidget(), QAbstractSpinBox):
        return ""  # one can move in it
    needs = _across(field, shown)
    return f"'{shown}' is cut off, needs {needs} and has {room}" if needs > room + SLACK else ""


def _tabs(bar: QTabBar) -> str:
    needs = sum(bar.tabSizeHint(place).width() for place in range(bar.count()) if bar.isTabVisible(place))
    room = bar.parentWidget().width() if bar.parentWidget() else bar.width()
    return f"not all tabs are in sight, they need {needs} and have {room}" if needs > room + SLACK else ""


def _header(header: QHeaderView) -> str:
    if header.orientation() != Qt.Orientation.Horizontal or header.model() is None:
        return ""
    for section in range(header.count()):
        has, begin = header.sectionSize(section), header.sectionViewportPosition(section)
        if header.isSectionHidden(section) or begin + has > header.width():
            continue
        text = str(header.model().headerData(section, Qt.Orientation.Horizontal) or "")
        if (needs := _across(header, text) + 4) > has:
            return f"the heading '{text}' is cut off, needs {needs} and has {has}"
    return ""


def _across(widget: QWidget, text: str) -> int:
    return max((widget.fontMetrics().horizontalAdvance(line) for line in text.split("\n")), default=0)


def _scrolled(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    over = parent.parentWidget() if parent else None
    return isinstance(over, QAbstractScrollArea) and over.viewport() is parent


def _overhang(widget: QWidget) -> str:
    parent, mine = widget.parentWidget(), widget.geometry()
    whole = parent.rect()
    sides = {
        "left": -mine.left(),
        "top": -mine.top(),
        "right": mine.right() - whole.right(),
        "bottom": mine.bottom() - whole.bottom(),
    }
    return ", ".join(f"{by} at the {side}" for side, by in sides.items() if by > SLACK)


def _sticks_out(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    if parent is None or widget.isWindow() or _scrolled(widget) or isinstance(parent, _OWN_WAYS) or widget.geometry().isEmpty():
        return False
    return bool(_overhang(widget))


def _overlaps(parent: QWidget) -> Iterator[tuple[QWidget, QWidget]]:
    if isinstance(parent, _OWN_WAYS) or isinstance(parent.parentWidget(), QAbstractItemView | QTabWidget):
        return
    children = [one for one in parent.children() if isinstance(one, QWidget) and one.isVisible() and not one.isWindow()]
    for one, other in combinations(children, 2):
        common: QRect = one.geometry() & other.geometry()
        if common.width() > SLACK and common.height() > SLACK:
            yield one, other
