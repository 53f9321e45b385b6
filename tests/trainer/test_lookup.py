"""A file on its own, found again in the project that it was imported into."""

import os
from pathlib import Path

import pytest

from trainer import importer, lookup, runs
from trainer.catalog import Catalog, Filter

from .makers import draw


def test_a_file_is_found_by_its_path(project: Path, drawn: Path) -> None:
    path = sorted((drawn / "images").rglob("*.png"))[5]
    with Catalog.open(project) as catalog:
        found = lookup.record(catalog, path)
        assert found is not None
        assert found.path == path
        assert found.labels[path.parent.name] == 1
        assert lookup.record(catalog, path.with_name("other.png")) is None
        assert lookup.record(catalog, Path("/nowhere") / path.name) is None


def test_a_name_within_a_longer_one_is_not_mistaken(source: Path, tmp_path: Path) -> None:
    draw(source, "Covid/1.png", "Covid/11.png", "Covid/Covid/1.png", "Normal/1.png")
    importer.run(tmp_path / "p.cxr", [source])
    with Catalog.open(tmp_path / "p.cxr") as catalog:
        for name in ("Covid/1.png", "Covid/11.png", "Covid/Covid/1.png"):
            found = lookup.record(catalog, source / name)
            assert found is not None
            assert found.path == source / name


def test_a_winding_path_is_straightened_and_excluded_images_are_known(project: Path, drawn: Path) -> None:
    path = sorted((drawn / "images").rglob("*.png"))[0]
    with Catalog.open(project) as catalog:
        number = lookup.record(catalog, path).id
        catalog.set_excluded([number], True)
        winding = Path(os.path.join(path.parent, "..", path.parent.name, path.name))  # noqa: PTH118 - Path would tidy it
        found = lookup.record(catalog, winding)
        assert found is not None
        assert found.excluded


def test_the_part_of_an_image_is_that_of_the_run(trained: Path) -> None:
    run = runs.Run(trained)
    parts = run.split()["parts"]
    assert {lookup.part(run, parts[name][0]) for name in ("train", "validation", "test")} == {"train", "validation", "test"}
    assert lookup.part(run, 10**9) == ""


def test_a_run_without_a_split_says_nothing(trained: Path) -> None:
    run = runs.Run(trained)
    (trained / "split.json").write_text("no json")
    assert lookup.part(run, 1) == ""


@pytest.mark.parametrize("text", ["100%.png", "under_score.png"])
def test_wild_cards_of_sql_are_plain_letters(source: Path, tmp_path: Path, text: str) -> None:
    draw(source, f"Normal/{text}", "Normal/100x.png", "Normal/underXscore.png")
    importer.run(tmp_path / "p.cxr", [source])
    with Catalog.open(tmp_path / "p.cxr") as catalog:
        found = lookup.record(catalog, source / "Normal" / text)
        assert found is not None
        assert found.path.name == text
        assert len(catalog.ids(Filter())) == 3
