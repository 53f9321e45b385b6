"""A bag as the Evaluate page shows it: its prediction as that of a run, and its members. No Qt; read in a job."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cxr_desktop.evaluation import evaluation_state
from cxr_desktop.evaluation.evaluation_state import AS_LEARNED, Judged, Whole
from trainer import bag_freshness, bag_results, bags, coarse, fold_thresholds, model_card, pooling, runs
from trainer.bag_results import BagEvaluation
from trainer.bags import FOLDS, Bag
from trainer.catalog import Catalog
from trainer.curves import Sweep
from trainer.errors import Progress, TrainerError
from trainer.results import Prediction


def load(folder: Path, part: str, catalog: Catalog, progress: Progress | None = None, *, level: int = AS_LEARNED) -> Judged:
    """Read what `evaluation_state.load` reads of a run, of a bag or of a run.

    A damaged evaluation is a `problem`, not an error. Raises `RunError`, `DataError`, `WeightsError`, `StorageError`.
    """
    if not bags.is_bag(folder):
        return evaluation_state.load(folder, part, catalog, progress, level=level)
    bag = bags.find(folder)
    bare = _bare(bag, part, level)
    name = bare.kept_as
    if bare.whole is None or bare.header is None or not bag.evaluation(name).exists():
        return bare
    try:
        found = BagEvaluation.load(bag.evaluation(name))
        prediction = Prediction.load(bag.predictions(name)) if bag.predictions(name).exists() else None
        outdated = bag_freshness.reasons(bag, bare.whole.trained, found, prediction, name, catalog)
        whole = replace(bare.whole, found=found, carried=_carried(bag, bare.whole) if not bare.level else {})
        if prediction is not None and whole.pooled:
            levels = fold_thresholds.of_images(whole.trained, found, prediction, name)
            own = {} if levels is None else {one: levels[:, k] for k, one in enumerate(prediction.findings)}
            whole = replace(whole, of_images=own)
    except TrainerError as error:
        return replace(bare, problem=error)
    made = evaluation_state.with_figures(replace(bare, whole=whole), found.evaluation, prediction, progress)
    if whole.pooled and not whole.of_images:
        made = replace(made, prediction=None)  # the members decide otherwise now: no image can be shown as it was judged
    return replace(made, outdated=outdated, validation={} if bare.level else _validation(whole))


def parts(folder: Path) -> tuple[str, ...]:
    """The parts of a run or a bag that can be shown: the folds of a cross-validation have no validation part in common."""
    found = evaluation_state.parts(runs.Run(folder))
    try:
        folds = bags.is_bag(folder) and Bag(folder).plan().kind == FOLDS
    except TrainerError:  # who reads the bag is told
        return found
    return tuple(one for one in found if one != "validation") if folds else found


def stamp(folder: Path, part: str, active: Sequence[str]) -> tuple[object, ...]:
    """What tells whether the files of a run or bag on a part, at any level, are still those that were read.

    `active` are the names of the runs and bags that are being trained; it matters to bags, whose members end one by one.
    """
    files = sorted(_of_part(folder, part))
    return (folder, part, *(active if bags.is_bag(folder) else ()), *((path, _moment(path)) for path in files))


def _of_part(folder: Path, part: str) -> Iterator[Path]:
    """The files that figures on a part come from."""
    for kind in ("evaluation", "predictions"):
        yield from folder.glob(f"{kind}-{runs.short(part)}*")
    run, bag = runs.Run(folder), Bag(folder)
    yield from (run.best, run.predictions("validation"), bag.thresholds)


def _moment(path: Path) -> int:
    """When it was written; 0 where it is not."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def openings(project: Path, trained: Sequence[runs.Run]) -> int:
    """How often the test part of these members was opened: of those of folds the one that was opened most."""
    digests = {model_card.read_header(run.best).split_digest for run in trained}
    return max((runs.openings(project, digest) for digest in digests), default=0)


def _bare(bag: Bag, part: str, level: int) -> Judged:
    """Without figures; without a header where too few members are trained to be judged."""
    plan, trained = bag.plan(), bag.trained()
    whole = Whole(plan.kind, len(plan.members), trained, bag.busy())
    made = Judged(runs.Run(bag.folder), part, None, openings=openings(bag.project, list(trained.values())), whole=whole)
    if len(trained) < bags.FEWEST:
        return made
    header = model_card.read_header(next(iter(trained.values())).best)
    levels = coarse.offered(header.findings, header.task)
    return replace(made, header=header, levels=levels, level=level if level in levels else AS_LEARNED)


def _carried(bag: Bag, whole: Whole) -> Mapping[str, float]:
    """What the bag keeps for the average of the members that are trained now. Raises `DataError`, `StorageError`."""
    kept = bag_results.thresholds_of(bag) if whole.kind != FOLDS else None
    fits = kept is not None and kept.weights == pooling.digest(_weights(whole.trained))
    return kept.thresholds if kept is not None and fits else {}


def _validation(whole: Whole) -> dict[str, Sweep]:
    """The averaged prediction on the validation part that all members share, sorted; {} without one of these weights."""
    paths = [run.predictions("validation") for run in whole.trained.values()]
    if whole.kind == FOLDS or not all(path.exists() for path in paths):
        return {}
    try:
        each = [Prediction.load(path) for path in paths]
        if [one.weights for one in each] != _weights(whole.trained):
            return {}
        mean, _ = pooling.averaged(each)
    except TrainerError:
        return {}
    return {name: Sweep(mean.targets[:, k], mean.probabilities[:, k]) for k, name in enumerate(mean.findings)}


def _weights(trained: Mapping[int, runs.Run]) -> list[str]:
    return [model_card.weights_digest(run.best) for run in trained.values()]
