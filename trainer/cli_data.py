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
    cli_recipes,
    config,
    console,
    files,
    importer,
    inspection,
    phantom,
    recipes,
    relocate,
    runs,
    split,
    survey,
)
from trainer.catalog import YES, Catalog, Split, project_folder
from trainer.columns import Columns
from trainer.errors import TrainerError, command_line, counted
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
    of_bags = [{"bag": bag.name, **_standing(bag)} for bag in bags.every(folder)]
    if options.json:
        kept = [{**vars(source), "policies": source.options.get("policies", {})} for source in sources]
        trained = {"runs": states, "bags": of_bags}
        console.emit({"project": folder, **vars(counts), "folders": kept, "splits": splits, **trained, "missing": missing})
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
    if of_bags:
        console.table("", ("Bag", "State"), [(state["bag"], state["words"]) for state in of_bags])
    return 0


def _standing(bag: bags.Bag) -> dict[str, str]:
    """How a bag stands, also one whose files are damaged."""
    try:
        plan, status = bag.plan(), bag.status()
    except TrainerError as error:
        return {"kind": "", "state": "damaged", "words": error.what}
    how = "cross-validation" if plan.kind == bags.FOLDS else "averaged"
    return {"kind": plan.kind, "state": status.state, "words": f"{status.words} ({how})"}


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
    run = bags.either(options.run)
    run.request_stop()
    if options.json:
        console.emit({"run": str(run.folder), "status": "stop requested"})
    else:
        console.say(f"{run.name} will stop after its current step and keep what it has learned.")
    return 0


def _watch(options: argparse.Namespace) -> int:
    """Print what has happened and what happens, until nothing works on the run any more."""
    if bags.meant(options.run):
        return _watch_bag(bags.find(options.run), options)
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


def _watch_bag(bag: bags.Bag, options: argparse.Namespace) -> int:
    """The same for all members of a bag, each line with the name of its run."""
    offsets: dict[int, int] = {}
    members = len(bag.plan().members)
    with console.bar(bag.name, shown=not options.json, lines=options.progress) as progress:
        while True:
            busy = bag.busy()  # before the events are read: what is written last is then still seen
            for number, run in bag.begun().items():
                for event in run.tail(offsets.get(number, 0)):
                    offsets[number] = event["offset"]
                    if (line := runs.event_words(event)) and not options.json:
                        console.note(f"{run.name}: {line}")
            progress(len(bag.trained()), members)
            if not busy:
                break
            time.sleep(WATCH_SECONDS)
    status = bag.status()
    if options.json:
        states = [{"run": run.name, "state": run.status().state} for run in bag.begun().values()]
        console.emit({"bag": str(bag.folder), "status": status.state, "words": status.words, "members": states})
    else:
        console.say(f"{bag.name}: {status.words}.")
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
    elif options.verb in ("resume", "evaluate", "report"):
        bags.either(options.run)


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
        "recipes": cli_recipes.run,
    }
)
