"""What compressed pixels say of themselves: read without decoding, and refused where decoders would be led astray."""

import struct

import numpy as np
import pytest
from pydicom import uid

from trainer import codestreams
from trainer.codestreams import CodestreamError

from .dicom_files import LOSSLESS, LOSSY, coded, codestream, waves

CODINGS = {
    uid.JPEGBaseline8Bit: ("JPEG", "baseline"),
    uid.JPEGExtended12Bit: ("JPEG", "extended sequential"),
    uid.JPEGLossless: ("JPEG", "lossless"),
    uid.JPEGLosslessSV1: ("JPEG", "lossless"),
    uid.JPEGLSLossless: ("JPEG-LS", "JPEG-LS"),
    uid.JPEGLSNearLossless: ("JPEG-LS", "JPEG-LS"),
    uid.JPEG2000Lossless: ("JPEG 2000", ""),
    uid.JPEG2000: ("JPEG 2000", ""),
}
TILED = coded(waves("u1", shape=(40, 60)), "JPEG2000", no_jp2=True, tile_size=(16, 16))
SOT = TILED.index(b"\xff\x90")
SIZ = struct.Struct(">HH8LH")
"""From byte 4 on: length, capabilities, image area, image offset, tile size, tile offset, components."""


def _jpeg_2000(**changed: int) -> bytes:
    """`TILED` with some of its size segment changed."""
    names = (
        "length",
        "kind",
        "columns",
        "rows",
        "left",
        "top",
        "tile_width",
        "tile_height",
        "tile_left",
        "tile_top",
        "samples",
    )
    values = dict(zip(names, SIZ.unpack_from(TILED, 4), strict=True)) | changed
    return TILED[:4] + SIZ.pack(*values.values()) + TILED[4 + SIZ.size :]


@pytest.mark.parametrize("syntax", list(LOSSLESS | LOSSY), ids=lambda one: uid.UID(one).keyword)
@pytest.mark.parametrize("samples", [1, 3])
def test_size_samples_and_depth_stand_in_the_header(syntax: str, samples: int) -> None:
    dtype = "u1" if syntax == uid.JPEGBaseline8Bit or samples == 3 else "u2"
    bits = 12 if syntax == uid.JPEGExtended12Bit else 8 if dtype == "u1" else 16
    pixels = waves("u2" if bits == 12 else dtype, bits, shape=(37, 53) if samples == 1 else (37, 53, 3))
    found = codestreams.read(codestream(pixels, syntax))
    assert (found.coding, found.process) == CODINGS.get(syntax, ("High-Throughput JPEG 2000", ""))
    assert (found.rows, found.columns, found.samples, found.bits, found.signed) == (37, 53, samples, bits, False)
    assert not found.wrong_end


def test_negative_numbers_of_jpeg_2000_are_seen() -> None:
    for syntax in (uid.JPEG2000Lossless, uid.HTJ2KLossless):
        assert codestreams.read(codestream(waves("i2"), syntax)).signed


def test_what_pillow_writes_is_read_too() -> None:
    """Restart intervals, progressive coding, tables in one segment, EXIF before the frame."""
    picture = waves("u1", shape=(37, 53, 3))
    for options in ({"progressive": True}, {"optimize": True}, {"exif": bytes(3000)}, {"subsampling": 2}):
        found = codestreams.read(coded(picture, "JPEG", **options))
        assert (found.rows, found.columns, found.samples, found.ybr) == (37, 53, 3, True)
    boxed = coded(picture, "JPEG2000", no_jp2=False)
    assert codestreams.read(codestreams.unwrapped(boxed)).samples == 3
    assert codestreams.unwrapped(boxed[len(boxed) :]) == b""


@pytest.mark.parametrize(
    ("options", "ybr"),
    [({}, True), ({"colorspace": "RGB", "outcolorspace": "RGB"}, False)],
    ids=["JFIF", "Adobe"],
)
def test_colours_are_told_by_jfif_and_adobe(options: dict[str, str], *, ybr: bool) -> None:
    frame = codestream(waves("u1", shape=(37, 53, 3)), uid.JPEGBaseline8Bit, **options)
    assert codestreams.read(frame).ybr is ybr
    bare = _without(frame, 0xE0, 0xEE)
    names = codestreams.read(bare).ybr
    assert names is (None if ybr else False), "components 1, 2, 3 tell nothing, R, G, B do"


def _without(frame: bytes, *markers: int) -> bytes:
    """A JPEG without the segments of these markers."""
    place, kept = 2, frame[:2]
    while frame[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
        kept += frame[place:end] if frame[place + 1] not in markers else b""
        place = end
    return kept + frame[place:]


def test_the_end_of_spectral_selection_is_set_right() -> None:
    frame = codestream(waves("u2", 12), uid.JPEGExtended12Bit)
    scan = frame.index(b"\xff\xda")
    wrong = frame[: scan + 8] + b"\0" + frame[scan + 9 :]
    assert frame[scan + 8] == 63
    found = codestreams.read(wrong)
    assert found.wrong_end == scan + 8
    assert codestreams.mended(wrong, found) == frame
    assert codestreams.mended(frame, codestreams.read(frame)) is frame


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEG2000Lossless])
def test_what_is_cut_off_is_incomplete(syntax: str) -> None:
    """At every length; never another error, never whole."""
    frame = codestream(waves("u1"), syntax)
    told = set()
    for length in range(2, len(frame) - 2, 7):
        with pytest.raises(CodestreamError) as caught:
            codestreams.read(frame[:length])
        told.add(str(caught.value))
    assert "are incomplete: they have no end" in told
    codestreams.read(frame + b"\0")


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGLosslessSV1])
@pytest.mark.parametrize("shape", [(1000, 1000), (1000, 1000, 3)])
def test_few_bytes_cannot_hold_a_large_image(syntax: str, shape: tuple[int, ...]) -> None:
    """One grey takes the fewest bits that there can be and is read; with a fiftieth of them, and an end, it is refused."""
    frame = codestream(np.full(shape, 7, np.uint8), syntax)
    assert codestreams.read(frame).rows == 1000
    scan = frame.index(b"\xff\xda")
    few = frame[: scan + (len(frame) - scan) // 50] + b"\xff\xd9"
    with pytest.raises(CodestreamError, match="bytes for 1,000 x 1,000"):
        codestreams.read(few)


def test_missing_tiles_are_counted() -> None:
    found = codestreams.read(TILED)
    assert (found.rows, found.columns) == (40, 60)
    last = TILED.rindex(b"\xff\x90\x00\x0a")
    with pytest.raises(CodestreamError, match="11 of 12 tiles"):
        codestreams.read(TILED[:last] + b"\xff\xd9")


def test_an_offset_on_the_canvas_is_no_part_of_the_image() -> None:
    """T.800 B.2: an image from (16, 16) on has 24 x 44 pixels in the last 6 of 12 tiles."""
    found = codestreams.read(_jpeg_2000(left=16, top=16, tile_left=16, tile_top=16))
    assert (found.rows, found.columns) == (24, 44)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (b"", "are empty"),
        (b"no JPEG", "do not begin"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "end within their own header"),
        (b"\xff\xd8\xff\xe0\x00\x02\x00\x00", "no marker"),
        (b"\xff\xd8\xff\xda\x00\x02\xff\xd9", "size comes after"),
        (b"\xff\xd8\xff\xc9\x00\x02\xff\xd9", "arithmetic coding"),
        (b"\xff\xd8\xff\xc5\x00\x02\xff\xd9", "hierarchical"),
        (coded(waves("u1"), "JPEG", progressive=True) + b"\xff\xda" * 101, "more than 100 scans"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JP2 file without an image"),
        (_jpeg_2000(length=42), "wrong length"),
        (_jpeg_2000(left=60), "outside of itself"),
        (_jpeg_2000(tile_width=0), "outside of itself"),
        (_jpeg_2000(left=20, tile_width=16), "first tile is empty"),
        (_jpeg_2000(columns=30_000, rows=30_000), "tiles, which is too many"),
        (TILED[:43] + b"\x02" + TILED[44:], "samples of different size"),
        (TILED[: SOT + 6] + b"\0\0\0\x05" + TILED[SOT + 10 :], "no room for its own header"),
        (TILED[:SOT] + b"\0" + TILED[SOT + 1 :], "no marker"),
    ],
    ids=range(17),
)
def test_refusals(frame: bytes, words: str) -> None:
    with pytest.raises(CodestreamError, match=words):
        codestreams.read(codestreams.unwrapped(frame))


def test_samples_of_their_own_size_are_refused() -> None:
    """Chroma of half the size (JPEG 2000 allows it): decoders give three planes of three sizes."""
    frame = bytearray(codestream(waves("u1", shape=(37, 53, 3)), uid.JPEG2000Lossless))
    assert frame[42:51] == b"\x07\x01\x01" * 3
    frame[46] = 2
    with pytest.raises(CodestreamError, match="different size"):
        codestreams.read(bytes(frame))


def test_random_headers_give_one_kind_of_error() -> None:
    chance = np.random.default_rng(3)
    for start in (b"\xff\xd8\xff", b"\xff\x4f\xff\x51\x00\x29", b"\x00\x00\x00\x0cjP  "):
        for _ in range(300):
            with pytest.raises(CodestreamError):
                codestreams.read(codestreams.unwrapped(start + chance.bytes(int(chance.integers(0, 60)))))
