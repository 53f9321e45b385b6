"""Devices, threads and precision: what is asked for, or one clear sentence."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from trainer import devices
from trainer.errors import ConfigError

CPU = torch.device("cpu")


def test_the_processor_is_always_there_and_last() -> None:
    found = devices.available()
    assert found[-1].name == "cpu"
    assert str(devices.cores()) in found[-1].label


def test_a_device_is_chosen_by_name_or_by_itself() -> None:
    assert devices.choose("cpu") == CPU
    assert devices.choose("auto").type == devices.available()[0].name.partition(":")[0]


def test_a_device_that_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(ConfigError, match="no device 'cuda:99'") as caught:
        devices.choose("cuda:99")
    assert caught.value.remedy


def test_threads_are_set_and_all_cores_by_default() -> None:
    before = torch.get_num_threads()
    try:
        assert devices.prepare(1) == 1 == torch.get_num_threads()
        assert devices.prepare(0) == devices.cores()
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(before)


def test_random_numbers_follow_from_the_position() -> None:
    devices.reseed(1, 2, 3)
    first = torch.rand(4)
    devices.reseed(1, 2, 4)
    assert not torch.equal(first, torch.rand(4))
    devices.reseed(1, 2, 3)
    assert torch.equal(first, torch.rand(4))


class _Steps:
    """Steps whose measured time is that of the matrices they multiply."""

    def __init__(self, sides: dict[str, int]) -> None:
        self.sides = sides
        self.asked: list[str] = []

    def __call__(self, precision: str) -> None:
        self.asked.append(precision)
        side = self.sides[precision]
        np.linalg.inv(np.random.default_rng(0).random((side, side)))


@pytest.mark.parametrize(("sides", "chosen"), [({"fp32": 600, "bf16": 2}, "bf16"), ({"fp32": 2, "bf16": 600}, "fp32")])
def test_the_fastest_precision_is_measured_and_remembered(sides: dict[str, int], chosen: str) -> None:
    steps = _Steps(sides)
    precision, seconds = devices.precision("auto", CPU, "a network", steps)
    assert precision == chosen
    assert set(seconds) == {"fp32", "bf16"}
    again = _Steps({"fp32": 300, "bf16": 300})
    assert devices.precision("auto", CPU, "a network", again) == (chosen, {})
    assert again.asked == []
    assert devices.precision("auto", CPU, "another network", _Steps({"fp32": 2, "bf16": 300}))[0] == "fp32"


def test_a_damaged_memory_is_measured_anew() -> None:
    path = Path(platformdirs.user_cache_dir("cxr-desktop", appauthor=False)) / "precision.json"
    for content in ("{", "[]", json.dumps({"x": 1})):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        assert devices.precision("auto", CPU, "a network", _Steps({"fp32": 2, "bf16": 300}))[0] == "fp32"


def test_a_precision_that_is_asked_for_is_not_measured() -> None:
    steps = _Steps({})
    assert devices.precision("fp32", CPU, "a network", steps) == ("fp32", {})
    assert steps.asked == []


def test_a_precision_that_the_device_has_not_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot compute in fp16"):
        devices.precision("fp16", CPU, "a network", _Steps({}))


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs, as torch tells of them."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (1, 2))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Card")


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("auto", 1, ("cuda:0",)),
        ("auto", 0, ("cuda:0", "cuda:1")),
        ("cuda", 2, ("cuda:0", "cuda:1")),
        ("cuda:1", 1, ("cuda:1",)),
        ("cuda:1", 0, ("cuda:1",)),
        ("cpu", 3, ("cpu",) * 3),
        ("cpu", 0, ("cpu",)),
    ],
)
def test_several_processes_get_a_device_each(name: str, count: int, expected: tuple[str, ...]) -> None:
    assert devices.places(name, count) == expected


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("name", "count", "words"), [("auto", 3, "There are 2 GPUs here, not 3"), ("cuda:1", 2, "'cuda:1' is one")]
)
def test_more_devices_than_there_are_is_refused(name: str, count: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        devices.places(name, count)
    assert caught.value.remedy


def test_processes_share_the_cores() -> None:
    before = torch.get_num_threads()
    try:
        assert devices.prepare(0, together=10_000) == 1
        assert devices.prepare(2, together=10_000) == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's way of allocating")
def test_memory_that_was_freed_is_there_for_the_next_step_without_asking_the_system() -> None:
    """A block of 64 MiB has 16,384 pages; given back each time, ten times as many would be cleared anew."""
    program = (
        "import resource, torch; from trainer import devices; devices.hold_memory()\n"
        "for _ in range(20): torch.ones(2**24)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(10): torch.ones(2**24)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 16_384
