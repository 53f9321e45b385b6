"""Splits in numbers, who uses them, and names beside them."""

import json
from pathlib import Path

import numpy as np
import pytest

from trainer import divisions, runs, split
from trainer.catalog import Catalog


def test_planned_is_what_is_then_saved(project: Path) -> None:
    with Catalog.open(project) as catalog:
        before = catalog.splits()
        plan = split.planned(catalog, test=0.25, val=0.2, seed=4, name="second")
        assert catalog.splits() == before, "nothing is saved"
        made = split.run(catalog, test=0.25, val=0.2, seed=4, name="second")
        assert [one.digest for one in plan] == [one.digest for one in made]
        assert catalog.active_split() == "second"
        stored = catalog.split("second")
        assert {part: ids.tolist() for part, ids in stored.parts.items()} == {
            part: ids.tolist() for part, ids in plan[0].parts.items()
        }


def test_folds_are_saved_and_the_first_is_active(project: Path) -> None:
    with Catalog.open(project) as catalog:
        split.save(catalog, split.planned(catalog, folds=3, name="cv"))
        assert catalog.active_split() == "cv-fold1"
        assert set(catalog.splits()) >= {"cv-fold1", "cv-fold2", "cv-fold3"}


def test_contents_count_images_patients_and_findings(project: Path) -> None:
    with Catalog.open(project) as catalog:
        made = split.planned(catalog, test=0.25, val=0.25, seed=2)[0]
        found = divisions.contents(catalog, made)
        assert list(found) == ["train", "validation", "test"]
        assert sum(part.images for part in found.values()) == len(catalog.ids())
        for name, part in found.items():
            ids = made.parts[name]
            assert part.patients == len(set(catalog.patients(ids)))
            assert part.unknown == 0
            labels = catalog.labels(ids, catalog.findings())
            assert list(part.findings.values()) == np.count_nonzero(labels == 1, axis=0).tolist()
        people = sum(part.patients for part in found.values())
        assert people == catalog.counts().patients, "no patient stands in two parts"


def test_runs_that_use_a_split_are_named(project: Path) -> None:
    with Catalog.open(project) as catalog:
        name = catalog.active_split()
        split.run(catalog, test=0.3, val=0.2, name="other")
        assert divisions.users(catalog) == {name: [], "other": []}
        for run in ("one", "two"):
            runs.create(project, run, {"split": {"name": name}}, {"parts": {}})
        runs.create(project, "three", {"split": {"name": "of another project"}}, {"parts": {}})
        damaged = runs.create(project, "four", {"split": {"name": name}}, {"parts": {}})
        (damaged.folder / "config.json").write_text(json.dumps([1]))
        assert divisions.users(catalog) == {name: ["one", "two"], "other": []}


@pytest.mark.parametrize(
    ("wanted", "taken", "free"),
    [
        ("a", [], "a"),
        ("a", ["b"], "a"),
        ("a", ["a"], "a-2"),
        ("a", ["A", "a-2"], "a-3"),
        ("a-2", ["a", "a-2"], "a-2-2"),
        ("a", ["a", "a-3"], "a-2"),
    ],
)
def test_free_names(wanted: str, taken: list[str], free: str) -> None:
    assert divisions.free_name(wanted, taken) == free
    assert free.casefold() not in {name.casefold() for name in taken}
