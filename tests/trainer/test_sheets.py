"""Tables of recognised datasets: columns chosen otherwise, several versions, companions that are missing or broken."""

import gzip
from pathlib import Path

import pytest

from trainer import importer, labelling, places, recognition, tables
from trainer.columns import NONE, Columns
from trainer.errors import DataError
from trainer.labelling import Asked, Labelling
from trainer.layouts import LAYOUTS
from trainer.sheets import KINDS

from .layout_makers import chexpert, covidx, mimic, nih, rsna, write
from .makers import draw, state


def said(folder: Path, asked: Asked | None = None) -> Labelling:
    return labelling.label(folder, places.listing(folder), asked or Asked())


def of(labelling: Labelling, name: str, fact: str) -> object:
    """A fact of the image whose path contains a name."""
    return next(getattr(row, fact) for path, row in labelling.rows.items() if name in path)


def test_the_table_of_layouts_is_sound() -> None:
    keys = [layout.key for layout in LAYOUTS]
    assert len(set(keys)) == len(keys)
    for layout in LAYOUTS:
        assert layout.facts.keys() <= set(KINDS)
        assert bool(layout.tables) != bool(layout.folders), "either tables name the images, or folders say what they are"
        assert bool(layout.tables) == bool(layout.path)
        assert all(sheet.key or sheet.needed for sheet in layout.more)
        assert layout.signs()


def test_any_column_can_be_another_one(tmp_path: Path) -> None:
    folder = nih(tmp_path)
    usual = said(folder)
    assert usual.table is not None
    assert usual.table.columns == Columns(
        "Image Index", ("Finding Labels",), view="View Position", sex="Patient Gender", age="Patient Age"
    )  # fmt: skip
    assert usual.table.header == tables.header(usual.table.path), "all columns can be chosen, also those that were not read"
    assert usual.patient_from == "the 8 digits at the start of the file name"
    other = said(folder, Asked(columns=Columns(patient="Patient ID", age=NONE, source="View Position")))
    assert other.recognised == "nih"
    assert (of(other, "00000013_000", "patient"), of(other, "00000013_000", "age")) == ("13", None)
    assert of(other, "00000013_000", "source") == "AP"
    assert other.patient_from == ""
    none = said(folder, Asked("nih", columns=Columns(patient=NONE, labels=(NONE,))))
    assert (of(none, "00000013_000", "patient"), none.findings) == ("", ())
    sexes = said(folder, Asked("nih", columns=Columns(labels=("Patient Gender",))))
    assert (sexes.findings, of(sexes, "00000013_000", "labels")) == (("F", "M"), {"F": 1, "M": 0})


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'Patent ID'.*Did you mean Patient ID"):
        said(nih(tmp_path), Asked("nih", columns=Columns(patient="Patent ID")))


def test_a_table_that_lies_elsewhere(tmp_path: Path) -> None:
    """The user names it; its companions are those beside it."""
    folder = mimic(tmp_path / "images")
    beside = tmp_path / "tables"
    beside.mkdir()
    for path in folder.glob("*.gz"):
        path.rename(beside / path.name)
    found = said(folder, Asked(table=beside / "mimic-cxr-2.0.0-metadata.csv.gz"))
    assert (found.recognised, len(found.rows)) == ("mimic", 4)
    assert of(found, "02aa804e", "part") == "train"
    assert of(found, "02aa804e", "labels") == {"Edema": 1, "Fracture": 0}


def test_a_companion_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = mimic(tmp_path)
    path = folder / "mimic-cxr-2.0.0-split.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    found = said(folder)
    assert (found.recognised, of(found, "02aa804e", "part")) == ("mimic", "")
    assert not any("split" in reason for reason in found.why), "it could not even be looked at"
    write(folder / "mimic-cxr-2.0.0-split.csv", ["dicom_id,study_id,subject_id,split", '"a,1,1,train'])
    assert any(note.startswith("mimic-cxr-2.0.0-split.csv could not be read") for note in said(folder).notes)


def test_which_labeller_of_mimic_is_told(tmp_path: Path) -> None:
    folder = mimic(tmp_path)
    notes = said(folder).notes
    assert "mimic-cxr-2.0.0-chexpert.csv.gz was read, not mimic-cxr-2.0.0-negbio.csv.gz" in notes
    (folder / "mimic-cxr-2.0.0-chexpert.csv.gz").unlink()
    assert of(said(folder), "02aa804e", "labels") == {"Edema": 0}


def test_keys_that_a_program_made_fractions_of(tmp_path: Path) -> None:
    folder = mimic(tmp_path)
    packed_table = folder / "mimic-cxr-2.0.0-chexpert.csv.gz"
    text = gzip.decompress(packed_table.read_bytes()).decode()
    packed_table.write_bytes(gzip.compress(text.replace("50414267,", "50414267.0,").encode()))
    assert of(said(folder), "02aa804e", "labels") == {"Edema": 1, "Fracture": 0}


def test_the_newer_release_of_nih_goes_before_the_older(tmp_path: Path) -> None:
    folder = nih(tmp_path)
    text = (folder / "Data_Entry_2017_v2020.csv").read_text(encoding="utf-8-sig")
    (folder / "Data_Entry_2017.csv").write_text(text.replace("Cardiomegaly,0,1,57,", "Hernia,0,1,58,"))
    found = said(folder)
    assert (of(found, "00000001_000", "age"), found.left_out.keys()) == (57, {"images_002/images/00009999_000.png"})
    assert any("not read: Data_Entry_2017.csv" in note for note in found.notes)


def test_chexpert_as_other_programs_labelled_it(tmp_path: Path) -> None:
    folder = chexpert(tmp_path)
    other = (folder / "train.csv").read_text().replace(",1.0", ",0.0")
    for name in ("train_cheXbert.csv", "train_visualCheXbert.csv"):
        (folder / name).write_text(other)
    assert of(said(folder), "patient00002/study2", "labels")["Lung Opacity"] == 1
    (folder / "train.csv").unlink()
    (folder / "valid.csv").unlink()
    assert of(said(folder), "patient00002/study2", "labels")["Lung Opacity"] == 0, "better than none"


def test_of_several_versions_of_a_list_the_newest_is_read(tmp_path: Path) -> None:
    folder = covidx(tmp_path)
    for path in list(folder.glob("*.txt")):
        lines = path.read_text().replace("COVID-19", "pneumonia").splitlines()
        write(folder / path.name.replace("8A", "10A"), lines)
    found = said(folder)
    assert found.findings == ("normal", "pneumonia")
    assert "test_COVIDx10A.txt" in found.layout
    assert any("not read: test_COVIDx8A.txt, train_COVIDx8A.txt" in note for note in found.notes)


def test_rows_that_a_quoted_header_makes_too_long_are_read(tmp_path: Path) -> None:
    folder = nih(tmp_path)
    path = folder / "Data_Entry_2017_v2020.csv"
    text = path.read_text(encoding="utf-8-sig")
    path.write_text(text.replace("OriginalImage[Width,Height]", '"OriginalImage[Width,Height]"'), encoding="utf-8")
    found = said(folder)
    assert (len(found.rows), found.refused) == (5, ())


def test_a_mapping_beside_its_table_is_used(tmp_path: Path) -> None:
    folder = rsna(tmp_path, mapped=True)
    assert of(said(folder), "00000001-dcab", "patient") == "00000001"
    assert of(said(folder), "00000003-dcab", "anonymous") is False
    (folder / "pneumonia-challenge-dataset-mappings_2018.json").write_text("{")
    found = said(folder)
    assert {row.patient for row in found.rows.values()} == {""}
    assert any("could not be read" in note for note in found.notes)


def test_a_single_image_of_a_known_dataset_again(tmp_path: Path) -> None:
    """It keeps what is known of it, and the next import of the folder reads it as before."""
    folder = nih(tmp_path / "x")
    for path in list(folder.rglob("*.png")):
        path.rename(folder / path.name)
    project = importer.carried_out(tmp_path / "p.cxr", [folder], Asked("nih")).project
    before, image = state(project), folder / "00000013_000.png"
    assert importer.run(project, [image]).unchanged == 1
    assert state(project) == before
    assert importer.run(project, [folder]).layouts[0].startswith("NIH ChestX-ray14")


def test_what_the_user_says_of_the_patient_goes_before_a_mapping(tmp_path: Path) -> None:
    found = said(rsna(tmp_path, mapped=True), Asked("rsna", columns=Columns(patient="patientId")))
    assert of(found, "00000001-dcab", "patient") == "00000001-dcab-4a64-8e0d-d2a8a3b1c001"


def test_nih_as_it_was_read_again_at_google(source: Path, tmp_path: Path) -> None:
    draw(source, "images/00000003_000.png", "images/00000003_001.png")
    header = "Image Index,Patient ID,Fracture,Pneumothorax,Airspace opacity,Nodule or mass,Set Id"
    write(source / "labels.csv", [header, "00000003_000.png,3,NO,YES,NO,NO,1", "00000003_001.png,3,YES,NO,NO,NO,1"])
    made = importer.run(tmp_path / "p.cxr", [source])
    assert made.layouts[0].startswith("NIH ChestX-ray14: one column per finding of labels.csv")
    assert made.findings == {"Fracture": 1, "Pneumothorax": 1, "Airspace opacity": 0, "Nodule or mass": 0}
    assert made.patients == 1
    assert state(made.project)["images/00000003_000.png"]["Pneumothorax"] == 1


def test_uids_tell_the_pneumothorax_set_from_other_competitions(source: Path) -> None:
    draw(source, "ship.png", "sea.png")
    write(source / "train-rle.csv", ["ImageId, EncodedPixels", "ship.png, 1 2", "sea.png, -1"])
    assert said(source).recognised == ""
    with pytest.raises(DataError, match="do not lie as those of SIIM"):
        said(source, Asked("siim"))


def test_hundreds_of_tables_are_not_all_opened(source: Path) -> None:
    """A dataset may hold a report for each image."""
    for number in range(80):
        write(source / f"reports/p{number}/deep/s{number}.txt", ["a,b", "1,2"])
        write(source / f"lists/l{number}.csv", ["a,b", "1,2"])
    headers = dict(recognition._headers(source, places.listing(source).tables))
    opened = [path for path, header in headers.items() if header]
    assert (len(headers), len(opened)) == (160, recognition.MOST_TABLES)
    assert not any("reports" in path.parts for path in opened)
