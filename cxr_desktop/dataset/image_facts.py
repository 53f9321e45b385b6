"""What is known of an image, or of many, as names and values for a person."""

from collections.abc import Mapping
from typing import Any

from trainer.records import GONE, Record, Selection

UNKNOWN = "unknown"
MOST = 6
"""Values of one fact that are listed for many images."""


def of_one(record: Record, said: Mapping[str, Any], part: str, split: str) -> list[tuple[str, str]]:
    """Facts of one image: what the catalog holds and what its file `said` of itself when it was imported."""
    pixels = f"{record.width:,} × {record.height:,} pixels" + (f", {said['bits']} bits" if said.get("bits") else "")
    rows = [
        ("File", str(record.path)),
        ("Size", pixels),
        ("Format", said.get("format", "")),
        ("Photometric", said.get("photometric", "")),
        ("Window", _window(said.get("window"))),
        ("Windows offered", "; ".join(said.get("looks", ())) if len(said.get("looks", ())) > 1 else ""),
        ("Pixel", _spacing(said.get("spacing"))),
        ("Patient", record.patient or UNKNOWN),
        ("Study", record.study),
        ("Series", said.get("series", "")),
        ("Date", said.get("date", "")),
        ("View", record.view or UNKNOWN),
        ("Sex", record.sex or UNKNOWN),
        ("Age", _years(record.age)),
        ("Body part", said.get("body_part", "")),
        ("Source", record.source or UNKNOWN),
        ("Part", f"{part or 'none'} (split {split})" if split else "no split yet"),
        ("Given part", record.part_given),
        ("Device", " ".join(filter(None, (said.get(key, "") for key in ("modality", "manufacturer", "model"))))),
        ("Flags", ", ".join(record.flags)),
        ("Excluded", "yes" if record.excluded else ""),
        ("Digest", record.digest[:12]),
    ]
    return [(name, value) for name, value in rows if value]


def warnings_of(record: Record, said: Mapping[str, Any]) -> list[str]:
    """What is odd about an image, in sentences."""
    told = [str(text) for text in said.get("warnings", ())]
    if GONE in record.flags:
        told.insert(0, "The file was not there any more at the last import")
    if str(said.get("burned_in", "")).upper() == "YES":
        told.append("The file says that text in the picture may name the patient")
    return told


def of_many(selection: Selection, split: str) -> list[tuple[str, str]]:
    """What many images have in common: the most frequent values of each fact with their numbers."""
    patients = f"{selection.patients:,}"
    if selection.patient_unknown:
        patients += f", unknown for {selection.patient_unknown:,} images"
    ages = f"{selection.age[0]:g} to {selection.age[1]:g} years" if selection.age else UNKNOWN
    if selection.age and selection.age_unknown:
        ages += f", unknown for {selection.age_unknown:,}"
    rows = [
        ("Images", f"{selection.images:,}"),
        ("Patients", patients),
        ("View", _values(selection.values["view"])),
        ("Sex", _values(selection.values["sex"])),
        ("Age", ages),
        ("Source", _values(selection.values["source"])),
        (f"Part in {split}" if split else "Part", _values(selection.values["part"], "none") if split else "no split yet"),
        ("Given part", _values(selection.values["part_given"], "none") if set(selection.values["part_given"]) != {""} else ""),
        ("Flags", _values(selection.flags)),
        ("Excluded", f"{selection.excluded:,}" if selection.excluded else ""),
    ]
    return [(name, value) for name, value in rows if value]


def _values(found: Mapping[str, int], nothing: str = UNKNOWN) -> str:
    named = [f"{value or nothing} {count:,}" for value, count in list(found.items())[:MOST]]
    more = len(found) - MOST
    return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")


def _window(window: Any) -> str:  # noqa: ANN401 - from JSON
    return f"centre {window[0]:g}, width {window[1]:g}" if isinstance(window, list | tuple) and len(window) == 2 else ""


def _spacing(spacing: Any) -> str:  # noqa: ANN401 - from JSON
    """One length in mm: pixels are square as they are displayed."""
    return f"{spacing[0]:.3g} mm" if isinstance(spacing, list | tuple) and len(spacing) == 2 else ""


def _years(age: float | None) -> str:
    if age is None:
        return UNKNOWN
    return f"{age:g} years" if age >= 2 else f"{12 * age:.3g} months"
