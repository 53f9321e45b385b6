"""The verb `predict`: what one network or several say of files, on the screen and as a table."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer import bag_thresholds, bags, console, file_lists, files, predict, prediction_table, runs
from trainer.errors import ConfigError, DataError, counted
from trainer.verdicts import FilePrediction

NAMED = 3
"""Files that a warning names; of the others it says how many they are."""
STDOUT = Path("-")
TABLE_ENDINGS = ("", ".csv", ".txt", ".tsv")
"""Of a file of predictions; anything else is a slip, and might be a radiograph or a workbook that is wanted still."""


def run(options: argparse.Namespace) -> int:
    """Predict, say it, and write the table that is asked for. Raises as `predict.run`, and for a wrong table or list."""
    given, films = _sorted_inputs(options)
    networks = [one for path in given for one in members(path)]
    with console.bar("Predicting", shown=not options.json, lines=options.progress) as progress:
        headers, found = predict.run(networks, films.paths, device=options.device, progress=progress)
        decided = bag_thresholds.deciding([predict.checkpoint(path) for path in networks], headers)
        known = prediction_table.Asked(headers[0].findings, headers[0].task, decided.thresholds)
        wanted = prediction_table.columns(options.columns, known.findings) if options.columns else ()
        said = list(found)
    if options.csv:
        text = prediction_table.table(wanted, known, said, films.names) if wanted else predict.table(headers, said)
        _write_table(options.csv, text)
    if options.json:
        about = {"runs": [h.run for h in headers], "thresholds": decided.thresholds, "thresholds_words": decided.words}
        console.emit({"findings": known.findings, **about, "images": [_as_json(one, known.findings) for one in said]})
    elif options.csv == STDOUT:
        for one in said:
            if one.error:
                console.note(f"Not read: {one.path}: {one.error}")
    else:
        _say_each(said, known, spread=len(headers) > 1)
        if any((path / "catalog.sqlite").exists() for path in given):
            console.say(f"Predicted by {', '.join(header.run for header in headers)}, the newest run of the project.")
        _say_of_files(films, wanted)
        _say_warnings(said)
        if wanted and decided.words:
            console.say(decided.words)
        if options.csv:
            console.say(f"Written: {options.csv}")
    return read_any(sum(not one.error for one in said), len(said))


def _say_warnings(said: Sequence[FilePrediction]) -> None:
    """What to beware of, with the first files that it is about."""
    for warning in dict.fromkeys(warning for one in said for warning in one.warnings):
        told = [one.path.name for one in said if warning in one.warnings]
        more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
        console.say(f"Beware of {', '.join(told[:NAMED])}{more}: {warning.rstrip('.')}.")


def _say_each(said: Sequence[FilePrediction], known: prediction_table.Asked, *, spread: bool) -> None:
    """A line for each file: its most probable finding (multi-label: also all that reach their thresholds), or why not."""
    several = known.task == "multi-label" and all(name in known.thresholds for name in known.findings)
    rows = []
    for one in said:
        if not one.error:
            top = int(one.probabilities.argmax())
            deviation = (f"{one.spread[top]:.3f}",) if spread else ()
            decided = (prediction_table.decided(one, known) or "-",) if several else ()
            rows.append((known.findings[top], f"{one.probabilities[top]:.3f}", *deviation, *decided, str(one.path)))
    if rows:
        more = (*(("SD over runs",) if spread else ()), *(("Above threshold",) if several else ()))
        console.table("", ("Most probable", "Probability", *more, "File"), rows)
    for one in said:
        if one.error:
            console.say(f"Not read: {one.path}: {one.error}")


def _say_of_files(films: file_lists.Films, wanted: Sequence[prediction_table.Column]) -> None:
    """What of the files does not show in the rows: masks that were left out, and rows that cannot be told apart."""
    if films.masks:
        count = counted(len(films.masks), "mask")
        console.say(f"Note: {count} in the folders left out, the first: {films.masks[0]}. A file that is named is predicted.")
    contents = {column.content for column in wanted}
    of_names = Counter(name for name, _ in dict.fromkeys(zip(films.names, films.paths, strict=True)))
    if (alike := [name for name, count in of_names.items() if count > 1]) and "file" in contents and "path" not in contents:
        console.say(f"Note: several files are called {alike[0]} in the table; a column path tells them apart.")
    if twice := [path for path, count in Counter(films.paths).items() if count > 1]:
        console.say(f"Note: {counted(len(twice), 'file')} named more than once, the first: {twice[0]}. Each has as many rows.")


def _write_table(path: Path, text: str) -> None:
    """Write a table, or print it for "-". A file's name that is not UTF-8 stands in it as on the disk."""
    content = text.encode("utf-8", "surrogateescape")
    if path == STDOUT:
        console.emit_bytes(content)
    else:
        files.write_bytes(path, content)


def _check_table(options: argparse.Namespace) -> None:
    """Refuse a place for the table before anything is predicted. Raises `ConfigError`."""
    path = options.csv
    if options.columns and not path:
        raise ConfigError("--columns says what stands in the table", remedy="Say where it is to be written: --csv OUT.")
    if path and path == STDOUT and options.json:
        raise ConfigError("--json and --csv - both write to the same place", remedy="Leave one of them out.")
    if path and path.is_dir():
        raise ConfigError(
            "A folder stands where a file was expected", where=path, remedy=f"For example: --csv {path / 'table.csv'}"
        )
    if path and path != STDOUT and path.suffix.casefold() not in TABLE_ENDINGS:
        what = "The table is written as a CSV file"
        raise ConfigError(what, where=path, remedy=f"For example: --csv {path.with_suffix('') or 'predictions'}.csv")
    if path and options.files_from and path.absolute() == options.files_from.absolute():
        raise ConfigError("The table would take the place of the list", where=path, remedy="Choose another name for --csv.")


def read_any(read: int, asked: int) -> int:
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


def _sorted_inputs(options: argparse.Namespace) -> tuple[list[Path], file_lists.Films]:
    """Runs, bags and checkpoints; and the files to predict. Raises `ConfigError`, `DataError`, `StorageError`."""
    _check_table(options)
    given = [path for path in options.inputs if _is_model(path)]
    paths = [path for path in options.inputs if not _is_model(path)]
    if not given:
        gone = next((path for path in paths if not path.exists()), None)
        what = "No run is given" if gone is None else f"No run is given, and '{gone}' is not there"
        raise DataError(what, remedy="Begin with a run, a bag or a checkpoint: cxr-trainer predict lungs.cxr/runs/first FILES")
    with console.bar("Looking for images", shown=not options.json, lines=options.progress) as progress:
        return given, file_lists.chosen(paths, options.files_from, progress)


def members(path: Path) -> list[Path]:
    """The networks that a path stands for; says so where members of a bag are missing. Raises `RunError`, `DataError`."""
    found = bags.networks(path)
    if bags.meant(path) and len(found) < (planned := len((bag := bags.find(path)).plan().members)):
        console.note(f"Note: {bag.name}: only {len(found)} of {planned} members are trained; the others are left out.")
    return found


def _is_model(path: Path) -> bool:
    if path.is_dir():
        return bags.is_bag(path) or (path / "config.json").exists() or (path / "catalog.sqlite").exists()
    return path.suffix in (".safetensors", ".pt", ".pth") or (
        not path.exists() and path.parent.name in (runs.RUNS_FOLDER, bags.BAGS_FOLDER)
    )
