"""Probabilities, their thresholds, and which finding is chosen."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.widgets.probability_bars import Bar, ProbabilityBars

FINDINGS = ["Normal", "Pneumonia", "Nodule"]
THRESHOLDS = {"Normal": 0.5, "Pneumonia": 0.42}


@pytest.fixture
def bars(qtbot: QtBot) -> ProbabilityBars:
    made = ProbabilityBars()
    qtbot.addWidget(made)
    made.set_values(FINDINGS, [0.1, 0.42, 0.9], THRESHOLDS)
    made.resize(400, 220)
    made.show()
    return made


def _row(bars: ProbabilityBars, row: int) -> QPoint:
    return bars._canvas.row_place(row).center().toPoint()


def _filled(image: QImage, area: QRectF, colour: str) -> int:
    y = round(area.center().y())
    return sum(QColor(image.pixel(x, y)).name() == colour for x in range(image.width()))


def test_each_finding_is_told_in_words(bars: ProbabilityBars) -> None:
    assert bars.words("Normal") == "Normal: probability 0.100, below its threshold of 0.500"
    assert bars.words("Pneumonia") == "Pneumonia: probability 0.420, at or above its threshold of 0.420"
    assert bars.words("Nodule") == "Nodule: probability 0.900, no threshold"
    assert bars.words("Effusion") == ""


def test_the_spread_of_an_ensemble_is_told(bars: ProbabilityBars) -> None:
    bars.set_values(FINDINGS, [0.1, 0.42, np.nan], THRESHOLDS, spread=[0.05, 0, 0.1])
    assert "0.100 ± 0.050 over the runs" in bars.words("Normal")
    assert bars.words("Nodule") == "Nodule: probability not defined"
    assert "Whisker" in bars._explained.text()
    bars.grab()


def test_the_spread_stands_beside_the_figure(bars: ProbabilityBars) -> None:
    alone = bars._canvas.ends()
    bars.set_values(FINDINGS, [0.1, 0.42, 0.9], THRESHOLDS, spread=[0.05, 0.0, 0.1])
    _, right = bars._canvas.ends()
    assert right < alone[1], "there is room for ± 0.050"
    font = bars._canvas.font()
    font.setBold(True)
    assert QFontMetricsF(font).horizontalAdvance("0.000 ± 0.000") <= bars._canvas.width() - right - 6
    assert "±" in bars._explained.text()


def test_a_bold_name_is_not_cut(bars: ProbabilityBars) -> None:
    bars.set_values(["Tuberculosis"], [0.9], {"Tuberculosis": 0.5})
    font = bars._canvas.font()
    font.setBold(True)
    metrics, (left, _) = QFontMetricsF(font), bars._canvas.ends()
    room = left - bars._canvas._symbol() - 2 * theme.SPACE
    assert metrics.elidedText("Tuberculosis", Qt.TextElideMode.ElideMiddle, int(room)) == "Tuberculosis"


@pytest.mark.parametrize(
    ("probability", "threshold", "above"),
    [(0.5, 0.5, True), (0.49, 0.5, False), (0.9, float("nan"), False), (float("nan"), 0.5, False)],
)
def test_at_the_threshold_counts_as_above(probability: float, threshold: float, above: bool) -> None:
    assert Bar("a", probability, threshold, float("nan")).above is above


def test_what_reaches_its_threshold_differs_in_more_than_colour(bars: ProbabilityBars) -> None:
    text = QColor(theme.colours().text).name()

    def ink_left_of_the_name(row: int) -> int:
        image, area = bars._canvas.grab().toImage(), bars._canvas.row_place(row)
        rows = range(round(area.top()) + 4, round(area.bottom()) - 4)
        return sum(QColor(image.pixel(x, y)).name() == text for x in range(3, 16) for y in rows)

    assert ink_left_of_the_name(0) == 0
    assert ink_left_of_the_name(1) > 10  # the triangle
    assert "▲" in bars._explained.text()


def test_bars_are_as_long_as_the_probability(bars: ProbabilityBars) -> None:
    bars.set_values(FINDINGS, [0.25, 0.75, 1.0], dict.fromkeys(FINDINGS, 0.0))
    image, (left, right) = bars._canvas.grab().toImage(), bars._canvas.ends()
    for row, share in enumerate((0.25, 0.75, 1.0)):
        assert _filled(image, bars._canvas.row_place(row), theme.colours().accent) == pytest.approx(
            share * (right - left), abs=4
        )


def test_a_click_chooses(bars: ProbabilityBars, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bars.chosen) as told:
        QTest.mouseClick(bars._canvas, Qt.MouseButton.LeftButton, pos=_row(bars, 2))
    assert told.args == ["Nodule"]
    assert bars.selected() == "Nodule"
    with qtbot.assertNotEmitted(bars.chosen):
        QTest.mouseClick(bars._canvas, Qt.MouseButton.RightButton, pos=_row(bars, 0))
        QTest.mouseClick(bars._canvas, Qt.MouseButton.LeftButton, pos=QPoint(5, bars._canvas.height() - 1))


def test_keys_choose(bars: ProbabilityBars, qtbot: QtBot) -> None:
    bars.set_selected("Normal")
    bars.setFocus()
    told: list[str] = []
    bars.chosen.connect(told.append)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_Up, Qt.Key.Key_Space):
        QTest.keyClick(bars._canvas, key)
    assert told == ["Pneumonia", "Nodule", "Normal", "Normal"]  # at the ends nothing changes
    assert bars._canvas.accessibleDescription() == bars.words("Normal")


def test_a_choice_from_outside_sends_no_signal(bars: ProbabilityBars, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(bars.chosen):
        bars.set_selected("Pneumonia")
        bars.set_values(FINDINGS, [0, 0, 0], selected="Nodule")
    assert bars.selected() == "Nodule"
    bars.set_selected("Effusion")
    assert bars.selected() == ""


def test_without_thresholds_nothing_is_explained(bars: ProbabilityBars) -> None:
    bars.set_values(FINDINGS, [0.1, 0.2, 0.3])
    assert not bars._explained.isVisible()
    bars.set_values([], [])
    QTest.keyClick(bars._canvas, Qt.Key.Key_Down)
    assert bars.selected() == ""
    bars.grab()


def test_numbers_must_fit_the_findings(bars: ProbabilityBars) -> None:
    with pytest.raises(ValueError, match="reshape"):
        bars.set_values(FINDINGS, [0.1])
    assert bars.words("Normal")


def test_many_findings_scroll(bars: ProbabilityBars, qtbot: QtBot) -> None:
    bars.set_values([f"finding {n}" for n in range(40)], np.linspace(0, 1, 40))
    bar = bars._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bars.set_selected("finding 39")
    assert bar.value() > bar.maximum() - bars._canvas.row_height()


def test_it_follows_the_theme_and_its_name(bars: ProbabilityBars, qapp: QApplication) -> None:
    bars.setAccessibleName("Probabilities of chest.png")
    assert bars._canvas.accessibleName() == "Probabilities of chest.png"
    light = bars._canvas.grab().toImage()
    theme.apply(qapp, "dark")
    dark = bars._canvas.grab().toImage()
    assert _filled(light, bars._canvas.row_place(1), theme.LIGHT.accent) > 20
    assert _filled(dark, bars._canvas.row_place(1), theme.DARK.accent) > 20


def test_values_stand_in_figures_and_outside_the_bars(bars: ProbabilityBars) -> None:
    left, right = bars._canvas.ends()
    metrics = bars._canvas.fontMetrics()
    assert right + metrics.horizontalAdvance("0.420") < bars._canvas.width()
    assert left >= metrics.horizontalAdvance("Pneumonia")


def test_a_long_name_leaves_room_for_the_bar(bars: ProbabilityBars) -> None:
    name = "Pneumonia/Viral/COVID-19 as seen on portable radiographs at the bedside"
    bars.set_values([name], [0.5], {name: 0.5})
    left, right = bars._canvas.ends()
    assert left <= bars._canvas.width() * 0.56 + 1
    assert right - left > 80
    assert bars.words(name).startswith(name)
    bars.grab()


def test_the_threshold_is_a_mark_across_the_bar(bars: ProbabilityBars) -> None:
    bars.set_values(["Nodule"], [0.9], {"Nodule": 0.3})
    (left, right), area = bars._canvas.ends(), bars._canvas.row_place(0)
    image = bars._canvas.grab().toImage()

    def dark(share: float) -> bool:
        x, y = round(left + share * (right - left)), round(area.top()) + 5  # above the bar itself
        return theme.colours().text in {QColor(image.pixel(x + d, y)).name() for d in (-1, 0, 1)}

    assert dark(0.3)
    assert not dark(0.5)


@pytest.mark.parametrize(("probability", "spread"), [(0.99, 0.5), (0.01, 0.5), (1.0, 0.0), (0.0, 0.0)])
def test_whiskers_stay_on_the_scale(bars: ProbabilityBars, probability: float, spread: float) -> None:
    bars.set_values(["Nodule"], [probability], spread=[spread])
    left, right = bars._canvas.ends()
    image, y = bars._canvas.grab().toImage(), round(bars._canvas.row_place(0).center().y())
    text = theme.colours().text
    assert text not in {QColor(image.pixel(x, y)).name() for x in range(round(left) - 6, round(left) - 3)}
    assert text not in {QColor(image.pixel(x, y)).name() for x in range(round(right) + 3, round(right) + 6)}


def test_a_fine_screen_gets_fine_bars(bars: ProbabilityBars) -> None:
    image = QImage(bars._canvas.size() * 2, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(2)
    painter = QPainter(image)
    bars._canvas.render(painter, QPoint())
    painter.end()
    (left, right), y = bars._canvas.ends(), round(bars._canvas.row_place(1).center().y() * 2) + 3
    blue = sum(QColor(image.pixel(x, y)).name() == theme.colours().accent for x in range(image.width()))
    assert blue == pytest.approx(0.42 * (right - left) * 2, abs=12)  # the mark of the threshold covers some


def test_the_focus_is_seen(bars: ProbabilityBars, qtbot: QtBot) -> None:
    bars._canvas.clearFocus()
    without = bars._canvas.grab().toImage()
    bars.activateWindow()
    bars.setFocus()
    qtbot.waitUntil(bars._canvas.hasFocus)
    assert bars._canvas.grab().toImage() != without


def test_other_keys_go_on_to_the_page(bars: ProbabilityBars, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(bars.chosen):
        QTest.keyClick(bars._canvas, Qt.Key.Key_F5)
        QTest.keyClick(bars._canvas, Qt.Key.Key_Return)  # nothing is chosen yet
    assert bars.selected() == ""


def test_down_begins_at_the_first(bars: ProbabilityBars, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bars.chosen) as told:
        QTest.keyClick(bars._canvas, Qt.Key.Key_Down)
    assert told.args == ["Normal"]
