"""Lists without a header, mappings and notes of public datasets are read as tables."""

import json
from pathlib import Path

import pytest

from trainer import columns, side_files
from trainer.errors import DataError

UUID = "0004cfab-14fd-4e49-80ba-63a80b6bddd6"


def cells(path: Path, kind: str) -> list[tuple[str, ...]]:
    return [line.cells for line in side_files.read(kind, path).lines]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("77 a.jpeg COVID-19 cohen", ("77", "a.jpeg", "COVID-19", "cohen", "test")),
        ("77 a.jpeg COVID-19", ("77", "a.jpeg", "COVID-19", "", "test")),
        ("COVID 949 b.png positive sirm", ("COVID 949", "b.png", "positive", "sirm", "test")),
        ("COVID 949 b.png negative", ("COVID 949", "b.png", "negative", "", "test")),
        ("00f0  c.png\tnormal rnsa", ("00f0", "c.png", "normal", "rsna", "test")),
        ("1-2 d.png level2 ricord", ("1-2", "d.png", "level2", "ricord", "test")),
    ],
)
def test_lines_of_covidx_are_read_from_the_right(tmp_path: Path, line: str, expected: tuple[str, ...]) -> None:
    path = tmp_path / "test_COVIDx9A.txt"
    path.write_text(f"{line}\r\n\r\n")
    assert cells(path, "covidx") == [expected]


def test_other_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "train_COVIDx1.txt"
    path.write_text("1 a.png normal\npatient file class\na.png normal\n")
    table = side_files.covidx(path)
    assert [(line.number, line.cells[1]) for line in table.lines] == [(1, "a.png")]
    assert table.notes == ("2 lines of train_COVIDx1.txt are not 'patient file class source'",)


RECORD = {"subset_img_id": UUID, "img_id": "00000042_002.png", "orig_labels": [["Mass"], {"x": 1}]}


@pytest.mark.parametrize(
    "content", [[RECORD, {"other": 5}, None], {UUID: "00000042_002.png"}, {"n1": RECORD}, [[UUID, ["00000042_002.png"]]]]
)
def test_a_mapping_whatever_its_form(tmp_path: Path, content: object) -> None:
    path = tmp_path / "mappings_2018.json"
    path.write_text(json.dumps(content))
    assert cells(path, "mapping") == [(UUID, "00000042")]


def test_a_mapping_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "mapping.csv"
    path.write_text(f"nih,private\n00000042_002.png,{UUID}\nhttp://x,y\n")
    assert cells(path, "mapping") == [(UUID, "00000042")]


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000])
def test_a_broken_mapping_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mapping.json"
    path.write_text(content)
    with pytest.raises(DataError, match="no readable mapping"):
        side_files.mapping(path)


@pytest.mark.parametrize(
    ("text", "sex", "age"),
    [
        ("male 45yrs\nnormal", "M", 45.0),
        ("female 25yrs\nPTB in the right upper field", "F", 25.0),
        ("Female, 2 months\n3 mm nodule", "F", 0.167),
        ("Patient's Sex: F\nPatient's Age: 027Y\nnormal", "F", 27.0),
        ("male 40days", "M", 0.11),
        ("normal", "", None),
        ("", "", None),
    ],
)
def test_notes_on_patients(tmp_path: Path, text: str, sex: str, age: float | None) -> None:
    path = tmp_path / "CHNCXR_0001_0.txt"
    path.write_text(text)
    ((image, said_sex, said_age),) = (line.cells for line in side_files.readings([path]).lines)
    assert image == "CHNCXR_0001_0"
    assert (columns.sex(said_sex), columns.age(said_age)) == (sex, age)


def test_a_note_that_is_no_text_says_nothing(tmp_path: Path) -> None:
    good, bad = tmp_path / "CHNCXR_0001_0.txt", tmp_path / "CHNCXR_0002_0.txt"
    good.write_text("male 45yrs")
    bad.write_bytes(b"\0\1\2")
    assert [line.cells[0] for line in side_files.readings([bad, good]).lines] == ["CHNCXR_0001_0"]


def test_a_list_of_names(tmp_path: Path) -> None:
    path = tmp_path / "test_list.txt"
    path.write_bytes(b"\xef\xbb\xbf00000013_000.png\r\nimages/00000013_001.PNG\r\n\r\n")
    assert side_files.names(path) == {"00000013_000.png", "00000013_001.png"}
