"""What an import is going to do: each source with its files, what is said about them, and what the project holds already."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trainer import columns, labelling, places
from trainer.catalog import FILE, Catalog, Entry
from trainer.errors import DataError
from trainer.labelling import Asked, Labelling


@dataclass(frozen=True)
class Refused:
    """A file or table row that was left out, and why in words."""

    path: str
    why: str


@dataclass(frozen=True)
class Plan:
    """One source, before any of its images is opened."""

    root: Path
    only: tuple[Path, ...]
    listing: places.Listing
    said: Labelling
    known: Mapping[str, Entry]
    asked: Asked


def planned(project: Path, sources: Sequence[Path], asked: Asked) -> list[Plan]:
    """Look at folders and single files that are to be imported. Raises `DataError` and `StorageError`."""
    asked = labelling.checked(replace(asked, table=asked.table.absolute() if asked.table else None))
    places.check_project(project)
    return [_planned(project, root, only, asked) for root, only in places.roots(project, sources).items()]


def _planned(project: Path, root: Path, only: tuple[Path, ...], asked: Asked) -> Plan:
    listing = places.listing(root, only)
    if not listing.files:
        raise DataError("There are no images in this folder", where=root, remedy="It takes PNG, JPEG, TIFF and DICOM files.")
    known, last = _known(project, root)
    asked, note = (_as_last_time(last), True) if last and asked == Asked() else (asked, False)
    said = labelling.label(root, listing, asked)
    if note and asked != Asked():
        said = replace(
            said, notes=(*said.notes, f"{root.name} was read as in its last import; name a table or a layout to change that")
        )
    return Plan(root, only, listing, said, known, asked)


def _known(project: Path, root: Path) -> tuple[dict[str, Entry], dict[str, Any]]:
    """What the project holds of a source, and how it was imported last."""
    if not (project / FILE).is_file():
        return {}, {}
    with Catalog.open(project) as catalog:
        places.check_nesting([root], [folder for folder in catalog.folders() if folder != root])
        return catalog.known(root), catalog.options(root)


def _as_last_time(last: dict[str, Any]) -> Asked:
    table = Path(last["table"]) if last["table"] else None
    if table and not table.is_file():
        raise DataError(
            "The table of the last import is not there any more",
            where=table,
            remedy="Name it with --labels, or choose --layout folders.",
        )
    named = last["columns"]
    return Asked(last["layout"], table, columns.Columns(**{**named, "labels": tuple(named["labels"])}))


def check_tables(plans: Sequence[Plan]) -> None:
    """Refuse tables none of which names a file. Raises `DataError`."""
    read = [plan.said.table for plan in plans if plan.said.table]
    if read and not any(table.named for table in read):
        raise DataError(
            "No row of the table names a file of the source",
            where=read[0].path,
            remedy="Name the right column with --path-column.",
        )


def with_row(entry: Entry, row: columns.Row, source: str) -> Entry:
    """Add what table or folders say; where they are silent, what the file itself says."""
    said: dict[str, Any] = json.loads(entry.facts)
    return replace(
        entry,
        patient=row.patient or said.get("patient", ""),
        study=row.study or said.get("study", ""),
        view=row.view or columns.view(said.get("view", "")),
        sex=row.sex or columns.sex(said.get("sex", "")),
        age=row.age if row.age is not None else said.get("age"),
        source=row.source or source,
        part_given=row.part,
        labels={name: value for name, value in row.labels.items() if name not in entry.by_hand},
    )
