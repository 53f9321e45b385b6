"""The verbs on what a network has said already, which need no torch: thresholds, extract."""

import argparse
from types import MappingProxyType

from trainer import bag_thresholds, bags, console, extract, thresholds
from trainer.errors import ConfigError


def _thresholds(options: argparse.Namespace) -> int:
    if options.reset and (options.rule or options.changes):
        raise ConfigError("--reset goes back to what was chosen at first: it leaves nothing to set", remedy="Give one of them.")
    verb = bag_thresholds.run if bags.meant(options.run) else thresholds.run
    with console.bar("Judging again", shown=not options.json, lines=options.progress) as progress:
        found = verb(options.run, rule=options.rule, changes=options.changes, reset=options.reset, progress=progress)
    if options.json:
        rows = {name: {"threshold": level, **_origin(found, name)} for name, level in found.thresholds.items()}
        console.emit({"run": found.run, "thresholds": rows, "judged": found.judged})
        return 0
    if not found.thresholds:
        console.say("The model carries no thresholds yet: evaluate it, and they are chosen on validation.")
        console.next_step("evaluate", options.run)
        return 0
    shown = [(name, f"{level:.3f}", _words(found, name)) for name, level in found.thresholds.items()]
    console.table("", ("Finding", "Threshold", "Chosen"), shown)
    if found.judged:
        console.say(f"Judged again with the kept predictions: {', '.join(found.judged)}.")
    return 0


def _origin(found: thresholds.Thresholds, name: str) -> dict[str, str | int]:
    origin = found.origins.get(name)
    return {"rule": origin.rule, "openings": origin.openings} if origin else {"rule": "", "openings": 0}


def _words(found: thresholds.Thresholds, name: str) -> str:
    origin = found.origins.get(name)
    if origin is None:
        return "not noted"
    where = origin.rule if origin.by_hand else f"{origin.rule}, on validation"
    return f"{where}; after the test part had been opened" if origin.openings else where


def _extract(options: argparse.Namespace) -> int:
    with console.bar("Drawing", shown=not options.json, lines=options.progress) as progress:
        made = extract.run(options.run, options.out, on=options.on, kinds=options.kinds, paths=options.paths, progress=progress)
    if options.json:
        console.emit({"out": options.out, "files": made})
        return 0
    for path in made:
        console.say(f"Written: {console.near(path)}", wrapped=False)
    return 0


VERBS = MappingProxyType({"thresholds": _thresholds, "extract": _extract})
