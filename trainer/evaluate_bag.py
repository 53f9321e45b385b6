"""Judge a bag: each member by itself, and beside them the averaged prediction, or that of a whole cross-validation pooled.

Openings of the test part: the table shows each member's figures on it and those of their average, and each of them is a look by
which one could choose: n members and the bag count n + 1. In a cross-validation every fold has a test part of its own, which
its one network opens; pooling these predictions shows nothing new, so it counts once for each fold.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer import bags, cautions, criteria, evaluate, files, judgement, model_card, pooling, runs
from trainer.bag_results import BagEvaluation, MemberResult, over_members
from trainer.catalog import project_folder
from trainer.errors import ConfigError, DataError, Progress, RunError, command_line
from trainer.metrics import Floats
from trainer.model_card import Origin
from trainer.results import Evaluation, Prediction

_PARTS = {"val": "validation", "validation": "validation", "test": "test"}
_POOLED = (
    "Pooled over folds: each image was predicted by the network that has not learned from it, and decided at the thresholds "
    "of that network's own validation part; the thresholds shown are their mean. AUROC and AUPRC rank probabilities of "
    "different networks together, which may be lower than within each fold (Forman & Scholz 2010); the mean over folds stands "
    "beside them."
)
_MEAN_THRESHOLDS = "The thresholds are the mean of those that each fold's own validation part gave."
_KEPT = ("left out", "Judged at level")
"""What of the members' warnings holds for the bag as well."""


@dataclass(frozen=True, eq=False)
class _Judged:
    """A member on the part: its plan, run, evaluation, predictions, and the thresholds that it decides by."""

    planned: bags.Member
    run: runs.Run
    evaluation: Evaluation
    prediction: Prediction
    thresholds: Mapping[str, float]

    def result(self) -> MemberResult:
        """Its row in the table."""
        made, planned = self.evaluation, self.planned
        return MemberResult(planned.number, self.run.name, planned.seed, planned.split, made.images, made.metrics)


@dataclass(frozen=True)
class Thresholds:
    """What a bag of seeds decides by: thresholds of the averaged prediction, where they came from, and of which members."""

    thresholds: Mapping[str, float]
    origins: Mapping[str, Origin]
    weights: str


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
    """Judge the trained members of a bag and the bag on "val", "test" or another project.

    Seeds: thresholds of the average are chosen on the averaged validation predictions and kept in the bag; `rule` chooses them
    anew. Folds on "test": the cross-validation; each network keeps the thresholds of its own validation part. Writes the
    evaluations of the members into their runs, and that of the bag with its predictions into the bag's folder. Raises as
    `evaluate.run`, and `RunError` with fewer than two trained members.
    """
    bag = bags.find(folder)
    plan, trained = bag.plan(), bag.trained()
    if len(trained) < bags.FEWEST:
        remedy = f"Go on with it: {command_line('resume', bag.folder)}"
        raise RunError(f"Only {len(trained)} of {len(plan.members)} members are trained", where=bag.folder, remedy=remedy)
    part = _PARTS.get(on, on)
    if plan.kind == bags.FOLDS and part == "validation":
        remedy = "Judge it with --on test: each image is then judged by the network that has not learned from it."
        raise ConfigError("Validation parts of folds overlap and cannot be judged together", where="--on val", remedy=remedy)
    name = _named(part if part in _PARTS.values() else f"external-{project_folder(Path(part)).stem}", level)
    judged = []
    for done, (number, one) in enumerate(trained.items()):
        told = _step(progress, done, len(trained) + 1)
        if plan.kind == bags.SEEDS and part != "validation":
            evaluate.run(one.folder, on="val", rule=rule, level=level, draws=draws, device=device)
        made = evaluate.run(one.folder, on=on, rule=rule, level=level, draws=draws, device=device, progress=told)
        own = {finding: result.threshold for finding, result in made.findings.items()}
        judged.append(_Judged(plan.members[number - 1], one, made, Prediction.load(one.predictions(name)), own))
    if plan.kind == bags.FOLDS:
        whole = _pooled(judged) if part == "test" else _averaged(judged, _mean(judged), (_MEAN_THRESHOLDS,))
    else:
        whole = _averaged(judged, *_thresholds(bag, judged, rule, level))
    openings = _openings(bag, plan, judged, part)
    found = _judge(bag, plan, judged, whole, openings, draws, _step(progress, len(trained), len(trained) + 1))
    whole.prediction.save(bag.predictions(name))
    found.save(bag.evaluation(name))
    return found


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
    notes = [f"Only {len(judged)} of {len(plan.members)} members are trained; the others are left out."] if missing else []
    frequencies = model_card.read_header(first.run.best).frequencies
    made = judgement.evaluate(
        whole.prediction,
        whole.thresholds,
        run=bag.name,
        part=first.evaluation.part,
        test_openings=openings,
        draws=draws,
        frequencies=frequencies if set(first.evaluation.findings) <= set(frequencies) else None,
        notes=(*notes, *whole.notes, *(text for text in first.evaluation.warnings if any(words in text for words in _KEPT))),
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


def _pooled(judged: Sequence[_Judged]) -> _Whole:
    """Each image by the network of its fold, at that network's thresholds."""
    each, own = [one.prediction for one in judged], [one.thresholds for one in judged]
    return _Whole(pooling.pooled(each), _mean(judged), (_POOLED,), pooling.thresholds_of_images(each, own))


def _averaged(judged: Sequence[_Judged], thresholds: Mapping[str, float], notes: Sequence[str]) -> _Whole:
    """Each image by all members."""
    each, own = [one.prediction for one in judged], [one.thresholds for one in judged]
    prediction, spread = pooling.averaged(each)
    between = pooling.mean_spread(spread, prediction.findings)
    return _Whole(prediction, thresholds, tuple(notes), spread=between, disagreement=pooling.disagreement(each, own))


def _mean(judged: Sequence[_Judged]) -> dict[str, float]:
    """The thresholds of the members, averaged."""
    return {name: sum(one.thresholds[name] for one in judged) / len(judged) for name in judged[0].thresholds}


def _thresholds(bag: bags.Bag, judged: Sequence[_Judged], rule: str, level: int) -> tuple[dict[str, float], list[str]]:
    """Thresholds of the average of members that share a validation part: it is held against the truth as any network is.

    They are kept in the bag, but for those of a level.
    """
    validation, _ = pooling.averaged([Prediction.load(one.run.predictions(_named("validation", level))) for one in judged])
    few = list(cautions.of_thresholds(validation))
    kept = None if level else stored(bag)
    if kept and not rule and kept.weights == validation.weights:
        return dict(kept.thresholds), [*few, *cautions.of_origins("test", kept.thresholds, kept.origins)]
    header = model_card.read_header(judged[0].run.best)
    names = validation.findings
    rules = dict.fromkeys(names, rule) if rule else criteria.rules(criteria.of_settings(header.settings), names)
    openings = runs.openings(bag.project, header.split_digest) if kept else 0
    made = Thresholds(
        judgement.choose_thresholds(validation, rules),
        {name: Origin(one, openings) for name, one in rules.items()},
        validation.weights,
    )
    if not level:
        files.write_json(bag.thresholds, asdict(made))
    return dict(made.thresholds), [*few, *cautions.of_origins("test", made.thresholds, made.origins)]


def stored(bag: bags.Bag) -> Thresholds | None:
    """The thresholds that were chosen for the averaged prediction, None before. Raises `DataError`, `StorageError`."""
    if not files.is_file(bag.thresholds):
        return None
    found = files.read_json(bag.thresholds)
    try:
        levels = {str(name): float(value) for name, value in found["thresholds"].items()}
        origins = {str(name): Origin(**origin) for name, origin in found["origins"].items()}
        return Thresholds(levels, origins, str(found["weights"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        remedy = "Delete it and evaluate the bag again."
        raise DataError("The bag's thresholds are damaged", where=bag.thresholds, remedy=remedy) from error


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
