"""What tables say, and which table is asked."""

from pathlib import Path

import pytest

from trainer import importer
from trainer.catalog import NO, NOT_STATED, YES, Catalog, Filter

from .makers import draw, figures, state


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "p.cxr"


def test_a_table_at_the_top_is_found(classes: Path, project: Path) -> None:
    rows = [
        f"{path.relative_to(classes).as_posix()},Sick,p{n // 2},PA,M,5{n}"
        for n, path in enumerate(sorted(classes.rglob("*.png")))
    ]
    (classes / "manifest.csv").write_text("path,label,patient,view,sex,age\n" + "\n".join(rows).replace("Sick", "Well", 2))
    found = importer.run(project, [classes])
    assert found.findings == {"Sick": 4, "Well": 2}
    assert found.patients == 3
    assert found.layouts == ("manifest.csv: one finding in the column 'label'",)
    with Catalog.open(project) as catalog:
        record = catalog.records(catalog.ids())[1]
    assert (record.patient, record.view, record.sex, record.age) == ("p0", "PA", "M", 51.0)


def test_a_table_elsewhere_with_named_columns(classes: Path, project: Path, tmp_path: Path) -> None:
    table = tmp_path / "who knows.tsv"
    lines = [f"old/place/{path.parent.name}/{path.name}\tx{n}\tA|B" for n, path in enumerate(sorted(classes.rglob("*.png")))]
    table.write_text("name\tcase\tsigns\n" + "\n".join(lines).replace("A|B", "B", 1))
    found = importer.run(
        project, [classes], labels=table, path_column="name", label_columns=["signs"], patient_column="case"
    )  # fmt: skip
    assert figures(found) == (6, 0, 0, 0)
    assert found.findings == {"A": 5, "B": 6}
    assert found.patients == 6


def test_one_column_per_finding(source: Path, project: Path) -> None:
    draw(source, "a.png", "b.png", "c.png")
    (source / "labels.csv").write_text("Path,Edema,Mass\na.png,1.0,\nb.png,-1.0,0.0\nc.png,0.0,1.0\n")
    found = importer.run(project, [source])
    assert found.findings == {"Edema": 1, "Mass": 1}
    assert state(project) == {"a.png": {"Edema": YES}, "b.png": {"Mass": NO}, "c.png": {"Edema": NO, "Mass": YES}}
    with Catalog.open(project) as catalog:
        assert catalog.findings() == ["Edema", "Mass"]
        assert len(catalog.ids(Filter({"Mass": NOT_STATED}))) == 1


def test_files_and_rows_that_do_not_meet_are_told(source: Path, project: Path) -> None:
    draw(source, "a.png", "b.png", "x/twin.png", "y/twin.png", "extra.png")
    table = "path,label\na.png,A\nb.png,B\nmissing.png,A\ntwin.png,A\n../out.png,A\nz.png,A,more\nb.png,A\n"
    (source / "t.csv").write_text(table)
    found = importer.run(project, [source], labels=source / "t.csv")
    assert found.taken == 1
    assert found.unmatched == ("missing.png",)
    why = {refused.path: refused.why for refused in found.refused}
    assert why["extra.png"] == "it is not named in t.csv"
    assert why["b.png"] == "the table says two different things about it (lines 3 and 8)"
    assert why["t.csv, line 5: twin.png"].startswith("several files have its name")
    assert why["t.csv, line 6: ../out.png"] == "its path leads out of the source folder"
    assert why["t.csv, line 7"] == "the row has more cells than the header"
    assert len(why) == 7


def test_a_table_with_facts_only_adds_to_the_folders(classes: Path, project: Path) -> None:
    (classes / "people.csv").write_text("path,patient\nCovid/0.png,p1\nCovid/1.png,p1\nNormal/0.png,p2\n")
    found = importer.run(project, [classes])
    assert found.findings == {"Covid": 3, "Normal": 3}
    assert found.patients == 2
    assert found.taken == 6
    assert found.layouts == ("people.csv (facts, no labels); a folder for each finding (Covid, Normal)",)


def test_a_table_of_few_images_is_not_taken_unasked(classes: Path, project: Path) -> None:
    (classes / "notes.csv").write_text("path,label\nCovid/0.png,Odd\n")
    (classes / "broken.csv").write_bytes(b"\0\0")
    found = importer.run(project, [classes])
    assert found.findings == {"Covid": 3, "Normal": 3}
    assert found.warnings[:2] == (
        "broken.csv was not used: this is no text table",
        "notes.csv names only 1 of 6 images; --labels takes it all the same",
    )


def test_tables_that_lie_elsewhere_are_told(source: Path, project: Path) -> None:
    draw(source, "images/1.png", "images/2.png")
    for path in (source / "about/deep.csv", source.parent / "beside.csv", source / "rows.csv"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("file,label\n7.png,a\n")
    assert importer.run(project, [source]).warnings[:3] == (
        "rows.csv was not used: it names none of the images",
        "tables inside of folders were not used: about/deep.csv; --labels takes one",
        "tables beside this folder were not used: beside.csv; --labels takes one",
    )


def test_of_two_tables_the_fuller_one_is_taken_and_told(classes: Path, project: Path) -> None:
    names = [path.relative_to(classes).as_posix() for path in sorted(classes.rglob("*.png"))]
    (classes / "half.csv").write_text("path,label\n" + "\n".join(f"{name},half" for name in names[:4]))
    (classes / "whole.csv").write_text("path,label\n" + "\n".join(f"{name},whole" for name in names))
    found = importer.run(project, [classes])
    assert found.findings == {"whole": 6}
    assert "labels were taken from whole.csv; --labels takes another: half.csv" in found.warnings


def test_flat_images_and_layouts_asked_for(classes: Path, source: Path, project: Path) -> None:
    (classes / "manifest.csv").write_text("path,label\nCovid/0.png,x\n")
    assert importer.run(project.with_name("flat"), [classes], layout="flat").findings == {}
    assert importer.run(project.with_name("folders"), [classes], layout="folders").findings == {"Covid": 3, "Normal": 3}
    assert importer.run(project.with_name("table"), [classes], layout="table").findings == {"x": 1}
