"""The verbs that need a network: train, resume, evaluate, predict, explain, report, models, devices, demo."""

import argparse
import faulthandler
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from trainer import (
    backbones,
    bags,
    cli_data,
    config,
    console,
    demo,
    devices,
    evaluate,
    evaluate_bag,
    explain,
    files,
    predict,
    prediction_table,
    recipes,
    report,
    results,
    runs,
    train,
)
from trainer.catalog import project_folder
from trainer.cli_assist import gentle_interrupt
from trainer.errors import ConfigError, RunError, command_line, counted
from trainer.loop import Outcome
from trainer.model_card import Header
from trainer.verdicts import FilePrediction, mean_thresholds

NAMED = 3
"""Files that a warning names; of the others it says how many they are."""


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
            nonlocal total
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


def _predict(options: argparse.Namespace) -> int:
    given, paths = _sorted_inputs(options)
    members = [run for path in given for run in _members(path)]
    with console.bar("Predicting", shown=not options.json, lines=options.progress) as progress:
        headers, found = predict.run(members, paths, device=options.device, progress=progress)
        known = prediction_table.Asked(headers[0].findings, headers[0].task, _thresholds(given, headers))
        wanted = prediction_table.columns(options.columns, known.findings) if options.columns else ()
        said = list(found)
    names = known.findings
    if options.csv:
        stated = prediction_table.stated([one.path for one in said], paths)
        text = prediction_table.table(wanted, known, said, stated) if wanted else predict.table(headers, said)
        files.write_text(options.csv, text)
    if options.json:
        console.emit({"findings": names, "runs": [h.run for h in headers], "images": [_as_json(one, names) for one in said]})
        return _read_any(sum(not one.error for one in said), len(said))
    rows = []
    for one in said:
        if not one.error:
            top = int(one.probabilities.argmax())
            spread = (f"{one.spread[top]:.3f}",) if len(headers) > 1 else ()
            rows.append((names[top], f"{one.probabilities[top]:.3f}", *spread, str(one.path)))
    if rows:
        spread = ("SD over runs",) if len(headers) > 1 else ()
        console.table("", ("Most probable", "Probability", *spread, "File"), rows)
    for one in said:
        if one.error:
            console.say(f"Not read: {one.path}: {one.error}")
    for warning in dict.fromkeys(warning for one in said for warning in one.warnings):
        told = [one.path.name for one in said if warning in one.warnings]
        more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
        console.say(f"Beware of {', '.join(told[:NAMED])}{more}: {warning.rstrip('.')}.")
    if options.csv:
        console.say(f"Written: {options.csv}")
    return _read_any(len(rows), len(said))


def _read_any(read: int, asked: int) -> int:
    """Exit status 2 where not one of the files could be read."""
    if not read:
        console.note(f"cxr-trainer: None of {counted(asked, 'file')} could be read.")
    return 0 if read else 2


def _as_json(one: FilePrediction, names: tuple[str, ...]) -> dict[str, Any]:
    if one.error:
        return {"path": str(one.path), "error": one.error}
    return {
        "path": str(one.path),
        "top_finding": names[int(one.probabilities.argmax())],
        "probabilities": dict(zip(names, map(float, one.probabilities), strict=True)),
        "spread": dict(zip(names, map(float, one.spread), strict=True)),
        "warnings": one.warnings,
    }


def _sorted_inputs(options: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Runs, bags and checkpoints; and the files to predict, those of a list last. Raises `ConfigError`, `StorageError`."""
    if options.columns and not options.csv:
        raise ConfigError("--columns says what stands in the table", remedy="Say where it is to be written: --csv OUT.")
    given = [path for path in options.inputs if _is_model(path)]
    paths = [path for path in options.inputs if not _is_model(path)]
    if options.files_from:
        folders = [path for path in paths if path.is_dir()]
        if len(folders) == len(paths) <= 1:  # names of a list are those in the folder that is given
            paths = [(folders[0] if folders else Path()) / name for name in cli_data.listed(options.files_from)]
        else:
            paths += cli_data.listed(options.files_from)
    return given, paths


def _members(path: Path) -> list[Path]:
    """The networks that a path stands for: those of a bag, or the one itself. Raises `RunError`."""
    if not bags.is_bag(path):
        return [path]
    bag = bags.find(path)
    if trained := [run.folder for run in bag.trained().values()]:
        return trained
    raise RunError("No member of this bag is trained yet", where=path, remedy=f"Go on with it: {command_line('resume', path)}")


def _thresholds(given: Sequence[Path], headers: Sequence[Header]) -> dict[str, float]:
    """What decides: the thresholds of a bag by itself, where it has its own; else the mean of the networks'."""
    if len(given) == 1 and bags.is_bag(given[0]) and (own := evaluate_bag.stored(bags.find(given[0]))):
        return dict(own.thresholds)
    return mean_thresholds([header.thresholds for header in headers])


def _is_model(path: Path) -> bool:
    if path.is_dir():
        return bags.is_bag(path) or (path / "config.json").exists() or (path / "catalog.sqlite").exists()
    return path.suffix in (".safetensors", ".pt", ".pth") or (
        not path.exists() and path.parent.name in (runs.RUNS_FOLDER, bags.BAGS_FOLDER)
    )


def _explain(options: argparse.Namespace) -> int:
    with console.bar("Explaining", shown=not options.json, lines=options.progress) as progress:
        made = explain.run(
            options.run, options.files, options.out, finding=options.finding, device=options.device, progress=progress
        )
    if options.json:
        console.emit({"out": str(options.out), "images": made})
    else:
        for one in made:
            console.say(f"Not read: {one['path']}: {one['error']}" if "error" in one else f"{one['path']}: {one['overlay']}")
    return _read_any(sum("error" not in one for one in made), len(made))


def _report(options: argparse.Namespace) -> int:
    with console.bar("Writing the report", shown=not options.json, lines=options.progress) as progress:
        path = report.run(options.run, out=options.out, progress=progress)
    if options.json:
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
        "predict": _predict,
        "explain": _explain,
        "report": _report,
        "models": _models,
        "devices": _devices,
        "demo": _demo,
    }
)
