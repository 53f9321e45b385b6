"""Some training images as the network will see them: changed at random, and mixed where the settings say so. For the eye."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from trainer import config, images, mixing, truths
from trainer.catalog import Catalog
from trainer.errors import DataError, ImageError

IMAGES, ROUNDS = 4, 3
LEAST_SHARE = 0.005
"""Part of an answer below which it is not worth a word."""
_REHEARSAL = 0x4E4  # keeps these random numbers apart from others that are made from the same seed


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """n images and how often each is shown, r times. `originals` uint8 [n, S, S], `versions` uint8 [r, n, S, S].

    `answers` say in words what each original is labelled with, `said` [r][n] what the network would be told of a version.
    """

    originals: NDArray[np.uint8]
    answers: tuple[str, ...]
    versions: NDArray[np.uint8]
    said: tuple[tuple[str, ...], ...]


def rehearse(
    catalog: Catalog,
    settings: config.TrainConfig,
    *,
    split: str = "",
    number: int = 0,
    pick: int = 0,
    count: int = IMAGES,
    rounds: int = ROUNDS,
) -> Rehearsal:
    """Show `count` images of the train part (split "": the active one) `rounds` times each; another `number`, other changes.

    `pick` chooses other images. Partners of mixup and CutMix are among the images shown. Raises `ConfigError`, `DataError`.
    """
    names = truths.findings(catalog, settings.task)
    part = catalog.split(split or None).parts.get("train", np.empty(0, np.int64))
    ids, answers = truths.asked(catalog, part, truths.of_task(settings.task, names))
    rows, squares = _read(catalog, ids, chosen(answers, settings.seed, pick), settings.model, count)
    if not rows:
        raise DataError("There is no training image that can be shown", where=catalog.project, remedy="Look at the dataset.")
    pixels = torch.from_numpy(np.stack(squares))[:, None]
    labels = torch.from_numpy(answers[rows])
    targets, stated = labels.clamp_min(0).float(), labels >= 0
    versions, said = [], []
    for step in range(rounds):
        shown, soft, known = mixing.prepared(
            pixels,
            targets,
            stated,
            settings=settings.augment,
            task=settings.task.kind,
            seed=settings.seed,
            epoch=number,
            step=step,
        )
        versions.append((shown[:, 0] * 255).round().to(torch.uint8).numpy())
        said.append(_words(soft, known, names, settings.task.kind))
    return Rehearsal(pixels[:, 0].numpy(), _words(targets, stated, names, settings.task.kind), np.stack(versions), tuple(said))


def chosen(answers: NDArray[np.int8], seed: int, pick: int) -> NDArray[np.int64]:
    """All rows of answers int8 [N, K] in the order in which they are worth showing: first one of each finding, at random."""
    order = np.random.default_rng([seed, pick, _REHEARSAL]).permutation(len(answers))
    kinds = np.where((answers == 1).any(1), (answers == 1).argmax(1), answers.shape[1])[order]
    turn = np.zeros(len(order), np.int64)
    for kind in np.unique(kinds):
        places = np.flatnonzero(kinds == kind)
        turn[places] = np.arange(len(places))
    return np.asarray(order[np.argsort(turn, kind="stable")], np.int64)


def _read(
    catalog: Catalog, ids: NDArray[np.int64], order: NDArray[np.int64], model: config.Model, count: int
) -> tuple[list[int], list[NDArray[np.uint8]]]:
    """The first images in this order that can be read, as rows and squares uint8 [S, S]."""
    rows: list[int] = []
    squares: list[NDArray[np.uint8]] = []
    for row in order[: 4 * count]:
        ((path, _),) = catalog.files(ids[[row]])
        try:
            pixels = images.read(path).pixels
        except ImageError:
            continue
        squares.append(images.to_square(pixels, model.size, cast("images.Fit", model.fit)))
        rows.append(int(row))
        if len(rows) == count:
            break
    return rows, squares


def _words(targets: torch.Tensor, stated: torch.Tensor, names: tuple[str, ...], task: str) -> tuple[str, ...]:
    """What each image is said to show: its findings, with their parts where they are parts."""
    said = []
    for answers, known in zip(targets.tolist(), stated.tolist(), strict=True):
        present = sorted(
            ((value, name) for value, name, sure in zip(answers, names, known, strict=True) if sure and value >= LEAST_SHARE),
            key=lambda one: -one[0],
        )
        words = ", ".join(name if value > 1 - LEAST_SHARE else f"{value * 100:.0f} % {name}" for value, name in present)
        nothing = "nothing" if task == "multi-label" and any(known) else "not counted"
        said.append(words or nothing)
    return tuple(said)
