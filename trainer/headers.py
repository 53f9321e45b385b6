"""What a DICOM header says about a radiograph: its elements, whatever their state, facts for a person, and the shape of pixels.

Nothing here refuses a file: what an element says is taken where it makes sense and left out, where it does not. In a file of
several frames (PS3.3 C.7.6.16) an element that a functional group of the first frame holds is read from there.
"""

import logging
import math
import re
import struct
import warnings
import zlib
from dataclasses import dataclass
from datetime import date
from typing import Any

import pydicom
import pydicom.config
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

REFUSALS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # with NotImplementedError and RecursionError
    TypeError,
    UserWarning,  # where the whole process treats warnings as errors
    ValueError,  # with UnicodeError and pydicom's own
    struct.error,
    zlib.error,
    pydicom.errors.BytesLengthException,
    pydicom.errors.InvalidDicomError,
)
"""What pydicom and its decoders raise on damaged files (collected by fuzzing). Only calls into them stand in such a `try`."""

TAGS: list[str] = [
    *("SpecificCharacterSet", "SOPClassUID", "Modality", "Manufacturer", "ManufacturerModelName", "StudyDate", "ContentDate"),
    *("AcquisitionDate", "AcquisitionDateTime", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "PatientSex"),
    *("PatientAge", "StudyDescription", "SeriesDescription", "ProtocolName", "ConversionType"),
    *("BodyPartExamined", "BurnedInAnnotation", "ViewPosition", "ViewCodeSequence", "PatientOrientation", "ImageLaterality"),
    *("Laterality", "PresentationIntentType", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("NumberOfFrames", "Rows", "Columns", "PixelAspectRatio", "PixelSpacing", "PixelSpacingCalibrationType"),
    *("ImagerPixelSpacing", "NominalScannedPixelSpacing", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "PixelIntensityRelationship", "RescaleSlope", "RescaleIntercept"),
    *("ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction", "WindowCenter", "WindowWidth"),
    *("WindowCenterWidthExplanation", "PresentationLUTSequence", "PresentationLUTShape", "SharedFunctionalGroupsSequence"),
    *("PerFrameFunctionalGroupsSequence", "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor"),
    *("BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData"),
    *("BluePaletteColorLookupTableData", "FloatPixelData", "DoubleFloatPixelData", "PixelData"),
]
"""What is read of a file whose pixels are wanted; with all frames' groups, the largest is still far below the pixels."""

MACROS = {
    "WindowCenter": "FrameVOILUTSequence",
    "WindowWidth": "FrameVOILUTSequence",
    "WindowCenterWidthExplanation": "FrameVOILUTSequence",
    "VOILUTFunction": "FrameVOILUTSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "ImagerPixelSpacing": "FramePixelDataPropertiesSequence",
    "PixelIntensityRelationship": "FramePixelDataPropertiesSequence",
}
"""Elements that a functional group may hold, by its macro (PS3.3 C.7.6.16.2)."""

VIEWS = {
    "PA": ("272479007", "R-10214", "R-40888"),
    "AP": ("399348003", "R-10206"),
    "LL": ("399173006", "R-10236"),
    "RL": ("399198007", "R-10232"),
    "LATERAL": ("399067008", "R-102CD"),
}
"""View -> its codes in SNOMED CT and in the SNOMED RT of older files (PS3.16 CID 4010, DX View)."""

ROENTGEN = 1895
"""A date before the first radiograph is a placeholder."""

SQUARE = 0.01
"""Pixels whose sides differ by no more than this share are square."""

LONGEST, MOST = 30_000, 40_000_000
"""Side and number of pixels up to which not square pixels are made square by more pixels; beyond, by fewer."""


def quieten(package: str) -> None:
    """Silence what a library says beside its result, once and for the whole process.

    `warnings.catch_warnings` around each call would swap a list that all threads share, and images are decoded by many.
    """
    for category in (UserWarning, RuntimeWarning):
        warnings.filterwarnings("ignore", category=category, module=rf"{package}(\.|$)")
    logging.getLogger(package).setLevel(logging.CRITICAL)


quieten("pydicom")
# A value that breaks the rules of its representation is still the best there is; what matters is checked here.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


@dataclass(frozen=True)
class Facts:
    """What an image file says about itself; "" or None where it says nothing.

    `width` and `height` in pixels as displayed; `bits` per stored value and channel;
    `photometric` is DICOM's word, or Pillow's mode; `window` is (centre, width) as used, `looks` are the names of the lookup
    tables and windows that the file offers, the first being the one that is used; `spacing` is (vertical, horizontal) in mm
    between the pixels as displayed; `date` of the study as 2020-03-31;
    `age` in years; `burned_in` is YES where text in the picture may name the patient; `sop_class` is DICOM's number for the
    kind of object, and `described` what study, series and protocol are called; `stored_min` and `stored_max` before
    any step; `steps` taken to the grey values and `warnings`, in words.
    """

    format: str
    width: int
    height: int
    bits: int
    photometric: str
    window: tuple[float, float] | None = None
    view: str = ""
    laterality: str = ""
    patient: str = ""
    study: str = ""
    series: str = ""
    date: str = ""
    sex: str = ""
    age: float | None = None
    body_part: str = ""
    modality: str = ""
    manufacturer: str = ""
    model: str = ""
    burned_in: str = ""
    sop_class: str = ""
    described: str = ""
    spacing: tuple[float, float] | None = None
    looks: tuple[str, ...] = ()
    stored_min: float = 0.0
    stored_max: float = 0.0
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def value(header: Dataset, keyword: str) -> Any:  # noqa: ANN401 - whatever the element holds
    """Return an element's value, or None where it is absent, empty or not to be made sense of."""
    if keyword in MACROS and ("PerFrameFunctionalGroupsSequence" in header or "SharedFunctionalGroupsSequence" in header):
        found = _of_first_frame(header, keyword)
        if found is not None:
            return found
    return _own(header, keyword)


def _own(header: Dataset, keyword: str) -> Any:  # noqa: ANN401 - whatever the element holds
    try:
        found = header.get(keyword)
        return None if found is None or found == "" else found
    except REFUSALS:
        return None


def _of_first_frame(header: Dataset, keyword: str) -> Any:  # noqa: ANN401 - whatever the element holds
    """Look an element up in the groups of the first frame, then in those that all frames share (PS3.3 C.7.6.16.1.1)."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        macro = item(item(header, groups), MACROS[keyword])
        found = None if macro is None else _own(macro, keyword)
        if found is not None:
            return found
    return None


def item(header: Dataset | None, keyword: str, index: int = 0) -> Dataset | None:
    """Return one item of a sequence, or None where there is no such item."""
    found = [] if header is None else _own(header, keyword)
    try:
        return found[index] if found and isinstance(found[index], Dataset) else None
    except REFUSALS:
        return None


def number(header: Dataset, keyword: str, index: int = 0) -> float | None:
    """Return one of an element's values, the first if not asked otherwise, as a finite float, or None."""
    try:
        result = float(several(header, keyword)[index])
    except REFUSALS:
        return None
    return result if math.isfinite(result) else None


def several(header: Dataset, keyword: str) -> list[Any]:
    """Return all of an element's values; one value is a list of one, none is []."""
    found = value(header, keyword)
    if found is None:
        return []
    return list(found) if isinstance(found, MultiValue | list | tuple) else [found]


def text(header: Dataset, keyword: str, index: int = 0) -> str:
    """Return one of an element's values, the first if not asked otherwise, as one line of text, or ""."""
    try:
        first = several(header, keyword)[index]
        return "" if first is None else " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", str(first)).split())
    except REFUSALS:
        return ""


def years(age: str) -> float | None:
    """Read an age string ("058Y", "011M", "003W", "010D", or a bare number of years) as years."""
    match = re.fullmatch(r"(\d{1,3})([DWMY]?)", age.strip().upper())
    if not match:
        return None
    return round(int(match[1]) / {"D": 365.25, "W": 52.18, "M": 12, "Y": 1, "": 1}[match[2]], 2)


def facts(header: Dataset) -> dict[str, Any]:
    """Return what `Facts` takes from the header alone, by field name."""
    return {
        "view": text(header, "ViewPosition").upper() or _view(header) or _view_by_position(header),
        "laterality": (text(header, "ImageLaterality") or text(header, "Laterality")).upper(),
        "patient": text(header, "PatientID"),
        "study": text(header, "StudyInstanceUID"),
        "series": text(header, "SeriesInstanceUID"),
        "date": _date(header),
        "sex": text(header, "PatientSex").upper(),
        "age": years(text(header, "PatientAge")),
        "body_part": text(header, "BodyPartExamined").upper(),
        "modality": text(header, "Modality").upper(),
        "manufacturer": text(header, "Manufacturer"),
        "model": text(header, "ManufacturerModelName"),
        "burned_in": text(header, "BurnedInAnnotation").upper(),
        "sop_class": text(header, "SOPClassUID"),
        "described": _described(header),
        "spacing": spacing(header)[0],
    }


def _described(header: Dataset) -> str:
    """What study, series and protocol are called, and whether it is a scanned document (PS3.3 C.8.6.1)."""
    names = [text(header, keyword) for keyword in ("StudyDescription", "SeriesDescription", "ProtocolName")]
    scanned = "scanned document" if text(header, "ConversionType").upper() == "SD" else ""
    return "; ".join(dict.fromkeys(name for name in (*names, scanned) if name))


def _view(header: Dataset) -> str:
    """The view by its code: where the code stands, ViewPosition may be left out (PS3.3 C.8.11.5)."""
    code = item(header, "ViewCodeSequence")
    value_of = "" if code is None else text(code, "CodeValue")
    return next((view for view, codes in VIEWS.items() if value_of in codes), "")


def _view_by_position(header: Dataset) -> str:
    """LATERAL where rows lead to the patient's front or back and columns to the feet (PS3.3 C.7.6.1.1.1); else nothing."""
    row, column = (text(header, "PatientOrientation", place).upper() for place in (0, 1))
    return "LATERAL" if row in ("A", "P") and column in ("F", "H") else ""


def _date(header: Dataset) -> str:
    """The day of the study, or else of the acquisition or the content, as 2020-03-31; "" where none of them can be."""
    for keyword in ("StudyDate", "AcquisitionDate", "AcquisitionDateTime", "ContentDate"):
        match = re.match(r"(\d{4})([.-]?)(\d\d)\2(\d\d)", text(header, keyword))  # with dots before 1993
        try:
            found = date(int(match[1]), int(match[3]), int(match[4])) if match else None
        except ValueError:
            continue
        if found and found.year >= ROENTGEN:
            return found.isoformat()
    return ""


AT_DETECTOR, CALIBRATED, STATED = "at the detector", "calibrated", "as the file states"
"""Where a length in mm holds: in front of the detector the patient is smaller than on it."""


def spacing(header: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Distances of the pixel centres as displayed (vertical, horizontal) in mm, and where they hold (PS3.3 10.7.1.3)."""
    found, measured = stored_spacing(header)
    rows, columns = number(header, "Rows"), number(header, "Columns")
    if found is None or not rows or not columns:
        return found, measured
    high, wide = displayed(header, int(rows), int(columns))
    if (high, wide) == (rows, columns):
        return found, measured
    return (found[0] * rows / high, found[1] * columns / wide), measured


def stored_spacing(header: Dataset) -> tuple[tuple[float, float] | None, str]:
    """As `spacing`, between the pixels as they are stored."""
    plain, imager = _lengths(header, "PixelSpacing"), _lengths(header, "ImagerPixelSpacing")
    if plain and text(header, "PixelSpacingCalibrationType"):
        return plain, CALIBRATED
    if plain and plain != imager:
        return plain, STATED if imager is None else CALIBRATED
    if imager:
        return imager, AT_DETECTOR
    scanned = _lengths(header, "NominalScannedPixelSpacing")
    return scanned, STATED if scanned else ""


def _lengths(header: Dataset, keyword: str) -> tuple[float, float] | None:
    """Two lengths in mm that a radiograph can have: 1 micrometre to 10 mm."""
    pair = _pair(header, keyword)
    return pair if pair and all(0.001 <= length <= 10 for length in pair) else None


def _pair(header: Dataset, keyword: str) -> tuple[float, float] | None:
    found = value(header, keyword)
    try:
        vertical, horizontal = (float(part) for part in found)
    except REFUSALS:
        return None
    return (vertical, horizontal) if math.isfinite(vertical) and math.isfinite(horizontal) else None


def displayed(header: Dataset, rows: int, columns: int) -> tuple[int, int]:
    """Return height and width of the image once its pixels are square.

    The shape of a pixel is that of its spacing in mm, or else PixelAspectRatio (vertical to horizontal), which stands only
    where there is no spacing (PS3.3 C.7.6.3.1.7). The longer side of a pixel is divided, so that nothing is lost, as far as
    `LONGEST` and `MOST` allow; else neighbours along its shorter side become one. A shape beyond 1 to 10 is an error.
    """
    vertical, horizontal = stored_spacing(header)[0] or _pair(header, "PixelAspectRatio") or (1.0, 1.0)
    if not (vertical > 0 and horizontal > 0) or not 0.1 <= (ratio := vertical / horizontal) <= 10 or abs(ratio - 1) <= SQUARE:
        return rows, columns
    more = (round(rows * ratio), columns) if ratio > 1 else (rows, round(columns / ratio))
    if math.prod(more) <= MOST and max(more) <= LONGEST:
        return more
    return (rows, max(1, round(columns / ratio))) if ratio > 1 else (max(1, round(rows * ratio)), columns)
