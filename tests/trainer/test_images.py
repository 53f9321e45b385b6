"""PNG, JPEG, TIFF, BMP and WebP, and whatever else stands in a folder with such a name."""

import hashlib
import io
import os
import stat
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import dicom, images
from trainer.errors import ImageError

from .mutants import check_mutants_are_read_or_refused

GREY = np.array([[0, 51, 102], [153, 204, 255]], dtype=np.uint8)
EXPECTED = [[0, 0.2, 0.4], [0.6, 0.8, 1]]


def saved(picture: PIL.Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    (picture if isinstance(picture, PIL.Image.Image) else PIL.Image.fromarray(picture)).save(content, kind, **options)
    return content.getvalue()


def values(content: bytes) -> list[list[float]]:
    return np.round(images.decode(content, name="x").pixels.astype(float), 4).tolist()


def tiff(pixels: np.ndarray, tags: dict[int, int], order: str = "<") -> bytes:
    """A TIFF of one strip, written by hand: what Pillow does not write it must still read right."""
    bits, data = pixels.dtype.itemsize * 8, pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    fields = {256: pixels.shape[1], 257: pixels.shape[0], 258: bits, 259: 1, 262: 1, 273: 0, 277: 1, 278: pixels.shape[0]}
    fields |= {279: len(data)} | tags
    fields[273] = 8 + 2 + 12 * len(fields) + 4
    parts = [(b"II" if order == "<" else b"MM") + struct.pack(f"{order}HL", 42, 8), struct.pack(f"{order}H", len(fields))]
    parts += [struct.pack(f"{order}HHLL", tag, 4, 1, value) for tag, value in sorted(fields.items())]
    return b"".join([*parts, b"\0" * 4, data])


# Modes


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_8_bit(kind: str, mode: str) -> None:
    found = images.decode(saved(PIL.Image.fromarray(GREY).convert(mode), kind), name="x")
    assert np.round(found.pixels.astype(float), 4).tolist() == EXPECTED
    assert found.pixels.dtype == np.float32
    assert found.pixels.flags.c_contiguous
    facts = found.facts
    assert (facts.format, facts.width, facts.height, facts.bits, facts.stored_min, facts.stored_max) == (kind, 3, 2, 8, 0, 255)
    assert facts.steps
    assert not facts.warnings


def test_lossy_formats() -> None:
    smooth = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    for content in (saved(smooth, "JPEG", quality=95), saved(PIL.Image.fromarray(smooth).convert("RGB"), "WEBP", quality=95)):
        found = images.decode(content, name="x")
        assert np.abs(found.pixels * 255 - smooth).max() < 6
        assert found.facts.format in ("JPEG", "WebP")


def test_colour_to_grey() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    assert values(saved(colours)) == [pytest.approx([0.299, 0.587, 0.114, 1], abs=0.003)]


def test_1_bit() -> None:
    found = images.decode(saved(PIL.Image.fromarray(GREY).point(lambda value: 255 * (value > 127)).convert("1")), name="x")
    assert found.pixels.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert found.facts.bits == 1


def test_palette_with_and_without_transparency() -> None:
    """635 radiographs of the Shenzhen set are palette pictures: the index is not the grey value."""
    picture = PIL.Image.new("P", (3, 1))
    picture.putpalette([200, 200, 200, 0, 0, 0, 100, 100, 100])
    picture.putdata([0, 1, 2])
    assert values(saved(picture)) == [pytest.approx([200 / 255, 0, 100 / 255], abs=1e-4)]
    assert values(saved(picture, transparency=0)) == [pytest.approx([0, 0, 100 / 255], abs=1e-4)]
    assert values(saved(picture, transparency=bytes([128, 255, 255])))[0][0] == pytest.approx(200 / 255 * 128 / 255, abs=1e-4)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_composited_over_black(mode: str) -> None:
    picture = PIL.Image.fromarray(GREY).convert(mode)
    assert values(saved(picture)) == EXPECTED, "opaque, as 4 of 1,000 NIH files are"
    alpha = PIL.Image.fromarray(np.array([[255, 0, 255], [255, 255, 51]], dtype=np.uint8))
    picture.putalpha(alpha)
    assert values(saved(picture)) == [[0, 0, 0.4], [0.6, 0.8, 0.2]]
    picture.putalpha(0)
    found = images.decode(saved(picture), name="x")
    assert np.round(found.pixels.astype(float), 4).tolist() == EXPECTED, "an empty alpha channel is a fault, not a picture"
    assert "transparency hides" in found.facts.warnings[0]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_print_and_video_colours(mode: str) -> None:
    picture = PIL.Image.fromarray(GREY).convert("RGB")
    if mode == "LAB":
        neutral = PIL.Image.new("L", picture.size, 128)
        picture = PIL.Image.merge("LAB", (PIL.Image.fromarray(GREY), neutral, neutral))
    else:
        picture = picture.convert(mode)
    assert values(saved(picture, "TIFF")) == [pytest.approx(row, abs=0.01) for row in EXPECTED]


@pytest.mark.parametrize(("top", "bits"), [(255, 8), (1000, 10), (4095, 12), (9000, 14), (30000, 16), (65535, 16)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_is_scaled_by_the_bits_that_hold_its_largest_value(top: int, bits: int, kind: str) -> None:
    pixels = np.array([[0, top // 2, top]], dtype=np.uint16)
    found = images.decode(saved(pixels, kind), name="x")
    assert found.pixels.tolist() == [pytest.approx([0, (top // 2) / (2**bits - 1), top / (2**bits - 1)])]
    assert found.facts.bits == 16
    assert found.facts.stored_max == top
    assert bool(found.facts.warnings) == (bits < 16)


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_tiff_of_both_byte_orders(order: str) -> None:
    pixels = np.array([[0, 256, 65535]], dtype=np.uint16)
    assert values(tiff(pixels, {}, order)) == [pytest.approx([0, 256 / 65535, 1], abs=1e-4)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero(dtype: type) -> None:
    """TIFF photometric 0, the MONOCHROME1 of TIFF; Pillow itself turns only 8 bits over."""
    top = np.iinfo(dtype).max
    assert values(tiff(np.array([[0, top // 5 * 2, top]], dtype=dtype), {262: 0})) == [[1, 0.6, 0]]


def test_wide_and_negative_integers_are_windowed_by_percentiles() -> None:
    for dtype, offset in ((np.int16, -500), (np.int32, -500), (np.int32, 100_000), (np.uint32, 3_000_000_000)):
        pixels = (np.arange(1000) + offset).astype(dtype).reshape(20, 50)
        content = tiff(pixels, {339: 2 if np.dtype(dtype).kind == "i" else 1})
        found = images.decode(content, name="x")
        assert found.pixels.ravel()[[0, 9, 499, 989, 999]].tolist() == pytest.approx([0, 0, 0.5, 1, 1])
        assert (found.facts.stored_min, found.facts.stored_max) == (offset, offset + 999)


def test_float_tiff() -> None:
    unit = np.array([[0, 0.25, 1.0]], dtype=np.float32)
    assert values(saved(unit, "TIFF")) == [[0, 0.25, 1]]
    wide = np.linspace(-10, 90, 1000, dtype=np.float32).reshape(20, 50)
    found = images.decode(saved(wide, "TIFF"), name="x").pixels
    assert (found.min(), found.max()) == (0, 1)
    for holes in (unit, wide):
        holes = holes.copy()
        holes[0, 1] = np.nan
        found_with_hole = images.decode(saved(holes, "TIFF"), name="x")
        assert found_with_hole.pixels[0, 1] == 0
        assert "not numbers" in found_with_hole.facts.warnings[0]
    assert not images.decode(saved(np.full((2, 2), np.nan, np.float32), "TIFF"), name="x").pixels.any()


def test_several_pictures_give_the_first() -> None:
    first, second = PIL.Image.fromarray(GREY), PIL.Image.new("L", (3, 2), 7)
    for kind in ("TIFF", "PNG"):
        found = images.decode(saved(first, kind, save_all=True, append_images=[second]), name="x")
        assert np.round(found.pixels.astype(float), 4).tolist() == EXPECTED
        assert "several images" in found.facts.warnings[0]


# Orientation

TURNS = {
    1: [[0, 0.2, 0.4], [0.6, 0.8, 1]],
    2: [[0.4, 0.2, 0], [1, 0.8, 0.6]],
    3: [[1, 0.8, 0.6], [0.4, 0.2, 0]],
    4: [[0.6, 0.8, 1], [0, 0.2, 0.4]],
    5: [[0, 0.6], [0.2, 0.8], [0.4, 1]],
    6: [[0.6, 0], [0.8, 0.2], [1, 0.4]],
    7: [[1, 0.4], [0.8, 0.2], [0.6, 0]],
    8: [[0.4, 1], [0.2, 0.8], [0, 0.6]],
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_applied_once(orientation: int, kind: str) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    picture = PIL.Image.fromarray(GREY)
    options = {"lossless": True} if kind == "WEBP" else {}
    found = images.decode(saved(picture.convert("RGB") if options else picture, kind, exif=exif, **options), name="x")
    assert np.round(found.pixels.astype(float), 4).tolist() == TURNS[orientation]
    assert (found.facts.height, found.facts.width) == found.pixels.shape
    assert found.pixels.flags.c_contiguous


@pytest.mark.parametrize("orientation", [0, 9, 60000])
def test_nonsense_orientation_is_left_out(orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    assert values(saved(GREY, exif=exif)) == EXPECTED


def test_damaged_exif_is_left_out() -> None:
    content = saved(GREY, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert images.decode(content, name="x").pixels.shape == (2, 3)


@settings(deadline=None, max_examples=40)
@given(pixels=st.integers(0, 2**32 - 1), height=st.integers(1, 9), width=st.integers(1, 9))
def test_png_round_trip(pixels: int, height: int, width: int) -> None:
    stored = np.random.default_rng(pixels).integers(0, 256, (height, width), dtype=np.uint8)
    found = images.decode(saved(stored), name="x")
    assert (found.pixels * 255).round().astype(np.uint8).tolist() == stored.tolist()
    assert images.to_square(found.pixels, 8, "pad").shape == (8, 8)


# Refusals


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def empty_png(width: int, height: int) -> bytes:
    """A PNG that claims a size and has hardly any content."""
    header = struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><title>404</title>", "web page"),
        (b"\xef\xbb\xbf\n  <html>", "web page"),
        (b"patient,finding\n1,normal\n", "text file"),
        (b"%PDF-1.7\n\x00\x01", "PDF"),
        (b"PK\x03\x04rest", "archive"),
        (b"\x1f\x8b\x08\x00", "archive"),
        (bytes(range(256)), "not an image that can be read"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "begins like PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\0", "TIFF"),
        (b"BM", "BMP"),
        (saved(np.arange(10000, dtype=np.uint16).reshape(100, 100))[:300], "PNG file is incomplete"),
        (saved(np.arange(90, dtype=np.uint8).reshape(9, 10), "JPEG")[:-40], "JPEG file is"),
        (empty_png(9000, 9000), "too large.*9,000 x 9,000"),
        (empty_png(60000, 60000), "too large"),
        (empty_png(9, 40000), "too long"),
        (empty_png(0, 5), "PNG"),
    ],
    ids=range(19),
)
def test_refusals_are_one_sentence_with_a_remedy(content: bytes, words: str) -> None:
    for action in (images.decode, images.stored_digest):
        with pytest.raises(ImageError, match=words) as caught:
            action(content, name="lung.png")
        assert caught.value.where == "lung.png"
        assert caught.value.remedy


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.dcm"
    path.write_bytes(saved(GREY))
    assert images.read(path).facts.format == "PNG"


def test_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="no such file"):
        images.read(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="folder"):
        images.read(tmp_path)
    with pytest.raises(ImageError, match="not a file name"):
        images.read(Path("a\0b"))
    path = tmp_path / "closed.png"
    path.write_bytes(saved(GREY))

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match="No permission"):
        images.read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)
    with pytest.raises(ImageError, match="pipe"):
        images.read(tmp_path / "pipe.png")


def test_a_file_beyond_all_sizes_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    (tmp_path / "huge.png").write_bytes(saved(GREY))
    with pytest.raises(ImageError, match="too large"):
        images.read(tmp_path / "huge.png")


def test_no_memory_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PIL.Image, "open", refuse)
    with pytest.raises(ImageError, match="not enough memory"):
        images.decode(saved(GREY), name="x")


def test_looks_like_image(tmp_path: Path) -> None:
    dicom_start = b"\0" * 128 + b"DICM" + b"\0" * 8
    expected = {
        "a.png": (b"", True),
        "B.JPEG": (b"<html>", True),
        "study.dicom": (b"", True),
        "noextension": (dicom_start, True),
        "1.2.840.113": (dicom_start, True),
        "renamed.bin": (saved(GREY), True),
        "notes.txt": (b"hello", False),
        "empty": (b"", False),
        "DICOMDIR": (dicom_start, False),
        "._a.png": (saved(GREY), False),
        ".DS_Store": (b"", False),
    }
    for name, (content, _) in expected.items():
        (tmp_path / name).write_bytes(content)
    assert {name: images.looks_like_image(tmp_path / name) for name in expected} == {
        name: answer for name, (_, answer) in expected.items()
    }
    assert not images.looks_like_image(tmp_path / "missing")
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in images.SUFFIXES)


def test_pictures_are_not_taken_for_dicom() -> None:
    for kind in ("PNG", "JPEG", "TIFF", "BMP"):
        assert not dicom.is_dicom(saved(GREY, kind))
    assert not dicom.is_dicom(b"")


def test_stored_digest_of_a_picture() -> None:
    """SHA-1 of the little-endian int32 values, so the same for 8 and 16 bits."""
    assert images.stored_digest(saved(GREY), name="x") == images.stored_digest(saved(GREY.astype(np.uint16)), name="x")
    expected = hashlib.sha1(struct.pack("<6i", 0, 51, 102, 153, 204, 255)).hexdigest()
    assert images.stored_digest(saved(GREY), name="x") == expected
    assert len(images.stored_digest(saved(GREY.astype(np.float32), "TIFF"), name="x")) == 40


def test_mutated_files_are_read_or_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing but `ImageError` leaves, and what is read is in 0..1. (libtiff itself writes on stderr.)"""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    picture = PIL.Image.fromarray(np.arange(63, dtype=np.uint8).reshape(7, 9) * 4)
    floats = PIL.Image.fromarray(np.linspace(-1, 5, 63, dtype=np.float32).reshape(7, 9))
    seeds = [saved(picture.convert(mode)) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    seeds += [saved(picture.convert(mode), "JPEG") for mode in ("L", "RGB", "CMYK")] + [saved(picture, "JPEG", exif=exif)]
    seeds += [saved(picture.convert(mode), "TIFF") for mode in ("1", "L", "I;16", "P", "RGBA")] + [saved(floats, "TIFF")]
    seeds += [saved(picture, "TIFF", compression=how) for how in ("tiff_lzw", "tiff_adobe_deflate", "jpeg")]
    seeds += [saved(picture.convert("RGB"), kind) for kind in ("BMP", "WEBP")]
    check_mutants_are_read_or_refused(seeds, mutants=1500, seed=11)
    capfd.readouterr()


# Real files


def test_real_radiographs(shared_data: Path) -> None:
    """A sample of the real JPEGs: read, of their stated size, with dark and bright parts; many threads give the same."""
    paths = sorted((shared_data / "darkcovid").rglob("*.jpg"))[::55]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(images.read, paths))
    assert len(found) > 15
    for path, image in zip(paths, found, strict=True):
        assert max(image.pixels.shape) <= 512
        assert image.pixels.min() < 0.2
        assert image.pixels.max() > 0.6
        assert image.pixels.tobytes() == images.decode(path.read_bytes(), name="x").pixels.tobytes()
