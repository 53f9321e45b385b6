"""What the open project says of a file under review."""

from pathlib import Path

import numpy as np

from cxr_desktop.review.review_stated import labels, stated
from tests.desktop.reviewed import bag_of
from trainer import files, importer, runs
from trainer.catalog import Catalog, Filter


def test_labels_and_parts_in_words(run_folder: Path) -> None:
    run = runs.Run(run_folder)
    with Catalog.open(run.project) as catalog:
        for part, words in (
            ("train", "first was trained with this image"),
            ("validation", "in the validation part of first"),
            ("test", "in the test part of first"),
        ):
            record = catalog.records(run.split()["parts"][part][:1])[0]
            said = stated(catalog, record.path, [run_folder])
            (yes,) = [name for name, answer in record.labels.items() if answer == 1]
            assert said.startswith(f"Stated: {yes}.")
            assert words in said
            assert "part of" not in stated(catalog, record.path, [])


def test_members_of_a_bag_are_counted(run_folder: Path) -> None:
    bag, run = bag_of(run_folder), runs.Run(run_folder)
    with Catalog.open(run.project) as catalog:
        record = catalog.records(run.split()["parts"]["train"][:1])[0]
        assert "All 2 networks were trained with this image: what they say" in stated(catalog, record.path, [bag.folder])
        member = bag.trained()[2]
        split = member.split()
        files.write_json(member.folder / "split.json", {**split, "parts": {**split["parts"], "train": [], "test": [record.id]}})
        said = stated(catalog, record.path, [bag.folder])
        assert said.endswith(
            "pair-01 was trained with this image: what it says of it shows nothing about new images.\n"
            "This image is in the test part of pair-02."
        )
        said = stated(catalog, record.path, [bag.folder, run_folder, run_folder])
        assert "3 of 4 networks were trained with this image" in said
        assert "in the test part of 1 of 4 networks" in said
        (bag.folder / "bag.json").write_text("[]")
        assert stated(catalog, record.path, [bag.folder]).startswith("Stated: "), "its files are gone, the model is open"


def test_a_model_from_elsewhere_has_no_part_in_it(run_folder: Path, lungs: Path) -> None:
    with Catalog.open(lungs) as catalog:
        record = catalog.records(catalog.ids()[:1])[0]
        said = stated(catalog, record.path, [run_folder, run_folder / "best.safetensors"])
    assert said.startswith("Stated: ")
    assert "first" not in said


def test_an_unknown_file_has_nothing_stated(lungs: Path, tmp_path: Path) -> None:
    with Catalog.open(lungs) as catalog:
        assert stated(catalog, tmp_path / "new.png", []) == ""


def test_nothing_is_said_of_another_image_in_the_place_of_a_known_one(drawn: Path, tmp_path: Path) -> None:
    importer.run(tmp_path / "x.cxr", [drawn])
    with Catalog.open(tmp_path / "x.cxr") as catalog:
        first, second = (record.path for record in catalog.records(catalog.ids()[:2]))
        assert stated(catalog, first, []).startswith("Stated: ")
        first.write_bytes(second.read_bytes())
        assert stated(catalog, first, []).startswith("The file has changed since it was imported. ")


def test_not_stated_is_not_absent(lungs: Path) -> None:
    with Catalog.open(lungs) as catalog:
        ids = catalog.ids(Filter())[:1]
        names = catalog.findings()
        for name in names:
            catalog.set_labels(np.asarray(ids), name, -1)
        assert labels(catalog.records(ids)[0]) == "No finding is stated."
        catalog.set_labels(ids, names[0], 0)
        assert labels(catalog.records(ids)[0]).endswith(f"Stated to be absent: {names[0]}.")
        catalog.set_labels(ids, names[1], 1)
        assert labels(catalog.records(ids)[0]) == f"Stated: {names[1]}.\nStated to be absent: {names[0]}."
