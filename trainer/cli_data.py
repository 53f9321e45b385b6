"""The verbs that need no network: phantom, import, layouts, show, inspect, relocate, split, stop, watch, recipes."""

import argparse
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from trainer import (
    arguments,
    bags,
    config,
    console,
    files,
    importer,
    inspection,
    own_recipes,
    phantom,
    recipes,
    relocate,
    runs,
    split,
    survey,
)
from trainer.catalog import YES, Catalog, Split, project_folder
from trainer.columns import Columns
from trainer.errors import ConfigError, command_line, counted
from trainer.labelling import Asked
from trainer.layouts import LAYOUTS

WATCH_SECONDS = 0.5
MOST_REFUSED = 20


def _phantom(options: argparse.Namespace) -> int:
    with console.bar("Drawing", lines=options.progress) as progress:
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
        console.next_step("import", f"{options.out.absolute().name}.cxr", options.out)
    return 0


def asked(options: argparse.Namespace) -> Asked:
    """What the options of an import ask for."""
    named = {item.name: getattr(options, f"{item.name}_column") for item in fields(Columns) if item.name != "labels"}
    columns = Columns(labels=tuple(options.label_column), **named)
    return Asked(options.layout, options.labels, columns, arguments.policies(options))


def _import(options: argparse.Namespace) -> int:
    sources = [*options.sources, *(listed(options.files_from) if options.files_from else ())]
    with console.bar("Importing", lines=options.progress) as progress, _interrupted_politely():
        made = importer.carried_out(options.project, sources, asked(options), progress, survey.cores(), resaved=options.resaved)
    if options.json:
        console.emit(made.to_json())
        return 0
    _say_imported(made)
    return 0


def listed(path: Path) -> list[Path]:
    """Sources that stand in a text file, one on each line."""
    with files.storage_in_words(path):
        text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    return [Path(line) for line in text.splitlines() if line.strip()]


@contextmanager
def _interrupted_politely() -> Iterator[None]:
    """Another program that ends this one (the window does) is as good as Ctrl+C: what is under way is put back as it was."""
    old = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


def _say_imported(made: importer.Imported) -> None:
    for layout in made.layouts:
        console.say(layout)
    told = {"new": made.taken, "changed": made.changed, "unchanged": made.unchanged, "gone": made.gone}
    counts = ", ".join(f"{count} {word}" for word, count in told.items() if count or word == "new")
    console.say(f"{counts}; {len(made.refused)} refused, {counted(len(made.unmatched), 'table row')} without a file.")
    if made.masks:
        console.say(f"{counted(made.masks, 'mask')} kept beside {'its image' if made.masks == 1 else 'their images'}.")
    if made.findings:
        console.table("", ("Finding", "Images"), list(made.findings.items()))
    if made.refused:
        console.table("", ("Refused", "Why"), [(one.path, one.why) for one in made.refused[:MOST_REFUSED]])
    if len(made.refused) > MOST_REFUSED:
        console.say(f"... and {len(made.refused) - MOST_REFUSED} more; --json lists them all.")
    for warning in made.warnings:
        console.say(f"Note: {warning}")
    if made.findings:
        console.next_step("split", console.near(made.project))
    else:
        console.say(
            "No image has a label yet: import again with a table (--labels TABLE.csv), or from a folder for each finding."
        )


def _layouts(options: argparse.Namespace) -> int:
    """The known datasets: by what each is recognised, and what to know of it."""
    rows = [{"layout": one.key, "name": one.name, "recognised_by": one.signs(), "notes": one.notes} for one in LAYOUTS]
    if options.json:
        console.emit({"layouts": rows})
        return 0
    console.table(
        "", ("Layout", "Dataset", "Recognised by"), [(row["layout"], row["name"], row["recognised_by"]) for row in rows]
    )
    for one in LAYOUTS:
        for note in one.notes:
            console.say(f"{one.name}: {note}")
    return 0


def _show(options: argparse.Namespace) -> int:
    folder = project_folder(options.project)
    with Catalog.open(folder) as catalog:
        counts, splits, sources = catalog.counts(), catalog.splits(), catalog.sources()
        missing = relocate.missing(catalog)
    states = [{"run": run.name, "state": run.status().state, "words": run.status().words} for run in runs.every(folder)]
    if options.json:
        kept = [{**vars(source), "policies": source.options.get("policies", {})} for source in sources]
        console.emit({"project": folder, **vars(counts), "folders": kept, "splits": splits, "runs": states, "missing": missing})
        return 0
    unknown = f", {counts.patient_unknown} images of unknown patients" if counts.patient_unknown else ""
    excluded = f", {counts.excluded} excluded" if counts.excluded else ""
    console.say(f"{folder.name}: {counts.images} images of {counts.patients} patients{unknown}{excluded}.")
    for source in sources:
        masks = "".join(
            f", {counted(count, f'{kind} mask' if kind != 'mask' else kind)}" for kind, count in source.masks.items()
        )
        console.say(f"{source.root}: {counted(source.images, 'image')}{masks}. {source.layout}")
    for place in missing:
        console.say(f"{place.root}: its {counted(place.images, 'image')} are not there. Say where they are now:")
        console.say(
            f"  {command_line('relocate', console.near(folder), 'NEW', *(('--source', place.root) if missing[1:] else ()))}"
        )
    if counts.findings:
        rows = [(n, c["yes"], c["no"], c["not stated"]) for n, c in counts.findings.items()]
        console.table("", ("Finding", "Yes", "No", "Not stated"), rows)
    columns = {"View": counts.views, "Sex": counts.sexes, "Source": counts.sources, "Given part": counts.parts_given}
    columns |= {f"Split {counts.split_name}": counts.split, "Flag": counts.flags}
    for title, found in columns.items():
        if set(found) - {""}:
            console.table("", (title, "Images"), [(name or "unknown", count) for name, count in found.items()])
    if len(splits) > 1:
        console.say(f"Splits: {', '.join(splits)}. Training takes {counts.split_name} unless --split names another.")
    if states:
        console.table("", ("Run", "State"), [(state["run"], state["words"]) for state in states])
    return 0


def _inspect(options: argparse.Namespace) -> int:
    with console.bar("Reading", shown=not options.json, lines=options.progress) as progress:
        found = list(inspection.run(options.inputs, progress))
    read = sum(not one.error for one in found)
    if options.json:
        console.emit({"files": [one.to_json() for one in found]})
    else:
        for one in found:
            console.say(str(one.path))
            for name, value in one.rows():
                console.say(f"  {name}: {value}")
    if not read:
        console.note(f"cxr-trainer: None of {counted(len(found), 'file')} could be read.")
    return 0 if read else 2


def _relocate(options: argparse.Namespace) -> int:
    with console.bar("Comparing", lines=options.progress) as progress:
        made = relocate.run(options.project, options.new, source=options.source, partial=options.partial, progress=progress)
    if options.json:
        console.emit(made.to_json())
        return 0
    for sentence in (words for one in made.sources for words in one.words):
        console.say(sentence)
    for root in made.missing:
        console.say(f"Still missing: {root}.")
    return 0


def _split(options: argparse.Namespace) -> int:
    with Catalog.open(project_folder(options.project)) as catalog:
        made = split.run(catalog, test=options.test, val=options.val, folds=options.folds, seed=options.seed, name=options.name)
        parts = [_parts(catalog, one) for one in made]
        active = catalog.active_split()
    if options.json:
        keys = ("name", "rule", "seed", "digest", "warnings")
        found = [{**{k: getattr(one, k) for k in keys}, "parts": its} for one, its in zip(made, parts, strict=True)]
        console.emit({"splits": found, "active": active})
        return 0
    for one, its in zip(made, parts, strict=True):
        shown = {name: part for name, part in its.items() if part["images"]}
        rows = [(key.capitalize(), *(part[key] for part in shown.values())) for key in ("images", "patients")]
        rows += [
            (name, *(part["findings"][name] for part in shown.values())) for name in next(iter(shown.values()))["findings"]
        ]
        console.table("", (one.name, *shown), rows)
    console.say(f"Rule: {made[0].rule}.")
    for warning in dict.fromkeys(w for one in made for w in one.warnings):
        console.say(f"Note: {warning}")
    if len(made) > 1:
        console.say(f"Training takes {active} unless --split names another.")
    console.next_step("train", options.project)
    return 0


def _parts(catalog: Catalog, made: Split) -> dict[str, Any]:
    """Images, patients, and images with each finding, of every part."""
    known = catalog.findings()
    found = {}
    for part, ids in made.parts.items():
        yes = map(int, (catalog.labels(ids, known) == YES).sum(0))
        patients = len(set(catalog.patients(ids)) - {""})
        found[part] = {"images": len(ids), "patients": patients, "findings": dict(zip(known, yes, strict=True))}
    return found


def _stop(options: argparse.Namespace) -> int:
    run = bags.find(options.run) if bags.is_bag(options.run) else runs.find(options.run)
    run.request_stop()
    if options.json:
        console.emit({"run": str(run.folder), "status": "stop requested"})
    else:
        console.say(f"{run.name} will stop after its current step and keep what it has learned.")
    return 0


def _watch(options: argparse.Namespace) -> int:
    """Print what has happened and what happens, until nothing works on the run any more."""
    run = runs.find(options.run)
    offset = total = 0
    with console.bar(run.name, shown=not options.json, lines=options.progress) as progress:
        while True:
            busy = run.busy()  # before the events are read: what is written last is then still seen
            for event in run.tail(offset):
                offset = event["offset"]
                total = event["epochs"] * event["steps_per_epoch"] if event["kind"] == "started" else total
                _tell(event, total, progress, quiet=options.json)
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


def _tell(event: Mapping[str, Any], total: int, progress: Callable[[int, int], None], *, quiet: bool) -> None:
    if event["kind"] in ("started", "batch"):
        progress(event["step"], total)
    line = runs.event_words(event)
    if line and not quiet:
        console.note(line)


def check(options: argparse.Namespace) -> None:
    """Refuse wrong settings and wrong paths of a verb that needs a network before the seconds that loading it takes.

    Raises as the verb itself, which checks again.
    """
    if options.verb in ("train", "bag"):
        config.changed(recipes.load(options.recipe).settings, config.parsed(options.assignments))
        Catalog.open(project_folder(options.project)).close()
    elif options.verb in ("resume", "evaluate", "report") and not bags.is_bag(options.run):
        runs.find(options.run)


def _recipes(options: argparse.Namespace) -> int:
    if options.settings:
        return _settings(options)
    if options.save or options.take_in or options.export or options.delete:
        return _own_recipe(options)
    found = recipes.every()
    if options.json:
        console.emit(
            {
                "recipes": [
                    {
                        "name": r.name,
                        "title": r.title,
                        "about": r.about,
                        "settings": config.to_dict(r.settings, only_changed=True),
                    }
                    for r in found
                ]
            }
        )
        return 0
    for recipe in found:
        console.say(f"{recipe.name}: {recipe.title}\n  {recipe.about}")
        changes = ", ".join(f"{key}={value}" for key, value in config.to_dict(recipe.settings, only_changed=True).items())
        console.say(f"  Differs from the defaults in: {changes or 'nothing'}.\n")
    for sentence in recipes.damaged():
        console.say(f"Note: {sentence}")
    return 0


def _own_recipe(options: argparse.Namespace) -> int:
    """Save, import, export or delete a recipe of one's own."""
    if options.save:
        if not options.from_run:
            raise ConfigError("--save keeps the settings of a run", remedy="Say which: --from lungs.cxr/runs/first")
        run = runs.find(options.from_run)
        about = options.about or f"The settings of the run {run.name}."
        settings = own_recipes.of_run(run.about())
        own_recipes.save(options.save, settings, title=options.title, about=about, replace=options.replace)
        done = f"Saved: train with --recipe {options.save}"
    elif options.take_in:
        made = own_recipes.take_in(options.take_in, name=options.name, replace=options.replace)
        done = f"Imported: train with --recipe {made.name}"
    elif options.export:
        name, path = options.export
        own_recipes.export(name, Path(path))
        done = f"Written: {path}"
    else:
        own_recipes.delete(options.delete)
        done = f"Deleted: {options.delete}"
    if options.json:
        console.emit({"done": done})
    else:
        console.say(f"{done}.", wrapped=False)
    return 0


def _settings(options: argparse.Namespace) -> int:
    """Every key that `train --set` takes."""
    found = list(config.settings())
    if options.json:
        keys = ("key", "default", "label", "help", "unit", "low", "high", "choices")
        console.emit({"settings": [{key: getattr(one, key) for key in keys} for one in found]})
        return 0
    rows = [(one.key, _shown(one.default), _allowed(one), one.help) for one in found]
    console.table("", ("Setting", "Default", "Allowed", "About"), rows)
    return 0


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def _allowed(one: config.Setting) -> str:
    if one.low is not None and one.high is not None:
        return f"{one.low:g} to {one.high:g} {one.unit}".strip()
    return ", ".join(one.choices)


VERBS = MappingProxyType(
    {
        "phantom": _phantom,
        "import": _import,
        "layouts": _layouts,
        "show": _show,
        "inspect": _inspect,
        "relocate": _relocate,
        "split": _split,
        "stop": _stop,
        "watch": _watch,
        "recipes": _recipes,
    }
)
