"""What the open project says of a file under review: its labels, and whether a model has learned from it. Called in a job."""

from collections.abc import Sequence
from pathlib import Path

from trainer import lookup
from trainer.catalog import Catalog
from trainer.errors import TrainerError
from trainer.records import Record
from trainer.runs import Run

_PARTS = {
    "train": "{name} was trained with this image: what it says of it shows nothing about new images.",
    "validation": "This image is in the validation part of {name}.",
    "test": "This image is in the test part of {name}.",
}


def stated(catalog: Catalog, path: Path, models: Sequence[Path]) -> str:
    """The stated labels of an imported file, and its part in each model that is a run of this project; "" if it is unknown."""
    record = lookup.record(catalog, path)
    if record is None:
        return ""
    try:
        lookup.content(record.path, record.digest)
    except TrainerError as error:
        return f"{error.what}. {error.remedy}"
    runs = [Run(model) for model in models if model.is_dir() and Run(model).project == catalog.project]
    parts = [(run.name, lookup.part(run, record.id)) for run in runs]
    lines = [labels(record), *(_PARTS[part].format(name=name) for name, part in parts if part in _PARTS)]
    return "\n".join(lines)


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
