"""What several networks decide by: thresholds fitted on the mean of their predictions on validation, which a bag keeps.

One truth for all who ask: `evaluate`, `thresholds`, `predict` and the Review page. Nothing is predicted here and no torch is
needed. Networks that do not share a validation part, as the folds of a cross-validation, have no such thresholds.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import bag_results, bags, cautions, files, judgement, model_card, pooling, runs, thresholds
from trainer.bag_results import BagEvaluation
from trainer.bag_results import Thresholds as Kept
from trainer.bags import Bag
from trainer.errors import ConfigError, DataError, Progress, RunError, TrainerError, command_line
from trainer.model_card import Header, Origin
from trainer.results import Prediction
from trainer.runs import Run
from trainer.thresholds import Thresholds, Wish
from trainer.verdicts import mean_thresholds

PARTS = thresholds.PARTS
OWN, KEPT, FITTED, MEAN = "own", "kept", "fitted", "mean"
"""Where thresholds come from: one network's own, those that a bag keeps, those chosen now on validation, a mean."""
OTHERS = "The thresholds that the bag kept were of other members: they were chosen anew on validation."


@dataclass(frozen=True)
class Deciding:
    """The thresholds (finding -> 0..1) by which the mean of some networks is decided, and where they come from (`source`).

    `bag` is the bag whose members they all are, None for others; `weights` the digest of their weights where there is one.
    """

    thresholds: Mapping[str, float]
    source: str = OWN
    networks: int = 1
    bag: Bag | None = None
    weights: str = ""

    @property
    def words(self) -> str:
        """Where they come from, in a sentence; "" for one network."""
        count = f"{self.networks} networks"
        return {
            OWN: "",
            KEPT: f"Thresholds: those of the bag {self.bag.name if self.bag else ''}, for the mean of its {count}.",
            FITTED: f"Thresholds: chosen for the mean of these {count}, on the validation part that they share.",
            MEAN: f"Thresholds: the mean of those of these {count}, which nothing has shown to suit their mean.",
        }[self.source]


def run(
    folder: Path,
    *,
    rule: str = "",
    changes: Sequence[str] = (),
    reset: bool = False,
    draws: int = 1000,
    progress: Progress | None = None,
) -> Thresholds:
    """Show or change the thresholds of the averaged prediction of a bag; as `thresholds.run` does for a run.

    They are kept in the bag's folder, and what was judged of the bag is judged again with its kept predictions. The members
    keep their own. Raises `ConfigError` also for a cross-validation, whose networks have each their own; `RunError`,
    `DataError`, `WeightsError`, `StorageError`.
    """
    bag, wish = bags.find(folder), Wish(rule, changes, reset)
    trained = _averaged_members(bag)
    if not wish:
        kept = bag_results.thresholds_of(bag)
        fits = kept is not None and kept.weights == weights(trained)
        return Thresholds(bag.name, kept.thresholds, kept.origins) if kept and fits else Thresholds(bag.name, {}, {})
    with bag.locked():
        header = model_card.read_header(trained[0].best)
        validation = _validation(bag, trained)
        before = bag_results.thresholds_of(bag)
        carried = before if before and before.weights == validation.weights else Kept({}, {}, "")
        openings = runs.openings(bag.project, header.split_digest)
        now = Thresholds(bag.name, carried.thresholds, carried.origins)
        made = thresholds.changed(now, wish, header, openings, lambda: validation)
        keep(bag, Kept(made.thresholds, made.origins, validation.weights))
    return dataclasses.replace(made, judged=tuple(_judged_again(bag, header, validation, carried, made, draws, progress)))


def chosen(bag: Bag, validation: Prediction, header: Header, part: str, *, rule: str, level: int) -> tuple[Kept, list[str]]:
    """The thresholds of a bag for an evaluation on `part`, and what is to be said of them.

    Those that it keeps, if they are of the members that made `validation`; otherwise, or by `rule`, they are chosen on it and
    kept, but for those of a `level`. Raises `DataError`, `StorageError`.
    """
    before = None if level else bag_results.thresholds_of(bag)
    if before and not rule and before.weights == validation.weights:
        return before, notes(validation, part, before)
    rules = thresholds.first_rules(header, rule, validation.findings)
    openings = runs.openings(bag.project, header.split_digest) if before else 0
    origins = {name: Origin(one, openings) for name, one in rules.items()}
    made = Kept(judgement.choose_thresholds(validation, rules), origins, validation.weights)
    if not level:
        keep(bag, made)
    replaced = before is not None and not rule
    return made, [*([OTHERS] if replaced else []), *notes(validation, part, made)]


def keep(bag: Bag, made: Kept) -> None:
    """Write them into the bag's folder, atomically. Raises `StorageError`."""
    files.write_json(bag.thresholds, dataclasses.asdict(made))


def notes(validation: Prediction, part: str, made: Kept) -> list[str]:
    """What the origin of thresholds has to say about figures on a part, in words."""
    by_hand = frozenset(name for name, origin in made.origins.items() if origin.by_hand)
    return [*cautions.of_thresholds(validation, by_hand), *cautions.of_origins(part, made.thresholds, made.origins)]


def deciding(networks: Sequence[Path], headers: Sequence[Header]) -> Deciding:
    """By what the mean of these networks (checkpoint files) is decided.

    One network: by what it carries. All trained members of a bag: by what the bag keeps. Others that share a validation part,
    and a bag that keeps nothing yet: by what is chosen now on the mean of their kept predictions on it. Otherwise by the mean
    of their own thresholds, which nothing has shown to suit their mean, and `words` says so. Raises `DataError`,
    `StorageError`.
    """
    if len(networks) == 1:
        return Deciding(dict(headers[0].thresholds))
    found = [_run_of(path) for path in networks]
    members, count = [one for one in found if one is not None], len(networks)
    together = len(members) == count == len({one.folder for one in members})
    bag = _bag_of(members) if together else None
    digest = weights(bag.trained().values()) if bag else ""
    if bag is not None and (kept := bag_results.thresholds_of(bag)) is not None and kept.weights == digest:
        return Deciding(dict(kept.thresholds), KEPT, count, bag, digest)
    if together and (fitted := _fitted(members, headers)):
        return Deciding(fitted, FITTED, count, bag, digest)
    return Deciding(mean_thresholds([header.thresholds for header in headers]), MEAN, count, bag, digest)


def decided_again(before: Deciding, headers: Sequence[Header]) -> Deciding:
    """The same for the same networks, whose `headers` were read anew: thresholds may have moved. Their weights are not read.

    Raises `DataError`, `StorageError`.
    """
    if before.bag is not None:
        kept = bag_results.thresholds_of(before.bag)
        if kept is not None and kept.weights == before.weights:
            return dataclasses.replace(before, thresholds=dict(kept.thresholds), source=KEPT)
    if before.source in (KEPT, FITTED):
        return before
    return dataclasses.replace(before, thresholds=mean_thresholds([header.thresholds for header in headers]))


def weights(members: Iterable[Run]) -> str:
    """Identity of the weights of a bag's trained members, as its predictions and thresholds name it. Raises `StorageError`."""
    return pooling.digest([model_card.weights_digest(one.best) for one in members])


def _run_of(path: Path) -> Run | None:
    """The run that a checkpoint is the best of; None for a file by itself."""
    run = Run(path.parent)
    return run if path == run.best and files.is_file(run.folder / "config.json") else None


def _bag_of(members: Sequence[Run]) -> Bag | None:
    """The bag of other seeds of which these are all the trained members. Raises `DataError`, `StorageError`."""
    name, wanted = runs.bag_of(members[0].about()), {one.folder for one in members}
    for bag in bags.every(members[0].project) if name else ():
        try:
            seeds = bag.plan().kind == bags.SEEDS
        except DataError:
            if bag.name == name:
                raise
            continue
        if seeds and {one.folder for one in bag.trained().values()} == wanted:  # also where its folder has another name now
            return bag
    return None


def _fitted(members: Sequence[Run], headers: Sequence[Header]) -> dict[str, float]:
    """Thresholds chosen on the mean of kept predictions on one validation part; none where there is no such mean."""
    rules = [thresholds.first_rules(header) for header in headers]
    shared = {(one.project, header.split_digest, header.findings) for one, header in zip(members, headers, strict=True)}
    if len(shared) > 1 or not headers[0].split_digest or any(one != rules[0] for one in rules):
        return {}
    try:
        validation, _ = pooling.averaged([_kept_validation(one) for one in members])
    except TrainerError:  # not there, damaged, or of other weights
        return {}
    return judgement.choose_thresholds(validation, rules[0])


def _averaged_members(bag: Bag) -> list[Run]:
    """The trained members of a bag whose probabilities are averaged. Raises `ConfigError`, `RunError`."""
    trained = list(bag.trained().values())
    if bag.plan().kind == bags.FOLDS:
        first = trained[0].folder if trained else "RUN"
        raise ConfigError(
            "In a cross-validation each network decides at thresholds of its own, chosen on the validation part of its fold",
            where=bag.folder,
            remedy=f"Set those of one network ({command_line('thresholds', first)}), then evaluate the bag again (--on test).",
        )
    if len(trained) < bags.FEWEST:
        what = f"Only {len(trained)} of {len(bag.plan().members)} members are trained"
        raise RunError(what, where=bag.folder, remedy=f"Go on with it: {command_line('resume', bag.folder)}")
    return trained


def _validation(bag: Bag, trained: Sequence[Run]) -> Prediction:
    """The averaged prediction on validation. Raises `RunError`, `DataError`, `StorageError`."""
    try:
        return pooling.averaged([_kept_validation(one) for one in trained])[0]
    except RunError as error:
        remedy = f"Evaluate the bag: {command_line('evaluate', bag.folder)}"
        raise RunError(error.what, where=error.where, remedy=remedy) from error


def _kept_validation(run: Run) -> Prediction:
    """The kept predictions of one network on validation. Raises `RunError` where there are none of its weights."""
    path = run.predictions("validation")
    kept = Prediction.load(path) if files.is_file(path) else None
    if kept is None or kept.weights != model_card.weights_digest(run.best):
        raise RunError("There are no predictions on validation to choose thresholds from", where=run.folder)
    return kept


def _judged_again(
    bag: Bag,
    header: Header,
    validation: Prediction,
    before: Kept,
    now: Thresholds,
    draws: int,
    progress: Progress | None,
) -> Iterable[str]:
    """Judge each part of the bag that was judged, and whose predictions fit, at other thresholds.

    A damaged file is passed over here: whoever wants to read it is told.
    """
    made = Kept(now.thresholds, now.origins, validation.weights)
    for part in PARTS:
        if not (files.is_file(bag.evaluation(part)) and files.is_file(bag.predictions(part))):
            continue
        try:
            found, prediction = BagEvaluation.load(bag.evaluation(part)), Prediction.load(bag.predictions(part))
            told = judgement.notes_in(found.evaluation, prediction)
        except DataError:
            continue
        if prediction.weights != validation.weights or not found.averaged:
            continue
        gone = {OTHERS, *notes(validation, part, before)}
        stays = [text for text in told if text not in gone]
        evaluation = judgement.evaluate(
            prediction,
            made.thresholds,
            run=bag.name,
            part=part,
            test_openings=runs.openings(bag.project, header.split_digest),
            draws=draws,
            frequencies=header.frequencies,
            notes=tuple(dict.fromkeys([*stays, *notes(validation, part, made)])),
            progress=progress,
        )
        dataclasses.replace(found, evaluation=evaluation).save(bag.evaluation(part))
        yield part
