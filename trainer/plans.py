"""What an import is going to do: each source with its files, what is said about them, and what the project holds already."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from trainer import columns, labelling, places, relocate, tables, views
from trainer.catalog import FILE, Catalog, Entry
from trainer.errors import DataError, command_line, counted
from trainer.labelling import FIRST, Asked, Labelling
from trainer.layouts import KEYS
from trainer.policies import Policies
from trainer.rows import NOT_NAMED


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
    again: bool = False
    """Whether it is read as at its last import, since neither a layout nor a table was asked for."""


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
    begun_anew = bool(asked.layout or asked.table)
    before = _as_last_time(last, forget=begun_anew) if last else FIRST
    asked = asked.after(before)
    if only and last:  # the table of their folder speaks of them too
        listing = replace(listing, tables=tuple(sorted(path for path in root.iterdir() if _is_table(path))))
    # Of single files nobody can say how their folder is laid out.
    alone = bool(only) and asked.layout in KEYS
    said = labelling.label(root, listing, replace(asked, layout="auto") if alone else asked)
    if not begun_anew and before != FIRST:
        said = replace(
            said, notes=(*said.notes, f"{root.name} was read as in its last import; name a table or a layout to change that")
        )
    if only and last and not asked.table:
        said = replace(said, unmatched=())  # it names all images of the folder
    return Plan(root, only, listing, said, known, asked, again=bool(last) and not begun_anew)


def _is_table(path: Path) -> bool:
    return tables.is_table(path.name) and path.is_file()


def _known(project: Path, root: Path) -> tuple[dict[str, Entry], dict[str, Any]]:
    """What the project holds of a source, and how it was imported last."""
    if not (project / FILE).is_file():
        return {}, {}
    with Catalog.open(project) as catalog:
        places.check_nesting([root], [folder for folder in catalog.folders() if folder != root])
        known = catalog.known(root)
        if not known and (moved := relocate.recognised(catalog, root)):
            raise DataError(
                f"These are the images of {moved.root}, which are not at that place any more",
                where=root,
                remedy=f"To go on with them and all that is known of them: {command_line('relocate', project, root)}",
            )
        return known, catalog.options(root)


def _as_last_time(last: dict[str, Any], *, forget: bool = False) -> Asked:
    """What held at the last import; `forget`: the policies alone. Raises `DataError` if its table is not there any more."""
    # Projects made before there were policies have none stored.
    policies = Policies(**last.get("policies", {}))
    if forget:
        return replace(FIRST, policies=policies)
    table = Path(last["table"]) if last["table"] else None
    if table and not table.is_file():
        raise DataError(
            "The table of the last import is not there any more",
            where=table,
            remedy="Name it with --labels, or choose --layout folders.",
        )
    named = last["columns"]
    chosen = columns.Columns(**{**named, "labels": tuple(named["labels"])})
    return Asked(last["layout"], table, chosen, policies)


def check_tables(plans: Sequence[Plan]) -> None:
    """Refuse tables none of which names a file. Raises `DataError`."""
    read = [plan.said.table for plan in plans if plan.said.table]
    if read and not any(table.named for table in read):
        raise DataError(
            "No row of the table names a file of the source",
            where=read[0].path,
            remedy="Name the right column with --path-column.",
        )


def question(plan: Plan) -> str:
    """What to ask before a source is read in another way than at its last import although nobody said so; "" if it is not.

    A table that was moved away or cut short would otherwise take all answers of the source along.
    """
    now = set(plan.said.findings)
    before = {name: None for entry in plan.known.values() if not entry.gone for name in entry.labels}
    if not plan.again or plan.only or not before or now & before.keys():
        return ""
    others = f"get the findings {_some(plan.said.findings)} instead of" if now else "lose its findings"
    why = f" ({plan.said.notes[0]})" if plan.said.notes and not now else ""
    return f"Read in the same way as last time, {plan.root.name} would {others} {_some(list(before))}{why}"


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:4], *(["..."] if len(names) > 4 else [])])


def check_questions(plans: Sequence[Plan]) -> None:
    """Refuse what `question` asks. Raises `DataError`."""
    for plan in plans:
        if asked := question(plan):
            remedy = "If a table was moved or changed, put it back, or name it with --labels. If this is right: --layout auto."
            raise DataError(asked, where=plan.root, remedy=f"Nothing was changed. {remedy}")


def unsaid(plan: Plan, old: Entry) -> Entry:
    """An image of the project of which nothing is said now: as it was known, but what is no image any more states nothing."""
    return replace(old, labels={}) if old.labels and _is_left_out(plan, old) else old


def _is_left_out(plan: Plan, old: Entry) -> bool:
    why = plan.said.left_out.get(old.path, "")
    return bool(why) and not plan.only and not why.startswith(NOT_NAMED)


def _known_left_out(plan: Plan) -> list[str]:
    """Sentences on images of the project that are left out now."""
    there = [old for path in plan.said.left_out if not plan.only and (old := plan.known.get(path)) and not old.gone]
    out = [old for old in there if _is_left_out(plan, old)]
    unnamed = len(there) - len(out)
    told = []
    if out:
        told.append(
            f"{counted(len(out), 'image')} of the project would be left out now, and no finding is stated of them any more; "
            f"the first: {out[0].path} ({plan.said.left_out[out[0].path]})"
        )
    if unnamed:
        words = ("is", "it") if unnamed == 1 else ("are", "them")
        told.append(
            f"{counted(unnamed, 'image')} of the project {words[0]} not named in the table; what was known of {words[1]} stays"
        )
    return told


def good_to_know(plan: Plan) -> list[str]:
    """What to know of a source, in sentences: of what is said about its images, of its files, of masks without an image."""
    return [*_known_left_out(plan), *_of_files(plan)]


def _of_files(plan: Plan) -> list[str]:
    kept = {path for masks in plan.said.masks.values() for _, path in masks}
    if not kept:
        return [*plan.said.notes, *plan.listing.notes]
    told = [note for note in plan.listing.notes if not note.endswith(("mask", "masks"))]  # they were not passed over
    lost = len(plan.listing.masks) - len(kept)
    told += [f"{counted(lost, 'mask')} {'belongs' if lost == 1 else 'belong'} to no image that is taken"] if lost > 0 else []
    return [*plan.said.notes, *told]


def with_row(entry: Entry, row: columns.Row, source: str, masks: Sequence[tuple[str, str]] = ()) -> Entry:
    """Add what table or folders say, and the image's masks; where they are silent, what the file itself says."""
    return Entry(**{**vars(entry), **told(entry.facts, row, source, masks, entry.by_hand)})


def told(
    facts: str, row: columns.Row, source: str, masks: Sequence[tuple[str, str]], by_hand: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Fields of the entry of an image of which a row and its own facts (JSON) are known.

    A mapping: `dataclasses.replace` would take most of the time of an import of 200,000 files.
    """
    said = _facts(facts)
    return {
        "patient": row.patient or ("" if row.anonymous else said.get("patient", "")),
        "study": row.study or said.get("study", ""),
        "view": row.view or said["view"],
        "sex": row.sex or said["sex"],
        "age": row.age if row.age is not None else said.get("age"),
        "source": row.source or source,
        "part_given": row.part,
        "masks": tuple(sorted(masks)),
        "labels": {n: v for n, v in row.labels.items() if n not in by_hand} if by_hand else row.labels,
    }


@lru_cache(maxsize=256)
def _facts(text: str) -> Mapping[str, Any]:
    """What a file says about itself, in the catalog's words; thousands of pictures say the same."""
    said: dict[str, Any] = json.loads(text)
    view = columns.view(said.get("view", "")) or views.described(said.get("described", ""))
    return said | {"view": view, "sex": columns.sex(said.get("sex", ""))}
