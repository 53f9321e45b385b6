"""What the open project says of a file under review: its labels, and whether a model has learned from it. Called in a job."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from trainer import bags, lookup
from trainer.catalog import Catalog
from trainer.errors import TrainerError
from trainer.records import Record
from trainer.runs import Run

_PARTS = {
    "train": "{name} was trained with this image: what it says of it shows nothing about new images.",
    "validation": "This image is in the validation part of {name}.",
    "test": "This image is in the test part of {name}.",
}
_OF_SEVERAL = {
    "train": "{which} networks were trained with this image: what they say of it shows nothing about new images.",
    "validation": "This image is in the validation part of {which} networks.",
    "test": "This image is in the test part of {which} networks.",
}
_NAMED = 3
"""Networks that are named one by one where they differ; of more it says how many they are."""


def stated(catalog: Catalog, path: Path, models: Sequence[Path]) -> str:
    """The stated labels of an imported file, and its part in each model that is a run of this project; "" if it is unknown."""
    record = lookup.record(catalog, path)
    if record is None:
        return ""
    try:
        lookup.content(record.path, record.digest)
    except TrainerError as error:
        return f"{error.what}. {error.remedy}"
    runs = [Run(one) for one in _networks(models) if one.is_dir() and Run(one).project == catalog.project]
    return "\n".join([labels(record), *_parts([(run.name, lookup.part(run, record.id)) for run in runs])])


def _networks(models: Sequence[Path]) -> list[Path]:
    """Models, and for a bag its members; one whose files are gone since it was opened has none."""
    found = []
    for model in models:
        with contextlib.suppress(TrainerError):
            found += bags.networks(model) if bags.is_bag(model) else [model]
    return found


def _parts(of: Sequence[tuple[str, str]]) -> list[str]:
    """In which part of each network (name, part) an image is, in words: one by one, or counted where they are many or alike."""
    if len(of) <= _NAMED and (len(of) == 1 or len({part for _, part in of}) > 1):
        return [_PARTS[part].format(name=name) for name, part in of if part in _PARTS]
    counts = {part: sum(its == part for _, its in of) for part in _PARTS}
    each = {part: f"all {len(of)}" if count == len(of) else f"{count} of {len(of)}" for part, count in counts.items() if count}
    found = [_OF_SEVERAL[part].format(which=which) for part, which in each.items()]
    return [text[:1].upper() + text[1:] for text in found]


def labels(record: Record) -> str:
    """The stated labels in words."""
    yes = [name for name, answer in record.labels.items() if answer == 1]
    no = [name for name, answer in record.labels.items() if answer == 0]
    if not yes and not no:
        return "No finding is stated."
    lines = [f"Stated: {', '.join(yes)}." if yes else "Stated: none of the findings asked about."]
    if no:
        lines.append(f"Stated to be absent: {', '.join(no)}.")
    return "\n".join(lines)
