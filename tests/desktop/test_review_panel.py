"""What stands beside the image: words that follow from the figures, and nothing that tells who the patient is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from cxr_desktop.inference import Ensemble, Origin
from cxr_desktop.widgets import review_panel
from cxr_desktop.widgets.review_panel import ReviewPanel
from trainer.bag_thresholds import MEAN, Deciding
from trainer.errors import ImageError
from trainer.headers import Facts
from trainer.verdicts import FilePrediction

FACTS = Facts(
    "DICOM, explicit VR little endian",
    3000,
    2500,
    12,
    "MONOCHROME1",
    view="PA",
    laterality="U",
    patient="DOE-JANE",
    study="1.2.3.4.5",
    sex="F",
    age=47.0,
    body_part="CHEST",
    modality="DX",
    manufacturer="ACME",
    stored_max=4095.0,
    steps=("window LINEAR: centre 550, width 1024", "inverted: MONOCHROME1"),
)
ONE = Origin(Path("/runs/first/best.safetensors"), "first", "quick", "resnet18", 224, 3)
ENSEMBLE = Ensemble(
    ("Normal", "Mass", "Effusion"), "multi-class", Deciding({"Normal": 0.5, "Mass": 0.3, "Effusion": 0.2}), (ONE,), "CPU", (0,)
)
BOTH = replace(
    ENSEMBLE,
    deciding=replace(ENSEMBLE.deciding, source=MEAN, networks=2),
    origins=(ONE, replace(ONE, run="", path=Path("/mail/sent.safetensors"), recipe="")),
    members=(0, 1),
)


def said(*values: float) -> FilePrediction:
    return FilePrediction(Path("a.png"), np.array(values, np.float32), np.full(len(values), 0.05, np.float32))


@pytest.fixture
def panel(qtbot: QtBot) -> ReviewPanel:
    made = ReviewPanel()
    qtbot.addWidget(made)
    made.resize(260, 600)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_multi_class_and_multi_label_are_told_apart() -> None:
    words = review_panel.verdict_words(said(0.1, 0.7, 0.2), ENSEMBLE)
    assert words.startswith("Most probable: Mass.")
    assert "add up to 1" in words
    labels = review_panel.verdict_words(said(0.6, 0.7, 0.1), replace(ENSEMBLE, task="multi-label"))
    assert labels == "Above their threshold: Normal, Mass."


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.1, 0.7, 0.1), "Above its threshold: Mass."),
        ((0.1, 0.7, 0.2), "Above their threshold: Mass, Effusion."),
        ((0.4, 0.29, 0.1), "No finding is above its threshold."),
    ],
)
def test_thresholds_in_words(values: tuple[float, ...], words: str) -> None:
    # 0.2 as float32 is a little more than 0.2: the threshold is reached.
    assert words in review_panel.verdict_words(said(*values), ENSEMBLE)


def test_thresholds_that_were_never_chosen_are_not_made_up() -> None:
    words = review_panel.verdict_words(said(0.9, 0.05, 0.05), replace(ENSEMBLE, deciding=Deciding({})))
    assert "No thresholds have been chosen yet" in words
    assert "bove" not in words


def test_an_ensemble_says_what_its_figures_are() -> None:
    told = review_panel.verdict_words(said(0.1, 0.7, 0.2), BOTH)
    assert "Mean of 2 networks; ± is their standard deviation. Thresholds: the mean of those of these 2 networks" in told
    words = review_panel.model_words(BOTH, [])
    assert "first: resnet18, 224 px, recipe quick" in words
    assert "sent: resnet18, 224 px\n" in words
    assert words.count("It is not known how good it is.") == 2
    assert words.endswith("Trained for Normal, Mass, Effusion, multi-class.")


def test_facts_without_the_patient() -> None:
    rows = review_panel.fact_rows(FACTS)
    assert rows["Size"] == "3000 × 2500 px, 12 bits"
    assert rows["View"] == "PA U"
    assert rows["To grey"] == "window LINEAR: centre 550, width 1024; inverted: MONOCHROME1"
    text = " ".join(rows.values())
    assert not any(word in text for word in ("DOE", "1.2.3.4.5", "47"))
    assert "View" not in review_panel.fact_rows(Facts("PNG", 5, 4, 8, "L"))


def test_only_what_there_is_to_say_is_shown(panel: ReviewPanel) -> None:
    parts = (panel.bars, panel.verdict, panel.cautions, panel.refusal, panel.stated, panel.facts)
    assert not any(part.isVisible() for part in parts)
    panel.show_facts(FACTS)
    assert panel.facts.isVisible()
    assert panel.cautions.isVisible()
    panel.show_waiting(model=True)
    assert panel.verdict.text() == review_panel.PREDICTING
    panel.show_answer(said(0.1, 0.7, 0.2), ENSEMBLE, "Mass")
    assert panel.bars.isVisible()
    assert panel.bars.selected() == "Mass"
    panel.show_waiting(model=False)
    assert not panel.bars.isVisible()
    panel.show_refusal(ImageError("The file is empty", remedy="Copy it again."))
    assert panel.refusal.text() == "The file is empty.\nCopy it again."
    assert not panel.facts.isVisible()
    panel.show_facts(FACTS)
    assert not panel.refusal.isVisible()


def test_the_spread_is_given_to_the_bars_of_an_ensemble_only(panel: ReviewPanel) -> None:
    panel.show_answer(said(0.1, 0.7, 0.2), ENSEMBLE, "")
    assert "±" not in panel.bars.words("Mass")
    panel.show_answer(said(0.1, 0.7, 0.2), BOTH, "")
    assert "± 0.050" in panel.bars.words("Mass")


def test_all_bars_of_a_few_findings_are_in_sight(panel: ReviewPanel) -> None:
    panel.show_answer(said(0.1, 0.7, 0.2), ENSEMBLE, "")
    assert panel.bars.minimumHeight() >= panel.bars.sizeHint().height()


def test_nothing_is_wider_than_the_panel(qtbot: QtBot, panel: ReviewPanel) -> None:
    long = "A finding whose name does not end within any reasonable width"
    ensemble = replace(ENSEMBLE, findings=(long, "Mass", "Effusion"), deciding=Deciding({}))
    panel.show_model(ensemble, [])
    panel.show_facts(FACTS)
    panel.show_answer(said(0.1, 0.7, 0.2), ensemble, long)
    qtbot.waitUntil(lambda: panel.widget().width() <= panel.viewport().width())


def test_without_a_model_it_says_so(panel: ReviewPanel) -> None:
    panel.show_model(None, [])
    assert panel.model.text() == review_panel.NO_MODEL
    assert panel.model.isVisible()
