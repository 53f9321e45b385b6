"""What a DICOM header says about a radiograph: facts for a person, and how its stored values become grey.

Nothing here refuses a file: what an element says is taken where it makes sense and left out, with a warning, where it does not.
"""

import logging
import re
import struct
import warnings
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pydicom.config
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

Floats = npt.NDArray[np.float64]

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
    "SpecificCharacterSet",
    *(
        "SOPClassUID",
        "Modality",
        "Manufacturer",
        "StudyInstanceUID",
        "PatientID",
        "PatientSex",
        "PatientAge",
        "BodyPartExamined",
        "BurnedInAnnotation",
    ),
    *("ViewPosition", "ImageLaterality", "Laterality", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("NumberOfFrames", "Rows", "Columns", "PixelAspectRatio", "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit"),
    *("PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "PixelIntensityRelationship"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction", "WindowCenter"),
    *("WindowWidth", "PresentationLUTSequence", "PresentationLUTShape", "RedPaletteColorLookupTableDescriptor"),
    *("GreenPaletteColorLookupTableDescriptor", "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData"),
    *("FloatPixelData", "DoubleFloatPixelData", "PixelData"),
]


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
    `photometric` is DICOM's word, or Pillow's mode; `window` is (centre, width) as used;
    `age` in years; `burned_in` is YES where text in the picture may name the patient; `stored_min` and `stored_max` before
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
    sex: str = ""
    age: float | None = None
    body_part: str = ""
    modality: str = ""
    manufacturer: str = ""
    burned_in: str = ""
    stored_min: float = 0.0
    stored_max: float = 0.0
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Window:
    """A window on the modality values: `function` is LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2)."""

    centre: float
    width: float
    function: str


@dataclass
class Notes:
    """What is learned while a file is read: the steps taken to its grey values, warnings, in words, and the window used."""

    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    window: Window | None = None


@dataclass(frozen=True, eq=False)
class Lut:
    """A lookup table: `values` float64 [entries]; the first belongs to the level `first`; output range 0 to 2^bits - 1."""

    values: Floats
    first: int
    bits: int

    @property
    def top(self) -> int:
        """The largest value that the output range holds."""
        return int(2**self.bits - 1)

    def __call__(self, levels: Floats) -> Floats:
        """Look levels up, in float64; below the table its first value is taken, beyond it its last (PS3.3 C.11.1.1.1)."""
        index = np.clip(np.rint(levels) - self.first, 0, self.values.size - 1)
        found: Floats = self.values[index.astype(np.intp)]
        return found


def fewest_bits(highest: float) -> int:
    """Return the smallest of 8, 10, 12, 14, 16 and 32 bits that holds a value of 0 or more."""
    return next((bits for bits in (8, 10, 12, 14, 16) if highest < 2**bits), 32)


def value(header: Dataset, keyword: str) -> Any:  # noqa: ANN401 - whatever the element holds
    """Return an element's value, or None where it is absent, empty or not to be made sense of."""
    try:
        found = header.get(keyword)
        return None if found is None or found == "" else found
    except REFUSALS:
        return None


def _first(found: Any) -> Any:  # noqa: ANN401 - one value or several
    return found[0] if isinstance(found, MultiValue | list | tuple) else found


def number(header: Dataset, keyword: str) -> float | None:
    """Return the first of an element's values as a finite float, or None."""
    found = value(header, keyword)
    try:
        result = float(_first(found))
    except REFUSALS:
        return None
    return result if np.isfinite(result) else None


def text(header: Dataset, keyword: str) -> str:
    """Return the first of an element's values as one line of text, or ""."""
    found = value(header, keyword)
    try:
        first = _first(found)
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
        "view": text(header, "ViewPosition").upper(),
        "laterality": (text(header, "ImageLaterality") or text(header, "Laterality")).upper(),
        "patient": text(header, "PatientID"),
        "study": text(header, "StudyInstanceUID"),
        "sex": text(header, "PatientSex").upper(),
        "age": years(text(header, "PatientAge")),
        "body_part": text(header, "BodyPartExamined").upper(),
        "modality": text(header, "Modality").upper(),
        "manufacturer": text(header, "Manufacturer"),
        "burned_in": text(header, "BurnedInAnnotation").upper(),
    }


@dataclass(frozen=True, eq=False)
class Look:
    """How stored values become grey values, in this order (PS3.4 N.2).

    `padding`: stored values from..to that are no image; `modality` or else `rescale` (slope, intercept); `voi` or else
    `window` or else percentiles; `presentation`; `inverted`: the reason why the lowest value is white, or "".
    """

    padding: tuple[float, float] | None = None
    rescale: tuple[float, float] = (1.0, 0.0)
    modality: Lut | None = None
    voi: Lut | None = None
    window: Window | None = None
    presentation: Lut | None = None
    inverted: str = ""


def look(header: Dataset, *, bits: int, signed: bool, notes: Notes) -> Look:
    """Read the look of a header whose stored values have `bits` allocated bits and a sign or none."""
    modality = _lut(header, "ModalityLUTSequence", signed=signed, notes=notes)
    if modality and _for_intensity_only(header):
        notes.steps.append("Modality LUT left out: here it leads back to X-ray intensity and is not for display")
        modality = None
    rescale = (1.0, 0.0) if modality else _rescale(header, notes)
    negative = not modality and (signed or rescale[0] < 0 or rescale[1] < 0)
    return Look(
        padding=_padding(header, bits, signed),
        rescale=rescale,
        modality=modality,
        voi=_lut(header, "VOILUTSequence", signed=negative, notes=notes),
        window=_window(header, notes),
        presentation=_lut(header, "PresentationLUTSequence", signed=False, notes=notes),
        inverted=_inverted(header),
    )


def _for_intensity_only(header: Dataset) -> bool:
    """Angiography and fluoroscopy store a Modality LUT that is not part of the display (PS3.3 C.8.7.1.1.2, PS3.4 N.2.1.2)."""
    fluoroscopy = ("1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2")
    return text(header, "SOPClassUID") in fluoroscopy and text(header, "PixelIntensityRelationship").upper() in ("LOG", "DISP")


def _inverted(header: Dataset) -> str:
    """Say why low values are white. Files "for presentation" state it twice (PS3.3 C.8.11.3.1.2); it is one."""
    if text(header, "PhotometricInterpretation").upper() == "MONOCHROME1":
        return "MONOCHROME1"
    return "presentation LUT shape INVERSE" if text(header, "PresentationLUTShape").upper() == "INVERSE" else ""


def _rescale(header: Dataset, notes: Notes) -> tuple[float, float]:
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope == 0:
        notes.warnings.append("The rescale slope is 0 and is left out")
        return 1.0, 0.0
    return 1.0 if slope is None else slope, intercept or 0.0


def _window(header: Dataset, notes: Notes) -> Window | None:
    """Return the first window, or None with a warning where there is one that cannot be used."""
    if value(header, "WindowCenter") is None and value(header, "WindowWidth") is None:
        return None
    centre, width = number(header, "WindowCenter"), number(header, "WindowWidth")
    function = text(header, "VOILUTFunction").upper().replace(" ", "_") or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        notes.warnings.append(f"The window function {function} is unknown: LINEAR is taken")
        function = "LINEAR"
    if centre is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        notes.warnings.append("The window cannot be used: its centre or width is missing or out of range")
        return None
    return Window(centre, width, function)


def _padding(header: Dataset, bits: int, signed: bool) -> tuple[float, float] | None:
    """Return the range of padding; a value written with the other sign than the pixels means the same bits."""
    first = number(header, "PixelPaddingValue")
    if first is None:
        return None
    last = number(header, "PixelPaddingRangeLimit")
    ends = [_with_sign(end, bits, signed) for end in (first, first if last is None else last)]
    return min(ends), max(ends)


def _with_sign(number: float, bits: int, signed: bool) -> float:
    span = float(2**bits)
    if signed and number >= span / 2:
        return number - span
    return number + span if number < 0 and not signed else number


def _lut(header: Dataset, keyword: str, *, signed: bool, notes: Notes) -> Lut | None:
    """Return the first table of a sequence, or None, with a warning where there is one that cannot be used."""
    sequence = value(header, keyword)
    if sequence is None:
        return None
    try:
        return _table(sequence[0].LUTDescriptor, sequence[0].LUTData, header, keyword, signed=signed, notes=notes)
    except REFUSALS:
        notes.warnings.append(f"The {keyword} cannot be used: it is empty or damaged")
        return None


def palette(header: Dataset, *, signed: bool, notes: Notes) -> tuple[Lut, Lut, Lut] | None:
    """Return the tables for red, green and blue of PALETTE COLOR (PS3.3 C.7.9), or None where they cannot be used."""
    try:
        red, green, blue = (
            _table(
                header[f"{colour}PaletteColorLookupTableDescriptor"].value,
                header[f"{colour}PaletteColorLookupTableData"].value,
                header,
                f"{colour.lower()} palette",
                signed=signed,
                notes=notes,
            )
            for colour in ("Red", "Green", "Blue")
        )
    except REFUSALS:
        return None
    return red, green, blue


def _table(descriptor: Any, data: Any, header: Dataset, name: str, *, signed: bool, notes: Notes) -> Lut:  # noqa: ANN401
    """Read one lookup table (PS3.3 C.11.1.1). Raises one of `REFUSALS`."""
    entries, first, bits = (int(part) for part in descriptor)
    values = _entries(data, (entries & 0xFFFF) or 65536, little=header.original_encoding[1] is not False)
    if not 8 <= bits <= 16 or values.max() >= 2**bits:
        needed = fewest_bits(float(values.max()))
        notes.warnings.append(f"The {name} states {bits} bits but its values need {needed}, which is taken")
        bits = needed
    return Lut(values, int(_with_sign(first, 16, signed)), bits)


def _entries(data: Any, entries: int, *, little: bool) -> Floats:  # noqa: ANN401 - bytes (OW), one or several integers (US)
    """Return table entries float64 [entries]: 16 bits each, or 8 bits packed. Raises `ValueError` where there are too few."""
    order = "<" if little else ">"
    if isinstance(data, int):
        data = [data]
    if not isinstance(data, bytes):
        data = (np.asarray(list(data), dtype=np.int64) & 0xFFFF).astype(f"{order}u2").tobytes()
    kind = f"{order}u2" if len(data) >= 2 * entries else "u1"
    if len(data) < entries:
        raise ValueError("too few entries")
    return np.frombuffer(data, dtype=kind, count=entries).astype(np.float64)


def not_square(header: Dataset) -> list[str]:
    """Return a warning where pixels are not square, in words."""
    for keyword in ("PixelAspectRatio", "PixelSpacing"):
        found = value(header, keyword)
        try:
            vertical, horizontal = (float(part) for part in found)
            ratio = vertical / horizontal
        except REFUSALS:
            continue
        if np.isfinite(ratio) and ratio > 0 and abs(ratio - 1) > 0.01:
            return [f"Pixels are not square ({vertical:g} high, {horizontal:g} wide): shown as stored"]
    return []
