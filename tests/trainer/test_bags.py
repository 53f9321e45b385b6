"""A bag as its files say it: planned, found, named, how it stands, and what is damaged."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from trainer import bags, runs, sections
from trainer.bags import SEEDS, Bag, Member, Plan
from trainer.errors import DataError, RunError
from trainer.model_card import weights_digest

PLAN = Plan(SEEDS, "", {"model.size": 32}, bags.planned("two", [1, 2], ["s", "s"], {"s": "d"}), 1.5, ("bag",), ("A",), ("cpu",))


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
    plan = bag.plan()
    assert plan.config["model.size"] == 32
    assert {member.digest for member in plan.members} == {abouts[0]["split"]["digest"]}
    assert plan.findings == tuple(abouts[0]["findings"])
    with pytest.raises(RunError, match="Nothing to stop: 3 of 3"):
        bag.request_stop()


def test_the_report_of_a_member_names_its_bag(bag: Bag) -> None:
    assert ("Bag", "three, member 2") in sections.settings(bag.trained()[2].about(), []).origin


def test_a_plan_is_read_as_it_was_written_also_an_older_one(tmp_path: Path) -> None:
    bag = bags.create(tmp_path / "p.cxr", "two", PLAN)
    assert bag.plan() == PLAN
    stored = json.loads((bag.folder / bags.FILE).read_text())
    del stored["findings"], stored["over"]
    for member in stored["members"]:
        del member["digest"]
    (bag.folder / bags.FILE).write_text(json.dumps(stored))
    old = tuple(replace(member, digest="") for member in PLAN.members)
    assert bag.plan() == replace(PLAN, findings=(), over=(), members=old)


@pytest.mark.parametrize(
    "changes",
    [
        {"members": [{}]},
        {"members": []},
        {"members": 3},
        {"kind": "sacks"},
        {"hat": 1},
        {"findings": 3},
        {"members": [asdict(PLAN)]},
    ],
)
def test_a_damaged_plan_is_told(bag: Bag, changes: dict[str, Any]) -> None:
    stored = json.loads((bag.folder / bags.FILE).read_text())
    for content in ({**stored, **changes}, [stored], {**stored, "members": stored["members"][1:]}):
        (bag.folder / bags.FILE).write_text(json.dumps(content))
        with pytest.raises(DataError, match="plan is damaged"):
            bag.plan()


def test_members_are_numbered_so_that_names_sort() -> None:
    made = bags.planned("x", list(range(100)), ["s"] * 100)
    assert [made[0].run, made[99].run] == ["x-001", "x-100"]
    assert bags.planned("x", [7, 8], ["a", "b"], {"b": "d"}) == (Member(1, "x-01", 7, "a"), Member(2, "x-02", 8, "b", "d"))


# Names


def test_a_name_that_is_taken_is_refused(bag: Bag) -> None:
    members = bag.plan().members
    with pytest.raises(RunError, match="a bag named three already"):
        bags.check_new(bag.project, "three", members)
    shutil.rmtree(bag.folder)
    with pytest.raises(RunError, match="a run named three-01 already"):
        bags.check_new(bag.project, "three", members)
    with pytest.raises(RunError, match="cannot be the name"):
        bags.check_new(bag.project, "a/b", ())
    with pytest.raises(RunError, match="There is no such bag"):
        bags.find(bag.project / "bags" / "no")


def test_runs_of_a_bag_that_is_gone_are_no_members_of_a_new_one_of_its_name(bag: Bag) -> None:
    shutil.rmtree(bag.folder)
    for number, name in ((1, "best"), (2, "second")):
        runs.rename(runs.Run(bag.project / "runs" / f"three-0{number}"), name)
    shutil.rmtree(bag.project / "runs" / "three-03")
    with pytest.raises(RunError, match="best belongs to an earlier bag named three"):
        bags.create(bag.project, "three", bags.Plan(SEEDS, "", {}, bags.planned("three", [1, 2], ["s", "s"]), 0.0))
    assert not bag.folder.exists()


def test_of_two_processes_that_want_a_name_the_second_leaves_the_plan_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one writes its plan after we have looked."""
    held = Bag.locked

    @contextmanager
    def late(self: Bag) -> Iterator[None]:
        with held(self):
            (self.folder / bags.FILE).write_text("of the other")
            yield

    monkeypatch.setattr(Bag, "locked", late)
    with pytest.raises(RunError, match="a bag named two already"):
        bags.create(tmp_path / "p.cxr", "two", PLAN)
    assert (tmp_path / "p.cxr" / "bags" / "two" / bags.FILE).read_text() == "of the other"


def test_a_bag_that_is_being_made_holds_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "p.cxr" / "bags" / "two"
    folder.mkdir(parents=True)
    with Bag(folder).locked(), pytest.raises(RunError, match="Another process is working on this bag"):
        bags.create(tmp_path / "p.cxr", "two", PLAN)
    assert not bags.is_bag(folder)
    assert bags.unused_name(tmp_path / "p.cxr", "").endswith("run-bag")


# How it stands


def test_a_bag_stands_as_the_worst_of_its_members(bag: Bag) -> None:
    second = bag.trained()[2]
    second.append("stopped", epoch=0, step=1)
    assert (bag.status().state, bag.status().words) == ("stopped", "2 of 3 members trained")
    second.append("started", epoch=0, step=1)
    second.append("batch", epoch=1, step=1)
    assert bag.status().state == "crashed"
    assert bag.status().words.startswith("2 of 3 members trained; three-02 crashed in epoch 1")
    second.append("failed", what="The disk is full", where="/", remedy="Free some space.")
    assert bag.status().state == "failed"
    assert bag.status().words == "2 of 3 members trained; three-02 failed: The disk is full. Free some space"
    assert bag.status().resumable
    with bag.locked():
        assert bag.status().words == "running: 2 of 3 members trained"


def test_a_member_without_its_weights_is_not_trained(bag: Bag) -> None:
    bag.trained()[3].best.unlink()
    assert list(bag.trained()) == [1, 2]
    assert list(bag.begun()) == [1, 2, 3]
    assert bag.status().words == "2 of 3 members trained"


def test_a_bag_whose_folder_was_renamed_keeps_its_members(bag: Bag) -> None:
    renamed = bags.find(bag.folder.rename(bag.folder.with_name("renamed")))
    assert renamed.status().words == "3 of 3 members trained"
    assert [run.name for run in renamed.trained().values()] == ["three-01", "three-02", "three-03"]


def test_a_copy_of_a_member_does_not_take_its_place(bag: Bag) -> None:
    first = bag.trained()[1]
    copied = shutil.copytree(first.folder, first.folder.with_name("a copy"))
    assert bag.begun()[1].name == "three-01"
    about = {**first.about(), "bag": {"name": "three", "member": 9}}
    (copied / "config.json").write_text(json.dumps(about))
    assert list(bag.begun()) == [1, 2, 3], "the plan has no ninth"


def test_a_project_that_was_moved_keeps_its_bag(bag: Bag, tmp_path: Path) -> None:
    moved = Path(shutil.move(bag.project, tmp_path / "elsewhere.cxr"))
    assert bags.find(moved / "bags" / "three").status().words == "3 of 3 members trained"
