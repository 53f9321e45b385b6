"""What an import would take, before it is made: no image is decoded, and nothing is written.

All counts are those that the import itself will come to, but for files that turn out not to be readable, and for what only the
DICOM headers of the files say: these are read for the examples alone.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainer import columns, elements, images, plans, tables
from trainer.catalog import Entry, project_folder
from trainer.columns import Columns, Row
from trainer.errors import DataError, Progress, TrainerError
from trainer.labelling import FIRST, Asked
from trainer.layouts import LAYOUTS
from trainer.places import Found
from trainer.plans import Plan, Refused

EXAMPLES = 20


@dataclass(frozen=True)
class Looked:
    """One source: its image files, what was recognised in words, and its table with what each column was taken for.

    `tables` are all that lie at its top; `table` is the one that is used, with its `header`; without one both are empty.
    `recognised` is the name of a known dataset and `key` that of its layout ("" is none), `why` the evidence for it in
    sentences, and `notes` what to know of it and of what was found. `matters` names the policies that change something here
    (how they are set stands in `layout`); `masks` counts by kind those that are kept beside images to be taken.
    """

    root: Path
    files: int
    layout: str
    tables: tuple[Path, ...]
    table: Path | None
    header: tuple[str, ...]
    columns: Columns
    key: str = ""
    recognised: str = ""
    why: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    masks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What an import would do. Where it cannot be done as asked, `problem` says why, and the counts are empty.

    `files` are image files; `new` are those that the project does not hold, `known` those that it holds already, of which
    `relabelled` will be described otherwise than now; `gone` are images of the project whose files are there no more.
    `findings` maps a name to its images (yes, no, not stated) among those to be taken, `patients` counts those that are known
    before any file is opened, `patient_from` says in words where the patient comes from. `examples` are the first images
    as they will be stored. `asked` is what holds: of an import without choices that of the last one. `questions` are
    sentences on what an import without choices refuses to do, and one with all of `asked` does.
    """

    project: Path
    sources: tuple[Looked, ...]
    files: int = 0
    new: int = 0
    known: int = 0
    relabelled: int = 0
    gone: int = 0
    findings: tuple[tuple[str, tuple[int, int, int]], ...] = ()
    patients: int = 0
    patient_unknown: int = 0
    patient_from: str = ""
    examples: tuple[Entry, ...] = ()
    refused: tuple[Refused, ...] = ()
    unmatched: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: TrainerError | None = None
    asked: Asked = FIRST
    questions: tuple[str, ...] = ()

    @property
    def taken(self) -> int:
        """Images that the import will look at and keep if they can be read."""
        return self.new + self.known


def run(project: Path, sources: Sequence[Path], asked: Asked | None = None, progress: Progress | None = None) -> Preview:
    """Look at folders and files as an import of them into a project would (see `importer.run`); nothing is changed.

    Raises `DataError` and `StorageError` where no choice of table or columns could help.
    """
    folder, asked = project_folder(project), asked or Asked()
    try:
        found = plans.planned(folder, sources, asked)
    except DataError as error:
        looked = _table_alone(asked, sources)
        if looked is None:
            raise
        return Preview(folder, (looked,), problem=error, asked=asked)
    looked_at = tuple(map(_looked, found))
    try:
        plans.check_tables(found)
    except DataError as error:
        return Preview(folder, looked_at, sum(one.files for one in looked_at), problem=error, asked=found[0].asked)
    if progress:
        progress(0, 0)
    return _counted(folder, found, looked_at)


def _looked(plan: Plan) -> Looked:
    table = plan.said.table
    known = next((layout for layout in LAYOUTS if layout.key == plan.said.recognised), None)
    traps = known.notes if known else ()
    return Looked(
        root=plan.root,
        files=len(plan.listing.files),
        layout=plan.said.layout,
        tables=plan.listing.tables_at_top(plan.root),
        table=table.path if table else None,
        header=table.header if table else (),
        columns=table.columns if table else Columns(),
        key=plan.said.recognised,
        recognised=known.name if known else "",
        why=plan.said.why,
        notes=tuple(sorted(dict.fromkeys(plans.good_to_know(plan)), key=lambda note: note not in traps)),
        matters=plan.said.matters,
        masks=_masks(plan),
    )


def _masks(plan: Plan) -> dict[str, int]:
    """Masks by kind, the most frequent first, beside the images that the import will take."""
    images = (file.path for file, *_, why in _sorted(plan) if not why)
    return dict(Counter(kind for path in images for kind, _ in plan.said.masks.get(path, ())).most_common())


def _table_alone(asked: Asked, sources: Sequence[Path]) -> Looked | None:
    """The table that was asked for, where it can be read but not be understood: other columns may help."""
    if asked.table is None:
        return None
    try:
        table = tables.read(asked.table)
    except TrainerError:
        return None
    try:
        chosen = columns.chosen(table, asked.columns)[0]
    except DataError:  # a column that this table has not
        chosen = columns.chosen(table, Columns())[0]
    return Looked(Path(sources[0]), 0, "", (asked.table,), asked.table, table.header, chosen)


def _counted(project: Path, found: Sequence[Plan], looked: tuple[Looked, ...]) -> Preview:
    taken: list[tuple[Plan, Found, Entry | None, Row | None]] = []
    refused: list[Refused] = []
    for plan in found:
        for file, old, row, why in _sorted(plan):
            if why:
                refused.append(Refused(file.path, why))
            else:
                taken.append((plan, file, old, row))
        refused += [Refused(path, why) for path, why in (*plan.listing.refused, *plan.said.refused)]
    entries = [_entry(plan, file, old, row) for plan, file, old, row in taken]
    known = [old for _, _, old, _ in taken if old is not None]
    examples = tuple(_as_stored(*one) for one in taken[:EXAMPLES])
    patients = [entry.patient for entry in entries]
    unmatched = [set(plan.said.unmatched) for plan in found]
    nowhere = set.intersection(*unmatched) if all(plan.said.table for plan in found) else set.union(*unmatched)
    return Preview(
        project=project,
        sources=looked,
        files=sum(one.files for one in looked),
        new=len(taken) - len(known),
        known=len(known),
        relabelled=sum(old is not None and entry != old for entry, (_, _, old, _) in zip(entries, taken, strict=True)),
        gone=sum(_gone(plan) for plan in found),
        findings=_findings(found, entries),
        patients=len(set(patients) - {""}),
        patient_unknown=patients.count(""),
        patient_from=_patient_from(found, examples, patients),
        examples=examples,
        refused=tuple(refused),
        unmatched=tuple(path for path in dict.fromkeys(p for plan in found for p in plan.said.unmatched) if path in nowhere),
        warnings=tuple(dict.fromkeys(note for plan in found for note in plans.good_to_know(plan))),
        asked=found[0].asked,
        questions=tuple(filter(None, map(plans.question, found))),
    )


def _sorted(plan: Plan) -> Iterator[tuple[Found, Entry | None, Row | None, str]]:
    """Each file with what the project holds of it, what is said of it, and why it will be refused ("" if it will not)."""
    for file in plan.listing.files:
        row, old = plan.said.rows.get(file.path), plan.known.get(file.path)
        why = plan.said.left_out[file.path] if row is None and old is None else ""
        if not why and file.bytes == 0:
            why = "The file is empty"
        elif not why and file.bytes > images.MAX_BYTES:
            why = "The file is too large to be a radiograph"
        yield file, old, row, why


def _entry(plan: Plan, file: Found, old: Entry | None, row: Row | None) -> Entry:
    """The image as it will be stored, as far as that can be known without opening its file."""
    entry = old or Entry(file.path, "", file.bytes, file.modified, 0, 0, facts="{}")
    if row is None:
        return plans.unsaid(plan, entry)
    silent = old is not None and plan.only and not plan.said.table
    return entry if silent else plans.with_row(entry, row, plan.root.name, plan.said.masks.get(file.path, ()))


def _as_stored(plan: Plan, file: Found, old: Entry | None, row: Row | None) -> Entry:
    """The same with what a DICOM header says."""
    if old is not None:
        return _entry(plan, file, old, row)
    said = {name: value for name, value in elements.facts(plan.root / file.path).items() if value not in ("", None)}
    blank = Entry(file.path, "", file.bytes, file.modified, 0, 0, facts=json.dumps(said))
    return plans.with_row(blank, row, plan.root.name, plan.said.masks.get(file.path, ())) if row else blank


def _gone(plan: Plan) -> int:
    present = {file.path for file in plan.listing.files}
    scope = {path.relative_to(plan.root).as_posix() for path in plan.only} or plan.known.keys()
    return sum(path in plan.known and not plan.known[path].gone for path in scope - present)


def _findings(found: Sequence[Plan], entries: Sequence[Entry]) -> tuple[tuple[str, tuple[int, int, int]], ...]:
    counts = Counter((name, value) for entry in entries for name, value in entry.labels.items())
    names = dict.fromkeys([*(name for plan in found for name in plan.said.findings), *(name for name, _ in counts)])
    answers = {name: (counts[name, 1], counts[name, 0]) for name in names}
    return tuple((name, (yes, no, len(entries) - yes - no)) for name, (yes, no) in answers.items() if yes or no)


def _patient_from(found: Sequence[Plan], examples: Sequence[Entry], patients: Sequence[str]) -> str:
    named = dict.fromkeys(
        f"the column '{plan.said.table.columns.patient}' of {plan.said.table.path.name}"
        for plan in found
        if plan.said.table and plan.said.table.columns.patient
    )
    told = [*named, *dict.fromkeys(plan.said.patient_from for plan in found if plan.said.patient_from)]
    if any(entry.patient and not patient for entry, patient in zip(examples, patients, strict=False)):
        told.append("the DICOM header of each file")
    if told:
        return ", else ".join(told)
    if any(patients):
        return "what the project knows already"
    return "nowhere: each image will count as a patient of its own"
