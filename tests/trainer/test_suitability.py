"""What speaks against a file, from its own header."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
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
        ({"body_part": "UP_EXM"}, "says up_exm"),
        ({"view": "LL"}, "lateral view (LL)"),
        ({"view": "LATERAL"}, "lateral view (LATERAL)"),
        ({"view": "RLO"}, "The view is RLO"),
        ({"burned_in": "YES"}, "may name the patient"),
        ({"photometric": "MONOCHROME1"}, "turned over"),
        ({"modality": "", "sop_class": "1.2.840.10008.5.1.4.1.1.2.1"}, "it is CT (computed tomography)"),
        ({"modality": "OT", "sop_class": "1.2.840.10008.5.1.4.1.1.77.1.4"}, "XC (a photograph)"),
        ({"modality": "MG"}, "it is MG (a mammogram)"),
        ({"modality": "RF"}, "it is fluoroscopy (RF)"),
        ({"modality": "OT", "sop_class": "1.2.840.10008.5.1.4.1.1.12.1"}, "angiography (XA)"),
        ({"modality": "QX"}, "it is QX"),
        ({"body_part": "TSPINE"}, "says tspine"),
        ({"body_part": "THORACIC SPINE"}, "says thoracic spine"),
        ({"body_part": "UNKNOWN", "described": "Knee left AP"}, "says knee"),
        ({"body_part": "", "described": "Sinuses; PNS"}, "says sinuses"),
        ({"described": "SMPTE; monitor"}, "a test image"),
        ({"described": "QC phantom"}, "a test image"),
        ({"body_part": "", "described": "scanned document"}, "a document"),
        ({"described": "Dose Report"}, "a document"),
        ({"body_part": "LEFT_HAND"}, "says left_hand"),
        ({"body_part": "RINKELI"}, "is called rinkeli: make sure"),
        ({"view": "LLAT"}, "lateral view (LLAT)"),
        ({"warnings": ("There are 3 images in the file: the first is taken",)}, "3 images in the file"),
    ],
)
def test_what_is_odd_is_told_in_one_sentence(changes: dict[str, object], words: str) -> None:
    (said,) = suitability.remarks(replace(CHEST, **changes))
    assert words in said
    assert said.endswith(".")
    assert not said.endswith("..")


@pytest.mark.parametrize(
    "part",
    [
        "CHEST", "THORAX", "CHEST LUNGS", "RIBS", "Tórax", "TORACE", "poumons", "Pulmão", "LUNGE", "Brustkorb", "PORT CHEST",
        "CHEST_TO_ABDOMEN", "ОГК", "грудная клетка", "胸部", "흉부", "AKCİĞER", "klatka piersiowa", "CXR",
        "mellkas", "", "UNKNOWN", "OTHER",
    ],
)  # fmt: skip
def test_the_chest_has_many_names(part: str) -> None:
    assert suitability.remarks(replace(CHEST, body_part=part)) == ()


@pytest.mark.parametrize(
    "described", ["Chest PA", "THORAX; Thorax p.a.", "Rx tórax; neck line", "view: PA", "portable", "Lunge"]
)
def test_a_description_of_the_chest_or_of_nothing_needs_no_remark(described: str) -> None:
    assert suitability.remarks(replace(CHEST, body_part="", described=described)) == ()


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


def test_what_an_import_stores_is_judged_alike() -> None:
    said = json.dumps({"format": "DICOM", "modality": "CR", "body_part": "EXTREMITY", "described": "tibia", "age": 3.0})
    assert suitability.of_stored(said) == suitability.against(replace(CHEST, modality="CR", body_part="EXTREMITY"))
    assert "extremity" in suitability.of_stored(said)
    assert suitability.of_stored(json.dumps({"modality": "DX", "body_part": "RINKELI"})) == ""
    assert suitability.of_stored('{"format": "PNG"}') == suitability.of_stored("") == ""
    assert suitability.of_stored(json.dumps({"modality": "DX", "body_part": "CHEST", "view": "LL"})) == ""


def test_a_model_of_frontal_views_warns_of_a_lateral_by_itself() -> None:
    (said,) = suitability.remarks(replace(CHEST, view="LL"), "frontal")
    assert "this model learned from frontal views alone" in said
    assert suitability.remarks(CHEST, "frontal") == ()
    assert "a model that learned" in suitability.remarks(replace(CHEST, view="LL"), "all")[0]


def test_pixels_are_asked_where_the_header_is_content(drawn: Path) -> None:
    chest = images.read(next((drawn / "images").rglob("*.png"))).pixels
    noise = np.random.default_rng(1).random((64, 64), np.float32)
    assert suitability.doubts(CHEST, pixels=chest) == ()
    (said,) = suitability.doubts(CHEST, pixels=noise)
    assert "does not look like" in said
    assert suitability.remarks(replace(CHEST, burned_in="YES"), pixels=noise)[0] == said
    (said,) = suitability.doubts(replace(CHEST, view="LL"), pixels=noise)
    assert "lateral" in said
    (said,) = suitability.doubts(replace(CHEST, body_part="KNEE"), pixels=noise)
    assert "knee" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chest_CR_mono1_10bit_explicitLE", ""),
        ("chest_RSNA_mono2_8bit_jpegbaseline", ""),
        ("leg_RG3_mono1_10bit_rle", "says extremity"),
        ("hip_RG2_mono2_10bit_jpegll_sv1", "says hip"),
        ("ct_16bit_signed_rescale", "it is CT"),
        ("mr_bigendian_16bit", "it is MR"),
        ("us_30frames_ybr422_jpegbaseline", "it is US"),
        ("testpattern_voiLUTseq_8bit", "a test image"),
        ("smpte_16bit_signed", ""),  # its header says CHEST; its pixels do not
    ],
)
def test_real_headers(shared_data: Path, name: str, words: str) -> None:
    image = images.read(shared_data / "dicom" / f"{name}.dcm")
    said = suitability.against(image.facts)
    assert words in said
    assert bool(said) == bool(words)
    assert bool(suitability.doubts(image.facts, pixels=image.pixels)) == (not name.startswith("chest"))
