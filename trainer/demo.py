"""The verbs of the main job in a row, on a drawn dataset: draw, import, split, train, evaluate, explain, report."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from trainer import console, devices, evaluate, explain, importer, phantom, predict, recipes, report, split, train
from trainer import images as image_files
from trainer.catalog import Catalog, Filter
from trainer.errors import DataError, Progress
from trainer.loop import Listener

FINDINGS = ("Normal", "COVID-19", "Lobar pneumonia", "Tuberculosis")
IMAGES = 600
SIZE = 192
EXPLAINED = 4


@dataclass(frozen=True)
class Demo:
    """What the demo left behind, and how good it became; figures are nan where not defined."""

    project: Path
    run: Path
    report: Path
    heatmaps: Path
    validation_macro_f1: float
    test_macro_f1: float
    pointing_game: float
    pointed: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Values for json; paths as text."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    def words(self) -> list[str]:
        """The outcome for a person."""
        return [
            f"Macro F1 on validation {self.validation_macro_f1:.3f}, on test {self.test_macro_f1:.3f}; real images are harder.",
            f"The heat map's peak lies inside the drawn lesion in {self.pointing_game:.0%} of {self.pointed} test images.",
            f"Report: {console.near(self.report)}",
            f"Heat maps: {console.near(self.heatmaps)}",
            f"Project: {console.near(self.project)}",
        ]


def run(
    out: Path,
    *,
    images: int = 0,
    progress: Progress | None = None,
    listener: Listener = lambda event: None,
    say: Callable[[str], None] | None = None,
) -> Demo:
    """Do the whole main job in `out`: OUT/drawn (radiographs and masks) and OUT/demo.cxr (the project).

    `say` is told each step in words. An earlier demo in `out` is refused, not overwritten. Raises `DataError` and what
    the verbs raise.
    """
    tell = say or (lambda text: None)
    drawn, project = out / "drawn", out / "demo.cxr"
    if drawn.exists() or project.exists():
        raise DataError("There is a demo already", where=out, remedy="Delete that folder or name another: cxr-trainer demo OUT")
    start = time.monotonic()
    tell(f"Drawing {images or IMAGES} radiographs with {', '.join(FINDINGS)} ...")
    phantom.run(drawn, images=images or IMAGES, findings=FINDINGS, size=SIZE, progress=progress)
    tell("Importing them and splitting them by patient ...")
    importer.run(project, [drawn], progress=progress)
    with Catalog.open(project) as catalog:
        split.run(catalog, test=0.2, val=0.15, seed=1)
    tell("Training a small network from random weights ...")
    recipe = recipes.load("scratch")
    outcome = train.run(project, recipe.settings, name="demo", recipe=recipe.name, progress=progress, listener=listener)
    tell("Judging it on the validation and, once, on the test part ...")
    on_validation = evaluate.run(outcome.run, on="val", progress=progress)
    on_test = evaluate.run(outcome.run, on="test", progress=progress)
    tell("Looking where it looked ...")
    hits, pointed = _pointing_game(outcome.run, project, drawn)
    _explain_some(outcome.run, project, progress)
    return Demo(
        project=project,
        run=outcome.run,
        report=report.run(outcome.run, progress=progress),
        heatmaps=outcome.run / "heatmaps",
        validation_macro_f1=on_validation.metrics["macro_f1"].value,
        test_macro_f1=on_test.metrics["macro_f1"].value,
        pointing_game=hits / pointed if pointed else math.nan,
        pointed=pointed,
        seconds=round(time.monotonic() - start, 1),
    )


def _pointing_game(run: Path, project: Path, drawn: Path) -> tuple[int, int]:
    """How often the maximum of the heat map lies inside the drawn lesion, over the abnormal test images (Zhang et al. 2016)."""
    member = predict.member(run, devices.choose("auto"))
    hits = tried = 0
    with Catalog.open(project) as catalog:
        for record in catalog.records(catalog.ids(Filter(part="test"))):
            for finding in (name for name, value in record.labels.items() if value == 1 and name != phantom.NORMAL):
                mask = image_files.read(drawn / "masks" / finding / f"{record.path.stem}.png").pixels > 0
                image = image_files.read(record.path)
                square = image_files.to_square(image.pixels, member.header.size, member.header.fit)
                found = explain.heatmap(
                    member.classifier, torch.from_numpy(square[None, None]), member.header.findings, finding
                )
                values = explain.upsampled(found, mask.shape, member.header.fit)
                hits += bool(values.max() > 0 and mask.flat[int(values.argmax())])
                tried += 1
    return hits, tried


def _explain_some(run: Path, project: Path, progress: Progress | None) -> None:
    """Overlays of some test images of each finding, into the run's own folder."""
    with Catalog.open(project) as catalog:
        for finding in FINDINGS[1:]:
            chosen = catalog.ids(Filter(part="test", findings={finding: 1}))[:EXPLAINED]
            paths = [record.path for record in catalog.records(chosen)]
            if paths:
                explain.run(run, paths, run / "heatmaps", finding=finding, progress=progress)
