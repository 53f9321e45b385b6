"""Times and numbers in words."""

import math
import re

import pytest

from cxr_desktop.training import spans


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (12.4, "12 s"), (90, "2 min"), (3_500, "58 min"), (4_800, "80 min"), (7_260, "2 h 01 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert spans.duration(seconds) == words


def test_moments_are_of_this_computer() -> None:
    assert re.fullmatch(r"2023-11-1[45] \d\d:\d\d", spans.moment(1.7e9))
    assert re.fullmatch(r"\d\d:\d\d:20", spans.clock(1.7e9))


def test_a_number_that_is_not_defined_says_so() -> None:
    assert spans.three(0.12345) == "0.123"
    assert spans.three(math.nan) == "not defined"
