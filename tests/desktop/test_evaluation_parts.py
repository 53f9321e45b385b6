"""The small parts of the Evaluate page: headline bars, the finding chooser, what is missing, the words of figures."""

import dataclasses
import math

import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from cxr_desktop import theme
from cxr_desktop.evaluation import evaluation_missing, figure_words
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.finding_chooser import FindingChooser
from cxr_desktop.evaluation.headline_table import HeadlineTable, IntervalBar
from cxr_desktop.evaluation.operating_points import OperatingPoints
from tests.desktop.evaluated import click, judged_of
from trainer import curves, meanings
from trainer.errors import DataError
from trainer.results import FIGURES, Figure


@pytest.fixture(scope="module", params=["multi-class", "multi-label"])
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judged_of(tmp_path_factory.mktemp(request.param), request.param)


def painted(bar: IntervalBar, colour: str) -> list[int]:
    """Columns in which the colour stands."""
    bar.resize(220, 20)
    image = bar.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    ratio = image.width() / 220
    wanted = QColor(colour).rgb()
    return sorted(
        {round(x / ratio) for x in range(image.width()) for y in range(image.height()) if image.pixel(x, y) == wanted}
    )


def test_a_bar_stands_where_the_interval_is(qtbot: QtBot) -> None:
    bar = IntervalBar(Figure(0.5, 0.25, 0.75), {"always": 0.1})
    qtbot.addWidget(bar)
    accent = painted(bar, theme.LIGHT.accent)
    assert accent[0] == pytest.approx(4 + 212 * 0.25, abs=4)
    assert accent[-1] == pytest.approx(4 + 212 * 0.75, abs=4)
    (tick, *_) = painted(bar, theme.LIGHT.series[1])
    assert tick == pytest.approx(4 + 212 * 0.1, abs=4)


def test_what_is_not_defined_has_no_bar(qtbot: QtBot) -> None:
    bar = IntervalBar(Figure(math.nan), {"always": math.nan})
    qtbot.addWidget(bar)
    assert painted(bar, theme.LIGHT.accent) == []
    assert painted(bar, theme.LIGHT.series[1]) == []


def test_the_headline_can_be_filled_again(qtbot: QtBot, judged: Judged) -> None:
    table = HeadlineTable()
    qtbot.addWidget(table)
    assert judged.evaluation is not None
    table.show_evaluation(judged.evaluation)
    before = dict(table.values)
    worse = {name: Figure(math.nan) for name in judged.evaluation.metrics}
    table.show_evaluation(dataclasses.replace(judged.evaluation, metrics=worse))
    assert set(table.values) == set(before)
    assert set(table.values.values()) == {"not defined"}
    repeated = meanings.REPEATED[judged.evaluation.task]
    assert set(before) == set(judged.evaluation.metrics) - set(repeated)


def test_every_figure_has_a_name_and_a_meaning() -> None:
    from trainer.figures import HEADLINE

    for key in (*HEADLINE, *FIGURES):
        assert figure_words.name(key)
        assert figure_words.meaning(key).endswith(".")
    assert figure_words.both(Figure(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
    assert figure_words.both(Figure(math.nan)) == "not defined"
    assert figure_words.glossary_of("threshold").startswith("Threshold: ")
    assert figure_words.glossary_of("no such word") == ""


def test_the_chooser_sends_only_what_the_user_chooses(qtbot: QtBot) -> None:
    chooser, sent = FindingChooser("All findings"), []
    qtbot.addWidget(chooser)
    chooser.chosen.connect(sent.append)
    chooser.set_findings(["A", "B", "C"])
    assert chooser.finding() == ""
    chooser.show_finding("B")
    assert sent == []
    click(chooser.after)
    click(chooser.after)
    assert sent == ["C"]
    assert not chooser.after.isEnabled()
    chooser.set_findings(["C", "D"])
    assert chooser.finding() == "C"
    chooser.set_marked(["C"])
    assert "not saved" in chooser.list.currentText()
    chooser.set_marked([])
    assert chooser.list.currentText() == "C"
    chooser.go("nobody")
    chooser.step(-1)
    assert chooser.finding() == ""
    assert sent == ["C", ""]


def test_rules_are_written_as_the_trainer_reads_them(qtbot: QtBot) -> None:
    points, sent = OperatingPoints(), []
    qtbot.addWidget(points)
    points.chosen.connect(sent.append)
    for share in (100, 90, 87.5, 1):
        points.level.setValue(share)
        click(points.at_least)
    for button in points.buttons.values():
        click(button)
    assert sent == ["sensitivity=1", "sensitivity=0.9", "sensitivity=0.875", "sensitivity=0.01", "youden", "f1"]
    assert all(curves.operating_point(rule) for rule in sent)


def test_f_beta_has_a_button_where_the_run_was_after_it(qtbot: QtBot) -> None:
    points, sent = OperatingPoints(), []
    qtbot.addWidget(points)
    points.show()
    points.chosen.connect(sent.append)
    assert not points.f_beta.isVisible()
    points.set_rules(["youden", "fbeta=2.0"])
    assert (points.f_beta.isVisible(), points.f_beta.text()) == (True, "Best F2")
    assert "counts 2 times as much" in points.f_beta.toolTip()
    assert points.names == {"youden": "Youden", "f1": "Best F1", "fbeta=2.0": "Best F2"}
    click(points.f_beta)
    assert sent == ["fbeta=2.0"]
    assert curves.operating_point(sent[0])
    points.explain("not here")
    assert {points.f_beta.toolTip(), points.at_least.toolTip(), points.buttons["f1"].toolTip()} == {"not here"}
    points.set_rules(["f1"])
    assert not points.f_beta.isVisible()


def test_what_is_missing_in_words(judged: Judged) -> None:
    bare = dataclasses.replace(judged, evaluation=None)
    assert evaluation_missing.of(bare).button == "Evaluate on validation"
    sealed = evaluation_missing.of(dataclasses.replace(bare, part="test", openings=2))
    assert "opened 2 times" in sealed.text
    assert sealed.does == evaluation_missing.EVALUATE
    broken = dataclasses.replace(bare, problem=DataError("It is damaged", remedy="Evaluate."))
    assert evaluation_missing.of(broken).text == "It is damaged. Evaluate."
    untrained = evaluation_missing.of(dataclasses.replace(bare, header=None))
    assert untrained.does == evaluation_missing.TRAIN
    assert evaluation_missing.unreadable(DataError("Gone", remedy="Copy it.")).button == ""
