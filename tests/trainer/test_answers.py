"""Words of a table become yes, no and not stated; several rows of one image become one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import answers, rows
from trainer.policies import Policies
from trainer.records import NO, YES
from trainer.rows import Row

SAID = st.dictionaries(st.sampled_from("ABC"), st.sampled_from([YES, NO]))


def test_rows_of_one_reader_add_up() -> None:
    """Each row is a box: what it does not name is no, unless another names it or leaves it open."""
    assert answers.united([{"A": YES, "B": NO, "C": NO}, {"A": NO, "B": YES, "C": NO}]) == {"A": YES, "B": YES, "C": NO}
    assert answers.united([{"A": YES}, {"A": NO, "B": NO}]) == {"A": YES}, "what one row leaves open is not no"
    one = {"A": NO}
    assert answers.united([one]) is one


@pytest.mark.parametrize(
    ("policy", "votes", "answer"),
    [
        ("majority", "yyn", YES),
        ("majority", "ynn", NO),
        ("majority", "yn", None),
        ("majority", "yn-", None),
        ("majority", "yy-", YES),
        ("majority", "--n", NO),
        ("any", "ynn", YES),
        ("any", "nn-", NO),
        ("all", "yyy", YES),
        ("all", "yyn", NO),
        ("all", "yy-", None),
    ],
)
def test_votes(policy: str, votes: str, answer: int | None) -> None:
    readers = [{"A": {"y": YES, "n": NO}[vote]} if vote != "-" else {} for vote in votes]
    assert answers.voted(readers, Policies(readers=policy)).get("A") == answer


@settings(deadline=None)
@given(st.lists(SAID, min_size=1, max_size=5), st.sampled_from(["majority", "any", "all"]))
def test_readers_who_agree_are_believed(readers: list[dict[str, int]], policy: str) -> None:
    first = readers[0]
    assert answers.voted([first] * len(readers), Policies(readers=policy)) == first
    found = answers.voted(readers, Policies(readers=policy))
    assert found.keys() <= {name for reader in readers for name in reader}
    for name, answer in found.items():
        assert answer in {reader[name] for reader in readers if name in reader}, "no answer that nobody gave"


def test_words_for_no_finding() -> None:
    names = ["No Finding", "No findings", "No_findings", "no-finding", "Normal", "Finding", "No Fracture"]
    assert answers.no_findings(names) == ("No Finding", "No findings", "No_findings", "no-finding")
    assert answers.no_findings(names, ["normal"])[-1] == "Normal"


def test_no_finding_leaves_what_is_stated_beside_it() -> None:
    shared = {"No Finding": YES, "Devices": YES}
    found = answers.all_no(
        [shared, shared, {"Edema": YES}, {"No Finding": NO}], ["No Finding", "Devices", "Edema"], ["No Finding"]
    )
    assert found == [{"Devices": YES, "Edema": NO}] * 2 + [{"Edema": YES}, {}]


def test_an_odd_cell_is_counted_once_a_row() -> None:
    notes: list[str] = []
    found = answers.answered({"A": ["1", "x", "x"], "B": ["-1.0", "u", "nan"]}, Policies(uncertain="no"), notes)
    assert found == [{"A": YES, "B": NO}, {"B": NO}, {}]
    assert notes == ["'x' in the column 'A' is neither yes nor no; it counts as not stated (2 rows)"]


def test_blank_columns_hold_answers_only_if_that_is_asked() -> None:
    assert not answers.is_answers(["", "-1.0"])
    assert answers.is_answers(["", "-1.0"], all_blank=True)
    assert not answers.is_answers(["Mass", "1"], all_blank=True)
    assert answers.has_uncertain(["", "-1.0"])
    assert not answers.has_uncertain(["", "1.0"])


def test_two_tables_of_one_image() -> None:
    assert answers.both({"A": YES}, {"A": NO, "B": NO}) == {"A": YES, "B": NO}
    assert answers.both({}, {"B": NO}) == {"B": NO}


def test_two_rows_that_say_the_same_are_one() -> None:
    told = [Row(2, "a.png", {"A": YES}, patient="p"), Row(3, "./a.png", {"A": YES}, patient="p"), Row(4, "b.png", {"A": NO})]
    merged = rows.merged(told, ["x/a.png", "x/a.png", ""], Policies(), boxes=False)
    assert merged.rows == {"x/a.png": Row(2, "x/a.png", {"A": YES}, patient="p")}
    assert (merged.refused, merged.readers) == ({}, 0)


@pytest.mark.parametrize("boxes", [False, True])
def test_rows_that_contradict_are_refused(boxes: bool) -> None:
    """Labels of boxes add up, but no image has two patients."""
    labels = [Row(2, "a", {"A": YES, "B": NO}), Row(3, "a", {"A": NO, "B": YES})]
    merged = rows.merged(labels, ["a", "a"], Policies(), boxes=boxes)
    assert list(merged.refused) == ([] if boxes else ["a"])
    people = [Row(2, "a", patient="p"), Row(9, "a", patient="q")]
    merged = rows.merged(people, ["a", "a"], Policies(), boxes=boxes)
    assert merged.refused == {"a": "the table says two different things about it (lines 2 and 9)"}
    assert merged.rows == {}


def test_readers_vote_after_their_own_rows_are_one() -> None:
    told = [
        Row(2, "a", {"A": YES, "B": NO}, reader="r1"),
        Row(3, "a", {"A": NO, "B": YES}, reader="r1"),
        Row(4, "a", {"A": YES, "B": NO}, reader="r2"),
        Row(5, "a", {"A": NO, "B": NO}, reader="r3"),
    ]
    merged = rows.merged(told, ["a"] * 4, Policies(), boxes=True)
    assert merged.rows["a"].labels == {"A": YES, "B": NO}, "three boxes of r1 are one vote"
    assert (merged.readers, merged.rows["a"].reader) == (1, "")
