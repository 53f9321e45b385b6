"""A trained network as a file that describes itself, and beside it what an exact resume needs.

NAME.safetensors holds the weights and, in its header under "cxr", a JSON object: findings, task, backbone, preprocessing,
thresholds, settings, origin. Neither file can run code: safetensors is data, state.pt is read with `weights_only=True`.
"""

import dataclasses
import json
import pickle
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from trainer import files, images, models
from trainer.errors import WeightsError

FORMAT = 1
_KEY = "cxr"
_LARGEST_HEADER = 100 * 2**20


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself. `thresholds` (finding -> 0..1) are empty until validation has chosen them."""

    backbone: str
    findings: tuple[str, ...]
    task: str
    size: int
    fit: images.Fit
    dropout: float
    pipeline: int
    epoch: int = 0
    metric: str = ""
    value: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    frequencies: Mapping[str, float] = field(default_factory=dict)  # share of yes among the training images, per finding
    split_digest: str = ""
    run: str = ""
    recipe: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


def save(path: Path, classifier: models.Classifier, header: Header) -> None:
    """Write weights and header atomically. Raises `StorageError`."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in classifier.state_dict().items()}
    _write(path, tensors, header)


def load(path: Path) -> tuple[models.Classifier, Header]:
    """The network, in evaluation mode on the CPU, and its header. Raises `WeightsError`, `StorageError`."""
    header = read_header(path)
    classifier = models.build(header.backbone, len(header.findings), dropout=header.dropout)
    try:
        classifier.load_state_dict(safetensors.torch.load_file(path))
    except (RuntimeError, safetensors.SafetensorError) as error:
        raise WeightsError(
            "The checkpoint does not fit its own description", where=path, remedy="Restore it from a copy or train again."
        ) from error
    return classifier.eval(), header


def read_header(path: Path) -> Header:
    """The header alone, without reading the weights. Raises `WeightsError`, `StorageError`."""
    with files.storage_in_words(path), path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        content = file.read(length) if length <= _LARGEST_HEADER else b""
    try:
        values = json.loads(json.loads(content)["__metadata__"][_KEY])
        if values["format"] > FORMAT:
            raise WeightsError("The checkpoint was made by a newer version", where=path, remedy="Update CXR Desktop.")
        known = {f.name for f in dataclasses.fields(Header)}
        values = {name: value for name, value in values.items() if name in known}
        return Header(**{**values, "findings": tuple(values["findings"])})
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            "This file is not a checkpoint of CXR Desktop", where=path, remedy="Give a run folder or its best.safetensors."
        ) from error


def weights_digest(path: Path) -> str:
    """Identity of the weights in a checkpoint; another header (thresholds) does not change it. Raises `StorageError`."""
    with files.storage_in_words(path):
        content = path.read_bytes()
    return files.digest(memoryview(content)[8 + struct.unpack("<Q", content[:8])[0] :])


def set_thresholds(path: Path, thresholds: Mapping[str, float]) -> None:
    """Write other thresholds into a checkpoint. Raises `WeightsError`, `StorageError`."""
    header = read_header(path)
    _write(path, safetensors.torch.load_file(path), dataclasses.replace(header, thresholds=dict(thresholds)))


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a training (tensors, numbers, words, lists, dicts) atomically. Raises `StorageError`."""
    with files.atomic(path) as file:
        torch.save(dict(state), file)


def load_state(path: Path) -> dict[str, Any]:
    """Read it again, onto the CPU, without running anything in it. Raises `WeightsError`, `StorageError`."""
    with files.storage_in_words(path):
        try:
            if not zipfile.is_zipfile(path):  # torch would try it as a bare pickle
                raise ValueError("no archive")
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError) as error:
            raise WeightsError(
                "The saved state of the training is damaged", where=path, remedy="Train again; best.safetensors is still there."
            ) from error
    return dict(state)


def _write(path: Path, tensors: Mapping[str, torch.Tensor], header: Header) -> None:
    text = json.dumps(dataclasses.asdict(header), ensure_ascii=False, allow_nan=False)
    files.write_bytes(path, safetensors.torch.save(dict(tensors), metadata={_KEY: text}))
