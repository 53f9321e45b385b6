"""The lookup tables and windows that a file offers: their names, their order, and what is left out of them."""

import numpy as np
import pytest

from trainer import images, looks

from .dicom_files import file, lut

STORED = np.array([[0, 100, 200, 300, 400]], dtype=np.uint16)
BOTH = {"WindowCenter": [200, 100, 50], "WindowWidth": [400, 200], "VOILUTFunction": "LINEAR_EXACT"}


def decoded(choice: int = 0, **elements: object) -> images.Image:
    return images.decode(file(STORED, **elements), name="x", look=choice)


def test_windows_are_named_by_their_explanation_or_their_numbers() -> None:
    found = decoded(WindowCenter=[200, 100.5], WindowWidth=[400, 200], WindowCenterWidthExplanation=["NORMAL"]).facts
    assert found.looks == ("NORMAL: centre 200, width 400", "window: centre 100.5, width 200")


def test_tables_are_named_by_their_explanation_or_their_number() -> None:
    tables = [*lut([1, 2], bits=8), *lut([2, 1], bits=8)]
    tables[0].LUTExplanation = "  BONE\nHARD "
    assert decoded(VOILUTSequence=tables).facts.looks == ("BONE HARD (VOI LUT)", "VOI LUT 2")


def test_a_file_without_any_offers_none() -> None:
    assert decoded().facts.looks == ()


def test_the_first_is_used_unless_another_is_asked_for() -> None:
    """100 is 1/4 of 0..400 and 1/2 of 0..200."""
    assert decoded(**BOTH).pixels[0, 1] == decoded(0, **BOTH).pixels[0, 1] == 0.25
    assert decoded(1, **BOTH).pixels[0, 1] == 0.5
    assert "window LINEAR_EXACT: centre 100, width 200" in decoded(1, **BOTH).facts.steps


def test_the_percentiles_can_be_asked_for() -> None:
    """1 % of five pixels is 0, 99 % is 400."""
    found = decoded(images.PERCENTILES, **BOTH)
    assert found.pixels[0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert found.facts.window is None
    assert found.facts.looks == decoded(**BOTH).facts.looks, "what the file offers does not change"


@pytest.mark.parametrize("choice", [2, 99, -2])
def test_one_that_is_not_there_is_the_first(choice: int) -> None:
    assert decoded(choice, **BOTH).facts.window == (200, 400)


def test_a_width_without_centre_is_told_and_the_others_are_offered() -> None:
    found = decoded(WindowCenter=[200, 100, 50], WindowWidth=[0, 200], VOILUTFunction="LINEAR_EXACT").facts
    assert found.looks == ("window: centre 100, width 200",)
    assert found.window == (100, 200), "the first that can be used"
    assert [text.partition(":")[0] for text in found.warnings] == ["Window 1 cannot be used", "Window 3 cannot be used"]


def test_a_damaged_table_is_told_and_the_others_are_offered() -> None:
    tables = [*lut([1, 2], bits=8), *lut([2, 1], bits=8)]
    del tables[0].LUTData
    found = decoded(VOILUTSequence=tables).facts
    assert found.looks == ("VOI LUT 1",)
    assert found.warnings[0] == "Item 1 of the VOILUTSequence cannot be used: it is empty or damaged"


def test_the_same_window_twice_is_one() -> None:
    assert len(decoded(WindowCenter=[200, 200], WindowWidth=[400, 400]).facts.looks) == 1


def test_a_header_may_state_thousands() -> None:
    found = decoded(WindowCenter=list(range(1, 5001)), WindowWidth=[9] * 5000, WindowCenterWidthExplanation=["w" * 5000]).facts
    assert len(found.looks) == looks.MOST
    assert len(found.looks[0]) < 100


def test_raw_values_of_the_detector_are_told() -> None:
    assert "for processing" in decoded(PresentationIntentType="FOR PROCESSING").facts.warnings[0]
    assert decoded(PresentationIntentType="FOR PRESENTATION").facts.warnings == ()
