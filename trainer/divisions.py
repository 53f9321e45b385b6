"""What a split comes to in numbers, which runs use it, and under which name another can stand beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from trainer import runs
from trainer.catalog import YES, Catalog
from trainer.errors import TrainerError
from trainer.records import Split


@dataclass(frozen=True)
class Content:
    """One part of a split: its images, its patients (those that are known), and its images with each finding.

    `unknown` are the images whose patient is not known.
    """

    images: int
    patients: int
    findings: Mapping[str, int]
    unknown: int = 0


def contents(catalog: Catalog, split: Split) -> dict[str, Content]:
    """What stands in each part of a split, saved or not, in the usual order."""
    known = catalog.findings()
    found = {}
    for part, ids in split.parts.items():
        yes = (catalog.labels(ids, known) == YES).sum(0, dtype=np.int64).tolist()
        people = list(catalog.patients(ids))
        found[part] = Content(len(ids), len(set(people) - {""}), dict(zip(known, yes, strict=True)), people.count(""))
    return found


def users(catalog: Catalog) -> dict[str, list[str]]:
    """Every split of a project -> the names of the runs that were made with it, the oldest first.

    A run keeps the parts that it was made with in its own folder, so it stays as it is whatever becomes of the split.
    """
    found: dict[str, list[str]] = {name: [] for name in catalog.splits()}
    for run in runs.every(catalog.project):
        try:
            split = run.about().get("split")
        except TrainerError:  # a run whose configuration is damaged uses nothing
            continue
        if isinstance(split, dict) and split.get("name") in found:
            found[split["name"]].append(run.name)
    return found


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """The name itself, or with the lowest number behind it that is not taken ("second-2")."""
    known = {name.casefold() for name in taken}
    if wanted.casefold() not in known:
        return wanted
    return next(name for number in range(2, len(known) + 3) if (name := f"{wanted}-{number}").casefold() not in known)
