"""What is said by hand, and its way back: after a restore the catalog is as it was, to the row."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.catalog import NO, NOT_STATED, YES, Catalog

from .makers import entry


def rows(catalog: Catalog) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that marks may change, findings by name."""
    with catalog._reading() as connection:
        sql = "SELECT image, name, value, by_user FROM labels JOIN findings ON findings.id = finding ORDER BY image, name"
        return {
            "labels": connection.execute(sql).fetchall(),
            "findings": connection.execute("SELECT name FROM findings ORDER BY name").fetchall(),
            "flags": connection.execute("SELECT flag, image FROM flags ORDER BY flag, image").fetchall(),
            "excluded": connection.execute("SELECT id FROM images WHERE excluded = 1 ORDER BY id").fetchall(),
        }


def test_an_answer_by_hand_is_put_back_with_its_origin(catalog: Catalog) -> None:
    ids = catalog.ids()
    catalog.set_labels(ids[1:2], "COVID-19", YES)
    before = rows(catalog)
    undone = catalog.set_labels(ids, "COVID-19", NOT_STATED)
    assert undone.known
    assert undone.images.tolist() == ids[:4].tolist()
    assert undone.values.tolist() == [1, 1, 0, 0]
    assert undone.by_hand.tolist() == [False, True, False, False]
    assert catalog.labels(ids, ["COVID-19"]).ravel().tolist() == [NOT_STATED] * 6
    catalog.restore_labels(undone)
    assert rows(catalog) == before


def test_a_finding_that_was_not_there_goes_again_and_can_come_back(catalog: Catalog) -> None:
    before = rows(catalog)
    undone = catalog.set_labels(catalog.ids()[:2], "Nodule", YES)
    assert not undone.known
    assert "Nodule" in catalog.findings()
    catalog.restore_labels(undone)
    assert rows(catalog) == before
    again = catalog.set_labels(catalog.ids()[:2], "Nodule", NO)
    catalog.set_labels(catalog.ids()[2:3], "Nodule", YES)
    catalog.restore_labels(again)
    assert catalog.findings()[-1] == "Nodule", "another image still has an answer"


def test_an_answer_put_back_belongs_to_its_source_again(catalog: Catalog, source: Path) -> None:
    ids = catalog.ids()
    undone = catalog.set_labels(ids[:2], "Normal", YES)
    assert {name: catalog.known(source)[name].by_hand for name in ("a/000.png", "a/002.png")} == {
        "a/000.png": {"Normal"},
        "a/002.png": frozenset(),
    }
    catalog.restore_labels(undone)
    assert catalog.known(source)["a/000.png"].by_hand == frozenset()
    assert catalog.known(source)["a/000.png"].labels == {"Normal": NO, "COVID-19": YES}


def test_only_what_changed_is_given_back(catalog: Catalog) -> None:
    ids = catalog.ids()
    assert catalog.set_excluded(ids[:2], True).tolist() == ids[:2].tolist()
    assert catalog.set_excluded(ids[:4], True).tolist() == ids[2:4].tolist()
    assert catalog.set_excluded(ids[:1], True).tolist() == []
    assert catalog.add_flag(ids[:2], "rotated").tolist() == ids[:2].tolist()
    assert catalog.add_flag(ids[1:3], "rotated").tolist() == ids[2:3].tolist()
    assert catalog.remove_flag(ids, "rotated").tolist() == ids[:3].tolist()
    assert catalog.remove_flag(ids, "rotated").tolist() == []


def test_flag_names_are_found_one_after_the_other(catalog: Catalog) -> None:
    assert catalog.flag_names() == []
    for name in ("rotated", "blurred", "odd"):
        catalog.add_flag(catalog.ids(), name)
    assert catalog.flag_names() == ["blurred", "odd", "rotated"]


def test_an_answer_that_is_none_changes_nothing(catalog: Catalog) -> None:
    before = rows(catalog)
    with pytest.raises(Exception, match="CHECK"):
        catalog.set_labels([1], "Nodule", 7)
    assert rows(catalog) == before


ANSWER = st.tuples(st.sets(st.integers(1, 6), min_size=1), st.sampled_from(["A", "B", "C"]), st.sampled_from([1, 0, -1]))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(ANSWER, min_size=1, max_size=8))
def test_any_answers_are_taken_back_one_by_one(tmp_path_factory: pytest.TempPathFactory, answers: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("marks")
    with Catalog.create(folder / "x.cxr") as catalog:
        catalog.store(folder, [entry(n, labels={"A": n % 2}) for n in range(6)], findings=("A",))
        states, undone = [], []
        for images, finding, value in answers:
            states.append(rows(catalog))
            undone.append(catalog.set_labels(sorted(images), finding, value))
            found = catalog.labels(sorted(images), [finding]).ravel()
            assert np.all(found == value)
        while undone:
            catalog.restore_labels(undone.pop())
            assert rows(catalog) == states.pop()
