"""Conditions in words, and taking them away one by one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxr_desktop.dataset import filter_words
from cxr_desktop.dataset.filter_words import answered, conditions, flagged, without
from cxr_desktop.dataset.shown_images import EVERYTHING, Choice
from trainer.records import NO, NOT_STATED, YES, Filter

FULL = Filter(
    findings={"Nodule": YES, "Mass": NO, "Edema": NOT_STATED}, part="none", part_given="train", view="", sex="F", patient="p1",
    source="clinic", flag="rotated", text="abc", excluded=True,
)  # fmt: skip


def test_every_condition_has_words() -> None:
    assert [words for _, words in conditions(Choice(FULL))] == [
        "Nodule: yes", "Mass: no", "Edema: not stated", "Part: in no part", "View: unknown", "Sex: F", "Source: clinic",
        "Patient: p1", "Part as delivered: train", "Flag: rotated", "Excluded images only", "Text: abc",
    ]  # fmt: skip


def test_nothing_is_said_of_a_plain_choice() -> None:
    assert conditions(Choice()) == []


def test_excluded_images_too() -> None:
    assert conditions(Choice(Filter(excluded=None))) == [("excluded", "Excluded images too")]


def test_images_from_elsewhere_say_what_they_are() -> None:
    wanted = np.array([1, 2])
    assert conditions(Choice(EVERYTHING, wanted=wanted, words="Missed by run first")) == [("wanted", "Missed by run first")]
    assert conditions(Choice(EVERYTHING, wanted=wanted)) == [("wanted", "Images chosen elsewhere")]
    both = conditions(Choice(replace(EVERYTHING, view="PA"), wanted=wanted, words="Missed"))
    assert both == [("wanted", "Missed"), ("view", "View: PA")]


def test_taking_all_conditions_away_leaves_the_plain_filter() -> None:
    where = FULL
    for key, _ in conditions(Choice(FULL)):
        where = without(where, key)
    assert where == Filter()


FILTERS = st.builds(
    Filter,
    findings=st.dictionaries(st.sampled_from(["A", "B:c", "d/e"]), st.sampled_from([YES, NO, NOT_STATED])),
    part=st.sampled_from(["", "train", "none"]),
    view=st.sampled_from([None, "", "PA"]),
    sex=st.sampled_from([None, "", "F"]),
    patient=st.sampled_from([None, "", "p"]),
    flag=st.sampled_from(["", "rotated"]),
    text=st.sampled_from(["", "x"]),
    excluded=st.sampled_from([None, True, False]),
)


@given(where=FILTERS, data=st.data())
def test_one_chip_takes_away_one_condition(where: Filter, data: st.DataObject) -> None:
    chips = conditions(Choice(where))
    if chips:
        chip = data.draw(st.sampled_from(chips))
        left = conditions(Choice(without(where, chip[0])))
        assert left == [other for other in chips if other != chip]


def test_answers_are_set_and_taken_back() -> None:
    where = answered(Filter(), "Nodule", YES)
    assert where.findings == {"Nodule": YES}
    assert answered(where, "Mass", NO).findings == {"Nodule": YES, "Mass": NO}
    assert answered(where, "Nodule", NO).findings == {"Nodule": NO}
    assert answered(where, "Nodule", None) == Filter()


@pytest.mark.parametrize(("flag", "gone"), [("gone", None), ("rotated", False), ("", False)])
def test_gone_images_are_shown_only_where_they_are_asked_for(flag: str, gone: bool | None) -> None:
    assert flagged(Filter(), flag) == Filter(flag=flag, gone=gone)
    assert flagged(flagged(Filter(), "gone"), flag) == Filter(flag=flag, gone=gone)


def test_images_from_elsewhere_may_be_gone_whatever_the_flag() -> None:
    assert flagged(EVERYTHING, "rotated").gone is None
    assert flagged(flagged(EVERYTHING, "rotated"), "").gone is None


def test_parts_in_words() -> None:
    assert [filter_words.part_words(part) for part in ("train", "none")] == ["train", "in no part"]
