"""What the catalog answers about the findings of a run, and which images its task can use. Without torch."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer import config
from trainer.catalog import NOT_STATED, Catalog
from trainer.errors import ConfigError, DataError, did_you_mean


def targets(catalog: Catalog, ids: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int8]:
    """Answers int8 [N, K] for findings of which the catalog may not know all: those are not stated."""
    known = set(catalog.findings())
    found = np.full((len(ids), len(names)), NOT_STATED, np.int8)
    columns = [place for place, name in enumerate(names) if name in known]
    found[:, columns] = catalog.labels(ids, [names[place] for place in columns])
    return found


def usable(answers: NDArray[np.int8], task: str) -> NDArray[np.bool_]:
    """Images that a task can use, bool [N]: multi-class needs exactly one yes, multi-label at least one stated finding."""
    if task == "multi-class":
        return np.asarray((answers == 1).sum(1) == 1)
    return np.asarray((answers >= 0).any(1))


def findings(catalog: Catalog, task: config.Task) -> tuple[str, ...]:
    """The findings to learn: those asked for, or all that some image has. Raises `ConfigError`, `DataError`."""
    known = catalog.findings()
    for name in task.findings:
        if name not in known:
            raise ConfigError(
                f"No image of this project states '{name}'", where="task.findings", remedy=did_you_mean(name, known)
            )
    if task.findings:
        chosen = task.findings
    else:
        labels = catalog.labels(catalog.ids(), known)
        chosen = tuple(name for name, column in zip(known, labels.T, strict=True) if (column == 1).any())
    if len(chosen) < (2 if task.kind == "multi-class" else 1):
        raise DataError(
            f"There is nothing to tell apart: {chosen[0]} is the only finding" if chosen else "No image has a finding",
            where=catalog.project,
            remedy=f"{'Choose' if task.findings else 'Import images of'} at least two findings (one of them may be Normal).",
        )
    return chosen


def unfit(catalog: Catalog, ids: NDArray[np.int64], names: Sequence[str], task: str, part: str) -> list[str]:
    """Sentences on the images of a part that the task cannot use."""
    answers = catalog.labels(np.intersect1d(ids, catalog.ids()), names)
    several = int(((answers == 1).sum(1) > 1).sum()) if task == "multi-class" else 0
    without = int((~usable(answers, task)).sum()) - several
    told = []
    if several:
        told.append(
            f"{several} of {len(answers)} {part} images show several findings and are left out: a multi-class task needs "
            "exactly one. To learn them all, make the task multi-label (--set task.kind=multi-label)."
        )
    if without:
        told.append(f"{without} of {len(answers)} {part} images state none of the findings and are left out.")
    return told
