"""Each rule of the layouts by itself: cells and paths become findings and facts."""

from pathlib import Path

import pytest

from trainer import label_rules, tables
from trainer.label_rules import Cells, Paths
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
from trainer.records import NO, YES

FLAT, TREE = Layout("x", "X", path=("file",)), Layout("x", "X", path=("file",), tree=True)


def cells(folder: Path, text: str) -> Cells:
    path = folder / "train_list.csv"
    path.write_text(text, encoding="utf-8")
    return Cells(tables.read(path))


def stated(folder: Path, text: str, rule: Findings, layout: Layout = FLAT) -> tuple[list[set[str]], list[str], list[str]]:
    notes: list[str] = []
    labels, found = label_rules.stated(rule, cells(folder, text), layout, Policies(), notes)
    return [{name for name, answer in row.items() if answer == YES} for row in labels], found, notes


def test_cells_are_found_whatever_their_spelling(tmp_path: Path) -> None:
    found = cells(tmp_path, " Patient ID,doi, url\n1,nan,NA\n2,x,\n")
    assert (found["patientid"], found["URL"], found["absent"]) == (["1", "2"], ["", ""], ["", ""])
    assert ("PATIENT id" in found, "absent" in found) == (True, False)
    assert (found.header("patient_id"), found.header("absent")) == ("Patient ID", "")


def test_listed_names(tmp_path: Path) -> None:
    rule = Listed("finding", ",", {"flu": "Influenza"})
    yes, found, notes = stated(tmp_path, 'file,finding\na,"Mass, Edema"\nb,flu\nc,todo\nd,mass\n', rule)
    assert (yes, found) == ([{"Mass", "Edema"}, {"Influenza"}, set(), {"Mass"}], ["Edema", "Influenza", "Mass"])
    assert notes == [
        "'mass' is taken for 'Mass'",
        "1 rows state no finding in the column 'finding'; their labels are not stated",
    ]


def test_a_slash_is_a_branch_only_where_the_dataset_has_a_tree(tmp_path: Path) -> None:
    text = "file,finding\na,Nodule/Mass\nb,Edema\n"
    assert stated(tmp_path, text, Listed("finding"))[1] == ["Edema", "Nodule or Mass"]
    assert stated(tmp_path, text, Listed("finding"), TREE)[1] == ["Edema", "Nodule/Mass"]


@pytest.mark.parametrize(
    "cell",
    [
        "__import__('os').getcwd()", "[__import__('os')]", "['a'", "{'a': 1}", "('a',)", "'a'", "a, b", "[" * 5000,
        "['" + "a" * 20_000 + "']", "[1, 2]", "[]", "['']",
    ],
)  # fmt: skip
def test_a_text_that_is_no_list_of_names_states_nothing(tmp_path: Path, cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    yes, found, notes = stated(tmp_path, f"file,Labels\na,{quoted}\nb,\"['x ', 'y', ' x']\"\n", ListText("Labels"))
    assert (yes, found) == ([set(), {"x", "y"}], ["x", "y"])
    assert notes


def test_one_column_per_finding(tmp_path: Path) -> None:
    text = "file,age,A,Other disease\na,5,1.0,\nb,6,,0\n"
    rule = Answered(names={"other disease": "Other diseases"})
    assert label_rules.answered_columns(rule, cells(tmp_path, text), FLAT) == ["A", "Other disease"]
    assert stated(tmp_path, text, rule)[:2] == ([{"A"}, set()], ["A", "Other diseases"])
    assert stated(tmp_path, text, Answered(("A", "Absent")))[1] == ["A"]


def test_codes(tmp_path: Path) -> None:
    text = "file,code\na,1.0\nb,0\nc,\nd,2\n"
    found = cells(tmp_path, text)
    labels, _ = label_rules.stated(Coded("code", "X"), found, FLAT, Policies(), [])
    assert labels == [{"X": YES}, {"X": NO}, {}, {}]
    assert not label_rules.fits(Coded("code", "X"), found), "it does not know 2"
    rest, _ = label_rules.stated(Coded("code", "X", yes=(), no=("0",)), found, FLAT, Policies(), [])
    assert rest == [{"X": YES}, {"X": NO}, {}, {"X": YES}], "any other text is yes"


def test_findings_of_folders() -> None:
    rule = Folder(r"/(pneumonia|normal)/(?:x_(viral))?", {"pneumonia": "Pneumonia", "viral": "Viral"})
    labels, found, fits = label_rules.by_folder(rule, Paths("top/", ["PNEUMONIA/x_viral.png", "normal/1.png", "other/1.png"]))
    assert found == ["normal", "Pneumonia", "Pneumonia/Viral"]
    assert labels[0] == {"normal": NO, "Pneumonia": YES, "Pneumonia/Viral": YES}
    assert (labels[2], fits) == ({}, [True, True, False])


TABLE = "file,view,side,url,birth,day\nx,Frontal,AP,https://www.Sirm.org/a?b,1946.0,20140915\ny,Lateral,,no address,,2014\n"
FILES = ["train/00000001_000.png", "test/person7_1.png"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Column(("view",)), ["Frontal", "Lateral"]),
        (Column(("view", "side"), silent=("frontal",)), ["AP", "Lateral"]),
        (Column(("absent",)), ["", ""]),
        (Host("url"), ["sirm.org", ""]),
        (Born("birth", "day"), ["68", ""]),
        (InTableName("^(train|test)"), ["train", "train"]),
        (InPath(r"/(train|test)/(person\d+)", "", {"test": "pool"}), ["", "pool person7"]),
        (Where(r"\d{8}_\d{3}", "NIH", ""), ["NIH", ""]),
        (Always("here"), ["here", "here"]),
        (InLists({"list.txt": "test"}), ["", "test"]),
        (Unknown("unknown"), ["", ""]),
    ],
)
def test_facts(tmp_path: Path, rule: Fact, expected: list[str]) -> None:
    lists = {"list.txt": frozenset({"person7_1.png"})}
    assert label_rules.fact([rule], cells(tmp_path, TABLE), Paths("top/", FILES), lists) == expected
    filled = [text or "else" for text in expected]
    assert label_rules.fact([rule, Always("else")], cells(tmp_path, TABLE), Paths("top/", FILES), lists) == filled
    assert label_rules.fact_in_words(rule) or isinstance(rule, InPath)


def test_facts_of_images_without_a_table() -> None:
    paths = Paths("top/", FILES)
    assert label_rules.fact([Column(("view",)), Host("url"), Born("a", "b")], None, paths, {}) == ["", ""]
    assert label_rules.fact([InPath("^(top)/", "")], None, paths, {}) == ["top", "top"]


def test_the_path_in_the_table_goes_before_that_of_the_file() -> None:
    paths = Paths("top/", ["a/p1.png", "", "b/p3.png"], ["old/p7.png", "old/p8.png", "p9.png"])
    assert (len(paths), list(paths)) == (3, [("old/p7.png", "top/a/p1.png"), ("old/p8.png",), ("p9.png", "top/b/p3.png")])
    assert label_rules.fact([InPath(r"/p(\d)", "")], None, paths, {}) == ["7", "8", "3"]


@pytest.mark.parametrize(
    ("address", "host"),
    [("http://a.b.org:80/x", "a.b.org"), ("www.kaggle.com/x", "kaggle.com"), ("https://[bad", ""), ("", ""), ("word", "")],
)
def test_hosts(address: str, host: str) -> None:
    assert label_rules.host(address) == host


def test_names_that_join_rows_to_images() -> None:
    assert label_rules.file_name("COVID/images/Normal-1.PNG") == label_rules.file_name("NORMAL-1") == "normal-1"
    assert label_rules.file_name("1.2.840.7") == "1.2.840.7"
