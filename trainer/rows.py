"""What a table says about one image, and several of its rows about one image as one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from trainer import answers
from trainer.policies import Policies

NOT_NAMED = "it is not named in"
"""How the reason begins for a file of which a table says nothing, so that what was known of it holds."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says about one image; `labels` holds stated findings only, and `line` is its number in the file.

    `anonymous`: its patient is not known, and a number in the file's own header is none; `reader` is who says it.
    """

    line: int
    path: str
    labels: Mapping[str, int] = field(default_factory=dict)
    patient: str = ""
    study: str = ""
    view: str = ""
    sex: str = ""
    age: float | None = None
    source: str = ""
    part: str = ""
    anonymous: bool = False
    reader: str = ""

    def of(self, file: str) -> "Row":
        """The same as said of a file. `dataclasses.replace` takes three times as long, and there may be 200,000 rows."""
        if self.path == file:
            return self
        return Row(
            self.line, file, self.labels, self.patient, self.study, self.view, self.sex, self.age, self.source, self.part,
            self.anonymous, self.reader,
        )  # fmt: skip

    @property
    def facts(self) -> tuple[object, ...]:
        """All but its place, findings and reader."""
        return self.patient, self.study, self.view, self.sex, self.age, self.source, self.part, self.anonymous


@dataclass(frozen=True)
class Merged:
    """Rows by file, with that file as their path; files about which two different things are said, and why they are left out.

    `readers` counts the files that several readers looked at.
    """

    rows: dict[str, Row]
    refused: dict[str, str]
    readers: int


def merged(rows: Sequence[Row], files: Sequence[str], policies: Policies, *, boxes: bool) -> Merged:
    """One row for each file out of the rows that mean it (`files`: one for each row, "" is none).

    Several rows of one reader must say the same, unless they are `boxes`: then each may add findings. Several readers vote.
    """
    several: defaultdict[str, list[Row]] = defaultdict(list)
    first: dict[str, Row] = {}
    for row, file in zip(rows, files, strict=True):
        if not file:
            continue
        if file not in first:
            first[file] = row
        else:
            several[file].append(row)
    refused: dict[str, str] = {}
    found: dict[str, Row] = {}
    readers = 0
    for file, row in first.items():
        if file not in several:
            found[file] = row.of(file)
            continue
        told = [row, *several[file]]
        readers += len({one.reader for one in told}) > 1
        odd = _contradiction(told, boxes=boxes)
        if odd:
            refused[file] = f"the table says two different things about it (lines {row.line} and {odd.line})"
        else:
            found[file] = replace(row, path=file, labels=_as_one(told, policies), reader="")
    return Merged(found, refused, readers)


def _contradiction(told: Sequence[Row], *, boxes: bool) -> Row | None:
    """The first row that cannot stand beside the ones before it."""
    labels: dict[str, Mapping[str, int]] = {}
    for row in told:
        same = boxes or row.labels == labels.setdefault(row.reader, row.labels)
        if row.facts != told[0].facts or not same:
            return row
    return None


def _as_one(told: Sequence[Row], policies: Policies) -> Mapping[str, int]:
    by_reader: defaultdict[str, list[Mapping[str, int]]] = defaultdict(list)
    for row in told:
        by_reader[row.reader].append(row.labels)
    return answers.voted([answers.united(labels) for labels in by_reader.values()], policies)
