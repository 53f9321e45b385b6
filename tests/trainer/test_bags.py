"""Bags: planned, trained, stopped, resumed, judged; members beside the whole; a cross-validation with pooled predictions."""

import json
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer import (
    bag_members,
    bagging,
    bags,
    config,
    evaluate_bag,
    importer,
    judgement,
    pooling,
    predict,
    runs,
    sections,
    split,
    train,
)
from trainer.bag_members import Ears
from trainer.bag_results import BagEvaluation
from trainer.bags import Bag
from trainer.catalog import Catalog
from trainer.errors import ConfigError, DataError, RunError
from trainer.model_card import read_header, weights_digest
from trainer.results import Evaluation, Prediction


@pytest.fixture(scope="session")
def small(tiny: config.TrainConfig) -> config.TrainConfig:
    return config.changed(tiny, {"model.size": 32, "schedule.epochs": 1})


@pytest.fixture(scope="session")
def _bagged(_project: Path, small: config.TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Path(shutil.copytree(_project, tmp_path_factory.mktemp("bagged") / "lungs.cxr"))
    return bagging.run(project, small, members=3, name="three", recipe="scratch").bag


@pytest.fixture
def bag(_bagged: Path, tmp_path: Path) -> Bag:
    """A trained bag of three seeds in a project of this test alone."""
    return bags.find(Path(shutil.copytree(_bagged.parent.parent, tmp_path / "bagged" / "lungs.cxr")) / "bags" / "three")


@pytest.fixture(scope="session")
def _crossed(_project: Path, small: config.TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Path(shutil.copytree(_project, tmp_path_factory.mktemp("crossed") / "lungs.cxr"))
    return bagging.run(project, small, folds=3, name="cv").bag


@pytest.fixture
def crossed(_crossed: Path, tmp_path: Path) -> Bag:
    """A trained cross-validation of three folds in a project of this test alone."""
    return bags.find(Path(shutil.copytree(_crossed.parent.parent, tmp_path / "crossed" / "lungs.cxr")) / "bags" / "cv")


def _stop_after(steps: int) -> Callable[[], bool]:
    asked = iter(range(10_000))
    return lambda: next(asked) >= steps


# Training


def test_members_are_runs_of_one_plan(bag: Bag) -> None:
    trained = bag.trained()
    assert [run.name for run in trained.values()] == ["three-01", "three-02", "three-03"]
    abouts = [run.about() for run in trained.values()]
    assert [about["seed"] for about in abouts] == [1, 2, 3]
    assert {about["split"]["digest"] for about in abouts} == {abouts[0]["split"]["digest"]}
    assert {runs.bag_of(about) for about in abouts} == {"three"}
    assert {about["recipe"] for about in abouts} == {"scratch"}
    assert len({weights_digest(run.best) for run in trained.values()}) == 3
    assert (bag.status().state, bag.status().words) == ("finished", "3 of 3 members trained")
    assert [one.name for one in bags.every(bag.project)] == ["three"]
    assert bag.plan().config["model.size"] == 32
    with pytest.raises(RunError, match="All members of this bag are trained"):
        bagging.resume(bag.folder)
    with pytest.raises(RunError, match="Nothing to stop: 3 of 3"):
        bag.request_stop()


def test_the_report_of_a_member_names_its_bag(bag: Bag) -> None:
    assert ("Bag", "three, member 2") in sections.settings(bag.trained()[2].about(), []).origin


def test_a_member_has_the_weights_of_a_run_by_itself(bag: Bag, small: config.TrainConfig) -> None:
    alone = train.run(bag.project, config.changed(small, {"seed": 2}), name="alone").run
    assert weights_digest(runs.Run(alone).best) == weights_digest(bag.trained()[2].best)


def test_a_bag_that_was_stopped_is_resumed_as_a_whole(project: Path, bag: Bag, small: config.TrainConfig) -> None:
    begun: list[str] = []
    told = Ears(stop=_stop_after(8), told=lambda member, of, run: begun.append(f"{run.name} of {of}"))
    first = bagging.run(project, small, members=3, name="three", ears=told)
    assert (first.status, first.kind, first.members) == ("stopped", "seeds", 3)
    assert first.trained < 3
    kept = {run.name: (run.best.stat().st_mtime_ns) for run in bags.find(first.bag).trained().values()}
    assert bags.find(first.bag).status().state == "stopped"
    second = bagging.resume(first.bag)
    assert (second.status, second.trained) == ("finished", 3)
    assert second.runs == ("three-01", "three-02", "three-03")
    again = bags.find(first.bag).trained()
    assert all(run.best.stat().st_mtime_ns == kept[run.name] for run in again.values() if run.name in kept)
    expected = [weights_digest(run.best) for run in bag.trained().values()]
    assert [weights_digest(run.best) for run in again.values()] == expected
    assert begun[0] == "three-01 of 3"


def test_a_bag_that_was_killed_goes_on_to_the_same_weights(project: Path, bag: Bag, small: config.TrainConfig) -> None:
    begun: list[str] = []

    def killed(event: Mapping[str, Any]) -> None:
        if event["kind"] == "started" and len(begun) == 2:
            raise KeyboardInterrupt

    ears = Ears(listener=killed, told=lambda member, of, run: begun.append(run.name))
    with pytest.raises(KeyboardInterrupt):
        bagging.run(project, small, members=3, name="three", ears=ears)
    left = bags.find(project / "bags" / "three")
    assert (left.status().words, left.busy()) == ("1 of 3 members trained", False)
    assert list(left.begun()) == [1, 2]
    assert bagging.resume(left.folder).status == "finished"
    digests = [weights_digest(run.best) for run in left.trained().values()]
    assert digests == [weights_digest(run.best) for run in bag.trained().values()]


def test_the_stop_file_ends_the_whole_bag(project: Path, small: config.TrainConfig) -> None:
    def stop(bag: Bag) -> None:
        assert bag.busy()
        assert bag.status().state == "running"
        with pytest.raises(RunError, match="Another process is working on this bag"), bag.locked():
            raise AssertionError
        bag.request_stop()

    outcome = bagging.run(project, small, members=2, name="two", opened=stop)
    assert (outcome.status, outcome.trained) == ("stopped", 0)
    assert not bags.find(outcome.bag).stop_requested()
    assert json.loads(json.dumps(outcome.to_json()))["bag"] == str(outcome.bag)


def test_devices_share_the_members_out(project: Path, bag: Bag, small: config.TrainConfig) -> None:
    outcome = bagging.run(project, small, members=2, name="three", devices=["cpu", "cpu"])
    assert outcome.status == "finished"
    made = [weights_digest(run.best) for run in bags.find(outcome.bag).trained().values()]
    assert made == [weights_digest(run.best) for run in list(bag.trained().values())[:2]]


def test_a_process_tells_its_refusal_and_keeps_what_ctrl_c_is_for(project: Path, small: config.TrainConfig) -> None:
    settings = config.changed(small, {"model.weights": str(project / "gone.safetensors")})
    bag = bags.find(bagging.run(project, settings, members=2, name="two", ears=Ears(stop=lambda: True)).bag)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    before = signal.getsignal(signal.SIGINT)
    try:
        bag_members._alone(bag.folder, bag.plan().members[0], "cpu", multiprocessing.get_context("spawn").Event(), theirs)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "the first process alone deals with it"
    finally:
        signal.signal(signal.SIGINT, before)
    what, where, _ = ours.recv()
    assert "no such file" in what
    assert where.endswith("gone.safetensors")
    ours.close()
    theirs.close()


def test_what_cannot_be_a_bag_is_refused_before_anything_is_made(project: Path, bag: Bag, small: config.TrainConfig) -> None:
    for members, folds, words in (
        (1, 0, "cannot have 1 members"),
        (101, 0, "cannot have 101"),
        (0, 1, "cannot have 1"),
        (2, 2, "say themselves"),
    ):
        with pytest.raises(ConfigError, match=words):
            bagging.run(project, small, members=members, folds=folds)
    with Catalog.open(project) as catalog:
        active = catalog.active_split()
    with pytest.raises(ConfigError, match="no division into 4 folds"):
        bagging.run(project, small, folds=4, split_name=active)
    with pytest.raises(RunError, match="cannot be the name"):
        bagging.run(project, small, name="a/b")
    with pytest.raises(RunError, match="a bag named three already"):
        bagging.run(bag.project, small, name="three")
    shutil.rmtree(bag.folder)
    with pytest.raises(RunError, match="a run named three-01 already"):
        bagging.run(bag.project, small, name="three")
    assert bags.every(project) == []
    with pytest.raises(RunError, match="There is no such bag"):
        bags.find(project / "bags" / "no")


def test_a_damaged_plan_is_told(bag: Bag) -> None:
    (bag.folder / "bag.json").write_text('{"members": [{}]}')
    with pytest.raises(DataError, match="plan is damaged"):
        bag.plan()


# Judging a bag of seeds


def test_the_average_is_judged_beside_its_members(bag: Bag) -> None:
    made = evaluate_bag.run(bag.folder, on="test", draws=30)
    each = [Prediction.load(run.predictions("test")) for run in bag.trained().values()]
    whole = Prediction.load(bag.predictions("test"))
    np.testing.assert_allclose(whole.probabilities, np.mean([one.probabilities for one in each], axis=0), atol=1e-6)
    validation, _ = pooling.averaged([Prediction.load(run.predictions("validation")) for run in bag.trained().values()])
    levels = judgement.choose_thresholds(validation)
    assert {name: one.threshold for name, one in made.evaluation.findings.items()} == levels
    assert (kept := evaluate_bag.stored(bag)) is not None
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
    with Catalog.open(bag.project) as catalog:
        files = [path for path, _ in catalog.files(whole.ids[:2])]
    _, found = predict.run([run.folder for run in bag.trained().values()], files, device="cpu")
    np.testing.assert_allclose([one.probabilities for one in found], whole.probabilities[:2], atol=1e-5)


def test_thresholds_of_a_bag_stay_until_they_are_chosen_anew(bag: Bag) -> None:
    first = evaluate_bag.run(bag.folder, draws=10)
    assert first.part == "validation"
    assert first.evaluation.test_openings == 0
    evaluate_bag.run(bag.folder, on="test", draws=10)
    late = evaluate_bag.run(bag.folder, on="test", rule="sensitivity=0.9", draws=10)
    assert any("changed after the test part had been opened" in text for text in late.evaluation.warnings)
    assert late.evaluation.test_openings == 8
    bag.thresholds.write_text("{}")
    with pytest.raises(DataError, match="thresholds are damaged"):
        evaluate_bag.stored(bag)


def test_a_bag_with_missing_members_says_so(bag: Bag) -> None:
    shutil.rmtree(bag.trained()[2].folder)
    assert bag.status().words == "2 of 3 members trained"
    made = evaluate_bag.run(bag.folder, draws=10)
    assert [one.number for one in made.members] == [1, 3]
    assert "Only 2 of 3 members are trained" in made.evaluation.warnings[0]
    runs.rename(bag.trained()[3], "renamed")
    assert [one.run for one in evaluate_bag.run(bag.folder, draws=10).members] == ["three-01", "renamed"]
    shutil.rmtree(bag.trained()[1].folder)
    with pytest.raises(RunError, match="Only 1 of 3 members are trained"):
        evaluate_bag.run(bag.folder)


def test_a_damaged_evaluation_of_a_bag_is_told(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, draws=10).save(bag.evaluation("validation"))
    bag.evaluation("validation").write_text('{"bag": 3}')
    with pytest.raises(DataError, match="no evaluation of a bag"):
        BagEvaluation.load(bag.evaluation("validation"))


# A cross-validation


def test_folds_are_made_beside_the_active_split(crossed: Bag) -> None:
    with Catalog.open(crossed.project) as catalog:
        assert catalog.active_split() not in ("cv-fold1", "cv-fold2", "cv-fold3")
        folds = [catalog.split(f"cv-fold{n}") for n in (1, 2, 3)]
        patients = [set(catalog.patients(one.parts["test"])) for one in folds]
        assert not (patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2])
    assert [run.about()["split"]["name"] for run in crossed.trained().values()] == ["cv-fold1", "cv-fold2", "cv-fold3"]
    assert {run.about()["seed"] for run in crossed.trained().values()} == {1}


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


def test_folds_have_no_common_validation(crossed: Bag) -> None:
    with pytest.raises(ConfigError, match="overlap"):
        evaluate_bag.run(crossed.folder, on="val")


def test_folds_that_are_there_are_used(project: Path, small: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        split.run(catalog, folds=2, seed=5, name="mine")
        before = catalog.splits()
    outcome = bagging.run(
        project, config.changed(small, {"task.views": "all"}), folds=2, name="cv", ears=Ears(stop=lambda: True)
    )
    assert [one.split for one in bags.find(outcome.bag).plan().members] == ["mine-fold1", "mine-fold2"]
    with Catalog.open(project) as catalog:
        assert catalog.splits() == before


def test_without_a_split_there_are_folds_but_no_seeds(drawn: Path, tmp_path: Path, small: config.TrainConfig) -> None:
    importer.run(tmp_path / "new.cxr", [drawn])
    with pytest.raises(DataError, match="no split yet"):
        bagging.run(tmp_path / "new.cxr", small)
    bagging.run(tmp_path / "new.cxr", small, folds=2, name="cv", ears=Ears(stop=lambda: True))
    assert bags.find(tmp_path / "new.cxr" / "bags" / "cv").status().words == "0 of 2 members trained"
    assert bags.unused_name(tmp_path / "new.cxr", "").endswith("run-bag")
