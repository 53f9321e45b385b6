"""Bags judged: members beside the whole, thresholds before the seal is broken, pooled folds, and what must be said."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer import bagging, config, evaluate_bag, importer, judgement, phantom, pooling, predict, runs, split
from trainer.bag_results import BagEvaluation, MemberResult, over_members, thresholds_of
from trainer.bags import Bag
from trainer.catalog import Catalog
from trainer.errors import ConfigError, DataError, RunError
from trainer.model_card import read_header
from trainer.results import Evaluation, Figure, Prediction

LATE = "changed after the test part had been opened"


def _said(made: BagEvaluation, words: str) -> list[str]:
    return [text for text in made.evaluation.warnings if words in text]


# Seeds


def test_the_average_is_judged_beside_its_members(bag: Bag) -> None:
    made = evaluate_bag.run(bag.folder, on="test", draws=30)
    each = [Prediction.load(run.predictions("test")) for run in bag.trained().values()]
    whole = Prediction.load(bag.predictions("test"))
    np.testing.assert_allclose(whole.probabilities, np.mean([one.probabilities for one in each], axis=0), atol=1e-6)
    validation, _ = pooling.averaged([Prediction.load(run.predictions("validation")) for run in bag.trained().values()])
    levels = judgement.choose_thresholds(validation)
    assert {name: one.threshold for name, one in made.evaluation.findings.items()} == levels
    assert (kept := thresholds_of(bag)) is not None
    assert kept.thresholds == levels
    assert made.averaged
    assert [one.run for one in made.members] == ["three-01", "three-02", "three-03"]
    for one, run in zip(made.members, bag.trained().values(), strict=True):
        assert one.metrics == Evaluation.load(run.evaluation("test")).metrics
    values = [one.metrics["accuracy"].value for one in made.members]
    assert made.mean["accuracy"] == pytest.approx(np.mean(values))
    assert made.sd["accuracy"] == pytest.approx(np.std(values, ddof=1))
    spread = np.std([one.probabilities for one in each], axis=0, ddof=1).mean(0)
    assert list(made.spread.values()) == pytest.approx(spread.tolist(), abs=1e-6)
    assert BagEvaluation.load(bag.evaluation("test")).to_json() == made.to_json()
    assert made.evaluation.test_openings == 4, "three members and their average: four figures to choose by"
    assert "the seed alone" in made.words()
    assert "(n - 1)" in made.words()
    with Catalog.open(bag.project) as catalog:
        files = [path for path, _ in catalog.files(whole.ids[:2])]
    _, found = predict.run([run.folder for run in bag.trained().values()], files, device="cpu")
    np.testing.assert_allclose([one.probabilities for one in found], whole.probabilities[:2], atol=1e-5)


def test_a_bag_of_several_findings_an_image(project: Path, small: config.TrainConfig) -> None:
    settings = config.changed(small, {"task.kind": "multi-label"})
    found = Bag(bagging.run(project, settings, members=2, name="labels").bag)
    made = evaluate_bag.run(found.folder, on="test", draws=30)
    one, other = (Prediction.load(run.predictions("test")) for run in found.trained().values())
    whole = Prediction.load(found.predictions("test"))
    np.testing.assert_allclose(whole.probabilities, (one.probabilities + other.probabilities) / 2, atol=1e-6)
    levels = [[read_header(run.best).thresholds[name] for name in whole.findings] for run in found.trained().values()]
    differ = (one.probabilities >= np.array(levels[0])) != (other.probabilities >= np.array(levels[1]))
    assert made.disagreement == pytest.approx(differ.any(1).mean()), "each by its own thresholds"
    assert made.evaluation.confusion is None
    assert made.evaluation.test_openings == 3


def test_thresholds_of_a_bag_stay_until_they_are_chosen_anew(bag: Bag) -> None:
    first = evaluate_bag.run(bag.folder, draws=10)
    assert first.part == "validation"
    assert first.evaluation.test_openings == 0
    evaluate_bag.run(bag.folder, on="test", draws=10)
    late = evaluate_bag.run(bag.folder, on="test", rule="sensitivity=0.9", draws=10)
    assert len(_said(late, LATE)) == 1
    assert late.evaluation.test_openings == 8
    bag.thresholds.write_text("{}")
    with pytest.raises(DataError, match="thresholds are damaged"):
        evaluate_bag.run(bag.folder, draws=10)


def test_thresholds_that_were_chosen_before_the_seal_was_broken_are_not_called_late(bag: Bag) -> None:
    """Also where the rule comes with the very first opening: not even the last of the members chooses after it."""
    evaluate_bag.run(bag.folder, draws=10)
    made = evaluate_bag.run(bag.folder, on="test", rule="sensitivity=0.9", draws=10)
    assert _said(made, LATE) == []
    origins = [origin for run in bag.trained().values() for origin in read_header(run.best).origins.values()]
    kept = thresholds_of(bag)
    assert kept is not None
    assert {(one.rule, one.openings) for one in (*origins, *kept.origins.values())} == {("sensitivity=0.9", 0)}


def test_a_bag_with_missing_members_says_so(bag: Bag) -> None:
    shutil.rmtree(bag.trained()[2].folder)
    made = evaluate_bag.run(bag.folder, draws=10)
    assert [one.number for one in made.members] == [1, 3]
    assert "Only 2 of 3 members are trained" in made.evaluation.warnings[0]
    runs.rename(bag.trained()[3], "renamed")
    assert [one.run for one in evaluate_bag.run(bag.folder, draws=10).members] == ["three-01", "renamed"]
    shutil.rmtree(bag.trained()[1].folder)
    with pytest.raises(RunError, match="Only 1 of 3 members are trained"):
        evaluate_bag.run(bag.folder)


def test_what_flatters_the_members_is_said_of_the_bag(bag: Bag) -> None:
    assert len(_said(evaluate_bag.run(bag.folder, draws=10), "the figures flatter")) == 1
    learned = evaluate_bag.run(bag.folder, on="train", draws=10)
    assert learned.part == "train"
    assert len(_said(learned, "has learned these very images")) == 1
    assert learned.evaluation.images == len(Prediction.load(bag.predictions("train")).ids)


def test_a_leak_of_the_split_is_said_of_the_bag(bag: Bag) -> None:
    leak = "In more than one of the given parts: 3 patients. Results will look better than they are."
    for run in bag.trained().values():
        text = (run.folder / "split.json").read_text().replace('"warnings": []', f'"warnings": ["{leak}"]')
        assert leak in text
        (run.folder / "split.json").write_text(text)
    assert _said(evaluate_bag.run(bag.folder, on="test", draws=10), "look better than they are") == [leak]


def test_an_evaluation_tells_how_far_it_is(bag: Bag) -> None:
    told: list[tuple[int, int]] = []
    evaluate_bag.run(bag.folder, on="test", draws=10, progress=lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {7000}, "each member on validation and on test, then the whole"
    steps = [after - before for (before, _), (after, _) in itertools.pairwise(told)]
    assert min(steps) >= -1000, "back at most to where a member began, for its intervals"
    assert {done // 1000 for done, _ in told} == set(range(8))
    assert told[-1] == (7000, 7000)


def test_a_damaged_evaluation_of_a_bag_is_told(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, draws=10).save(bag.evaluation("validation"))
    bag.evaluation("validation").write_text('{"bag": 3}')
    with pytest.raises(DataError, match="no evaluation of a bag"):
        BagEvaluation.load(bag.evaluation("validation"))


def test_mean_and_sd_over_members_by_hand() -> None:
    each = [
        MemberResult(number, f"m{number}", 1, "s", 10, {"a": Figure(value), "b": Figure(np.nan if number == 2 else 0.5)})
        for number, value in enumerate((0.2, 0.4, 0.9), 1)
    ]
    mean, sd = over_members(each)
    assert [mean["a"], sd["a"]] == pytest.approx([0.5, np.sqrt((0.09 + 0.01 + 0.16) / 2)])
    assert np.isnan([mean["b"], sd["b"]]).all()


# A cross-validation


def test_each_image_is_predicted_by_the_network_that_has_not_learned_from_it(crossed: Bag) -> None:
    made = evaluate_bag.run(crossed.folder, on="test", draws=30)
    whole = Prediction.load(crossed.predictions("test"))
    with Catalog.open(crossed.project) as catalog:
        assert sorted(whole.ids.tolist()) == sorted(catalog.ids().tolist())
    start = 0
    counts = np.zeros((3, 2, 2))
    for run, row in zip(crossed.trained().values(), made.members, strict=True):
        own = Prediction.load(run.predictions("test"))
        assert not set(own.ids) & {*run.split()["parts"]["train"], *run.split()["parts"]["validation"]}
        part = slice(start, start + len(own.ids))
        np.testing.assert_array_equal(whole.ids[part], own.ids)
        np.testing.assert_array_equal(whole.probabilities[part], own.probabilities)
        levels = read_header(run.best).thresholds
        for k, name in enumerate(own.findings):
            called = own.probabilities[:, k].astype(np.float64) >= levels[name]
            np.add.at(counts[k], (own.targets[:, k], called.astype(int)), 1)
        assert row.images == len(own.ids)
        start = part.stop
    assert [np.array(one.matrix).tolist() for one in made.evaluation.findings.values()] == counts.tolist()
    assert made.evaluation.images == len(whole.ids)
    assert made.evaluation.test_openings == 1, "each fold's test part was opened once, by its one network"
    assert not made.averaged
    assert np.isnan(made.disagreement)
    assert BagEvaluation.load(crossed.evaluation("test")).to_json() == made.to_json()
    right = sum(one.metrics["accuracy"].value * one.images for one in made.members) / made.evaluation.images
    assert made.evaluation.metrics["accuracy"].value == pytest.approx(right)
    assert "no confidence interval" in made.words()
    assert evaluate_bag.run(crossed.folder, on="test", draws=10).evaluation.test_openings == 2


def test_a_cross_validation_over_sealed_images_says_so(crossed: Bag) -> None:
    with Catalog.open(crossed.project) as catalog:
        sealed = catalog.split()
    (told,) = _said(evaluate_bag.run(crossed.folder, on="test", draws=10), "sealed test part")
    assert told.startswith(
        f"{len(sealed.parts['test'])} images of these are of the sealed test part of the split '{sealed.name}'"
    )
    with Catalog.open(crossed.project) as catalog:
        catalog.activate_split("cv-fold2")
    assert _said(evaluate_bag.run(crossed.folder, on="test", draws=10), "sealed test part") == []


def test_what_one_fold_lacks_is_said_by_its_name(crossed: Bag) -> None:
    second = crossed.trained()[2]
    with Catalog.open(crossed.project) as catalog:
        ((path, _),) = catalog.files(second.split()["parts"]["test"][:1])
    path.rename(path.with_suffix(".gone"))
    shutil.rmtree(crossed.project / "cache")
    try:
        made = evaluate_bag.run(crossed.folder, on="test", draws=10)
    finally:
        path.with_suffix(".gone").rename(path)
    assert _said(made, "could not be judged") == [
        "cv-02: 1 image could not be judged: its file is gone, unreadable, or replaced by another since the import."
    ]
    assert len(_said(made, "validation patients with the finding")) >= 1, "what the folds' own thresholds rest on"


@pytest.mark.parametrize(("on", "words"), [("val", "Validation parts"), ("train", "Training parts")])
def test_parts_of_folds_that_overlap_are_refused(crossed: Bag, on: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"{words} of folds overlap"):
        evaluate_bag.run(crossed.folder, on=on)


def test_folds_are_averaged_on_another_project(crossed: Bag, tmp_path: Path) -> None:
    """Of copies of training images each network leaves out its own; what is averaged is what none has learned from."""
    phantom.run(tmp_path / "drawn", images=24, findings=("Normal", "Lobar pneumonia", "Pleural effusion"), size=64, seed=8)
    with Catalog.open(crossed.project) as catalog:
        ids = catalog.split("cv-fold1").parts["test"]
        ((copied, _),) = catalog.files(ids[:1])
    shutil.copy(copied, tmp_path / "drawn" / "images" / "Normal" / "copy.png")
    importer.run(tmp_path / "other.cxr", [tmp_path / "drawn" / "images"])
    made = evaluate_bag.run(crossed.folder, on=str(tmp_path / "other.cxr"), draws=10)
    assert made.part == "external: other"
    assert made.averaged
    whole = Prediction.load(crossed.predictions("external-other"))
    each = [Prediction.load(run.predictions("external-other")) for run in crossed.trained().values()]
    shared = set.intersection(*(set(one.ids.tolist()) for one in each))
    assert set(whole.ids.tolist()) == shared
    assert len(shared) == 24
    assert len(_said(made, "1 image is an exact copy")) == 1
    levels = [read_header(run.best).thresholds for run in crossed.trained().values()]
    for name, one in made.evaluation.findings.items():
        assert one.threshold == pytest.approx(np.mean([level[name] for level in levels]))
    with Catalog.open(tmp_path / "other.cxr") as catalog:
        split.run(catalog)
    assert _said(made, "sealed test part") == []


def test_what_is_neither_a_part_nor_a_project_is_told(bag: Bag) -> None:
    with pytest.raises(DataError, match="'tset' is neither a part nor a project") as refused:
        evaluate_bag.run(bag.folder, on="tset")
    assert "Did you mean test?" in refused.value.remedy
