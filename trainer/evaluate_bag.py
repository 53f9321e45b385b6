"""Judge a bag: each member by itself, and beside them the averaged prediction, or that of a whole cross-validation pooled.

Openings of the test part: the table shows each member's figures on it and those of their average, and each of them is a look by
which one could choose: n members and the bag count n + 1. In a cross-validation every fold has a test part of its own, which
its one network opens; pooling these predictions shows nothing new, so it counts once for each fold.
"""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer import bag_thresholds, bags, evaluate, judgement, model_card, pooling, runs
from trainer.bag_results import BagEvaluation, MemberResult, over_members
from trainer.catalog import Catalog, project_folder
from trainer.errors import ConfigError, Progress, RunError, command_line, counted
from trainer.metrics import Floats
from trainer.results import Evaluation, Prediction

_PARTS = {"val": "validation", "validation": "validation", "test": "test", "train": "train"}
_POOLED = (
    "Pooled over folds: each image was predicted by the network that has not learned from it, and decided at the thresholds "
    "of that network's own validation part; the thresholds shown are their mean. AUROC and AUPRC rank probabilities of "
    "different networks together, which may be lower than within each fold (Forman & Scholz 2010); the mean over folds stands "
    "beside them."
)
_MEAN_THRESHOLDS = "The thresholds are the mean of those that each fold's own validation part gave."
NAMED = 3
"""Members that a note names; of the others it says how many they are."""


@dataclass(frozen=True, eq=False)
class _Judged:
    """A member on the part: its plan, run, evaluation and predictions."""

    planned: bags.Member
    run: runs.Run
    evaluation: Evaluation
    prediction: Prediction

    @property
    def thresholds(self) -> dict[str, float]:
        """What it decides by."""
        return {name: found.threshold for name, found in self.evaluation.findings.items()}

    def result(self) -> MemberResult:
        """Its row in the table."""
        made, planned = self.evaluation, self.planned
        return MemberResult(planned.number, self.run.name, planned.seed, planned.split, made.images, made.metrics)


@dataclass(frozen=True, eq=False)
class _Whole:
    """The prediction of a bag and what it is judged with; `spread` is empty and `disagreement` nan where it is pooled."""

    prediction: Prediction
    thresholds: Mapping[str, float]
    notes: tuple[str, ...]
    of_images: Floats | None = None
    spread: Mapping[str, float] | None = None
    disagreement: float = math.nan


def run(
    folder: Path,
    *,
    on: str = "val",
    rule: str = "",
    level: int = 0,
    draws: int = 1000,
    device: str = "auto",
    progress: Progress | None = None,
) -> BagEvaluation:
    """Judge the trained members of a bag and the bag on "val", "test", "train" or another project.

    Seeds: thresholds of the average are chosen on the averaged validation predictions and kept in the bag; `rule` chooses them
    anew. Folds on "test": the cross-validation; each network keeps the thresholds of its own validation part. Writes the
    evaluations of the members into their runs, and that of the bag with its predictions into the bag's folder. Raises as
    `evaluate.run`, and `RunError` with fewer than two trained members.
    """
    bag = bags.find(folder)
    plan, trained = bag.plan(), bag.trained()
    part = _PARTS.get(on, on)
    _check(bag, plan, len(trained), part)
    members = list(trained.values())
    seeds = plan.kind == bags.SEEDS
    twice = seeds and part != "validation"
    total = len(trained) * (1 + twice) + 1
    steps = (_step(progress, done, total) for done in range(total))
    judge = functools.partial(evaluate.run, level=level, draws=draws, device=device)
    if twice:  # all thresholds are chosen before the first of the members opens the test part
        for one in members:
            judge(one.folder, on="val", rule=rule, progress=next(steps))
        levels = _thresholds(bag, members, part, rule, level)
        rule = rule if level else ""  # those of a level are not kept
    made = [judge(one.folder, on=on, rule=rule, progress=next(steps)) for one in members]
    if seeds and not twice:
        levels = _thresholds(bag, members, part, rule, level)
    name = _named(part if part in _PARTS.values() else f"external-{project_folder(Path(part)).stem}", level)
    judged = [
        _Judged(plan.members[number - 1], one, found, Prediction.load(one.predictions(name)))
        for (number, one), found in zip(trained.items(), made, strict=True)
    ]
    if seeds:
        whole = _averaged(judged, *levels)
    else:
        whole = _pooled(bag, judged) if part == "test" else _averaged(judged, _mean(judged), (_MEAN_THRESHOLDS,))
    openings = _openings(bag, plan, judged, part)
    found = _judge(bag, plan, judged, whole, openings, draws, next(steps))
    whole.prediction.save(bag.predictions(name))
    found.save(bag.evaluation(name))
    return found


def _check(bag: bags.Bag, plan: bags.Plan, trained: int, part: str) -> None:
    """Refuse what cannot be judged together. Raises `RunError`, `ConfigError`."""
    if trained < bags.FEWEST:
        remedy = f"Go on with it: {command_line('resume', bag.folder)}"
        raise RunError(f"Only {trained} of {len(plan.members)} members are trained", where=bag.folder, remedy=remedy)
    if plan.kind == bags.FOLDS and part in ("validation", "train"):
        raise ConfigError(
            f"{'Training' if part == 'train' else 'Validation'} parts of folds overlap and cannot be judged together",
            where=f"--on {runs.short(part)}",
            remedy="Judge it with --on test: each image is then judged by the network that has not learned from it.",
        )


def _judge(
    bag: bags.Bag,
    plan: bags.Plan,
    judged: Sequence[_Judged],
    whole: _Whole,
    openings: int,
    draws: int,
    progress: Progress | None,
) -> BagEvaluation:
    first, missing = judged[0], len(plan.members) - len(judged)
    lacking = [f"Only {len(judged)} of {len(plan.members)} members are trained; the others are left out."] if missing else []
    frequencies = model_card.read_header(first.run.best).frequencies
    made = judgement.evaluate(
        whole.prediction,
        whole.thresholds,
        run=bag.name,
        part=first.evaluation.part,
        test_openings=openings,
        draws=draws,
        frequencies=frequencies if set(first.evaluation.findings) <= set(frequencies) else None,
        notes=tuple(dict.fromkeys((*lacking, *whole.notes, *_notes_of(judged)))),
        of_images=whole.of_images,
        progress=progress,
    )
    members = tuple(one.result() for one in judged)
    mean, sd = over_members(members)
    return BagEvaluation(
        bag=bag.name,
        kind=plan.kind,
        part=made.part,
        members=members,
        mean=mean,
        sd=sd,
        spread=whole.spread or {},
        disagreement=whole.disagreement,
        evaluation=made,
    )


def _notes_of(judged: Sequence[_Judged]) -> Iterator[str]:
    """What is to be known of the members' figures, once; with their names where it is not so of all."""
    said: dict[str, list[str]] = {}
    for one in judged:
        for text in judgement.notes_in(one.evaluation, one.prediction):
            said.setdefault(text, []).append(one.run.name)
    for text, names in said.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield text if len(names) == len(judged) else f"{', '.join(names[:NAMED])}{more}: {text}"


def _pooled(bag: bags.Bag, judged: Sequence[_Judged]) -> _Whole:
    """Each image by the network of its fold, at that network's thresholds."""
    each, own = [one.prediction for one in judged], [one.thresholds for one in judged]
    prediction = pooling.pooled(each)
    notes = (_POOLED, *_of_sealed(bag, judged, prediction))
    return _Whole(prediction, _mean(judged), notes, pooling.thresholds_of_images(each, own))


def _of_sealed(bag: bags.Bag, judged: Sequence[_Judged], prediction: Prediction) -> Iterator[str]:
    """Say where a cross-validation went over images that the project's active split keeps sealed."""
    with Catalog.open(bag.project) as catalog:
        active = catalog.split() if catalog.active_split() else None
    if active is None or active.name in {one.planned.split for one in judged}:
        return
    if shared := len(np.intersect1d(active.parts.get("test", []), prediction.ids)):
        yield (
            f"{counted(shared, 'image')} of these {'is' if shared == 1 else 'are'} of the sealed test part of the split "
            f"'{active.name}': what is chosen by this cross-validation is not unseen there any more."
        )


def _averaged(judged: Sequence[_Judged], thresholds: Mapping[str, float], notes: Sequence[str]) -> _Whole:
    """Each image by all members."""
    each, own = [one.prediction for one in judged], [one.thresholds for one in judged]
    prediction, spread = pooling.averaged(each)
    between = pooling.mean_spread(spread, prediction.findings)
    return _Whole(prediction, thresholds, tuple(notes), spread=between, disagreement=pooling.disagreement(each, own))


def _mean(judged: Sequence[_Judged]) -> dict[str, float]:
    """The thresholds of the members, averaged."""
    return {name: sum(one.thresholds[name] for one in judged) / len(judged) for name in judged[0].thresholds}


def _thresholds(
    bag: bags.Bag, trained: Sequence[runs.Run], part: str, rule: str, level: int
) -> tuple[Mapping[str, float], Sequence[str]]:
    """Thresholds of the average of members that share a validation part: it is held against the truth as any network is."""
    validation, _ = pooling.averaged([Prediction.load(one.predictions(_named("validation", level))) for one in trained])
    header = model_card.read_header(trained[0].best)
    made, notes = bag_thresholds.chosen(bag, validation, header, part, rule=rule, level=level)
    return made.thresholds, notes


def _openings(bag: bags.Bag, plan: bags.Plan, judged: Sequence[_Judged], part: str) -> int:
    """How often the test part has been opened; on a shared one the average is one more look than those of the members."""
    if plan.kind == bags.FOLDS:
        return max(one.evaluation.test_openings for one in judged)
    digest = model_card.read_header(judged[0].run.best).split_digest
    return runs.record_opening(bag.project, bag.name, digest) if part == "test" else runs.openings(bag.project, digest)


def _named(part: str, level: int) -> str:
    return f"{part}-level{level}" if level else part


def _step(progress: Progress | None, before: int, total: int) -> Progress | None:
    """One progress over several evaluations, in thousandths of a member."""
    if progress is None:
        return None
    return lambda done, whole: progress(1000 * before + 1000 * done // max(1, whole), 1000 * total)
