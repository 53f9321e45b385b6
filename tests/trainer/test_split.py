"""Splits of a project: patients whole, nothing hidden, the same for the same seed whatever the order of import."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import split
from trainer.catalog import Catalog, Entry
from trainer.errors import ConfigError, DataError
from trainer.records import Split

FINDINGS = ("Normal", "COVID-19", "TB")


def _entry(number: int, finding: str | None = "Normal", *, patient: str = "", digest: str = "", part: str = "") -> Entry:
    labels = {} if finding is None else {name: int(name == finding) for name in FINDINGS}
    return Entry(
        path=f"{number:05}.png",
        digest=digest or f"{number * 7919 % 100_003:040x}",
        bytes=1,
        modified=1,
        width=8,
        height=8,
        patient=patient,
        part_given=part,
        labels=labels,
    )


def _usual(count: int = 120) -> list[Entry]:
    """Two images a patient, findings 6:3:1."""
    kinds = ["Normal"] * 6 + ["COVID-19"] * 3 + ["TB"]
    return [_entry(number, kinds[number // 2 % 10], patient=f"P{number // 2}") for number in range(count)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.create(tmp_path / "one.cxr") as catalog:
        yield catalog


def _fill(catalog: Catalog, entries: Sequence[Entry], source: str = "source") -> None:
    catalog.store(catalog.project.parent / source, list(entries), findings=FINDINGS)


def _only(splits: list[Split]) -> Split:
    assert len(splits) == 1
    return splits[0]


def _part_of(catalog: Catalog, made: Split) -> dict[str, str]:
    """Part of each path."""
    return {path: part for part, ids in made.parts.items() for path, _ in zip(catalog.column(ids, "path"), ids, strict=True)}


def _patients_of(catalog: Catalog, made: Split) -> dict[str, set[str]]:
    return {part: set(catalog.patients(ids)) for part, ids in made.parts.items()}


def _shares(made: Split) -> dict[str, float]:
    total = sum(map(len, made.parts.values()))
    return {part: len(ids) / total for part, ids in made.parts.items()}


def test_patients_stay_whole_and_findings_keep_their_shares(project: Catalog) -> None:
    _fill(project, _usual(400))
    made = _only(split.run(project))
    people = list(_patients_of(project, made).values())
    assert sum(map(len, people)) == len(set().union(*people)) == 200
    for part, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
        assert _shares(made)[part] == pytest.approx(share, abs=0.011)
        labels = project.labels(made.parts[part], FINDINGS)
        np.testing.assert_allclose(labels.mean(0), [0.6, 0.3, 0.1], atol=0.03)
    assert made.rule == "by patient, stratified by finding"
    assert made.name == "70-10-20-seed1"
    assert made.warnings == ()
    assert (made.folds, made.fold) == (0, None)


def test_every_image_stands_in_one_part_and_the_catalog_keeps_it(project: Catalog) -> None:
    _fill(project, _usual())
    made = _only(split.run(project, test=0.3, val=0.2, seed=5, name="mine"))
    ids = np.concatenate(list(made.parts.values()))
    assert sorted(ids.tolist()) == sorted(project.ids().tolist())
    assert all((np.diff(part) > 0).all() and part.dtype == np.int64 for part in made.parts.values())
    kept = project.split("mine")
    assert project.active_split() == "mine"
    assert {part: kept.parts[part].tolist() for part in kept.parts} == {part: made.parts[part].tolist() for part in made.parts}
    assert (kept.seed, kept.rule, kept.digest, kept.warnings) == (made.seed, made.rule, made.digest, made.warnings)


@settings(deadline=None, max_examples=8)
@given(shuffle=st.integers(0, 10**6), seed=st.integers(0, 1000))
def test_order_of_import_paths_and_names_of_patients_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, shuffle: int, seed: int
) -> None:
    entries = _usual(60)
    order = np.random.default_rng(shuffle).permutation(60)
    renamed = [
        replace(entries[old], path=f"{new:03}.png", patient=f"X{int(entries[old].patient[1:]) * 37 % 101}")
        for new, old in enumerate(order)
    ]
    found = []
    for batch in (entries, renamed):
        with Catalog.create(tmp_path_factory.mktemp("order") / "one.cxr") as catalog:
            _fill(catalog, batch)
            made = _only(split.run(catalog, seed=seed))
            contents = {part: set(catalog.column(ids, "digest")) for part, ids in made.parts.items()}
            found.append((contents, made.digest))
    assert found[0] == found[1]


def test_another_seed_is_another_split_with_another_digest(project: Catalog) -> None:
    _fill(project, _usual())
    one, other = _only(split.run(project, seed=1)), _only(split.run(project, seed=2))
    assert _part_of(project, one) != _part_of(project, other)
    assert one.digest != other.digest
    assert project.splits() == ["70-10-20-seed1", "70-10-20-seed2"]


@pytest.mark.parametrize("folds", [2, 5])
def test_each_image_is_tested_in_exactly_one_fold(project: Catalog, folds: int) -> None:
    _fill(project, _usual(200))
    made = split.run(project, folds=folds, seed=3)
    assert [one.fold for one in made] == list(range(folds))
    tested = np.concatenate([one.parts["test"] for one in made])
    assert sorted(tested.tolist()) == sorted(project.ids().tolist())
    for one in made:
        people = list(_patients_of(project, one).values())
        assert sum(map(len, people)) == len(set().union(*people)) == 100
        assert _shares(one)["test"] == pytest.approx(1 / folds, abs=0.03)
        assert _shares(one)["validation"] == pytest.approx(0.1, abs=0.03)
    assert project.splits() == [f"{folds}-folds-seed3-fold{fold + 1}" for fold in range(folds)]
    assert project.active_split() == f"{folds}-folds-seed3-fold1"


@pytest.mark.parametrize("seed", range(4))
def test_folds_leak_nothing_whatever_the_images_are(project: Catalog, seed: int) -> None:
    """Unknown patients, exact copies under other patients, external images and their kin, at random."""
    random = np.random.default_rng(seed)
    entries = [
        _entry(
            number,
            str(random.choice(FINDINGS, p=(0.6, 0.3, 0.1))),
            patient=f"P{random.integers(50)}" if random.random() < 0.8 else "",
            digest=f"{random.integers(90):040x}" if random.random() < 0.2 else "",
            part="external" if random.random() < 0.1 else "",
        )
        for number in range(150)
    ]
    _fill(project, entries)
    made = split.run(project, folds=3, seed=seed)
    tested = np.concatenate([one.parts["test"] for one in made])
    assert len(tested) == len(set(tested.tolist()))
    for one in made:
        inside = np.concatenate([ids for part, ids in one.parts.items() if part != "external"])
        assert sorted(inside.tolist()) == sorted(tested.tolist()), "all folds are of the same images"
        for facts in (project.patients, lambda ids: [str(digest) for digest in project.column(ids, "digest")]):
            seen = [set(facts(ids)) - {""} for ids in one.parts.values()]
            assert sum(map(len, seen)) == len(set().union(*seen))
        yes = [(project.labels(one.parts[part], FINDINGS) == 1).sum(0) for part in ("train", "validation", "test")]
        assert np.all(np.array(yes) > 0), "each part has each finding"


def test_unknown_patients_are_said_and_copies_stay_together(project: Catalog) -> None:
    entries = [_entry(n, FINDINGS[n % 3], digest=f"{n // 4:040x}" if n < 40 else "") for n in range(120)]
    _fill(project, entries)
    made = _only(split.run(project))
    parts = _part_of(project, made)
    for first in range(0, 40, 4):
        assert len({parts[f"{n:05}.png"] for n in range(first, first + 4)}) == 1
    assert made.rule.startswith("patients unknown: by image, exact duplicates together")
    assert any("120 of 120 images is unknown" in text for text in made.warnings)
    assert any(text.startswith("30 exact copies of other images") for text in made.warnings)


def test_copies_join_patients(project: Catalog) -> None:
    """P0 has a copy of an image of P1, which has one of P2, and so on: a chain that must not be cut."""
    entries = _usual(100)
    chain = [replace(entries[n], digest=entries[n - 1].digest) for n in range(2, 30, 2)]
    _fill(project, [chain[n // 2 - 1] if n in range(2, 30, 2) else entries[n] for n in range(100)])
    made = _only(split.run(project))
    parts = _part_of(project, made)
    assert len({parts[f"{n:05}.png"] for n in range(30)}) == 1
    assert any(text.startswith("14 patients joined with another") for text in made.warnings)


def test_excluded_and_unlabelled_images_are_in_no_part(project: Catalog) -> None:
    _fill(project, [*_usual(100), *(_entry(n, None, patient=f"U{n}") for n in range(100, 107))])
    out = project.ids()[:6]
    project.set_excluded(out, True)
    made = _only(split.run(project))
    ids = np.concatenate(list(made.parts.values()))
    assert len(ids) == 94
    assert not np.isin(out, ids).any()
    assert "7 images left out: no label." in made.warnings


def test_a_finding_too_rare_for_every_part_is_told(project: Catalog) -> None:
    rare = [_entry(200 + n, "TB", patient=f"R{n // 2}") for n in range(4)]
    _fill(project, [*(replace(entry, labels={**entry.labels, "TB": 0}) for entry in _usual(100)), *rare])
    made = _only(split.run(project))
    told = [text for text in made.warnings if text.startswith("TB: 4 images of 2 patients, not in every part")]
    assert len(told) == 1
    assert "validation" in told[0]


def test_a_finding_that_nobody_has_is_told(project: Catalog) -> None:
    _fill(project, [_entry(n, FINDINGS[n % 2], patient=f"P{n}") for n in range(40)])
    assert "TB: no image in the split has it." in _only(split.run(project)).warnings


def test_a_patient_with_most_images_is_told(project: Catalog) -> None:
    _fill(project, [_entry(n, FINDINGS[n % 2], patient="P0" if n < 80 else f"P{n}") for n in range(90)])
    made = _only(split.run(project))
    assert any(text.startswith("The train part has") and "instead of 70%" in text for text in made.warnings)


def test_only_the_findings_asked_for_count(project: Catalog) -> None:
    entries = [
        replace(entry, labels={"TB": entry.labels["TB"]} if n < 60 else {"Normal": 1}) for n, entry in enumerate(_usual())
    ]
    _fill(project, entries)
    made = _only(split.run(project, findings=["TB"]))
    assert sum(map(len, made.parts.values())) == 60
    with pytest.raises(DataError, match="no such finding"):
        split.run(project, findings=["TBC"])


def _given(parts: Sequence[str], each: int = 60) -> list[Entry]:
    return [
        _entry(each * place + n, FINDINGS[n % 3], patient=f"{part}{n // 2}", part=part)
        for place, part in enumerate(parts)
        for n in range(each)
    ]


def test_given_parts_are_kept(project: Catalog) -> None:
    _fill(project, _given(["train", "validation", "test", "external"]))
    made = _only(split.run(project))
    assert made.rule == "as given"
    assert made.name == "as-given"
    assert made.warnings == ()
    for part, ids in made.parts.items():
        assert set(project.column(ids, "part_given")) == {part}
    assert _shares(made) == {"train": 0.25, "validation": 0.25, "test": 0.25, "external": 0.25}


def test_a_missing_validation_part_is_cut_out_of_train_by_patient(project: Catalog) -> None:
    _fill(project, _given(["train", "test"], each=200))
    made = _only(split.run(project))
    assert set(project.column(made.parts["test"], "part_given")) == {"test"}
    assert len(made.parts["test"]) == 200
    assert len(made.parts["validation"]) == pytest.approx(20, abs=2)
    people = _patients_of(project, made)
    assert not people["train"] & people["validation"]
    assert made.rule == "as given; validation cut out of train by patient, stratified by finding"


def test_a_leak_in_given_parts_is_told_with_names(project: Catalog) -> None:
    entries = _given(["train", "validation", "test"])
    entries[-1] = replace(entries[-1], patient="train0")
    entries[-3] = replace(entries[-3], digest=entries[10].digest)
    _fill(project, entries)
    made = _only(split.run(project))
    told = [text for text in made.warnings if text.startswith("In more than one of the given parts")]
    assert len(told) == 1
    assert "2 patients or copied images (test28, train0, train5)" in told[0]
    assert "--test 0.2" in told[0]


def test_images_without_a_given_part_train_unless_their_patient_stands_elsewhere(project: Catalog) -> None:
    loose = [_entry(900, patient="test0"), _entry(901, patient="new"), _entry(902, patient="train0")]
    entries = [*_given(["train", "validation", "test"]), *loose]
    _fill(project, entries)
    made = _only(split.run(project))
    parts = _part_of(project, made)
    assert parts["00901.png"] == parts["00902.png"] == "train"
    assert "00900.png" not in parts
    assert any(text.startswith("1 image left out: the same patient") for text in made.warnings)


def test_shares_that_are_asked_for_undo_given_parts_but_not_external(project: Catalog) -> None:
    entries = _given(["train", "test", "external"])
    entries[0] = replace(entries[0], patient="external0")
    _fill(project, entries)
    made = _only(split.run(project, test=0.2))
    assert set(project.column(made.parts["external"], "part_given")) == {"external"}
    assert len(made.parts["external"]) == 60
    assert set(project.column(made.parts["test"], "part_given")) == {"train", "test"}
    assert "00000.png" not in _part_of(project, made)
    assert made.rule == "by patient, stratified by finding"


def test_given_parts_without_training_images_are_refused(project: Catalog) -> None:
    _fill(project, _given(["validation", "test"]))
    with pytest.raises(DataError, match="nothing to train on"):
        split.run(project)
    assert project.splits() == []


def test_only_external_images_are_refused(project: Catalog) -> None:
    _fill(project, _given(["external"]))
    with pytest.raises(DataError, match="All images are external"):
        split.run(project)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"test": 1.0}, "no share"),
        ({"test": -0.1}, "no share"),
        ({"val": float("nan")}, "no share"),
        ({"test": 0.6, "val": 0.4}, "Nothing would be left"),
        ({"val": 0.0}, "must be validation"),
        ({"folds": 1}, "1 folds"),
        ({"folds": -3}, "-3 folds"),
        ({"folds": 5, "test": 0.2}, "follows from their number"),
        ({"folds": 2, "val": 0.5}, "Nothing would be left"),
        ({"seed": -1}, "no seed"),
    ],
)
def test_shares_that_cannot_be_are_refused_with_a_remedy(project: Catalog, wrong: dict[str, float], words: str) -> None:
    _fill(project, _usual(60))
    with pytest.raises(ConfigError, match=words) as caught:
        split.run(project, **wrong)  # type: ignore[arg-type]
    assert caught.value.remedy
    assert project.splits() == []


def test_a_split_without_test_part_can_be_asked_for(project: Catalog) -> None:
    _fill(project, _usual(100))
    made = _only(split.run(project, test=0))
    assert set(made.parts) == {"train", "validation"}
    assert made.name == "90-10-0-seed1"


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "no images"),
        ([_entry(n, None) for n in range(9)], "No image has a label"),
        ([_entry(n, "TB", patient=f"P{n}") for n in range(9)], "labelled alike"),
        ([_entry(n, FINDINGS[n % 3], patient=f"P{n % 2}") for n in range(9)], "Only 2 patients for 3 parts"),
    ],
)
def test_projects_that_cannot_be_split_are_refused_with_a_remedy(project: Catalog, entries: list[Entry], words: str) -> None:
    labels = [replace(entry, labels={k: v for k, v in entry.labels.items() if v or "alike" not in words}) for entry in entries]
    _fill(project, labels)
    with pytest.raises(DataError, match=words) as caught:
        split.run(project)
    assert caught.value.remedy


def test_darkcovid_is_divided_within_two_points(project: Catalog, shared_data: Path) -> None:
    with (shared_data / "darkcovid" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["label"] for row in rows})
    entries = [
        replace(_entry(n, patient=row["patient_id"]), labels={name: int(name == row["label"]) for name in names})
        for n, row in enumerate(rows)
    ]
    project.store(project.project.parent / "source", entries, findings=names)
    truth = np.array([row["label"] for row in rows])
    for seed in (1, 2, 3):
        made = _only(split.run(project, test=0.2, val=0.1, seed=seed))
        assert made.warnings == ()
        people = list(_patients_of(project, made).values())
        assert sum(map(len, people)) == len(set().union(*people))
        parts = _part_of(project, made)
        place = np.array([parts[entry.path] for entry in entries])
        for part, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
            assert np.mean(place == part) == pytest.approx(share, abs=0.02)
            for name in names:
                assert np.mean(place[truth == name] == part) == pytest.approx(share, abs=0.02)
