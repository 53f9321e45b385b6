"""Bag + evaluations -> one HTML file like that on a run: its members beside the whole, and how far they differ."""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import trainer
from trainer import (
    bag_freshness,
    bag_results,
    bag_thresholds,
    bags,
    examples,
    files,
    fold_thresholds,
    model_card,
    predict,
    report_parts,
    runs,
    sections,
    truths,
)
from trainer.bag_results import BagEvaluation
from trainer.bags import FOLDS, Bag, Plan
from trainer.catalog import SUFFIX, Catalog
from trainer.errors import DataError, Progress, RunError, TrainerError, command_line
from trainer.model_card import Header
from trainer.report_parts import PARTS, SUMMARY, Judged
from trainer.results import Prediction
from trainer.sections import Table

_FACTS = ("How it ended", "Epoch that is kept", "Time")
"""What of a member's training stands in the table of members."""
_IN_TABLE = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc")


@dataclass(frozen=True)
class _Whole:
    """A bag with its plan and its members: those that are trained, and the description of the first of them."""

    bag: Bag
    plan: Plan
    begun: Mapping[int, runs.Run]
    trained: Mapping[int, runs.Run]
    header: Header

    @property
    def folds(self) -> bool:
        """Whether it is a cross-validation."""
        return self.plan.kind == FOLDS


def run(folder: Path, *, out: Path | None = None, progress: Progress | None = None) -> Path:
    """Write the report on a bag and return its path (default: in the bag's folder).

    What is missing, as a member, an evaluation or an image, is said in its place. Raises `RunError` if there is no such bag or
    none of its members is trained, `WeightsError`, `DataError`, `StorageError`; `Stopped` from `progress` passes through.
    """
    bag = bags.find(folder)
    plan, trained = bag.plan(), bag.trained()
    if not trained:
        remedy = f"Go on with it: {command_line('resume', bag.folder)}"
        raise RunError("No member of this bag is trained yet, so there is nothing to report", where=bag.folder, remedy=remedy)
    header = model_card.read_header(next(iter(trained.values())).best)
    path = out or bag.folder / "report.html"
    files.write_text(path, _page(_Whole(bag, plan, bag.begun(), trained, header), progress))
    return path


def _page(whole: _Whole, progress: Progress | None) -> str:
    bag, plan, header = whole.bag, whole.plan, whole.header
    with contextlib.ExitStack() as stack:
        catalog, problem = report_parts.opened(bag.project, "bag")
        if catalog is not None:
            stack.enter_context(catalog)
        judged = [_judged(whole, part, catalog) for part in report_parts.kept(bag)]
        data = _data(whole, catalog, problem)
        best = report_parts.best(judged)
        shown = _shown(whole, catalog, problem, best, progress)
    openings = [runs.openings(bag.project, model_card.read_header(run.best).split_digest) for run in whole.trained.values()]
    return report_parts.rendered(
        "bag_report.html",
        of="cross-validation" if whole.folds else "bag",
        word="BAG",
        third="Members",
        folds=whole.folds,
        project=bag.project.name.removesuffix(SUFFIX),
        run=bag.name,
        created=sections.moment(plan.created),
        recipe=plan.recipe or "none",
        version=trainer.__version__,
        header=header,
        count=len(whole.trained),
        planned=len(plan.members),
        data=data,
        settings=_settings(whole),
        members=_members(whole),
        notes=_notes(whole),
        thresholds=_thresholds(whole),
        judged=judged,
        best=best,
        summary=SUMMARY[header.task],
        in_table=_IN_TABLE,
        missing=[
            (part, on)
            for part, on in PARTS.items()
            if part not in {one.kind for one in judged} and not (whole.folds and part == "validation")
        ],
        openings=max([*openings, *(one.evaluation.test_openings for one in judged)]),
        warnings=report_parts.warnings(judged, data),
        shown=shown,
        outdated=[one for one in judged if one.outdated],
    )


def _judged(whole: _Whole, part: str, catalog: Catalog | None) -> Judged:
    """A part that the bag was judged on. Raises `DataError` where its file is damaged, `StorageError`."""
    bag = whole.bag
    found = BagEvaluation.load(bag.evaluation(part))
    prediction = Prediction.load(bag.predictions(part)) if bag.predictions(part).exists() else None
    try:
        reasons = bag_freshness.reasons(bag, whole.trained, found, prediction, part, catalog)
    except DataError as error:
        reasons = (f"{error.what}.",)
    return report_parts.judged(part, found.evaluation, prediction, " ".join(reasons), found)


def _data(whole: _Whole, catalog: Catalog | None, problem: str) -> sections.Data:
    question = truths.of_header(whole.header)
    if not whole.folds:
        return sections.data(next(iter(whole.trained.values())), catalog, problem, question)
    folds = {whole.plan.members[number - 1].split: run for number, run in whole.trained.items()}
    return sections.data_of_folds(folds, catalog, problem, question)


def _settings(whole: _Whole) -> sections.Settings:
    """The settings that all members share; the seed, which they do not, stands in the table of members."""
    first = next(iter(whole.trained.values()))
    about = {key: value for key, value in first.about().items() if key != "bag"}
    history = [event for run in whole.trained.values() for event in run.milestones()]
    settings = sections.settings({**about, "config": whole.plan.config, "command": whole.plan.command}, history)
    weights = ("Digest of the weights", bag_thresholds.weights(whole.trained.values()))
    rows = tuple(row for row in settings.every.rows if row[2] != "seed")
    return replace(settings, every=replace(settings.every, rows=rows), origin=(*settings.origin, weights))


def _members(whole: _Whole) -> Table:
    """Each planned member: its run, what it learned with, and how its training went."""
    rows = []
    for one in whole.plan.members:
        run = whole.begun.get(one.number)
        told = dict(_training(run).facts) if run else {_FACTS[0]: "Not begun."}
        name = run.name if run else one.run
        rows.append((name, f"{one.seed}", one.split, *(told.get(fact, "") for fact in _FACTS)))
    return Table(("Member", "Seed", "Split", *_FACTS), tuple(rows))


def _training(run: runs.Run) -> sections.Training:
    return sections.training(run.about(), run.history(), run.status().words)


def _notes(whole: _Whole) -> list[tuple[str, str]]:
    """What was noted while the members trained, each sentence once with the members that it holds for."""
    found: dict[str, list[str]] = {}
    for run in whole.trained.values():
        for text in _training(run).notes:
            found.setdefault(text, []).append(run.name)
    every = len(whole.trained)
    return [("All members" if len(names) == every else ", ".join(names), text) for text, names in found.items()]


def _thresholds(whole: _Whole) -> list[tuple[str, str]]:
    """What the averaged prediction is decided by, as (finding, words); nothing for folds, or before it is chosen."""
    kept = None if whole.folds else bag_results.thresholds_of(whole.bag)
    if kept is None or kept.weights != bag_thresholds.weights(whole.trained.values()):
        return []
    rows = []
    for name, level in kept.thresholds.items():
        origin = kept.origins.get(name)
        how = "" if origin is None else origin.rule if origin.by_hand else f"{origin.rule}, on validation"
        late = "; after the test part had been opened" if origin and origin.openings else ""
        rows.append((name, f"{level:.3f}{f' ({how}{late})' if how else ''}"))
    return rows


def _shown(
    whole: _Whole, catalog: Catalog | None, problem: str, best: Judged | None, progress: Progress | None
) -> report_parts.Shown:
    """Examples with the heat maps of the networks that predicted them."""
    if best is None or best.prediction is None or best.bag is None:
        return report_parts.shown(_nobody, catalog, problem, None, {}, seed=0, progress=progress)
    thresholds: examples.Thresholds = {name: result.threshold for name, result in best.evaluation.findings.items()}
    if not best.bag.averaged:
        levels = fold_thresholds.of_images(whole.trained, best.bag, best.prediction, best.part)
        if levels is None:
            return report_parts.Shown(missing="The folds decide otherwise now than when these figures were made.")
        thresholds = levels
    if best.prediction.findings != whole.header.findings:
        return report_parts.Shown(missing="The predictions are not those of these networks.")
    try:
        networks = _networks(whole, best)
    except TrainerError as error:
        return report_parts.Shown(missing=f"{error.what}.")
    seed = whole.plan.members[0].seed
    return report_parts.shown(networks, catalog, problem, best, thresholds, seed=seed, progress=progress)


def _nobody(image: int) -> Sequence[predict.Member]:
    return ()


def _networks(whole: _Whole, best: Judged) -> examples.Networks:
    """All members for an averaged image; for a pooled one that which has not learned from it."""

    @functools.cache
    def opened(number: int) -> predict.Member:
        return predict.member(whole.trained[number].best, torch.device("cpu"))  # a few images; the same bytes everywhere

    if best.bag is not None and best.bag.averaged:
        every = [opened(number) for number in whole.trained]
        return lambda image: every
    own = dict(_fold_of(whole, best.part))
    return lambda image: [opened(own[image])]


def _fold_of(whole: _Whole, part: str) -> Iterator[tuple[int, int]]:
    """(image, number of the member that predicted it) for each pooled image. Raises `DataError`, `StorageError`."""
    for number, run in whole.trained.items():
        for image in Prediction.load(run.predictions(part)).ids.tolist():
            yield image, number
