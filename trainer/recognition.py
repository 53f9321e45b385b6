"""Which public dataset a source is: what its tables and folders are compared with, and the evidence in words."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer import tables
from trainer.errors import DataError, StorageError
from trainer.layout_grammar import InLists, Layout, Sheet
from trainer.layouts import LAYOUTS
from trainer.tables import plain

MOST_TABLES = 60
"""Tables whose headers are looked at, the outermost first; reports of single images may be many more."""

_SAMPLE = 400
_SHOWN = 3
_PARTS = re.compile(r"^(train|test|valid|val)[\W_]*|[\W_]*(train|test|valid|val)(?=[\W_]|$)|\.gz$", re.IGNORECASE)


@dataclass(frozen=True)
class Recognised:
    """A layout and what of it is there.

    `versions` are the tables of its first kind (`sheet`), together where they are parts of one; without tables both are empty.
    `more` are its other tables, `lists` its lists of images by file name; `why` is the evidence in sentences.
    """

    layout: Layout
    sheet: Sheet | None
    versions: tuple[tuple[Path, ...], ...]
    more: tuple[tuple[Sheet, tuple[Path, ...]], ...]
    lists: Mapping[str, Path]
    why: tuple[str, ...]


def above(root: Path) -> str:
    """Names of the source folder and of those above it, with a slash at the end: an inner folder of a dataset may be chosen."""
    return "/".join([*root.parts[-3:], ""])


def candidates(
    root: Path, paths: Sequence[str], seen: Sequence[Path], *, table: Path | None = None, keys: Collection[str] = ()
) -> Iterator[Recognised]:
    """Layouts that a source may have, in the order of the table of layouts; whether their tables name its images is not tested.

    `seen` are the tables that lie in it, `table` the only one that may name the images, `keys` the only layouts that count.
    """
    headers = dict(_headers(root, [table, *_beside(table, seen)] if table else seen))
    sample = [above(root) + path for path in paths[:: max(1, len(paths) // _SAMPLE)]]
    for layout in LAYOUTS:
        if keys and layout.key not in keys:
            continue
        more = [(sheet, tuple(_fitting(sheet, headers))) for sheet in layout.more]
        if any(sheet.needed and not found for sheet, found in more):
            continue
        more = [(sheet, found) for sheet, found in more if (found and sheet.findings) or sheet.facts]
        lists = _lists(layout, headers)
        if layout.folders:
            why = "" if table else _by_folders(layout, sample)
            if why:
                told = [*_told(more), why]
                yield Recognised(layout, None, (), tuple(more), lists, tuple(told))
            continue
        for sheet in layout.tables:
            found = [path for path in _fitting(sheet, headers) if table is None or path == table]
            if found:
                beside = [(one, paths or _mappings(one, found)) for one, paths in more]
                told = _told([(sheet, found), *beside])
                told += [f"{name} names the images of the part {part}" for name, part in _parts(layout) if name in lists]
                named = tuple((one, paths) for one, paths in beside if paths)
                yield Recognised(layout, sheet, _versions(sheet, found), named, lists, tuple(told))
                break


def _beside(table: Path, seen: Sequence[Path]) -> list[Path]:
    """Tables in the source, and in the folder of the one that the user named."""
    with_it = [path for path in sorted(table.parent.iterdir()) if tables.is_table(path)] if table.parent.is_dir() else []
    return [path for path in dict.fromkeys([*seen, *with_it]) if path != table]


def _headers(root: Path, seen: Sequence[Path]) -> Iterator[tuple[Path, frozenset[str]]]:
    """Column names, as `plain` writes them, of the outermost tables; of text files only the names of the others are known."""
    outer = sorted(dict.fromkeys(seen), key=lambda path: (len(path.parts), path.suffix.casefold() == ".txt", path.name))
    opened = 0
    for path in outer:
        header: tuple[str, ...] = ()
        # A dataset may hold a report for each of its images; a text deep inside is no table.
        deep = path.suffix.casefold() == ".txt" and len(path.parts) > len(root.parts) + 2
        if opened < MOST_TABLES and not deep:
            opened += 1
            try:
                header = tables.header(path)
            except (DataError, StorageError):
                header = ()
        yield path, frozenset(map(plain, header))


def _fitting(sheet: Sheet, headers: Mapping[Path, frozenset[str]]) -> list[Path]:
    """Tables that are of a kind."""
    wanted, unwanted = set(map(plain, sheet.columns)), set(map(plain, sheet.without))
    named = [path for path in headers if not sheet.name or re.search(sheet.name, path.name.casefold())]
    if sheet.kind != "table":
        return named
    return [path for path in named if wanted <= headers[path] and not unwanted & headers[path]]


def _mappings(sheet: Sheet, found: Sequence[Path]) -> tuple[Path, ...]:
    """Files of a kind that no listing of tables has (JSON), beside the tables that name the images."""
    if sheet.kind != "mapping":
        return ()
    folders = dict.fromkeys(path.parent for path in found)
    inside = [path for folder in folders for path in sorted(folder.iterdir())]
    return tuple(path for path in inside if re.search(sheet.name, path.name.casefold()) and path.is_file())


def _parts(layout: Layout) -> list[tuple[str, str]]:
    rules = [rule for rules in layout.facts.values() for rule in rules if isinstance(rule, InLists)]
    return [pair for rule in rules for pair in rule.lists.items()]


def _lists(layout: Layout, headers: Mapping[Path, frozenset[str]]) -> dict[str, Path]:
    wanted = {name for name, _ in _parts(layout)}
    found: dict[str, Path] = {}
    for path in headers:
        if path.name.casefold() in wanted:
            found.setdefault(path.name.casefold(), path)
    return found


def _versions(sheet: Sheet, found: Sequence[Path]) -> tuple[tuple[Path, ...], ...]:
    """Tables that belong together: all, or of several versions those that differ in the part in their name only."""
    versions: dict[str, dict[str, Path]] = {}
    for path in found:
        version = _PARTS.sub("", re.sub(r"\.gz$", "", path.name.casefold())) if sheet.one else ""
        # The same table may lie there packed and unpacked.
        versions.setdefault(version, {}).setdefault(re.sub(r"\.gz$", "", str(path).casefold()), path)
    newest_first = sorted(versions.items(), key=lambda item: _natural(item[0]), reverse=True)
    return tuple(tuple(paths.values()) for _, paths in newest_first)


def _natural(name: str) -> list[tuple[int, str]]:
    """Orders "v10" after "v9"."""
    return [(int(digits or 0), text) for text, digits in re.findall(r"(\D*)(\d*)", name)]


def _told(found: Sequence[tuple[Sheet, Sequence[Path]]]) -> list[str]:
    told = []
    for sheet, paths in found:
        for path in paths[:_SHOWN]:
            columns = ", ".join(sheet.columns[:6])
            told.append(f"{path.name} has the columns {columns}" if sheet.kind == "table" else f"{path.name} is there")
        if len(paths) > _SHOWN:
            told.append(f"and {len(paths) - _SHOWN} more like {paths[0].name}")
    return told


def _by_folders(layout: Layout, sample: Sequence[str]) -> str:
    """Evidence that at least half of the images lie as in the dataset, and that each of its telling classes is there; or ""."""
    rule = layout.folders
    matches = [match for path in sample if rule and (match := re.search(rule.pattern, path, re.IGNORECASE))]
    classes = {(match[1] or "").casefold() for match in matches}
    signed = any(re.search(layout.sign, match.string, re.IGNORECASE) for match in matches)
    if not signed or len(matches) * 2 < len(sample) or not classes.issuperset(layout.classes):
        return ""
    example = matches[0].string.split("/")[-3:]
    share = "all images have" if len(matches) == len(sample) else "most images have"
    return f"{share} paths such as {'/'.join(example)}"
