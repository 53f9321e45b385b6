"""Pictures that are no frontal chest radiographs are told: at import by their header, when they are read by their pixels."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from trainer import batches, config, dataset, devices, files, importer, inspection, predict, runs, train
from trainer.catalog import Catalog, Filter
from trainer.records import NOT_CHEST

from . import dicom_files


def _noise(path: Path, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64), np.uint8)
    PIL.Image.fromarray(pixels).save(path)


def _flagged(project: Path) -> set[str]:
    with Catalog.open(project) as catalog:
        ids = catalog.ids(Filter(flag=NOT_CHEST, gone=None, excluded=None))
        return {Path(str(path)).name for path in catalog.column(ids, "path")}


def _unflag(project: Path) -> None:
    with Catalog.open(project) as catalog:
        catalog.remove_flag(catalog.ids(), NOT_CHEST)


def test_a_header_that_speaks_against_a_chest_is_flagged_once(source: Path, tmp_path: Path) -> None:
    for name, part in (("knee", "KNEE"), ("chest", "CHEST"), ("silent", "")):
        (source / f"{name}.dcm").write_bytes(dicom_files.file(BodyPartExamined=part, Modality="DX", PatientID=name))
    project = tmp_path / "p.cxr"
    made = importer.run(project, [source])
    assert _flagged(project) == {"knee.dcm"}
    assert (
        "the header of 1 image speaks against a chest radiograph: flagged 'not a chest radiograph?', left in" in made.warnings
    )
    _unflag(project)
    (source / "hip.dcm").write_bytes(dicom_files.file(BodyPartExamined="HIP", Modality="DX", PatientID="hip"))
    made = importer.run(project, [source])
    assert (made.taken, made.unchanged) == (1, 3)
    assert _flagged(project) == {"hip.dcm"}  # what a person took off stays off


@pytest.fixture
def odd(project: Path, drawn: Path, tmp_path: Path) -> Path:
    """The project of 48 drawn radiographs with a source of its own, in which two training images became noise."""
    images = Path(shutil.copytree(drawn, tmp_path / "mine"))
    made = tmp_path / "odd.cxr"
    shutil.copytree(project, made)
    with Catalog.open(made) as catalog:
        ids = catalog.split().parts["train"][:2]
        paths = [path.relative_to(catalog.folders()[0]) for path, _ in catalog.files(ids)]
    for seed, path in enumerate(paths):
        _noise(images / path, seed)
    with sqlite3.connect(made / "catalog.sqlite") as connection:
        connection.execute("UPDATE folders SET root = ?, relative = ''", (str(images),))
        for image, path in zip(ids.tolist(), paths, strict=True):
            digest = files.digest((images / path).read_bytes())
            connection.execute("UPDATE images SET digest = ? WHERE id = ?", (digest, image))
    connection.close()
    return made


def test_pictures_that_look_like_something_else_are_told_and_used(odd: Path, tiny: config.TrainConfig) -> None:
    run = runs.find(train.run(odd, config.changed(tiny, {"schedule.epochs": 1}), name="a").run)
    notes = [event["text"] for event in run.events() if event["kind"] == "note"]
    (said,) = (note for note in notes if NOT_CHEST in note)
    assert said.startswith("2 train images do not look like frontal chest radiographs and are used all the same; flagged")
    names = _flagged(odd)
    assert len(names) == 2
    assert all(name in said for name in names)
    started = next(event for event in run.events() if event["kind"] == "started")
    with Catalog.open(odd) as catalog:
        assert started["images"]["train"] == len(catalog.split().parts["train"])


def test_a_flag_that_was_taken_off_does_not_come_back(odd: Path) -> None:
    with Catalog.open(odd) as catalog:
        dataset.squares(catalog, catalog.ids(), 64, "stretch")
    assert len(_flagged(odd)) == 2
    _unflag(odd)
    for size in (64, 32):  # from the cache, and decoded again for another size
        with Catalog.open(odd) as catalog:
            dataset.squares(catalog, catalog.ids(), size, "stretch")
        assert _flagged(odd) == set()


def test_a_lateral_is_known_to_be_one(odd: Path) -> None:
    with sqlite3.connect(odd / "catalog.sqlite") as connection:
        connection.execute("UPDATE images SET view = 'lateral'")
    connection.close()
    with Catalog.open(odd) as catalog:
        dataset.squares(catalog, catalog.ids(), 64, "stretch")
    assert _flagged(odd) == set()


def test_the_cache_says_what_it_saw_for_the_first_time(tmp_path: Path) -> None:
    _noise(tmp_path / "a.png", 1)
    sources = [(tmp_path / "a.png", files.digest((tmp_path / "a.png").read_bytes()))]
    first = batches.cached(sources, size=32, fit="pad", folder=tmp_path / "cache")
    again = batches.cached(sources, size=32, fit="pad", folder=tmp_path / "cache")
    assert first.odd == {sources[0][1]}
    assert again.odd == frozenset()
    assert first.readable.all()


def test_predictions_and_inspections_say_it(trained: Path, drawn: Path, tmp_path: Path) -> None:
    _noise(tmp_path / "noise.png", 1)
    lateral = tmp_path / "lateral.dcm"
    lateral.write_bytes(dicom_files.file(ViewPosition="LL", BodyPartExamined="CHEST", Modality="DX"))
    chest = next((drawn / "images").rglob("*.png"))
    _, found = predict.run([trained], [tmp_path / "noise.png", lateral, chest], device=str(devices.choose("cpu")))
    noise, sideways, plain = found
    assert "does not look like" in noise.warnings[-1]
    assert "this model learned from frontal views alone" in sideways.warnings[-1]
    assert plain.warnings == ()
    said = inspection.of(tmp_path / "noise.png")
    assert ("Beware", noise.warnings[-1]) in said.rows()
    assert json.loads(json.dumps(said.to_json()))["doubts"] == list(said.doubts)
    assert inspection.of(chest).doubts == ()
