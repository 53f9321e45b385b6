"""What speaks against a file, from its own header."""

from dataclasses import replace

import pytest

from trainer import images, suitability
from trainer.headers import Facts

from . import dicom_files

CHEST = Facts("DICOM", 10, 10, 12, "MONOCHROME2", view="PA", body_part="CHEST", modality="DX", burned_in="NO")


def test_a_frontal_chest_radiograph_needs_no_remark() -> None:
    assert suitability.remarks(CHEST) == ()
    assert suitability.remarks(replace(CHEST, view="AP", modality="CR")) == ()


def test_a_plain_picture_says_nothing_and_nothing_is_guessed() -> None:
    assert suitability.remarks(Facts("PNG", 10, 10, 8, "L")) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modality": "CT"}, "it is CT"),
        ({"body_part": "KNEE"}, "says knee"),
        ({"view": "LL"}, "lateral view (LL)"),
        ({"view": "LATERAL"}, "lateral view (LATERAL)"),
        ({"view": "RLO"}, "The view is RLO"),
        ({"burned_in": "YES"}, "may name the patient"),
        ({"photometric": "MONOCHROME1"}, "turned over"),
        ({"warnings": ("There are 3 images in the file: the first is taken",)}, "3 images in the file"),
    ],
)
def test_what_is_odd_is_told_in_one_sentence(changes: dict[str, object], words: str) -> None:
    (said,) = suitability.remarks(replace(CHEST, **changes))
    assert words in said
    assert said.endswith(".")
    assert not said.endswith("..")


@pytest.mark.parametrize("part", ["CHEST", "THORAX", "CHEST LUNGS", "RIBS"])
def test_the_chest_has_many_names(part: str) -> None:
    assert suitability.remarks(replace(CHEST, body_part=part)) == ()


def test_what_matters_most_comes_first() -> None:
    said = suitability.remarks(replace(CHEST, modality="MR", body_part="KNEE", view="LL", photometric="MONOCHROME1"))
    assert len(said) == 4
    assert "MR" in said[0]
    assert "knee" in said[1]


def test_burned_in_text_is_read_from_the_file() -> None:
    content = dicom_files.file(BurnedInAnnotation="YES", BodyPartExamined="CHEST", ViewPosition="PA", Modality="DX")
    facts = images.decode(content, name="a.dcm").facts
    assert facts.burned_in == "YES"
    assert any("burned" in sentence for sentence in suitability.remarks(facts))
