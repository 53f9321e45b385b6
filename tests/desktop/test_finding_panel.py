"""The threshold work: by mouse, keyboard and rule; every readout follows, and equals what the trainer says."""

import dataclasses

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.figure_words import interval, number
from cxr_desktop.evaluation.figures_at import NO_INTERVAL
from cxr_desktop.evaluation.finding_curves import NOW, SAVED
from cxr_desktop.evaluation.finding_panel import FindingPanel
from cxr_desktop.evaluation.finding_scores import AT_THRESHOLD
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from tests.desktop.evaluated import click, click_cell, drag, judged_of, slider, type_threshold
from trainer import judgement, metrics
from trainer.results import Prediction


@pytest.fixture(scope="module", params=[("multi-class", "validation"), ("multi-label", "test")], ids=lambda one: "-".join(one))
def judged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    task, part = request.param
    return judged_of(tmp_path_factory.mktemp(task), task, part)


@pytest.fixture
def panel(qtbot: QtBot, judged: Judged) -> FindingPanel:
    made = FindingPanel()
    qtbot.addWidget(made)
    made.resize(620, 560)
    made.show_judged(judged, ThresholdDraft(judged.thresholds))
    made.show()
    return made


def agrees(panel: FindingPanel) -> None:
    """Everything on the screen is what the trainer's formulas give at the threshold of the bar."""
    assert panel.judged is not None
    scores = panel.judged.scores[panel.finding]
    threshold = panel.bar.threshold()
    counts = metrics.counts(scores.y, scores.p, threshold)
    for name in AT_THRESHOLD:
        assert panel.table.texts(name)[0] == number(float(getattr(metrics, name)(counts)))
    written = [[panel.matrix.written(truth, said) for said in (0, 1)] for truth in (0, 1)]
    assert written == [[f"{int(cell):,}" for cell in row] for row in counts]
    sensitivity, specificity = float(metrics.sensitivity(counts)), float(metrics.specificity(counts))
    assert panel.curves.roc.markers()[NOW] == pytest.approx((1 - specificity, sensitivity), nan_ok=True)
    assert panel.curves.pr.markers()[NOW] == pytest.approx((sensitivity, float(metrics.precision(counts))), nan_ok=True)


def test_at_first_it_stands_where_the_model_has_it(panel: FindingPanel) -> None:
    assert panel.judged is not None
    assert panel.judged.evaluation is not None
    result = panel.judged.evaluation.findings[panel.finding]
    assert panel.bar.threshold() == result.threshold
    agrees(panel)
    for name in AT_THRESHOLD:
        assert panel.table.texts(name) == (
            number(getattr(result, name).value),
            interval(getattr(result, name)),
            number(getattr(result, name).value),
        )
    assert not panel.save.isEnabled()
    assert panel.state.text() == "saved"


def test_dragging_moves_everything_at_once_and_is_one_move(panel: FindingPanel) -> None:
    drag(panel.bar, 0.8)
    assert panel.bar.threshold() == pytest.approx(0.8, abs=0.01)
    agrees(panel)
    assert panel.draft.moved == (panel.finding,)
    assert panel.draft.value(panel.finding) == panel.bar.threshold()
    assert panel.table.texts("f1")[1] == NO_INTERVAL
    assert panel.table.texts("f1")[2] == number(panel.judged.evaluation.findings[panel.finding].f1.value)  # type: ignore[union-attr]
    assert panel.save.isEnabled()
    assert "1 not saved" in panel.state.text()
    assert panel.finding in panel.state.toolTip()
    click(panel.undo)
    assert panel.draft.moved == ()
    agrees(panel)
    assert not panel.undo.isEnabled()


def test_keys_move_it(panel: FindingPanel) -> None:
    before, moves = panel.bar.threshold(), []
    panel.draft_changed.connect(lambda: moves.append(panel.bar.threshold()))
    QTest.keyClick(slider(panel.bar), Qt.Key.Key_Right)
    QTest.keyClick(slider(panel.bar), Qt.Key.Key_PageUp)
    assert panel.bar.threshold() > before
    assert moves[-1] == panel.bar.threshold() == panel.draft.value(panel.finding)
    agrees(panel)


def test_a_typed_number_is_taken_as_it_is(panel: FindingPanel) -> None:
    type_threshold(panel.bar, "0.625")
    assert panel.draft.value(panel.finding) == 0.625
    agrees(panel)


def test_while_it_is_dragged_nothing_is_kept_yet(panel: FindingPanel) -> None:
    panel.bar.moved.emit(0.9)
    assert panel.draft.moved == ()
    assert panel.table.texts("sensitivity")[0] == number(
        panel.judged.scores[panel.finding].at(0.9).figures["sensitivity"].value
    )  # type: ignore[union-attr]


@pytest.mark.parametrize("rule", ["youden", "f1", "sensitivity=0.75"])
def test_an_operating_point_by_one_click_is_chosen_on_validation(panel: FindingPanel, rule: str) -> None:
    type_threshold(panel.bar, "0.9")
    if rule.startswith("sensitivity"):
        panel.points.level.setValue(75)
        click(panel.points.at_least)
    else:
        click(panel.points.buttons[rule])
    assert panel.judged is not None
    validation = Prediction.load(panel.judged.run.predictions("validation"))
    assert panel.bar.threshold() == judgement.choose_thresholds(validation, rule)[panel.finding]
    agrees(panel)


def test_a_point_of_the_bar_is_a_rule_too(panel: FindingPanel) -> None:
    type_threshold(panel.bar, "0.9")
    at = panel.bar.points()["Best F1"]
    panel.bar.set_threshold(at)
    panel.bar.settled.emit(at)
    assert panel.draft.changes() in ([f"{panel.finding}=f1"], [])


def test_reset_and_discard(panel: FindingPanel) -> None:
    type_threshold(panel.bar, "0.9")
    click(panel.discard)
    assert panel.draft.moved == ()
    type_threshold(panel.bar, "0.9")
    click(panel.reset)
    assert panel.draft.is_reset
    assert panel.bar.threshold() == panel.draft.saved[panel.finding]
    agrees(panel)


def test_each_finding_keeps_its_own_move(panel: FindingPanel) -> None:
    first = panel.finding
    type_threshold(panel.bar, "0.9")
    click(panel.chooser.after)
    second = panel.finding
    assert second != first
    agrees(panel)
    type_threshold(panel.bar, "0.1")
    assert set(panel.draft.moved) == {first, second}
    assert "not saved" in panel.chooser.list.itemText(0)
    click(panel.chooser.before)
    assert panel.bar.threshold() == 0.9
    agrees(panel)


def test_a_cell_asks_for_its_images(panel: FindingPanel) -> None:
    asked: list[tuple[str, bool, bool]] = []
    panel.cell_chosen.connect(lambda *cell: asked.append(cell))
    click_cell(panel.matrix, 0, 1)
    click_cell(panel.matrix, 1, 0)
    assert asked == [(panel.finding, False, True), (panel.finding, True, False)]


def test_the_screen_says_which_part_decides(panel: FindingPanel) -> None:
    assert panel.judged is not None
    text = panel.note.text()
    if panel.judged.part == "test":
        assert "Rules choose on validation" in text
        assert "too good" in text
        assert "largest probability" not in text
    else:
        assert "chosen on this part" in text
        assert "largest probability decides" in text
    scores = panel.judged.scores[panel.finding]
    assert f"{int(scores.sweep.positives)} with it, {int(scores.sweep.negatives)} without" in text


def test_the_curves_are_named_with_their_areas_and_have_the_saved_point(panel: FindingPanel) -> None:
    assert panel.judged is not None
    result = panel.judged.scores[panel.finding].result
    assert result is not None
    assert panel.curves.roc.series() == (f"AUROC {number(result.auroc.value)}",)
    assert panel.curves.pr.series() == (f"AUPRC {number(result.auprc.value)}",)
    assert panel.curves.roc.markers()[SAVED] == pytest.approx((1 - result.specificity.value, result.sensitivity.value))


def test_without_predictions_it_is_switched_off(qtbot: QtBot, judged: Judged) -> None:
    draft = ThresholdDraft(judged.thresholds)
    made = FindingPanel()
    qtbot.addWidget(made)
    made.show_judged(dataclasses.replace(judged, scores={}, prediction=None, validation={}), draft)
    assert not made.widget().isEnabled()
    made.reset_all()
    made.take_back()
    assert draft.moved == ()


def test_without_validation_there_are_no_rules(qtbot: QtBot, judged: Judged) -> None:
    draft = ThresholdDraft(judged.thresholds)
    made = FindingPanel()
    qtbot.addWidget(made)
    made.show_judged(dataclasses.replace(judged, validation={}), draft)
    assert not made.points.isEnabled()
    assert not made.reset.isEnabled()
    type_threshold(made.bar, "0.3")
    assert draft.value(made.finding) == 0.3


def test_the_run_that_was_after_f_beta_can_have_its_threshold_back(qtbot: QtBot, judged: Judged) -> None:
    assert judged.header is not None
    finding = judged.findings[0]
    choice = {"choice.metric": "f_beta", "choice.finding": finding, "choice.beta": 2.0}
    after = dataclasses.replace(judged, header=dataclasses.replace(judged.header, settings=choice))
    made = FindingPanel()
    qtbot.addWidget(made)
    made.show_judged(after, ThresholdDraft(judged.thresholds))
    made.show()
    expected = judgement.choose_thresholds(Prediction.load(judged.run.predictions("validation")), "fbeta=2.0")[finding]
    assert made.bar.points()["Best F2"] == expected
    type_threshold(made.bar, "0.9999")
    click(made.points.f_beta)
    assert made.bar.threshold() == expected
    assert made.draft.changes() in ([f"{finding}=fbeta=2.0"], [])
    made.reset_all()
    assert made.draft.value(finding) == expected
