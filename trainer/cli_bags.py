"""The verbs on bags: bag, and resume, evaluate and report where they are given one."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Any

from trainer import bag_report, bagging, bags, config, console, evaluate_bag, recipes, runs
from trainer.bag_members import Ears
from trainer.bag_results import BagEvaluation
from trainer.bags import FOLDS, Bag, Member
from trainer.catalog import project_folder
from trainer.cli_assist import gentle_interrupt
from trainer.cli_learning import ConsoleLog, said_report, say_figures, told
from trainer.errors import ConfigError
from trainer.meanings import METRIC_NAMES

ToldContext = AbstractContextManager[tuple[Callable[[int, int], None], Callable[[Mapping[str, Any]], None]]]
_SHOWN = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc")


def _bag(options: argparse.Namespace) -> int:
    settings = config.changed(recipes.load(options.recipe).settings, config.parsed(options.assignments))
    log = ConsoleLog(wanted=options.console_log)
    with gentle_interrupt() as stop, _told(options, log, options.over) as (progress, listener):
        outcome = bagging.run(
            project_folder(options.project),
            settings,
            members=options.members,
            folds=options.folds,
            name=options.name,
            recipe=options.recipe,
            split_name=options.split,
            over=options.over,
            command=sys.argv[1:],
            opened=lambda bag: _opened(bag, log),
            ears=Ears(progress, stop, lambda *member: _begins(*member, quiet=options.json and not log.begun), listener),
        )
    return _ended(outcome, json=options.json)


def _resume(options: argparse.Namespace) -> int:
    if options.devices is not None:
        remedy = "Leave --devices out: each member goes on as the bag was begun."
        raise ConfigError("The steps of a bag stay as they are", where="--devices", remedy=remedy)
    log = ConsoleLog(wanted=options.console_log)
    over = bags.find(options.run).plan().over
    with gentle_interrupt() as stop, _told(options, log, over) as (progress, listener):
        outcome = bagging.resume(
            options.run,
            opened=lambda bag: _opened(bag, log),
            ears=Ears(progress, stop, lambda *member: _begins(*member, quiet=options.json and not log.begun), listener),
        )
    return _ended(outcome, json=options.json)


def _told(options: argparse.Namespace, log: ConsoleLog, over: Sequence[str]) -> ToldContext:
    """A bar for each member in turn; for members side by side one for the whole bag."""
    words = {"reading": "Training", "ready": "Training"} if len(over) > 1 else {}
    return told(quiet=options.json, lines=options.progress, log=log, **words)


def _opened(bag: Bag, log: ConsoleLog) -> None:
    """Say which bag it is, and write into its folder from now on, where that is wanted."""
    log.opened(runs.Run(bag.folder))


def _begins(member: Member, members: int, run: runs.Run, *, quiet: bool) -> None:
    if not quiet:
        console.note(f"Member {member.number} of {members}: {run.name} (seed {member.seed}, split {member.split})")


def _ended(outcome: bagging.BagOutcome, *, json: bool) -> int:
    shown = console.near(outcome.bag)
    if json:
        console.emit(outcome.to_json())
    elif outcome.status == "stopped":
        console.say(f"Stopped: {outcome.trained} of {outcome.members} members are trained; nothing is lost.")
        console.next_step("resume", shown)
    else:
        console.say(f"Finished: {outcome.members} members in {outcome.seconds:.0f} s.")
        console.next_step("evaluate", shown, *(["--on", "test"] if outcome.kind == FOLDS else []))
    return 130 if outcome.status == "stopped" else 0


def _evaluate(options: argparse.Namespace) -> int:
    with console.bar("Evaluating", shown=not options.json, lines=options.progress) as progress:
        found = evaluate_bag.run(options.run, on=options.on, rule=options.thresholds, level=options.level, progress=progress)
    if options.json:
        console.emit(found.to_json())
        return 0
    _say(found)
    return 0


def _say(found: BagEvaluation) -> None:
    """The members beside the whole, then the whole by itself."""
    whole = found.evaluation
    people = "unknown patients" if whole.patients is None else f"{whole.patients} patients"
    how = "averaged" if found.averaged else "pooled"
    console.say(f"{found.bag} on {found.part}: {len(found.members)} members, {whole.images} images of {people}, {how}.")
    rows: list[tuple[object, ...]] = [
        (one.run, one.split if found.kind == FOLDS else f"seed {one.seed}", one.images, *_cells(one.metrics))
        for one in found.members
    ]
    rows.append(("Mean over members", "", "", *(console.figure(found.mean[name]) for name in _SHOWN)))
    rows.append(("SD over members", "", "", *(console.figure(found.sd[name]) for name in _SHOWN)))
    rows.append((f"All, {how}", "", whole.images, *_cells(whole.metrics)))
    console.table("", ("Member", "", "Images", *(METRIC_NAMES.get(name, name) for name in _SHOWN)), rows)
    console.say(found.words())
    if found.averaged:
        most = max(found.spread, key=lambda name: found.spread[name])
        console.say(
            f"The members decide differently on {found.disagreement:.1%} of the images; their probabilities differ most for "
            f"{most} (SD {found.spread[most]:.3f} on average)."
        )
    console.say("")
    say_figures(whole)
    for warning in whole.warnings:
        console.say(f"Note: {warning}")


def _cells(metrics: Mapping[str, Any]) -> list[str]:
    return [console.figure(metrics[name].value, metrics[name].low, metrics[name].high) for name in _SHOWN]


def _report(options: argparse.Namespace) -> int:
    with console.bar("Writing the report", shown=not options.json, lines=options.progress) as progress:
        path = bag_report.run(options.run, out=options.out, progress=progress)
    return said_report(path, json=options.json)


VERBS = MappingProxyType({"bag": _bag, "resume": _resume, "evaluate": _evaluate, "report": _report})
