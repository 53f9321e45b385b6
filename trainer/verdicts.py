"""What an ensemble says of single files: probabilities with their spread, what is above its threshold, and their table."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class FilePrediction:
    """What an ensemble says of one file.

    `probabilities` float32 [K] is the mean over members, `spread` float32 [K] their standard deviation (0 for one member);
    `error` says in words why there is none (then both are empty).
    """

    path: Path
    probabilities: NDArray[np.float32]
    spread: NDArray[np.float32]
    error: str = ""
    warnings: tuple[str, ...] = ()


def refused(path: Path, error: str) -> FilePrediction:
    """The answer for a file that cannot be read."""
    empty = np.empty(0, np.float32)
    return FilePrediction(path, empty, empty, error=error)


def reaches(probability: float, threshold: float | None) -> bool | None:
    """Whether a probability is at least its threshold, by the rule of `metrics.decisions`; None where there is none."""
    return None if threshold is None else float(probability) >= threshold


def above(
    findings: Sequence[str], probabilities: NDArray[np.floating], thresholds: Mapping[str, float]
) -> dict[str, bool | None]:
    """Whether each finding's probability [K] reaches its threshold; None where no threshold has been chosen."""
    return {name: reaches(p, thresholds.get(name)) for name, p in zip(findings, probabilities, strict=True)}


def mean_thresholds(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The thresholds of an ensemble: the mean over its members, for findings that all of them have one for."""
    shared = [name for name in (each[0] if each else {}) if all(name in one for one in each)]
    return {name: float(np.mean([one[name] for one in each])) for name in shared}


def table(findings: Sequence[str], predictions: Sequence[FilePrediction], *, spread: bool) -> str:
    """CSV text, one row per file: path, top finding, a probability (and its spread over members) per finding, error."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["path", "top_finding", *findings, *([f"{f} (SD)" for f in findings] if spread else []), "error"])
    for one in predictions:
        if one.error:
            writer.writerow([one.path, "", *[""] * len(findings) * (2 if spread else 1), one.error])
            continue
        figures = [f"{p:.6f}" for p in one.probabilities] + ([f"{s:.6f}" for s in one.spread] if spread else [])
        writer.writerow([one.path, findings[int(one.probabilities.argmax())], *figures, ""])
    return out.getvalue()
