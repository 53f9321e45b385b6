"""Thresholds that are tried out: moved, taken back, saved, remembered; rules choose as the trainer does."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation import kept_drafts
from cxr_desktop.evaluation.kept_drafts import KeptDrafts
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft, chosen
from cxr_desktop.project import Project
from trainer import judgement
from trainer.curves import Sweep
from trainer.errors import ConfigError
from trainer.results import Prediction

SAVED = {"A": 0.5, "B": 0.25}
RANDOM = np.random.default_rng(3)
Y = RANDOM.integers(-1, 2, (200, 2)).astype(np.int8)
P = np.clip(RANDOM.normal(0.3 + 0.4 * (Y == 1), 0.2), 0, 1).astype(np.float32)
VALIDATION = {name: Sweep(Y[:, k], P[:, k]) for k, name in enumerate("AB")}


@pytest.fixture
def draft() -> ThresholdDraft:
    return ThresholdDraft(SAVED)


def test_a_move_is_marked_and_taken_back(draft: ThresholdDraft) -> None:
    assert (draft.moved, draft.can_undo, draft.to_text()) == ((), False, "")
    draft.move("B", 0.4)
    assert draft.values() == {"A": 0.5, "B": 0.4}
    assert draft.moved == ("B",)
    assert draft.changes() == ["B=0.4"]
    draft.undo()
    assert (draft.values(), draft.moved, draft.can_undo) == (SAVED, (), False)
    draft.undo()
    assert draft.values() == SAVED


def test_back_at_the_saved_one_nothing_is_moved(draft: ThresholdDraft) -> None:
    draft.move("A", 0.7)
    draft.move("A", 0.5)
    assert draft.moved == ()
    draft.undo()
    assert draft.value("A") == 0.7


def test_a_move_to_the_same_place_is_none(draft: ThresholdDraft) -> None:
    draft.move("A", 0.5)
    assert not draft.can_undo


@pytest.mark.parametrize("rule", ["youden", "f1", "sensitivity=0.9"])
def test_rules_choose_as_the_trainer_does_and_are_saved_as_rules(draft: ThresholdDraft, rule: str) -> None:
    made = Prediction(np.arange(200), ("A", "B"), P, Y, ("",) * 200, "multi-label")
    expected = judgement.choose_thresholds(made, rule)
    assert draft.choose("A", rule, VALIDATION) == expected["A"] == draft.value("A")
    assert draft.changes() == [f"A={rule}"]
    assert not draft.is_reset


def test_a_wrong_rule_changes_nothing(draft: ThresholdDraft) -> None:
    with pytest.raises(ConfigError):
        draft.choose("A", "jouden", VALIDATION)
    assert draft.moved == ()


def test_without_both_kinds_a_rule_gives_a_half() -> None:
    assert chosen(Sweep(np.zeros(5, np.int8), np.linspace(0, 1, 5, dtype=np.float32)), "f1") == 0.5


def test_reset_is_what_was_chosen_at_first_until_something_moves(draft: ThresholdDraft) -> None:
    draft.reset(VALIDATION, {"A": "youden", "B": "fbeta=2"})
    assert draft.is_reset
    assert draft.value("A") == VALIDATION["A"].youden()
    assert draft.value("B") == VALIDATION["B"].best_f_beta(2)
    draft.move("A", 0.9)
    assert not draft.is_reset
    draft.undo()
    assert draft.value("A") == VALIDATION["A"].youden()


def test_discard_goes_back_to_what_is_saved_and_can_be_taken_back(draft: ThresholdDraft) -> None:
    draft.move("A", 0.9)
    draft.discard()
    assert draft.moved == ()
    draft.undo()
    assert draft.value("A") == 0.9


def test_after_saving_what_was_saved_is_no_move_any_more(draft: ThresholdDraft) -> None:
    draft.move("A", 0.9)
    draft.move("B", 0.1)
    draft.rebased({"A": 0.9, "B": 0.25})
    assert draft.moved == ("B",)
    assert not draft.can_undo


@given(st.dictionaries(st.sampled_from("AB"), st.floats(0, 1), max_size=2))
def test_moves_are_remembered_exactly(moves: dict[str, float]) -> None:
    draft, other = ThresholdDraft(SAVED), ThresholdDraft(SAVED)
    for name, value in moves.items():
        draft.move(name, value)
    other.restore(draft.to_text())
    assert other.values() == draft.values()
    assert other.changes() == draft.changes()


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"A": 3}', '{"A": ["x", "by hand"]}', '{"C": [0.5, "f1"], "A": [7, "f1"]}', "null"]
)
def test_nonsense_that_was_remembered_is_passed_over(draft: ThresholdDraft, text: str) -> None:
    draft.restore(text)
    assert draft.values() == SAVED


def test_drafts_outlive_the_window(project: Project, tmp_path: Path) -> None:
    first, second = tmp_path / "runs" / "first", tmp_path / "runs" / "second"
    kept = KeptDrafts(project, project)
    kept.of(first, SAVED).move("A", 0.75)
    kept.write()
    assert kept.of(second, SAVED).moved == ()
    again = KeptDrafts(project, project)
    assert again.of(first, SAVED).values() == {"A": 0.75, "B": 0.25}
    assert again.of(first, {"A": 0.75, "B": 0.25}).moved == ()  # saved meanwhile
    assert KeptDrafts(project, project).of(first, SAVED).moved == ()


def test_a_move_is_kept_soon_and_when_the_project_is_closed(qtbot: QtBot, project: Project, lungs: Path) -> None:
    def remembered() -> dict[str, object]:
        return dict(json.loads(project.settings.text(kept_drafts._key(lungs)) or "{}"))

    kept = KeptDrafts(project, project)
    assert project.open(lungs)
    kept.of(lungs, SAVED).move("A", 0.75)
    kept.keep()
    assert remembered() == {}
    qtbot.waitUntil(lambda: set(remembered()) == {"A"})
    kept.of(lungs, SAVED).move("B", 0.75)
    kept.keep()
    project.close()
    assert set(remembered()) == {"A", "B"}


def test_nothing_is_written_that_says_nothing(project: Project, tmp_path: Path) -> None:
    KeptDrafts(project, project).of(tmp_path, SAVED)
    assert not any(key.startswith("evaluation") for key in project.settings._stored.allKeys())
    assert json.loads(ThresholdDraft({}).to_text() or "{}") == {}
