"""What a chart says in words, and how far it reaches."""

import math

import numpy as np
import pytest

from cxr_desktop.widgets.chart_contents import Contents, Marker, Rule, text
from cxr_desktop.widgets.chart_legend import Key
from cxr_desktop.widgets.traces import Trace


def _trace(*y: float, colour: int = 0, style: str = "solid") -> Trace:
    return Trace(np.arange(1.0, len(y) + 1), np.array(y), colour, style)


def test_it_reaches_as_far_as_everything_in_it() -> None:
    contents = Contents({"a": _trace(1, 2), "b": _trace(np.nan, -1, 5)})
    assert contents.extent() == ((1, 3), (-1, 5))
    contents.markers["m"] = Marker(9, 3, 0, 0)
    contents.rules["chance"] = Rule(-7, vertical=False)
    contents.rules["best"] = Rule(12, vertical=True)
    assert contents.extent() == ((1, 12), (-7, 5))


def test_points_without_a_place_do_not_stretch_it() -> None:
    contents = Contents({"a": _trace(1, 2)}, log=True)
    contents.markers["m"] = Marker(math.nan, math.nan, 0, 0)
    contents.rules["zero"] = Rule(0, vertical=False)
    assert contents.extent() == ((1, 2), (0, pytest.approx(math.log10(2))))


@pytest.mark.parametrize("y", [0.0, 0.3, -5.0, 1e9])
def test_a_single_point_has_room_around_it(y: float) -> None:
    (left, right), (low, high) = Contents({"a": _trace(y)}).extent()
    assert left < 1 < right
    assert low < y < high


def test_nothing_reaches_from_0_to_1() -> None:
    assert Contents().extent() == ((0, 1), (0, 1))
    assert Contents({"a": _trace()}).empty()
    assert Contents({"a": _trace(np.nan)}).empty()
    assert not Contents({"a": _trace(np.nan), "b": _trace(1)}).empty()
    assert Contents({"a": _trace(-1)}, log=True).empty()


def test_a_name_keeps_its_colour() -> None:
    contents = Contents()
    assert [contents.colour(name) for name in ("train", "validation", "train", "test")] == [0, 1, 0, 2]
    contents.clear()
    assert contents.colour("test") == 0


def test_whole_numbers_are_counted() -> None:
    assert Contents({"a": _trace(1, 2)}).whole()
    assert not Contents().whole()
    assert not Contents({"a": _trace(1), "b": Trace(np.array([0.5]), np.array([1.0]), 0)}).whole()


def test_the_legend_names_lines_and_markers_but_not_a_single_line() -> None:
    contents = Contents({"a": _trace(1, style="dash")})
    assert contents.legend() == []
    contents.markers["Youden"] = Marker(0, 0, 3, 1)
    assert contents.legend() == [Key("a", 0, "dash"), Key("Youden", 3, shape=1)]


def test_it_is_told_in_words() -> None:
    contents = Contents({"train": _trace(0.9, 0.51234), "validation": _trace(np.nan)})
    contents.markers["Youden"] = Marker(0.2, 0.8, 0, 0)
    assert contents.description("epoch", "loss") == (
        "loss over epoch. Last values: train: 0.5123; validation: not defined; Youden at 0.2, 0.8"
    )


def test_a_point_is_read_with_its_units() -> None:
    contents = Contents({"train": _trace(0.9, 0.51234)})
    assert contents.reading("train", 1, "epoch", "loss (nats)") == ["train", "epoch 2, loss 0.5123 nats"]
    assert contents.reading("train", 0, "", "") == ["train", "x 1, y 0.9"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(120_000, "120,000"), (0.000123456, "0.0001235"), (math.nan, "not defined"), (-3, "-3"), (1e20, "1e+20")],
)
def test_numbers_are_read_out(value: float, said: str) -> None:
    assert text(value) == said
