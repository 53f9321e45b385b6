"""Findings as a tree ("Pneumonia/Viral/COVID-19"): their names and their answers at one level of it.

At level 1 a finding is the first step of its path ("Pneumonia"), at level 2 the first two ("Pneumonia/Viral"), and so on. A
finding whose path ends sooner stays as it is where nothing lies below it ("No Finding"); where something does ("Pneumonia" at
level 2), it is too coarse to be a finding of that level.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Answers = NDArray[np.int8]
"""int8 [N, K]: 1 yes, 0 no, -1 not stated."""

STEP = "/"
AS_LABELLED = 0


def named(names: Sequence[str], level: int) -> tuple[str, ...]:
    """The findings of a level, in the order in which they come first; at `AS_LABELLED` the names themselves."""
    if level == AS_LABELLED:
        return tuple(names)
    deep = [name for name in names if _depth(name) >= level or not _below(name, names)]
    return tuple(dict.fromkeys(STEP.join(name.split(STEP)[:level]) for name in deep))


def answered(stored: Answers, names: Sequence[str], wanted: Sequence[str]) -> Answers:
    """Answers int8 [N, K] for the findings `wanted` from those stored, int8 [N, M], for `names`.

    Yes: the finding, or one below it, is present. No: it is stated absent itself, or something above it is; where the finding
    itself stands nowhere, no is also that all below it are absent. Otherwise not stated: of an image that is labelled
    "Pneumonia" alone nothing is known at level 2. A finding of which `names` knows nothing is not stated.
    """
    made = np.full((len(stored), len(wanted)), -1, np.int8)
    for place, finding in enumerate(wanted):
        own = [k for k, name in enumerate(names) if name == finding]
        below = [k for k, name in enumerate(names) if name.startswith(finding + STEP)]
        above = [k for k, name in enumerate(names) if finding.startswith(name + STEP)]
        denied = own or below
        if denied:
            made[(stored[:, denied] == 0).all(1), place] = 0
        made[(stored[:, above] == 0).any(1), place] = 0
        made[(stored[:, [*own, *below]] == 1).any(1), place] = 1
    return made


def coarser(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The names that lie above one of the findings wanted."""
    return [name for name in names if any(finding.startswith(name + STEP) for finding in wanted)]


def related(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The names that say something of the findings wanted: they themselves, what is below and what is above them."""
    wide = set(coarser(names, wanted))
    return [name for name in names if name in wide or any(name == one or name.startswith(one + STEP) for one in wanted)]


def stated(names: Sequence[str], wanted: Sequence[str], level: int) -> bool:
    """Whether the names say anything of the findings wanted, by themselves or, at a level, by what lies below them."""
    return any(name == one or (level and name.startswith(one + STEP)) for name in names for one in wanted)


def _depth(name: str) -> int:
    return name.count(STEP) + 1


def _below(name: str, names: Sequence[str]) -> bool:
    return any(other.startswith(name + STEP) for other in names)
