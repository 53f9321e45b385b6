"""What a catalog holds, as plain values: one image's record, a filter on images, a split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

YES, NO, NOT_STATED = 1, 0, -1
PARTS = ("train", "validation", "test", "external")
GONE, DUPLICATE = "gone", "duplicate"
"""Flags that an import sets itself: the file is not there any more; another file of its source has the same content."""

PART_WORDS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validate": "validation",
    "validation": "validation", "dev": "validation", "test": "test", "testing": "test", "external": "external",
}  # fmt: skip
"""How the world names the parts, in lower case: as folders and in tables."""

UNSTATED = frozenset({"", "nan", "na", "n/a", "null", "unknown", "todo", "unlabelled", "unlabeled", "not stated", "?", "-"})
"""Words in the place of a finding that state none, in lower case."""

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Record:
    """One image. Texts are "" where unknown; `labels` holds stated findings only (1 yes, 0 no).

    `path` is absolute, `digest` is that of the file's content, `age` is in years, `width` and `height` are in pixels and
    `part_given` is the part that the dataset's own folders or table put the image in.
    """

    id: int
    path: Path
    patient: str
    study: str
    view: str
    sex: str
    age: float | None
    source: str
    digest: str
    width: int
    height: int
    part_given: str
    labels: Mapping[str, int]
    flags: tuple[str, ...]
    excluded: bool


@dataclass(frozen=True)
class Entry:
    """One image as an import stores it. `id` 0 is a new image; `path` is from the source folder, with forward slashes.

    `modified` is in nanoseconds since the epoch, `facts` is JSON (what the file itself says), `labels` are those of the
    source (1 yes, 0 no) without the findings `by_hand`, which the user answered and no import changes.
    """

    path: str
    digest: str
    bytes: int
    modified: int
    width: int
    height: int
    patient: str = ""
    study: str = ""
    view: str = ""
    sex: str = ""
    age: float | None = None
    source: str = ""
    part_given: str = ""
    facts: str = ""
    labels: Mapping[str, int] = field(default_factory=dict)
    duplicate: bool = False
    gone: bool = False
    by_hand: frozenset[str] = frozenset()
    id: int = 0


@dataclass(frozen=True)
class Filter:
    """Which images; every condition that is set must hold.

    `findings`: name -> 1 yes, 0 no, -1 not stated. `part`: the part in the split named `split` ("": the active one);
    "none" finds images in no part of it, and `split` alone those in any. `text`: contained in path or patient, whatever its
    case. For `excluded` and `gone`, None means both. `view`, `sex`, `patient`, `source`, `part_given`: None is any, "" is
    unknown.
    """

    findings: Mapping[str, int] = field(default_factory=dict)
    part: str = ""
    split: str = ""
    part_given: str | None = None
    view: str | None = None
    sex: str | None = None
    patient: str | None = None
    source: str | None = None
    flag: str = ""
    text: str = ""
    excluded: bool | None = False
    gone: bool | None = False


@dataclass(frozen=True, eq=False)
class Split:
    """Which image stands in which part: `parts` maps part names to int64 [n] image ids, ascending; no id stands twice.

    `rule` says in words how it was made, `folds` is 0 without cross-validation, `fold` counts from 0, and `digest` stands
    for the parts and the content of their files.
    """

    name: str
    parts: Mapping[str, Ids]
    seed: int
    rule: str
    folds: int
    fold: int | None
    digest: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counts:
    """How many images of what; excluded and gone images are counted only under `excluded` and `flags`.

    `findings` maps a name to its images by answer ("yes", "no", "not stated"); `split` counts the parts of the active
    split, and `patients` the known patients. "" stands for unknown.
    """

    images: int
    excluded: int
    patients: int
    patient_unknown: int
    findings: Mapping[str, Mapping[str, int]]
    views: Mapping[str, int]
    sexes: Mapping[str, int]
    sources: Mapping[str, int]
    parts_given: Mapping[str, int]
    split_name: str
    split: Mapping[str, int]
    flags: Mapping[str, int]
