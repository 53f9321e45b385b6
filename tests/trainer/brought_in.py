"""A made dataset after its import, as a test looks at it: what stands in the catalog of each image, and what was told."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from trainer import importer, plans
from trainer.catalog import NO, YES, Catalog
from trainer.importer import Imported
from trainer.labelling import Asked, Labelling

from .folder_makers import MAKERS, VARIANTS
from .layout_makers import Maker


@dataclass(frozen=True)
class Image:
    """What the catalog holds of one image; `masks` are pairs of kind and path from the dataset's folder."""

    labels: Mapping[str, int]
    patient: str
    study: str
    view: str
    sex: str
    age: float | None
    source: str
    part: str
    masks: tuple[tuple[str, str], ...]

    @property
    def yes(self) -> set[str]:
        return {name for name, answer in self.labels.items() if answer == YES}

    @property
    def no(self) -> set[str]:
        return {name for name, answer in self.labels.items() if answer == NO}


@dataclass(frozen=True)
class BroughtIn:
    """A dataset after its import: images by path from its folder, refusals by path, all warnings as one text."""

    folder: Path
    said: Labelling
    result: Imported
    images: Mapping[str, Image]
    refused: Mapping[str, str]

    def __getitem__(self, name: str) -> Image:
        """The only image whose path ends so, or whose file name begins so."""
        found = [image for path, image in self.images.items() if path.endswith(name) or PurePosixPath(path).stem == name]
        assert len(found) == 1, f"{name}: {sorted(self.images)}"
        return found[0]

    @property
    def told(self) -> str:
        return " | ".join(self.result.warnings)

    def answers(self) -> dict[str, Mapping[str, int]]:
        """Labels by path."""
        return {path: image.labels for path, image in self.images.items()}


def bring_in(place: Path, maker: Maker, asked: Asked | None = None) -> BroughtIn:
    """Make a dataset in a new folder of `place` and import it into a new project."""
    folder = maker(place / "unpacked")
    return imported(folder, place / "p.cxr", asked)


def imported(folder: Path, project: Path, asked: Asked | None = None) -> BroughtIn:
    """Import a folder, by itself or as asked, and read what became of it."""
    said = plans.planned(project, [folder], asked or Asked())[0].said
    result = importer.carried_out(project, [folder], asked) if asked else importer.run(project, [folder])
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        masks = catalog.masks(ids)
        images = {}
        for path, record in zip(catalog.column(ids, "path"), catalog.records(ids), strict=True):
            beside = tuple((kind, mask.relative_to(folder).as_posix()) for kind, mask in masks.get(record.id, ()))
            images[path] = Image(
                record.labels,
                record.patient,
                record.study,
                record.view,
                record.sex,
                record.age,
                record.source,
                record.part_given,
                tuple(sorted(beside)),
            )
    return BroughtIn(folder, said, result, images, {refused.path: refused.why for refused in result.refused})


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], BroughtIn]]:
    """Any of the made datasets by its key or the name of its variant, imported once for all tests of a file."""
    known: dict[str, BroughtIn] = {}

    def one(name: str) -> BroughtIn:
        if name not in known:
            maker = MAKERS.get(name) or VARIANTS[name][1]
            known[name] = bring_in(tmp_path_factory.mktemp("dataset"), maker)
        return known[name]

    yield one
    known.clear()
