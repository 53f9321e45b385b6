"""DICOM files that are damaged, malicious, or of a kind that is not read: each is refused in one sentence."""

import zlib

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from trainer import dicom, images
from trainer.errors import ImageError

from .dicom_files import RAMP, coded, compressed, file, lut
from .mutants import check_mutants_are_read_or_refused


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (file(syntax=JPEGLSLossless, coded=encapsulate([b"\xff\xd8\xff\xf7"])), "JPEG-LS lossless, but its pixels end within"),
        (file(PixelData=None), "holds no pixels: Computed Radiography"),
        (file(PixelData=b"\0" * 4), "4 of 12 bytes"),
        (file(Rows=None), "does not state its Rows"),
        (file(Rows=0), "no rows"),
        (file(Rows=65535, Columns=65535), "too large"),
        (file(np.zeros((2, 2, 3), np.uint8), Rows=6000, Columns=6000), "too large"),
        (file(BitsStored=17), "17 in 16 bits"),
        (file(SamplesPerPixel=4), "4 samples"),
        (file(RAMP.astype(np.uint8), JPEGBaseline8Bit, encapsulate([b"no jpeg!"])), "do not begin"),
        (file(np.zeros((2, 2, 3), np.uint8), PhotometricInterpretation="CMYK"), "damaged|colours"),
        (file()[:200], "holds no pixels"),
        (b"\0" * 128 + b"DICM", "holds no pixels"),
    ],
    ids=range(13),
)
def test_refusals_are_one_sentence_with_a_remedy(content: bytes, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        images.decode(content, name="lung.dcm")
    assert caught.value.where == "lung.dcm"
    assert caught.value.remedy


def test_compressed_pixels_that_are_called_plain_are_not_shown_as_noise() -> None:
    """Their bytes would be enough for a frame: without a loss, noise becomes no smaller."""
    noise = np.random.default_rng(0).integers(0, 65536, (37, 53), dtype=np.uint16)
    content = compressed(noise, JPEGLosslessSV1)
    said = ExplicitVRLittleEndian.encode().ljust(len(JPEGLosslessSV1), b"\0")
    for plain in (content.replace(JPEGLosslessSV1.encode(), said), content[content.index(b"\x08\0\x16\0UI") :]):
        with pytest.raises(ImageError, match="are compressed, but it does not say how"):
            images.decode(plain, name="x")
    with pytest.raises(ImageError, match=r"says that its pixels are compressed as RLE lossless, but they are not"):
        images.decode(file(noise).replace(ExplicitVRLittleEndian.encode() + b"\0", b"1.2.840.10008.1.2.5\0"), name="x")


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422", "RGB", "XYZ"])
def test_one_sample_that_is_called_a_colour_is_grey(photometric: str) -> None:
    found = images.decode(file(PhotometricInterpretation=photometric), name="x")
    assert found.pixels.tolist() == images.decode(file(), name="x").pixels.tolist()
    assert found.facts.warnings == (f"The file says {photometric} but has one sample a pixel: read as MONOCHROME2",)


def test_deflated_is_read_and_a_deflation_bomb_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    content = file(syntax=DeflatedExplicitVRLittleEndian)
    assert dicom.read(content, name="x").stored.tolist() == RAMP.tolist()
    monkeypatch.setattr(dicom, "MAX_INFLATED", 1000)
    plain = file(PixelData=bytes(10**6), syntax=DeflatedExplicitVRLittleEndian)
    with pytest.raises(ImageError, match="unpacks to more"):
        images.decode(plain, name="x")
    assert len(plain) < 5000


def test_a_deflated_bomb_without_mark_is_not_left_to_pydicom(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise AssertionError("pydicom inflates without a limit")

    content = file(syntax=DeflatedExplicitVRLittleEndian)[132:]
    monkeypatch.setattr(zlib, "decompress", refuse)
    assert dicom.read(content, name="x").stored.tolist() == RAMP.tolist()


def test_jp2_box_of_length_zero_does_not_hang() -> None:
    stream = bytearray(coded(RAMP.astype(np.uint8), "JPEG2000"))
    stream[12:16] = bytes(4)
    stream = stream.replace(b"jp2c", b"XXXX")
    with pytest.raises(ImageError, match="JP2 file without an image"):
        images.decode(file(RAMP.astype(np.uint8), JPEG2000Lossless, encapsulate([bytes(stream)])), name="x")


def test_mutated_files_are_read_or_refused() -> None:
    """Nothing but `ImageError` leaves, and what is read is in 0..1 (a longer run found the list of exceptions)."""
    picture = RAMP.astype(np.uint8)
    luts = {"ModalityLUTSequence": lut([0, 9, 300], bits=12), "VOILUTSequence": lut(list(range(300)), 3)}
    seeds = [
        file(),
        file(syntax=ImplicitVRLittleEndian, WindowCenter=[1, 2], WindowWidth=[3, 4], RescaleSlope="-1.5"),
        file(syntax=ExplicitVRBigEndian, PixelPaddingValue=100),
        file(syntax=DeflatedExplicitVRLittleEndian),
        file(**luts, PhotometricInterpretation="MONOCHROME1"),
        file(picture, JPEGBaseline8Bit, encapsulate([coded(picture, "JPEG")])),
        file(picture, JPEG2000Lossless, encapsulate([coded(picture, "JPEG2000")])),
        file(np.zeros((2, 2, 3), np.uint8), PatientAge="061Y", SpecificCharacterSet="ISO_IR 100"),
    ]
    check_mutants_are_read_or_refused(seeds, mutants=700, seed=7, first=128)
