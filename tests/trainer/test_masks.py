"""Masks beside radiographs: inside and outside, whatever numbers say so, in the image's own size."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from trainer import masks
from trainer.errors import ImageError

DRAWN = np.zeros((40, 30), bool)
DRAWN[10:30, 6:15] = True


def _saved(path: Path, pixels: np.ndarray, mode: str = "L") -> Path:
    PIL.Image.fromarray(pixels).convert(mode).save(path)
    return path


@pytest.mark.parametrize("inside", [1, 255])
@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_inside_is_what_is_bright(tmp_path: Path, inside: int, mode: str) -> None:
    values, note = masks.read(_saved(tmp_path / "m.png", DRAWN.astype(np.uint8) * np.uint8(inside), mode), DRAWN.shape)
    assert np.array_equal(values, DRAWN)
    assert note == ""


def test_ripples_of_a_lossy_file_are_outside(tmp_path: Path) -> None:
    values, _ = masks.read(_saved(tmp_path / "m.jpg", DRAWN.astype(np.uint8) * np.uint8(255)), DRAWN.shape)
    assert np.mean(values != DRAWN) < 0.01


def test_a_black_mask_is_empty(tmp_path: Path) -> None:
    assert not masks.read(_saved(tmp_path / "m.png", np.zeros((4, 3), np.uint8)), (4, 3))[0].any()


@pytest.mark.parametrize("factor", [2, 3])
def test_another_size_of_the_same_form_is_stretched_and_told(tmp_path: Path, factor: int) -> None:
    path = _saved(tmp_path / "m.png", DRAWN.astype(np.uint8))
    larger = DRAWN.repeat(factor, 0).repeat(factor, 1)
    values, note = masks.read(path, larger.shape)
    assert np.array_equal(values, larger)
    assert note == "stretched from 30 × 40 pixels"
    assert np.array_equal(masks.read(_saved(tmp_path / "l.png", larger.astype(np.uint8)), DRAWN.shape)[0], DRAWN)


def test_odd_sizes_of_one_form_fit(tmp_path: Path) -> None:
    values, note = masks.read(_saved(tmp_path / "m.png", np.ones((256, 256), np.uint8)), (299, 299))
    assert values.all()
    assert note


def test_another_form_is_refused(tmp_path: Path) -> None:
    path = _saved(tmp_path / "m.png", DRAWN.astype(np.uint8))
    with pytest.raises(ImageError, match=r"30 × 40 pixels and its image 40 × 30.*another image"):
        masks.read(path, (30, 40))


def test_what_is_no_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(b"<html>")
    with pytest.raises(ImageError):
        masks.read(tmp_path / "m.png", (4, 3))
