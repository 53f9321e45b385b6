"""What the catalog answers about the findings of a run, and which images its task can use. Without torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trainer import config, implications, levels, views
from trainer.catalog import NOT_STATED, Catalog
from trainer.errors import ConfigError, DataError, did_you_mean
from trainer.model_card import Header

Ids = NDArray[np.int64]
NAMED = 3
"""Files that a sentence names."""


@dataclass(frozen=True)
class Question:
    """What is asked of each image of the right view: the findings, by the rule of the task's kind, at a level of their tree.

    `implies` are pairs of findings of which the first implies the second; they speak of the findings at this level, or at
    `finer`, where a network is asked about coarser findings than it has learned.
    """

    findings: tuple[str, ...]
    kind: str
    level: int = levels.AS_LABELLED
    views: str = config.ALL_VIEWS
    implies: implications.Pairs = ()
    finer: int | None = None


def of_task(task: config.Task, names: Sequence[str]) -> Question:
    """What a training with this task asks; `names` are its findings."""
    return Question(tuple(names), task.kind, task.level, task.views, implications.parsed(task.implies))


def of_header(header: Header) -> Question:
    """What a trained network was asked: so it is judged."""
    return Question(header.findings, header.task, header.level, header.views, implications.parsed(header.implies))


def at_level(own: Question, names: Sequence[str], level: int) -> Question:
    """The same asked at a coarser level, of its findings `names`; what the finer ones imply still counts."""
    return replace(own, findings=tuple(names), level=level, finer=own.level)


def targets(catalog: Catalog, ids: Ids, names: Sequence[str], level: int = levels.AS_LABELLED) -> NDArray[np.int8]:
    """Answers int8 [N, K] for findings of which the catalog may not know all: those are not stated."""
    known = catalog.findings()
    if level != levels.AS_LABELLED:
        stored = levels.related(known, names)
        return levels.answered(catalog.labels(ids, stored), stored, names)
    found = np.full((len(ids), len(names)), NOT_STATED, np.int8)
    there = set(known)
    columns = [place for place, name in enumerate(names) if name in there]
    found[:, columns] = catalog.labels(ids, [names[place] for place in columns])
    return found


def answers(catalog: Catalog, ids: Ids, question: Question) -> NDArray[np.int8]:
    """Answers int8 [N, K] for the findings of a question, as its implications make them."""
    if question.finer is not None and question.implies:
        return _of_finer(catalog, ids, question, question.finer)
    names = implications.named(question.implies, question.findings)
    stated = targets(catalog, ids, names, question.level)
    return implications.applied(stated, names, question.implies)[:, : len(question.findings)]


def _of_finer(catalog: Catalog, ids: Ids, question: Question, finer: int) -> NDArray[np.int8]:
    """Answers of coarser findings where the implications speak of finer ones, which are completed first."""
    known, names = catalog.findings(), implications.named(question.implies, ())
    made = implications.applied(targets(catalog, ids, names, finer), names, question.implies)
    here = [k for k, name in enumerate(names) if levels.stated(known, [name], finer)]
    others = [name for name in levels.related(known, question.findings) if name not in names]
    stored = np.hstack([catalog.labels(ids, others), made[:, here]])
    found = levels.answered(stored, [*others, *(names[k] for k in here)], question.findings)
    # Of a finding that is stated nowhere only a yes counts, which another one implies: it must not open what the others deny.
    found[levels.answered(made, names, question.findings) == 1] = 1
    return found


def usable(answers: NDArray[np.int8], task: str) -> NDArray[np.bool_]:
    """Images that a task can use, bool [N]: multi-class needs exactly one yes, multi-label at least one stated finding."""
    if task == "multi-class":
        return np.asarray((answers == 1).sum(1) == 1)
    return np.asarray((answers >= 0).any(1))


def in_view(catalog: Catalog, ids: Ids, chosen: str) -> NDArray[np.bool_]:
    """Images of the views that a task takes, bool [N]; an image whose view is not known is taken always."""
    if chosen == config.ALL_VIEWS:
        return np.ones(len(ids), dtype=np.bool_)
    words = [str(word) for word in catalog.column(ids, "view")]
    wrong = {word for word in set(words) if views.kind(word) in (views.LATERAL, views.OTHER)}
    return np.array([word not in wrong for word in words], dtype=np.bool_)


def asked(catalog: Catalog, ids: Ids, question: Question) -> tuple[Ids, NDArray[np.int8]]:
    """Those of `ids` that are there and that the task can use, ascending, and their answers int8 [N, K]."""
    present = np.intersect1d(ids, catalog.ids())
    present = present[in_view(catalog, present, question.views)]
    found = answers(catalog, present, question)
    kept = usable(found, question.kind)
    return present[kept], found[kept]


def known(catalog: Catalog, task: config.Task) -> tuple[str, ...]:
    """Names of the findings that a task can choose among, in stored order."""
    return levels.named(catalog.findings(), task.level)


def findings(catalog: Catalog, task: config.Task) -> tuple[str, ...]:
    """The findings to learn: those asked for, or all that some image of a right view has. Raises `ConfigError`, `DataError`."""
    names = known(catalog, task)
    implications.check(task.implies, task.kind, names)
    for name in task.findings:
        if name not in names:
            at = f" at level {task.level} of the tree of findings" if task.level else ""
            raise ConfigError(
                f"No image of this project states '{name}'{at}", where="task.findings", remedy=did_you_mean(name, names)
            )
        if task.findings.count(name) > 1:
            raise ConfigError(f"The finding '{name}' is named twice", where="task.findings", remedy="Name each finding once.")
    every = catalog.ids()
    ids = every[in_view(catalog, every, task.views)]
    if len(every) and not len(ids):
        raise _no_fitting_view(catalog, "project")
    chosen = task.findings
    if not chosen:
        stored = catalog.findings()
        labels = catalog.labels(ids, stored)
        present = [name for name, column in zip(stored, labels.T, strict=True) if (column == 1).any()]
        chosen = levels.named(present, task.level)
    if len(chosen) < (2 if task.kind == "multi-class" else 1):
        raise DataError(
            f"There is nothing to tell apart: {chosen[0]} is the only finding" if chosen else "No image has a finding",
            where=catalog.project,
            remedy=f"{'Choose' if task.findings else 'Import images of'} at least two findings (one of them may be Normal).",
        )
    return chosen


def check_views(catalog: Catalog, ids: Ids, task: config.Task, part: str) -> None:
    """Refuse a part all of whose images have a view that the task leaves out. Raises `DataError`."""
    present = np.intersect1d(ids, catalog.ids())
    if len(present) and not in_view(catalog, present, task.views).any():
        raise _no_fitting_view(catalog, f"{part} part")


def _no_fitting_view(catalog: Catalog, whole: str) -> DataError:
    return DataError(
        f"Every image of the {whole} is a lateral or another view that is not frontal, and the task takes frontal views only",
        where=catalog.project,
        remedy="Take in all views (--set task.views=all), or correct the views and import again.",
    )


def views_left_out(catalog: Catalog, ids: Ids, chosen: str) -> int:
    """How many of `ids` are there, and are left out for their view alone."""
    present = np.intersect1d(ids, catalog.ids())
    return int((~in_view(catalog, present, chosen)).sum())


def unfit(catalog: Catalog, ids: Ids, question: Question, part: str) -> list[str]:
    """Sentences on the images of a part that the task cannot use, and on what its implications change."""
    every = np.intersect1d(ids, catalog.ids())
    fitting = in_view(catalog, every, question.views)
    present = every[fitting]
    found = answers(catalog, present, question)
    useless = ~usable(found, question.kind)
    several = int(((found == 1).sum(1) > 1).sum()) if question.kind == "multi-class" else 0
    coarse = int((useless & ~(found == 1).any(1) & _too_coarse(catalog, present, question)).sum())
    without = int(useless.sum()) - several - coarse
    told = []
    if other := len(every) - len(present):
        told.append(
            f"{other} of {len(every)} {part} images are lateral or other views that are not frontal and are left out "
            "(--set task.views=all takes them in)."
        )
    if several:
        told.append(
            f"{several} of {len(found)} {part} images show several findings and are left out: a multi-class task needs "
            f"exactly one. {_remedy_of_several(question)}"
        )
    if coarse:
        told.append(
            f"{coarse} of {len(found)} {part} images have a label that ends above level {question.level} of the tree of "
            "findings and are left out."
        )
    if without:
        told.append(f"{without} of {len(found)} {part} images state none of the findings and are left out.")
    return told + implied(catalog, present, question, part)


def implied(catalog: Catalog, ids: Ids, question: Question, part: str) -> list[str]:
    """Sentences on the labels of a part that the implications of the task change, and on those that contradict them."""
    names = implications.named(question.implies, question.findings)
    stated = targets(catalog, ids, names, question.level)
    changed = int((implications.applied(stated, names, question.implies) != stated).any(1).sum())
    told = []
    if changed:
        rule = ", ".join(f"{first} implies {second}" for first, second in question.implies)
        told.append(f"{changed} of {len(ids)} {part} images have labels that were completed: {rule}.")
    for (first, second), rows in implications.contradicted(stated, names, question.implies).items():
        files = ", ".join(path.name for path, _ in catalog.files(ids[rows[:NAMED]]))
        told.append(
            f"{len(rows)} {part} {'image states' if len(rows) == 1 else 'images state'} {first} and deny {second}, which it "
            f"implies: counted as with {second}. The first: {files}."
        )
    return told


def beyond(catalog: Catalog, ids: Ids, learned: Sequence[str], coarse: Sequence[str]) -> list[str]:
    """A sentence where images count as with a coarse finding only for findings below it that are none of those `learned`."""
    stored = catalog.findings()
    near = levels.related(stored, learned)
    taught = [name for name in near if name not in levels.coarser(stored, learned)]
    others = [name for name in levels.related(stored, coarse) if name not in near]
    counted_for = (catalog.labels(ids, others) == 1) & ~(catalog.labels(ids, taught) == 1).any(1)[:, None]
    if not (count := int(counted_for.any(1).sum())):
        return []
    names = ", ".join(name for name, column in zip(others, counted_for.T, strict=True) if column.any())
    images = f"{count} of {len(ids)} images {'shows' if count == 1 else 'show'} only what the network has not learned"
    return [f"{images} ({names}): at this level that counts as with the finding above it."]


def _remedy_of_several(question: Question) -> str:
    """What lets the images be used that have several of the findings."""
    above = levels.coarser(question.findings, question.findings)
    deepest = max(name.count(levels.STEP) for name in question.findings) + 1
    if above:
        return (
            f"Who has a finding has those above it too ({above[0]}): choose one level of the tree (--set "
            f"task.level={deepest}), or make the task multi-label (--set task.kind=multi-label)."
        )
    return "To learn them all, make the task multi-label (--set task.kind=multi-label)."


def _too_coarse(catalog: Catalog, ids: Ids, question: Question) -> NDArray[np.bool_]:
    """Images that have a finding above those of the question's level, and none that reaches down to that level, bool [N].

    Whoever imports "Pneumonia/Bacterial" may state "Pneumonia" as well: its label does not end there.
    """
    stored = catalog.findings()
    above = levels.coarser(stored, question.findings) if question.level else []
    parents = set(levels.coarser(stored, stored))
    deep = [name for name in stored if name.count(levels.STEP) + 1 >= question.level or name not in parents]
    ends = ~(catalog.labels(ids, deep) == 1).any(1)
    return np.asarray((catalog.labels(ids, above) == 1).any(1) & ends, dtype=np.bool_)
