"""What a catalog holds, as plain values: one image's record, a filter on images, a split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

YES, NO, NOT_STATED = 1, 0, -1
PARTS = ("train", "validation", "test", "external")
GONE, DUPLICATE = "gone", "duplicate"
"""Flags that an import sets itself: the file is not there any more; another file of its source has the same content."""

UNREADABLE = "unreadable"
"""Flag of an image whose pixels turned out to be damaged when they were needed; a file with another content loses it."""

NOT_CHEST = "not a chest radiograph?"
"""Flag of an image whose header says so when it is imported, or whose pixels look so when they are first read."""

PART_WORDS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validate": "validation",
    "validation": "validation", "dev": "validation", "test": "test", "testing": "test", "external": "external",
}  # fmt: skip
"""How the world names the parts, in lower case: as folders and in tables."""

UNSTATED = frozenset({"", "nan", "na", "n/a", "null", "unknown", "todo", "unlabelled", "unlabeled", "not stated", "?", "-"})
"""Words in the place of a finding that state none, in lower case."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """All that is stored of one finding for the images `asked`, so that it can be put back.

    `images` int64 [n] are those of them that have an answer, `values` int8 [n] what it is (-1: the user took it away),
    `by_hand` bool [n] whether the user gave it; `known` is whether the project had the finding at all.
    """

    finding: str
    known: bool
    asked: Ids
    images: Ids
    values: NDArray[np.int8]
    by_hand: NDArray[np.bool_]


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
    source (1 yes, 0 no) without the findings `by_hand`, which the user answered and no import changes, and `masks` are pairs
    of a kind ("lung", "left lung", "right lung", "lesion", "mask") and a file, its path from the source folder, sorted.
    `odd` is a new image whose own header says that it is no chest radiograph.
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
    masks: tuple[tuple[str, str], ...] = ()
    duplicate: bool = False
    odd: bool = False
    gone: bool = False
    by_hand: frozenset[str] = frozenset()
    id: int = 0


@dataclass(frozen=True)
class SourceFolder:
    """One source of a project: its folder, what was recognised in it in words, and how it was imported (`options`).

    `images` are those that are there, and `masks` counts the masks beside them by kind, the most frequent first.
    """

    root: Path
    layout: str
    options: Mapping[str, Any]
    images: int
    masks: Mapping[str, int]


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
class Selection:
    """What some images have in common and where they differ.

    `answers` maps each finding to how many of them have it (yes), do not (no), are not stated, and of how many the user said
    so; `values` maps view, sex, source, part (of the active split; "" is none) and part_given to their values with their
    numbers, the most frequent first. `age` is (youngest, oldest) in years, None where no age is known.
    """

    images: int
    excluded: int
    patients: int
    patient_unknown: int
    answers: Mapping[str, tuple[int, int, int, int]]
    flags: Mapping[str, int]
    values: Mapping[str, Mapping[str, int]]
    age: tuple[float, float] | None
    age_unknown: int


@dataclass(frozen=True, eq=False)
class Tally:
    """Images by part of the active split, and those of them with a finding; excluded and gone images are left out.

    `parts`: those that have images, in the usual order, and at the end "none" for images in no part (all of them without a
    split). `images` is int64 [parts] and `yes` int64 [findings, parts].
    """

    findings: tuple[str, ...]
    parts: tuple[str, ...]
    images: NDArray[np.int64]
    yes: NDArray[np.int64]


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
