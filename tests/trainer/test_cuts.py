"""How much of the training images a cropping network will not see is told before it learns."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer import cuts, geometry, importer
from trainer.catalog import Catalog

SHAPES = np.array([[100, 100], [100, 80], [50, 200], [109, 120]])


def test_what_is_left_out_is_what_the_geometry_leaves_out() -> None:
    rng = np.random.default_rng(3)
    shapes = rng.integers(1, 3000, (50, 2))
    for (height, width), lost in zip(shapes, cuts.left_out(shapes), strict=True):
        left, top, right, bottom = geometry.seen((int(height), int(width)), "crop")
        assert lost == pytest.approx(1 - (right - left) * (bottom - top) / (height * width))


def test_only_losses_of_more_than_a_tenth_are_told_and_only_where_a_square_is_cut_out() -> None:
    (told,) = cuts.told(SHAPES, "crop")
    assert "more than a tenth of 2 of 4 training images, up to 75%" in told
    assert cuts.told(SHAPES, "stretch") == cuts.told(SHAPES, "pad") == ()
    assert cuts.told(SHAPES[[0, 3]], "crop") == cuts.told(SHAPES[:0], "crop") == ()


def test_the_catalog_states_heights_before_widths(tmp_path: Path) -> None:
    folder = tmp_path / "wide"
    folder.mkdir()
    Pillow.fromarray(np.arange(300 * 400, dtype=np.uint32).astype(np.uint8).reshape(300, 400)).save(folder / "a.png")
    importer.run(tmp_path / "wide.cxr", [folder])
    with Catalog.open(tmp_path / "wide.cxr") as catalog:
        assert catalog.shapes(catalog.ids()).tolist() == [[300, 400]]
        assert catalog.shapes([]).shape == (0, 2)
