"""What is learned of many files before any is decoded."""

import io
import json
from pathlib import Path

import PIL.Image
import pytest

from trainer import files, images, survey
from trainer.headers import Facts

from .dicom_files import file
from .makers import draw


def wanted(root: Path, *names: str, digest: str = "") -> list[survey.Wanted]:
    return [(str(root / name), 0, digest) for name in names]


def test_digest_size_and_facts_that_say_something(tmp_path: Path) -> None:
    draw(tmp_path, "a.png")
    path = tmp_path / "a.png"
    (seen,) = survey.run(wanted(tmp_path, "a.png"))
    assert isinstance(seen, tuple)
    assert seen[:3] == (files.digest(path.read_bytes()), 6, 8)
    assert json.loads(seen[3]) == {"format": "PNG", "bits": 8, "photometric": "L"}


def test_facts_of_a_dicom_file_are_those_of_its_header(tmp_path: Path) -> None:
    content = file(PatientID="Ä 1", StudyInstanceUID="1.2", ViewPosition="LL", PatientSex="F", PatientAge="061Y", Modality="DX")
    (tmp_path / "x").write_bytes(content)
    (seen,) = survey.run(wanted(tmp_path, "x"))
    said = json.loads(seen[3])
    expected = {"patient": "Ä 1", "study": "1.2", "view": "LL", "sex": "F", "age": 61.0, "modality": "DX", "bits": 16}
    assert expected.items() <= said.items()
    assert said.keys().isdisjoint({"stored_min", "stored_max", "steps", "warnings", "window", "width", "height"})


def test_nothing_that_is_not_a_finite_number_is_said() -> None:
    facts = Facts("PNG", 2, 1, 8, "L", age=float("nan"), spacing=(float("inf"), 1.0))
    assert json.loads(survey.said(facts)) == {"format": "PNG", "bits": 8, "photometric": "L"}


def test_a_file_whose_content_is_known_is_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(b"whatever it is")
    digest = files.digest(b"whatever it is")
    assert list(survey.run(wanted(tmp_path, "a.png", digest=digest))) == [(digest, 0, 0, "")]


def test_what_cannot_be_taken_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "page.png").write_bytes(b"<html>")
    (tmp_path / "folder.png").mkdir()
    huge = (str(tmp_path / "huge.png"), images.MAX_BYTES + 1, "")
    seen = list(survey.run([*wanted(tmp_path, "empty.png", "page.png", "none.png", "folder.png"), huge]))
    expected = ("The file is empty", "This is a web page", "There is no such file", "A folder stands", "The file is too large")
    for words, why in zip(expected, seen, strict=True):
        assert isinstance(why, str)
        assert why.startswith(words)


def test_many_files_come_in_their_order_and_no_more_is_read_than_is_asked_for(tmp_path: Path) -> None:
    content = io.BytesIO()
    PIL.Image.new("L", (3, 2)).save(content, "PNG")
    names = [f"{number}.png" for number in range(300)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(content.getvalue() + str(number).encode())
    expected = [files.digest((tmp_path / name).read_bytes()) for name in names]
    assert [seen[0] for seen in survey.run(wanted(tmp_path, *names))] == expected
    begun = survey.run(wanted(tmp_path, *names))
    assert next(begun)[0] == expected[0]
    begun.close()


def test_there_are_never_more_processes_than_cores_or_than_make_sense() -> None:
    assert 1 <= survey.cores() <= survey.MOST
