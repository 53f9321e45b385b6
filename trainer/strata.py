"""Stratification of groups: whole groups go to parts so that each part gets its share of every finding. Pure numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.errors import DataError

MOVES = 200
"""At most that many groups are moved to another part after the first distribution."""
STARTS, FEW = 8, 2000
"""With at most `FEW` groups the best of so many distributions is taken, which differ in the order of equal groups."""
PRICE = 8
"""Weight of rare findings: one that as few groups have as there are parts counts 1 + `PRICE` times."""

Labels = NDArray[np.int8]
"""int8 [N, K]: 1 yes, 0 no, -1 not stated."""
Places = NDArray[np.int8]
"""int8 [N]: number of the part of each image."""


def assign(labels: Labels, groups: NDArray[np.int64], fractions: Sequence[float], seed: int | Sequence[int]) -> Places:
    """Part of each image, int8 [N] in 0..P-1, whole groups only, each part near its share of the images of each finding.

    labels: int8 [N, K], 1 is yes; images without a yes are balanced as if that were a finding. groups: int64 [N].
    fractions: [P], adding up to 1; a part with 0 stays empty, every other gets a group. The result depends on the values
    in `groups` and on `seed`, not on the order of the images.

    After iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011), for groups: those with the rarest finding
    first, and the largest of these first, each to the part where it brings all its findings nearest to what is wanted (sum
    of squared distances, relative to what is wanted); then single groups move as long as that brings them nearer.
    Raises `DataError` if there are fewer groups than parts.
    """
    rng = np.random.default_rng(seed)
    counts, member = _group_counts(labels, groups)
    active = np.flatnonzero(np.asarray(fractions) > 0)
    if len(counts) < len(active):
        raise DataError(
            f"Only {len(counts)} patients for {len(active)} parts",
            remedy="Bring images of more patients, or ask for fewer parts or folds.",
        )
    wanted = _wanted(counts, np.asarray(fractions, dtype=np.float64)[active])
    price = (1 + PRICE * len(active) / (counts > 0).sum(0)) / wanted
    best, least = np.zeros(0, dtype=np.int64), np.inf
    for _ in range(STARTS if len(counts) <= FEW else 1):
        places = _distributed(counts, wanted, price, rng)
        _fill_empty(counts, places, len(active))
        cost = _improve(counts, wanted, price, places)
        if cost < least:
            best, least = places, cost
    return active[best][member].astype(np.int8)


def _group_counts(labels: Labels, groups: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Images of each group [G, C] by finding, then without any, then all; and the group [N] of each image."""
    codes, member = np.unique(groups, return_inverse=True)
    yes = labels == 1
    columns = np.column_stack([yes, ~yes.any(1), np.ones(len(yes), dtype=np.bool_)]).astype(np.float64)
    counts = np.zeros((len(codes), columns.shape[1]))
    np.add.at(counts, member, columns)
    return counts[:, counts.any(0)], member


def _wanted(counts: NDArray[np.float64], fractions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Images [P, C] that each part should have; a rare finding at least one group's worth if there are enough groups."""
    total, holders = counts.sum(0), (counts > 0).sum(0)
    wanted = np.outer(fractions, total)
    raised = np.maximum(wanted, total / holders)
    raised *= total / raised.sum(0)
    return np.where(holders >= len(fractions), raised, wanted)


def _distributed(
    counts: NDArray[np.float64], wanted: NDArray[np.float64], price: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.int64]:
    holders = (counts > 0).sum(0)
    rarest = np.where(counts > 0, holders, len(counts) + 1).min(1)
    order = np.lexsort((rng.random(len(counts)), -counts[:, -1], rarest))
    ties = rng.random((len(counts), len(wanted))) * 1e-9
    places = np.zeros(len(counts), dtype=np.int64)
    room = -2 * wanted  # 2 (held - wanted)
    for group in order:
        cost = ((room + counts[group]) * counts[group] * price).sum(1) + ties[group]
        place = cost.argmin()
        places[group] = place
        room[place] += 2 * counts[group]
    return places


def _fill_empty(counts: NDArray[np.float64], places: NDArray[np.int64], parts: int) -> None:
    """Give each empty part the smallest group of the part with the most groups."""
    for part in range(parts):
        if not (places == part).any():
            richest = np.flatnonzero(places == np.bincount(places, minlength=parts).argmax())
            places[richest[counts[richest, -1].argmin()]] = part


def _improve(
    counts: NDArray[np.float64], wanted: NDArray[np.float64], price: NDArray[np.float64], places: NDArray[np.int64]
) -> float:
    """Move the one group that brings all nearest to what is wanted, again and again; return what distance is left.

    No part loses its last group.
    """
    everyone = np.arange(len(counts))
    held = np.zeros_like(wanted)
    np.add.at(held, places, counts)
    squares = counts**2 @ price.T
    for _ in range(MOVES):
        slope = counts @ (2 * (held - wanted) * price).T  # [G, P]
        leaving = (squares - slope)[everyone, places]
        leaving[np.bincount(places, minlength=len(wanted))[places] == 1] = np.inf
        change = slope + squares + leaving[:, None]
        change[everyone, places] = 0
        group, part = np.unravel_index(change.argmin(), change.shape)
        if not change[group, part] < -1e-9:
            break
        held[places[group]] -= counts[group]
        held[part] += counts[group]
        places[group] = part
    return float(((held - wanted) ** 2 * price).sum())
