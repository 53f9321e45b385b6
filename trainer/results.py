"""What a model said and how well: `Prediction` and `Evaluation`, and their files. Readable without torch.

Predictions are kept per image; every figure is computed from them later. A figure that is not defined is nan here and null
in JSON, never 0.
"""

import math
import types
import typing
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from trainer import files
from trainer.errors import DataError

TASKS = ("multi-class", "multi-label")
COLUMNS = ("view", "sex", "age", "source")
_FORMAT = 1
_DAMAGED = (ValueError, KeyError, TypeError, EOFError, IndexError, OSError, MemoryError, RuntimeError, SyntaxError)
_BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, NotImplementedError)


@dataclass(frozen=True, eq=False)
class Prediction:
    """N images, K findings: `ids` int64 [N], `probabilities` float32 [N, K] in 0..1, `targets` int8 [N, K] in {1, 0, -1}.

    `task` is "multi-class" or "multi-label". `patients` and the columns have one text per image, "" where it is not known; a
    column may be empty as a whole. `age` is in years. `weights` is the digest of the network's weights ("" unknown). Raises
    `ValueError` where the parts do not fit together.
    """

    ids: NDArray[np.int64]
    findings: tuple[str, ...]
    probabilities: NDArray[np.float32]
    targets: NDArray[np.int8]
    patients: tuple[str, ...]
    task: str
    view: tuple[str, ...] = ()
    sex: tuple[str, ...] = ()
    age: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    weights: str = ""

    def __post_init__(self) -> None:
        """Check that everything fits together."""
        images, shape = len(self.ids), (len(self.ids), len(self.findings))
        columns = [self.patients, *(column for name in COLUMNS if (column := getattr(self, name)))]
        probabilities = self.probabilities
        sound = {
            "ids": self.ids.shape == (images,) and self.ids.dtype == np.int64,
            "findings": len(set(self.findings)) == len(self.findings) > 0,
            "task": self.task in TASKS,
            "probabilities": probabilities.shape == shape
            and probabilities.dtype == np.float32
            and bool(((probabilities >= 0) & (probabilities <= 1)).all()),
            "targets": self.targets.shape == shape
            and self.targets.dtype == np.int8
            and bool(np.isin(self.targets, (-1, 0, 1)).all()),
            "patients and columns": all(len(column) == images for column in columns),
        }
        if wrong := [name for name, right in sound.items() if not right]:
            raise ValueError(f"a prediction whose {', '.join(wrong)} do not fit")

    def truth(self) -> NDArray[np.int64]:
        """Index of the one finding that is yes, int64 [N]; -1 where there is none or more than one."""
        yes = self.targets == 1
        return np.where(yes.sum(axis=1) == 1, yes.argmax(axis=1), -1).astype(np.int64)

    def known_patients(self) -> int | None:
        """How many patients there are among those that are known; None where none is."""
        return len(set(self.patients) - {""}) or None

    def take(self, rows: NDArray[np.integer]) -> Self:
        """Return the prediction of some images only: row numbers [n]."""
        columns: dict[str, Any] = {
            name: tuple(column[row] for row in rows) for name in COLUMNS if (column := getattr(self, name))
        }
        return replace(
            self,
            ids=self.ids[rows],
            probabilities=self.probabilities[rows],
            targets=self.targets[rows],
            patients=tuple(self.patients[row] for row in rows),
            **columns,
        )

    def save(self, path: Path) -> None:
        """Write an .npz file, atomically and without pickle. Raises `StorageError`."""
        arrays = {item.name: getattr(self, item.name) for item in fields(self)}
        texts = {name: np.array(value, dtype=np.str_) for name, value in arrays.items() if isinstance(value, (tuple, str))}
        with files.atomic(path) as file:
            np.savez_compressed(file, allow_pickle=False, format=np.int64(_FORMAT), **(arrays | texts))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of `save`; nothing in it can run. Raises `StorageError`, or `DataError` if it is damaged."""
        with files.storage_in_words(path):
            content = path.read_bytes()
        try:
            with np.load(BytesIO(content), allow_pickle=False) as stored:
                return cls._from_arrays({name: stored[name] for name in stored.files})
        except (*_DAMAGED, *_BROKEN_ARCHIVE) as error:
            remedy = "Restore it from a copy, or make it again by evaluating the run."
            raise DataError("The predictions cannot be read: the file is damaged", where=path, remedy=remedy) from error

    @classmethod
    def _from_arrays(cls, stored: Mapping[str, NDArray[Any]]) -> Self:
        if int(stored["format"]) != _FORMAT:
            raise ValueError("another format")
        values: dict[str, Any] = {name: stored[name] for name in ("ids", "probabilities", "targets")}
        for name in ("findings", "patients", *COLUMNS):
            column = stored[name]
            if column.ndim != 1 or (column.size and column.dtype.kind != "U"):
                raise ValueError(f"{name} is no list of texts")
            values[name] = tuple(column.tolist())
        return cls(task=str(stored["task"]), weights=str(stored.get("weights", "")), **values)


class _Equal:
    """Equality by content, in which "not defined" equals itself."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and plain(other) == plain(self)

    def __hash__(self) -> int:
        return hash(repr(plain(self)))


@dataclass(frozen=True, eq=False)
class Figure(_Equal):
    """A figure in 0..1 and the ends of its 95 % interval; nan = not defined."""

    value: float
    low: float = math.nan
    high: float = math.nan


FIGURES = ("sensitivity", "specificity", "precision", "npv", "f1", "accuracy", "auroc", "auprc", "brier")
"""The figures of one finding, each a `Figure` of `FindingResult`."""


@dataclass(frozen=True, eq=False)
class FindingResult(_Equal):
    """One finding against the rest: threshold, 2x2 `matrix` [[tn, fp], [fn, tp]] (truth down, prediction across), figures.

    `calibration_error` is the expected calibration error in 0..1; `positives`, `negatives` and `not_stated` count images,
    `positive_patients` counts patients (an image of an unknown patient counts as one).
    """

    threshold: float
    matrix: tuple[tuple[int, int], tuple[int, int]]
    sensitivity: Figure
    specificity: Figure
    precision: Figure
    npv: Figure
    f1: Figure
    accuracy: Figure
    auroc: Figure
    auprc: Figure
    brier: Figure
    calibration_error: float
    positives: int
    negatives: int
    not_stated: int
    positive_patients: int


@dataclass(frozen=True, eq=False)
class Confusion(_Equal):
    """How often finding (row: truth) was called finding (column: prediction), K x K images."""

    findings: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Baseline(_Equal):
    """No thought: always or never one `finding` ("" = never any). `basis`: whose labels chose it ("" = no choice)."""

    finding: str
    basis: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Subgroup(_Equal):
    """The images of one view, sex, age band or source: headline metrics; per finding sensitivity, specificity and AUROC."""

    column: str
    group: str
    images: int
    patients: int | None
    metrics: Mapping[str, Figure]
    findings: Mapping[str, Mapping[str, Figure]]


@dataclass(frozen=True, eq=False)
class Evaluation(_Equal):
    """How well a run does on a part; the names of the fields are the keys of `evaluate --json`.

    `patients` is None where they are not known, `confusion` None for a multi-label task. `baselines` are named in words
    ("always Pneumonia"). `test_openings` counts the evaluations on the test part so far, this one included.
    """

    run: str
    part: str
    task: str
    images: int
    patients: int | None
    metrics: Mapping[str, Figure]
    findings: Mapping[str, FindingResult]
    confusion: Confusion | None
    baselines: Mapping[str, Baseline]
    subgroups: tuple[Subgroup, ...]
    test_openings: int
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `evaluate --json` prints: plain lists, dicts and numbers, null where a figure is not defined."""
        stored: dict[str, Any] = plain(self)
        return stored

    @classmethod
    def from_json(cls, stored: Any) -> Self:  # noqa: ANN401 - whatever a JSON file held
        """Read `to_json` back; keys that are not known are passed over. Raises `DataError` if something is missing or wrong."""
        try:
            found: Self = built(cls, stored)
        except (KeyError, TypeError, ValueError) as error:
            remedy = "Make it again by evaluating the run."
            raise DataError(f"This is no evaluation, or it is damaged: {error}", remedy=remedy) from error
        return found

    def save(self, path: Path) -> None:
        """Write it as JSON, atomically. Raises `StorageError`."""
        files.write_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file of `save`. Raises `StorageError` if it cannot be read and `DataError` if it is damaged."""
        stored = files.read_json(path)
        try:
            return cls.from_json(stored)
        except DataError as error:
            raise DataError(error.what, where=path, remedy=error.remedy) from error


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of this module
    """Turn dataclasses, mappings and tuples into what JSON knows; nan becomes None: what `built` reads back."""
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def built(kind: Any, value: Any) -> Any:  # noqa: ANN401 - the inverse of plain
    """Build a value of `kind` from what JSON holds. Raises `KeyError`, `TypeError` or `ValueError`."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if value is None else built(inner[0], value)
    if kind is float:
        return math.nan if value is None else float(_checked((int, float), value))
    if is_dataclass(kind):
        stored, hints = _checked(dict, value), typing.get_type_hints(kind)
        return kind(**{item.name: built(hints[item.name], stored[item.name]) for item in fields(kind)})  # type: ignore[operator]
    if origin is tuple:
        kinds = inner[:1] * len(_checked(list, value)) if inner[-1] is ... else inner
        return tuple(built(part, item) for part, item in zip(kinds, _checked(list, value), strict=True))
    if origin is Mapping:
        return {name: built(inner[1], part) for name, part in _checked(dict, value).items()}
    return _checked(kind, value)


def _checked(kind: Any, value: Any) -> Any:  # noqa: ANN401
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"'{value}' stands in the wrong place"[:80])
    return value
