"""Light and dark: text is legible on every ground, and the choice is followed."""

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from cxr_desktop import icons, theme


def _luminance(code: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in QColor(code).getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_is_legible(colours: theme.Colours) -> None:
    for ground in (colours.window, colours.surface, colours.raised):
        for text in (colours.text, colours.muted, colours.good, colours.warning, colours.error):
            assert _contrast(text, ground) >= 4.5, (text, ground)
    assert _contrast(colours.on_accent, colours.accent) >= 4.5


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_curves_stand_out_and_differ(colours: theme.Colours) -> None:
    assert len(set(colours.series)) == len(colours.series) >= 8
    for shade in colours.series:
        assert _contrast(shade, colours.surface) >= 3.0, shade


def test_the_choice_is_followed(qapp: QApplication) -> None:
    theme.apply(qapp, "dark")
    assert theme.is_dark()
    assert theme.colours() is theme.DARK
    theme.apply(qapp, "light")
    assert theme.colours() is theme.LIGHT


def test_an_unknown_choice_is_the_systems(qapp: QApplication) -> None:
    theme.apply(qapp, "purple")
    assert theme.colours() in (theme.LIGHT, theme.DARK)


def test_roles_restyle_a_label(qtbot: QtBot) -> None:
    label = QLabel("12 images")
    qtbot.addWidget(label)
    label.show()
    theme.restyled(label, "error")
    label.ensurePolished()
    assert label.palette().color(label.foregroundRole()) == QColor(theme.LIGHT.error)


def test_headings_are_larger_than_text(qtbot: QtBot) -> None:
    page, group, text = theme.heading("Train"), theme.heading("Loss", level=2), theme.muted("Loss")
    for label in (page, group, text):
        qtbot.addWidget(label)
    assert page.font().pointSizeF() > group.font().pointSizeF() > text.font().pointSizeF()


@pytest.mark.parametrize("name", icons.names())
def test_every_drawing_draws_something_in_its_colour(qapp: QApplication, name: str) -> None:
    image = icons.picture(name, "#ff0000", 48).toImage()
    inked = [image.pixelColor(x, y) for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() > 200]
    assert len(inked) > 40
    assert all(colour.red() > 200 and colour.green() < 60 for colour in inked)
    assert not icons.icon(name, "#ff0000").isNull()
