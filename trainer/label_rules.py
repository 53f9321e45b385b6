"""The rules of layouts applied: cells and paths -> findings and facts of each row, each rule a small function."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from urllib.parse import urlsplit

from trainer import answers
from trainer.answers import Labels
from trainer.joins import composed
from trainer.layout_grammar import (
    Always,
    Answered,
    Born,
    Coded,
    Column,
    Fact,
    Findings,
    Folder,
    Host,
    InLists,
    InPath,
    InTableName,
    Layout,
    Listed,
    ListText,
    Unknown,
    Where,
)
from trainer.policies import Policies
from trainer.records import NO, UNSTATED, YES
from trainer.tables import Table, plain

LONGEST_LIST = 10_000
"""Characters of a list in a cell; PadChest's longest has 300."""


class Paths:
    """Of each image the paths that can tell something about it: that in its table, and that of its file."""

    def __init__(self, above: str, files: Sequence[str], asked: Sequence[str] = ()) -> None:
        """`above` are the folders above the source with a slash at the end, `files` paths from it ("" is none)."""
        self._above, self._files, self._asked = above, files, asked

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Made anew each time: a few hundred thousand texts need not stay in memory."""
        if not self._asked:
            return ((self._above + file,) for file in self._files)
        pairs = zip(self._asked, self._files, strict=True)
        return ((path, self._above + file) if file else (path,) for path, file in pairs)


class Cells:
    """Columns of a table by name, whatever their case and spaces; one that is not there is blank."""

    def __init__(self, table: Table) -> None:
        """`table`: as it was read."""
        self.table = table
        self._columns: dict[str, list[str]] = {}
        self._places = {plain(name): place for place, name in reversed(list(enumerate(table.header)))}

    def __getitem__(self, name: str) -> Sequence[str]:
        """All cells of a column, top to bottom, with "nan" as blank."""
        if name not in self._columns:
            place = self._places.get(plain(name))
            cells = ("" if place is None else line.cells[place] for line in self.table.lines)
            self._columns[name] = ["" if cell in {"nan", "NaN", "NA", "N/A", "null"} else cell for cell in cells]
        return self._columns[name]

    def __contains__(self, name: str) -> bool:
        return plain(name) in self._places

    def header(self, name: str) -> str:
        """The column's name as it stands in the table, "" if it does not."""
        place = self._places.get(plain(name))
        return "" if place is None else self.table.header[place]


# Findings


def stated(
    rule: Findings | None, cells: Cells, layout: Layout, policies: Policies, notes: list[str]
) -> tuple[list[Labels], list[str]]:
    """What each row states, and all findings in the order in which they are stored; without a rule nothing."""
    if isinstance(rule, Answered):
        return _answered(rule, cells, layout, policies, notes)
    if isinstance(rule, Coded):
        return [_coded(rule, cell.casefold()) for cell in cells[rule.column]], [rule.finding]
    if isinstance(rule, ListText):
        return _named([_list_text(cell) for cell in cells[rule.column]], {}, layout, rule.column, notes)
    if isinstance(rule, Listed):
        cut = [re.split(rule.between, cell) if rule.between else [cell] for cell in cells[rule.column]]
        return _named(cut, rule.names, layout, rule.column, notes)
    return [{} for _ in cells.table.lines], []


def fits(rule: Findings, cells: Cells) -> bool:
    """Whether a rule can be meant: a code knows all of its words, all other rules take any."""
    if isinstance(rule, Coded) and rule.yes:
        return {cell.casefold() for cell in cells[rule.column]} <= {*rule.yes, *rule.no, *UNSTATED}
    return True


def _answered(
    rule: Answered, cells: Cells, layout: Layout, policies: Policies, notes: list[str]
) -> tuple[list[Labels], list[str]]:
    named = {finding_name(name, rule.names, layout): cells[name] for name in answered_columns(rule, cells, layout)}
    return answers.answered(named, policies, notes), list(named)


def answered_columns(rule: Answered, cells: Cells, layout: Layout) -> list[str]:
    """The columns that are findings: those of the rule that are there, or all that hold answers and mean nothing else."""
    used = {plain(name) for name in (*layout.path, layout.reader)}
    return [name for name in rule.columns if name in cells] or [
        name for name in cells.table.header if plain(name) not in used and answers.is_answers(cells[name], all_blank=True)
    ]


def _coded(rule: Coded, cell: str) -> Labels:
    if cell in UNSTATED and cell not in rule.no:
        return {}
    if cell in rule.no or re.sub(r"\.0+$", "", cell) in rule.no:
        return {rule.finding: NO}
    return {rule.finding: YES} if not rule.yes or re.sub(r"\.0+$", "", cell) in rule.yes else {}


@lru_cache(4096)
def _list_text(cell: str) -> tuple[str, ...]:
    """Names in the text of a Python list; a text that is none names nothing. Never evaluated as code."""
    if not cell.startswith("[") or len(cell) > LONGEST_LIST:
        return ()
    try:
        read = ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    return tuple(name for name in read if isinstance(name, str)) if isinstance(read, list) else ()


def _named(
    cells: Sequence[Sequence[str]], renamed: Mapping[str, str], layout: Layout, column: str, notes: list[str]
) -> tuple[list[Labels], list[str]]:
    @cache
    def called(text: str) -> str:
        name = " ".join(text.split())
        return "" if name.casefold() in UNSTATED else finding_name(name, renamed, layout)

    names = [[name for name in map(called, listed) if name] for listed in cells]
    spelling = answers.spellings((name for listed in names for name in listed), notes)
    found = sorted(set(spelling.values()), key=str.casefold)
    labels = answers.listed((frozenset(spelling[name] for name in listed) for listed in names), found)
    silent = sum(not listed for listed in names)
    if silent:
        notes.append(f"{silent} rows state no finding in the column '{column}'; their labels are not stated")
    return labels, found


def finding_name(name: str, renamed: Mapping[str, str], layout: Layout) -> str:
    """A finding as it is stored: a "/" makes a branch of a tree, so it stays only where the dataset means that."""
    name = renamed.get(name.casefold(), name)
    return name if layout.tree else re.sub(r"\s*/\s*", " or ", name)


def by_folder(rule: Folder, paths: Paths) -> tuple[list[Labels], list[str], list[bool]]:
    """Findings that the folders of images name, all of them in stored order, and which images the rule fits."""
    names = [_joined(rule.pattern, path, rule.names, "/") for path in paths]
    # A plain name of a tree stands above the others, also where no image has it alone.
    found = sorted({part for name in names if name for part in (name, name.partition("/")[0])}, key=str.casefold)
    return answers.listed((frozenset({name} if name else ()) for name in names), found), found, [bool(name) for name in names]


def _joined(pattern: str, paths: tuple[str, ...], names: Mapping[str, str], between: str) -> str:
    match = next((match for path in paths if (match := re.search(pattern, path, re.IGNORECASE))), None)
    return between.join(names.get(group.casefold(), group) for group in match.groups() if group) if match else ""


# Facts


def fact(rules: Sequence[Fact], cells: Cells | None, paths: Paths, lists: Mapping[str, frozenset[str]]) -> list[str]:
    """What the first rule that says something says of each image, "" where none does.

    `cells` are those of its table, if it has one, and `lists` the names in each list of images, in lower case.
    """
    found = ["" for _ in paths]
    for rule in rules:
        made = _of_cells(rule, cells) if cells else None
        if made is None:
            made = _of_paths(rule, paths, lists)
        found = [text or new for text, new in zip(found, made, strict=True)]
    return found


def _of_cells(rule: Fact, cells: Cells) -> Sequence[str] | None:
    """What a rule on the cells of a table says of each row; None for other rules."""
    if isinstance(rule, Column):
        silent = UNSTATED | set(rule.silent)
        columns = [["" if cell.casefold() in silent else cell for cell in cells[name]] for name in rule.names]
        return [next(filter(None, row), "") for row in zip(*columns, strict=True)] if len(columns) > 1 else columns[0]
    if isinstance(rule, Host):
        return [host(cell) for cell in cells[rule.column]]
    if isinstance(rule, Born):
        pairs = zip(cells[rule.birth], cells[rule.study], strict=True)
        years = [(re.match(r"\d{4}(?!\d)", birth), re.match(r"\d{4}", study)) for birth, study in pairs]
        return [str(int(study[0]) - int(birth[0])) if birth and study else "" for birth, study in years]
    if isinstance(rule, InTableName):
        name = cells.table.path.name.partition(".")[0]
        return [_joined(rule.pattern, (name,), {}, " ")] * len(cells.table.lines)
    return None


def _of_paths(rule: Fact, paths: Paths, lists: Mapping[str, frozenset[str]]) -> Sequence[str]:
    if isinstance(rule, InPath):
        return [_joined(rule.pattern, path, rule.names, " ") for path in paths]
    if isinstance(rule, Where):
        return [rule.text if any(re.search(rule.pattern, one, re.IGNORECASE) for one in path) else "" for path in paths]
    if isinstance(rule, Always):
        return [rule.text] * len(paths)
    if isinstance(rule, InLists):
        part_of = {name: part for file, part in rule.lists.items() for name in lists.get(file, ())}
        return [part_of.get(path[0].rpartition("/")[2].casefold(), "") for path in paths]
    return [""] * len(paths)


@lru_cache(4096)
def host(address: str) -> str:
    """The host in an address, in lower case and without "www."; "" if there is none."""
    try:
        found = urlsplit(address.split()[0] if "//" in address else f"//{address}").hostname or ""
    except (ValueError, IndexError):
        return ""
    return found.removeprefix("www.") if "." in found else ""


# Words


def findings_in_words(rule: Findings | None) -> str:
    """How findings are stated, for a person."""
    if isinstance(rule, Listed) and not rule.between:
        return f"one finding in the column '{rule.column}'"
    if isinstance(rule, Listed):
        return f"findings listed with {rule.between.strip(chr(92))} in the column '{rule.column}'"
    if isinstance(rule, ListText):
        return f"findings in the list in the column '{rule.column}'"
    if isinstance(rule, Answered):
        return "one column per finding"
    if isinstance(rule, Coded):
        return f"{rule.finding} yes or no in the column '{rule.column}'"
    if rule is None:
        return "images"
    return "findings from folders and file names"


def fact_in_words(rule: Fact) -> str:
    """Where a fact comes from, for a person."""
    if isinstance(rule, Column):
        return ", else ".join(f"'{name}'" for name in rule.names)
    if isinstance(rule, InPath | Unknown):
        return rule.words
    if isinstance(rule, Always):
        return rule.text
    if isinstance(rule, Where):
        return f"{rule.text} {rule.words}"
    if isinstance(rule, InLists):
        return " and ".join(rule.lists)
    if isinstance(rule, InTableName):
        return "the name of the table"
    if isinstance(rule, Host):
        return f"the host in '{rule.column}'"
    return f"'{rule.study}' minus '{rule.birth}'"


def file_name(path: str) -> str:
    """What joins a row to an image: the name without folders and extension, whatever its case."""
    return re.sub(r"\.[a-z]{3,5}$", "", composed(path).replace("\\", "/").rpartition("/")[2].casefold())
