"""A DICOM header as text: complete where the file is sound, and never a fault where it is not."""

import contextlib
import random
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from trainer import elements
from trainer.errors import ImageError

from .dicom_files import file, lut


@pytest.fixture
def dicom(tmp_path: Path) -> Path:
    """A file with a patient, a sequence, private elements and a long text."""
    content = file(
        PatientName="Doe^Jane",
        PatientID="17",
        PatientAge="058Y",
        ViewPosition="PA",
        WindowCenter=["40", "300"],
        ImageComments="x" * 3000,
        VOILUTSequence=lut([0, 10, 20, 30]),
    )
    path = tmp_path / "a.dcm"
    path.write_bytes(content)
    return path


def _by_name(path: Path) -> dict[str, elements.Element]:
    return {element.name: element for element in elements.read(path).elements}


def test_elements_have_tag_name_representation_and_value(dicom: Path) -> None:
    found = _by_name(dicom)
    assert found["Patient ID"] == elements.Element("(0010,0020)", "Patient ID", "LO", "17", False, 0)
    assert found["Patient's Name"].value == "Doe^Jane"
    assert found["Window Center"].value == "40 \\ 300"
    assert found["Transfer Syntax UID"].tag == "(0002,0010)", "what stands before the data set is listed too"
    assert "Pixel Data" not in found


def test_sequences_are_followed(dicom: Path) -> None:
    found = _by_name(dicom)
    assert found["VOI LUT Sequence"].value == "1 item"
    assert found["LUT Descriptor"].depth == 1
    assert found["VOI LUT Sequence"].depth == 0


def test_a_long_value_is_cut_and_says_so(dicom: Path) -> None:
    value = _by_name(dicom)["Image Comments"].value
    assert value == "x" * elements.LONGEST + "… (3,000 characters)"


def test_private_elements_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "private.dcm"
    header = Dataset()
    block = header.private_block(0x0019, "ACME 1.0", create=True)
    block.add_new(0x01, "LO", "secret")
    element = header[block.get_tag(0x01)]
    path.write_bytes(_with(element, header[0x0019, 0x0010]))
    private = [element for element in elements.read(path).elements if element.private]
    assert [(element.name, element.value) for element in private] == [
        ("Private Creator", "ACME 1.0"),
        ("Private element", "secret"),
    ]


def _with(*more: object) -> bytes:
    """A file with further elements."""
    import io

    import pydicom

    header = pydicom.dcmread(io.BytesIO(file()))
    for element in more:
        header.add(element)
    out = io.BytesIO()
    header.save_as(out, enforce_file_format=True)
    return out.getvalue()


def test_sequences_without_an_end_in_sight_stop(tmp_path: Path) -> None:
    item = Dataset()
    item.PatientID = "deepest"
    for _ in range(elements.DEEPEST + 3):
        outer = Dataset()
        outer.VOILUTSequence = Sequence([item])
        item = outer
    path = tmp_path / "deep.dcm"
    path.write_bytes(file(VOILUTSequence=Sequence([item])))
    found = elements.read(path)
    assert max(element.depth for element in found.elements) == elements.DEEPEST
    assert any("depth" in note for note in found.notes)


def test_so_many_elements_are_listed_and_no_more(dicom: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MOST", 5)
    found = elements.read(dicom)
    assert len(found.elements) == 5
    assert found.notes == ("Only the first 5 elements are listed",)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_other_encodings(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "b.dcm"
    path.write_bytes(file(syntax=syntax, PatientID="18"))
    assert _by_name(path)["Patient ID"].value == "18"


def test_what_is_no_dicom_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    with pytest.raises(ImageError, match="no DICOM file"):
        elements.read(tmp_path / "x.png")
    with pytest.raises(ImageError, match="no such file"):
        elements.read(tmp_path / "gone.dcm")
    with pytest.raises(ImageError):
        elements.read(tmp_path)


def test_facts_without_pixels(dicom: Path, tmp_path: Path) -> None:
    found = elements.facts(dicom)
    assert (found["patient"], found["view"], found["age"]) == ("17", "PA", 58.0)
    (tmp_path / "x.png").write_bytes(bytes(300))
    assert elements.facts(tmp_path / "x.png") == {}
    assert elements.facts(tmp_path / "gone.dcm") == {}


def test_a_file_cut_off_anywhere_gives_what_is_left_or_is_told(dicom: Path, tmp_path: Path) -> None:
    content = dicom.read_bytes()
    path = tmp_path / "cut.dcm"
    for length in range(140, 900, 7):
        path.write_bytes(content[:length])
        try:
            found = elements.read(path)
        except ImageError:
            continue
        assert all(element.tag and element.name for element in found.elements)


def test_damaged_bytes_never_end_in_a_fault(dicom: Path, tmp_path: Path) -> None:
    content, chance, path = dicom.read_bytes(), random.Random(5), tmp_path / "bad.dcm"
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.randrange(1, 12)):
            damaged[chance.randrange(132, min(1200, len(damaged)))] = chance.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(ImageError):
            assert all(isinstance(element.value, str) for element in elements.read(path).elements)
        assert isinstance(elements.facts(path), dict)
