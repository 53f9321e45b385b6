"""What is said of a file without decoding it is what decoding it says."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from trainer import dicom, glimpse, images
from trainer.errors import ImageError
from trainer.headers import Facts

from .dicom_files import file
from .mutants import mutated

PIXELS = (np.add.outer(np.arange(40), np.arange(30)) * 3).astype(np.uint8)
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "TIFF": ("1", "L", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"),
    "BMP": ("1", "L", "P", "RGB"),
    "WEBP": ("RGB", "RGBA"),
}


def saved(kind: str, mode: str = "L", **options: object) -> bytes:
    picture = PIL.Image.fromarray(PIXELS)
    if mode.startswith("I;16"):
        picture = PIL.Image.fromarray(PIXELS.astype(np.uint16) * 256)
    content = io.BytesIO()
    (picture if mode == picture.mode else picture.convert(mode)).save(content, kind, **options)
    return content.getvalue()


def told(read: Callable[..., Facts | images.Image], content: bytes) -> Facts | str:
    """Facts without what only pixels tell, or what is said instead."""
    try:
        found = read(content, name="x")
    except ImageError as error:
        return error.what
    facts = found.facts if isinstance(found, images.Image) else found
    return replace(facts, stored_min=0.0, stored_max=0.0, window=None, steps=(), warnings=(), looks=())


def agree(content: bytes) -> Facts | str:
    """What both say."""
    seen = told(glimpse.of, content)
    assert seen == told(images.decode, content)
    return seen


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding fails the test."""

    def decode(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(images, "decode", decode)
    monkeypatch.setattr(dicom, "read", decode)


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_every_mode_is_seen_as_it_is_decoded(kind: str, mode: str) -> None:
    seen = agree(saved(kind, mode))
    assert isinstance(seen, Facts)
    assert (seen.width, seen.height) == (30, 40)


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_ordinary_files_are_not_decoded(kind: str, mode: str) -> None:
    assert glimpse.of(saved(kind, mode), name="x").width == 30


@pytest.mark.usefixtures("undecoded")
def test_ordinary_variants_are_not_decoded() -> None:
    exif = PIL.Image.Exif()
    exif[274] = 6
    plain, progressive = saved("JPEG", "RGB", icc_profile=b"x" * 100, comment="A"), saved("JPEG", progressive=True)
    strips, packed = saved("TIFF", tiffinfo={278: 7}), saved("TIFF", compression="tiff_lzw")
    dicom_file = file()
    assert [glimpse.of(one, name="x").width for one in (plain, progressive, strips, packed)] == [30] * 4
    assert glimpse.of(saved("JPEG", exif=exif), name="x").width == 40
    assert glimpse.of(dicom_file, name="x").format == "DICOM, explicit VR little endian"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_is_that_on_the_screen(kind: str, orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[274] = orientation
    more = {"tiffinfo": {274: orientation}} if kind == "TIFF" else {"exif": exif}
    seen = agree(saved(kind, "RGB", **more))
    assert isinstance(seen, Facts)
    assert (seen.width, seen.height) == ((40, 30) if orientation > 4 else (30, 40))


def test_texts_that_turn_an_image_are_looked_into() -> None:
    png, jpeg = saved("PNG"), saved("JPEG")
    xmp = b'<x:xmpmeta tiff:Orientation="6"/>'
    turning = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    packed = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))
    app1 = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    for content in (
        png[:33] + turning + png[33:],
        png[:33] + packed + png[33:],
        jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + jpeg[2:],
    ):
        seen = agree(content)
        assert isinstance(seen, Facts)
        assert seen.width == 40
    assert isinstance(agree(png[:33] + chunk(b"tEXt", b"Comment\0a lung") + png[33:]), Facts)


@pytest.mark.parametrize("kind", list(MODES))
def test_a_file_that_ends_too_early_is_refused(kind: str) -> None:
    content = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (40, 30), dtype=np.uint8)
    PIL.Image.fromarray(noise).convert("RGB").save(content, kind, **({"lossless": True} if kind == "WEBP" else {}))
    whole = content.getvalue()
    for length in {0, 1, 7, 20, 40, len(whole) // 3, len(whole) // 2, len(whole) * 4 // 5}:
        assert isinstance(agree(whole[:length]), str), length


@pytest.mark.parametrize("photometric", ["YBR_PARTIAL_422", "HSV", "PALETTE COLOR"])
def test_colours_that_are_not_read_are_not_taken(photometric: str) -> None:
    pixels = PIXELS if photometric == "PALETTE COLOR" else np.zeros((4, 4, 3), np.uint8)
    assert "colour" in str(agree(file(pixels, PhotometricInterpretation=photometric)))


def test_a_dicom_file_that_ends_too_early_is_refused() -> None:
    whole = file()
    for length in (len(whole) - 1, len(whole) - 40, len(whole) // 2, 140):
        assert isinstance(told(glimpse.of, whole[:length]), str)


def test_what_lies_behind_the_end_harms_nothing() -> None:
    for kind in MODES:
        assert isinstance(agree(saved(kind, "RGB") + b"\0" * 700), Facts)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"PK\x03\x04....", "archive"),
        (b"%PDF-1.4", "PDF"),
        (b"Image Index,Finding\n", "text file"),
        (b"\x01\x02\x03\x04" * 50, "not an image that can be read"),
        (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 8, 0, 0, 0, 0)) + chunk(b"IEND", b""), "damaged"),
        (b"\xff\xd8\xff\xdb\0\x02\xff\xda\xff\xd9", "JPEG"),
    ],
)
def test_what_is_no_image_is_refused_in_the_same_words(content: bytes, words: str) -> None:
    seen = agree(content)
    assert isinstance(seen, str)
    assert words in seen


def test_too_large_is_told_by_the_header() -> None:
    png = bytearray(saved("PNG"))
    png[16:20] = struct.pack(">I", 90_000)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    seen = agree(bytes(png))
    assert isinstance(seen, str)
    assert "too large or too long" in seen


def test_of_damaged_files_never_more_is_refused_than_by_decoding() -> None:
    seeds = [saved("PNG"), saved("PNG", "P"), saved("JPEG"), saved("TIFF"), saved("BMP"), saved("WEBP", "RGB"), file()]
    seen = read = 0
    for content in mutated(seeds, 1_400, seed=4, first=0):
        decoded, found = told(images.decode, content), told(glimpse.of, content)
        read += isinstance(decoded, Facts)
        seen += isinstance(found, Facts)
        assert found == decoded or (isinstance(decoded, str) and isinstance(found, Facts))
    assert 300 < read <= seen < 1_300


def test_real_files_are_seen_as_they_are_decoded(shared_data: Path) -> None:
    chosen = sorted((shared_data / "dicom").glob("*.dcm")) + sorted((shared_data / "darkcovid").rglob("*.[jp]*g"))[::40]
    assert len(chosen) > 30
    for path in chosen:
        content = path.read_bytes()
        if len(content) < 4_000_000:
            agree(content)
