"""The verb `thresholds`: moved by hand, by rule, reset; saved with the model; what was judged is judged again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer import cli, judgement, model_card, runs, thresholds
from trainer.errors import ConfigError, RunError, WeightsError
from trainer.model_card import BY_HAND, Origin
from trainer.results import Evaluation, Prediction

from .judged_files import judged_run, network

VIRAL = "Pneumonia/Viral"


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return judged_run(tmp_path_factory.mktemp("made"), "multi-class", test=True).folder


@pytest.fixture
def run(_made: Path, tmp_path: Path) -> runs.Run:
    return runs.Run(Path(shutil.copytree(_made.parent.parent, tmp_path / "lungs.cxr")) / "runs" / _made.name)


def card(run: runs.Run) -> model_card.Header:
    return model_card.read_header(run.best)


def validation(run: runs.Run) -> Prediction:
    return Prediction.load(run.predictions("validation"))


def test_without_a_wish_it_says_what_the_model_carries(run: runs.Run) -> None:
    found = thresholds.run(run.folder)
    assert found.thresholds == judgement.choose_thresholds(validation(run))
    assert set(found.origins.values()) == {Origin("youden")}
    assert found.judged == ()


def test_one_is_set_by_hand_and_the_others_stay(run: runs.Run) -> None:
    before = card(run).thresholds
    found = thresholds.run(run.folder, changes=[f"{VIRAL}=0.123"], draws=20)
    assert card(run).thresholds == {**before, VIRAL: 0.123} == found.thresholds
    assert card(run).origins[VIRAL] == Origin(BY_HAND, 1)
    assert card(run).origins["Normal"] == Origin("youden")


def test_a_rule_for_one_finding_takes_validation(run: runs.Run) -> None:
    thresholds.run(run.folder, changes=["Normal=sensitivity=0.9"], draws=20)
    assert card(run).thresholds["Normal"] == judgement.choose_thresholds(validation(run), "sensitivity=0.9")["Normal"]
    assert card(run).origins["Normal"].rule == "sensitivity=0.9"


def test_a_rule_for_all_then_one_by_hand(run: runs.Run) -> None:
    thresholds.run(run.folder, rule="f1", changes=["Normal=0.5"], draws=20)
    expected = judgement.choose_thresholds(validation(run), "f1") | {"Normal": 0.5}
    assert card(run).thresholds == expected


def test_reset_is_what_evaluation_chose_at_first(run: runs.Run) -> None:
    first, origins = card(run).thresholds, card(run).origins
    thresholds.run(run.folder, rule="f1", changes=["Normal=0.9"], draws=20)
    assert card(run).thresholds != first
    thresholds.run(run.folder, reset=True, draws=20)
    assert card(run).thresholds == first
    assert card(run).origins == origins


def test_what_was_judged_is_judged_again_and_the_test_part_is_not_opened(run: runs.Run) -> None:
    predicted = run.predictions("test").read_bytes()
    found = thresholds.run(run.folder, changes=["Normal=0.4"], draws=20)
    assert found.judged == ("validation", "test")
    for part in found.judged:
        made = Evaluation.load(run.evaluation(part))
        prediction = Prediction.load(run.predictions(part))
        expected = judgement.evaluate(prediction, card(run).thresholds, draws=2).findings["Normal"].matrix
        assert made.findings["Normal"].threshold == 0.4
        assert made.findings["Normal"].matrix == expected
    assert runs.openings(run.project, "d1") == 1
    assert run.predictions("test").read_bytes() == predicted
    assert "set by hand: Normal (0.400)" in " ".join(Evaluation.load(run.evaluation("validation")).warnings)
    told = " ".join(Evaluation.load(run.evaluation("test")).warnings)
    assert "changed after the test part had been opened: Normal (by hand)" in told


def test_before_the_test_part_was_opened_a_change_is_no_fault(tmp_path: Path) -> None:
    run = judged_run(tmp_path, "multi-label")
    found = thresholds.run(run.folder, changes=["Nodule=0.4"], draws=20)
    assert found.judged == ("validation",)
    assert found.origins["Nodule"] == Origin(BY_HAND, 0)


def test_a_finding_that_validation_cannot_judge_gets_a_half(tmp_path: Path) -> None:
    run = judged_run(tmp_path, "multi-label")
    assert thresholds.run(run.folder, changes=["Rare=f1"], draws=20).thresholds["Rare"] == 0.5
    told = " ".join(Evaluation.load(run.evaluation("validation")).warnings)
    assert "Validation cannot set a threshold for Rare" in told
    thresholds.run(run.folder, changes=["Rare=0.2"], draws=20)
    assert "cannot set a threshold" not in " ".join(Evaluation.load(run.evaluation("validation")).warnings)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (["Normla=0.4"], "no such finding"),
        (["Normal"], "sets nothing"),
        (["Normal=1.5"], "no threshold"),
        (["Normal=nan"], "no threshold"),
        (["Normal=-0.1"], "no threshold"),
        (["Normal=jouden"], "no such rule"),
        (["Normal=sensitivity=7"], "not complete"),
    ],
)
def test_a_wrong_wish_is_refused_and_nothing_changes(run: runs.Run, wish: list[str], words: str) -> None:
    before = run.best.read_bytes()
    with pytest.raises(ConfigError, match=words):
        thresholds.run(run.folder, changes=wish)
    assert run.best.read_bytes() == before


def test_the_longest_name_is_meant(run: runs.Run) -> None:
    """ "Pneumonia" and "Pneumonia/Viral"; and a name may hold an equals sign."""
    thresholds.run(run.folder, changes=["Pneumonia=0.25"], draws=20)
    assert card(run).thresholds["Pneumonia"] == 0.25
    assert card(run).thresholds[VIRAL] != 0.25
    network(run, ("A", "A=B"), "multi-label")
    model_card.set_thresholds(run.best, {"A": 0.5, "A=B": 0.5})
    assert thresholds.run(run.folder, changes=["A=B=0.3"], draws=2).thresholds == {"A": 0.5, "A=B": 0.3}


@pytest.mark.parametrize("what", ["of other weights", "gone"])
def test_a_rule_without_fitting_predictions_is_refused(run: runs.Run, what: str) -> None:
    if what == "gone":
        run.predictions("validation").unlink()
    else:
        network(run, card(run).findings, "multi-class", weight=2.0)
        model_card.set_thresholds(run.best, dict.fromkeys(card(run).findings, 0.5))
    with pytest.raises(RunError, match="no predictions on validation"):
        thresholds.run(run.folder, rule="f1")
    assert thresholds.run(run.folder, changes=["Normal=0.3"], draws=2).judged == ()
    assert card(run).thresholds["Normal"] == 0.3


def test_a_damaged_test_file_does_not_stop_the_saving(run: runs.Run) -> None:
    run.predictions("test").write_bytes(b"damaged")
    found = thresholds.run(run.folder, changes=["Normal=0.3"], draws=2)
    assert found.judged == ("validation",)
    assert card(run).thresholds["Normal"] == 0.3


def test_a_run_that_is_being_trained_is_left_alone(run: runs.Run) -> None:
    with run.locked(), pytest.raises(RunError, match="Another process"):
        thresholds.run(run.folder, changes=["Normal=0.3"])


def test_a_run_without_a_network_is_told(run: runs.Run) -> None:
    run.best.unlink()
    with pytest.raises(WeightsError, match="no trained network"):
        thresholds.run(run.folder)


def test_in_a_terminal(run: runs.Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["thresholds", str(run.folder), "--set", "Normal=0.4", "--set", f"{VIRAL}=f1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["thresholds"]["Normal"] == {"threshold": 0.4, "rule": BY_HAND, "openings": 1}
    assert said["judged"] == ["validation", "test"]
    assert cli.main(["thresholds", str(run.folder)]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert any(
        row.split() == ["Normal", "0.400", "by", "hand;", "after", "the", "test", "part", "had", "been", "opened"]
        for row in rows
    )
    assert any("f1, on validation" in row for row in rows)
    assert cli.main(["thresholds", str(run.folder), "--reset", "--rule", "f1"]) == 2
    assert cli.main(["thresholds", str(run.folder), "--reset"]) == 0
    assert "Judged again with the kept predictions: validation, test." in capsys.readouterr().out
    assert np.allclose(list(card(run).thresholds.values()), list(judgement.choose_thresholds(validation(run)).values()))
