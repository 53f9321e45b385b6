"""What radiograph files say of themselves, and what becomes of them on their way to grey values, file by file."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer import images, picks, suitability
from trainer.errors import ImageError, Progress
from trainer.images import Facts

NAMES = {
    "format": "Format",
    "photometric": "Photometric",
    "window": "Window used",
    "looks": "Windows offered",
    "spacing": "Pixel",
    "view": "View",
    "laterality": "Laterality",
    "patient": "Patient",
    "sex": "Sex",
    "age": "Age",
    "study": "Study",
    "series": "Series",
    "date": "Date",
    "body_part": "Body part",
    "modality": "Modality",
    "manufacturer": "Manufacturer",
    "model": "Model",
    "burned_in": "Burned-in text",
}
"""What a person reads, in this order; sizes, ranges, steps and warnings are put together in `Inspected.rows`."""


@dataclass(frozen=True)
class Inspected:
    """One file. Where it cannot be read, `error` says why and there is nothing else.

    `digest` is the SHA-1 of the stored values of the first frame (see `images.stored_digest`), `displayed` the smallest and
    the largest grey value, 0 (black) to 1 (white), and `doubts` what speaks against a frontal chest radiograph, in sentences.
    """

    path: Path
    facts: Facts | None = None
    digest: str = ""
    displayed: tuple[float, float] = (0.0, 0.0)
    error: str = ""
    doubts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything, by the names of `Facts`."""
        if self.facts is None:
            return {"path": str(self.path), "error": self.error}
        low, high = self.displayed
        return {
            "path": str(self.path),
            **asdict(self.facts),
            "digest": self.digest,
            "displayed_min": low,
            "displayed_max": high,
            "doubts": list(self.doubts),
        }

    def rows(self) -> list[tuple[str, str]]:
        """What there is to say, as names and values for a person."""
        facts = self.facts
        if facts is None:
            return [("Not read", self.error)]
        said = asdict(facts)
        found = [
            ("Size", f"{facts.width} x {facts.height} pixels, {facts.bits} bits"),
            *((name, _in_words(key, said[key])) for key, name in NAMES.items()),
            ("Stored values", f"{facts.stored_min:g} to {facts.stored_max:g}, SHA-1 {self.digest}"),
            ("Displayed", f"{self.displayed[0]:.3f} to {self.displayed[1]:.3f} of 0 (black) to 1 (white)"),
            *(("To grey", step) for step in facts.steps),
            *(("Note", warning) for warning in facts.warnings),
            *(("Beware", doubt) for doubt in self.doubts),
        ]
        return [(name, value) for name, value in found if value]


def run(paths: Sequence[Path], progress: Progress | None = None) -> Iterator[Inspected]:
    """Inspect files, and all images of folders, one by one. Raises `DataError` if something is missing or a folder is empty."""
    todo = picks.expanded(paths)
    for number, path in enumerate(todo, 1):
        yield of(path)
        if progress:
            progress(number, len(todo))


def of(path: Path) -> Inspected:
    """Inspect one file."""
    try:
        content = images.content_of(path)
        image = images.decode(content, name=str(path))
        digest = images.stored_digest(content, name=str(path))
    except ImageError as error:
        return Inspected(path, error=f"{error.what}. {error.remedy}".strip())
    doubts = suitability.doubts(image.facts, pixels=image.pixels)
    return Inspected(path, image.facts, digest, (float(image.pixels.min()), float(image.pixels.max())), doubts=doubts)


def _in_words(key: str, value: Any) -> str:  # noqa: ANN401 - any of the facts
    if not value and value != 0:
        return ""
    if key == "window":
        return f"centre {value[0]:g}, width {value[1]:g}"
    if key == "spacing":
        return f"{value[0]:.4g} x {value[1]:.4g} mm (high, wide)"
    if key == "age":
        return f"{value:g} years"
    return "; ".join(value) if isinstance(value, list | tuple) else str(value)
