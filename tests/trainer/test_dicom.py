"""DICOM from bytes to grey values: every expected value here is worked out by hand from PS3.3, or stands in the manifest."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from trainer import dicom, files, images
from trainer.errors import ImageError

from .dicom_files import RAMP, coded, file, lut


def grey(**elements: object) -> list[list[float]]:
    return np.round(images.decode(file(**elements), name="x").pixels.astype(float), 6).tolist()


# The order of PS3.4 N.2, and the window functions of PS3.3 C.11.2


def test_linear_window() -> None:
    """Centre 200, width 201: x <= 99.5 is black, x > 299.5 is white, between (x - 199.5) / 200 + 0.5."""
    assert grey(WindowCenter=200, WindowWidth=201) == [[0, 0.0025, 0.5025], [1, 1, 1]]


def test_linear_exact_window() -> None:
    """Centre 200, width 200: (x - 200) / 200 + 0.5."""
    assert grey(WindowCenter=200, WindowWidth=200, VOILUTFunction="LINEAR_EXACT") == [[0, 0, 0.5], [1, 1, 1]]


def test_sigmoid_window() -> None:
    """Centre 200, width 400: 1 / (1 + exp(-4 (x - 200) / 400)); at x = 100 1 / (1 + e)."""
    found = grey(WindowCenter=200, WindowWidth=400, VOILUTFunction="SIGMOID")
    assert found == [[0.119203, 0.268941, 0.5], [0.731059, 0.880797, 1]]


def test_width_of_one_is_a_step() -> None:
    assert grey(WindowCenter=200, WindowWidth=1) == [[0, 0, 1], [1, 1, 1]]


def test_rescale_comes_before_the_window() -> None:
    """x / 2 - 100 = -100, -50, 0, 50, 100, 1947.5 in a window of -100..100 (LINEAR_EXACT, centre 0, width 200)."""
    look = {"RescaleSlope": "0.5", "RescaleIntercept": "-100", "WindowCenter": 0, "WindowWidth": 200}
    assert grey(**look, VOILUTFunction="LINEAR_EXACT") == [[0, 0.25, 0.5], [0.75, 1, 1]]


def test_negative_slope_does_not_turn_the_window_over() -> None:
    """-x in a window around -200, LINEAR_EXACT: the largest stored value is the darkest."""
    look = {"RescaleSlope": "-1", "RescaleIntercept": "0", "WindowCenter": -200, "WindowWidth": 400}
    assert grey(**look, VOILUTFunction="LINEAR_EXACT") == [[1, 0.75, 0.5], [0.25, 0, 0]]


def test_monochrome1_is_inverted_once_and_after_the_window() -> None:
    look = {
        "WindowCenter": 200,
        "WindowWidth": 200,
        "VOILUTFunction": "LINEAR_EXACT",
        "PhotometricInterpretation": "MONOCHROME1",
    }
    assert grey(**look) == [[1, 1, 0.5], [0, 0, 0]]
    assert grey(**look, PresentationLUTShape="INVERSE") == [[1, 1, 0.5], [0, 0, 0]], "both say the same, once"
    assert grey(**look, PresentationLUTShape="IDENTITY") == [[1, 1, 0.5], [0, 0, 0]]


def test_inverse_shape_alone_inverts() -> None:
    look = {"WindowCenter": 200, "WindowWidth": 200, "VOILUTFunction": "LINEAR_EXACT", "PresentationLUTShape": "INVERSE"}
    assert grey(**look) == [[1, 1, 0.5], [0, 0, 0]]


def test_voi_lut_of_4096_entries_with_8_bit_output() -> None:
    """pydicom takes the index in the table's own 8 bits and gives 14 at 1000 instead of 62."""
    pixels = np.array([[0, 256, 1000, 4095]], dtype=np.uint16)
    table = [round(entry * 255 / 4095) for entry in range(4096)]
    found = images.decode(file(pixels, VOILUTSequence=lut(table, bits=8)), name="x")
    assert (found.pixels * 255).round().tolist() == [[0, 16, 62, 255]]


def test_voi_lut_with_packed_bytes_and_a_first_value() -> None:
    """Entries for 100, 101, 102, 103; outside of it the first and the last hold."""
    pixels = np.array([[0, 100, 101, 102, 103, 900]], dtype=np.uint16)
    found = images.decode(file(pixels, VOILUTSequence=lut([10, 20, 30, 255], 100, 8, packed=True)), name="x").pixels
    assert (found * 255).round().tolist() == [[10, 10, 20, 30, 255, 255]]


def test_voi_lut_is_preferred_to_the_window_and_scaled_by_its_bits() -> None:
    """A table of 12 bits whose largest entry is 2048 is not stretched: 2048 / 4095."""
    pixels = np.array([[0, 1]], dtype=np.uint16)
    found = images.decode(file(pixels, VOILUTSequence=lut([0, 2048], bits=12), WindowCenter=1, WindowWidth=2), name="x")
    assert found.pixels.tolist() == [[0, pytest.approx(2048 / 4095)]]
    assert found.facts.window is None
    assert "VOI LUT of 2 entries, 12 bits" in found.facts.steps


def test_voi_lut_first_value_is_signed_after_a_negative_intercept() -> None:
    """Modality values -2, -1, 0; the table begins at -2. Percentiles would make 128 of its 51."""
    pixels = np.array([[0, 1, 2]], dtype=np.uint16)
    look = {"RescaleSlope": "1", "RescaleIntercept": "-2", "VOILUTSequence": lut([0, 51, 255], -2, 8, signed=True)}
    assert (images.decode(file(pixels, **look), name="x").pixels * 255).round().tolist() == [[0, 51, 255]]
    look["VOILUTSequence"] = lut([0, 51, 255], 65534, 8)
    assert (images.decode(file(pixels, **look), name="x").pixels * 255).round().tolist() == [[0, 51, 255]]


def test_modality_lut_of_12_bits() -> None:
    """pydicom refuses it (TypeError uint12). Stored 0, 1, 2 become 0, 1000, 4000, windowed by LINEAR_EXACT 0..4000."""
    pixels = np.array([[0, 1, 2]], dtype=np.uint16)
    look = {"ModalityLUTSequence": lut([0, 1000, 4000], bits=12), "WindowCenter": 2000, "WindowWidth": 4000}
    assert images.decode(file(pixels, **look, VOILUTFunction="LINEAR_EXACT"), name="x").pixels.tolist() == [[0, 0.25, 1]]


def test_modality_lut_of_fluoroscopy_is_not_for_display() -> None:
    """PS3.3 C.8.7.1.1.2: with LOG it leads back to X-ray intensity."""
    pixels = np.array([[0, 1, 2]], dtype=np.uint16)
    look = {"ModalityLUTSequence": lut([900, 500, 0]), "WindowCenter": 1, "WindowWidth": 2, "VOILUTFunction": "LINEAR_EXACT"}
    xa = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1", "PixelIntensityRelationship": "LOG"}
    found = images.decode(file(pixels, **look, **xa), name="x")
    assert found.pixels.tolist() == [[0, 0.5, 1]]
    assert "Modality LUT left out" in found.facts.steps[0]


def test_table_whose_values_do_not_fit_its_bits() -> None:
    pixels = np.array([[0, 1]], dtype=np.uint16)
    found = images.decode(file(pixels, VOILUTSequence=lut([0, 4095], bits=8)), name="x")
    assert found.pixels.tolist() == [[0, 1]]
    assert "states 8 bits" in found.facts.warnings[0]


def test_table_that_fills_less_than_a_quarter_of_its_bits() -> None:
    """Some writers state the 16 bits that an entry is stored in: 0, 2048 and 4095 are of 12, and no look at 1/16 of white."""
    pixels = np.array([[0, 1, 2]], dtype=np.uint16)
    found = images.decode(file(pixels, VOILUTSequence=lut([0, 2048, 4095], bits=16)), name="x")
    assert found.pixels.tolist() == [[0, pytest.approx(2048 / 4095), 1]]
    assert "states 16 bits but its values need 12" in found.facts.warnings[0]
    shown = images.decode(file(pixels, VOILUTSequence=lut([0, 2048, 16383], bits=16)), name="x")
    assert shown.pixels.tolist() == [pytest.approx([0, 2048 / 16383, 1])]
    whole = images.decode(file(pixels, VOILUTSequence=lut([0, 2048, 16384], bits=16)), name="x")
    assert whole.pixels.tolist() == [pytest.approx([0, 2048 / 65535, 16384 / 65535])]
    values = images.decode(
        file(pixels, ModalityLUTSequence=lut([0, 2048, 4095]), WindowCenter=2048, WindowWidth=4096), name="x"
    )
    assert (values.pixels.tolist(), values.facts.warnings) == ([[0, pytest.approx(2048 / 4095), 1]], ())


def test_presentation_lut() -> None:
    """Window 0..1 of 0, 0.5, 1 looked up in a table that turns 3 entries over."""
    pixels = np.array([[0, 1, 2]], dtype=np.uint16)
    look = {"WindowCenter": 1, "WindowWidth": 2, "VOILUTFunction": "LINEAR_EXACT"}
    table = lut([255, 51, 0], bits=8)
    found = images.decode(file(pixels, **look, PresentationLUTSequence=table), name="x").pixels
    assert found.tolist() == [[1, pytest.approx(0.2), 0]]


# Padding


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_count(photometric: str) -> None:
    pixels = np.array([[4000] * 50 + [10, 20, 30, 40]], dtype=np.uint16)
    found = images.decode(file(pixels, PixelPaddingValue=4000, PhotometricInterpretation=photometric), name="x")
    expected = [0, 1 / 3, 2 / 3, 1] if photometric == "MONOCHROME2" else [1, 2 / 3, 1 / 3, 0]
    assert found.pixels[0, 50:].tolist() == pytest.approx(expected)
    assert not found.pixels[0, :50].any()


def test_padding_range_and_sign() -> None:
    """-2000 as padding, written as 63536 (unsigned); the limit makes it a range down to -2010."""
    pixels = np.array([[-2000, -2005, -2010, 0, 100]], dtype=np.int16)
    padding = {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -2010}
    found = images.decode(file(pixels, **padding), name="x")
    assert found.pixels.tolist() == [[0, 0, 0, 0, 1]]
    content = file(pixels, syntax=ImplicitVRLittleEndian, **padding)
    assert images.decode(content, name="x").pixels.tolist() == [[0, 0, 0, 0, 1]]
    content = file(np.array([[63536, 0, 100]], dtype=np.uint16), PixelPaddingValue=63536)
    content = content.replace(b"\x28\0\x20\1US", b"\x28\0\x20\1SS")  # written as -2000 though pixels have no sign
    assert images.decode(content, name="x").pixels.tolist() == [[0, 0, 1]]


def test_nothing_but_padding_is_shown_as_it_is() -> None:
    found = images.decode(file(np.full((2, 2), 7, np.uint16), PixelPaddingValue=7, WindowCenter=5, WindowWidth=2), name="x")
    assert found.pixels.tolist() == [[1, 1], [1, 1]]


# Without a usable window


def test_percentiles_where_there_is_no_window() -> None:
    """1,000 pixels 0..999: 1 % do not exceed 9, 99 % do not exceed 989."""
    pixels = np.arange(1000, dtype=np.uint16).reshape(25, 40)
    found = images.decode(file(pixels), name="x")
    assert found.pixels.ravel()[[0, 9, 499, 989, 999]].tolist() == pytest.approx([0, 0, 0.5, 1, 1])
    assert found.facts.steps == ("window by percentiles: 1 % (9) black, 99 % (989) white",)


@pytest.mark.parametrize(
    "window",
    [
        {"WindowWidth": 100},
        {"WindowCenter": 100},
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100, "WindowWidth": -5},
        {"WindowCenter": 100, "WindowWidth": 0.5},
    ],
)
def test_unusable_window_falls_to_percentiles_with_a_notice(window: dict[str, float]) -> None:
    found = images.decode(file(**window), name="x")
    assert found.pixels.tolist() == images.decode(file(), name="x").pixels.tolist()
    assert "window cannot be used" in found.facts.warnings[0]


def test_window_beside_all_values_falls_to_percentiles_with_a_notice() -> None:
    found = images.decode(file(WindowCenter=-5000, WindowWidth=10), name="x")
    assert found.pixels.max() == 1
    assert found.pixels.min() == 0
    assert "shows nothing" in found.facts.warnings[0]


def test_unknown_function_and_zero_slope() -> None:
    found = images.decode(file(WindowCenter=200, WindowWidth=201, VOILUTFunction="CUBIC", RescaleSlope=0), name="x")
    assert np.round(found.pixels.astype(float), 6).tolist() == [[0, 0.0025, 0.5025], [1, 1, 1]]
    assert len(found.facts.warnings) == 2


def test_the_first_of_several_windows() -> None:
    found = images.decode(file(WindowCenter=[200, 2000], WindowWidth=[201, 4000]), name="x")
    assert found.facts.window == (200, 201)


def test_flat_image() -> None:
    found = images.decode(file(np.full((3, 3), 9, np.uint16)), name="x")
    assert not found.pixels.any()
    assert "one grey" in found.facts.warnings[0]


# Stored values


def test_overlay_bits_and_high_bit() -> None:
    """12 bits in bits 4..15 (HighBit 15), rubbish in the low 4; and 12 bits below overlays in the high 4."""
    values = np.array([[0, 1, 2048, 4095]], dtype=np.uint16)
    high = dicom.read(file(values << 4 | 0xA, BitsStored=12, HighBit=15), name="x").stored
    low = dicom.read(file(values | 0xA000, BitsStored=12, HighBit=11), name="x").stored
    assert high.tolist() == low.tolist() == values.tolist()


def test_sign_extension() -> None:
    """12-bit two's complement: 0xFFF is -1, 0x800 is -2048."""
    values = np.array([[0x000, 0x7FF, 0xFFF, 0x800]], dtype=np.uint16)
    stored = dicom.read(file(values, BitsStored=12, HighBit=11, PixelRepresentation=1), name="x").stored
    assert stored.tolist() == [[0, 2047, -1, -2048]]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_uncompressed(syntax: str, dtype: str) -> None:
    bounds = np.iinfo(dtype)
    values = np.array([[bounds.min, 0, 1], [2, 100, bounds.max]], dtype=dtype)
    if dtype[1] == "1" and syntax == ExplicitVRBigEndian:
        content = file(
            values, syntax, PixelData=np.frombuffer(values.tobytes(), "u2").byteswap().tobytes()
        )  # OW: 2 bytes a word
    else:
        content = file(values, syntax)
    found = images.decode(content, name="x")
    assert dicom.read(content, name="x").stored.tolist() == values.tolist()
    assert (found.facts.stored_min, found.facts.stored_max) == (bounds.min, bounds.max)
    assert found.pixels.dtype == np.float32
    assert found.pixels.flags.c_contiguous


def test_rle() -> None:
    header = pydicom.dcmread(io.BytesIO(file()))
    header.compress(RLELossless, encoding_plugin="pydicom")
    content = io.BytesIO()
    header.save_as(content)
    assert dicom.read(content.getvalue(), name="x").stored.tolist() == RAMP.tolist()


def test_jpeg_and_jpeg_2000() -> None:
    picture = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    jpeg = file(picture, JPEGBaseline8Bit, encapsulate([coded(picture, "JPEG", quality=95)]))
    assert np.abs(dicom.read(jpeg, name="x").stored.astype(int) - picture).max() <= 3
    for no_jp2 in (True, False):
        stream = coded(picture, "JPEG2000", no_jp2=no_jp2)
        found = dicom.read(file(picture, JPEG2000Lossless, encapsulate([stream])), name="x").stored
        assert found.tolist() == picture.tolist(), "also where a JP2 file is wrapped around the codestream"


def test_several_frames_give_the_first_and_a_notice() -> None:
    found = images.decode(file(NumberOfFrames=2, PixelData=RAMP.tobytes() * 2), name="x")
    assert found.pixels.shape == (2, 3)
    assert "2 images" in found.facts.warnings[0]
    one = coded(RAMP.astype(np.uint8), "JPEG2000")
    found = images.decode(
        file(RAMP.astype(np.uint8), JPEG2000Lossless, encapsulate([one, one, one]), NumberOfFrames=3), name="x"
    )
    assert "3 images" in found.facts.warnings[0]


def test_colour_becomes_grey() -> None:
    """0.299 red + 0.587 green + 0.114 blue; a window on colours is no reason to refuse (SC)."""
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    found = images.decode(file(pixels, WindowCenter=5, WindowWidth=10), name="x")
    assert found.pixels.tolist() == [pytest.approx([0.299, 0.587, 0.114, 1])]
    planes = file(pixels, PlanarConfiguration=1, PixelData=np.moveaxis(pixels, -1, 0).tobytes())
    assert images.decode(planes, name="x").pixels.tolist() == found.pixels.tolist()


def test_palette_becomes_grey() -> None:
    pixels = np.array([[0, 1, 2, 9]], dtype=np.uint8)
    tables = {}
    for colour, values in {"Red": [0, 255, 0], "Green": [0, 0, 255], "Blue": [0, 0, 0]}.items():
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [3, 0, 8]
        tables[f"{colour}PaletteColorLookupTableData"] = bytes([*values, 0])
    found = images.decode(file(pixels, PhotometricInterpretation="PALETTE COLOR", **tables), name="x").pixels
    assert found.tolist() == [pytest.approx([0, 0.299, 0.587, 0.587])]
    stored_in = tables | {f"{colour}PaletteColorLookupTableDescriptor": [3, 0, 16] for colour in ("Red", "Green", "Blue")}
    again = images.decode(file(pixels, PhotometricInterpretation="PALETTE COLOR", **stored_in), name="x")
    assert again.pixels.tolist() == found.tolist()
    assert again.facts.warnings == ("The palette states 16 bits but its values need 8, which is taken",)
    with pytest.raises(ImageError, match="palette"):
        images.decode(file(pixels, PhotometricInterpretation="PALETTE COLOR"), name="x")


# Facts


def test_facts() -> None:
    content = file(
        SpecificCharacterSet="ISO_IR 192",
        PatientID="P-1\u00e9 ",
        PatientSex="F",
        PatientAge="061Y",
        StudyInstanceUID="1.2.9",
        ViewPosition="pa",
        Laterality="L",
        BodyPartExamined="CHEST",
        Modality="DX",
        Manufacturer="ACME\\Second",
        PixelAspectRatio=[1, 2],
        BitsStored=12,
        HighBit=11,
    )
    facts = images.decode(content, name="x").facts
    assert (facts.patient, facts.sex, facts.age, facts.study) == ("P-1é", "F", 61.0, "1.2.9")
    assert (facts.view, facts.laterality, facts.body_part) == ("PA", "L", "CHEST")
    assert (facts.modality, facts.manufacturer) == ("DX", "ACME")
    assert (facts.format, facts.width, facts.height, facts.bits) == ("DICOM, explicit VR little endian", 6, 2, 12)
    assert facts.steps[-1] == "pixels made square: 3 x 2 to 6 x 2"


def test_nonsense_in_the_header_costs_only_itself() -> None:
    content = file(PatientAge="old", PixelAspectRatio=[1, 0], WindowCenter=200, WindowWidth=201)
    facts = images.decode(content, name="x").facts
    assert facts.age is None
    assert facts.window == (200, 201)


def test_no_preamble_no_meta() -> None:
    """Bare data sets of old archives begin with group 8 (or 2)."""
    content = file()
    start = content.index(b"\x08\x00\x16\x00UI")
    assert dicom.read(content[132:], name="x").stored.tolist() == RAMP.tolist()
    assert images.decode(content[start:], name="x").pixels.shape == (2, 3)


# Real files


@pytest.fixture(scope="session")
def manifest(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "dicom" / "manifest.csv").open(newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


def test_every_real_file_gives_its_stored_pixels_or_a_reason(manifest: list[dict[str, str]], shared_data: Path) -> None:
    """By digest; and the 12-bit JPEG, whose digest holds for another decoder, within one grey level."""
    refused, nearly = {}, {}
    for row in manifest:
        content = (shared_data / "dicom" / row["file"]).read_bytes()
        try:
            facts = images.decode(content, name=row["file"]).facts
        except ImageError as error:
            refused[row["file"]] = error.what
            continue
        if images.stored_digest(content, name="x") != row["px_sha1_frame0"]:
            nearly[row["file"]] = facts.warnings
        assert facts.stored_min == float(row["px_min"])
        assert abs(facts.stored_max - float(row["px_max"])) <= (row["file"] in nearly)
        assert facts.view == row["ViewPosition"]
    assert len(manifest) - len(refused) == 21
    assert list(nearly) == ["leg_RG3_mono1_10bit_jpeg_extended12.dcm"]
    assert "end of spectral selection is not 63" in nearly["leg_RG3_mono1_10bit_jpeg_extended12.dcm"][0]
    assert refused == {
        "chest_CR_mono1_12bit_nopixels_japanese_name.dcm": (
            "This DICOM file holds no pixels: Computed Radiography Image Storage"
        ),
        "sr_no_pixels.dcm": "This DICOM file holds no pixels: Basic Text SR Storage",
        "meta_missing_transfer_syntax.dcm": "This DICOM file does not state its Rows, Columns, BitsAllocated",
    }


def test_one_real_radiograph_in_six_encodings(manifest: list[dict[str, str]], shared_data: Path) -> None:
    """Lossless ones are the same; lossy ones stay near (root of the mean square, of 1023), the mean as in the manifest."""
    found = {}
    for row in manifest:
        if row["file"].startswith("leg_RG3"):
            stored = dicom.read((shared_data / "dicom" / row["file"]).read_bytes(), name="x").stored.astype(int)
            assert stored.mean() == pytest.approx(float(row["px_mean"]), abs=0.02)
            found[row["file"].removeprefix("leg_RG3_mono1_10bit_").removesuffix(".dcm")] = stored
    whole = found["explicitLE"]
    for name in ("rle", "jpegls"):
        np.testing.assert_array_equal(found[name], whole)
    for name in ("j2k_lossy", "jpeg_extended12"):
        assert 0 < np.sqrt(np.mean((found[name] - whole) ** 2)) < 2.5, name
        assert found[name].max() <= 1023


def test_real_chests_have_dark_air_and_a_bright_spine(shared_data: Path) -> None:
    """MONOCHROME1 and 2: lungs (left and right of the middle) are darker than the spine."""
    for name in ("CR_mono1_10bit_explicitLE", "RSNA_mono2_8bit_jpegbaseline", "CR_mono1_8bit_jpegbaseline_rescale"):
        pixels = images.read(shared_data / "dicom" / f"chest_{name}.dcm").pixels
        square = images.to_square(pixels, 64, "stretch").astype(float)
        lungs = (square[24:32, 16:22].mean() + square[24:32, 42:48].mean()) / 2
        assert lungs + 40 < square[24:40, 30:34].mean(), name


def test_threads_give_what_one_thread_gives(manifest: list[dict[str, str]], shared_data: Path) -> None:
    readable = [row["file"] for row in manifest if row["px_sha1_frame0"] and int(row["bytes"]) < 300_000]
    contents = [(shared_data / "dicom" / name).read_bytes() for name in readable] * 2

    def outcome(content: bytes) -> str:
        try:
            return files.digest(images.decode(content, name="x").pixels.tobytes())
        except ImageError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, contents)) == [outcome(content) for content in contents]
