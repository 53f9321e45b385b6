"""What one finding says of another ("COVID-19 > Pneumonia": whoever has COVID-19 has pneumonia), stated, checked and applied.

A yes of the first makes a yes of the second; a no of the second makes a no of the first where that is not stated. Where an
image states the first and denies the second, the yes wins: a no is often no more than "it lay in another folder".
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from trainer.errors import ConfigError, did_you_mean

Answers = NDArray[np.int8]
"""int8 [N, K]: 1 yes, 0 no, -1 not stated."""
Pairs = tuple[tuple[str, str], ...]
"""(finding, what it implies), also by way of others."""

SIGN = ">"
KEY = "task.implies"


def parsed(texts: Iterable[str]) -> Pairs:
    """Read "COVID-19 > Pneumonia" texts and add what follows from several of them (A > B, B > C: A > C).

    A chain in one text ("A > B > C") is two statements. Raises `ConfigError` for a text without ">" and for a circle.
    """
    said: dict[str, dict[str, None]] = {}
    for text in texts:
        names = [name.strip() for name in text.split(SIGN)]
        if len(names) < 2 or not all(names):
            remedy = f"For example: --set '{KEY}=COVID-19 > Pneumonia'"
            raise ConfigError(f"'{text}' is no implication: one is written FINDING > FINDING", where=KEY, remedy=remedy)
        for first, second in pairwise(names):
            said.setdefault(first, {})[second] = None
    pairs = [(first, second) for first in said for second in _reached(said, first)]
    if circle := next((first for first, second in pairs if first == second), ""):
        remedy = "Leave one of the statements out: findings that imply each other are one finding."
        raise ConfigError(f"'{circle}' is said to imply itself", where=KEY, remedy=remedy)
    return tuple(pairs)


def _reached(said: dict[str, dict[str, None]], start: str) -> list[str]:
    """Everything that follows from a finding, the nearest first."""
    found: dict[str, None] = {}
    front = [start]
    while front:
        front = [name for one in front for name in said.get(one, {}) if name not in found]
        found |= dict.fromkeys(front)
    return list(found)


def check(texts: Sequence[str], kind: str, known: Sequence[str]) -> None:
    """Refuse implications that this task cannot have. Raises `ConfigError`."""
    pairs = parsed(texts)
    if pairs and kind != "multi-label":
        first, second = pairs[0]
        raise ConfigError(
            f"'{first}' cannot imply '{second}' in a multi-class task: there each image has exactly one finding",
            where=KEY,
            remedy="Make the task multi-label (--set task.kind=multi-label), or leave the implication out.",
        )
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        if name not in known:
            raise ConfigError(f"No image of this project states '{name}'", where=KEY, remedy=did_you_mean(name, known))


def named(pairs: Pairs, names: Sequence[str]) -> tuple[str, ...]:
    """`names`, and those that the implications speak of beside them."""
    return tuple(dict.fromkeys([*names, *(name for pair in pairs for name in pair)]))


def applied(answers: Answers, names: Sequence[str], pairs: Pairs) -> Answers:
    """Answers int8 [N, K] for `names` as the implications make them; what these do not know stays as it is."""
    made = answers.copy()
    place = {name: k for k, name in enumerate(names)}
    columns = [(place[first], place[second]) for first, second in pairs if first in place and second in place]
    for first, second in columns:
        made[answers[:, first] == 1, second] = 1
    for first, second in columns:
        made[(made[:, second] == 0) & (made[:, first] == -1), first] = 0
    return made


def contradicted(answers: Answers, names: Sequence[str], pairs: Pairs) -> dict[tuple[str, str], NDArray[np.int64]]:
    """The rows that state a finding and deny what it implies, int64 [n], for each pair that has any."""
    place = {name: k for k, name in enumerate(names)}
    found = {}
    for first, second in pairs:
        if first in place and second in place:
            rows = np.flatnonzero((answers[:, place[first]] == 1) & (answers[:, place[second]] == 0))
            if len(rows):
                found[first, second] = rows
    return found
