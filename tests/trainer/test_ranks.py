"""Two processes as one: what they tell each other, batch norm over both, and the same weights as one process alone."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from trainer import devices, gathering, ranks
from trainer.errors import RunError, TrainerError
from trainer.ranks import ALONE, LostError, Team

from . import rank_checks

ROOT = Path(__file__).parent.parent.parent


def places(rank: int, port: int) -> dict[str, str]:
    """The environment that torchrun gives one of two processes."""
    return {
        "RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo",
    }  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Pair:
    """What both processes found, and what the first was told when the second had gone."""

    first: dict[str, Any]
    second: dict[str, Any]
    lost: TrainerError


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    out = tmp_path_factory.mktemp("ranks") / "second.pt"
    port = free_port()
    bucket = ranks.BUCKET
    command = [sys.executable, "-m", "tests.trainer.rank_checks", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        second = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **places(1, port)}, stderr=subprocess.PIPE)
        for name, value in places(0, port).items():
            patch.setenv(name, value)
        threads = torch.get_num_threads()
        devices.prepare(1)
        with gathering.joined() as team:
            first = rank_checks.together(team)
            second.wait(60)
            with pytest.raises(LostError) as lost:
                team.any(False)
        torch.set_num_threads(threads)
        ranks.BUCKET = bucket
    assert second.stderr is not None
    assert (second.returncode, second.stderr.read()) == (2, b"")
    second.stderr.close()
    return Pair(first, torch.load(out, weights_only=True), lost.value)


def test_all_get_the_same_answers(pair: Pair) -> None:
    for found in (pair.first, pair.second):
        assert found["sums"] == [3.0, 1.0]
        assert found["any"] == [True, False]
        assert found["most"] == 7
        assert found["told"] == {"run": "Lüttich", "n": 3}
        assert found["short"] == 1
        assert found["gathered"] == [[0, 5], [1, 5]]
        assert found["all"] == [[3.0], [2.0], [1.0]]
        assert found["spread"] == [4.0]


@pytest.mark.parametrize(("name", "edge"), [("uneven", 3), ("empty", 5)])
def test_batch_norm_is_that_of_all_images(pair: Pair, name: str, edge: int) -> None:
    expected = rank_checks.normalised(ALONE, slice(0, 5))  # torch's own
    for key in ("y", "x"):
        both = torch.cat([pair.first[name][key], pair.second[name][key]])
        assert len(pair.first[name][key]) == edge
        torch.testing.assert_close(both, expected[key], rtol=1e-6, atol=1e-8)
    for key in ("weight", "bias", "mean", "var"):
        for found in (pair.first, pair.second):
            torch.testing.assert_close(found[name][key], expected[key], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("case", rank_checks.CASES)
def test_two_processes_learn_what_one_learns(pair: Pair, case: str) -> None:
    expected, losses = _alone(case)
    (first, first_losses), (second, second_losses) = pair.first[case], pair.second[case]
    assert first_losses == second_losses == pytest.approx(losses, rel=1e-5)
    for name, value in expected.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], value, rtol=0, atol=1e-5)


def _alone(case: str) -> tuple[dict[str, torch.Tensor], list[float]]:
    """The same passes by one process: with as many images at once as both have together."""
    threads = torch.get_num_threads()
    devices.prepare(1)
    try:
        return rank_checks.learned(case, ALONE)
    finally:
        torch.set_num_threads(threads)


def test_of_one_that_has_gone_the_other_tells_the_reason(pair: Pair) -> None:
    assert pair.lost.what == "Process 2 of 2 has ended: The disk is full"
    assert (pair.lost.where, pair.lost.remedy) == ("second", "Free some space.")


def test_alone_nobody_is_asked() -> None:
    values = torch.ones(2)
    ALONE.add_up(values)
    ALONE.add_up_all([values])
    ALONE.spread([values])
    ALONE.report(RunError("nobody listens"))
    assert values.tolist() == [1.0, 1.0]
    assert ALONE.gathered(values).tolist() == [[1.0, 1.0]]
    assert (ALONE.sums([2.0]), ALONE.any(True), ALONE.most(3), ALONE.told("word")) == ([2.0], True, 3, "word")


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, ALONE),
        ({"RANK": "1"}, ALONE),
        ({"WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}, ALONE),
        ({"WORLD_SIZE": "4", "RANK": "3"}, ALONE),  # some other program's words: nobody to be met is named
        (places(1, 5), Team(1, 2, 1, 2)),
        ({**places(0, 5), "WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}, Team(3, 4, 1, 2)),
    ],
)
def test_the_place_is_read_from_the_environment(
    environment: dict[str, str], place: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in places(0, 0):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ranks.placed() == place


@pytest.mark.parametrize("count", [1, 5, 6, 23])
@pytest.mark.parametrize("devices_now", [1, 2, 3])
def test_the_parts_of_all_are_the_whole_step_in_the_same_order(count: int, devices_now: int) -> None:
    parts = [rank_checks.learner("accumulated, sgd", Team(rank, devices_now))._own(count) for rank in range(devices_now)]
    assert len({len(part) for part in parts}) == 1  # all go through the network equally often
    shown = [int(row) for rows in zip(*parts, strict=True) for part in rows for row in part]
    assert shown == list(range(count))
    sizes = [len(rows) for part in parts for rows in part]
    assert max(sizes) - min(sizes) <= 1
