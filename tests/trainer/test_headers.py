"""What a header says: day, view, length and shape of its pixels; nonsense says nothing."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from trainer import headers, images

from .dicom_files import file


def header(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"StudyDate": "20200331"}, "2020-03-31"),
        ({"StudyDate": "2020.03.31"}, "2020-03-31"),
        ({"StudyDate": "20200331", "AcquisitionDate": "20200401"}, "2020-03-31"),
        ({"StudyDate": "", "AcquisitionDate": "20200401", "ContentDate": "20200402"}, "2020-04-01"),
        ({"AcquisitionDateTime": "20200401123000.5"}, "2020-04-01"),
        ({"ContentDate": "21500229"}, ""),  # no leap year
        ({"ContentDate": "21520229"}, "2152-02-29"),  # moved into the future to hide the patient
        ({"StudyDate": "20201301"}, ""),
        ({"StudyDate": "20201301", "ContentDate": "20200402"}, "2020-04-02"),
        ({"StudyDate": "18000101"}, ""),  # before the first radiograph
        ({"StudyDate": "00000000"}, ""),
        ({"StudyDate": "yesterday"}, ""),
        ({}, ""),
    ],
)
def test_the_day_of_the_study(elements: dict[str, str], expected: str) -> None:
    assert headers.facts(header(**elements))["date"] == expected


@pytest.mark.parametrize(
    ("position", "code", "expected"),
    [
        ("pa", "399348003", "PA"),
        ("", "399348003", "AP"),
        ("", "R-10214", "PA"),
        ("", "399173006", "LL"),
        ("", "1", ""),
        ("", "", ""),
    ],
)
def test_the_view_is_known_by_its_code_where_nothing_else_says_it(position: str, code: str, expected: str) -> None:
    made = header(ViewPosition=position, ViewCodeSequence=Sequence([header(CodeValue=code)] if code else []))
    assert headers.facts(made)["view"] == expected


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"PatientOrientation": ["A", "F"]}, "LATERAL"),
        ({"PatientOrientation": ["p", "f"]}, "LATERAL"),
        ({"PatientOrientation": ["L", "F"]}, ""),
        ({"PatientOrientation": ["A", "R"]}, ""),  # seen from below: a slice
        ({"PatientOrientation": ["A", "F"], "ViewPosition": "PA"}, "PA"),
    ],
)
def test_a_lateral_view_by_how_the_patient_lies_in_the_picture(elements: dict[str, object], expected: str) -> None:
    assert headers.facts(header(**elements))["view"] == expected
    assert images.decode(file(**elements), name="x").facts.view == expected


@pytest.mark.parametrize(
    ("age", "years"),
    [("058Y", 58), ("006M", 0.5), ("026W", 0.5), ("073D", 0.2), (" 7y", 7), ("58", 58), ("Y", None), ("1234Y", None)],
)
def test_ages_in_years(age: str, years: float | None) -> None:
    assert headers.years(age) == years


def test_series_model_and_spacing() -> None:
    content = file(SeriesInstanceUID="1.2.8", ManufacturerModelName="DRX 1\\other", ImagerPixelSpacing=[0.14, 0.14])
    facts = images.decode(content, name="x").facts
    assert (facts.series, facts.model, facts.spacing) == ("1.2.8", "DRX 1", (0.14, 0.14))
    assert images.decode(file(), name="x").facts.spacing is None


@pytest.mark.parametrize(
    ("elements", "height", "width"),
    [
        ({}, 10, 20),
        ({"PixelSpacing": [0.2, 0.2]}, 10, 20),
        ({"PixelSpacing": [0.2, 0.1985]}, 10, 20),  # less than 1 %
        ({"PixelSpacing": [0.3, 0.2]}, 15, 20),
        ({"ImagerPixelSpacing": [0.2, 0.3]}, 10, 30),
        ({"PixelAspectRatio": [2, 1]}, 20, 20),
        ({"PixelAspectRatio": [2, 1], "PixelSpacing": [0.2, 0.2]}, 10, 20),  # a length says more than a ratio
        ({"PixelAspectRatio": [1, 0]}, 10, 20),
        ({"PixelAspectRatio": [0, 0]}, 10, 20),
        ({"PixelAspectRatio": [-2, 1]}, 10, 20),
        ({"PixelAspectRatio": [1, 11]}, 10, 20),  # no such pixels
        ({"PixelAspectRatio": ["x", 1]}, 10, 20),
    ],
)
def test_the_size_as_displayed(elements: dict[str, object], height: int, width: int) -> None:
    made = Dataset()
    for keyword, value in elements.items():
        made.add_new(keyword, "CS", value)
    assert headers.displayed(made, 10, 20) == (height, width)


def test_what_would_become_too_large_becomes_smaller() -> None:
    """9,000 x 9,000 pixels twice as high as wide would be 162 million; so pairs of columns become one. A strip likewise."""
    assert headers.displayed(header(PixelAspectRatio=["2", "1"]), 9000, 9000) == (9000, 4500)
    assert headers.displayed(header(PixelAspectRatio=["1", "2"]), 9000, 9000) == (4500, 9000)
    assert headers.displayed(header(PixelAspectRatio=["2", "1"]), 20000, 1) == (20000, 1)


def test_a_length_is_one_on_the_displayed_image() -> None:
    """Ten rows 0.3 mm apart become fifteen 0.2 mm apart."""
    found, measured = headers.spacing(header(PixelSpacing=[0.3, 0.2], Rows=10, Columns=20))
    assert found == pytest.approx((0.2, 0.2))
    assert measured == headers.STATED
    assert headers.stored_spacing(header(PixelSpacing=[0.3, 0.2], Rows=10, Columns=20))[0] == (0.3, 0.2)


def test_pixels_that_become_fewer_are_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for 8 pixels, two of four columns become one: the middle of 0, 1, 0, 1 is nowhere black nor white."""
    monkeypatch.setattr(headers, "MOST", 8)
    stored = np.array([[0, 400, 0, 400]] * 4, dtype=np.uint16)
    window = {"WindowCenter": 200, "WindowWidth": 400, "VOILUTFunction": "LINEAR_EXACT"}
    found = images.decode(file(stored, PixelAspectRatio=["2", "1"], **window), name="x")
    assert found.pixels.shape == (4, 2)
    assert 0.2 < found.pixels.min() <= found.pixels.max() < 0.8


def test_the_stored_digest_does_not_know_the_shape_of_pixels() -> None:
    square, tall = (images.stored_digest(file(PixelAspectRatio=[ratio, "1"]), name="x") for ratio in ("1", "2"))
    assert square == tall


def test_groups_of_the_first_frame_come_before_those_of_all_and_those_before_the_file() -> None:
    def group(slope: int) -> Dataset:
        return header(PixelValueTransformationSequence=Sequence([header(RescaleSlope=slope)]))

    shared, frames = Sequence([group(2)]), Sequence([group(3), group(4)])
    made = header(RescaleSlope=1)
    assert headers.number(made, "RescaleSlope") == 1
    made.SharedFunctionalGroupsSequence = shared
    assert headers.number(made, "RescaleSlope") == 2
    made.PerFrameFunctionalGroupsSequence = frames
    assert headers.number(made, "RescaleSlope") == 3
    made.PerFrameFunctionalGroupsSequence = Sequence([Dataset()])
    assert headers.number(made, "RescaleSlope") == 2
