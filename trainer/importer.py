"""Folders, single files and tables -> the catalog, and a report of what was taken, what was not, and why.

Each source is one transaction: importing again takes only what is new, changed or gone, and an import that is stopped or killed
leaves the catalog as it was before that source.
"""

import gc
import shutil
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from trainer import columns, suitability, survey
from trainer.catalog import Catalog, Entry, project_folder
from trainer.columns import Row
from trainer.errors import DataError, Progress, counted
from trainer.labelling import Asked
from trainer.places import Found
from trainer.plans import Plan, Refused, check_questions, check_tables, good_to_know, planned, told, unsaid, with_row
from trainer.records import NOT_CHEST

MOST_REPLACED = 10
"""More files of one source that hold another image than before, and more than half of them, are a question, not a fact."""


@dataclass(frozen=True)
class Imported:
    """How an import went. `findings` (images with yes), and `patients` count the whole project as it is now.

    `taken` are new images, `changed` those whose content or labels are new, `gone` those whose file is there no more (they
    stay in the catalog with a flag); `unmatched` are table rows without a file; `layouts` says for each source what was
    recognised; `warnings` are sentences to show; `masks` are kept beside the images of these sources.
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
    masks: int = 0

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "project": str(self.project)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """What `to_json` gave, read back."""
        refused = tuple(Refused(one["path"], one["why"]) for one in said["refused"])
        lists = {name: tuple(said[name]) for name in ("unmatched", "layouts", "warnings")}
        return cls(**{**said, **lists, "project": Path(said["project"]), "refused": refused})


@dataclass
class _Outcome:
    """What came of one source."""

    entries: list[Entry] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    taken: int = 0
    changed: int = 0
    unchanged: int = 0
    replaced: int = 0

    @property
    def accepted(self) -> int:
        """Images of the source that are fine."""
        return self.taken + self.changed + self.unchanged


def run(
    project: Path,
    sources: Sequence[Path],
    *,
    layout: str = "",
    labels: Path | None = None,
    path_column: str = "",
    label_columns: Sequence[str] = (),
    patient_column: str = "",
    view_column: str = "",
    sex_column: str = "",
    age_column: str = "",
    source_column: str = "",
    progress: Progress | None = None,
    processes: int = 1,
) -> Imported:
    """Import folders and files into a project, which is made if it is not there (".cxr" is added to its name).

    `layout`: one of `labelling.CHOICES`; "" is as at the last import, and "auto" at the first. `labels`: a table; without it
    one at the top of a source is found. Columns that are "" are guessed. `progress` counts files. One bad file never stops the
    others. More than one of `processes` read the files where there are many; the program that asks for them must be one that
    may be started again (`trainer`).
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
    return carried_out(project, sources, Asked(layout, labels, named), progress, processes)


def carried_out(
    project: Path,
    sources: Sequence[Path],
    asked: Asked,
    progress: Progress | None = None,
    processes: int = 1,
    *,
    resaved: bool = False,
) -> Imported:
    """Import as `run` does, with what was asked for as one value.

    `resaved`: files with another content than before are the same radiographs saved anew, not other images.
    """
    folder = project_folder(project)
    with _uncollected(processes > 1):
        plans = planned(folder, sources, asked)
        check_tables(plans)
        check_questions(plans)
        notes = [f"the project is called {folder.name}"] if folder.name != project.name else []
        return _report(folder, plans, _examined_and_stored(folder, plans, progress, processes, resaved), notes)


@contextmanager
def _uncollected(alone: bool) -> Iterator[None]:
    """No search for garbage in cycles where the import is alone in its program: it would go through all rows each time."""
    collecting = alone and gc.isenabled()
    if collecting:
        gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _examined_and_stored(
    project: Path, plans: Sequence[Plan], progress: Progress | None, processes: int, resaved: bool
) -> list[_Outcome]:
    total = sum(len(plan.listing.files) for plan in plans)
    outcomes: list[_Outcome] = []
    done = 0
    for plan in plans:
        outcome = _Outcome()
        with closing(_examined(plan, processes)) as results:
            for result in results:
                done += 1
                if progress:
                    progress(done, total)
                _sort_in(outcome, result, plan.known)
        _finish(outcome, plan)
        if not resaved:
            _count_replaced(outcome, plan)
        outcomes.append(outcome)
        if outcome.accepted or plan.known:
            _store(project, plan, outcome, resaved)
    if not any(outcome.accepted for outcome in outcomes):
        first = outcomes[0].refused[0]
        raise DataError(
            f"None of the {total} files could be taken; the first: {first.why}", where=first.path, remedy="Check the source."
        )
    return outcomes


def _examined(plan: Plan, processes: int) -> Generator[Entry | Refused, None, None]:
    """Look at all files of a source, in order; the results come as they are asked for.

    A file is not read where neither a table nor the project speaks of it, nor where its size and time are as before.
    """
    rows, known, left_out, root = plan.said.rows, plan.known, plan.said.left_out, plan.root.as_posix().rstrip("/")
    wanted = [
        (f"{root}/{found.path}", found.bytes, old.digest if old else "")
        for found in plan.listing.files
        if ((old := known.get(found.path)) is None and found.path in rows) or (old and not _as_before(found, old))
    ]
    with closing(survey.run(wanted, processes=processes)) as seen:
        for found in plan.listing.files:
            row, old = rows.get(found.path), known.get(found.path)
            if row is None and old is None:
                yield Refused(found.path, left_out[found.path])
                continue
            sight = (old.digest, 0, 0, "") if old and _as_before(found, old) else next(seen)
            yield Refused(found.path, sight) if isinstance(sight, str) else _entry(plan, found, row, old, sight)


def _as_before(found: Found, old: Entry) -> bool:
    return not old.gone and (old.bytes, old.modified) == (found.bytes, found.modified)


def _entry(plan: Plan, found: Found, row: Row | None, old: Entry | None, seen: survey.Seen) -> Entry:
    """What is stored of a file: what was known, what was seen of it, and what table or folders say."""
    digest, width, height, facts = seen
    masks = plan.said.masks.get(found.path, ())
    if old is None:
        odd = bool(_against(facts))
        said = told(facts, row, plan.root.name, masks) if row else {}
        return Entry(found.path, digest, found.bytes, found.modified, width, height, facts=facts, odd=odd, **said)
    if facts:
        new = replace(
            old,
            digest=digest,
            bytes=found.bytes,
            modified=found.modified,
            width=width,
            height=height,
            facts=facts,
            odd=bool(_against(facts)),
            gone=False,
            by_hand=frozenset(),  # what was answered was about another image; where it was not, answers by hand still win
        )
    else:
        new = replace(old, bytes=found.bytes, modified=found.modified, gone=False)
    # A single file chosen again, or one that another table leaves out, keeps what is known of it.
    if row is None or (plan.only and not plan.said.table):
        return unsaid(plan, new) if row is None else new
    return with_row(new, row, plan.root.name, masks)


_against = lru_cache(maxsize=256)(suitability.of_stored)


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
    marked = (_marked(entry, copies[entry.digest] > 1) for entry in outcome.entries)
    outcome.entries = [entry for entry in marked if entry != plan.known.get(entry.path)]


def _marked(entry: Entry, duplicate: bool) -> Entry:
    """The entry with another mark; `replace` takes ten times as long, and all of a large source may be copies."""
    if entry.duplicate == duplicate:
        return entry
    other = copy(entry)
    other.__dict__["duplicate"] = duplicate
    return other


def _count_replaced(outcome: _Outcome, plan: Plan) -> None:
    """Files that hold another image than before: told if they are few, refused if they are most of a source."""
    known = {old.id: old.digest for old in plan.known.values()}
    outcome.replaced = sum(entry.id > 0 and entry.digest != known[entry.id] for entry in outcome.entries)
    if outcome.replaced > max(MOST_REPLACED, outcome.accepted // 2):
        raise DataError(
            f"{outcome.replaced} of {outcome.accepted} files hold another image than at the last import",
            where=plan.root,
            remedy="If they are the same radiographs saved anew, import with --resaved: answers by hand and parts are kept. "
            "If it is another dataset, import it into a project of its own.",
        )


def _store(project: Path, plan: Plan, outcome: _Outcome, resaved: bool) -> None:
    asked = plan.asked
    options = {
        "layout": asked.layout,
        "table": str(asked.table or ""),
        "columns": asdict(asked.columns),
        "policies": asdict(asked.policies),
    }
    said, new = plan.said, not project.exists()
    try:
        with Catalog.create(project) as catalog:
            catalog.store(
                plan.root,
                outcome.entries,
                outcome.gone,
                findings=said.findings,
                layout=said.layout,
                options=options,
                resaved=resaved,
            )
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
        here = {plan.root for plan in plans}
        copies = _copies(catalog, here)
        masks = sum(sum(source.masks.values()) for source in catalog.sources() if source.root in here)
    unmatched = [set(plan.said.unmatched) for plan in plans]
    nowhere = set.intersection(*unmatched) if all(plan.said.table for plan in plans) else set.union(*unmatched)
    notes = [*first]
    notes += [note for plan in plans for note in good_to_know(plan)]
    if len(counts.findings) == 1 and not any(answers["no"] for answers in counts.findings.values()):
        notes.append(f"there is only one finding ({next(iter(counts.findings))}); a network needs at least two to tell apart")
    if counts.patient_unknown:
        notes.append(
            f"the patient of {counted(counts.patient_unknown, 'image')} is unknown; "
            "a split can only keep exact duplicates together"
        )
    if replaced := sum(outcome.replaced for outcome in outcomes):
        notes.append(
            f"{counted(replaced, 'file')} of an earlier import {'holds' if replaced == 1 else 'hold'} another image now, which "
            "counts as new: without answers by hand, in no part; the old one is kept as gone, and comes back with its file"
        )
    if odd := sum(entry.odd for outcome in outcomes for entry in outcome.entries):
        notes.append(f"the header of {counted(odd, 'image')} speaks against a chest radiograph: flagged '{NOT_CHEST}', left in")
    if copies:
        notes.append(
            f"{copies} images of this source stand in another source of the project too; "
            "a split keeps exact copies together, and one of each can be excluded"
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
        masks=masks,
    )
