"""What a checkpoint says of itself, read and rewritten without torch: the header of a NAME.safetensors, and its thresholds."""

import dataclasses
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer import files
from trainer.errors import WeightsError
from trainer.geometry import Fit

FORMAT = 1
KEY = "cxr"
"""Where the header stands in the file's own metadata, as JSON."""

BY_HAND = "by hand"
_LARGEST_HEADER = 100 * 2**20


@dataclass(frozen=True)
class Origin:
    """Where a threshold came from: a `rule` on validation ("youden", "f1", "sensitivity=0.9") or `BY_HAND`.

    `openings` says how often the test part had been opened when it was changed; 0 for one chosen before that.
    """

    rule: str
    openings: int = 0

    @property
    def by_hand(self) -> bool:
        """Whether a person set it."""
        return self.rule == BY_HAND


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself. `thresholds` (finding -> 0..1) are empty until validation has chosen them.

    `origins` says where they came from; a finding without one was chosen by a version that did not note it.
    """

    backbone: str
    findings: tuple[str, ...]
    task: str
    size: int
    fit: Fit
    dropout: float
    pipeline: int
    epoch: int = 0
    metric: str = ""
    value: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    frequencies: Mapping[str, float] = field(default_factory=dict)  # share of yes among the training images, per finding
    split_digest: str = ""
    run: str = ""
    recipe: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def level(self) -> int:
        """The level of the tree of findings that it learned, 0 as labelled (`config.Task.level`)."""
        return int(self.settings.get("task.level", 0))

    @property
    def implies(self) -> tuple[str, ...]:
        """What one finding says of another, as it was stated (`config.Task.implies`)."""
        return tuple(self.settings.get("task.implies", ()))

    @property
    def hidden(self) -> int:
        """Features between the two linear layers of the head (`config.Model.hidden`), 0: it has one."""
        return int(self.settings.get("model.hidden", 0))

    @property
    def features(self) -> str:
        """What the head sees (`config.Model.features`)."""
        return str(self.settings.get("model.features", "last"))

    @property
    def head(self) -> str:
        """What makes probabilities of features (`config.Model.head`)."""
        return str(self.settings.get("model.head", "layers"))

    @property
    def mirrored(self) -> bool:
        """Whether the mirror image has a say in each prediction (`config.Model.mirror`)."""
        return bool(self.settings.get("model.mirror", "off") == "averaged")

    @property
    def views(self) -> str:
        """The views that it learned from (`config.Task.views`); networks from before that setting took all."""
        return str(self.settings.get("task.views", "all"))

    def to_text(self) -> str:
        """As it stands in the file."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, allow_nan=False)


def read_header(path: Path) -> Header:
    """The header alone, without reading the weights. Raises `WeightsError`, `StorageError`."""
    with files.storage_in_words(path), path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        content = file.read(length) if length <= _LARGEST_HEADER else b""
    try:
        values = json.loads(json.loads(content)["__metadata__"][KEY])
        if values["format"] > FORMAT:
            raise WeightsError("The checkpoint was made by a newer version", where=path, remedy="Update CXR Desktop.")
        known = {f.name for f in dataclasses.fields(Header)}
        values = {name: value for name, value in values.items() if name in known}
        origins = {finding: Origin(**origin) for finding, origin in values.get("origins", {}).items()}
        return Header(**{**values, "findings": tuple(values["findings"]), "origins": origins})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            "This file is not a checkpoint of CXR Desktop", where=path, remedy="Give a run folder or its best.safetensors."
        ) from error


def weights_digest(path: Path) -> str:
    """Identity of the weights in a checkpoint; another header (thresholds) does not change it. Raises `StorageError`."""
    with files.storage_in_words(path):
        content = path.read_bytes()
    return files.digest(_weights(content))


def set_thresholds(path: Path, thresholds: Mapping[str, float], origins: Mapping[str, Origin] | None = None) -> None:
    """Write other thresholds into a checkpoint; its weights stay as they are. Raises `WeightsError`, `StorageError`."""
    header = dataclasses.replace(read_header(path), thresholds=dict(thresholds), origins=dict(origins or {}))
    with files.storage_in_words(path):
        content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    described = json.loads(content[8 : 8 + length])
    described["__metadata__"][KEY] = header.to_text()
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the weights begin at a multiple of 8 bytes, as safetensors has it
    with files.atomic(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.write(_weights(content))


def _weights(content: bytes) -> memoryview:
    """What follows the header; all of a file that is too short to have one."""
    return memoryview(content)[8 + struct.unpack("<Q", content[:8])[0] :] if len(content) >= 8 else memoryview(content)
