"""Tables of contents of DICOM discs, true, wrong and hostile; and exports whose folders are only numbered."""

import io
from pathlib import Path

import pytest
from pydicom import FileDataset
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from trainer import dicomdir, importer, places
from trainer.catalog import Catalog

from .dicom_files import file


def contents(*listed: tuple[str, list[str] | str | None]) -> bytes:
    """A DICOMDIR with records of a type and a path."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    table = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    records = []
    for kind, path in listed:
        record = Dataset()
        record.DirectoryRecordType = kind
        if path is not None:
            record.ReferencedFileID = path
        records.append(record)
    table.DirectoryRecordSequence = records
    out = io.BytesIO()
    table.save_as(out, enforce_file_format=True)
    return out.getvalue()


def image(root: Path, path: str, **elements: object) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(file(InstanceNumber=len(path) + sum(path.encode()), **elements))


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    root = tmp_path / "disc"
    for patient, study, series, number in (("1", "A", 1, 1), ("1", "A", 2, 2), ("1", "B", 3, 3), ("2", "C", 4, 4)):
        where = f"DICOM/S{ord(study) - 64:05d}/SER{series:05d}/I{number:05d}"
        image(root, where, PatientID=patient, StudyInstanceUID=f"1.2.{ord(study)}", ViewPosition="PA" if number < 4 else "LL")
    return root


def listed(root: Path) -> list[str]:
    return [found.path for found in places.listing(root).files]


def test_an_export_is_described_by_its_headers_not_by_its_folders(disc: Path, tmp_path: Path) -> None:
    made = importer.run(tmp_path / "p.cxr", [disc])
    assert (made.taken, made.refused, made.findings, made.patients) == (4, (), {}, 2)
    with Catalog.open(made.project) as catalog:
        found = {(one.patient, one.study, one.view) for one in catalog.records(catalog.ids())}
    assert found == {("1", "1.2.65", "PA"), ("1", "1.2.66", "PA"), ("2", "1.2.67", "lateral")}


@pytest.mark.parametrize(
    "names",
    [
        ["DICOM/S00001/SER00001/I1", "DICOM/S00001/SER00002/I1"],
        ["ST000001/SE000001/IM1", "ST000001/SE000002/IM1", "ST000002/SE000001/IM1"],
        ["PAT00001/STD00001/a", "PAT00001/STD00001/b"],
        ["1.2.840.113619.2.1/a", "1.2.840.113619.2.2/b"],
        ["series_1/a", "series_2/a", "study 3/a"],
        ["20200101-12/S1/a", "20200102-13/S1/a"],
    ],
)
def test_folders_of_exports_are_no_findings(names: list[str]) -> None:
    assert places.folders(names).findings == ()


def test_findings_above_an_export_are_findings() -> None:
    names = [f"{finding}/S{n:05d}/SER{m:05d}/I1" for finding in ("Covid", "Normal") for n in range(3) for m in range(2)]
    assert places.folders(names).findings == ("Covid", "Normal")


def test_what_a_disc_lists_is_taken_beside_what_lies_there(disc: Path, tmp_path: Path) -> None:
    image(disc, ".hidden/A1")  # passed over by itself
    here, gone = ["DICOM", "S00001", "SER00001", "I00001"], ["DICOM", "S00003", "SER00004", "I00009"]
    paths = [here, gone, [".HIDDEN", "A1"], [".hidden", "A1"]]
    (disc / "DICOMDIR").write_bytes(contents(("PATIENT", None), *(("IMAGE", path) for path in paths), ("SR DOCUMENT", ["X"])))
    seen = places.listing(disc)
    assert [found.path for found in seen.files][-1] == ".hidden/A1"
    assert len(seen.files) == 5
    why = "it is listed in DICOMDIR but is not there"
    assert seen.refused == (("/".join(gone), why), (".HIDDEN/A1", why))
    assert "DICOMDIR lists 4 images" in seen.notes
    made = importer.run(tmp_path / "p.cxr", [disc / "DICOMDIR"])
    assert (made.taken, len(made.refused)) == (5, 2)


def test_names_are_found_whatever_their_case(tmp_path: Path) -> None:
    image(tmp_path, "disc 1/dicom/i00001")
    (tmp_path / "disc 1/dicomdir").write_bytes(contents(("IMAGE", ["DICOM", "I00001"]), ("IMAGE", "DICOM\\I00001")))
    seen = places.listing(tmp_path)
    assert [found.path for found in seen.files] == ["disc 1/dicom/i00001"]
    assert seen.refused == ()


@pytest.mark.parametrize(
    "path",
    [
        ["..", "out"],
        ["A", "..", "..", "out"],
        "../out",
        "/etc/passwd",
        ["", "etc", "passwd"],
        "C:\\out",
        ["link"],
        ["folder", "out"],
    ],
)
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: list[str] | str) -> None:
    image(tmp_path, "out")
    image(tmp_path, "disc/inside")
    (tmp_path / "disc/.more").mkdir()
    (tmp_path / "disc/.more/link").symlink_to(tmp_path / "out")
    (tmp_path / "disc/folder").symlink_to(tmp_path, target_is_directory=True)
    hidden = [".more", "link"] if path == ["link"] else path
    (tmp_path / "disc/DICOMDIR").write_bytes(contents(("IMAGE", hidden)))
    seen = places.listing(tmp_path / "disc")
    assert [found.path for found in seen.files] == ["inside"]
    assert [why for _, why in seen.refused] == ["its path in DICOMDIR leads out of the folder"]


@pytest.mark.parametrize("cut", [0, 4, 140, 300, -20])
def test_a_damaged_table_of_contents_is_told_and_the_folder_is_taken(disc: Path, cut: int) -> None:
    (disc / "DICOMDIR").write_bytes(contents(*(("IMAGE", ["DICOM", f"I{n}"]) for n in range(9)))[:cut])
    seen = places.listing(disc)
    assert len(seen.files) == 4
    assert any(note.startswith(("DICOMDIR cannot be read", "DICOMDIR lists")) for note in seen.notes)


def test_a_picture_under_that_name_is_no_table_of_contents(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 200)
    found = dicomdir.read(tmp_path, "DICOMDIR", {})
    assert found.damage == "It is no DICOM file"
    assert dicomdir.read(tmp_path, "nowhere/DICOMDIR", {}).damage == "There is no such file or folder"
