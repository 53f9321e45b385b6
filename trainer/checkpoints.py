"""A trained network as a file that describes itself, and beside it what an exact resume needs.

NAME.safetensors holds the weights and, in its header under "cxr", a JSON object: findings, task, backbone, preprocessing,
thresholds, settings, origin. Neither file can run code: safetensors is data, state.pt is read with `weights_only=True`.
"""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from trainer import files, models
from trainer.architectures import BACKBONES
from trainer.errors import WeightsError
from trainer.model_card import FORMAT, KEY, Header, read_header, set_thresholds, weights_digest

__all__ = [
    "FORMAT",
    "Header",
    "load",
    "load_state",
    "read_header",
    "save",
    "save_state",
    "set_thresholds",
    "weights_digest",
]


def save(path: Path, classifier: models.Classifier, header: Header) -> None:
    """Write weights and header atomically. Raises `StorageError`."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in classifier.state_dict().items()}
    files.write_bytes(path, safetensors.torch.save(tensors, metadata={KEY: header.to_text()}))


def load(path: Path) -> tuple[models.Classifier, Header]:
    """The network, in evaluation mode on the CPU, and its header. Raises `WeightsError`, `StorageError`."""
    header = read_header(path)
    if header.backbone not in BACKBONES:
        raise WeightsError(
            f"This version does not know the network of the checkpoint, {header.backbone}",
            where=path,
            remedy="Update CXR Desktop.",
        )
    if not header.findings:
        raise WeightsError("The checkpoint names no findings", where=path, remedy="Restore it from a copy or train again.")
    classifier = models.build(
        header.backbone,
        len(header.findings),
        dropout=header.dropout,
        hidden=header.hidden,
        mirrored=header.mirrored,
        features=header.features,
        head=header.head,
        task=header.task,
    )
    try:
        classifier.load_state_dict(safetensors.torch.load_file(path))
    except (RuntimeError, safetensors.SafetensorError) as error:
        raise WeightsError(
            "The checkpoint does not fit its own description", where=path, remedy="Restore it from a copy or train again."
        ) from error
    return classifier.eval(), header


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a training (tensors, numbers, words, lists, dicts) atomically. Raises `StorageError`."""
    with files.atomic(path) as file:
        try:
            torch.save(dict(state), file)
        except RuntimeError as error:  # torch's own complaint about what the disk did not take
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise


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
