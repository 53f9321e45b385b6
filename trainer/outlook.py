"""What a training would find before it starts: findings, images of the split, and what prevents it. Without torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trainer import config, levels, pitfalls, truths
from trainer.catalog import Catalog
from trainer.cuts import Shapes
from trainer.errors import TrainerError, counted

PARTS = ("train", "validation")
_KEYS = ("task.findings", "task.implies", "task.views")
"""Settings that can make a project unfit."""
NAMED = 3
"""Findings that a sentence names; of the others it says how many they are."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """The images that a task can use, as the catalog states them now; files are not opened.

    `targets` int8 [N, K] are the answers of the training images, `shapes` int64 [N, 2] their heights and widths in px.
    `images` and `patients` are by part (patients None: some are unknown). `problems` say in words what a training would refuse
    or could not learn from, `remarks` what else to know; `setting` is the key of the setting at fault, "" where none is.
    """

    split: str
    findings: tuple[str, ...]
    known: tuple[str, ...]
    targets: NDArray[np.int8]
    images: dict[str, int]
    patients: dict[str, int | None]
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    setting: str = ""
    shapes: Shapes = field(default_factory=lambda: np.empty((0, 2), np.int64))

    def words(self) -> str:
        """One line: how much there is to learn from."""
        train, validation = (self.images.get(part, 0) for part in PARTS)
        people = self.patients.get("train")
        of = "" if people is None else f" of {counted(people, 'patient')}"
        return f"{counted(train, 'training image')}{of}, {validation} for validation; split {self.split}"


def look(catalog: Catalog, task: config.Task, split: str = "") -> Outlook:
    """Look at a project as `train.run` would with this task and split ("": the active one). Raises `StorageError`."""
    known = truths.known(catalog, task)
    if not len(catalog.ids()):
        return _nothing(known, "The project has no images yet.")
    if not split and not catalog.active_split():
        return _nothing(known, "The images are not divided into train, validation and test yet.")
    try:
        chosen = catalog.split(split or None)
        for part in PARTS:
            truths.check_views(catalog, chosen.parts.get(part, np.empty(0, np.int64)), task, part)
        names = truths.findings(catalog, task)
    except TrainerError as error:
        where = next((key for key in _KEYS if key == error.where or f"{key}=" in error.remedy), "")
        return _nothing(known, f"{error.what}. {error.remedy}".strip(), where)
    question = truths.of_task(task, names)
    ids = {part: chosen.parts.get(part, np.empty(0, np.int64)) for part in PARTS}
    used = {part: truths.asked(catalog, rows, question) for part, rows in ids.items()}
    usable = {part: answers for part, (_, answers) in used.items()}
    return Outlook(
        split=chosen.name,
        findings=names,
        known=known,
        targets=usable["train"],
        images={part: len(usable[part]) for part in PARTS},
        patients={part: _people(catalog.patients(used[part][0])) for part in PARTS},
        problems=tuple(_problems(usable, names)),
        remarks=tuple(_remarks(catalog, ids, usable, question)),
        shapes=catalog.shapes(used["train"][0]),
    )


def _nothing(known: tuple[str, ...], problem: str, setting: str = "") -> Outlook:
    return Outlook("", (), known, np.empty((0, 0), np.int8), {}, {}, (problem,), setting=setting)


def _people(patients: Sequence[str]) -> int | None:
    return None if "" in patients else len(set(patients))


def _problems(usable: dict[str, NDArray[np.int8]], names: Sequence[str]) -> Iterator[str]:
    """What stops a training: it refuses the first two itself, and from the third no figure could be made."""
    for part in PARTS:
        if not len(usable[part]):
            yield f"The {part} part has no image that can be used for {', '.join(names)}."
    if not len(usable["train"]):
        return
    if absent := _absent(usable["train"], names):
        yield f"No training image shows {absent}: it cannot be learned. Divide the images again, or leave it out."
    if len(usable["validation"]) and (absent := _absent(usable["validation"], names)):
        yield f"No validation image shows {absent}: it cannot be judged. Divide the images again, or leave it out."


def _absent(answers: NDArray[np.int8], names: Sequence[str]) -> str:
    """The findings that no image shows, the first few by name."""
    absent = [name for name, column in zip(names, answers.T, strict=True) if not (column == 1).any()]
    more = f" and {len(absent) - NAMED} more" if len(absent) > NAMED else ""
    return ", ".join(absent[:NAMED]) + more


def _remarks(
    catalog: Catalog,
    ids: dict[str, NDArray[np.int64]],
    usable: dict[str, NDArray[np.int8]],
    question: truths.Question,
) -> Iterator[str]:
    if question.level and not any(levels.STEP in name for name in catalog.findings()):
        yield f"Level {question.level} changes nothing: no finding here is a path such as Pneumonia/Viral."
    for part in PARTS:
        yield from truths.unfit(catalog, ids[part], question, part)
    if len(usable["train"]) and question.kind == "multi-label":
        yield from (told for told in pitfalls.missing(usable["train"], question.kind, question.findings) if "without" in told)
