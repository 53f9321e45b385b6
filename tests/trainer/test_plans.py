"""What an import is going to do: plans, and columns that are not to be used."""

import csv
import json
from pathlib import Path

import pytest

from trainer import columns, importer, plans, tables
from trainer.catalog import Catalog
from trainer.columns import NONE, Columns
from trainer.errors import DataError
from trainer.labelling import Asked

from .makers import draw, entry, state

HEADER = ("image", "label", "patient", "view", "sex", "age", "source", "study", "split")
ROW = ("0.png", "A", "p0", "PA", "F", "40", "here", "s1", "train")


@pytest.fixture
def clinic(source: Path) -> Path:
    """Two images and a table that says everything about them."""
    draw(source, "0.png", "1.png")
    with (source / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, ROW, ("1.png", "B", *ROW[2:])])
    return source


@pytest.mark.parametrize("kind", ["patient", "view", "sex", "age", "source", "study", "part"])
def test_any_column_but_that_of_the_files_can_be_left_out(clinic: Path, kind: str) -> None:
    table = tables.read(clinic / "labels.csv")
    all_of_them, _ = columns.chosen(table, Columns())
    assert getattr(all_of_them, kind)
    without, notes = columns.chosen(table, Columns(**{kind: NONE}))
    assert getattr(without, kind) == ""
    assert notes == []
    others = [name for name in ("path", "patient", "view", "sex", "age", "source", "study", "part") if name != kind]
    assert [getattr(without, name) for name in others] == [getattr(all_of_them, name) for name in others]


def test_no_labels_are_no_labels_even_where_there_are_some(clinic: Path) -> None:
    table = tables.read(clinic / "labels.csv")
    chosen, _ = columns.chosen(table, Columns(labels=(NONE,)))
    assert chosen.labels == ()
    assert columns.understood(table, chosen).findings == ()


def test_a_column_that_is_called_so_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("image,-,patient\n0.png,ward 7,p0\n1.png,ward 8,p1\n")
    chosen, _ = columns.chosen(tables.read(path), Columns(patient=NONE, labels=(NONE,)))
    assert (chosen.patient, chosen.labels) == (NONE, (NONE,))


def test_the_files_need_a_column_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("scan,label\n0.png,A\n1.png,B\n")
    assert columns.chosen(tables.read(path), Columns(path=NONE))[0].path == "scan", "found by what stands in it"


def test_a_plan_opens_no_image(clinic: Path, tmp_path: Path) -> None:
    (clinic / "0.png").write_bytes(b"this is no image at all")
    found = plans.planned(tmp_path / "x.cxr", [clinic], Asked())
    assert len(found) == 1
    assert set(found[0].said.rows) == {"0.png", "1.png"}
    assert found[0].said.table is not None
    assert found[0].said.table.header == HEADER
    assert found[0].said.table.columns.patient == "patient"
    assert not (tmp_path / "x.cxr").exists()


def test_a_layout_that_cannot_be_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such layout"):
        plans.planned(tmp_path / "x.cxr", [tmp_path / "nowhere"], Asked("fodlers"))


def test_run_and_carried_out_are_the_same(clinic: Path, tmp_path: Path) -> None:
    one = importer.run(tmp_path / "one.cxr", [clinic], patient_column=NONE, label_columns=("view",))
    two = importer.carried_out(tmp_path / "two.cxr", [clinic], Asked(columns=Columns(patient=NONE, labels=("view",))))
    assert state(one.project) == state(two.project)
    assert one.findings == two.findings == {"PA": 2}
    assert one.patients == two.patients == 0


def test_a_column_left_out_stays_out_the_next_time(clinic: Path, tmp_path: Path) -> None:
    project = tmp_path / "x.cxr"
    importer.run(project, [clinic], patient_column=NONE)
    again = importer.run(project, [clinic])
    assert (again.unchanged, again.patients) == (2, 0)
    with Catalog.open(project) as catalog:
        assert catalog.options(clinic)["columns"]["patient"] == NONE


def test_what_a_row_does_not_say_the_file_says() -> None:
    said = json.dumps({"patient": "from the header", "view": "LL", "sex": "m", "age": 7.0})
    silent = plans.with_row(entry(0, facts=said, by_hand=frozenset({"A"})), columns.Row(1, "0.png", {"A": 1, "B": 0}), "clinic")
    assert (silent.patient, silent.view, silent.sex, silent.age) == ("from the header", "lateral", "M", 7.0)
    assert silent.source == "clinic"
    assert silent.labels == {"B": 0}, "what was answered by hand is left alone"
    called = plans.with_row(entry(0, facts=json.dumps({"described": "W Chest Lat."})), columns.Row(1, "0.png"), "clinic")
    assert called.view == "lateral"
    row = columns.Row(1, "0.png", patient="p", view="PA", sex="F", age=8.0, source="s", part="test")
    told = plans.with_row(entry(0, facts=said), row, "clinic")
    assert (told.patient, told.view, told.sex, told.age, told.source, told.part_given) == ("p", "PA", "F", 8.0, "s", "test")
