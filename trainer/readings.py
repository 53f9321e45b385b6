"""A recognised dataset read: what its tables and folders say about each image file, by the rules of its layout."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from trainer import answers, columns, joins, label_rules, rows, sheets, side_files
from trainer.answers import Labels
from trainer.columns import Columns
from trainer.label_rules import Cells, Paths
from trainer.layout_grammar import Column, Folder, InLists, Layout, Unknown
from trainer.policies import ALL_NO, Policies
from trainer.recognition import Recognised, above
from trainer.records import PART_WORDS
from trainer.rows import Row
from trainer.sheets import Extra, Main, Reading


@dataclass(frozen=True)
class Said:
    """What a dataset says about the files of a source: `rows` by path, and of the others why they are `left_out`.

    `findings` are in stored order and `how` says the rules in words; `refused` are table rows and why, `unmatched` table paths
    without a file, `named` counts the files that a rule fits. `table`, `header` and `columns` are those of the first table.
    `matters` are the policies that change something here; `patient_from` says where the patient comes from if from no column;
    `further` are folders beside those of its findings that hold other images.
    """

    rows: dict[str, Row]
    findings: tuple[str, ...]
    how: str
    left_out: dict[str, str]
    named: int
    refused: tuple[tuple[str, str], ...] = ()
    unmatched: tuple[str, ...] = ()
    table: Path | None = None
    header: tuple[str, ...] = ()
    columns: Columns = field(default_factory=Columns)
    notes: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    patient_from: str = ""
    further: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Task:
    """What is to be read: the dataset, the paths of its files from `root`, what tables beside the first say, and lists."""

    found: Recognised
    reading: Reading
    root: Path
    paths: Sequence[str]
    extras: Sequence[Extra]
    lists: Mapping[str, frozenset[str]]

    @property
    def layout(self) -> Layout:
        return self.found.layout


def read(found: Recognised, root: Path, paths: Sequence[str], policies: Policies, named: Columns | None = None) -> Said | None:
    """Read a dataset; None if its tables name none of the files, or do not hold what they should.

    `named` are columns of the first table in place of those of the layout. Raises `DataError` for one that is not there.
    """
    reading, notes = Reading(found.layout, policies, named or Columns()), list[str]()
    kept, twins = _without_twins(found.layout, root, paths)
    extras = [sheets.added(reading, sheet, tables, notes) for sheet, tables in found.more if tables]
    lists = {name: side_files.names(path) for name, path in found.lists.items()}
    task = _Task(found, reading, root, kept, extras, lists)
    versions = [_by_tables(task, version) for version in found.versions] if found.sheet else [_by_folders(task)]
    best = max((said for said in versions if said), key=lambda said: said.named, default=None)
    if best is None:
        return None
    if len(versions) > 1:
        others = [path.name for version, said in zip(found.versions, versions, strict=True) if said != best for path in version]
        notes.append(f"of several versions the one that names most of the images was read; not read: {', '.join(others[:6])}")
    if twins:
        notes.append(f"{_files(len(twins))} the same as others here and left out")
        notes += _moved_parts(task, twins, best.rows)
    best = replace(
        best,
        named=best.named + len(twins),
        left_out=best.left_out | {path: f"it is the same image as {first}" for path, first in twins.items()},
        unmatched=(*best.unmatched, *_without_image(task, best.rows)),
        notes=(*best.notes, *notes, *found.layout.notes),
    )
    return _finished(best, task)


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"


def _finished(said: Said, task: _Task) -> Said:
    """The policies applied that hold for whole images, and all of them that matter in words."""
    none = answers.no_findings(said.findings, task.layout.none)
    matters = (*said.matters, *(("no_finding",) if none else ()))
    policies = task.reading.policies
    if none and policies.no_finding == ALL_NO:
        labels = answers.all_no((row.labels for row in said.rows.values()), said.findings, none)
        made = {path: replace(row, labels=one) for (path, row), one in zip(said.rows.items(), labels, strict=True)}
        said = replace(said, rows=made, findings=tuple(name for name in said.findings if name not in none))
    names = " and ".join(f"'{name}'" for name in none)
    words = policies.in_words(*matters).replace("'No finding'", names) if matters else ""
    rule = next(iter(task.reading.rules["patient"]), None)
    patient = "" if rule is None or isinstance(rule, Column) else label_rules.fact_in_words(rule)
    how = "; ".join(filter(None, [f"{task.layout.name}: {said.how}", words]))
    return replace(said, how=how, matters=matters, patient_from=patient)


# Files that are the same image, and names without a file


def _without_twins(layout: Layout, root: Path, paths: Sequence[str]) -> tuple[Sequence[str], dict[str, str]]:
    """Paths of different images, and each further file of one of them with the one that stands for it."""
    pattern, first = layout.same
    if not pattern:
        return paths, {}
    outer = above(root)

    def order(path: str) -> tuple[bool, int, str]:
        return not (first and re.search(first, outer + path, re.IGNORECASE)), path.count("/"), path

    of: dict[str, str] = {}
    twins: dict[str, str] = {}
    for path in sorted(paths, key=order):
        match = re.search(pattern, outer + path, re.IGNORECASE)
        if match and (one := of.setdefault(match[0].casefold(), path)) != path:
            twins[path] = one
    return [path for path in paths if path not in twins], twins


def _moved_parts(task: _Task, twins: Mapping[str, str], found: Mapping[str, Row]) -> list[str]:
    """A note if files that are left out stood in another part than those that stand for them."""
    parts = label_rules.fact(task.reading.rules["part"], None, Paths(above(task.root), list(twins)), {})
    pairs = zip(twins.items(), parts, strict=True)
    moved = [path for (path, one), part in pairs if one in found and PART_WORDS.get(part.casefold(), "") != found[one].part]
    told = f"{len(moved)} of them stood in another part than the file that was taken, for example {next(iter(moved), '')}"
    return [told] if moved else []


def _without_image(task: _Task, images: Iterable[str]) -> list[str]:
    """Names of images in other tables, of which there is none."""
    if not any(extra.names for extra in task.extras):
        return []
    there = {label_rules.file_name(path) for path in images}
    return [name for extra in task.extras for key, name in extra.names.items() if key not in there]


# Folders


def _by_folders(task: _Task) -> Said:
    layout, rule = task.layout, task.layout.folders
    if rule is None:
        raise ValueError(f"the layout {layout.key} has neither tables nor folders")
    paths = Paths(above(task.root), task.paths)
    labels, findings, fits = label_rules.by_folder(rule, paths)
    made = _made(task, None, task.paths, paths, labels, [0] * len(paths))
    images = {row.path: row for row, fit in zip(made, fits, strict=True) if fit}
    why = f"it does not lie as the images of {layout.name} do"
    left_out = {path: why for path, fit in zip(task.paths, fits, strict=True) if not fit}
    how = _in_words(task, label_rules.findings_in_words(rule))
    return Said(images, tuple(findings), how, left_out, len(images), further=_further(task, rule, images, left_out))


def _further(task: _Task, rule: Folder, images: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    """Folders that lie beside those of the findings and hold images of their own: somebody's further findings."""
    if not others:
        return ()
    outer = above(task.root)
    matches = [match for path in images if (match := re.search(rule.pattern, outer + path, re.IGNORECASE))]
    # A finding may also be named in the file's name alone.
    found = [match for match in matches if match.string[match.end(1) :].startswith("/")]
    beside = {match.string[: match.start(1)] for match in found}
    own = {match[1].casefold() for match in found}
    further: dict[str, None] = {}
    for path in others:
        folders = (outer + path).split("/")[:-1]
        places = (place for place in range(len(folders)) if "".join(f"{name}/" for name in folders[:place]) in beside)
        further |= {folders[place]: None for place in places if folders[place].casefold() not in own}
    return tuple(further)


# Tables


def _by_tables(task: _Task, version: Sequence[Path]) -> Said | None:
    sheet, notes = task.found.sheet, list[str]()
    read = [sheets.main(task.reading, sheet, path, notes) for path in version] if sheet else []
    there = [one for one in read if one]
    if not there:
        return None
    asked = list(chain.from_iterable(one.paths for one in there))
    joined = _joined(task, asked, there[0].table.path)
    made: list[Row] = []
    refused: list[tuple[str, str]] = []
    left_out: dict[str, str] = {}
    done = 0
    for one in there:
        files, doubts = joined.files[done : done + len(one.paths)], joined.doubts[done : done + len(one.paths)]
        done += len(one.paths)
        made += _of_files(task, one, files)
        left_out |= {file: why for file, why in zip(files, one.no_image, strict=True) if file and why}
        name = one.table.path.name
        refused += [(f"{name}, line {line.number}", "the row has more cells than the header") for line in one.table.ragged]
        told = zip(one.table.lines, one.paths, doubts, strict=True)
        refused += [(f"{name}, line {line.number}: {path}", doubt) for line, path, doubt in told if doubt]
    merged = rows.merged(made, [row.path for row in made], task.reading.policies, boxes=task.layout.boxes)
    doubted = {label_rules.file_name(path) for path, doubt in zip(asked, joined.doubts, strict=True) if doubt}
    if not merged.rows and not doubted:
        return None
    named = merged.rows.keys() | merged.refused.keys() | left_out.keys()
    images, unnamed = _unnamed(task, there[0].table.path.name, named)
    unsure = [path for path in unnamed if doubted and label_rules.file_name(path) in doubted]
    unnamed |= dict.fromkeys(unsure, f"several files have its name, and {there[0].table.path.name} does not say which it means")
    every = zip(asked, joined.files, joined.doubts, chain.from_iterable(one.no_image for one in there), strict=True)
    uncertain = any(one.uncertain for one in there) or any(extra.uncertain for extra in task.extras)
    findings = chain.from_iterable([*(one.findings for one in there), *(extra.findings for extra in task.extras)])
    return Said(
        rows=merged.rows | images,
        findings=tuple(dict.fromkeys(findings)),
        how=_in_words(task, f"{there[0].how} of {' and '.join(one.table.path.name for one in there)}"),
        left_out=left_out | merged.refused | unnamed,
        named=len(named) + len(images) + len(unsure),
        refused=tuple(refused),
        unmatched=tuple(path for path, file, doubt, why in every if not (file or doubt or why)),
        table=there[0].table.path,
        header=there[0].header,
        columns=sheets.chosen(task.reading, there[0]),
        notes=(*notes, *_no_images(there)),
        matters=(*(("uncertain",) if uncertain else ()), *(("readers",) if merged.readers else ())),
    )


def _joined(task: _Task, asked: Sequence[str], table: Path) -> joins.Joined:
    """The file of each row; where folders tell images of one name apart, only in the folder that the row says."""
    beside = table.absolute().parent
    inside = beside.relative_to(task.root).as_posix() if beside.is_relative_to(task.root) else ""
    found = joins.joined(asked, task.paths, root=task.root.as_posix(), beside="" if inside == "." else inside)
    if not task.layout.apart:
        return found

    def folder(path: str) -> list[str]:
        return path.casefold().split("/")[-2:-1]

    pairs = zip(asked, found.files, strict=True)
    return replace(found, files=tuple(file if folder(file) == folder(path) else "" for path, file in pairs))


def _of_files(task: _Task, one: Main, files: Sequence[str]) -> list[Row]:
    """Rows of the files that a table names and that are images, with these as their paths."""
    paths = Paths(above(task.root), files, one.paths)
    made = _made(task, one.cells, files, paths, one.labels, [line.number for line in one.table.lines])
    return [row for row, why in zip(made, one.no_image, strict=True) if row.path and not why]


def _unnamed(task: _Task, table: str, named: set[str]) -> tuple[dict[str, Row], dict[str, str]]:
    """Files that no table names: images without labels where the dataset has such, or else left out."""
    others = [path for path in task.paths if path not in named]
    pattern, outer = task.layout.unlabelled, above(task.root)
    free = [path for path in others if pattern and re.search(pattern, outer + path, re.IGNORECASE)]
    images = {row.path: row for row in _made(task, None, free, Paths(outer, free), [{}] * len(free), [0] * len(free))}
    return images, {path: f"{rows.NOT_NAMED} {table}" for path in others if path not in images}


def _no_images(there: Sequence[Main]) -> list[str]:
    """How many rows are no radiographs."""
    counts = Counter(why for one in there for why in one.no_image if why)
    return [f"{count} row{'' if count == 1 else 's'} left out: {why}" for why, count in counts.most_common()]


# Rows


def _made(
    task: _Task, cells: Cells | None, files: Sequence[str], paths: Paths, labels: Sequence[Labels], lines: Sequence[int]
) -> list[Row]:
    """Rows with all facts, `cells` being those of their table; what other tables say goes before it."""
    rules, reader = task.reading.rules, task.reading.reader
    facts = {kind: label_rules.fact(of, cells, paths, task.lists) for kind, of in rules.items()}
    for extra in task.extras:
        keys = [sheets.key(task.layout, cell) for cell in (files if cells is None else cells[extra.column])]
        if extra.labels:
            labels = [answers.both(own, extra.labels.get(key, {})) for own, key in zip(labels, keys, strict=True)]
        for kind, told in extra.facts.items():
            if not getattr(task.reading.named, kind):
                facts[kind] = [told.get(key, own) for own, key in zip(facts[kind], keys, strict=True)]
    nameless = any(isinstance(rule, Unknown) for rule in rules["patient"])
    readers = cells[reader] if cells and reader else [""] * len(files)
    for kind in ("patient", "study"):
        facts[kind] = list(map(columns.number, facts[kind]))
    part_of = {word: PART_WORDS.get(word.casefold(), "") for word in set(facts["part"])}
    views = {word: columns.view(word) for word in set(facts["view"])}
    sexes = {word: columns.sex(word) for word in set(facts["sex"])}
    ages = {word: columns.age(word) for word in set(facts["age"])}
    every = zip(lines, files, labels, *(facts[kind] for kind in sheets.KINDS), readers, strict=True)
    return [
        Row(line, file, said, patient, study, views[view], sexes[sex], ages[age], source, part_of[part],
            nameless and not patient, read_by)
        for line, file, said, patient, study, view, sex, age, source, part, read_by in every
    ]  # fmt: skip


# Words


def _in_words(task: _Task, findings: str) -> str:
    """All rules in one sentence."""
    told, more = [findings], set[str]()
    for sheet, there in task.found.more:
        if there:
            source = there[0].name if len(there) == 1 or sheet.one else f"{len(there)} files such as {there[0].name}"
            told += [f"{label_rules.findings_in_words(rule)} of {source}" for rule in sheet.findings[:1]]
            told += [f"{kind}: {source}" for kind in sheet.facts]
            more |= set(sheet.facts)
    rules = {kind: [r for r in of if task.lists or not isinstance(r, InLists)] for kind, of in task.reading.rules.items()}
    for kind, of in rules.items():
        words = ", else ".join(map(label_rules.fact_in_words, of))
        told += [f"{kind}: {'else ' if kind in more else ''}{words}"] if of else []
    if not rules["patient"] and "patient" not in more:
        told.append("patient: unknown, unless the file says it")
    return "; ".join(told)
