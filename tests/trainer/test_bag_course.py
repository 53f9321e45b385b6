"""How far a bag is, told from the files of its members."""

import json
from pathlib import Path

import pytest

from tests.desktop.scenes import make_run
from trainer import bag_course, bags, runs
from trainer.bag_course import BagCourse, MemberCourse
from trainer.bags import SEEDS, Bag, Member
from trainer.catalog import Catalog
from trainer.course import Summary


@pytest.fixture
def bag(tmp_path: Path) -> Bag:
    """A bag of three of which the first is trained and the second was stopped after the first of four epochs."""
    with Catalog.create(tmp_path / "p.cxr") as catalog:
        project = catalog.project
    plan = bags.Plan(SEEDS, "", {}, bags.planned("ten", [1, 2, 3], ["s", "s", "s"]), 0.0)
    made = bags.create(project, "ten", plan)
    for number, (epochs, end) in enumerate(((4, "finished"), (1, "stopped")), 1):
        run = make_run(project, f"ten-0{number}", epochs=epochs, end=end)
        about = run.about()
        (run.folder / "config.json").write_text(_with_bag(about, number))
    return made


def _with_bag(about: dict[str, object], number: int) -> str:
    return json.dumps({**about, "bag": {"name": "ten", "member": number}})


def test_members_stand_as_their_runs_do(bag: Bag) -> None:
    found = bag_course.look(bag)
    assert [one.state for one in found.members] == ["finished", "stopped", "waiting"]
    assert [one.share for one in found.members] == [1.0, 0.25, 0.0]
    assert found.members[2].words == "waits for its turn"
    assert found.progress() == (1250, 3000)
    assert found.sentence() == "1 of 3 members trained"
    assert not found.busy
    assert found.remaining(0.0) is None, "nothing works on it"


def test_a_renamed_member_is_still_one(bag: Bag) -> None:
    runs.rename(runs.Run(bag.project / "runs" / "ten-01"), "best of all")
    first = bag_course.look(bag).members[0]
    assert first.run is not None
    assert first.run.name == "best of all"
    assert first.member.run == "ten-01"


def test_only_what_has_changed_is_read_again(bag: Bag, monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, tuple[bag_course.Stamp, Summary, bag_course.Course]] = {}
    read: list[str] = []
    whole = bag_course.summary
    monkeypatch.setattr(bag_course, "summary", lambda run: read.append(run.name) or whole(run))
    before = bag_course.look(bag, known)
    assert read == ["ten-01", "ten-02"]
    assert bag_course.look(bag, known) == before
    assert read == ["ten-01", "ten-02"]
    runs.Run(bag.project / "runs" / "ten-02").append("finished", epochs=4)
    after = bag_course.look(bag, known)
    assert read == ["ten-01", "ten-02", "ten-02"]
    assert [one.state for one in after.members] == ["finished", "finished", "waiting"]


def test_a_bag_that_is_worked_on_says_so(bag: Bag) -> None:
    with bag.locked(), runs.Run(bag.project / "runs" / "ten-02").locked():
        found = bag_course.look(bag)
    assert found.busy
    assert found.members[1].state == "running"
    assert found.sentence() == "member 2 of 3 in epoch 2 of 4, 1 trained"


def _member(number: int, state: str, share: float, worked: float, ends: float | None = None) -> MemberCourse:
    status = runs.Status(state, "running in epoch 1 of 4" if state == "running" else state)
    summary = Summary(Path(f"m{number}"), status) if state != "waiting" else None
    return MemberCourse(Member(number, f"m{number}", number, "s"), summary, share, worked, ends)


def test_the_time_that_is_left_is_that_of_the_member_and_of_those_that_wait() -> None:
    first, second, third = _member(1, "finished", 1, 100), _member(2, "running", 0.5, 40, 1060.0), _member(3, "waiting", 0, 0)
    assert BagCourse((first, second, third), busy=True).remaining(1000.0) == 60 + 100
    alone = BagCourse((_member(1, "running", 0.5, 40, 1060.0), third), busy=True)
    assert alone.remaining(1000.0) == 60 + 100, "the first will have taken 100"
    assert alone.remaining(1010.0) == 50 + 90
    both = BagCourse((_member(1, "running", 0.5, 50, 1050.0), _member(2, "running", 0.5, 50, 1050.0), third, third), busy=True)
    assert both.remaining(1000.0) == (50 + 50 + 200) / 2, "two at once share out what waits"
    assert both.sentence() == "members 1, 2 of 4, 0 trained"


def test_what_cannot_be_said_is_not_said() -> None:
    begins, waits = _member(1, "running", 0, 0), _member(2, "waiting", 0, 0)
    assert BagCourse((begins, waits), busy=True).remaining(0.0) is None
    assert BagCourse((waits,), busy=True).remaining(0.0) is None
    assert BagCourse((_member(1, "finished", 1, 100),), busy=True).remaining(0.0) == 0
