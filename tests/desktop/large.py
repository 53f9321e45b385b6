"""A project of many images that are not there: what the dataset page shows without opening a file."""

from pathlib import Path

import numpy as np

from trainer.catalog import Catalog, Entry, Split

FINDINGS = ("COVID-19", "Normal", "Pneumonia")


def make(folder: Path, count: int) -> Path:
    """`count` images: three findings, four images a patient, two views, a split."""
    rows = [
        Entry(
            path=f"{number % 7}/{number:06d}.png", digest=f"{number:040x}", bytes=1_000, modified=1_000 + number, width=1024,
            height=900, patient=f"p{number // 4:05d}", view=("PA", "AP", "")[number % 3], sex="FM"[number % 2],
            age=float(number % 90), source="made up", labels={name: int(k == number % 3) for k, name in enumerate(FINDINGS)},
        )
        for number in range(count)
    ]  # fmt: skip
    project = folder / "large.cxr"
    with Catalog.create(project) as catalog:
        catalog.store(folder / "source", rows, findings=FINDINGS)
        train, test = np.split(catalog.ids(order="id"), [count * 7 // 10])
        catalog.save_split(Split("s", {"train": train, "test": test}, 1, "", 0, None, ""))
    return project
