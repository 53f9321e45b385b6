"""What is known about each file of a source before any file is opened: from its table, or from its folders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainer import answers, columns, joins, mask_pairs, places, policies, readings, recognition, tables
from trainer import rows as rows_of_files
from trainer.columns import Columns, Row
from trainer.errors import DataError, StorageError, did_you_mean
from trainer.layouts import KEYS, LAYOUTS
from trainer.policies import ALL_NO, NOTHING_SAID, Policies
from trainer.records import PART_WORDS

CHOICES = ("auto", "table", "folders", "flat", *KEYS)
"""Layouts that can be asked for; "auto" is what is recognised."""

_SHOWN = 3
_FIRST_TABLES = ("manifest", "metadata", "labels", "data")


@dataclass(frozen=True)
class Table:
    """A table that was read: how many files it names, whether it states findings, and whether it states facts.

    `header` are its columns, and `columns` says what each was taken for.
    """

    path: Path
    named: int
    findings: bool
    facts: bool
    header: tuple[str, ...] = ()
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True)
class Labelling:
    """What is known about the files of one source.

    `rows` maps paths to what is said of them (its `path` is the file's own); `left_out` maps paths to why
    they are not, `refused` are table rows and why, `unmatched` table paths without a file; `findings` in stored order;
    `layout` says in words what was recognised; `recognised` is the key of a known layout ("" is none), `why` the evidence
    for it in sentences. `masks` maps an image to its masks, each with what it shows and its path from the source. `matters` are
    the fields of `Policies` that change something here, `patient_from` says where the patient comes from if from no column.
    """

    rows: Mapping[str, Row]
    findings: tuple[str, ...]
    layout: str
    refused: tuple[tuple[str, str], ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()
    table: Table | None = None
    notes: tuple[str, ...] = ()
    recognised: str = ""
    why: tuple[str, ...] = ()
    masks: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    matters: tuple[str, ...] = ()
    patient_from: str = ""


@dataclass(frozen=True)
class Asked:
    """What the user asked for: a layout (one of `CHOICES`), a table, columns ("" is guessed), policies.

    What is not said ("", None) is as at the last import of the source. A layout or a table begins anew: all but the policies of
    the last import is forgotten.
    """

    layout: str = ""
    table: Path | None = None
    columns: Columns = field(default_factory=Columns)
    policies: Policies = NOTHING_SAID

    def after(self, last: "Asked") -> "Asked":
        """What holds, where `last` held at the last import of the source (`FIRST`: there was none)."""
        policies = self.policies.after(last.policies)
        if self.layout or self.table:
            return Asked(self.layout or "auto", self.table, self.columns, policies)
        if self.columns == Columns():
            return replace(last, policies=policies)
        named = {name: value for name, value in vars(self.columns).items() if value}
        layout = "auto" if last.layout in ("folders", "flat") else last.layout
        return Asked(layout, last.table, replace(last.columns, **named), policies)


FIRST = Asked("auto", policies=Policies())
"""What holds at the first import of a source if nothing is asked for."""


def checked(asked: Asked) -> Asked:
    """Refuse what cannot be, before anything is read. Raises `DataError`."""
    if asked.layout and asked.layout not in CHOICES:
        raise DataError("There is no such layout", where=asked.layout, remedy=did_you_mean(asked.layout, CHOICES))
    if wrong := asked.policies.wrong():
        name, value = wrong
        known = [choice for choice, _ in policies.CHOICES[name]]
        raise DataError(f"There is no such policy for '{name}'", where=value, remedy=did_you_mean(value, known))
    if asked.table and asked.layout in ("folders", "flat"):
        raise DataError(f"The layout '{asked.layout}' takes no table", where=asked.table, remedy="Leave one of the two out.")
    return asked


def label(root: Path, listing: places.Listing, asked: Asked) -> Labelling:
    """Find out what is said about the files of a source. Raises `DataError` and `StorageError` for what was asked for."""
    asked = asked.after(FIRST)
    said = _with_policies(_labelled(root, listing, asked), asked.policies)
    # A mask of what a layout knows, or of a finding, is told apart from others by its folder.
    other = next((layout.mask for layout in LAYOUTS if layout.key == said.recognised), "mask")
    findings = () if said.recognised else said.findings
    apart = {*PART_WORDS, *(word for name in said.findings for word in name.split("/"))}
    drawn = (found.path for found in listing.masks)
    masks = mask_pairs.paired(said.rows, drawn, findings=findings, apart=apart, other=other)
    return replace(said, masks=masks) if masks else said


def _labelled(root: Path, listing: places.Listing, asked: Asked) -> Labelling:
    paths = [found.path for found in listing.files]
    if asked.layout == "flat":
        return Labelling({path: Row(0, path) for path in paths}, (), "images without labels, as asked")
    if asked.layout in KEYS:
        return _of_layout(root, paths, listing, asked)
    known, notes = _recognised(root, paths, listing, asked) if asked.layout == "auto" else (None, [])
    if known and known.table:
        return known
    by_folder = _from_folders(paths, places.folders(paths))
    if asked.layout == "folders":
        return by_folder
    if asked.table:
        return _from_table(root, asked.table, asked, by_folder)
    own, more = _own_table(root, listing, asked, by_folder)
    if own is None and (asked.layout == "table" or asked.columns != Columns()):
        return _demanded(root, listing, asked, by_folder)
    if known and (own is None or not own.findings):
        return known
    labelling = own or by_folder
    beside = [] if len(labelling.findings) > 1 else _beside(root)
    return replace(labelling, notes=(*labelling.notes, *notes, *more, *beside))


def _of_layout(root: Path, paths: Sequence[str], listing: places.Listing, asked: Asked) -> Labelling:
    """The layout that the user asked for. Raises `DataError` where the source is not laid out so."""
    seen, layout = listing.tables, next(layout for layout in LAYOUTS if layout.key == asked.layout)
    for found in recognition.candidates(root, paths, seen, table=asked.table, keys={layout.key}):
        if said := readings.read(found, root, paths, asked.policies, asked.columns):
            return _as_labelling(found, said)
    remedy = f"It is known by {layout.signs()}. Choose the folder that holds all of it, or --layout auto."
    raise DataError(f"The images do not lie as those of {layout.name} do", where=asked.table or root, remedy=remedy)


def _recognised(root: Path, paths: Sequence[str], listing: places.Listing, asked: Asked) -> tuple[Labelling | None, list[str]]:
    """The public dataset that at least half of the images are of, if they are; and notes on others."""
    best: tuple[int, Labelling] | None = None
    notes: list[str] = []
    for found in recognition.candidates(root, paths, listing.tables, table=asked.table):
        try:
            said = readings.read(found, root, paths, asked.policies, asked.columns)
        except DataError:  # it has not the columns that the user named, so another table is meant
            continue
        if said and said.further:
            notes.append(
                f"the folders are named as those of {found.layout.name}, but {', '.join(said.further[:3])} is none of them; "
                f"--layout {found.layout.key} takes the others so"
            )
        elif said and said.named * 2 >= len(paths) and (best is None or said.named > best[0]):
            best = said.named, _as_labelling(found, said)
        elif said:
            share = f"{said.named} of {len(paths)} images are of {found.layout.name}"
            notes.append(f"{share}; import their folder by itself to have them read so")
    return (best[1] if best else None), notes


def _as_labelling(found: recognition.Recognised, said: readings.Said) -> Labelling:
    table = None
    if said.table:
        table = Table(said.table, said.named, bool(said.findings), True, said.header, said.columns)
    return Labelling(
        rows=said.rows,
        findings=said.findings,
        layout=said.how,
        refused=said.refused,
        left_out=said.left_out,
        unmatched=said.unmatched,
        table=table,
        notes=said.notes,
        recognised=found.layout.key,
        why=found.why,
        matters=said.matters,
        patient_from=said.patient_from,
    )


def _with_policies(said: Labelling, policies: Policies) -> Labelling:
    """For what is no known layout: the statement of no finding as the policy has it, and in words what is not as usual."""
    if said.recognised:
        return said
    none = answers.no_findings(said.findings)
    matters = (*said.matters, *(("no_finding",) if none else ()))
    if none and policies.no_finding == ALL_NO:
        labels = answers.all_no((row.labels for row in said.rows.values()), said.findings, none)
        rows = {path: replace(row, labels=one) for (path, row), one in zip(said.rows.items(), labels, strict=True)}
        said = replace(said, rows=rows, findings=tuple(name for name in said.findings if name not in none))
    usual = Policies()
    told = [name for name in matters if name == "readers" or getattr(policies, name) != getattr(usual, name)]
    return replace(said, layout="; ".join([said.layout, *([policies.in_words(*told)] if told else [])]), matters=matters)


def _from_folders(paths: Sequence[str], folders: places.Folders) -> Labelling:
    stated = answers.listed((frozenset({name} if name else ()) for name in folders.findings_of), folders.findings)
    rows = {
        path: Row(0, path, labels, part=part) for path, labels, part in zip(paths, stated, folders.parts_of, strict=True)
    }  # fmt: skip
    return Labelling(rows, folders.findings, folders.how)


def _own_table(root: Path, listing: places.Listing, asked: Asked, by_folder: Labelling) -> tuple[Labelling | None, list[str]]:
    """The table at the top of a source that says something on at least half of its images, if one does; and notes."""
    found: list[tuple[Table, Labelling]] = []
    notes: list[str] = []
    for path in sorted(listing.tables_at_top(root), key=_preference):
        try:
            labelling = _from_table(root, path, asked, by_folder)
        except (DataError, StorageError) as error:  # this one is no table of images; perhaps another is
            notes += [f"{path.name} was not used: {error.what[:1].lower()}{error.what[1:]}"] if _may_be_meant(path) else []
            continue
        table = labelling.table
        if not table or not (table.findings or table.facts):
            continue
        if table.named * 2 >= len(listing.files):
            found.append((table, labelling))
        elif table.named:
            notes.append(f"{path.name} names only {table.named} of {len(listing.files)} images; --labels takes it all the same")
        elif _may_be_meant(path):
            notes.append(f"{path.name} was not used: it names none of the images")
    if not found:
        inside = [path.relative_to(root).as_posix() for path in listing.tables if path.parent != root and _may_be_meant(path)]
        notes += [f"tables inside of folders were not used: {', '.join(inside[:_SHOWN])}; --labels takes one"] if inside else []
        return None, notes
    best, labelling = max(found, key=lambda pair: (pair[0].findings, pair[0].named))
    others = [table.path.name for table, _ in found if table is not best]
    if others:
        notes.append(f"labels were taken from {best.path.name}; --labels takes another: {', '.join(others)}")
    return labelling, notes


def _beside(root: Path) -> list[str]:
    """A note on the tables beside a folder about whose images nothing is known: perhaps an inner folder was chosen."""
    try:
        found = sorted(path.name for path in root.parent.iterdir() if tables.is_table(path) and _may_be_meant(path))
    except OSError:
        return []
    more = ", ..." if len(found) > _SHOWN else ""
    return [f"tables beside this folder were not used: {', '.join(found[:_SHOWN])}{more}; --labels takes one"] if found else []


def _may_be_meant(path: Path) -> bool:
    """Whether to tell of a table that is not used: a text may be anything."""
    return path.suffix.casefold() != ".txt"


def _preference(path: Path) -> tuple[int, str]:
    stem = path.stem.casefold()
    return (_FIRST_TABLES.index(stem) if stem in _FIRST_TABLES else len(_FIRST_TABLES)), path.name


def _demanded(root: Path, listing: places.Listing, asked: Asked, by_folder: Labelling) -> Labelling:
    """The user wants a table and none fits: say what is wrong with the likeliest one."""
    if not listing.tables_at_top(root):
        raise DataError("There is no table at the top of this folder", where=root, remedy="Name it with --labels.")
    return _from_table(root, min(listing.tables_at_top(root), key=_preference), asked, by_folder)


def _from_table(root: Path, path: Path, asked: Asked, by_folder: Labelling) -> Labelling:
    table = tables.read(path)
    chosen, notes = columns.chosen(table, asked.columns)
    reading = columns.understood(table, chosen, asked.policies)
    beside = path.absolute().parent
    inside = beside.relative_to(root).as_posix() if beside.is_relative_to(root) else ""
    found = joins.joined([row.path for row in reading.rows], by_folder.rows, root=root.as_posix(), beside=inside)
    # Where readers are named, each may have several rows, one for each of what was seen.
    merged = rows_of_files.merged(reading.rows, found.files, asked.policies, boxes=bool(chosen.reader))
    rows, left_out = merged.rows, merged.refused
    if left_out:
        notes.append(f"{path.name} says two different things about {len(left_out)} images, for example {next(iter(left_out))}")
    told = zip(reading.rows, found.files, found.doubts, strict=True)
    unmatched = tuple(row.path for row, file, doubt in told if not file and not doubt)
    refused = [(f"{path.name}, line {line.number}", "the row has more cells than the header") for line in table.ragged]
    doubtful = zip(reading.rows, found.doubts, strict=True)
    refused += [(f"{path.name}, line {row.line}: {row.path}", doubt) for row, doubt in doubtful if doubt]
    facts = any((chosen.patient, chosen.study, chosen.view, chosen.sex, chosen.age, chosen.source, chosen.part))
    named_files = len(rows)
    given = {file: part for file, row in rows.items() if not row.part and (part := by_folder.rows[file].part)}
    rows |= {file: replace(rows[file], part=part) for file, part in given.items()}
    layout = f"{path.name}: {reading.how}"
    unnamed = [file for file in by_folder.rows if file not in rows and file not in left_out]
    if not reading.findings:
        # A table of facts only adds to what the folders say, and leaves no file out.
        rows = {file: replace(row, labels=by_folder.rows[file].labels) for file, row in rows.items()}
        rows |= {file: by_folder.rows[file] for file in unnamed}
        layout, unnamed = f"{path.name} (facts, no labels); {by_folder.layout}", []
    return Labelling(
        rows=rows,
        findings=reading.findings or by_folder.findings,
        layout=layout,
        refused=tuple(refused),
        left_out=left_out | dict.fromkeys(unnamed, f"{rows_of_files.NOT_NAMED} {path.name}"),
        unmatched=unmatched,
        table=Table(path, named_files, bool(reading.findings), facts, table.header, chosen),
        notes=(*notes, *reading.notes),
        matters=(*(("uncertain",) if reading.uncertain else ()), *(("readers",) if merged.readers else ())),
    )
