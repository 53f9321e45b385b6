"""Every transfer syntax as a DICOM file: stored values, colours, frames; and files of other programs with known pixels."""

import io
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import UID, AllTransferSyntaxes

from trainer import decoders, dicom, images
from trainer.errors import ImageError

from .dicom_files import LOSSLESS, LOSSY, SAMPLES, codestream, compressed, file, run_lengths, waves
from .test_decoders import keyword

COLOUR = (37, 53, 3)


def stored(content: bytes) -> np.ndarray:
    return dicom.read(content, name="x").stored


def sample(name: str) -> np.ndarray:
    return stored((SAMPLES / name).read_bytes()).astype(int)


# Stored values


@pytest.mark.parametrize("syntax", [*LOSSLESS, uid.RLELossless], ids=keyword)
@pytest.mark.parametrize(("dtype", "bits"), [("u1", 8), ("u2", 10), ("u2", 16), ("i2", 12), ("i2", 16)])
def test_lossless_files_give_their_stored_values(syntax: str, dtype: str, bits: int) -> None:
    pixels = waves(dtype, bits)
    depth = {"BitsStored": bits, "HighBit": bits - 1}
    content = run_lengths(pixels, **depth) if syntax == uid.RLELossless else compressed(pixels, syntax, **depth)
    np.testing.assert_array_equal(stored(content), pixels)
    found = images.decode(content, name="x")
    assert found.facts.format == f"DICOM, {decoders.SYNTAXES[UID(syntax)].name}"
    assert (found.facts.stored_min, found.facts.stored_max) == (pixels.min(), pixels.max())
    assert found.facts.warnings == ()


@pytest.mark.parametrize("syntax", list(LOSSY), ids=keyword)
def test_lossy_files_stay_within_their_bits(syntax: str) -> None:
    bits = 8 if syntax == uid.JPEGBaseline8Bit else 12
    pixels = waves("u1" if bits == 8 else "u2", bits)
    found = stored(compressed(pixels, syntax, BitsStored=bits, HighBit=bits - 1)).astype(int)
    assert found.min() >= 0
    assert found.max() < 2**bits
    assert np.abs(found - pixels).max() <= 0.015 * 2**bits


def test_12_bit_jpeg_whose_scan_header_is_wrong() -> None:
    """Its spectral selection ends at 0 instead of 63; all coefficients are there all the same."""
    pixels = waves("u2", 12)
    frame = codestream(pixels, uid.JPEGExtended12Bit)
    scan = frame.index(b"\xff\xda")
    wrong = frame[: scan + 8] + b"\0" + frame[scan + 9 :]
    right, mended = (
        dicom.read(file(pixels, uid.JPEGExtended12Bit, encapsulate([one]), BitsStored=12, HighBit=11), name="x")
        for one in (frame, wrong)
    )
    np.testing.assert_array_equal(mended.stored, right.stored)
    assert right.warnings == ()
    assert "end of spectral selection is not 63" in mended.warnings[0]
    assert dicom.checked(
        file(pixels, uid.JPEGExtended12Bit, encapsulate([wrong]), BitsStored=12, HighBit=11), name="x"
    ).warnings == (mended.warnings)


def test_rle_keeps_overlays_out() -> None:
    pixels = waves("u2", 12)
    found = stored(run_lengths(pixels << 4 | 0xA, BitsStored=12, HighBit=15))
    np.testing.assert_array_equal(found, pixels)


def test_a_deflated_file_says_so() -> None:
    found = images.decode(file(syntax=uid.DeflatedExplicitVRLittleEndian), name="x")
    assert found.facts.format == "DICOM, deflated"


# Colours


@pytest.mark.parametrize("syntax", [*LOSSLESS, uid.RLELossless], ids=keyword)
def test_red_green_and_blue_stay_what_they_are(syntax: str) -> None:
    pixels = waves("u1", shape=COLOUR)
    kind = {"PhotometricInterpretation": "YBR_RCT"} if "2000" in UID(syntax).name else {}
    content = run_lengths(pixels) if syntax == uid.RLELossless else compressed(pixels, syntax, **kind)
    np.testing.assert_array_equal(stored(content), pixels)
    grey = images.decode(content, name="x").pixels
    assert np.abs(grey - pixels @ [0.299, 0.587, 0.114] / 255).max() < 0.002


@pytest.mark.parametrize("syntax", [uid.JPEGLossless, uid.JPEGLSLossless, uid.RLELossless, uid.ExplicitVRLittleEndian])
def test_luma_and_chroma_that_the_codec_knows_nothing_of(syntax: str) -> None:
    ybr = waves("u1", shape=COLOUR)
    kind = {"PhotometricInterpretation": "YBR_FULL"}
    if syntax == uid.RLELossless:
        content = run_lengths(ybr, **kind)
    elif syntax == uid.ExplicitVRLittleEndian:
        content = file(ybr, **kind)
    else:
        content = compressed(ybr, syntax, **kind)
    assert np.abs(stored(content).astype(int) - convert_color_space(ybr, "YBR_FULL", "RGB")).max() <= 1


def test_native_colours_at_half_the_width() -> None:
    """YBR_FULL_422 (PS3.3 C.7.6.3.1.2): Y Y B R of each two pixels. Grey stays grey."""
    content = file(
        np.zeros((1, 4, 3), np.uint8),
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=bytes([0, 100, 128, 128, 200, 255, 128, 128]),
    )
    assert stored(content).tolist() == [[[level] * 3 for level in (0, 100, 200, 255)]]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("YBR_FULL_422", {"subsampling": "422"}),
        ("YBR_FULL", {}),
        ("RGB", {"colorspace": "RGB", "outcolorspace": "RGB"}),
        ("RGB", {}),  # mislabelled: JFIF says that it is YCbCr
    ],
)
def test_baseline_jpeg_in_colour(kind: str, options: dict[str, str]) -> None:
    pixels = waves("u1", shape=COLOUR)
    frame = codestream(pixels, uid.JPEGBaseline8Bit, **options)
    content = file(pixels, uid.JPEGBaseline8Bit, encapsulate([frame]), PhotometricInterpretation=kind)
    assert np.abs(stored(content).astype(int) - pixels).mean() < 3


@pytest.mark.parametrize(
    ("syntax", "kind"), [(uid.JPEG2000, "YBR_ICT"), (uid.HTJ2K, "YBR_ICT"), (uid.JPEGLSNearLossless, "RGB")]
)
def test_lossy_colours(syntax: str, kind: str) -> None:
    pixels = waves("u1", shape=COLOUR)
    found = stored(compressed(pixels, syntax, PhotometricInterpretation=kind)).astype(int)
    assert np.abs(found - pixels).max() <= 6


@pytest.mark.parametrize("kind", ["CMYK", "HSV", "MONOCHROME2", "YBR_PARTIAL_420"])
def test_other_colours_are_refused_by_name(kind: str) -> None:
    for content in (
        compressed(waves("u1", shape=COLOUR), uid.JPEGLSLossless, PhotometricInterpretation=kind),
        file(waves("u1", shape=COLOUR), PhotometricInterpretation=kind),
    ):
        with pytest.raises(ImageError, match=f"colours as {kind}"):
            images.decode(content, name="x")


# Frames


def test_the_first_of_several_frames_in_one_or_more_fragments() -> None:
    first, second = waves("u2", 12), waves("u2", 12)[::-1]
    frames = [codestream(one, uid.JPEGLSLossless) for one in (first, second)]
    for fragments in (1, 2):
        for table in (True, False):
            content = file(
                first,
                uid.JPEGLSLossless,
                encapsulate(frames, fragments_per_frame=fragments, has_bot=table),
                NumberOfFrames=2,
                BitsStored=12,
                HighBit=11,
            )
            np.testing.assert_array_equal(stored(content), first)
            assert "2 images" in images.decode(content, name="x").facts.warnings[0]


def test_a_file_that_misses_only_the_last_mark_is_read_and_one_that_misses_more_is_not() -> None:
    pixels = waves("u2", 12)
    content = compressed(pixels, uid.JPEG2000Lossless, BitsStored=12, HighBit=11)
    assert content.endswith(b"\xfe\xff\xdd\xe0\0\0\0\0")
    np.testing.assert_array_equal(stored(content[:-8]), pixels)
    for missing in (40, 500):
        with pytest.raises(ImageError, match="its pixels are incomplete"):
            dicom.checked(content[:-missing], name="x")


@pytest.mark.parametrize("name", ["lung.dicom", "lung", "lung.jpg", "1.2.840.113619"])
def test_content_counts_and_neither_extension_nor_preamble(tmp_path: Path, name: str) -> None:
    content = compressed(waves("u2", 12), uid.JPEGLSLossless, BitsStored=12, HighBit=11)
    for start in (0, 132):
        (tmp_path / name).write_bytes(content[start:])
        found = images.read(tmp_path / name)
        assert found.facts.format == "DICOM, JPEG-LS lossless"
        assert found.facts.stored_max == 4095


# What is refused


def test_what_is_not_read_says_so_by_name() -> None:
    names = []
    for syntax in set(AllTransferSyntaxes) - set(decoders.SYNTAXES):
        if not UID(syntax).is_encapsulated:
            continue
        with pytest.raises(ImageError, match="which is not read") as caught:
            dicom.checked(file(waves(), syntax, encapsulate([b"anything"])), name="x")
        assert UID(syntax).name in caught.value.what
        names.append(UID(syntax).name)
    assert any(name.startswith("MPEG2 Main Profile") for name in names)
    assert any(name.startswith("JPIP") for name in names) or len(names) > 10


def test_a_stream_of_another_kind_than_the_file_says() -> None:
    pixels = waves("u1")
    lossless = codestream(pixels, uid.JPEGLosslessSV1)
    found = dicom.read(file(pixels, uid.JPEGBaseline8Bit, encapsulate([lossless])), name="x")
    np.testing.assert_array_equal(found.stored, pixels)
    assert found.warnings == ("The file says JPEG baseline, but its pixels are JPEG lossless: read as that",)
    with pytest.raises(ImageError, match="compressed as JPEG baseline, but its pixels are JPEG-LS"):
        dicom.checked(file(pixels, uid.JPEGBaseline8Bit, encapsulate([codestream(pixels, uid.JPEGLSLossless)])), name="x")


@pytest.mark.parametrize("syntax", list(LOSSLESS), ids=keyword)
def test_a_stream_that_is_larger_than_the_header_says_is_never_decoded(syntax: str) -> None:
    large = codestream(np.zeros((3000, 3000), np.uint8), syntax)
    with pytest.raises(ImageError, match=r"state 3000 x 3000 with 1 of 8 bits and the header 2 x 2 with 1 of 8"):
        dicom.checked(file(np.zeros((2, 2), np.uint8), syntax, encapsulate([large])), name="x")
    deep = codestream(waves("u2"), syntax)
    with pytest.raises(ImageError, match="16 bits and the header"):
        dicom.checked(file(waves("u1"), syntax, encapsulate([deep])), name="x")


def test_a_stream_that_states_more_pixels_than_any_radiograph_has() -> None:
    frame = bytearray(codestream(waves("u1"), uid.JPEG2000Lossless))
    frame[8:16] = struct.pack(">2L", 40_000, 40_000)
    for size in ({}, {"Rows": 40_000, "Columns": 40_000}):
        with pytest.raises(ImageError, match=r"too large|which is too many"):
            dicom.checked(file(waves("u1"), uid.JPEG2000Lossless, encapsulate([bytes(frame)]), **size), name="x")


@pytest.mark.parametrize("syntax", [*LOSSLESS, *LOSSY, uid.RLELossless], ids=keyword)
def test_a_file_that_is_cut_off_is_refused_and_never_half_grey(syntax: str) -> None:
    pixels = waves("u1") if syntax != uid.JPEGExtended12Bit else waves("u2", 12)
    content = run_lengths(pixels) if syntax == uid.RLELossless else compressed(pixels, syntax)
    start = content.index(b"\xe0\x7f\x10\x00OB")
    assert dicom.checked(content, name="x").layout.rows == 37
    for length in range(140, len(content) - 20, 53):
        with pytest.raises(ImageError) as caught:
            dicom.checked(content[:length], name="x")
        words = (
            ("holds no pixels", "does not state") if length < start else ("incomplete", "damaged", "end within", "are empty")
        )
        assert any(word in caught.value.what for word in words), (length, start, caught.value.what)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rtplan.dcm", "holds no pixels: RT Plan Storage"),
        ("rtplan_truncated.dcm", "holds no pixels: RT Plan Storage; it is incomplete: it ends within its header"),
        ("rtstruct.dcm", "holds no pixels: RT Structure Set Storage"),
        ("test-SR.dcm", "holds no pixels: Comprehensive SR Storage"),
        ("waveform_ecg.dcm", "holds no pixels: 12-lead ECG Waveform Storage"),
        ("meta_missing_tsyntax.dcm", "does not state its Rows, Columns, BitsAllocated"),
        ("MR_truncated.dcm", "incomplete: 8,130 of 8,192 bytes of pixels are there"),
        ("JPEG2000-embedded-sequence-delimiter.dcm", "compressed as JPEG 2000, but its pixels are cut into"),
    ],
)
def test_files_of_other_programs_that_are_no_radiograph(name: str, words: str) -> None:
    with pytest.raises(ImageError) as caught:
        images.decode((SAMPLES / name).read_bytes(), name=name)
    assert words in caught.value.what


@pytest.mark.parametrize("syntax", [one for one in (*LOSSLESS, *LOSSY) if "JPEG 2000" not in UID(one).name], ids=keyword)
def test_pixels_that_are_damaged_inside_are_told(syntax: str) -> None:
    """JPEG has no checks within: there it may be read, with other values."""
    pixels = waves("u1") if syntax != uid.JPEGExtended12Bit else waves("u2", 12)
    content = compressed(pixels, syntax)
    middle = (content.index(b"\xe0\x7f\x10\x00OB") + len(content)) // 2
    damaged = content[:middle] + b"\0" * 20 + content[middle + 20 :]
    if decoders.SYNTAXES[UID(syntax)].coding == decoders.JPEG:
        assert (stored(damaged) != stored(content)).any()
    else:
        with pytest.raises(ImageError, match=r"The pixels of this DICOM file \(JPEG-LS .* are damaged"):
            stored(damaged)


def test_a_damaged_uid_is_not_repeated() -> None:
    plain = file(PixelData=None)
    kind = b"1.2.840.10008.5.1.4.1.1.1\0"
    with pytest.raises(ImageError, match=r"holds no pixels: an unknown kind \("):
        images.decode(plain.replace(kind, b"1.2\x05 anything\nat all  ".ljust(len(kind))), name="x")
    other = file().replace(uid.ExplicitVRLittleEndian.encode() + b"\0", b"1.2.840.10008.9.9.9\0")
    with pytest.raises(ImageError, match=r"compressed as 1\.2\.840\.10008\.9\.9\.9, which is not read"):
        images.decode(other, name="x")


# Files of other programs


@pytest.mark.parametrize(
    ("name", "same", "within"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm", 0),  # signed
        ("MR_small_jp2klossless.dcm", "MR_small.dcm", 0),
        ("MR_small_RLE.dcm", "MR_small.dcm", 0),
        ("MR_small_bigendian.dcm", "MR_small.dcm", 0),
        ("JPEG-lossy.dcm", "JPGExtended.dcm", 0),  # 12 bits, the same but for the wrong scan header
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm", 0),  # lossless
        ("SC_rgb_jls_lossy_line.dcm", "SC_rgb_rle.dcm", 3),
        ("SC_rgb_jls_lossy_sample.dcm", "SC_rgb_rle.dcm", 3),
        ("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_rle.dcm", 2),  # the colours untransformed
        ("SC_rgb_jpeg.dcm", "SC_rgb_jpeg_dcmd.dcm", 1),
    ],
)
def test_pairs_of_files_with_the_same_picture(name: str, same: str, within: int) -> None:
    assert np.abs(sample(name) - sample(same)).max() <= within


@pytest.mark.parametrize(
    "name",
    [
        "693_J2KI.dcm",  # 14 bits in a signed stream of 16
        "J2K_pixelrep_mismatch.dcm",  # signed by the header, unsigned by the stream
        "JPEG2000.dcm",
        "SC_rgb_gdcm_KY.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "examples_jpeg2k.dcm",
        "examples_ybr_color.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_rgb_rle_16bit_2frame.dcm",
        "liver_expb_1frame.dcm",
    ],
)
def test_beside_pydicom_with_pillow(name: str) -> None:
    theirs = pydicom.pixels.pixel_array(io.BytesIO((SAMPLES / name).read_bytes()), index=0).astype(int)
    assert np.abs(sample(name) - theirs).max() <= (1 if "jpeg" in name.lower() else 0)
