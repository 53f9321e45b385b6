"""Small pictures on disk: the right grey values, found again, never those of another image."""

import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from cxr_desktop.dataset import thumbnail_files
from cxr_desktop.dataset.thumbnail_files import small, trim
from trainer import files, images


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def wide(tmp_path: Path) -> tuple[Path, str]:
    """A picture of 400 x 200 pixels, dark on the left and bright on the right, and its digest."""
    path = tmp_path / "wide.png"
    PIL.Image.fromarray(np.tile(np.linspace(10, 240, 400).astype(np.uint8), (200, 1))).save(path)
    return path, files.digest(path.read_bytes())


def stored(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.jpg"))


def test_it_keeps_the_shape_and_the_grey_values(wide: tuple[Path, str], cache: Path) -> None:
    pixels = small(*wide, 100, cache)
    assert isinstance(pixels, np.ndarray)
    assert (pixels.shape, pixels.dtype) == ((50, 100), np.uint8)
    expected = np.linspace(10, 240, 100)
    assert np.abs(pixels.astype(float) - expected).max() < 6


def test_an_upright_picture_is_as_high_as_asked(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "high.png"
    PIL.Image.new("L", (30, 90), 128).save(path)
    pixels = small(path, files.digest(path.read_bytes()), 128, cache)
    assert isinstance(pixels, np.ndarray)
    assert pixels.shape == (128, 43)


def test_sixteen_bits_are_read_by_the_one_pipeline(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "twelve-bits.png"
    PIL.Image.fromarray(np.full((64, 64), 4095, dtype=np.uint16)).save(path)
    pixels = small(path, files.digest(path.read_bytes()), 64, cache)
    assert isinstance(pixels, np.ndarray)
    assert pixels.min() >= 253  # 4095 is white, as `trainer.images` has it


def test_it_is_found_again_without_its_file(wide: tuple[Path, str], cache: Path) -> None:
    first = small(*wide, 100, cache)
    wide[0].unlink()
    again = small(*wide, 100, cache)
    assert isinstance(again, np.ndarray)
    # The first was not yet compressed.
    assert np.abs(again.astype(int) - np.asarray(first).astype(int)).max() < 8
    assert [file.parts[-3:] for file in stored(cache)] == [(f"128-v{images.PIPELINE}", wide[1][:2], f"{wide[1]}.jpg")]


@pytest.mark.parametrize(("side", "kept"), [(96, 128), (128, 128), (129, 256), (512, 512), (900, 512)])
def test_it_is_kept_in_the_next_larger_size(wide: tuple[Path, str], cache: Path, side: int, kept: int) -> None:
    pixels = small(*wide, side, cache)
    assert isinstance(pixels, np.ndarray)
    assert max(pixels.shape) == side
    with PIL.Image.open(stored(cache)[0]) as picture:
        assert max(picture.size) == kept


@pytest.mark.parametrize("damage", [b"", b"\xff\xd8\xff", b"no picture"])
def test_a_damaged_file_of_the_cache_is_made_again(wide: tuple[Path, str], cache: Path, damage: bytes) -> None:
    small(*wide, 100, cache)
    stored(cache)[0].write_bytes(damage)
    assert isinstance(small(*wide, 100, cache), np.ndarray)
    with PIL.Image.open(stored(cache)[0]) as picture:
        assert picture.size == (128, 64)


def test_a_file_that_has_changed_is_not_shown_under_its_old_name(wide: tuple[Path, str], cache: Path) -> None:
    PIL.Image.new("L", (8, 8)).save(wide[0])
    assert small(*wide, 100, cache) == "The file has changed since it was imported"
    assert stored(cache) == []


def test_what_cannot_be_read_says_why(tmp_path: Path, cache: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("no image at all")
    assert small(text, files.digest(text.read_bytes()), 100, cache) == "This is a text file, not an image"
    assert small(tmp_path / "gone.png", "0" * 40, 100, cache) == "There is no such file or folder"


def test_a_cache_that_cannot_be_written_is_done_without(wide: tuple[Path, str], tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file stands where the cache should be")
    assert isinstance(small(*wide, 100, taken), np.ndarray)
    assert taken.read_text().startswith("a file")


def test_nothing_half_made_stays(wide: tuple[Path, str], cache: Path) -> None:
    small(*wide, 100, cache)
    assert [path for path in cache.rglob("*") if path.is_file()] == stored(cache)


def test_the_oldest_go_first(tmp_path: Path) -> None:
    for age in range(5):
        (tmp_path / f"{age}.jpg").write_bytes(bytes(100))
        os.utime(tmp_path / f"{age}.jpg", (1_000_000 - age, 1_000_000 - age))
    trim(tmp_path, 250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.jpg", "1.jpg"]
    trim(tmp_path, 250)
    assert len(list(tmp_path.iterdir())) == 2


def test_the_cache_is_trimmed_while_it_grows(
    wide: tuple[Path, str], tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnail_files, "LIMIT", 256 * 2_000)
    monkeypatch.setattr(thumbnail_files, "LOOK_EVERY", 1)
    small(*wide, 100, cache)
    folder = stored(cache)[0].parent
    for number in range(8):
        (folder / f"old-{number}.jpg").write_bytes(bytes(1_000))
        os.utime(folder / f"old-{number}.jpg", (1_000_000, 1_000_000))
    small(*wide, 200, cache)  # another folder: nothing happens here
    assert len(list(folder.iterdir())) == 9
    stored(cache)[0].unlink()
    small(*wide, 100, cache)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 2_000
    assert (folder / f"{wide[1]}.jpg").exists()


def test_a_project_that_was_moved_does_not_come_back_as_a_folder_of_pictures(wide: tuple[Path, str], tmp_path: Path) -> None:
    cache = tmp_path / "moved.cxr" / "cache" / "thumbnails"
    assert isinstance(small(*wide, 100, cache), np.ndarray)
    assert not (tmp_path / "moved.cxr").exists()
    cache.parent.parent.mkdir()
    small(*wide, 100, cache)
    assert len(stored(cache)) == 1
