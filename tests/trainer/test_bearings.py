"""Which side is which, and how long a pixel is: only what the header says, and nothing where it says nonsense."""

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from trainer import bearings
from trainer.bearings import AT_DETECTOR, CALIBRATED, STATED, Bearings


def header(**elements: Any) -> Dataset:  # noqa: ANN401 - whatever an element holds
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def written(path: Path, dataset: Dataset, *, preamble: bool = True, syntax: str = ExplicitVRLittleEndian) -> Path:
    dataset.SOPClassUID, dataset.SOPInstanceUID = ComputedRadiographyImageStorage, "1.2.3"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=preamble)
    return path


def test_a_frontal_view_has_its_sides() -> None:
    found = bearings.of_header(header(PatientOrientation=["L", "F"]))
    assert (found.left, found.right, found.top, found.bottom) == ("R", "L", "H", "F")


def test_a_view_from_behind_or_mirrored_is_told_as_it_is() -> None:
    found = bearings.of_header(header(PatientOrientation=["R", "F"]))
    assert (found.left, found.right) == ("L", "R")


def test_a_lateral_view_and_oblique_letters() -> None:
    found = bearings.of_header(header(PatientOrientation=["A", "FR"]))
    assert (found.left, found.right, found.top, found.bottom) == ("P", "A", "HL", "FR")


@pytest.mark.parametrize(
    "nonsense", [None, "", "L", ["L"], ["L", ""], ["L", "R"], ["L", "L"], ["X", "F"], ["L", "F", "A"], ["LLLL", "F"], [1, 2]]
)
def test_nonsense_has_no_sides(nonsense: object) -> None:
    made = Dataset()
    made.add_new("PatientOrientation", "CS", nonsense)
    assert bearings.of_header(made) == Bearings()


@pytest.mark.parametrize(
    ("elements", "spacing", "measured"),
    [
        ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1), STATED),
        ({"ImagerPixelSpacing": [0.14, 0.14]}, (0.14, 0.14), AT_DETECTOR),
        ({"PixelSpacing": [0.14, 0.14], "ImagerPixelSpacing": [0.14, 0.14]}, (0.14, 0.14), AT_DETECTOR),
        ({"PixelSpacing": [0.13, 0.13], "ImagerPixelSpacing": [0.14, 0.14]}, (0.13, 0.13), CALIBRATED),
        ({"PixelSpacing": [0.14, 0.14], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.14, 0.14), CALIBRATED),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), STATED),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.2]}, (0.2, 0.2), AT_DETECTOR),
        ({}, None, ""),
        ({"PixelSpacing": [0, 0]}, None, ""),
        ({"PixelSpacing": [-0.1, 0.1]}, None, ""),
        ({"PixelSpacing": [400, 400]}, None, ""),
    ],
)
def test_a_length_is_told_with_where_it_holds(
    elements: dict[str, Any], spacing: tuple[float, float] | None, measured: str
) -> None:
    found = bearings.of_header(header(**elements))
    assert (found.spacing, found.measured) == (spacing, measured)


def test_a_file_is_read_without_its_pixels(tmp_path: Path) -> None:
    dataset = header(PatientOrientation=["L", "F"], PixelSpacing=[0.15, 0.15])
    dataset.add_new("PixelData", "OW", b"\0" * 4)
    assert bearings.read(written(tmp_path / "a.dcm", dataset)) == Bearings("R", "L", "H", "F", (0.15, 0.15), STATED)


def test_a_file_without_a_preamble(tmp_path: Path) -> None:
    path = tmp_path / "bare.dcm"
    whole = written(tmp_path / "a.dcm", header(PatientOrientation=["L", "F"])).read_bytes()
    path.write_bytes(whole[132:])
    assert bearings.read(path).left == "R"


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 200])
def test_what_is_not_dicom_or_damaged_says_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert bearings.read(path) == Bearings()


def test_what_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert bearings.read(tmp_path / "gone.dcm") == Bearings()
    assert bearings.read(tmp_path) == Bearings()


def test_a_deflated_file_is_not_inflated(tmp_path: Path) -> None:
    path = written(tmp_path / "a.dcm", header(PatientOrientation=["L", "F"]), syntax=DeflatedExplicitVRLittleEndian)
    assert pydicom.dcmread(path).PatientOrientation == ["L", "F"]
    assert bearings.read(path) == Bearings()


def test_real_files(shared_data: Path) -> None:
    folder = shared_data / "dicom"
    assert bearings.read(folder / "chest_CR_mono1_8bit_jpegbaseline_rescale.dcm") == Bearings(
        spacing=(0.175, 0.175), measured=AT_DETECTOR
    )
    assert bearings.read(folder / "leg_RG3_mono1_10bit_rle.dcm") == Bearings("L", "R", "H", "F")
    assert bearings.read(folder / "chest_RG1_mono1_15bit_jpegls_near.dcm").spacing is None  # it states 0 mm
