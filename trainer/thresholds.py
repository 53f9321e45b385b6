"""Move the thresholds of a run, or choose them anew on validation; judge again what was judged, from the kept predictions.

Nothing is predicted here and no torch is needed. The test part is not opened anew: the same predictions are held against other
thresholds, and the evaluation says that they were changed after it had been opened.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import criteria, curves, judgement, model_card, runs
from trainer.errors import ConfigError, DataError, Progress, RunError, TrainerError, WeightsError, command_line, did_you_mean
from trainer.model_card import BY_HAND, Header, Origin
from trainer.results import Evaluation, Prediction

PARTS = ("validation", "test", "train")


@dataclass(frozen=True)
class Wish:
    """What is asked for: `rule` for all of them, then each of `changes` for one; or what was chosen at first (`reset`)."""

    rule: str = ""
    changes: Sequence[str] = ()
    reset: bool = False

    def __bool__(self) -> bool:
        """Whether anything is."""
        return bool(self.rule or self.changes or self.reset)


@dataclass(frozen=True)
class Thresholds:
    """The thresholds that a model carries now, where each came from, and the parts that were judged again."""

    run: str
    thresholds: Mapping[str, float]
    origins: Mapping[str, Origin]
    judged: tuple[str, ...] = ()


def run(
    folder: Path,
    *,
    rule: str = "",
    changes: Sequence[str] = (),
    reset: bool = False,
    draws: int = 1000,
    progress: Progress | None = None,
) -> Thresholds:
    """Write thresholds into the best checkpoint of a run; with nothing asked for, say what it carries.

    `rule` ("youden", "f1", "fbeta=2", "sensitivity=0.9") sets all of them on validation, then each of `changes`
    ("FINDING=0.4" or "FINDING=f1") sets one; `reset` is what `evaluate` chooses at first. Raises `ConfigError`, `RunError`,
    `DataError`, `WeightsError`, `StorageError`.
    """
    found = runs.find(folder)
    if not found.best.exists():
        remedy = f"Let it train for at least one epoch: {command_line('resume', 'RUN')}"
        raise WeightsError("This run has no trained network yet", where=found.folder, remedy=remedy)
    wish = Wish(rule, changes, reset)
    if not wish:
        header = model_card.read_header(found.best)
        return Thresholds(found.name, header.thresholds, header.origins)
    with found.locked():
        header = model_card.read_header(found.best)
        openings = runs.openings(found.project, header.split_digest)
        carried = Thresholds(found.name, header.thresholds, header.origins)
        made = changed(carried, wish, header, openings, lambda: _validation(found, header))
        model_card.set_thresholds(found.best, made.thresholds, made.origins)
    return dataclasses.replace(made, judged=tuple(_judged_again(found, draws, progress)))


def changed(carried: Thresholds, wish: Wish, header: Header, openings: int, validation: Callable[[], Prediction]) -> Thresholds:
    """The thresholds that a model is to carry; `validation` is asked for its predictions only where a rule needs them.

    `header` names the findings and what the run was after; `openings` is how often the test part has been opened by now.
    Raises `ConfigError`, and what `validation` raises.
    """
    wanted = dict(_read(wish.changes, header.findings))
    thresholds, origins = dict(carried.thresholds), dict(carried.origins)
    if wish.reset or wish.rule or not thresholds:
        # The first choice, and the way back to it, are no choice made after a look at the test part.
        rules = first_rules(header, wish.rule)
        thresholds = judgement.choose_thresholds(validation(), rules)
        origins = {name: Origin(one, openings if wish.rule else 0) for name, one in rules.items()}
    for name, words in wanted.items():
        level = _number(words)
        if level is None:
            thresholds[name] = judgement.choose_thresholds(validation(), words)[name]
            origins[name] = Origin(words, openings)
        else:
            thresholds[name], origins[name] = check(level), Origin(BY_HAND, openings)
    return Thresholds(carried.run, thresholds, origins)


def first_rules(header: Header, rule: str = "", findings: Sequence[str] = ()) -> dict[str, str]:
    """The rule for each finding (default: the network's): `rule` where one is given, else that which the run was after."""
    names = findings or header.findings
    return dict.fromkeys(names, rule) if rule else criteria.rules(criteria.of_settings(header.settings), names)


def check(level: float) -> float:
    """Return a threshold as it came if it can be one. Raises `ConfigError`."""
    if not 0 <= level <= 1:
        raise ConfigError(f"{level:g} is no threshold", remedy="Give a number from 0 to 1, for example 0.4.")
    return level


def _read(changes: Iterable[str], findings: Sequence[str]) -> Iterable[tuple[str, str]]:
    """(finding, number or rule) of each "FINDING=WORDS"; a name may hold "=" itself. Raises `ConfigError`."""
    for text in changes:
        fitting = [name for name in findings if text.startswith(f"{name}=")]
        if not fitting:
            name = text.partition("=")[0]
            remedy = did_you_mean(name, findings) if "=" in text else "Write FINDING=0.4 or FINDING=youden."
            raise ConfigError(
                "The model knows no such finding" if "=" in text else "That sets nothing", where=text, remedy=remedy
            )
        name = max(fitting, key=len)
        yield name, text[len(name) + 1 :]


def _number(words: str) -> float | None:
    """A number, or None for what must be a rule. Raises `ConfigError` for neither."""
    try:
        level = float(words)
    except ValueError:
        curves.operating_point(words)
        return None
    return level if not math.isnan(level) else check(math.inf)


def _validation(run: runs.Run, header: Header) -> Prediction:
    """The kept predictions on validation, if they are those of the weights. Raises `RunError`, `DataError`."""
    if (kept := _kept(run, header, "validation")) is not None:
        return kept
    raise RunError(
        "There are no predictions on validation to choose thresholds from",
        where=run.folder,
        remedy=f"Evaluate the run: {command_line('evaluate', run.folder)}",
    )


def _kept(run: runs.Run, header: Header, part: str) -> Prediction | None:
    """The kept predictions on a part, None if there are none of these weights. Raises `DataError`, `StorageError`."""
    path = run.predictions(part)
    if not path.exists():
        return None
    kept = Prediction.load(path)
    fits = kept.findings == header.findings and kept.weights == model_card.weights_digest(run.best)
    return kept if fits else None


def _judged_again(run: runs.Run, draws: int, progress: Progress | None) -> Iterable[str]:
    """Judge each part that was judged, and whose predictions fit, at the thresholds of the checkpoint.

    A damaged file is passed over here: whoever wants to read it is told.
    """
    header = model_card.read_header(run.best)
    try:
        validation = _kept(run, header, "validation")
    except TrainerError:
        return
    for part in PARTS:
        try:
            prediction = validation if part == "validation" else _kept(run, header, part)
            if validation is None or prediction is None or not run.evaluation(part).exists():
                continue
            _judge(run, header, part, prediction, validation, draws, progress).save(run.evaluation(part))
        except DataError:
            continue
        yield part


def _judge(
    run: runs.Run,
    header: Header,
    part: str,
    prediction: Prediction,
    validation: Prediction,
    draws: int,
    progress: Progress | None,
) -> Evaluation:
    return judgement.evaluate(
        prediction,
        header.thresholds,
        run=run.name,
        part=part,
        test_openings=runs.openings(run.project, header.split_digest),
        draws=draws,
        frequencies=header.frequencies,
        notes=judgement.notes(run, part, validation, header.thresholds, header.origins),
        progress=progress,
    )
