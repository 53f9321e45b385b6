"""Which side of a radiograph is which side of the patient, and how long a pixel is, as far as a DICOM header says it.

Nothing is guessed here. A file that is not DICOM, or says nothing, or nonsense, has no bearings.
"""

from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from trainer import dicom
from trainer.headers import AT_DETECTOR, CALIBRATED, REFUSALS, STATED, spacing, value

__all__ = ["AT_DETECTOR", "CALIBRATED", "STATED", "Bearings", "of_header", "read"]

_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
_TAGS = [
    *("PatientOrientation", "Rows", "Columns", "PixelAspectRatio", "PixelSpacing", "PixelSpacingCalibrationType"),
    *("ImagerPixelSpacing", "NominalScannedPixelSpacing", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
]
_START = 4096
"""Bytes in which a file says what it is."""


@dataclass(frozen=True)
class Bearings:
    """`left`, `right`, `top`, `bottom`: the side of the patient that lies there, one to three of the letters LRAPHF, or "".

    L and R are the patient's left and right, A anterior, P posterior, H head, F foot (PS3.3 C.7.6.1.1.1). `spacing` is the
    (vertical, horizontal) distance of pixel centres as displayed in mm, or None; `measured` says in words where that length
    holds: in front of the detector the patient is smaller than on it.
    """

    left: str = ""
    right: str = ""
    top: str = ""
    bottom: str = ""
    spacing: tuple[float, float] | None = None
    measured: str = ""


def read(path: Path) -> Bearings:
    """What a file says. One that cannot be read says nothing: reading its pixels (first, please) will tell why."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
            if not dicom.is_dicom(start) or DeflatedExplicitVRLittleEndian.encode() in start:
                return Bearings()  # pydicom would inflate a deflated file without a limit
            file.seek(0)
            return of_header(pydicom.dcmread(file, force=True, stop_before_pixels=True, specific_tags=_TAGS))
    except REFUSALS:
        return Bearings()


def of_header(header: Dataset) -> Bearings:
    """What a header says."""
    right, bottom = _directions(header)
    return Bearings(_opposite(right), right, _opposite(bottom), bottom, *spacing(header))


def _directions(header: Dataset) -> tuple[str, str]:
    """Where the rows and the columns lead to; both or neither, and never along the same axis."""
    found = value(header, "PatientOrientation")
    try:
        row, column = (str(part).strip().upper() for part in found)
    except REFUSALS:
        return "", ""
    sensible = all(0 < len(part) <= 3 and set(part) <= set(_OPPOSITE) for part in (row, column))
    if not sensible or row[0] in (column[0], _OPPOSITE[column[0]]):
        return "", ""
    return row, column


def _opposite(direction: str) -> str:
    return "".join(_OPPOSITE[letter] for letter in direction)
