"""Findings as a tree: names and answers at a level, by tables worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import levels

COHEN = (
    "Pneumonia/Viral/COVID-19",
    "No Finding",
    "Pneumonia/Bacterial/Streptococcus",
    "Pneumonia",
    "Pneumonia/Bacterial",
    "Pneumonia/Lipoid",
)


@pytest.mark.parametrize(
    ("level", "names"),
    [
        (0, COHEN),
        (1, ("Pneumonia", "No Finding")),
        (2, ("Pneumonia/Viral", "No Finding", "Pneumonia/Bacterial", "Pneumonia/Lipoid")),
        (3, ("Pneumonia/Viral/COVID-19", "No Finding", "Pneumonia/Bacterial/Streptococcus", "Pneumonia/Lipoid")),
        (9, ("Pneumonia/Viral/COVID-19", "No Finding", "Pneumonia/Bacterial/Streptococcus", "Pneumonia/Lipoid")),
    ],
)
def test_names_at_a_level(level: int, names: tuple[str, ...]) -> None:
    assert levels.named(COHEN, level) == names


def test_names_that_only_begin_alike_are_no_tree() -> None:
    assert levels.named(("Pneumo", "Pneumothorax", "Pneumo/Left"), 2) == ("Pneumothorax", "Pneumo/Left")


# Columns as in COHEN: COVID-19, No Finding, Streptococcus, Pneumonia, Bacterial, Lipoid
IMAGES = {
    "labelled COVID-19": (1, 0, 0, 1, 0, 0),
    "labelled Streptococcus": (0, 0, 1, 1, 1, 0),
    "labelled Bacterial": (0, 0, -1, 1, 1, 0),
    "labelled Pneumonia": (-1, 0, -1, 1, -1, -1),
    "labelled No Finding": (0, 1, 0, 0, 0, 0),
    "nothing stated": (-1, -1, -1, -1, -1, -1),
    "only Pneumonia denied": (-1, -1, -1, 0, -1, -1),
    "COVID-19 alone stated": (1, -1, -1, -1, -1, -1),
    "COVID-19 alone denied": (0, -1, -1, -1, -1, -1),
}
AT_1 = [(1, 0), (1, 0), (1, 0), (1, 0), (0, 1), (-1, -1), (0, -1), (1, -1), (-1, -1)]
"""Pneumonia, No Finding."""
AT_2 = [
    (1, 0, 0, 0),
    (0, 0, 1, 0),
    (0, 0, 1, 0),
    (-1, 0, -1, -1),
    (0, 1, 0, 0),
    (-1, -1, -1, -1),
    (0, -1, 0, 0),
    (1, -1, -1, -1),
    (0, -1, -1, -1),
]
"""Viral (which no image states by itself), No Finding, Bacterial, Lipoid."""
AT_3 = [
    (1, 0, 0, 0),
    (0, 0, 1, 0),
    (0, 0, -1, 0),
    (-1, 0, -1, -1),
    (0, 1, 0, 0),
    (-1, -1, -1, -1),
    (0, -1, 0, 0),
    (1, -1, -1, -1),
    (0, -1, -1, -1),
]
"""COVID-19, No Finding, Streptococcus, Lipoid."""


@pytest.mark.parametrize(("level", "answers"), [(1, AT_1), (2, AT_2), (3, AT_3)])
def test_answers_at_a_level(level: int, answers: list[tuple[int, ...]]) -> None:
    stored = np.array(list(IMAGES.values()), np.int8)
    found = levels.answered(stored, COHEN, levels.named(COHEN, level))
    assert dict(zip(IMAGES, map(tuple, found.tolist()), strict=True)) == dict(zip(IMAGES, answers, strict=True))


def test_a_finding_of_which_nothing_is_known_is_not_stated() -> None:
    assert levels.answered(np.array([[1]], np.int8), ("Mass",), ("Fracture",)).tolist() == [[-1]]


def test_yes_below_wins_over_no_above() -> None:
    found = levels.answered(np.array([[0, 1]], np.int8), ("Opacity", "Opacity/Mass"), ("Opacity", "Opacity/Mass"))
    assert found.tolist() == [[1, 1]]


def test_what_is_related_and_what_is_coarser() -> None:
    assert levels.related(COHEN, ("Pneumonia/Bacterial",)) == [
        "Pneumonia/Bacterial/Streptococcus",
        "Pneumonia",
        "Pneumonia/Bacterial",
    ]
    assert levels.coarser(COHEN, ("Pneumonia/Bacterial", "No Finding")) == ["Pneumonia"]
    assert levels.stated(COHEN, ("Pneumonia/Viral",), 2)
    assert not levels.stated(COHEN, ("Pneumonia/Viral",), 0)
    assert not levels.stated(COHEN, ("Mass",), 2)


_NAMES = st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join), min_size=1, max_size=8, unique=True)


@given(_NAMES, st.integers(1, 5), st.data())
def test_a_level_is_flat_and_unrelated_columns_change_nothing(names: list[str], level: int, data: st.DataObject) -> None:
    wanted = levels.named(names, level)
    assert wanted
    assert levels.coarser(wanted, wanted) == []
    answer = st.lists(st.sampled_from([-1, 0, 1]), min_size=len(names), max_size=len(names))
    stored = np.array([data.draw(answer)], np.int8)
    some = levels.related(names, wanted)
    found = levels.answered(stored, names, wanted)
    few = levels.answered(stored[:, [names.index(name) for name in some]], some, wanted)
    assert found.tolist() == few.tolist()
    assert levels.named(wanted, level) == wanted
