"""Examples of augmentation: training images only, what `mixing` makes of them, and what is said of each."""

from pathlib import Path

import numpy as np
import pytest
import torch

from trainer import config, images, importer, mixing, phantom, rehearsal, split
from trainer.catalog import Catalog
from trainer.errors import DataError


def _shown(project: Path, settings: config.TrainConfig, **more: int) -> rehearsal.Rehearsal:
    with Catalog.open(project) as catalog:
        return rehearsal.rehearse(catalog, settings, **more)


def _truth(project: Path, size: int) -> dict[bytes, str]:
    """Squares of all training images, and their finding."""
    with Catalog.open(project) as catalog:
        ids = catalog.split().parts["train"]
        names = catalog.findings()
        labels = catalog.labels(ids, names)
        files = catalog.files(ids)
    squares = [images.to_square(images.read(path).pixels, size, "stretch").tobytes() for path, _ in files]
    return {square: names[int(row.argmax())] for square, row in zip(squares, labels, strict=True)}


def test_originals_are_training_images_with_their_findings_one_of_each_first(project: Path, tiny: config.TrainConfig) -> None:
    found = _shown(project, tiny)
    truth = _truth(project, 64)
    assert found.originals.shape == (4, 64, 64)
    assert found.versions.shape == (3, 4, 64, 64)
    assert [truth[square.tobytes()] for square in found.originals] == list(found.answers)
    assert set(found.answers) == set(truth.values())
    assert found.said == (found.answers,) * 3


def test_versions_are_what_the_network_gets(project: Path, tiny: config.TrainConfig) -> None:
    settings = config.changed(tiny, {"augment.level": "strong", "augment.mixup": 1})
    found = _shown(project, settings, number=7)
    names = sorted(set(found.answers))
    targets = torch.tensor([[float(answer == name) for name in names] for answer in found.answers])
    pixels = torch.from_numpy(found.originals)[:, None]
    for step in range(3):
        shown, soft, _ = mixing.prepared(
            pixels, targets, targets >= 0, settings=settings.augment, task="multi-class", seed=settings.seed, epoch=7, step=step
        )
        np.testing.assert_array_equal(found.versions[step], (shown[:, 0] * 255).round().byte())
        for said, row in zip(found.said[step], soft.tolist(), strict=True):
            assert all(
                (f"{value * 100:.0f} % {name}" in said) or value in (0, 1) for value, name in zip(row, names, strict=True)
            )


def test_without_changes_every_version_is_the_original(project: Path, tiny: config.TrainConfig) -> None:
    found = _shown(project, config.changed(tiny, {"augment.level": "none"}))
    assert all(np.array_equal(version, found.originals) for version in found.versions)


def test_another_number_changes_the_changes_and_another_pick_the_images(project: Path, tiny: config.TrainConfig) -> None:
    first, again, other, new = (_shown(project, tiny, **more) for more in ({}, {}, {"number": 1}, {"pick": 1}))
    assert np.array_equal(first.versions, again.versions)
    assert np.array_equal(first.originals, other.originals)
    assert not np.array_equal(first.versions, other.versions)
    assert not np.array_equal(first.originals, new.originals)


def test_images_that_cannot_be_read_are_passed_over(tiny: config.TrainConfig, tmp_path: Path) -> None:
    phantom.run(tmp_path / "own", images=12, findings=("Normal", "COVID-19"), size=64, seed=3)
    project = tmp_path / "own.cxr"
    importer.run(project, [tmp_path / "own"])
    with Catalog.open(project) as catalog:
        split.run(catalog, test=0, val=0.3, seed=1)
        files = [path for path, _ in catalog.files(catalog.split().parts["train"])]
    for path in files[:-2]:
        path.unlink()
    assert len(_shown(project, tiny, count=len(files)).originals) == 2
    for path in files[-2:]:
        path.unlink()
    with pytest.raises(DataError, match="no training image"):
        _shown(project, tiny)


def test_the_order_of_images_takes_turns_between_findings() -> None:
    answers = np.array([[1, 0]] * 8 + [[0, 1]] * 2 + [[0, 0]], np.int8)
    order = rehearsal.chosen(answers, 1, 0)
    assert sorted(order.tolist()) == list(range(11))
    kinds = ["A" if row < 8 else "B" if row < 10 else "-" for row in order]
    assert set(kinds[:3]) == {"A", "B", "-"}
    assert set(kinds[3:5]) == {"A", "B"}
    assert kinds[5:] == ["A"] * 6


def test_answers_in_words() -> None:
    targets = torch.tensor([[0.25, 0.75, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    stated = torch.tensor([[True] * 3] * 3 + [[False] * 3])
    said = rehearsal._words(targets, stated, ("A", "B", "C"), "multi-label")
    assert said == ("75 % B, 25 % A", "A, B", "nothing", "not counted")
