"""Light and dark: one set of colours for widgets, charts and pictures, following the system or the user's choice."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QWidget

SPACE = 8
"""Pixels (device independent) between neighbours; twice as much between groups."""

CHOICES = ("system", "light", "dark")


@dataclass(frozen=True)
class Colours:
    """What a colour is for -> its hex code. Text on `window` and `surface` has a contrast of at least 4.5 : 1 (WCAG 2.2 AA).

    `series` are for curves and bars of different things, told apart also by colour-blind people (Okabe and Ito 2008).
    """

    window: str
    surface: str
    raised: str
    text: str
    muted: str
    line: str
    accent: str
    on_accent: str
    good: str
    warning: str
    error: str
    series: tuple[str, ...]


LIGHT = Colours(
    window="#f4f5f7",
    surface="#ffffff",
    raised="#e9ebef",
    text="#1c2026",
    muted="#5a6370",
    line="#cdd2d9",
    accent="#0b62a8",
    on_accent="#ffffff",
    good="#00714f",
    warning="#8a5200",
    error="#b3261e",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#9a7d00", "#3a9bd6", "#5a6370", "#7a4fb5"),
)
DARK = Colours(
    window="#1d2025",
    surface="#262a31",
    raised="#323740",
    text="#e8eaee",
    muted="#a6aebb",
    line="#464d58",
    accent="#6cb4ee",
    on_accent="#0d1a26",
    good="#4fc79d",
    warning="#f0b354",
    error="#ff8a80",
    series=("#56b4e9", "#e88a3c", "#2bbf95", "#e39bc4", "#e6d34a", "#9ecbf0", "#a6aebb", "#b79ae6"),
)


def colours() -> Colours:
    """The set that the application shows now."""
    return DARK if QApplication.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def is_dark() -> bool:
    """Whether the application is dark now."""
    return colours() is DARK


def apply(application: QApplication, choice: str) -> None:
    """Show light or dark as chosen, or as the system has it ("system"). Widgets are told by a palette change event."""
    hints = application.styleHints()
    wanted = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(choice, Qt.ColorScheme.Unknown)
    if hints.colorScheme() != wanted:
        hints.setColorScheme(wanted)
    if application.style().objectName() != "fusion":
        application.setStyle("fusion")
    dark = wanted == Qt.ColorScheme.Dark or (wanted == Qt.ColorScheme.Unknown and hints.colorScheme() == Qt.ColorScheme.Dark)
    chosen = DARK if dark else LIGHT
    application.setPalette(_palette(chosen))
    application.setStyleSheet(_style(chosen))


def heading(text: str, *, level: int = 1) -> QLabel:
    """A title: level 1 for a page, 2 for a group."""
    label = QLabel(text)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * (1.5 if level == 1 else 1.15))
    font.setBold(True)
    label.setFont(font)
    return label


def strong(text: str) -> QLabel:
    """A name in bold, above what belongs to it."""
    label = QLabel(text)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label


def muted(text: str = "") -> QLabel:
    """A quiet sentence: it wraps, and its colour follows the theme."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setProperty("role", "muted")
    return label


def restyled(widget: QWidget, role: str) -> None:
    """Give a widget another role of the style sheet: muted, good, warning, error, primary, card or ""."""
    widget.setProperty("role", role)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def _palette(of: Colours) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for name, value in (
        (role.Window, of.window),
        (role.WindowText, of.text),
        (role.Base, of.surface),
        (role.AlternateBase, of.window),
        (role.Text, of.text),
        (role.Button, of.raised),
        (role.ButtonText, of.text),
        (role.BrightText, of.error),
        (role.ToolTipBase, of.surface),
        (role.ToolTipText, of.text),
        (role.PlaceholderText, of.muted),
        (role.Highlight, of.accent),
        (role.HighlightedText, of.on_accent),
        (role.Link, of.accent),
        (role.LinkVisited, of.accent),
        (role.Accent, of.accent),
    ):
        palette.setColor(name, QColor(value))
    for name in (role.WindowText, role.Text, role.ButtonText):
        faded = QColor(of.muted)
        faded.setAlpha(150)
        palette.setColor(QPalette.ColorGroup.Disabled, name, faded)
    return palette


def _style(of: Colours) -> str:
    return f"""
        QLabel[role="muted"] {{ color: {of.muted}; }}
        QLabel[role="good"] {{ color: {of.good}; }}
        QLabel[role="warning"] {{ color: {of.warning}; }}
        QLabel[role="error"] {{ color: {of.error}; }}
        QFrame[role="card"] {{ background: {of.surface}; border: 1px solid {of.line}; border-radius: 6px; }}
        QPushButton[role="primary"] {{
            background: {of.accent}; color: {of.on_accent}; border: 1px solid {of.accent}; border-radius: 4px;
            padding: 5px 14px; font-weight: 600;
        }}
        QPushButton[role="primary"]:disabled {{ background: {of.raised}; color: {of.muted}; border-color: {of.line}; }}
        QPushButton[role="primary"]:focus {{ border: 2px solid {of.text}; padding: 4px 13px; }}
        QToolButton:checked {{ background: {of.raised}; border: 1px solid {of.accent}; border-radius: 4px; }}
        QCheckBox::indicator, QRadioButton::indicator, QAbstractItemView::indicator {{
            width: 13px; height: 13px; background: {of.surface}; border: 1px solid {of.muted}; border-radius: 3px;
        }}
        QRadioButton::indicator {{ border-radius: 7px; }}
        QAbstractItemView::indicator {{ width: 11px; height: 11px; }}
        QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ background: {of.window}; border-color: {of.line}; }}
        QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {{
            background: {of.accent}; border-color: {of.accent}; image: url("{_tick(of)}");
        }}
        QCheckBox::indicator:checked:disabled {{ background: {of.muted}; border-color: {of.muted}; }}
        QRadioButton::indicator:checked {{ border: 4px solid {of.accent}; width: 7px; height: 7px; border-radius: 7px; }}
        QRadioButton::indicator:checked:disabled {{ border-color: {of.muted}; }}
        QTabBar {{ qproperty-drawBase: false; }}
        QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
        QToolTip {{ background: {of.surface}; color: {of.text}; border: 1px solid {of.line}; }}
    """


def _tick(of: Colours) -> str:
    """The tick of a check box, which a style sheet can only take from a file."""
    return (Path(__file__).parent / "resources" / f"tick-{'dark' if of is DARK else 'light'}.svg").as_posix()
