"""A bag in words and rows: its members beside the whole, how they differ, and what its opening of the test part counts."""

import math
from collections.abc import Mapping, Sequence

from cxr_desktop.evaluation import seal
from cxr_desktop.evaluation.headline_table import FIRST
from trainer.bag_results import BagEvaluation
from trainer.bags import FOLDS
from trainer.errors import counted
from trainer.meanings import METRIC_NAMES
from trainer.results import Figure

OVER = " over members"
MEAN, SD = f"Mean{OVER}", f"SD{OVER}"


def kind_words(kind: str, count: int) -> str:
    """How many members of which kind: "5 folds", "10 seeds"."""
    return counted(count, "fold" if kind == FOLDS else "seed")


def shown(found: BagEvaluation) -> tuple[str, ...]:
    """The headline figures of the task."""
    return FIRST[found.evaluation.task]


def header(found: BagEvaluation) -> tuple[str, ...]:
    """Names of the columns of `rows`."""
    return ("Member", "Learned with", "Images", *(METRIC_NAMES.get(name, name) for name in shown(found)))


def rows(found: BagEvaluation) -> list[tuple[str, ...]]:
    """The members, their mean and SD, and the whole."""
    names = shown(found)
    made = [
        (one.run, one.split if found.kind == FOLDS else f"seed {one.seed}", f"{one.images:,}", *_cells(one.metrics, names))
        for one in found.members
    ]
    return [
        *made,
        (MEAN, "", "", *(three(found.mean[name]) for name in names)),
        (SD, "", "", *(three(found.sd[name]) for name in names)),
        (f"All, {how(found)}", "", f"{found.evaluation.images:,}", *_cells(found.evaluation.metrics, names)),
    ]


def how(found: BagEvaluation) -> str:
    """How the predictions of the members were put together."""
    return "averaged" if found.averaged else "pooled"


def put_together(found: BagEvaluation) -> str:
    """The same in a few words for under the number of images: "averaged over 3 seeds"."""
    return f"{how(found)} over {kind_words(found.kind, len(found.members))}"


def over_members(found: BagEvaluation, name: str) -> str:
    """Mean and SD of a headline figure over members."""
    return f"members: mean {three(found.mean[name])}, SD {three(found.sd[name])}"


def differing(found: BagEvaluation) -> str:
    """How much the members differ on the same images; where each image was predicted once, that this is not known."""
    if not found.averaged:
        return "Each image was predicted by the one network that has not learned from it: no two members saw the same image."
    most = max(found.spread, key=lambda name: found.spread[name])
    return (
        f"The members decide differently on {found.disagreement:.1%} of the images; their probabilities differ most for "
        f"{most} (SD {found.spread[most]:.3f} on average)."
    )


def words(found: BagEvaluation) -> str:
    """What the table says, and what it does not."""
    told = [found.words(), *([differing(found)] if found.averaged else [])]
    told.append(f"{seal.openings_words(found.evaluation.test_openings).capitalize()}.")
    return "\n".join([*told, *found.evaluation.warnings])


def opening(name: str, kind: str, trained: int, planned: int, level: int = 0) -> str:
    """What judging a bag on the test part does, and how it counts."""
    at = f", at level {level}" if level else ""
    missing = (
        f" Only {trained} of {counted(planned, 'member')} are trained; the others are left out." if trained < planned else ""
    )
    if kind == FOLDS:
        each = "Every fold has a test part of its own, which its one network opens: one opening for each of the "
        return f"The cross-validation {name} is then evaluated{at}. {each}{counted(trained, 'fold')}.{missing}"
    each = f"its {counted(trained, 'trained member')} and their average, each of which is a look that is counted"
    return f"The bag {name} is then evaluated on it{at}: {each} ({trained + 1} openings).{missing}"


def three(value: float) -> str:
    """Three decimals, or that it is not defined."""
    return "not defined" if math.isnan(value) else f"{value:.3f}"


def _cells(metrics: Mapping[str, Figure], names: Sequence[str]) -> list[str]:
    figures = [metrics[name] for name in names]
    return [
        three(one.value) if math.isnan(one.low) else f"{three(one.value)} ({three(one.low)} to {three(one.high)})"
        for one in figures
    ]
