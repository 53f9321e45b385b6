"""Checkpoints describe themselves, are refused when they are not ours, and cannot run code."""

import dataclasses
import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from trainer import checkpoints, models
from trainer.errors import StorageError, WeightsError

HEADER = checkpoints.Header(
    backbone="cxr_small", findings=("Normal", "Pneumonia/Viral"), task="multi-class", size=64, fit="stretch", dropout=0.1,
    pipeline=1,
    thresholds={"Normal": 0.5}, value=None,
)  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, models.Classifier]:
    torch.manual_seed(0)
    classifier = models.build("cxr_small", 2, dropout=0.1).eval()
    checkpoints.save(tmp_path / "a.safetensors", classifier, HEADER)
    return tmp_path / "a.safetensors", classifier


def test_a_mirrored_network_comes_back_mirrored(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifier = models.build("cxr_small", 2, mirrored=True).eval()
    checkpoints.save(tmp_path / "a.safetensors", classifier, dataclasses.replace(HEADER, settings={"model.mirror": "averaged"}))
    pixels = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(checkpoints.load(tmp_path / "a.safetensors")[0](pixels), classifier(pixels))


def test_a_network_comes_back_with_its_description(saved: tuple[Path, models.Classifier]) -> None:
    path, classifier = saved
    loaded, header = checkpoints.load(path)
    assert header == HEADER
    assert checkpoints.read_header(path) == HEADER
    assert not loaded.training
    pixels = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(loaded(pixels), classifier(pixels))


def test_thresholds_are_written_into_the_file_and_nothing_else_changes(saved: tuple[Path, models.Classifier]) -> None:
    path, _ = saved
    before = safetensors.torch.load_file(path)
    weights = checkpoints.weights_digest(path)
    checkpoints.set_thresholds(path, {"Normal": 0.25, "Pneumonia/Viral": 0.75})
    assert checkpoints.read_header(path).thresholds == {"Normal": 0.25, "Pneumonia/Viral": 0.75}
    after = safetensors.torch.load_file(path)
    assert checkpoints.weights_digest(path) == weights
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_other_programs_can_read_the_weights(saved: tuple[Path, models.Classifier]) -> None:
    path, classifier = saved
    assert set(safetensors.torch.load_file(path)) == set(classifier.state_dict())


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{}", b"\x04\0\0\0\0\0\0\0null"])
def test_a_file_that_is_no_checkpoint_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="not a checkpoint"):
        checkpoints.load(path)


def test_foreign_weights_are_told(tmp_path: Path) -> None:
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="not a checkpoint"):
        checkpoints.load(tmp_path / "x.safetensors")


def test_a_truncated_checkpoint_is_told(saved: tuple[Path, models.Classifier]) -> None:
    path, _ = saved
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="does not fit"):
        checkpoints.load(path)


def test_a_checkpoint_whose_weights_are_of_another_network_is_told(tmp_path: Path) -> None:
    other = dataclasses.replace(HEADER, findings=("A", "B", "C"))
    checkpoints.save(tmp_path / "a.safetensors", models.build("cxr_small", 2), other)
    with pytest.raises(WeightsError, match="does not fit"):
        checkpoints.load(tmp_path / "a.safetensors")


def test_a_network_that_this_version_does_not_know_is_told(tmp_path: Path) -> None:
    """Of a file: no advice to choose another backbone or to label images."""
    network = models.build("cxr_small", 2)
    checkpoints.save(tmp_path / "a.safetensors", network, dataclasses.replace(HEADER, backbone="resnet99"))
    with pytest.raises(WeightsError, match=r"does not know the network of the checkpoint, resnet99 .*Update CXR Desktop"):
        checkpoints.load(tmp_path / "a.safetensors")
    checkpoints.save(tmp_path / "a.safetensors", network, dataclasses.replace(HEADER, findings=()))
    with pytest.raises(WeightsError, match="names no findings"):
        checkpoints.load(tmp_path / "a.safetensors")


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    text = json.dumps({**dataclasses.asdict(HEADER), "format": checkpoints.FORMAT + 1})
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors", metadata={"cxr": text})
    with pytest.raises(WeightsError, match="newer version"):
        checkpoints.read_header(tmp_path / "x.safetensors")


def test_unknown_header_fields_are_passed_over(tmp_path: Path) -> None:
    text = json.dumps({**dataclasses.asdict(HEADER), "later": 1})
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors", metadata={"cxr": text})
    assert checkpoints.read_header(tmp_path / "x.safetensors") == HEADER


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        checkpoints.load(tmp_path / "x.safetensors")


def test_state_comes_back(tmp_path: Path) -> None:
    state = {"tensor": torch.arange(3.0), "list": [1, 2.5, None, "word"], "nested": {"a": (1, 2)}}
    checkpoints.save_state(tmp_path / "s.pt", state)
    found = checkpoints.load_state(tmp_path / "s.pt")
    assert torch.equal(found.pop("tensor"), state.pop("tensor"))
    assert found == state


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, ("trap-was-sprung", "w"))


def test_a_state_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.pt").write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(WeightsError, match="damaged"):
        checkpoints.load_state(tmp_path / "s.pt")
    torch.save(_Trap(), tmp_path / "s.pt")
    with pytest.raises(WeightsError, match="damaged"):
        checkpoints.load_state(tmp_path / "s.pt")
    assert not (tmp_path / "trap-was-sprung").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"words"])
def test_a_damaged_state_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.pt").write_bytes(content)
    with pytest.raises(WeightsError, match="damaged"):
        checkpoints.load_state(tmp_path / "s.pt")


def test_a_disk_that_is_full_in_the_middle_of_a_state_is_told_as_that(tmp_path: Path) -> None:
    """Torch itself says "unexpected pos 1024 vs 918"; the state before stays."""
    resource = pytest.importorskip("resource")
    checkpoints.save_state(tmp_path / "s.pt", {"step": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="too large"):
            checkpoints.save_state(tmp_path / "s.pt", {"step": 2, "tensor": torch.zeros(200_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert checkpoints.load_state(tmp_path / "s.pt") == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["s.pt"]
