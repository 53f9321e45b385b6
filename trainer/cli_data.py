"""The verbs that need no network: phantom, import, show, split, stop, watch, recipes."""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from trainer import console, importer, phantom, recipes, runs, split
from trainer.catalog import Catalog, project_folder
from trainer.config import to_dict

WATCH_SECONDS = 0.5
MOST_REFUSED = 20


def _phantom(options: argparse.Namespace) -> int:
    with console.bar("Drawing") as progress:
        made = phantom.run(
            options.out,
            images=options.images,
            patients=options.patients,
            findings=options.classes,
            several=options.several,
            size=options.size,
            fault=options.fault,
            seed=options.seed,
            progress=progress,
        )
    if options.json:
        console.emit(made)
    else:
        console.say(f"{made.images} images of {made.patients} patients drawn in {options.out}.")
        console.say(f"Next: cxr-trainer import {options.out.name}.cxr {options.out}")
    return 0


def _import(options: argparse.Namespace) -> int:
    columns = {
        f"{name}_column": getattr(options, f"{name}_column") for name in ("path", "patient", "view", "sex", "age", "source")
    }
    with console.bar("Importing") as progress:
        made = importer.run(
            options.project,
            options.sources,
            layout=options.layout,
            labels=options.labels,
            label_columns=options.label_column,
            progress=progress,
            **columns,
        )
    if options.json:
        console.emit(made.to_json())
        return 0
    _say_imported(made)
    return 0


def _say_imported(made: importer.Imported) -> None:
    for layout in made.layouts:
        console.say(layout)
    told = {"new": made.taken, "changed": made.changed, "unchanged": made.unchanged, "gone": made.gone}
    counts = ", ".join(f"{count} {word}" for word, count in told.items() if count or word == "new")
    console.say(f"{counts}; {len(made.refused)} refused, {len(made.unmatched)} table rows without a file.")
    console.table("", ("Finding", "Images"), list(made.findings.items()))
    if made.refused:
        console.table("", ("Refused", "Why"), [(one.path, one.why) for one in made.refused[:MOST_REFUSED]])
    if len(made.refused) > MOST_REFUSED:
        console.say(f"... and {len(made.refused) - MOST_REFUSED} more; --json lists them all.")
    for warning in made.warnings:
        console.say(f"Note: {warning}")
    console.say(f"Next: cxr-trainer split {os.path.relpath(made.project)}")


def _show(options: argparse.Namespace) -> int:
    folder = project_folder(options.project)
    with Catalog.open(folder) as catalog:
        counts = catalog.counts()
    states = [{"run": run.name, "state": run.status().state, "words": run.status().words} for run in runs.every(folder)]
    if options.json:
        console.emit({"project": folder, **vars(counts), "runs": states})
        return 0
    unknown = f", {counts.patient_unknown} images of unknown patients" if counts.patient_unknown else ""
    excluded = f", {counts.excluded} excluded" if counts.excluded else ""
    console.say(f"{folder.name}: {counts.images} images of {counts.patients} patients{unknown}{excluded}.")
    console.table(
        "",
        ("Finding", "Yes", "No", "Not stated"),
        [(n, c["yes"], c["no"], c["not stated"]) for n, c in counts.findings.items()],
    )
    columns = {"View": counts.views, "Sex": counts.sexes, "Source": counts.sources, "Given part": counts.parts_given}
    columns |= {f"Split {counts.split_name}": counts.split, "Flag": counts.flags}
    for title, found in columns.items():
        if set(found) - {""}:
            console.table("", (title, "Images"), [(name or "unknown", count) for name, count in found.items()])
    if states:
        console.table("", ("Run", "State"), [(state["run"], state["words"]) for state in states])
    return 0


def _split(options: argparse.Namespace) -> int:
    with Catalog.open(project_folder(options.project)) as catalog:
        made = split.run(catalog, test=options.test, val=options.val, folds=options.folds, seed=options.seed, name=options.name)
        known = catalog.findings()
        rows = []
        for one in made:
            for part, ids in one.parts.items():
                patients = set(catalog.patients(ids)) - {""}
                yes = (catalog.labels(ids, known) == 1).sum(0)
                rows.append((one.name, part, len(ids), len(patients), dict(zip(known, map(int, yes), strict=True))))
    if options.json:
        console.emit(
            {
                "splits": [
                    {
                        "name": one.name,
                        "rule": one.rule,
                        "seed": one.seed,
                        "digest": one.digest,
                        "warnings": one.warnings,
                        "parts": {r[1]: {"images": r[2], "patients": r[3], "findings": r[4]} for r in rows if r[0] == one.name},
                    }
                    for one in made
                ]
            }
        )
        return 0
    console.table("", ("Split", "Part", "Images", "Patients", *known), [(*r[:4], *r[4].values()) for r in rows if r[2]])
    console.say(f"Rule: {made[0].rule}.")
    for warning in dict.fromkeys(w for one in made for w in one.warnings):
        console.say(f"Note: {warning}")
    return 0


def _stop(options: argparse.Namespace) -> int:
    run = runs.find(options.run)
    run.request_stop()
    if options.json:
        console.emit({"run": str(run.folder), "status": "stop requested"})
    else:
        console.say(f"{run.name} will stop after its current step and keep what it has learned.")
    return 0


def _watch(options: argparse.Namespace) -> int:
    """Print what has happened and what happens, until nothing works on the run any more."""
    run = runs.find(options.run)
    offset = 0
    with console.bar(run.name, shown=not options.json) as progress:
        while True:
            busy = run.busy()  # before the events are read: what is written last is then still seen
            for event in run.tail(offset):
                offset = event["offset"]
                _tell(event, progress, quiet=options.json)
            if not busy:
                break
            time.sleep(WATCH_SECONDS)
    status = run.status()
    if options.json:
        epochs = [event for event in run.history() if event["kind"] == "epoch"]
        console.emit({"run": str(run.folder), "status": status.state, "words": status.words, "epochs": epochs})
    else:
        console.say(f"{run.name} {status.words}.")
    return 0


def _tell(event: Mapping[str, Any], progress: Callable[[int, int], None], *, quiet: bool) -> None:
    if event["kind"] == "started":
        progress(event["step"], event["epochs"] * event["steps_per_epoch"])
    elif event["kind"] == "batch":
        remaining = event["eta"] / max(1e-9, event["images"] / max(1e-9, event["images_per_second"]))
        progress(event["step"], event["step"] + max(0, round(remaining)))
    line = runs.event_words(event)
    if line and not quiet:
        console.note(line)


def _recipes(options: argparse.Namespace) -> int:
    found = recipes.every()
    if options.json:
        console.emit(
            {
                "recipes": [
                    {"name": r.name, "title": r.title, "about": r.about, "settings": to_dict(r.settings, only_changed=True)}
                    for r in found
                ]
            }
        )
        return 0
    for recipe in found:
        console.say(f"{recipe.name}: {recipe.title}\n  {recipe.about}")
        changes = ", ".join(f"{key}={value}" for key, value in to_dict(recipe.settings, only_changed=True).items())
        console.say(f"  Differs from the defaults in: {changes or 'nothing'}.\n")
    return 0


VERBS = MappingProxyType(
    {
        "phantom": _phantom,
        "import": _import,
        "show": _show,
        "split": _split,
        "stop": _stop,
        "watch": _watch,
        "recipes": _recipes,
    }
)
