"""The datasets of the reproduction, laid out as folders of images with one table each, made from the real test data.

Where the data of an original are not at hand, the nearest real stand-in is taken; `SETS` says which.
"""

import csv
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

COVID, PNEUMONIA, NORMAL = "COVID-19", "Pneumonia", "Normal"
_OF_DARKCOVID = {"Covid-19": COVID, "Pneumonia": PNEUMONIA, "No_findings": NORMAL}
_OF_LUNDIS = {"covid": COVID, "normal": NORMAL, "pneumonia": PNEUMONIA, "tuberculosis": "Tuberculosis"}
FEWEST_PATIENTS = 3
"""A fine finding of fewer patients cannot be in the training and the test part of each of three folds."""
QUICK = 16
"""Images of each label with --quick."""


@dataclass(frozen=True)
class Row:
    """One image: its file, label, patient ("" unknown), view, and what the original file was (width, height, mode, format)."""

    file: Path
    label: str
    patient: str
    view: str
    original: tuple[int, int, str, str]


def darkcovid(data: Path) -> list[Row]:
    """All 1,125 images of Ozturk et al."""
    folder = data / "darkcovid"
    return [
        _row(folder / one["path"], _OF_DARKCOVID[one["label"]], one["patient_id"], one)
        for one in _table(folder / "manifest.csv")
    ]


def thinned(data: Path) -> list[Row]:
    """A: 28 COVID to 400 normal to 200 pneumonia, as in the original; patient after patient, at random."""
    rows = darkcovid(data)
    wanted = {NORMAL: 500, PNEUMONIA: 250, COVID: 35}
    patients: dict[str, list[Row]] = {}
    for row in rows:
        patients.setdefault(row.patient, []).append(row)
    names = sorted(patients)
    random.Random(42).shuffle(names)
    kept: list[Row] = []
    for name in names:
        for row in patients[name]:
            if wanted[row.label]:
                wanted[row.label] -= 1
                kept.append(row)
    return kept


def tree(data: Path) -> list[Row]:
    """B: ieee8023 with its paths, PA views; COVID-19 from darkcovid too; fine findings with enough patients, and no finding."""
    folder = data / "external"
    paths = {(one["folder"], one["filename"]): one["finding"] for one in _table(folder / "cohen" / "metadata.csv")}
    rows = []
    for one in _table(folder / "manifest.csv"):
        file = folder / one["path"]
        if one["path"].startswith("cohen/") and one["view"] == "PA":
            rows.append(_row(file, paths.get((file.parent.name, file.name), ""), one["patient_id"], one))
    covid = next(row.label for row in rows if row.label.endswith("/COVID-19"))
    rows += [
        Row(row.file, covid, row.patient, row.view, row.original)
        for row in darkcovid(data)
        if row.label == COVID and row.view == "PA"
    ]
    fine = {row.label for row in rows if row.label.count("/") == 2 or row.label == "No Finding"}
    patients = {label: len({row.patient for row in rows if row.label == label}) for label in fine}
    return [row for row in rows if patients.get(row.label, 0) >= FEWEST_PATIENTS]


def one_against_rest(data: Path) -> list[Row]:
    """C: COVID-19 against everything else, 1 to 8."""
    return [
        Row(row.file, COVID if row.label == COVID else "Other", row.patient, row.view, row.original) for row in darkcovid(data)
    ]


def two_collections(data: Path) -> list[Row]:
    """D: darkcovid and the images of the COVID-19 Radiography and TB databases, whose patients are not known."""
    folder = data / "external"
    more = [one for one in _table(folder / "manifest.csv") if one["path"].startswith("lundis/")]
    return darkcovid(data) + [_row(folder / one["path"], _OF_LUNDIS[one["label"]], "", one) for one in more]


SETS: Mapping[str, Callable[[Path], list[Row]]] = {
    "darkcovid": darkcovid,
    "thinned": thinned,
    "tree": tree,
    "covid-or-not": one_against_rest,
    "two-collections": two_collections,
}


def rows_of(name: str, data: Path, *, quick: bool) -> list[Row]:
    """The images of a set; with `quick` a few of each label."""
    rows, seen = SETS[name](data), Counter[str]()
    if not quick:
        return rows
    kept = []
    for row in rows:
        seen[row.label] += 1
        if seen[row.label] <= QUICK:
            kept.append(row)
    return kept


def laid_out(rows: list[Row], folder: Path) -> Path:
    """Put images and table into `folder`, which is then complete or not there; the table's path."""
    table = folder / "table.csv"
    if table.exists():
        return table
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "images").mkdir(parents=True)
    lines = [("path", "label", "patient", "view")]
    for number, row in enumerate(rows):
        name = f"images/{number:05}{row.file.suffix}"
        _put(row.file, part / name)
        lines.append((name, row.label, row.patient, row.view))
    with (part / table.name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
    part.rename(folder)
    return table


def _put(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(file, place)


def _row(file: Path, label: str, patient: str, one: Mapping[str, str]) -> Row:
    original = (int(one["orig_width"]), int(one["orig_height"]), one["orig_mode"], one["orig_format"])
    return Row(file, label, patient, one["view"], original)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
