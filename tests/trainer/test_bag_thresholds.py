"""What an average decides by: one truth for evaluate, thresholds and predict; held against numpy and scikit-learn."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from trainer import bag_results, bag_thresholds, bags, cli, evaluate_bag, judgement, model_card, pooling, predict, runs
from trainer.bag_results import BagEvaluation
from trainer.bag_thresholds import FITTED, KEPT, MEAN, OWN, Deciding
from trainer.bags import Bag
from trainer.errors import ConfigError, DataError, RunError
from trainer.model_card import BY_HAND, Origin
from trainer.results import Prediction

NORMAL = "Normal"


def mean_of(members: list[runs.Run], part: str = "validation") -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Mean probabilities float64 [N, K] by numpy alone, truth [N, K] and findings; all members kept the same images."""
    each = [Prediction.load(run.predictions(part)) for run in members]
    assert all(np.array_equal(one.ids, each[0].ids) for one in each)
    mean = np.mean([one.probabilities.astype(np.float64) for one in each], axis=0)
    return mean, each[0].targets, each[0].findings


def members(bag: Bag) -> list[runs.Run]:
    return list(bag.trained().values())


def decided(paths: list[Path]) -> Deciding:
    return bag_thresholds.deciding(paths, [model_card.read_header(path) for path in paths])


def test_before_the_first_evaluation_nothing_is_kept(bag: Bag) -> None:
    assert bag_thresholds.run(bag.folder).thresholds == {}
    assert not bag.thresholds.exists()


def test_a_rule_is_fitted_on_the_mean_of_the_members(bag: Bag) -> None:
    found = bag_thresholds.run(bag.folder, rule="f1", draws=10)
    mean, truth, names = mean_of(members(bag))
    for k, name in enumerate(names):
        level = found.thresholds[name]
        reached = f1_score(truth[:, k], mean[:, k] >= level)
        best = max(f1_score(truth[:, k], mean[:, k] >= p) for p in mean[:, k])
        assert reached == pytest.approx(best)
    assert found.thresholds == bag_results.thresholds_of(bag).thresholds  # type: ignore[union-attr]
    assert bag_thresholds.run(bag.folder).thresholds == found.thresholds
    assert set(found.origins.values()) == {Origin("f1", 0)}
    assert not any(model_card.read_header(run.best).thresholds for run in members(bag)), "the members keep their own"


def test_what_was_judged_is_judged_again_and_the_test_part_is_not_opened(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, on="val", draws=10)
    before = evaluate_bag.run(bag.folder, on="test", draws=10)
    opened = before.evaluation.test_openings
    found = bag_thresholds.run(bag.folder, changes=[f"{NORMAL}=0.4"], draws=10)
    assert found.judged == ("validation", "test")
    assert found.origins[NORMAL] == Origin(BY_HAND, opened)
    made = BagEvaluation.load(bag.evaluation("test"))
    mean, truth, names = mean_of(members(bag), "test")
    k = names.index(NORMAL)
    expected = confusion_matrix(truth[:, k], mean[:, k].astype(np.float32) >= 0.4, labels=[0, 1])
    assert np.array(made.evaluation.findings[NORMAL].matrix).tolist() == expected.tolist()
    assert (made.members, made.spread, made.disagreement) == (before.members, before.spread, before.disagreement)
    assert made.evaluation.test_openings == opened
    told = made.evaluation.warnings
    assert sum("set by hand: Normal (0.400)" in text for text in told) == 1
    assert sum("changed after the test part had been opened: Normal (by hand)" in text for text in told) == 1
    later = evaluate_bag.run(bag.folder, on="test", draws=10)
    assert later.evaluation.findings[NORMAL].threshold == 0.4, "evaluation takes what is kept"
    bag_thresholds.run(bag.folder, reset=True, draws=10)
    again = BagEvaluation.load(bag.evaluation("test")).evaluation
    assert {name: one.threshold for name, one in again.findings.items()} == {
        name: one.threshold for name, one in before.evaluation.findings.items()
    }
    assert not any("by hand" in text for text in again.warnings)
    assert len(set(again.warnings)) == len(again.warnings)


def test_notes_on_validation_do_not_speak_of_the_test_part(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, on="test", draws=10)
    bag_thresholds.run(bag.folder, changes=[f"{NORMAL}=0.4"], draws=10)
    told = " ".join(evaluate_bag.run(bag.folder, on="val", draws=10).evaluation.warnings)
    assert "set by hand: Normal" in told
    assert "after the test part had been opened" not in told


def test_predict_decides_by_them_and_averages_as_numpy_does(bag: Bag, drawn: Path, tmp_path: Path) -> None:
    bag_thresholds.run(bag.folder, rule="sensitivity=0.9", draws=10)
    folder = str(drawn / "images" / NORMAL)
    each = []
    for run in members(bag):
        assert cli.main(["predict", str(run.folder), folder, "--csv", str(tmp_path / "one.csv")]) == 0
        each.append(table(tmp_path / "one.csv"))
    columns = f"file,{NORMAL},p({NORMAL}),sd({NORMAL})"
    assert cli.main(["predict", str(bag.folder), folder, "--csv", str(tmp_path / "all.csv"), "--columns", columns]) == 0
    level = bag_thresholds.run(bag.folder).thresholds[NORMAL]
    whole = table(tmp_path / "all.csv")
    assert len(whole) == len(each[0]) > 5
    for place, row in enumerate(whole):
        values = np.array([float(one[place][NORMAL]) for one in each])
        assert float(row[f"p({NORMAL})"]) == pytest.approx(values.mean(), abs=2e-6)
        assert float(row[f"sd({NORMAL})"]) == pytest.approx(values.std(ddof=1), abs=2e-6)
        assert int(row[NORMAL]) == int(float(row[f"p({NORMAL})"]) >= level)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_members_are_the_bag_and_some_of_them_are_fitted_by_themselves(bag: Bag) -> None:
    bag_thresholds.run(bag.folder, changes=[f"{NORMAL}=0.123"], draws=10)
    paths = [run.best for run in members(bag)]
    found = decided(paths[::-1])
    assert (found.source, found.thresholds[NORMAL], found.words) == (
        KEPT,
        0.123,
        "Thresholds: those of the bag three, for the mean of its 3 networks.",
    )
    two = decided(paths[:2])
    validation, _ = pooling.averaged([Prediction.load(run.predictions("validation")) for run in members(bag)[:2]])
    assert (two.source, two.thresholds) == (FITTED, judgement.choose_thresholds(validation))
    assert "these 2 networks, on the validation part that they share" in two.words
    assert decided(paths[:1]) == Deciding(model_card.read_header(paths[0]).thresholds)
    assert decided(paths[:1]).source == OWN
    assert decided([paths[0], paths[0]]).source == MEAN
    renamed = bag.folder.rename(bag.folder.with_name("renamed"))
    assert (decided(paths).source, decided(paths).bag) == (KEPT, Bag(renamed))
    renamed.rename(bag.folder)
    mailed = Path(shutil.copy(paths[0], bag.folder / "mailed.safetensors"))
    assert decided([mailed, paths[1]]).source == MEAN


def test_a_bag_that_keeps_nothing_yet_decides_as_evaluation_will(bag: Bag) -> None:
    paths = [run.best for run in members(bag)]
    first = decided(paths)
    assert first.source == FITTED
    evaluate_bag.run(bag.folder, draws=10)
    assert (decided(paths).source, decided(paths).thresholds) == (KEPT, first.thresholds)
    again = bag_thresholds.decided_again(first, [model_card.read_header(path) for path in paths])
    assert (again.source, again.thresholds) == (KEPT, first.thresholds)
    bag_thresholds.run(bag.folder, changes=[f"{NORMAL}=0.9"], draws=10)
    assert bag_thresholds.decided_again(again, []).thresholds[NORMAL] == 0.9


def test_thresholds_of_other_members_are_not_taken_and_that_is_told(bag: Bag) -> None:
    bag_thresholds.run(bag.folder, changes=[f"{NORMAL}=0.9"], draws=10)
    shutil.rmtree(members(bag)[2].folder)
    assert bag_thresholds.run(bag.folder).thresholds == {}
    assert decided([run.best for run in members(bag)]).source == FITTED
    made = evaluate_bag.run(bag.folder, draws=10).evaluation
    assert bag_thresholds.OTHERS in made.warnings
    mean, _, _ = mean_of(members(bag))
    validation, _ = pooling.averaged([Prediction.load(run.predictions("validation")) for run in members(bag)])
    np.testing.assert_allclose(validation.probabilities, mean, atol=1e-7)
    assert made.findings[NORMAL].threshold == judgement.choose_thresholds(validation)[NORMAL] != 0.9
    assert bag_thresholds.OTHERS not in evaluate_bag.run(bag.folder, draws=10).evaluation.warnings


def test_networks_of_folds_decide_by_the_mean_of_their_own(crossed: Bag) -> None:
    evaluate_bag.run(crossed.folder, on="test", draws=10)
    paths = [run.best for run in members(crossed)]
    found = decided(paths)
    own = [model_card.read_header(path).thresholds[NORMAL] for path in paths]
    assert (found.source, found.thresholds[NORMAL]) == (MEAN, pytest.approx(np.mean(own)))
    assert "nothing has shown to suit" in found.words
    with pytest.raises(ConfigError, match="each network decides at thresholds of its own") as refused:
        bag_thresholds.run(crossed.folder, rule="f1")
    assert "cv-01" in refused.value.remedy
    assert "--on test" in refused.value.remedy
    assert not crossed.thresholds.exists()


def test_what_cannot_be_chosen_is_told_in_a_sentence(bag: Bag) -> None:
    with pytest.raises(ConfigError, match="no such finding"):
        bag_thresholds.run(bag.folder, changes=["Normla=0.4"])
    assert not bag.thresholds.exists()
    bag.thresholds.write_text('{"thresholds": {"Normal": 7}, "origins": {}, "weights": ""}')
    with pytest.raises(DataError, match="thresholds are damaged"):
        bag_thresholds.run(bag.folder)
    bag.thresholds.unlink()
    first, second, _ = members(bag)
    first.predictions("validation").unlink()
    with pytest.raises(RunError, match="no predictions on validation") as refused:
        bag_thresholds.run(bag.folder, rule="f1")
    assert f"evaluate {bag.folder}" in refused.value.remedy
    shutil.rmtree(first.folder)
    shutil.rmtree(second.folder)
    with pytest.raises(RunError, match="Only 1 of 3 members are trained"):
        bag_thresholds.run(bag.folder)


def test_a_damaged_evaluation_does_not_keep_thresholds_from_being_moved(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, draws=10)
    bag.evaluation("validation").write_text('{"bag": 3}')
    found = bag_thresholds.run(bag.folder, changes=[f"{NORMAL}=0.4"], draws=10)
    assert found.judged == ()
    assert bag_thresholds.run(bag.folder).thresholds[NORMAL] == 0.4


def test_predict_takes_networks_apart_from_their_bag(bag: Bag, drawn: Path) -> None:
    networks = bags.networks(bag.folder)
    assert networks == [run.folder for run in members(bag)]
    headers, _ = predict.run(networks, [drawn / "images"], device="cpu")
    assert len(headers) == 3
