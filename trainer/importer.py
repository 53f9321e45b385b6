"""Folders, single files and tables -> the catalog, and a report of what was taken, what was not, and why.

Each source is one transaction: importing again takes only what is new, changed or gone, and an import that is stopped or killed
leaves the catalog as it was before that source.
"""

import json
import math
import os
import shutil
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from trainer import columns, files, images
from trainer.catalog import Catalog, Entry, project_folder
from trainer.errors import DataError, ImageError, Progress, StorageError
from trainer.labelling import Asked
from trainer.places import Found
from trainer.plans import Plan, Refused, check_tables, planned, with_row

_AHEAD = 8
"""Files in work for each thread; more would only hold memory."""


@dataclass(frozen=True)
class Imported:
    """How an import went. `findings` (images with yes), and `patients` count the whole project as it is now.

    `taken` are new images, `changed` those whose content or labels are new, `gone` those whose file is there no more (they
    stay in the catalog with a flag); `unmatched` are table rows without a file; `layouts` says for each source what was
    recognised; `warnings` are sentences to show.
    """

    project: Path
    taken: int
    changed: int
    unchanged: int
    gone: int
    refused: tuple[Refused, ...]
    unmatched: tuple[str, ...]
    findings: dict[str, int]
    patients: int
    layouts: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "project": str(self.project)}


@dataclass
class _Outcome:
    """What came of one source."""

    entries: list[Entry] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    taken: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def accepted(self) -> int:
        """Images of the source that are fine."""
        return self.taken + self.changed + self.unchanged


def run(
    project: Path,
    sources: Sequence[Path],
    *,
    layout: str = "auto",
    labels: Path | None = None,
    path_column: str = "",
    label_columns: Sequence[str] = (),
    patient_column: str = "",
    view_column: str = "",
    sex_column: str = "",
    age_column: str = "",
    source_column: str = "",
    progress: Progress | None = None,
) -> Imported:
    """Import folders and files into a project, which is made if it is not there (".cxr" is added to its name).

    `layout`: "auto", "table", "folders", "flat". `labels`: a table; without it one at the top of a source is found.
    Columns that are "" are guessed. `progress` counts files. One bad file never stops the others.
    Raises `DataError` (no source, no image, no such column, nothing readable) and `StorageError`.
    """
    named = columns.Columns(
        path=path_column,
        labels=tuple(label_columns),
        patient=patient_column,
        view=view_column,
        sex=sex_column,
        age=age_column,
        source=source_column,
    )
    return carried_out(project, sources, Asked(layout, labels, named), progress)


def carried_out(project: Path, sources: Sequence[Path], asked: Asked, progress: Progress | None = None) -> Imported:
    """Import as `run` does, with what was asked for as one value."""
    folder = project_folder(project)
    plans = planned(folder, sources, asked)
    check_tables(plans)
    notes = [f"the project is called {folder.name}"] if folder.name != project.name else []
    return _report(folder, plans, _examined_and_stored(folder, plans, progress), notes)


def _examined_and_stored(project: Path, plans: Sequence[Plan], progress: Progress | None) -> list[_Outcome]:
    total = sum(len(plan.listing.files) for plan in plans)
    outcomes: list[_Outcome] = []
    done = 0
    for plan in plans:
        outcome = _Outcome()
        for result in _examined(plan):
            done += 1
            if progress:
                progress(done, total)
            _sort_in(outcome, result, plan.known)
        _finish(outcome, plan)
        outcomes.append(outcome)
        if outcome.accepted or plan.known:
            _store(project, plan, outcome)
    if not any(outcome.accepted for outcome in outcomes):
        first = outcomes[0].refused[0]
        raise DataError(
            f"None of the {total} files could be taken; the first: {first.why}", where=first.path, remedy="Check the source."
        )
    return outcomes


def _examined(plan: Plan) -> Iterator[Entry | Refused]:
    """Look at all files of a source on all cores, in order; the results come as they are asked for."""
    waiting: deque[Future[Entry | Refused]] = deque()
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        try:
            for found in plan.listing.files:
                waiting.append(pool.submit(_examine, plan, found))
                if len(waiting) >= cores * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _examine(plan: Plan, found: Found) -> Entry | Refused:
    """Read one file as far as needed: not at all if size and time are as before, else its content, decoded if it is new."""
    row, old = plan.said.rows.get(found.path), plan.known.get(found.path)
    if row is None and old is None:
        return Refused(found.path, plan.said.left_out[found.path])
    try:
        content = _content(plan.root, found, old)
    except (ImageError, StorageError) as error:
        return Refused(found.path, error.what)
    new = replace(content, bytes=found.bytes, modified=found.modified, gone=False)
    # A single file chosen again, or one that another table leaves out, keeps what is known of it.
    silent = row is None or (old and plan.only and not plan.said.table)
    return new if silent or row is None else with_row(new, row, plan.root.name)


def _content(root: Path, found: Found, old: Entry | None) -> Entry:
    """The entry of a file as far as its content goes. Raises `ImageError` and `StorageError`."""
    path = root / found.path
    if old and not old.gone and (old.bytes, old.modified) == (found.bytes, found.modified):
        return old
    if found.bytes > images.MAX_BYTES:
        raise ImageError("The file is too large to be a radiograph", where=path)
    with files.storage_in_words(path):
        content = path.read_bytes()
    digest = files.digest(content)
    if old and old.digest == digest:
        return old
    facts = images.decode(content, name=found.path).facts
    blank = old or Entry(found.path, digest, 0, 0, 0, 0)
    return replace(
        blank,
        digest=digest,
        width=facts.width,
        height=facts.height,
        facts=_said(facts),
    )


def _said(facts: images.Facts) -> str:
    """Facts as JSON, without those that say nothing (empty, or no finite number)."""
    said = {name: value for name, value in asdict(facts).items() if value not in ("", None, ())}
    finite = {name: value for name, value in said.items() if not isinstance(value, float) or math.isfinite(value)}
    return json.dumps(finite, ensure_ascii=False)


def _sort_in(outcome: _Outcome, result: Entry | Refused, known: Mapping[str, Entry]) -> None:
    if isinstance(result, Refused):
        outcome.refused.append(result)
        return
    outcome.entries.append(result)
    old = known.get(result.path)
    if old is None:
        outcome.taken += 1
    elif replace(result, modified=old.modified, duplicate=old.duplicate) != old:
        outcome.changed += 1
    else:
        outcome.unchanged += 1


def _finish(outcome: _Outcome, plan: Plan) -> None:
    """Mark duplicates, find what is gone (or cannot be read any more), and keep only the entries that differ."""
    outcome.refused += [Refused(path, why) for path, why in (*plan.listing.refused, *plan.said.refused)]
    present = {entry.path for entry in outcome.entries}
    scope = {path.relative_to(plan.root).as_posix() for path in plan.only} or plan.known.keys()
    lost = scope - present
    outcome.gone = [old.id for path, old in plan.known.items() if path in lost and not old.gone]
    others = [old for path, old in plan.known.items() if path not in scope and not old.gone]
    copies = Counter(entry.digest for entry in (*outcome.entries, *others))
    marked = [replace(entry, duplicate=copies[entry.digest] > 1) for entry in outcome.entries]
    outcome.entries = [entry for entry in marked if entry != plan.known.get(entry.path)]


def _store(project: Path, plan: Plan, outcome: _Outcome) -> None:
    asked = plan.asked
    options = {"layout": asked.layout, "table": str(asked.table or ""), "columns": asdict(asked.columns)}
    said, new = plan.said, not project.exists()
    try:
        with Catalog.create(project) as catalog:
            catalog.store(plan.root, outcome.entries, outcome.gone, findings=said.findings, layout=said.layout, options=options)
    except BaseException:
        if new:
            shutil.rmtree(project, ignore_errors=True)
        raise


def _copies(catalog: Catalog, here: set[Path]) -> int:
    """Number of images of the sources `here` of which another source of the project holds an exact copy."""
    folders = catalog.folders()
    if not set(folders) - here:
        return 0
    digests: dict[bool, list[str]] = {True: [], False: []}
    for path, digest in catalog.files(catalog.ids()):
        digests[any(path.is_relative_to(root) for root in here)].append(digest)
    elsewhere = set(digests[False])
    return sum(digest in elsewhere for digest in digests[True])


def _report(project: Path, plans: Sequence[Plan], outcomes: Sequence[_Outcome], first: Sequence[str]) -> Imported:
    with Catalog.open(project) as catalog:
        counts = catalog.counts()
        copies = _copies(catalog, {plan.root for plan in plans})
    unmatched = [set(plan.said.unmatched) for plan in plans]
    nowhere = set.intersection(*unmatched) if all(plan.said.table for plan in plans) else set.union(*unmatched)
    notes = [*first]
    notes += [note for plan in plans for note in (*plan.listing.notes, *plan.said.notes)]
    if len(counts.findings) == 1 and not any(answers["no"] for answers in counts.findings.values()):
        notes.append(f"there is only one finding ({next(iter(counts.findings))}); a network needs at least two to tell apart")
    if counts.patient_unknown:
        notes.append(
            f"the patient of {counts.patient_unknown} images is unknown; a split can only keep exact duplicates together"
        )
    if copies:
        notes.append(
            f"{copies} images of this source stand in another source of the project too; "
            "if its folder was moved, move it back or start a new project"
        )
    return Imported(
        project=project,
        taken=sum(outcome.taken for outcome in outcomes),
        changed=sum(outcome.changed for outcome in outcomes),
        unchanged=sum(outcome.unchanged for outcome in outcomes),
        gone=sum(len(outcome.gone) for outcome in outcomes),
        refused=tuple(refused for outcome in outcomes for refused in outcome.refused),
        unmatched=tuple(path for path in dict.fromkeys(p for plan in plans for p in plan.said.unmatched) if path in nowhere),
        findings={name: answers["yes"] for name, answers in counts.findings.items()},
        patients=counts.patients,
        layouts=tuple(plan.said.layout for plan in plans),
        warnings=tuple(dict.fromkeys(notes)),
    )
