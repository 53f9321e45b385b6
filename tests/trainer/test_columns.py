"""Columns are guessed as a person would, and cells mean what they say."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from trainer import answers, columns, tables
from trainer.columns import Columns, Reading
from trainer.errors import DataError
from trainer.records import NO, YES


def table(folder: Path, text: str) -> tables.Table:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return tables.read(path)


def read(folder: Path, text: str, named: Columns | None = None) -> tuple[Reading, list[str]]:
    found = table(folder, text)
    chosen, notes = columns.chosen(found, named or Columns())
    return columns.understood(found, chosen), notes


def labels(reading: Reading) -> list[Mapping[str, int]]:
    return [row.labels for row in reading.rows]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (
            "path,label,patient_id,view,sex,age,finding,orig_width",
            "a.png,Covid-19,p,PA,F,55,COVID-19,1793",
            Columns("path", ("label",), "patient_id", view="view", sex="sex", age="age"),
        ),
        (
            "path,labels,patient,view,sex,age,source,fault",
            "a.png,A|B,p,PA,F,55,phantom,",
            Columns("path", ("labels",), "patient", view="view", sex="sex", age="age", source="source"),
        ),
        (
            "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position",
            "00000001_001.png,Cardiomegaly|Emphysema,1,1,58,M,PA",
            Columns(
                "Image Index", ("Finding Labels",), "Patient ID", view="View Position", sex="Patient Gender", age="Patient Age"
            ),
        ),
        (
            "patientid,offset,sex,age,finding,RT_PCR_positive,survival,view,modality,folder,filename,doi,",
            "5,,M,65,todo,Y,Y,PA,X-ray,images,a.jpg,,",
            Columns("filename", ("finding",), "patientid", view="view", sex="sex", age="age"),
        ),
        (
            "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema,Fracture",
            "train/a.jpg,Female,68,Frontal,AP,1.0,,-1.0\nx.jpg,Male,1,Frontal,AP,,0.0,1.0",
            Columns("Path", ("No Finding", "Edema", "Fracture"), view="AP/PA", sex="Sex", age="Age"),
        ),
        (
            "dicom_id,subject_id,study_id,split",
            "1.2.3,s,t,train",
            Columns("dicom_id", (), "subject_id", "study_id", part="split"),
        ),
        ("scan,disease", "a.dcm,x", Columns("scan", ("disease",))),
        ("name,number", "x,5", Columns()),
    ],
)
def test_columns_are_guessed(tmp_path: Path, header: str, row: str, expected: Columns) -> None:
    assert columns.chosen(table(tmp_path, f"{header}\n{row}\n"), Columns())[0] == expected


def test_another_column_that_could_be_the_label_is_told(tmp_path: Path) -> None:
    _, notes = read(tmp_path, "path,finding,label\na.png,COVID-19,Covid\n")
    assert notes == ["labels were taken from the column 'label'; --label-column finding takes another"]


def test_empty_columns_are_not_guessed(tmp_path: Path) -> None:
    reading, _ = read(tmp_path, "path,label,finding,patient\na.png,,Normal,\nb.png,,Covid,\n")
    assert reading.findings == ("Covid", "Normal")


def test_named_columns_win(tmp_path: Path) -> None:
    text = "path,label,finding,who,where\na.png,x,y,p1,north\nb.png,z,w,p2,south\n"
    reading, notes = read(tmp_path, text, Columns(labels=("Finding",), patient="who", source="where"))
    assert notes == []
    assert reading.findings == ("w", "y")
    assert [(row.patient, row.source) for row in reading.rows] == [("p1", "north"), ("p2", "south")]


def test_a_named_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean label"):
        read(tmp_path, "path,label\na.png,x\n", Columns(labels=("labl",)))


def test_no_path_column_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No column of the table names image files.*--path-column; there is: number, label\."):
        read(tmp_path, "number,label\n1,x\n")


def test_one_finding_a_row(tmp_path: Path) -> None:
    reading, _ = read(tmp_path, "path,label\na.png,Normal\nb.png,COVID-19\nc.png,\nd.png,todo\n")
    assert reading.findings == ("COVID-19", "Normal")
    assert labels(reading) == [{"COVID-19": NO, "Normal": YES}, {"COVID-19": YES, "Normal": NO}, {}, {}]
    assert reading.how == "one finding in the column 'label'"
    assert reading.notes == ("2 rows state no finding in the column 'label'; their labels are not stated",)
    assert [row.line for row in reading.rows] == [2, 3, 4, 5]


def test_several_findings_a_row(tmp_path: Path) -> None:
    reading, _ = read(tmp_path, "path,labels\na.png,Edema | Effusion\nb.png,No Finding\nc.png,\n")
    assert reading.findings == ("Edema", "Effusion", "No Finding")
    assert labels(reading) == [
        {"Edema": YES, "Effusion": YES, "No Finding": NO},
        {"Edema": NO, "Effusion": NO, "No Finding": YES},
        {},
    ]
    assert reading.how == "findings listed with | in the column 'labels'"


def test_one_column_a_finding(tmp_path: Path) -> None:
    text = "path,Edema,Effusion,Mass\na.png,1.0,0.0,\nb.png,-1.0,yes,NO\nc.png,nan,True,0\n"
    reading, _ = read(tmp_path, text)
    assert reading.findings == ("Edema", "Effusion", "Mass")
    assert labels(reading) == [{"Edema": YES, "Effusion": NO}, {"Effusion": YES, "Mass": NO}, {"Effusion": YES, "Mass": NO}]
    assert reading.how == "one column per finding: Edema, Effusion, Mass"


def test_a_single_column_of_yes_and_no_is_one_finding(tmp_path: Path) -> None:
    reading, _ = read(tmp_path, "patientId,file,Target\np,a.dcm,0\nq,b.dcm,1\n")
    assert reading.findings == ("Target",)
    assert labels(reading) == [{"Target": NO}, {"Target": YES}]


def test_numbers_of_classes_are_names(tmp_path: Path) -> None:
    reading, _ = read(tmp_path, "path,class\na.png,0\nb.png,1\nc.png,2\n")
    assert reading.findings == ("0", "1", "2")
    assert labels(reading)[0] == {"0": YES, "1": NO, "2": NO}


def test_an_answer_that_is_none_counts_as_not_stated_and_is_told(tmp_path: Path) -> None:
    reading, _ = read(tmp_path, "path,A,B\na.png,1,0.7\nb.png,0,0.7\nc.png,0,1\n", Columns(labels=("A", "B")))
    assert labels(reading) == [{"A": YES}, {"A": NO}, {"A": NO, "B": YES}]
    assert reading.notes == ("'0.7' in the column 'B' is neither yes nor no; it counts as not stated (2 rows)",)


def test_technical_columns_are_no_findings(tmp_path: Path) -> None:
    reading, notes = read(tmp_path, "path,signed,rows,preamble,offset,decoded\na.png,0,1,1,0,yes\nb.png,1,0,1,0,no\n")
    assert reading.findings == ()
    assert labels(reading) == [{}, {}]
    assert notes == ["several columns hold yes and no; name those that are findings with --label-column"]


def test_spellings_that_differ_in_case_are_one_finding(tmp_path: Path) -> None:
    reading, _ = read(tmp_path, "path,label\na.png,COVID-19\nb.png,Covid-19\nc.png,COVID-19\nd.png,Normal\n")
    assert reading.findings == ("COVID-19", "Normal")
    assert labels(reading)[1] == {"COVID-19": YES, "Normal": NO}
    assert reading.notes == ("'Covid-19' is taken for 'COVID-19'",)


def test_a_tree_of_findings(tmp_path: Path) -> None:
    text = "path,finding\na.png,Pneumonia/Viral/COVID-19\nb.png,Pneumonia\nc.png,No Finding\nd.png,Pneumonia/Bacterial\n"
    reading, _ = read(tmp_path, text)
    viral, bacterial = "Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial"
    first, second, third, fourth = labels(reading)
    assert first == {"Pneumonia": YES, viral: YES, bacterial: NO, "No Finding": NO}
    assert second == {"Pneumonia": YES, "No Finding": NO}
    assert third == {"Pneumonia": NO, viral: NO, bacterial: NO, "No Finding": YES}
    assert fourth == {"Pneumonia": YES, viral: NO, bacterial: YES, "No Finding": NO}


def test_names_that_only_begin_alike_are_no_tree() -> None:
    found = answers.listed([frozenset({"Mass"})], ["Mass", "Massive effusion"])
    assert found == [{"Mass": YES, "Massive effusion": NO}]


def test_facts_of_a_row(tmp_path: Path) -> None:
    header = "path,patient,view,sex,age,source,split,study"
    reading, _ = read(tmp_path, f"{header}\na.png,007,AP Supine,female,058Y,NIH,VAL,s1\nb.png,nan,LL,?,,NA,holdout,\n")
    first, second = reading.rows
    assert (first.patient, first.view, first.sex, first.age, first.source, first.part, first.study) == (
        "007", "AP", "F", 58.0, "NIH", "validation", "s1",
    )  # fmt: skip
    assert (second.patient, second.view, second.sex, second.age, second.source, second.part) == (
        "",
        "lateral",
        "",
        None,
        "",
        "",
    )


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("58", 58.0),
        ("058Y", 58.0),
        ("6M", 0.5),
        ("45.5", 45.5),
        ("0", 0.0),
        ("26W", 0.498),
        ("3 years", 3.0),
        ("12 months", 1.0),
    ]
    + [(text, None) for text in ("", "old", "412", "-5", "1e3", "58 Y?", "9" * 400)],
)
def test_ages(text: str, years: float | None) -> None:
    assert columns.age(text) == years


@pytest.mark.parametrize(
    ("text", "view"), [("pa", "PA"), ("L", "lateral"), ("Lateral", "lateral"), ("AP erect", "AP"), ("LAO", "LAO"), ("", "")]
)
def test_views(text: str, view: str) -> None:
    assert columns.view(text) == view


@pytest.mark.parametrize(("text", "sex"), [("m", "M"), ("Female", "F"), ("O", "O"), ("unknown", ""), ("", "")])
def test_sexes(text: str, sex: str) -> None:
    assert columns.sex(text) == sex


@pytest.mark.parametrize(("text", "number"), [("12.0", "12"), ("12", "12"), ("1.2.0", "1.2.0"), ("P7.0", "P7.0"), (".0", ".0")])
def test_patients_that_a_program_made_fractions_of(text: str, number: str) -> None:
    assert columns.number(text) == number


def test_patients_that_differ_in_case_are_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("file,label,patient\n1.png,a,P01\n2.png,b,p01\n3.png,a,P01\n4.png,a,\n")
    found = tables.read(path)
    reading = columns.understood(found, columns.chosen(found, Columns())[0])
    assert [row.patient for row in reading.rows] == ["P01", "P01", "P01", ""]
    assert reading.notes == ("patient 'p01' is taken for 'P01'",)


def test_findings_that_are_joined_by_a_comma_are_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('file,label\n1.png,"edema, effusion"\n2.png,normal\n')
    found = tables.read(path)
    reading = columns.understood(found, columns.chosen(found, Columns())[0])
    assert "'edema, effusion' is taken for one finding; several in one cell need a | between them" in reading.notes


def test_a_column_of_bare_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,label\n0001,a\n")
    assert columns.chosen(tables.read(path), Columns())[0].path == "id"
    path.write_text("id,picture of the chest,label\n1,a.png,a\n")
    assert columns.chosen(tables.read(path), Columns())[0].path == "picture of the chest", (
        "what looks like a path goes before it"
    )


def test_real_tables(shared_data: Path) -> None:
    found = tables.read(shared_data / "external" / "cohen" / "metadata.csv")
    chosen, notes = columns.chosen(found, Columns())
    reading = columns.understood(found, chosen)
    assert notes == []
    assert len(reading.rows) == 239
    assert "Pneumonia/Viral/COVID-19" in reading.findings
    assert not {"todo", "Unknown"} & set(reading.findings)
    assert {row.sex for row in reading.rows} == {"", "M", "F"}
    assert {row.view for row in reading.rows} >= {"PA", "AP"}
