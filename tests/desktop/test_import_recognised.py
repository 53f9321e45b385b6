"""What was recognised, why, and what to know of it, as text to be read."""

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import import_recognised
from cxr_desktop.dataset.import_recognised import ImportRecognised
from trainer.columns import Columns
from trainer.preview import Looked, Preview

LOOKED = Looked(
    root=Path("/data/chexpert"),
    files=9,
    layout="CheXpert: one column per finding of train.csv; an uncertain answer (-1) counts as yes",
    tables=(),
    table=None,
    header=(),
    columns=Columns(),
    key="chexpert",
    recognised="CheXpert",
    why=("train.csv has the columns Path and <b>", "2 of 3 paths are there"),
    notes=("val has 16 images: never tune on it", "labels.csv names 3; --labels takes it all the same"),
    masks={"lung": 21165, "lesion": 1},
)
FOUND = Preview(Path("/x.cxr"), (LOOKED,), patient_from="the folder patientN")


@pytest.fixture
def page(qtbot: QtBot) -> ImportRecognised:
    made = ImportRecognised()
    qtbot.addWidget(made)
    return made


def test_everything_is_said(page: ImportRecognised) -> None:
    page.show_preview(FOUND)
    lines = page.toPlainText().split("\n")
    assert lines[0] == "CheXpert"
    for line in (
        "train.csv has the columns Path and <b>.",
        "2 of 3 paths are there.",
        "Patient: the folder patientN.",
        "CheXpert: one column per finding of train.csv.",
        "21,165 lung masks, 1 lesion mask are kept beside their images.",
        "Val has 16 images: never tune on it.",
        "labels.csv names 3; it can be chosen under Table all the same.",
    ):
        assert line in lines
    assert lines.count("An uncertain answer (-1) counts as yes.") == 1
    assert import_recognised.known(FOUND) == 2


def test_several_sources_bear_their_names_and_an_unknown_one_says_so(page: ImportRecognised) -> None:
    other = replace(LOOKED, root=Path("/data/clinic"), key="", recognised="", why=(), notes=(), masks={})
    page.show_preview(replace(FOUND, sources=(LOOKED, other)))
    text = page.toPlainText()
    assert "CheXpert (chexpert)" in text
    assert "No known dataset (clinic)" in text
    assert text.count("Good to know") == 1


@pytest.mark.parametrize(
    ("masks", "words"),
    [({}, ""), ({"mask": 1}, "1 mask is kept beside its image"), ({"mask": 2}, "2 masks are kept beside their images")],
)
def test_masks_in_words(masks: dict[str, int], words: str) -> None:
    assert import_recognised.masks_in_words(replace(LOOKED, masks=masks)) == words
