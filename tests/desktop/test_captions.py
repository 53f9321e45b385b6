"""What is said of an image in a few words."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxr_desktop.dataset import captions
from trainer.records import Record

PLAIN = Record(
    id=1, path=Path("folder/a.png"), patient="P1", study="", view="PA", sex="F", age=61.0, source="clinic", digest="0",
    width=20, height=10, part_given="", labels={"Normal": 0, "Pneumonia/Viral/COVID-19": 1}, flags=("rotated",), excluded=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"Pneumonia/Viral/COVID-19": 1, "Normal": 0}, "COVID-19"),
        ({"Effusion": 1, "Nodule": 1, "Mass": 0}, "Effusion, Nodule"),
        ({"Effusion": 0, "Nodule": 0}, "2 stated, all no"),
        ({"Lung/Nodule": 0}, "Nodule: no"),
        ({}, "not stated"),
    ],
)
def test_findings(labels: dict[str, int], words: str) -> None:
    assert captions.findings(labels) == words


def test_not_stated_is_never_said_as_no() -> None:
    assert captions.answers({}) == "no finding is stated"
    assert captions.answers({"Nodule": 0, "Effusion": 1}) == "Effusion: yes; Nodule: no"


def test_marks_begin_with_the_exclusion() -> None:
    assert captions.marks(PLAIN) == ("rotated",)
    assert captions.marks(replace(PLAIN, excluded=True)) == ("excluded", "rotated")
    assert captions.marks(replace(PLAIN, flags=())) == ()


def test_persons() -> None:
    assert captions.person(PLAIN) == "P1 · PA"
    assert captions.person(replace(PLAIN, patient="", view="")) == "patient unknown"


@pytest.mark.parametrize(("age", "words"), [(61.0, "61"), (0.5, "0.5"), (None, "")])
def test_ages(age: float | None, words: str) -> None:
    assert captions.age(replace(PLAIN, age=age)) == words


def test_everything_leaves_out_what_is_unknown() -> None:
    assert captions.everything(PLAIN, "train").splitlines() == [
        "a.png",
        "Pneumonia/Viral/COVID-19: yes; Normal: no",
        "P1, F, 61 years",
        "PA, train, clinic, 20 × 10",
        "rotated",
    ]
    bare = replace(PLAIN, patient="", view="", sex="", age=None, source="", labels={}, flags=())
    assert captions.everything(bare, "").splitlines() == ["a.png", "no finding is stated", "patient unknown", "20 × 10"]
