"""What an import would do: the same as what it then does, and nothing is touched meanwhile."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer import importer, preview
from trainer.catalog import Catalog
from trainer.columns import NONE, Columns
from trainer.errors import DataError, StorageError
from trainer.importer import Imported
from trainer.labelling import Asked
from trainer.preview import Preview

from . import dicom_files
from .makers import draw, figures


def table(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """A CSV file; the first row is its header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def agree(before: Preview, made: Imported) -> None:
    """The preview of a first import said what happened."""
    assert (before.new, before.known, before.gone) == (made.taken, made.changed + made.unchanged, made.gone)
    assert {name: yes for name, (yes, _, _) in before.findings if yes} == {n: c for n, c in made.findings.items() if c}
    assert before.patients == made.patients
    assert before.refused == made.refused
    assert before.unmatched == made.unmatched
    assert tuple(one.layout for one in before.sources) == made.layouts
    assert set(before.warnings) <= set(made.warnings)


def test_folders(classes: Path, tmp_path: Path) -> None:
    found = preview.run(tmp_path / "x.cxr", [classes])
    assert (found.files, found.new, found.known, found.gone) == (6, 6, 0, 0)
    assert dict(found.findings) == {"Covid": (3, 3, 0), "Normal": (3, 3, 0)}
    assert found.patient_from.startswith("nowhere")
    assert found.patient_unknown == 6
    assert found.sources[0].table is None
    assert "Covid" in found.sources[0].layout
    assert found.problem is None
    assert not (tmp_path / "x.cxr").exists(), "nothing is written"
    agree(found, importer.run(tmp_path / "x.cxr", [classes]))


def test_a_table_with_all_that_can_be_wrong(source: Path, tmp_path: Path) -> None:
    draw(source, *(f"{number}.png" for number in range(5)), "unnamed.png")
    (source / "empty.png").touch()
    rows = [
        ("image", "label", "patient", "view"),
        ("0.png", "A", "p0", "PA"),
        ("1.png", "B", "p0", "AP"),
        ("2.png", "A", "p1", "PA"),
        ("3.png", "A", "p1", "PA"),
        ("3.png", "B", "p1", "PA"),
        ("4.png", "", "", "PA"),
        ("empty.png", "A", "p2", "PA"),
        ("nowhere.png", "A", "p3", "PA"),
    ]
    table(source / "labels.csv", rows)
    found = preview.run(tmp_path / "x.cxr", [source])
    why = {one.path: one.why for one in found.refused}
    assert why["empty.png"] == "The file is empty"
    assert "not named" in why["unnamed.png"]
    assert "two different things" in why["3.png"]
    assert found.unmatched == ("nowhere.png",)
    assert dict(found.findings) == {"A": (2, 1, 1), "B": (1, 2, 1)}
    assert found.patient_from == "the column 'patient' of labels.csv"
    used = found.sources[0]
    assert used.header == ("image", "label", "patient", "view")
    assert (used.columns.path, used.columns.labels, used.columns.patient) == ("image", ("label",), "patient")
    agree(found, importer.run(tmp_path / "x.cxr", [source]))


def test_other_columns_than_those_that_were_guessed(source: Path, tmp_path: Path) -> None:
    draw(source, "0.png", "1.png")
    rows = [("image", "label", "second", "patient", "ward"), ("0.png", "A", "X", "p0", "w1"), ("1.png", "B", "Y", "p0", "w2")]
    table(source / "labels.csv", rows)
    asked = Asked(columns=Columns(labels=("second",), patient="ward"))
    found = preview.run(tmp_path / "x.cxr", [source], asked)
    assert dict(found.findings) == {"X": (1, 1, 0), "Y": (1, 1, 0)}
    assert found.patients == 2
    agree(found, importer.carried_out(tmp_path / "x.cxr", [source], asked))


def test_a_column_that_is_not_to_be_used(source: Path, tmp_path: Path) -> None:
    draw(source, "0.png", "1.png")
    table(source / "labels.csv", [("image", "label", "patient"), ("0.png", "A", "p0"), ("1.png", "B", "p0")])
    asked = Asked(columns=Columns(patient=NONE, labels=(NONE,)), table=source / "labels.csv")
    found = preview.run(tmp_path / "x.cxr", [source], asked)
    assert found.patients == 0
    assert found.findings == ()
    made = importer.carried_out(tmp_path / "x.cxr", [source], asked)
    agree(found, made)
    again = preview.run(tmp_path / "x.cxr", [source])
    assert again.findings == (), "the choice is remembered"
    assert (again.known, again.relabelled) == (2, 0)


def test_a_wrong_path_column_is_a_problem_with_all_columns_to_choose_from(source: Path, tmp_path: Path) -> None:
    draw(source, "0.png")
    path = table(source / "labels.csv", [("image", "label", "ward"), ("0.png", "A", "w")])
    found = preview.run(tmp_path / "x.cxr", [source], Asked(table=path, columns=Columns(path="ward")))
    assert found.problem is not None
    assert "No row of the table" in found.problem.what
    assert found.sources[0].header == ("image", "label", "ward")
    assert found.sources[0].columns.path == "ward"


def test_a_table_without_a_path_column_is_a_problem_too(source: Path, tmp_path: Path) -> None:
    draw(source, "0.png")
    path = table(tmp_path / "labels.csv", [("a", "b"), ("x", "y")])
    found = preview.run(tmp_path / "x.cxr", [source], Asked(table=path))
    assert found.problem is not None
    assert "No column" in found.problem.what
    assert found.sources[0].header == ("a", "b")
    missing = preview.run(tmp_path / "x.cxr", [source], Asked(table=path, columns=Columns(path="c")))
    assert missing.problem is not None
    assert "no column 'c'" in missing.problem.what


def test_what_no_choice_can_mend_is_raised(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        preview.run(tmp_path / "x.cxr", [source])
    with pytest.raises(DataError, match="no such folder"):
        preview.run(tmp_path / "x.cxr", [tmp_path / "nowhere"])
    draw(source, "0.png")
    (tmp_path / "broken.csv").write_text('image,label\n"0.png,A\n')
    with pytest.raises((DataError, StorageError), match="quotation mark"):
        preview.run(tmp_path / "x.cxr", [source], Asked(table=tmp_path / "broken.csv"))


def test_dicom_headers_of_the_first_files(source: Path, tmp_path: Path) -> None:
    for number in range(3):
        content = dicom_files.file(PatientID=f"p{number}", PatientSex="F", PatientAge="040Y", ViewPosition="AP")
        (source / f"{number}.dcm").write_bytes(content)
    found = preview.run(tmp_path / "x.cxr", [source])
    assert found.patient_from == "the DICOM header of each file"
    first = found.examples[0]
    assert (first.patient, first.sex, first.age, first.view, first.source) == ("p0", "F", 40.0, "AP", "clinic")
    importer.run(tmp_path / "x.cxr", [source])
    with Catalog.open(tmp_path / "x.cxr") as catalog:
        records = catalog.records(catalog.ids())
    stored = [(r.patient, r.sex, r.age, r.view, r.source, r.labels) for r in records]
    assert stored == [(e.patient, e.sex, e.age, e.view, e.source, e.labels) for e in found.examples]


def test_again_says_what_is_new_changed_and_gone(classes: Path, tmp_path: Path) -> None:
    importer.run(tmp_path / "x.cxr", [classes])
    (classes / "Covid/0.png").unlink()
    (classes / "Covid/1.png").rename(classes / "Normal/moved.png")
    draw(classes, "Normal/new.png")
    found = preview.run(tmp_path / "x.cxr", [classes])
    assert (found.new, found.known, found.gone, found.relabelled) == (2, 4, 2, 0)
    made = importer.run(tmp_path / "x.cxr", [classes])
    assert figures(made) == (2, 0, 4, 2)


def test_again_with_another_table_says_what_is_described_otherwise(source: Path, tmp_path: Path) -> None:
    draw(source, "0.png", "1.png")
    table(source / "labels.csv", [("image", "label"), ("0.png", "A"), ("1.png", "B")])
    importer.run(tmp_path / "x.cxr", [source])
    other = table(tmp_path / "other.csv", [("image", "label"), ("0.png", "A"), ("1.png", "A"), ("2.png", "B")])
    found = preview.run(tmp_path / "x.cxr", [source], Asked(table=other))
    made = importer.carried_out(tmp_path / "x.cxr", [source], Asked(table=other))
    assert (found.relabelled, found.known) == (made.changed, made.changed + made.unchanged) == (1, 2)


def test_a_single_file_chosen_again_keeps_what_is_known_of_it(source: Path, tmp_path: Path) -> None:
    draw(source, "0.png", "1.png")
    table(source / "labels.csv", [("image", "label", "patient"), ("0.png", "A", "p0"), ("1.png", "B", "p1")])
    importer.run(tmp_path / "x.cxr", [source])
    found = preview.run(tmp_path / "x.cxr", [source / "0.png"], Asked("flat"))
    made = importer.run(tmp_path / "x.cxr", [source / "0.png"], layout="flat")
    assert (found.files, found.known, found.relabelled, found.gone) == (1, 1, made.changed, made.gone) == (1, 1, 0, 0)
    assert dict(found.findings) == {"A": (1, 0, 0), "B": (0, 1, 0)}
    assert found.examples[0].patient == "p0"
    assert found.patient_from == "what the project knows already"


def test_several_sources(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    draw(one, "A/0.png", "B/1.png")
    draw(two, "A/2.png", "B/3.png", "B/4.png")
    found = preview.run(tmp_path / "x.cxr", [one, two])
    assert [(looked.root.name, looked.files) for looked in found.sources] == [("one", 2), ("two", 3)]
    agree(found, importer.run(tmp_path / "x.cxr", [one, two]))


ROW = st.tuples(
    st.sampled_from([f"{number}.png" for number in range(6)] + ["gone.png", "sub/7.png"]),
    st.sampled_from(["A", "B", "A|B", ""]),
    st.sampled_from(["p0", "p1", ""]),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=9), patient=st.sampled_from(["", "who", NONE]))
def test_whatever_the_table_says_the_preview_is_what_happens(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], patient: str
) -> None:
    folder = tmp_path_factory.mktemp("preview")
    source = folder / "clinic"
    draw(source, *(f"{number}.png" for number in range(6)), "sub/7.png")
    path = table(source / "labels.csv", [("image", "label", "who"), *rows])
    asked = Asked(table=path, columns=Columns(patient=patient))
    found = preview.run(folder / "x.cxr", [source], asked)
    if found.problem is not None or found.taken == 0:
        with pytest.raises(DataError):
            importer.carried_out(folder / "x.cxr", [source], asked)
        return
    agree(found, importer.carried_out(folder / "x.cxr", [source], asked))
