"""The finding that matters: its figure against scikit-learn, and that epochs and thresholds follow it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.metrics import fbeta_score

from trainer import config, criteria, curves, headline, judgement
from trainer.errors import ConfigError
from trainer.results import Prediction

FINDINGS = ("Normal", "Covid")


def _prediction(covid: NDArray[np.integer], scores: NDArray[np.floating]) -> Prediction:
    count = len(covid)
    return Prediction(
        ids=np.arange(count),
        findings=FINDINGS,
        probabilities=np.stack([1 - scores, scores], axis=1).astype(np.float32),
        targets=np.stack([np.where(covid < 0, covid, 1 - covid), covid], axis=1).astype(np.int8),
        task="multi-label",
        patients=tuple(f"p{i}" for i in range(count)),
    )


def _choice(metric: str, **more: object) -> config.Choice:
    return config.Choice(metric=metric, finding="Covid", **more)  # type: ignore[arg-type]


TRUTH = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.5, 0.4, 0.3, 0.1, 0.05])


@settings(deadline=None, max_examples=40)
@given(
    y=hnp.arrays(np.int64, st.integers(2, 30), elements=st.integers(0, 1)),
    beta=st.sampled_from([0.5, 1.0, 2.0, 5.0]),
    seed=st.integers(0, 1000),
)
def test_f_beta_at_every_threshold_is_scikit_learns(y: NDArray[np.int64], beta: float, seed: int) -> None:
    y[0], y[1] = 1, 0
    p = np.random.default_rng(seed).integers(0, 8, len(y)) / 8
    sweep = curves.Sweep(y, p)
    expected = [fbeta_score(y, p >= score, beta=beta, zero_division=0) for score in sweep.scores]
    np.testing.assert_allclose(sweep.f_beta(beta)[:-1], expected, atol=1e-12)
    best = sweep.best_f_beta(beta)
    assert fbeta_score(y, p >= best, beta=beta, zero_division=0) == pytest.approx(max(expected))
    assert sweep.best_f_beta(1) == sweep.best_f1()


def test_more_beta_lets_less_be_missed() -> None:
    """By hand: 3 of 4 with 1 false alarm is the best F1; all 4 cost 4 false alarms and are the best F3."""
    sweep = curves.Sweep(TRUTH, SCORES)
    assert sweep.best_f_beta(1) == pytest.approx(0.55)
    assert sweep.f_beta(1).max() == pytest.approx(0.75)
    assert sweep.best_f_beta(3) == pytest.approx(0.15)
    assert sweep.f_beta(3).max() == pytest.approx(10 * 4 / (8 + 9 * 4))


def test_the_figures_of_the_finding_that_matters_by_hand() -> None:
    validation = _prediction(TRUTH, SCORES)
    assert criteria.figure(validation, _choice("f_beta", beta=1.0)) == {"f_beta": pytest.approx(0.75)}
    assert criteria.figure(validation, _choice("specificity_at_sensitivity", sensitivity=0.75)) == {
        "specificity_at_sensitivity": pytest.approx(5 / 6)
    }
    assert criteria.figure(validation, _choice("specificity_at_sensitivity", sensitivity=0.76)) == {
        "specificity_at_sensitivity": pytest.approx(2 / 6)
    }
    assert criteria.figure(validation, _choice("macro_f1")) == {}


@pytest.mark.parametrize("metric", config.OF_ONE_FINDING)
def test_what_is_not_defined_is_nan(metric: str) -> None:
    nobody = _prediction(np.zeros(4, np.int64), np.linspace(0, 1, 4))
    assert math.isnan(criteria.figure(nobody, _choice(metric))[metric])


def test_an_epoch_has_the_figure_beside_the_others() -> None:
    validation = _prediction(TRUTH, SCORES)
    found = headline.figures(validation, _choice("f_beta", beta=1.0))
    assert found.pop("f_beta") == pytest.approx(0.75)
    assert found == headline.figures(validation)


def test_thresholds_follow_the_finding_that_matters_and_the_others_the_criterion() -> None:
    validation = _prediction(TRUTH, SCORES)
    rules = criteria.rules(_choice("f_beta", beta=3.0, criterion="f1"), FINDINGS)
    assert rules == {"Normal": "f1", "Covid": "fbeta=3.0"}
    chosen = judgement.choose_thresholds(validation, rules)
    assert chosen["Covid"] == pytest.approx(0.15)
    assert chosen["Normal"] == judgement.choose_thresholds(validation, "f1")["Normal"]
    sure = criteria.rules(_choice("specificity_at_sensitivity", sensitivity=0.75), FINDINGS)
    assert sure == {"Normal": "youden", "Covid": "sensitivity=0.75"}
    assert judgement.choose_thresholds(validation, sure)["Covid"] == pytest.approx(0.55)
    assert set(criteria.rules(_choice("macro_f1"), FINDINGS).values()) == {"youden"}


@pytest.mark.parametrize("beta", [0.1, 2.0, 1 / 3, 10.0])
def test_every_rule_that_a_configuration_can_ask_for_is_one(beta: float) -> None:
    for rule in criteria.rules(_choice("f_beta", beta=beta), FINDINGS).values():
        assert callable(curves.operating_point(rule))
    for rule in criteria.rules(_choice("specificity_at_sensitivity", sensitivity=0.01), FINDINGS).values():
        assert callable(curves.operating_point(rule))


def test_a_choice_that_nothing_can_be_made_of_is_refused() -> None:
    with pytest.raises(ConfigError, match="none is named") as refused:
        criteria.check(config.Choice(metric="f_beta"), FINDINGS)
    assert "Normal, Covid" in refused.value.remedy
    with pytest.raises(ConfigError, match="not one that is learned") as refused:
        criteria.check(config.Choice(finding="covid"), FINDINGS)
    assert "Covid" in refused.value.remedy
    criteria.check(_choice("f_beta"), FINDINGS)
    criteria.check(config.Choice(), FINDINGS)


def test_what_older_runs_stored_is_read_as_it_was_then() -> None:
    assert criteria.of_settings({"choice.metric": "macro_auroc", "a.setting": 3}) == config.Choice(metric="macro_auroc")
    assert set(criteria.rules(criteria.of_settings({}), FINDINGS).values()) == {"youden"}


@pytest.mark.parametrize(
    ("metric", "finding", "told"),
    [("f_beta", "Covid", 1), ("specificity_at_sensitivity", "Covid", 1), ("f_beta", "Normal", 0), ("macro_auroc", "", 0),
     ("macro_f1", "", 0), ("loss", "", 0)],
)  # fmt: skip
def test_a_figure_that_no_epoch_can_have_is_told_before(metric: str, finding: str, told: int) -> None:
    """Nobody in validation has Covid; Normal is there with and without."""
    targets = np.array([[1, 0], [0, 0], [0, -1]], np.int8)
    found = criteria.undefined(targets, config.Choice(metric=metric, finding=finding), ("Normal", "Covid"))
    assert len(found) == told
    assert all("chosen by the validation loss instead" in sentence for sentence in found)
    assert len(criteria.undefined(targets[1:], config.Choice(metric="macro_auroc"), ("Normal", "Covid"))) == 1
