"""Bags and coarse evaluations as they are typed."""

import json
import re
import statistics
from pathlib import Path

import pytest

from trainer import bags, cli, config, runs
from trainer.catalog import Catalog

from .test_ranks import places

TINY = (
    "model.backbone=cxr_small model.weights=none model.size=32 schedule.epochs=1 schedule.warmup=0 compute.batch=8 "
    "compute.precision=fp32 compute.device=cpu compute.threads=1"
)
SETTINGS = [word for assignment in TINY.split() for word in ("--set", assignment)]


def test_ten_words_from_a_project_to_the_figures_of_a_bag(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bag", str(project), "--members", "2", "--name", "two", "--recipe", "scratch", *SETTINGS]) == 0
    said = capsys.readouterr()
    assert "Member 2 of 2: two-02 (seed 2, split" in said.err
    assert "Finished: 2 members" in said.out
    (line,) = [line for line in said.out.splitlines() if line.startswith("Next: ")]
    assert line.endswith("bags/two")
    folder = str(project / "bags" / "two")
    assert cli.main(["evaluate", folder, "--on", "test"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"two on test: 2 members, \d+ images of \d+ patients, averaged\.", shown)
    for words in ("two-01", "seed 2", "Mean over members", "SD over members", "All, averaged", "decide differently on"):
        assert words in shown
    assert "opened 3 times" in shown
    assert cli.main(["evaluate", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "seeds"
    assert [member["run"] for member in found["members"]] == ["two-01", "two-02"]
    assert set(found["evaluation"]["metrics"]) == set(found["mean"])
    assert cli.main(["resume", folder]) == 2
    assert "All members of this bag are trained" in capsys.readouterr().err
    assert cli.main(["resume", folder, "--devices", "2"]) == 2
    assert "Leave --devices out" in capsys.readouterr().err
    assert cli.main(["stop", folder]) == 2
    assert "Nothing to stop" in capsys.readouterr().err
    assert cli.main(["evaluate", str(project / "runs" / "two-01"), "--level", "1"]) == 2
    assert "lies below level 1" in capsys.readouterr().err


def test_a_bag_that_was_stopped_goes_on_in_the_terminal(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Catalog.open(project) as catalog:
        split = catalog.active_split()
    members = bags.planned("half", [1, 2], [split, split])
    settings = config.to_dict(config.changed(config.TrainConfig(), config.parsed(TINY.split())))
    plan = bags.Plan(bags.SEEDS, "", {key: value for key, value in settings.items() if key != "seed"}, members, bags.now())
    bag = bags.create(project, "half", plan)
    assert cli.main(["resume", str(bag.folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["trained"], found["runs"]) == ("finished", 2, ["half-01", "half-02"])
    assert runs.Run(project / "runs" / "half-02").status().state == "finished"


def test_folds_by_one_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bag", str(project), "--folds", "2", "--name", "cv", "--json", *SETTINGS]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "folds"
    assert cli.main(["evaluate", str(project / "bags" / "cv")]) == 2
    assert "--on test" in capsys.readouterr().err
    assert cli.main(["evaluate", str(project / "bags" / "cv"), "--on", "test"]) == 0
    shown = capsys.readouterr().out
    assert "pooled" in shown
    assert "no confidence interval" in shown
    assert "cv-fold2" in shown


def test_a_cross_validation_is_one_object_in_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bag", str(project), "--folds", "2", "--name", "cv", "--json", *SETTINGS]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["kind"], made["status"], made["runs"]) == ("folds", "finished", ["cv-01", "cv-02"])
    assert cli.main(["evaluate", made["bag"], "--on", "test", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    values = [member["metrics"]["accuracy"]["value"] for member in found["members"]]
    assert found["mean"]["accuracy"] == pytest.approx(statistics.mean(values))
    assert found["sd"]["accuracy"] == pytest.approx(statistics.stdev(values))
    assert found["evaluation"]["images"] == sum(member["images"] for member in found["members"])
    assert (found["spread"], found["disagreement"]) == ({}, None)
    assert found["evaluation"]["warnings"][0].startswith("Pooled over folds")


@pytest.mark.parametrize("rank", [0, 1])
def test_a_bag_is_not_started_by_torchrun(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rank: int
) -> None:
    with Catalog.open(project) as catalog:
        members = bags.planned("half", [1, 2], [catalog.active_split()] * 2)
    bag = bags.create(project, "half", bags.Plan(bags.SEEDS, "", {}, members, bags.now()))
    for name, value in places(rank, 5).items():
        monkeypatch.setenv(name, value)
    for words in (["bag", str(project), "--members", "2"], ["resume", str(bag.folder)]):
        assert cli.main(words) == 2
        assert "A bag is trained by one process" in capsys.readouterr().err
    assert [one.name for one in bags.every(project)] == ["half"]


def test_refusals_come_before_torch(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bag", str(project), "--set", "model.sise=3"]) == 2
    assert "Did you mean model.size" in capsys.readouterr().err
    assert cli.main(["bag", str(tmp_path / "none")]) == 2
    assert cli.main(["bag", str(project), "--members", "2", "--folds", "2"]) == 2
    assert "Leave one of them out" in capsys.readouterr().err
