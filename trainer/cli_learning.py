"""The verbs that need a network: train, resume, evaluate, predict, explain, report, models, devices, demo."""

import argparse
import faulthandler
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from trainer import (
    backbones,
    cli_predict,
    config,
    console,
    demo,
    devices,
    evaluate,
    explain,
    files,
    recipes,
    report,
    results,
    runs,
    train,
)
from trainer.catalog import project_folder
from trainer.cli_assist import gentle_interrupt
from trainer.errors import counted
from trainer.outcome import Outcome


class ConsoleLog:
    """Where the words of this process go: as they come, or, where that is wanted, to console.log once there is a run."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self.begun = False

    def opened(self, run: runs.Run) -> None:
        """Say which run it is, and write there from now on: our own words, and those of libraries and of a crash."""
        if not self._wanted:
            return
        console.emit({"run": str(run.folder)})
        with files.storage_in_words(run.console), run.console.open("ab") as file:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
        faulthandler.enable()
        self.begun = True


def _train(options: argparse.Namespace) -> int:
    settings = config.changed(recipes.load(options.recipe).settings, config.parsed(options.assignments))
    if options.device:
        settings = config.changed(settings, {"compute.device": options.device})
    if options.devices is not None:
        settings = config.changed(settings, {"compute.devices": options.devices})
    log = ConsoleLog(wanted=options.console_log)
    with gentle_interrupt() as stop, told(quiet=options.json, lines=options.progress, log=log) as (progress, listener):
        outcome = train.run(
            project_folder(options.project),
            settings,
            name=options.run,
            recipe=options.recipe,
            split=options.split,
            command=sys.argv[1:],
            progress=progress,
            stop=stop,
            opened=log.opened,
            listener=listener,
        )
    return _ended(outcome, json=options.json)


def _resume(options: argparse.Namespace) -> int:
    log = ConsoleLog(wanted=options.console_log)
    with gentle_interrupt() as stop, told(quiet=options.json, lines=options.progress, log=log) as (progress, listener):
        outcome = train.resume(
            options.run, devices_wanted=options.devices, progress=progress, stop=stop, opened=log.opened, listener=listener
        )
    return _ended(outcome, json=options.json)


@contextmanager
def told(
    *, quiet: bool, lines: bool, reading: str = "Reading images", ready: str = "Preparing", log: ConsoleLog | None = None
) -> Iterator[tuple[Callable[[int, int], None], Callable[[Mapping[str, Any]], None]]]:
    """A bar for reading images, then for training steps, and a line for each epoch and note; in a log the lines only."""
    log = log or ConsoleLog(wanted=False)
    total = 0
    with console.bar(reading, shown=not quiet, lines=lines) as bar:

        def progress(done: int, total: int) -> None:
            if not log.begun:
                bar.label(reading if done < total else ready)
                bar(done, total)

        def listener(event: Mapping[str, Any]) -> None:
            nonlocal total, reading
            reading = event.get("doing", reading)
            if event["kind"] == "started":
                total = event["epochs"] * event["steps_per_epoch"]
            if event["kind"] in ("started", "batch") and not log.begun:
                bar.label("Training")
                bar(event["step"], total)
            line = runs.event_words(event)
            if line and (log.begun or not quiet):
                console.note(line)

        yield progress, listener


def _ended(outcome: Outcome, *, json: bool) -> int:
    shown = console.near(outcome.run)
    if json:
        console.emit(outcome.to_json())
    elif outcome.status == "stopped":
        console.say(f"Stopped in epoch {outcome.epochs + 1}; nothing is lost.")
        console.next_step("resume", shown)
    else:
        digits = 0 if outcome.seconds >= 10 else 1
        speed = f"{outcome.images_per_second:.0f} images/s on {outcome.device} in {outcome.precision}"
        console.say(
            f"Finished: {counted(outcome.epochs, 'epoch')} in {outcome.seconds:.{digits}f} s ({speed}). Best was epoch "
            f"{outcome.best_epoch} with {outcome.metric} {outcome.best_metric:.3f} on validation."
        )
        console.next_step("evaluate", shown)
    return 130 if outcome.status == "stopped" else 0


def _evaluate(options: argparse.Namespace) -> int:
    with console.bar("Evaluating", shown=not options.json, lines=options.progress) as progress:
        found = evaluate.run(options.run, on=options.on, rule=options.thresholds, level=options.level, progress=progress)
    if options.json:
        console.emit(found.to_json())
        return 0
    people = "unknown patients" if found.patients is None else f"{found.patients} patients"
    console.say(f"{found.run} on {found.part}: {found.images} images of {people}.")
    if found.part == "test" and found.test_openings == 1:
        console.say("This is the first time that the test part of this split is opened.")
    say_figures(found)
    for warning in found.warnings:
        console.say(f"Note: {warning}")
    if found.part == "test":
        console.next_step("report", options.run)
    return 0


def say_figures(found: results.Evaluation) -> None:
    """Headlines with the baselines of whole answers; each finding with its own; the confusion matrix."""
    alone = {f"never {name}": name for name in found.findings}
    whole = {key: base for key, base in found.baselines.items() if key not in alone}
    rows = []
    for name, one in found.metrics.items():
        base = ", ".join(f"{console.figure(b.metrics[name])} ({key})" for key, b in whole.items() if name in b.metrics)
        rows.append((name, console.figure(one.value, one.low, one.high), base))
    console.table("", ("Metric", "Value (95 % interval)", "Baseline"), rows)
    each: list[tuple[str, str, str, str]] = []
    for name, finding in found.findings.items():
        never = next((base for key, base in found.baselines.items() if alone.get(key) == name), None)
        each.append((name, "threshold", f"{finding.threshold:.3f}", ""))
        (tn, fp), (fn, tp) = finding.matrix
        right = (tn + tp) / total if (total := tn + fp + fn + tp) else math.nan
        base = f"{console.figure(never.metrics['accuracy'])} (never)" if never and "accuracy" in never.metrics else ""
        each.append(("", "accuracy", console.figure(right), base))
        for column in ("sensitivity", "specificity", "precision", "f1", "auroc", "auprc"):
            figure = getattr(finding, column)
            each.append(("", column, console.figure(figure.value, figure.low, figure.high), ""))
    console.say("\nEach finding by itself, positive from its own threshold on:")
    console.table("", ("Finding", "Figure", "Value (95 % interval)", "Baseline"), each)
    if found.confusion is not None:
        names = found.confusion.findings
        console.say("\nThe largest probability decides; truth down, prediction across:")
        counts = zip(names, found.confusion.counts, strict=True)
        console.table("", ("", *names), [(name, *map(int, row)) for name, row in counts])


def _explain(options: argparse.Namespace) -> int:
    cli_predict.members(options.run)
    with console.bar("Explaining", shown=not options.json, lines=options.progress) as progress:
        made = explain.run(
            options.run, options.files, options.out, finding=options.finding, device=options.device, progress=progress
        )
    if options.json:
        console.emit({"out": str(options.out), "images": made})
    else:
        for one in made:
            console.say(f"Not read: {one['path']}: {one['error']}" if "error" in one else f"{one['path']}: {one['overlay']}")
    return cli_predict.read_any(sum("error" not in one for one in made), len(made))


def _report(options: argparse.Namespace) -> int:
    with console.bar("Writing the report", shown=not options.json, lines=options.progress) as progress:
        path = report.run(options.run, out=options.out, progress=progress)
    return said_report(path, json=options.json)


def said_report(path: Path, *, json: bool) -> int:
    """Say where a report lies."""
    if json:
        console.emit({"report": str(path)})
    else:
        console.say(f"Written: {console.near(path)}")
    return 0


def _models(options: argparse.Namespace) -> int:
    found = list(backbones.BACKBONES.values())
    if options.json:
        names = ("name", "help", "parameters_millions", "pretrained", "smallest")
        console.emit({"models": [{**{n: getattr(b, n) for n in names}, "stages": len(b.stages)} for b in found]})
        return 0
    rows = [(b.name, f"{b.parameters_millions:.2f}", len(b.stages), "yes" if b.pretrained else "no", b.help) for b in found]
    console.table("", ("Backbone", "Million weights", "Stages", "ImageNet", "About"), rows)
    return 0


def _devices(options: argparse.Namespace) -> int:
    found = devices.available()
    if options.json:
        console.emit({"devices": [vars(device) for device in found]})
        return 0
    rows = [(d.name, d.label, f"{d.free / 2**30:.1f} of {d.memory / 2**30:.1f} GiB free" if d.memory else "") for d in found]
    console.table("", ("Device", "Name", "Memory"), rows)
    return 0


def _demo(options: argparse.Namespace) -> int:
    with told(quiet=options.json, lines=options.progress, reading="Working", ready="Working") as (progress, listener):
        made = demo.run(
            options.out,
            images=options.images,
            progress=progress,
            listener=listener,
            say=None if options.json and not options.progress else console.note,
        )
    if options.json:
        console.emit(made.to_json())
        return 0
    for line in made.words():
        console.say(line)
    return 0


VERBS = MappingProxyType(
    {
        "train": _train,
        "resume": _resume,
        "evaluate": _evaluate,
        "predict": cli_predict.run,
        "explain": _explain,
        "report": _report,
        "models": _models,
        "devices": _devices,
        "demo": _demo,
    }
)
