"""Transfer syntaxes and their decoders: the table, the arithmetic by hand, and decoded pixels beside other decoders' ones."""

import io
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from pydicom import uid
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import AllTransferSyntaxes

from trainer import codestreams, decoders

from .dicom_files import LOSSLESS, LOSSY, codestream, waves

ROOT = Path(__file__).parents[2]


def keyword(syntax: object) -> str:
    return uid.UID(syntax).keyword if isinstance(syntax, str) else ""


# The table


def test_every_syntax_has_a_name_of_its_own_and_one_decoder() -> None:
    found = decoders.SYNTAXES
    assert len({syntax.name for syntax in found.values()}) == len(found) == 16
    assert set(found) <= set(AllTransferSyntaxes)
    assert set(LOSSLESS) | set(LOSSY) == {one for one, syntax in found.items() if syntax.coding not in ("", "RLE")}
    codings = {syntax.coding for syntax in found.values()}
    assert codings == {"", "RLE", codestreams.JPEG, codestreams.JPEG_LS, codestreams.JPEG_2000, codestreams.HTJ2K}
    for one, syntax in found.items():
        assert syntax.lossy is (one in LOSSY), one
        assert set(syntax.processes) <= {*codestreams.PROCESSES.values(), ""}


def test_nothing_of_imagecodecs_is_loaded_but_what_the_bundle_holds() -> None:
    """The parts that are loaded by name when first used; and none before."""
    code = """
import sys
from trainer import decoders

def parts():
    return sorted(name[13:] for name in sys.modules if name.startswith("imagecodecs._"))

assert parts() == [], parts()
import imagecodecs as codecs, numpy as np
pixels = np.eye(16, dtype="u1")
frames = {"JPEG": codecs.jpeg8_encode(pixels), "JPEG-LS": codecs.jpegls_encode(pixels)}
# htj2k is the encoder here, and nothing else
frames |= {"JPEG 2000": codecs.jpeg2k_encode(pixels, codecformat="J2K"), decoders.HTJ2K: codecs.htj2k_encode(pixels)}
for coding, frame in frames.items():
    assert decoders.decode(frame, coding, 1).shape == (16, 16)
assert set(parts()) == {"htj2k", *(part[1:] for part in decoders.PARTS)}, parts()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Arithmetic


def test_bits_below_and_above_a_value_are_left_out() -> None:
    """12 bits under overlays in the high 4, and 12 bits in bits 4..15 over rubbish."""
    raw = np.array([0xA000, 0xAFFF, 0x0800], dtype=np.uint16)
    assert decoders.without_overlays(raw, 12, 11, signed=False).tolist() == [0, 0xFFF, 0x800]
    assert decoders.without_overlays(raw, 12, 11, signed=True).tolist() == [0, -1, -2048]
    assert decoders.without_overlays(raw, 12, 15, signed=False).tolist() == [0xA00, 0xAFF, 0x080]
    assert decoders.without_overlays(raw.view(np.int16), 12, 15, signed=True).tolist() == [-1536, -1281, 128]
    assert decoders.without_overlays(raw, 16, 15, signed=False) is raw
    wide = np.array([0x80000001], dtype=np.uint32)
    assert decoders.without_overlays(wide, 31, 30, signed=True).tolist() == [1]


@pytest.mark.parametrize(
    ("decoded", "dtype", "precision", "stored", "signed", "lossy", "expected"),
    [
        ([0, 4095], "u2", 12, 12, False, False, [0, 4095]),
        ([0, 1, 4095, 2048], "u2", 12, 12, True, False, [0, 1, -1, -2048]),
        ([0, 1, 4095, 2048], "u2", 12, 16, True, False, [0, 1, -1, -2048]),  # the sign stands in the precision
        ([0xFFFF, 0x0FFF, 0x8800], "u2", 16, 12, True, False, [-1, -1, -2048]),
        ([0xFFFF, 0x1005], "u2", 16, 12, False, False, [0xFFF, 5]),  # overlays in the upper bits
        ([-1, -2048, 2047], "i2", 12, 12, True, False, [-1, -2048, 2047]),
        ([-1, -2048, 2047], "i2", 12, 12, False, False, [4095, 2048, 2047]),
        ([0, 1023, 1024, 1030], "u2", 12, 10, False, True, [0, 1023, 1023, 1023]),  # rounded beyond the range
        ([0, 511, 513, 4095, 3580], "u2", 12, 10, True, True, [0, 511, 511, -1, -512]),
        ([-513, 512], "i2", 12, 10, True, True, [-512, 511]),
        ([255, 128], "u1", 8, 8, True, True, [-1, -128]),
    ],
)
def test_from_what_a_codec_gives_to_stored_values(
    decoded: list[int], dtype: str, precision: int, stored: int, *, signed: bool, lossy: bool, expected: list[int]
) -> None:
    values = np.array(decoded, dtype=dtype)
    found = decoders.as_stored(values, precision=precision, stored=stored, signed=signed, lossy=lossy)
    assert found.tolist() == expected


def test_luma_and_chroma_become_colours_as_in_pydicom() -> None:
    ybr = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    found = decoders.to_rgb(ybr, 8)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - convert_color_space(ybr, "YBR_FULL", "RGB")).max() <= 1
    grey = np.array([[[0, 2048, 2048], [4095, 2048, 2048]]], dtype=np.uint16)
    assert decoders.to_rgb(grey, 12).tolist() == [[[0, 0, 0], [4095, 4095, 4095]]]


# Decoded pixels


@pytest.mark.parametrize("syntax", list(LOSSLESS), ids=keyword)
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "colour"])
def test_lossless_gives_what_was_put_in(syntax: str, dtype: str) -> None:
    pixels = waves("u1", shape=(37, 53, 3)) if dtype == "colour" else waves(dtype)
    frame = codestream(pixels, syntax)
    found = codestreams.read(frame)
    decoded = decoders.decode(frame, found.coding, found.samples)
    signed = pixels.dtype.kind == "i"
    bits = pixels.dtype.itemsize * 8
    assert found.bits == bits
    stored = decoders.as_stored(decoded, precision=found.bits, stored=bits, signed=signed, lossy=False)
    np.testing.assert_array_equal(stored, pixels)


@pytest.mark.parametrize("bits", [2, 5, 7, 9, 10, 12, 15, 16])
def test_lossless_process_14_with_every_predictor_at_any_depth(bits: int) -> None:
    """Beside two other decoders of this process (which know less of it)."""
    pixels = waves("u1" if bits <= 8 else "u2", bits)
    for predictor in range(1, 8):
        frame = codestream(pixels, uid.JPEGLossless, predictor=predictor, bitspersample=bits)
        assert codestreams.read(frame).bits == bits
        decoded = decoders.decode(frame, decoders.JPEG, 1)
        np.testing.assert_array_equal(decoded, pixels)
        if bits >= 8:
            np.testing.assert_array_equal(imagecodecs.jpegsof3_decode(frame), pixels)
    first = codestream(pixels, uid.JPEGLosslessSV1, bitspersample=bits)
    np.testing.assert_array_equal(imagecodecs.ljpeg_decode(first), pixels)


@pytest.mark.parametrize("syntax", list(LOSSY), ids=keyword)
def test_lossy_stays_near_to_what_was_put_in(syntax: str) -> None:
    """Within 1.5 % of the range; near-lossless JPEG-LS within the 2 that it was asked for."""
    bits = 8 if syntax == uid.JPEGBaseline8Bit else 12
    pixels = waves("u1" if bits == 8 else "u2", bits)
    frame = codestream(pixels, syntax)
    decoded = decoders.decode(frame, codestreams.read(frame).coding, 1)
    apart = np.abs(decoded.astype(int) - pixels)
    assert 0 < apart.max() <= (2 if syntax == uid.JPEGLSNearLossless else 0.015 * 2**bits)


def test_high_throughput_beside_another_decoder() -> None:
    for syntax in (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K):
        for pixels in (waves("u2", 12), waves("i2", 16), waves("u1", shape=(37, 53, 3)), waves("u2", shape=(37, 53, 3))):
            frame = codestream(pixels, syntax)
            ours = decoders.decode(frame, decoders.HTJ2K, 1 if pixels.ndim == 2 else 3).astype(int)
            assert np.abs(ours - imagecodecs.htj2k_decode(frame)).max() <= (2 if syntax == uid.HTJ2K else 0)
    assert b"\xff\x52\x00\x0c\x00\x02" in codestream(waves(), uid.HTJ2KLosslessRPCL), "progression RPCL (T.800 A.6.1)"


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEG2000Lossless, uid.JPEG2000], ids=keyword)
def test_jpeg_and_jpeg_2000_beside_pillow(syntax: str, samples: int) -> None:
    pixels = waves("u1", shape=(37, 53, 3) if samples == 3 else (37, 53))
    frame = codestream(pixels, syntax)
    with PIL.Image.open(io.BytesIO(frame)) as picture:
        theirs = np.asarray(picture).astype(int)
    ours = decoders.decode(frame, codestreams.read(frame).coding, samples, ybr=samples == 3)
    assert np.abs(ours - theirs).max() <= (0 if syntax == uid.JPEG2000Lossless else 1)
