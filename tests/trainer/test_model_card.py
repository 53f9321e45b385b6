"""The header of a checkpoint without torch: read, and its thresholds rewritten, with the weights untouched."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import model_card
from trainer.errors import StorageError, WeightsError
from trainer.model_card import BY_HAND, Header, Origin

HEADER = Header("cxr_small", ("Normal", "Größe/≥ 3 cm"), "multi-label", 64, "pad", 0.1, 1, thresholds={"Normal": 0.5})


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "best.safetensors"
    tensors = {"a": np.arange(7, dtype=np.float32), "b": np.ones((3, 5), np.int8), "c": np.zeros(0, np.float16)}
    safetensors.numpy.save_file(tensors, path, metadata={model_card.KEY: HEADER.to_text()})
    return path


def test_thresholds_and_their_origins_come_back(checkpoint: Path) -> None:
    origins = {"Normal": Origin(BY_HAND, 2), "Größe/≥ 3 cm": Origin("sensitivity=0.9")}
    model_card.set_thresholds(checkpoint, {"Normal": 0.1, "Größe/≥ 3 cm": 1 / 3}, origins)
    found = model_card.read_header(checkpoint)
    assert found.thresholds == {"Normal": 0.1, "Größe/≥ 3 cm": 1 / 3}
    assert found.origins == origins
    assert found.origins["Normal"].by_hand
    assert not found.origins["Größe/≥ 3 cm"].by_hand


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=30), st.floats(0, 1), max_size=5))
def test_whatever_is_written_the_weights_stay_readable_by_others(
    tmp_path_factory: pytest.TempPathFactory, thresholds: dict[str, float]
) -> None:
    path = tmp_path_factory.mktemp("card") / "best.safetensors"
    tensors = {"a": torch.arange(7.0), "half": torch.ones(3, dtype=torch.bfloat16)}
    safetensors.torch.save_file(tensors, path, metadata={model_card.KEY: HEADER.to_text(), "other": "kept"})
    before = model_card.weights_digest(path)
    model_card.set_thresholds(path, thresholds)
    assert model_card.read_header(path).thresholds == thresholds
    assert model_card.weights_digest(path) == before
    found = safetensors.torch.load_file(path)
    assert {name: (value.dtype, value.tolist()) for name, value in found.items()} == {
        name: (value.dtype, value.tolist()) for name, value in tensors.items()
    }
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata()["other"] == "kept"


def test_only_the_thresholds_change(checkpoint: Path) -> None:
    model_card.set_thresholds(checkpoint, {"Normal": 0.9})
    found = model_card.read_header(checkpoint)
    assert (found.findings, found.task, found.size, found.dropout) == (HEADER.findings, HEADER.task, 64, 0.1)
    assert found.origins == {}


def test_a_header_of_before_origins_were_noted(tmp_path: Path) -> None:
    old = {key: value for key, value in json.loads(HEADER.to_text()).items() if key != "origins"}
    path = tmp_path / "old.safetensors"
    safetensors.numpy.save_file({"a": np.zeros(1)}, path, metadata={model_card.KEY: json.dumps(old)})
    assert model_card.read_header(path) == HEADER


@pytest.mark.parametrize("origins", [{"Normal": {"rule": "f1", "what": 1}}, {"Normal": 3}, [1]])
def test_damaged_origins_are_told(tmp_path: Path, origins: object) -> None:
    path = tmp_path / "bad.safetensors"
    text = json.dumps({**json.loads(HEADER.to_text()), "origins": origins})
    safetensors.numpy.save_file({"a": np.zeros(1)}, path, metadata={model_card.KEY: text})
    with pytest.raises(WeightsError, match="not a checkpoint"):
        model_card.read_header(path)


def test_a_kill_while_writing_leaves_the_old_file(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = checkpoint.read_bytes()

    def killed(content: bytes) -> memoryview:
        raise KeyboardInterrupt

    monkeypatch.setattr(model_card, "_weights", killed)
    with pytest.raises(KeyboardInterrupt):
        model_card.set_thresholds(checkpoint, {"Normal": 0.2})
    assert checkpoint.read_bytes() == before
    assert list(checkpoint.parent.iterdir()) == [checkpoint]


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        model_card.weights_digest(tmp_path / "none.safetensors")
    with pytest.raises(StorageError, match="no such file"):
        model_card.set_thresholds(tmp_path / "none.safetensors", {})


def test_it_needs_no_torch() -> None:
    modules = (
        "trainer.model_card, trainer.thresholds, trainer.freshness, trainer.mistakes, trainer.judgement, trainer.cli_results"
    )
    code = f"import sys, {modules}; print([n for n in ('torch', 'PySide6', 'sklearn') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
