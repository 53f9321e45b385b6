"""How stored values become grey values as a DICOM header says it: padding, modality, presentation, and every window it offers.

Nothing here refuses a file: what cannot be used is left out, with a warning.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from trainer.grey import WINDOWS, Floats, Look, Lut, Notes, Window, fewest_bits, plain
from trainer.headers import REFUSALS, item, number, several, text, value

PERCENTILES = -1
"""In place of the number of a look: the percentiles, whatever the file offers."""

MOST = 32
"""Tables and windows of one file that are offered; a damaged header may state thousands."""

LONGEST = 48
"""Characters of an explanation that are shown."""


@dataclass(frozen=True, eq=False)
class Offer:
    """One way in which a file may be shown: a VOI LUT or a window, and its name for a person."""

    name: str
    means: Lut | Window


def look(header: Dataset, *, bits: int, signed: bool, notes: Notes, choice: int = 0) -> Look:
    """Read the look of a header whose stored values have `bits` allocated bits and a sign or none.

    `choice` is the place in `names` of the table or window that is used, 0 where there is none such, or `PERCENTILES`.
    """
    modality, rescale = _to_modality(header, signed, notes)
    offers = _offers(header, signed=_goes_below_zero(modality, rescale, signed), notes=notes)
    if text(header, "PresentationIntentType").upper() == "FOR PROCESSING":
        notes.warnings.append("The file holds raw values of the detector (for processing): it is not meant to be looked at")
    offer = None if choice == PERCENTILES or not offers else offers[choice if 0 <= choice < len(offers) else 0].means
    return Look(
        padding=_padding(header, bits, signed),
        rescale=rescale,
        modality=modality,
        voi=offer if isinstance(offer, Lut) else None,
        window=offer if isinstance(offer, Window) else None,
        presentation=_first_table(header, "PresentationLUTSequence", signed=False, notes=notes),
        inverted=_inverted(header),
    )


def names(header: Dataset, *, signed: bool) -> tuple[str, ...]:
    """Return what the tables and windows that a file offers are called, in the order of `look`; none for colours.

    Tables stand first: where a file has both, the standard leaves the choice to the viewer (PS3.3 C.11.2.1), and a table is
    the finer one.
    """
    if (number(header, "SamplesPerPixel") or 1) > 1 or text(header, "PhotometricInterpretation").upper() == "PALETTE COLOR":
        return ()
    modality, rescale = _to_modality(header, signed, Notes())
    offers = _offers(header, signed=_goes_below_zero(modality, rescale, signed), notes=Notes())
    return tuple(offer.name for offer in offers)


def _to_modality(header: Dataset, signed: bool, notes: Notes) -> tuple[Lut | None, tuple[float, float]]:
    """Return the table from stored to modality values, or None and slope and intercept."""
    modality = _first_table(header, "ModalityLUTSequence", signed=signed, notes=notes)
    if modality and _for_intensity_only(header):
        notes.steps.append("Modality LUT left out: here it leads back to X-ray intensity and is not for display")
        modality = None
    return modality, (1.0, 0.0) if modality else _rescale(header, notes)


def _goes_below_zero(modality: Lut | None, rescale: tuple[float, float], signed: bool) -> bool:
    """Tell how the first value of a VOI LUT is written: signed where modality values may be negative (PS3.3 C.11.2.1.1)."""
    return modality is None and (signed or rescale[0] < 0 or rescale[1] < 0)


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


def _offers(header: Dataset, *, signed: bool, notes: Notes) -> list[Offer]:
    """Return the VOI LUTs and windows that can be used, with a warning for each that cannot."""
    tables = _tables(header, "VOILUTSequence", signed=signed, notes=notes)
    found = [
        Offer(f"{name} (VOI LUT)" if name else f"VOI LUT {place + 1}", table) for place, (name, table) in enumerate(tables)
    ]
    windows = dict.fromkeys(_windows(header, notes))
    for explained, window in windows:
        words = f"centre {plain(window.centre)}, width {plain(window.width)}"
        found.append(Offer(f"{explained}: {words}" if explained else f"window: {words}", window))
    return found[:MOST]


def _windows(header: Dataset, notes: Notes) -> list[tuple[str, Window]]:
    """Return the windows that can be used, each with its explanation or ""."""
    stated = max(len(several(header, "WindowCenter")), len(several(header, "WindowWidth")))
    if not stated:
        return []
    function = text(header, "VOILUTFunction").upper().replace(" ", "_") or "LINEAR"
    if function not in WINDOWS:
        notes.warnings.append(f"The window function {function} is unknown: LINEAR is taken")
        function = "LINEAR"
    found = []
    for place in range(min(stated, MOST)):
        centre, width = number(header, "WindowCenter", place), number(header, "WindowWidth", place)
        if centre is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
            which = "The window" if stated == 1 else f"Window {place + 1}"
            notes.warnings.append(f"{which} cannot be used: its centre or width is missing or out of range")
            continue
        explained = text(header, "WindowCenterWidthExplanation", place)[:LONGEST]
        found.append((explained, Window(centre, width, function)))
    return found


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


def _first_table(header: Dataset, keyword: str, *, signed: bool, notes: Notes) -> Lut | None:
    tables = _tables(header, keyword, signed=signed, notes=notes, most=1)
    return tables[0][1] if tables else None


def _tables(header: Dataset, keyword: str, *, signed: bool, notes: Notes, most: int = MOST) -> list[tuple[str, Lut]]:
    """Return the tables of a sequence, each with its explanation or "", with a warning for each that cannot be used."""
    sequence = value(header, keyword)
    if sequence is None:
        return []
    found = []
    for place in range(min(len(sequence), most) or 1):
        table = item(header, keyword, place)
        try:
            if table is None:
                raise ValueError("no item")
            lut = _table(table.LUTDescriptor, table.LUTData, header, keyword, signed=signed, notes=notes)
            if keyword != "ModalityLUTSequence":  # what that gives are values, not a share of a range
                (lut,) = _filled((lut,), keyword, notes)
        except REFUSALS:
            which = f"item {place + 1} of the {keyword}" if len(sequence) > 1 and most > 1 else f"The {keyword}"
            notes.warnings.append(f"{which[0].upper()}{which[1:]} cannot be used: it is empty or damaged")
            continue
        found.append((text(table, "LUTExplanation")[:LONGEST], lut))
    return found


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
    red, green, blue = _filled((red, green, blue), "palette", notes)
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


def _filled(tables: tuple[Lut, ...], name: str, notes: Notes) -> tuple[Lut, ...]:
    """Tables of one range that reach its upper part; where they stay below a quarter, its bits are not those that are meant.

    Some writers state the bits that an entry is stored in. By these the image would be next to black.
    """
    stated, needed = max(table.bits for table in tables), fewest_bits(max(float(table.values.max()) for table in tables))
    if needed + 2 > stated:
        return tables
    notes.warnings.append(f"The {name} states {stated} bits but its values need {needed}, which is taken")
    return tuple(replace(table, bits=needed) for table in tables)


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
