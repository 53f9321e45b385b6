"""A table of predictions with the columns that somebody asks for ("File,Label"), one row for each file in the order given.

A column is NAME or NAME=CONTENT, under any name. Contents: file (as it was stated: its path in the folder that was given, or
its name), name (without folders), stem (without ending), path (the whole), finding (what was decided: multi-class the most
probable one, multi-label all that reach their thresholds, with " | " between), error; and for a finding of the network FINDING
(1 from its threshold on, else 0), p(FINDING) its probability and sd(FINDING) the spread between members.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.errors import ConfigError, DataError, did_you_mean
from trainer.verdicts import FilePrediction

_BY_NAME = {
    "file": "file",
    "filename": "file",
    "image": "file",
    "name": "name",
    "stem": "stem",
    "id": "stem",
    "path": "path",
    "label": "finding",
    "class": "finding",
    "finding": "finding",
    "error": "error",
}
"""What a column holds that says nothing but its name, in small letters."""
_PLAIN = ("file", "name", "stem", "path", "finding", "error")
_BETWEEN = " | "


@dataclass(frozen=True)
class Column:
    """One column: its name in the table, and its content."""

    name: str
    content: str


@dataclass(frozen=True)
class Asked:
    """What the network knows: its findings [K], its kind of task, and its thresholds (finding -> 0..1)."""

    findings: tuple[str, ...]
    task: str
    thresholds: Mapping[str, float]


def columns(text: str, findings: Sequence[str]) -> tuple[Column, ...]:
    """Read "File,Label=COVID-19"; a comma inside a finding is kept by quotation marks, as in CSV: File,"Label=Lung, other".

    Raises `ConfigError` for a column that is not known, without a name, or twice there.
    """
    found: dict[str, Column] = {}
    for part in next(csv.reader([text], skipinitialspace=True), None) or [""]:
        name, sign, content = (piece.strip() for piece in part.partition("="))
        wanted = content if sign else _BY_NAME.get(name.casefold(), name)
        if not name or not _known(wanted, findings):
            raise ConfigError(
                f"'{wanted}' is nothing that a column can hold", where=f"--columns {text}", remedy=_choices(wanted, findings)
            )
        if name in found:
            remedy = f"Give one of them another name, for example {name}2={wanted}."
            raise ConfigError(f"Two columns are called {name}", where=f"--columns {text}", remedy=remedy)
        found[name] = Column(name, wanted)
    return tuple(found.values())


def _choices(wanted: str, findings: Sequence[str]) -> str:
    """What a column can hold: the nearest, or all in short."""
    near = did_you_mean(wanted, [*_PLAIN, *findings, *(f"p({one})" for one in findings), *(f"sd({one})" for one in findings)])
    if near.startswith("Did"):
        return near
    one = findings[0]
    plain, rest = ", ".join(_PLAIN), ", ".join(findings)
    return f"There is: {plain}, and of each finding ({rest}) as {one}, p({one}), sd({one}). Columns are parted by commas."


def _known(content: str, findings: Sequence[str]) -> bool:
    return content in _PLAIN or _finding(content) in findings


def _finding(content: str) -> str:
    """The finding that a content is about."""
    for start in ("p(", "sd("):
        if content.startswith(start) and content.endswith(")"):
            return content[len(start) : -1]
    return content


def table(wanted: Sequence[Column], asked: Asked, predictions: Sequence[FilePrediction], stated: Sequence[str]) -> str:
    """CSV text (UTF-8, lines end with a line feed); `stated` is how each file was named.

    A file that could not be read has empty cells where it has no prediction.
    Raises `DataError` where a column needs a threshold that there is not, `ConfigError` as `columns`.
    """
    cells = [_cell(column.content, asked) for column in wanted]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in wanted])
    for one, name in zip(predictions, stated, strict=True):
        writer.writerow([cell(one, name) for cell in cells])
    return out.getvalue()


def _cell(content: str, asked: Asked) -> Callable[[FilePrediction, str], object]:
    """What writes a cell of this content."""
    about_files: dict[str, Callable[[FilePrediction, str], object]] = {
        "file": lambda one, stated: stated,
        "name": lambda one, stated: one.path.name,
        "stem": lambda one, stated: one.path.stem,
        "path": lambda one, stated: one.path,
        "error": lambda one, stated: one.error,
    }
    if content in about_files:
        return about_files[content]
    if content == "finding":
        _check(asked, asked.findings if asked.task == "multi-label" else ())
        return lambda one, stated: "" if one.error else decided(one, asked)
    finding = _finding(content)
    place = asked.findings.index(finding)
    if content.startswith("p("):
        return lambda one, stated: "" if one.error else f"{one.probabilities[place]:.6f}"
    if content.startswith("sd("):
        return lambda one, stated: "" if one.error else f"{one.spread[place]:.6f}"
    _check(asked, (finding,))
    level = asked.thresholds[finding]
    return lambda one, stated: "" if one.error else int(float(one.probabilities[place]) >= level)


def decided(one: FilePrediction, asked: Asked) -> str:
    """The findings of a file in one cell; all thresholds of a multi-label task must be there."""
    if asked.task == "multi-class":
        return asked.findings[int(one.probabilities.argmax())]
    pairs = zip(asked.findings, one.probabilities, strict=True)
    return _BETWEEN.join(name for name, p in pairs if float(p) >= asked.thresholds[name])


def _check(asked: Asked, needed: Sequence[str]) -> None:
    """Raise `DataError` where a threshold is missing."""
    if missing := [name for name in needed if name not in asked.thresholds]:
        raise DataError(
            f"The network has no threshold yet for {', '.join(missing)}",
            remedy="Evaluate the run or bag first (cxr-trainer evaluate), or ask for p(FINDING).",
        )


def stated(paths: Sequence[Path], inputs: Sequence[Path]) -> list[str]:
    """How each file was named: inside a folder that was given, by its path there with "/"; by itself, by its name."""
    folders = [one for one in inputs if one.is_dir()]
    names = []
    for path in paths:
        inside = next((folder for folder in folders if path.is_relative_to(folder)), None)
        names.append(path.relative_to(inside).as_posix() if inside else path.name)
    return names
