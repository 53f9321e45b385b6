"""Bags trained: stopped, killed, resumed to the same weights; over devices; folds; and what is refused before it begins."""

import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from trainer import bag_members, bagging, bags, config, importer, runs, split, train
from trainer.bag_members import Ears
from trainer.bags import Bag
from trainer.catalog import Catalog
from trainer.errors import ConfigError, DataError, RunError, StorageError, TrainerError
from trainer.model_card import read_header, weights_digest

from .test_ranks import ROOT, places

STOPPED = Ears(stop=lambda: True)
"""Makes a bag of which no member is trained."""


def _stop_after(steps: int) -> Callable[[], bool]:
    asked = iter(range(10_000))
    return lambda: next(asked) >= steps


def _digests(bag: Bag) -> list[str]:
    return [weights_digest(run.best) for run in bag.trained().values()]


def _splits(project: Path) -> tuple[dict[str, str], str]:
    with Catalog.open(project) as catalog:
        return catalog.split_digests(), catalog.active_split()


# One after another


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
    assert _digests(bags.find(first.bag)) == _digests(bag)
    assert begun[0] == "three-01 of 3"
    with pytest.raises(RunError, match="All members of this bag are trained"):
        bagging.resume(first.bag)


def test_a_bag_that_was_ended_at_once_goes_on_to_the_same_weights(project: Path, bag: Bag, small: config.TrainConfig) -> None:
    begun: list[str] = []

    def ended(event: Mapping[str, Any]) -> None:
        if event["kind"] == "started" and len(begun) == 2:
            raise KeyboardInterrupt

    ears = Ears(listener=ended, told=lambda member, of, run: begun.append(run.name))
    with pytest.raises(KeyboardInterrupt):
        bagging.run(project, small, members=3, name="three", ears=ears)
    left = bags.find(project / "bags" / "three")
    assert (left.status().words, left.busy()) == ("1 of 3 members trained", False)
    assert list(left.begun()) == [1, 2]
    assert bagging.resume(left.folder).status == "finished"
    assert _digests(left) == _digests(bag)


def test_a_bag_that_was_killed_does_only_what_is_missing(project: Path, bag: Bag, small: config.TrainConfig) -> None:
    """SIGKILL, in the middle of the second member, to a process of its own."""
    changes = [word for one in config.assignments(config.to_dict(small)) for word in ("--set", one)]
    command = [sys.executable, "-m", "trainer", "bag", str(project), "--members", "3", "--name", "three", *changes]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = iter(process.stderr)
        assert any("three-02" in line for line in said)
        assert any(line.startswith("On ") for line in said), "it has begun to learn"
        process.kill()
    left = bags.find(project / "bags" / "three")
    assert left.status().state in ("crashed", "stopped"), "by how far the second member had come"
    first = {path: path.stat().st_mtime_ns for path in left.trained()[1].folder.iterdir() if path.name != "lock"}
    begun: list[str] = []
    assert bagging.resume(left.folder, ears=Ears(told=lambda member, of, run: begun.append(run.name))).status == "finished"
    assert "three-01" not in begun
    assert {path: path.stat().st_mtime_ns for path in first} == first
    assert _digests(left) == _digests(bag)


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


def test_a_member_that_fails_is_how_the_bag_stands(project: Path, small: config.TrainConfig) -> None:
    def full(event: Mapping[str, Any]) -> None:
        if event["kind"] == "epoch":
            raise DataError("The disk is full", remedy="Free some space.")

    with pytest.raises(DataError, match="disk is full"):
        bagging.run(project, small, members=2, name="two", ears=Ears(listener=full))
    left = bags.find(project / "bags" / "two")
    assert left.status().words == "0 of 2 members trained; two-01 failed: The disk is full. Free some space"
    assert bagging.resume(left.folder).status == "finished"


def test_a_member_that_was_deleted_is_trained_anew(bag: Bag) -> None:
    before = _digests(bag)
    shutil.rmtree(bag.trained()[2].folder)
    assert (bag.status().state, bag.status().words) == ("stopped", "2 of 3 members trained")
    assert bagging.resume(bag.folder).status == "finished"
    assert _digests(bag) == before
    bag.trained()[3].best.unlink()
    with pytest.raises(RunError, match="three-03 is finished, but its weights are gone") as refused:
        bagging.resume(bag.folder)
    assert "Delete the run" in refused.value.remedy


# What may change between two members


def test_a_split_that_has_changed_since_is_refused(project: Path, small: config.TrainConfig) -> None:
    left = bags.find(bagging.run(project, small, folds=2, name="cv", ears=STOPPED).bag)
    with Catalog.open(project) as catalog:
        split.run(catalog, folds=2, seed=9, name="cv")
    with pytest.raises(RunError, match="'cv-fold1' is not what it was when the bag was begun"):
        bagging.resume(left.folder)
    assert left.begun() == {}


def test_all_members_learn_the_same_findings(bag: Bag, drawn: Path) -> None:
    findings = bag.plan().findings
    with Catalog.open(bag.project) as catalog:
        catalog.set_labels(catalog.ids()[:1], "Cardiomegaly", 1)
    shutil.rmtree(bag.trained()[3].folder)
    assert bagging.resume(bag.folder).status == "finished"
    assert read_header(bag.trained()[3].best).findings == findings
    assert bag.trained()[3].about()["config"]["task.findings"] == list(findings)
    assert bag.trained()[2].about()["config"]["task.findings"] == []


# Over devices


def test_devices_share_the_members_out(project: Path, bag: Bag, small: config.TrainConfig) -> None:
    """One of the processes is killed: the other keeps what it has learned, and the bag goes on over the same devices."""

    def kill(member: bags.Member, of: int, run: runs.Run) -> None:
        if member.number == 2:
            (process,) = [one for one in multiprocessing.active_children() if one.name == run.name]
            assert process.pid is not None
            process.kill()

    with pytest.raises(RunError, match=r"The process of three-02 ended unexpectedly \(exit status -9\)"):
        bagging.run(project, small, members=3, name="three", over=["cpu", "cpu"], ears=Ears(told=kill))
    left = bags.find(project / "bags" / "three")
    assert not left.busy()
    assert left.plan().over == ("cpu", "cpu")
    begun: list[str] = []
    told: list[str] = []
    far: list[tuple[int, int]] = []
    ears = Ears(
        progress=lambda done, total: far.append((done, total)),
        told=lambda member, of, run: begun.append(run.name),
        listener=lambda event: told.append(event["text"]),
    )
    assert bagging.resume(left.folder, ears=ears).status == "finished"
    assert begun[-2:] == ["three-02", "three-03"]
    assert _digests(left) == _digests(bag)
    for name in begun:
        assert sum(text.startswith(f"{name}: Epoch 1 of 1: loss") for text in told) == 1, "what each learns is told, once"
    assert {total for _, total in far} == {3000}
    assert sorted(far) == far


def test_a_bag_goes_on_over_those_of_its_devices_that_are_here(
    project: Path, small: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = bags.find(bagging.run(project, small, members=2, name="two", over=["cpu"], ears=STOPPED).bag)
    stored = json.loads((left.folder / bags.FILE).read_text())
    (left.folder / bags.FILE).write_text(json.dumps({**stored, "over": ["cuda:7", "cpu", "cpu"]}))
    over: list[str] = []
    monkeypatch.setattr(bag_members, "side_by_side", lambda bag, plan, todo, devices, ears: over.extend(devices))
    assert bagging.resume(left.folder).status == "stopped"
    assert over == ["cpu", "cpu"]


def test_a_process_tells_its_refusal_and_keeps_what_ctrl_c_is_for(project: Path, small: config.TrainConfig) -> None:
    bag = bags.find(bagging.run(project, small, members=2, name="two", ears=STOPPED).bag)
    stored = json.loads((bag.folder / bags.FILE).read_text())
    stored["config"]["model.weights"] = str(project / "gone.safetensors")
    (bag.folder / bags.FILE).write_text(json.dumps(stored))
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


# What is refused before anything is made


@pytest.mark.parametrize(
    ("asked", "changes", "error", "words"),
    [
        ({"members": 1}, {}, ConfigError, "cannot have 1 members"),
        ({"members": 101}, {}, ConfigError, "cannot have 101"),
        ({"folds": 1}, {}, ConfigError, "cannot have 1"),
        ({"members": 2, "folds": 2}, {}, ConfigError, "say themselves"),
        ({"name": "a/b"}, {}, RunError, "cannot be the name"),
        ({"over": ["cpu", "cuda:9"]}, {}, ConfigError, "no device 'cuda:9'"),
        ({"members": 3}, {"seed": 2**31 - 2}, ConfigError, "seed"),
        ({"folds": 3}, {"model.weights": "/none/gone.safetensors"}, StorageError, "no such file"),
        ({"folds": 3}, {"task.findings": "Gout,Normal"}, ConfigError, "Gout"),
        ({"folds": 40}, {}, DataError, "patients for 40 parts"),
    ],
)
def test_what_cannot_be_a_bag_is_refused_before_anything_is_made(
    project: Path,
    small: config.TrainConfig,
    asked: dict[str, Any],
    changes: dict[str, Any],
    error: type[TrainerError],
    words: str,
) -> None:
    before = _splits(project)
    with pytest.raises(error, match=words):
        bagging.run(project, config.changed(small, changes), **{"name": "new", **asked})
    assert not (project / "bags").exists()
    assert runs.every(project) == []
    assert _splits(project) == before


def test_torchrun_is_refused_at_once(bag: Bag, small: config.TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in places(1, 5).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="A bag is trained by one process"):
        bagging.run(bag.project, small, name="other")
    with pytest.raises(ConfigError, match="A bag is trained by one process"):
        bagging.resume(bag.folder)


def test_a_bag_that_is_refused_leaves_the_folds_of_another_alone(crossed: Bag, small: config.TrainConfig) -> None:
    before = _splits(crossed.project)
    with pytest.raises(RunError, match="a bag named cv already"):
        bagging.run(crossed.project, config.changed(small, {"seed": 9}), folds=3, name="cv")
    assert _splits(crossed.project) == before


# Folds


def test_folds_are_made_beside_the_active_split(crossed: Bag) -> None:
    with Catalog.open(crossed.project) as catalog:
        assert catalog.active_split() not in ("cv-fold1", "cv-fold2", "cv-fold3")
        folds = [catalog.split(f"cv-fold{n}") for n in (1, 2, 3)]
        patients = [set(catalog.patients(one.parts["test"])) for one in folds]
        assert not (patients[0] & patients[1] | patients[0] & patients[2] | patients[1] & patients[2])
        for one in folds:
            learned = {part: set(catalog.patients(one.parts[part])) for part in ("train", "validation", "test")}
            assert not learned["validation"] & (learned["train"] | learned["test"]) | learned["train"] & learned["test"]
    assert [run.about()["split"]["name"] for run in crossed.trained().values()] == ["cv-fold1", "cv-fold2", "cv-fold3"]
    assert {run.about()["seed"] for run in crossed.trained().values()} == {1}
    assert [one.digest for one in crossed.plan().members] == [one.digest for one in folds]


def test_folds_that_are_there_are_used(project: Path, small: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        split.run(catalog, folds=2, seed=5, name="mine")
    before = _splits(project)
    outcome = bagging.run(project, config.changed(small, {"task.views": "all"}), folds=2, name="cv", ears=STOPPED)
    assert [one.split for one in bags.find(outcome.bag).plan().members] == ["mine-fold1", "mine-fold2"]
    assert _splits(project) == before


def test_folds_that_do_not_belong_together_are_not_used(project: Path, small: config.TrainConfig) -> None:
    """Made as three and as two folds under one name, so that two of them are of another division."""
    with Catalog.open(project) as catalog:
        split.run(catalog, folds=3, seed=5, name="mine")
        split.run(catalog, folds=2, seed=5, name="mine")
        catalog.activate_split("mine-fold3")
    with pytest.raises(ConfigError, match="'mine-fold3' is no division into 3 folds"):
        bagging.run(project, small, folds=3, split_name="mine-fold3")
    outcome = bagging.run(project, small, folds=3, name="cv", ears=STOPPED)
    assert [one.split for one in bags.find(outcome.bag).plan().members] == ["cv-fold1", "cv-fold2", "cv-fold3"]


def test_new_folds_replace_no_split(project: Path, small: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        split.run(catalog, folds=2, seed=5, name="CV")
        catalog.activate_split(catalog.splits()[0])
    before, active = _splits(project)
    outcome = bagging.run(project, small, folds=2, name="cv", ears=STOPPED)
    assert [one.split for one in bags.find(outcome.bag).plan().members] == ["cv-2-fold1", "cv-2-fold2"]
    now, still = _splits(project)
    assert before.items() <= now.items()
    assert (still, len(now)) == (active, len(before) + 2)


def test_without_a_split_there_are_folds_but_no_seeds(drawn: Path, tmp_path: Path, small: config.TrainConfig) -> None:
    importer.run(tmp_path / "new.cxr", [drawn])
    with pytest.raises(DataError, match="no split yet"):
        bagging.run(tmp_path / "new.cxr", small)
    bagging.run(tmp_path / "new.cxr", small, folds=2, name="cv", ears=STOPPED)
    assert bags.find(tmp_path / "new.cxr" / "bags" / "cv").status().words == "0 of 2 members trained"
    assert _splits(tmp_path / "new.cxr")[1] == "cv-fold1"
