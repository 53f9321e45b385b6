"""What can be said of a dataset's layout: where findings and facts stand, by what its tables are known, what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Where a fact about an image (patient, study, view, sex, age, source, part) is found


@dataclass(frozen=True)
class Column:
    """In a column; of several, in the first whose cell says something (words in lower case that are `silent` say nothing)."""

    names: tuple[str, ...]
    silent: tuple[str, ...] = ()


@dataclass(frozen=True)
class InPath:
    """In the image's path, as the groups of a regular expression, joined by a blank; `names` renames what they hold."""

    pattern: str
    words: str
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Always:
    """The same for every image."""

    text: str


@dataclass(frozen=True)
class Where:
    """The same text for every image whose path fits a regular expression."""

    pattern: str
    text: str
    words: str


@dataclass(frozen=True)
class InLists:
    """Which list names the image: file name of a list -> what its images are."""

    lists: Mapping[str, str]


@dataclass(frozen=True)
class InTableName:
    """In the name of the table that names the image ("train.csv"), by a regular expression with one group."""

    pattern: str


@dataclass(frozen=True)
class Host:
    """The host of the address in a column."""

    column: str


@dataclass(frozen=True)
class Born:
    """Age from a column with the year of birth and one with the day of the study (yyyymmdd)."""

    birth: str
    study: str


@dataclass(frozen=True)
class Unknown:
    """Not known, and what the file itself says of it is not to be believed."""

    words: str


Fact = Column | InPath | Always | Where | InLists | InTableName | Host | Born | Unknown

# How findings are stated


@dataclass(frozen=True)
class Listed:
    """Names in one cell, cut where the regular expression `between` stands ("": one name); those not listed are no."""

    column: str
    between: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListText:
    """Names in one cell, written as a Python list: "['pacemaker', 'chronic changes']"."""

    column: str


@dataclass(frozen=True)
class Answered:
    """One column per finding: yes, no, uncertain, blank. Without `columns`, all that mean nothing else."""

    columns: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Coded:
    """One finding in one column: `yes` and `no` are its words, in lower case; without `yes`, any other text is yes."""

    column: str
    finding: str
    yes: tuple[str, ...] = ("1",)
    no: tuple[str, ...] = ("0",)


@dataclass(frozen=True)
class Folder:
    """In the path, as the groups of a regular expression, joined by "/"; `names` renames what they hold."""

    pattern: str
    names: Mapping[str, str] = field(default_factory=dict)


Findings = Listed | ListText | Answered | Coded | Folder


@dataclass(frozen=True)
class Sheet:
    """A table of a layout. It is known by `columns` that it must have, or those it must not, and a pattern of its file name.

    `cells` are a column and what most of its cells must look like. `findings` are rules, of which the first that fits its cells
    counts. `folder` is where its images lie. `key` is the column (also of the first table) by which another table's rows are
    added; `facts` are its own. `kind`: "table", or one of the texts that `side_files` reads. Of several such files only the
    `one` that names most images is read, else all of them; `needed`: without it, it is not this dataset. `ragged`: rows that
    are longer than the header are right as far as the header goes.
    """

    columns: tuple[str, ...]
    findings: tuple[Findings, ...] = ()
    name: str = ""
    without: tuple[str, ...] = ()
    cells: tuple[str, str] = ("", "")
    folder: str = ""
    key: str = ""
    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    kind: str = "table"
    one: bool = False
    needed: bool = False
    ragged: bool = False


@dataclass(frozen=True)
class Layout:
    """One dataset.

    `tables` are those that name images: the first kind that is there counts, and `folders` is the rule of findings where there
    are none; each of `classes`, and a path with the `sign`, must then be there. `more` tables add to the rows. `path` are
    columns that make the path; `apart`: an image of the same name in another folder is another image. Several rows of an image
    are `boxes` of one reader, or of several where `reader` is a column. `kept` maps a column to the only cells whose rows are
    radiographs; `unlabelled` is the pattern of images that no table needs to name. `same` is the pattern of what makes two
    files the same image, and that of the paths that go first. `mask` is what a mask shows whose own path does not say it.
    `tree`: a "/" in a finding makes it a branch. `none` are findings that say, besides "No finding", that there is none of the
    others.
    """

    key: str
    name: str
    path: tuple[str, ...] = ()
    tables: tuple[Sheet, ...] = ()
    more: tuple[Sheet, ...] = ()
    folders: Folder | None = None
    classes: tuple[str, ...] = ()
    sign: str = ""
    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    reader: str = ""
    boxes: bool = False
    kept: tuple[str, tuple[str, ...]] = ("", ())
    unlabelled: str = ""
    apart: bool = False
    same: tuple[str, str] = ("", "")
    mask: str = "mask"
    tree: bool = False
    none: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def signs(self) -> str:
        """By what it is recognised, in words: the columns of its first table, or its folders and file names."""
        if not self.tables:
            return f"the folders {', '.join(self.classes)}" if self.classes else "folders and file names"
        columns = self.tables[0].columns
        more = ", ..." if len(columns) > 3 else ""
        lists = "a list without a header: " if self.tables[0].kind != "table" else "a table with the columns "
        return f"{lists}{', '.join(columns[:3])}{more}"
