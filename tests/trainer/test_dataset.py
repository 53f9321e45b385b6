"""The images of a run: which can be used for a task, and which were left out."""

import dataclasses
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from trainer import config, dataset, importer, schema
from trainer.catalog import Catalog
from trainer.errors import ConfigError, DataError
from trainer.labelling import Asked
from trainer.records import UNREADABLE

from .makers import draw

NAMES = ("Lobar pneumonia", "Normal", "Pleural effusion")


def test_a_multi_class_image_needs_exactly_one_yes() -> None:
    answers = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [-1, -1, -1], [1, -1, -1], [-1, 0, 0]], np.int8)
    assert dataset.usable(answers, "multi-class").tolist() == [True, False, False, False, True, False]
    assert dataset.usable(answers, "multi-label").tolist() == [True, True, True, False, True, True]


def test_all_findings_that_some_image_has_are_learned_by_default(project: Path) -> None:
    with Catalog.open(project) as catalog:
        assert set(dataset.findings(catalog, config.Task())) == set(NAMES)
        chosen = config.Task(findings=("Normal", "Lobar pneumonia"))
        assert dataset.findings(catalog, chosen) == ("Normal", "Lobar pneumonia")
        with pytest.raises(ConfigError, match="Did you mean Normal"):
            dataset.findings(catalog, config.Task(findings=("Norml", "Lobar pneumonia")))
        with pytest.raises(DataError, match="Normal is the only finding"):
            dataset.findings(catalog, config.Task(findings=("Normal",)))
        assert dataset.findings(catalog, config.Task(kind="multi-label", findings=("Normal",))) == ("Normal",)


def test_a_part_holds_ids_targets_and_squares_in_one_order(project: Path, tiny: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.split().parts["validation"]
        part = dataset.part(catalog, ids, NAMES, tiny)
        np.testing.assert_array_equal(part.ids, ids)
        np.testing.assert_array_equal(part.targets, catalog.labels(ids, NAMES))
    pixels, targets, stated = part.batch(np.array([2, 0]))
    assert pixels.shape == (2, 1, 64, 64)
    assert stated.all()
    np.testing.assert_array_equal(targets.numpy(), part.targets[[2, 0]])


def test_not_stated_is_zero_and_marked(project: Path, tiny: config.TrainConfig) -> None:
    settings = config.changed(tiny, {"task.kind": "multi-label"})
    with Catalog.open(project) as catalog:
        ids = catalog.ids()[:4]
        catalog.set_labels(ids, "Normal", -1)
        part = dataset.part(catalog, ids, NAMES, settings)
    _, targets, stated = part.batch(np.arange(len(part.ids)))
    assert not stated[:, 1].any()
    assert not targets[:, 1].any()


def test_findings_that_a_project_does_not_know_are_not_stated(project: Path) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.ids()[:5]
        found = dataset.targets(catalog, ids, ("Fracture", "Normal"))
        np.testing.assert_array_equal(found[:, 1], catalog.labels(ids, ["Normal"])[:, 0])
    assert (found[:, 0] == -1).all()


def test_frequencies_are_shares_of_the_stated() -> None:
    answers = np.array([[1, -1], [0, -1], [-1, -1], [1, -1]], np.int8)
    assert dataset.frequencies(answers, ("A", "B")) == {"A": pytest.approx(2 / 3)}


def test_the_fingerprint_sees_labels_and_order(project: Path, tiny: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        first = dataset.fingerprint({"train": dataset.part(catalog, ids, NAMES, tiny)})
        assert dataset.fingerprint({"train": dataset.part(catalog, ids, NAMES, tiny)}) == first
        catalog.set_labels(ids[:1], "Normal", 1 - int(catalog.labels(ids[:1], ["Normal"])[0, 0]))
        settings = config.changed(tiny, {"task.kind": "multi-label"})
        assert dataset.fingerprint({"train": dataset.part(catalog, ids, NAMES, settings)}) != first


def test_files_that_cannot_be_read_any_more_are_told(project: Path, tiny: config.TrainConfig, tmp_path: Path) -> None:
    with Catalog.open(project) as catalog:
        part = dataset.part(catalog, catalog.ids()[:3], NAMES, tiny)
    failed = dataset.Part(part.ids, part.targets, _with_failures(part, tmp_path / "lost.png"))
    (sentence,) = dataset.unreadable({"train": failed})
    assert "1 train images" in sentence
    assert "lost.png (torn)" in sentence
    assert dataset.unreadable({"train": part}) == []


def _with_failures(part: dataset.Part, path: Path) -> dataset.batches.Cache:
    return dataclasses.replace(part.cache, failures=((path, "torn"),))


def test_parts_without_images_are_refused(project: Path, tiny: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        full = dataset.part(catalog, catalog.ids(), NAMES, tiny)
        empty = dataset.part(catalog, catalog.ids()[:0], NAMES, tiny)
    dataset.check({"train": full, "validation": full}, NAMES, project)
    for parts in ({"train": empty, "validation": full}, {"train": full, "validation": empty}):
        with pytest.raises(DataError, match="part has no image"):
            dataset.check(parts, NAMES, project)


def test_damaged_pixels_are_flagged_when_they_are_needed_and_a_whole_file_loses_the_flag(source: Path, tmp_path: Path) -> None:
    draw(source, "A/1.png", "A/2.png", "B/3.png")
    whole = (source / "A/1.png").read_bytes()
    place = whole.index(b"IDAT") + 6
    damaged = whole[:place] + bytes(byte ^ 255 for byte in whole[place : place + 8]) + whole[place + 8 :]
    (source / "A/1.png").write_bytes(damaged)
    project = tmp_path / "p.cxr"
    assert importer.run(project, [source]).taken == 3  # its chunks are all there
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        cache = dataset.squares(catalog, ids, 16, "stretch")
        assert cache.readable.tolist() == [False, True, True]
        assert catalog.counts().flags.get(UNREADABLE) == 1
        dataset.squares(catalog, ids, 16, "stretch")
        assert catalog.counts().flags.get(UNREADABLE) == 1
    (source / "A/1.png").write_bytes(whole)
    importer.carried_out(project, [source], Asked(), resaved=True)
    with Catalog.open(project) as catalog:
        assert UNREADABLE not in catalog.counts().flags
        catalog.add_flag(catalog.ids()[:1], UNREADABLE)
        assert dataset.squares(catalog, catalog.ids(), 16, "stretch").readable.all()
        assert UNREADABLE not in catalog.counts().flags


def test_a_flag_that_cannot_be_written_stops_nothing(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(source, "A/1.png", "B/3.png")
    whole = (source / "A/1.png").read_bytes()
    (source / "A/1.png").write_bytes(whole.replace(whole[whole.index(b"IDAT") + 6 :][:8], bytes(8)))
    made = importer.run(tmp_path / "p.cxr", [source])
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(made.project / "catalog.sqlite", isolation_level=None)
    with Catalog.open(made.project) as catalog:
        other.execute("BEGIN IMMEDIATE")
        assert dataset.squares(catalog, catalog.ids(), 16, "stretch").readable.tolist() == [False, True]
        other.execute("ROLLBACK")
        assert UNREADABLE not in catalog.counts().flags
    other.close()
