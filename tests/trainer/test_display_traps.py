"""How a DICOM radiograph comes to its grey values, step by step, and every known trap on the way.

The first part follows the steps of a display in their order (PS3.4 N.2, PS3.3 C.7.6.3, C.11.1, C.11.2, C.11.6); the second has
one test for each case that the usual library is known to get wrong or to refuse. Every value is worked out by hand beside it.
"""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from trainer import images

from .dicom_files import RAMP, file, lut

EXACT = {"WindowCenter": 200, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"}
"""0 is black and 400 white: 0, 100, 200, 300, 400, 4095 are shown 0, 1/4, 1/2, 3/4, 1, 1."""


def image(pixels: np.ndarray = RAMP, **elements: object) -> images.Image:
    return images.decode(file(pixels, **elements), name="x")


def grey(pixels: np.ndarray = RAMP, **elements: object) -> list[list[float]]:
    return np.round(image(pixels, **elements).pixels.astype(float), 6).tolist()


def item(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def steps(**elements: object) -> str:
    return "; ".join(image(**elements).facts.steps)


# 1. Stored values: masked to BitsStored, with their sign


def test_step_1_stored_values_are_masked_and_signed() -> None:
    """12 of 16 bits: 0xF800 keeps 0x800, which is -2048 with a sign and 2048 without; 0x07FF is 2047, 0x0000 is 0."""
    stored = np.array([[0xF800, 0x07FF, 0]], dtype=np.uint16)
    facts = image(stored, BitsStored=12, HighBit=11, PixelRepresentation=1).facts
    assert (facts.stored_min, facts.stored_max) == (-2048, 2047)
    facts = image(stored, BitsStored=12, HighBit=11).facts
    assert (facts.stored_min, facts.stored_max) == (0, 2048)


# 2. Padding: found among stored values, no part of statistics, black after all


def test_step_2_padding_is_found_before_the_rescale() -> None:
    """4095 is padding although it is 3095 after the intercept; the rest is -1000..-600, which the window shows 0 to 1."""
    look = {"RescaleSlope": 1, "RescaleIntercept": -1000, "WindowCenter": -800, "WindowWidth": 400}
    assert grey(**look, VOILUTFunction="LINEAR_EXACT", PixelPaddingValue=4095) == [[0, 0.25, 0.5], [0.75, 1, 0]]


def test_step_2_padding_does_not_move_the_percentiles() -> None:
    """Of 4, 5, 6, 7 and four times 1000: 1 % is 4 and 99 % is 7, so 4 is 0, 5 is 1/3, 6 is 2/3, 7 is 1, and 1000 black."""
    stored = np.array([[4, 5, 6, 7], [1000] * 4], dtype=np.uint16)
    assert grey(stored, PixelPaddingValue=1000) == [[0, 0.333333, 0.666667, 1], [0] * 4]


def test_step_2_padding_of_a_white_ground_is_black_after_the_inversion() -> None:
    """MONOCHROME1 pads with its largest value, which it shows black; a range of padding counts as a whole."""
    look = {**EXACT, "PhotometricInterpretation": "MONOCHROME1"}
    assert grey(**look, PixelPaddingValue=4095) == [[1, 0.75, 0.5], [0.25, 0, 0]]
    assert grey(**look, PixelPaddingValue=0) == [[0, 0.75, 0.5], [0.25, 0, 0]]
    assert grey(**look, PixelPaddingValue=100, PixelPaddingRangeLimit=0) == [[0, 0, 0.5], [0.25, 0, 0]]


# 3. Modality: its lookup table, else slope and intercept


def test_step_3_the_modality_lut_stands_in_place_of_the_rescale() -> None:
    """Table 0 -> 40, 1 -> 120, 2 and beyond -> 200; slope 100 is left out. Window 0..400: 0.1, 0.3, 0.5."""
    table = lut([40, 120, 200])
    assert grey(np.array([[0, 1, 9]], dtype=np.uint16), ModalityLUTSequence=table, RescaleSlope=100, **EXACT) == [
        [0.1, 0.3, 0.5]
    ]


# 4. VOI: a lookup table or a window; every one of them is offered


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        # LINEAR, also where none is stated: (x - 199.5) / 399 + 0.5, so -199.5 / 399, -99.5 / 399 and 0.5 / 399, each + 0.5
        ("LINEAR", [[0, 0.250627], [0.501253, 1]]),
        (None, [[0, 0.250627], [0.501253, 1]]),
        # (x - 200) / 400 + 0.5
        ("LINEAR_EXACT", [[0, 0.25], [0.5, 1]]),
        # 1 / (1 + exp(-4 (x - 200) / 400)) with the exponents 2, 1, 0 and -2
        ("SIGMOID", [[0.119203, 0.268941], [0.5, 0.880797]]),
    ],
)
def test_step_4_the_three_window_functions(function: str | None, expected: list[list[float]]) -> None:
    look = {"WindowCenter": 200, "WindowWidth": 400} | ({"VOILUTFunction": function} if function else {})
    assert grey(np.array([[0, 100], [200, 400]], dtype=np.uint16), **look) == expected


@pytest.mark.parametrize("vr", ["US", "OW"])
def test_step_4_table_data_of_either_representation(vr: str) -> None:
    """Entries 0, 1000, 4095 of 12 bits, as numbers or as bytes: 0, 1000 / 4095, 1."""
    table = lut([0, 1000, 4095], bits=12)
    if vr == "OW":
        del table[0].LUTData
        table[0].add_new("LUTData", "OW", np.array([0, 1000, 4095], dtype="<u2").tobytes())
    assert grey(np.array([[0, 1, 2]], dtype=np.uint16), VOILUTSequence=table) == [[0, round(1000 / 4095, 6), 1]]


def test_step_4_every_table_and_window_is_offered_and_the_first_is_used() -> None:
    """Table 0 -> 255, 1 -> 0 of 8 bits; windows 0..400 and 0..200 of LINEAR_EXACT: 100 is 1/4 in one, 1/2 in the other."""
    look = {"WindowCenter": [200, 100], "WindowWidth": [400, 200], "WindowCenterWidthExplanation": ["LUNG", "BONE"]}
    content = file(VOILUTSequence=lut([255, 0], bits=8), **look, VOILUTFunction="LINEAR_EXACT")
    shown = [images.decode(content, name="x", look=choice) for choice in (0, 1, 2)]
    assert shown[0].facts.looks == ("VOI LUT 1", "LUNG: centre 200, width 400", "BONE: centre 100, width 200")
    assert [round(float(one.pixels[0, 1]), 6) for one in shown] == [0, 0.25, 0.5]
    assert [one.facts.window for one in shown] == [None, (200, 400), (100, 200)]


# 5. Nothing stated: percentiles


def test_step_5_percentiles_where_the_file_states_nothing() -> None:
    """Of 0, 100, ... 400, 4095 each stands for a sixth: 1 % is 0 and 99 % is 4095; 100 / 4095 is 0.02442."""
    assert grey()[0] == [0, 0.02442, 0.04884]
    assert "window by percentiles: 1 % (0) black, 99 % (4095) white" in steps()


# 6. and 7. Presentation and the one inversion


def test_step_6_a_presentation_lut_comes_after_the_window() -> None:
    """Three entries 0, 255, 0 of 8 bits: 0, 1/2 and 1 of the window become 0, 1 and 0; 1/4 and 3/4 round to even, 0 and 1."""
    assert grey(**EXACT, PresentationLUTSequence=lut([0, 255, 0], bits=8)) == [[0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME2", None, False),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),  # a file "for presentation" says the same twice
        ("MONOCHROME1", "IDENTITY", True),
    ],
)
def test_step_7_inverted_exactly_once_and_after_the_window(photometric: str, shape: str | None, inverted: bool) -> None:
    """Window 0..400 shows 0, 1/4, 1/2, 3/4, 1, 1; turned over 1, 3/4, 1/2, 1/4, 0, 0. Before it, nearly all would be white."""
    look = EXACT | {"PhotometricInterpretation": photometric} | ({"PresentationLUTShape": shape} if shape else {})
    assert grey(**look) == ([[1, 0.75, 0.5], [0.25, 0, 0]] if inverted else [[0, 0.25, 0.5], [0.75, 1, 1]])
    assert steps(**look).count("inverted") == int(inverted)


def test_step_7_the_inversion_does_not_depend_on_the_brightest_pixel() -> None:
    """100 and 200 of 0..400 are 1/4 and 1/2; turned over 3/4 and 1/2, not 1/4 and 0."""
    stored = np.array([[100, 200]], dtype=np.uint16)
    assert grey(stored, **EXACT, PresentationLUTShape="INVERSE") == [[0.75, 0.5]]


# 8. The theoretical range, and square pixels


def test_step_8_the_range_is_that_of_the_window_not_of_the_pixels() -> None:
    """100 and 200 in a window of 0..400 are 1/4 and 1/2, not black and white; a 10-bit table of 0..512 reaches 512/1023."""
    stored = np.array([[100, 200]], dtype=np.uint16)
    assert grey(stored, **EXACT) == [[0.25, 0.5]]
    assert grey(stored, VOILUTSequence=lut([256, 512], first=100, bits=10)) == [[round(256 / 1023, 6), round(512 / 1023, 6)]]


def test_step_8_pixels_that_are_not_square_become_square() -> None:
    """0.2 mm high, 0.1 mm wide: twice as many rows, with centres at -1/4 (held at 0), 1/4, 3/4, 5/4 (held at 1) of the old."""
    found = image(np.array([[0, 400], [400, 0]], dtype=np.uint16), **EXACT, PixelSpacing=[0.2, 0.1])
    assert np.round(found.pixels, 6).tolist() == [[0, 1], [0.25, 0.75], [0.75, 0.25], [1, 0]]
    assert (found.facts.width, found.facts.height, found.facts.spacing) == (2, 4, (0.1, 0.1))
    assert "pixels made square: 2 x 2 to 2 x 4" in found.facts.steps


# The traps


def test_trap_voi_lut_of_4096_entries_with_8_bit_output() -> None:
    """Entry i is i // 16: 256 -> 16, 1000 -> 62, 4095 -> 255. Indices cut to 8 bits would give 0 and 14."""
    stored = np.array([[256, 1000, 4095]], dtype=np.uint16)
    table = lut([value // 16 for value in range(4096)], bits=8)
    assert grey(stored, VOILUTSequence=table) == [[round(16 / 255, 6), round(62 / 255, 6), 1]]


def test_trap_modality_lut_of_12_bits_an_entry() -> None:
    """Entry i is 4095 - i; LINEAR, centre 2048, width 4096 is 0..4095, so 0 -> 1, 4095 -> 0, 1000 -> 3095 / 4095."""
    stored = np.array([[0, 1000, 4095]], dtype=np.uint16)
    table = lut([4095 - value for value in range(4096)], bits=12)
    assert grey(stored, ModalityLUTSequence=table, WindowCenter=2048, WindowWidth=4096) == [[1, round(3095 / 4095, 6), 0]]


def test_trap_rescale_by_1_and_0_before_a_voi_lut() -> None:
    """It changes nothing: 0 -> 10, 1 -> 20, 2 -> 30 of 255; nor does a slope of 0.5, as 2 * 0.5 is entry 1."""
    stored, table = np.array([[0, 1, 2]], dtype=np.uint16), lut([10, 20, 30], bits=8)
    expected = [[round(10 / 255, 6), round(20 / 255, 6), round(30 / 255, 6)]]
    assert grey(stored, VOILUTSequence=table) == expected
    assert grey(stored, VOILUTSequence=table, RescaleSlope=1, RescaleIntercept=0) == expected
    assert grey(stored, VOILUTSequence=table, RescaleSlope="0.5")[0][2] == round(20 / 255, 6)


def test_trap_negative_slope_with_a_window() -> None:
    """400 - x: 400, 300, 200, 100, 0, -3695 through 0..400. Polarity is that of the modality values: 0 is white, 400 black."""
    assert grey(RescaleSlope=-1, RescaleIntercept=400, **EXACT) == [[1, 0.75, 0.5], [0.25, 0, 0]]


@pytest.mark.parametrize(
    "window",
    [{"WindowWidth": 400}, {"WindowCenter": 200}, {"WindowCenter": 200, "WindowWidth": 0}],
    ids=["width without centre", "centre without width", "width 0"],
)
def test_trap_windows_that_cannot_be_used(window: dict[str, object]) -> None:
    """Percentiles stand in, with a notice; nothing is refused."""
    found = image(**window)
    assert np.array_equal(found.pixels, image().pixels)
    assert "window cannot be used" in found.facts.warnings[0]
    assert found.facts.looks == ()


def test_trap_window_on_colours() -> None:
    """0.299 red, 0.587 green, 0.114 blue of full scale; a window in the file is of no meaning there, and none is offered."""
    stored = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    found = image(stored, **EXACT)
    assert np.round(found.pixels.astype(float), 6).tolist() == [[0.299, 0.587, 0.114]]
    assert (found.facts.window, found.facts.looks) == (None, ())


def test_trap_monochrome1_is_nobody_elses_business() -> None:
    """Without any window too: of 0 to 4095 the smallest is white, and 100 is 1 - 100 / 4095."""
    assert grey(PhotometricInterpretation="MONOCHROME1")[0] == [1, round(1 - 100 / 4095, 6), round(1 - 200 / 4095, 6)]


def test_trap_functional_groups_of_several_frames() -> None:
    """Frame 0 is 0..4095 as RAMP, frame 1 is not shown. All share x * 2 + 10, and each frame has its window.

    Frame 0 through 10..410 of LINEAR_EXACT: 0 -> 10 -> 0, 100 -> 210 -> 1/2, 200 -> 410 -> 1. Pixels 0.3 x 0.3 mm.
    """
    windows = [item(WindowCenter=210, WindowWidth=400, VOILUTFunction="LINEAR_EXACT"), item(WindowCenter=1, WindowWidth=2)]
    shared = item(
        PixelValueTransformationSequence=Sequence([item(RescaleSlope=2, RescaleIntercept=10)]),
        PixelMeasuresSequence=Sequence([item(PixelSpacing=[0.3, 0.3])]),
    )
    found = image(
        PixelData=RAMP.tobytes() + bytes(RAMP.nbytes),
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence([item(FrameVOILUTSequence=Sequence([window])) for window in windows]),
    )
    assert np.round(found.pixels, 6).tolist() == [[0, 0.5, 1], [1, 1, 1]]
    assert (found.facts.window, found.facts.spacing) == ((210, 400), (0.3, 0.3))
    assert found.facts.warnings == ("There are 2 images in the file: the first is taken",)
