"""Drawn chest radiographs with known truth: finding, lesion mask, lung mask, patient, planted fault.

The anatomy belongs to the patient; pose, exposure, noise and the extent of the findings belong to the image. They are drawn,
not taken: a network that reads them well has shown that the program works, and nothing about real patients.
"""

import csv
import io
import math
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from trainer import anatomy, canvas, exposure, files, skeleton
from trainer.anatomy import Chest
from trainer.canvas import Array, Mask
from trainer.errors import ConfigError, DataError, Progress, did_you_mean
from trainer.lesions import PAINTERS

NORMAL = "Normal"
CARDIOMEGALY = "Cardiomegaly"
FINDINGS: tuple[str, ...] = (*PAINTERS, CARDIOMEGALY)
FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "text-marker": "the word PORTABLE is burnt into nearly all images of one finding and into few others",
        "duplicates": "some images come again under another name, as another patient's",
        "inverted": "some images have black and white exchanged",
        "label-noise": "some images carry a wrong label",
    }
)
COLUMNS = ("path", "labels", "patient", "view", "sex", "age", "source", "fault", "drawn")

_VESSEL = 0.62  # contrast of blood against air, 1/cm, raised because vessels are drawn thinner than they are
_FAULT_SHARE = 0.10
_MARKED_WITH, _MARKED_WITHOUT = 0.90, 0.05
_MOST = 4  # images of one patient


@dataclass(frozen=True, eq=False)
class Drawn:
    """One radiograph and the truth about it; all arrays [S, S]."""

    pixels: Array  # float32, 0 black to 1 white
    lungs: Mask
    lesions: Mapping[str, Mask]  # one for each finding; for cardiomegaly the heart
    heart: Mask
    sex: str
    age: int


@dataclass(frozen=True)
class Summary:
    """What was written."""

    folder: Path
    images: int
    patients: int
    findings: Mapping[str, int]  # images that carry each label
    fault: str
    faulty: int
    seed: int


def draw(patient: int, image: int, findings: Sequence[str], *, size: int = 256, seed: int = 0) -> Drawn:
    """Draw one image of one patient; the same arguments give the same pixels, to the bit.

    The findings change nothing but what they stand for: pose, exposure and noise stay. Raises `ConfigError`.
    """
    wanted = [name for name in FINDINGS if name in _known(findings)]
    _limited("size", size, 64, 2048)
    person = anatomy.patient(seed, patient)
    rng = np.random.default_rng((seed, patient, 1, image))
    frame = canvas.frame(size, canvas.pose(rng))
    how = exposure.exposure(rng)
    sources = {name: np.random.default_rng((seed, patient, 2, image, FINDINGS.index(name))) for name in wanted}
    enlarged = float(sources[CARDIOMEGALY].uniform(0.53, 0.62)) if CARDIOMEGALY in wanted else person.heart
    chest = anatomy.chest(person, frame, enlarged)
    shares = {name: PAINTERS[name](chest, source) for name, source in sources.items() if name in PAINTERS}
    usual = exposure.tissue(chest.body, chest.air)
    pixels = exposure.develop(_depth(chest, list(shares.values())), usual, chest.lungs, frame, how, rng)
    lesions = {name: (shares[name] > 0) & chest.lungs if name in shares else chest.heart for name in wanted}
    return Drawn(pixels, chest.lungs, MappingProxyType(lesions), chest.heart, person.sex, person.age)


def _depth(chest: Chest, shares: Sequence[Array]) -> Array:
    """Optical depth along each ray, float32 [S, S]; `shares` are the parts of the air that lesions replace."""
    size, key = chest.frame.size, chest.person.key
    uneven = 0.05 * canvas.clouds(np.random.default_rng((*key, 5)), size, 6)
    uneven += 0.03 * canvas.clouds(np.random.default_rng((*key, 6)), size, 48)
    air = chest.air * (0.93 + uneven)
    for share in shares:
        air = air * (1 - share)
    depth = exposure.tissue(chest.body - chest.gas * (chest.body > 8), air)
    depth += exposure.BONE * skeleton.bones(chest, air) * (chest.body > 2)
    return np.asarray(depth + _VESSEL * skeleton.vessels(chest) * np.minimum(1, air / 6), dtype=np.float32)


def _known(findings: Sequence[str]) -> set[str]:
    """Check the names. Raises `ConfigError`."""
    for name in findings:
        if name not in FINDINGS and name != NORMAL:
            raise ConfigError(f"'{name}' is not a finding that can be drawn", remedy=did_you_mean(name, (*FINDINGS, NORMAL)))
    return set(findings)


def _limited(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} = {value} is outside its limits", where=name, remedy=f"Choose between {low} and {high}.")


@dataclass(frozen=True)
class _Plan:
    """One image to be written; `person` and `number` say what is drawn, the rest what is said about it."""

    name: str
    patient: str
    person: int
    number: int
    drawn: tuple[str, ...]
    labels: tuple[str, ...]
    fault: str = ""


def run(
    out: Path,
    *,
    images: int = 400,
    patients: int = 0,
    findings: Sequence[str] = (),
    several: bool = False,
    size: int = 256,
    fault: str = "",
    seed: int = 1,
    workers: int = 0,
    progress: Progress | None = None,
) -> Summary:
    """Write a drawn dataset: images/FINDING/NAME.png (with `several`: images/NAME.png), masks/, manifest.csv.

    `patients` 0 takes about one for 1.6 images; `findings` empty takes all and Normal; `workers` 0 takes all cores and never
    changes the result. The folder appears under its name when all is done, or not at all; therefore its files are not synced
    one by one. Raises `ConfigError`, `DataError` (the folder holds something), `StorageError`; `Stopped` from `progress`
    leaves nothing behind.
    """
    classes = tuple(dict.fromkeys(findings)) or (NORMAL, *FINDINGS)
    _known(classes)
    if fault and fault not in FAULTS:
        raise ConfigError(f"'{fault}' is not a fault that can be planted", where="fault", remedy=did_you_mean(fault, FAULTS))
    _limited("images", images, 1, 1_000_000)
    _limited("size", size, 64, 2048)
    _limited("patients", patients or -(-images // _MOST), -(-images // _MOST), images)
    people = patients or max(1, round(images / 1.6))
    plans = _faulty(_plans(images, people, classes, several, seed), fault, classes, seed)
    with _whole(out) as folder:
        rows = _written(folder, plans, several, size, seed, workers or os.cpu_count() or 1, progress)
        files.write_text(folder / "manifest.csv", _table(rows))
    return Summary(
        folder=out,
        images=len(plans),
        patients=len({plan.patient for plan in plans}),
        findings=MappingProxyType(Counter(label for plan in plans for label in plan.labels)),
        fault=fault,
        faulty=sum(bool(plan.fault) for plan in plans),
        seed=seed,
    )


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Give a temporary folder that takes the name `out` when the block ends well, and is removed otherwise."""
    with files.storage_in_words(out):
        out = out.absolute()
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise DataError("The place is taken", where=out, remedy="Choose a new folder or an empty one; nothing was changed.")
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
        try:
            temporary.mkdir()
            yield temporary
            if out.exists():
                out.rmdir()
            temporary.replace(out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _plans(images: int, people: int, classes: tuple[str, ...], several: bool, seed: int) -> list[_Plan]:
    """Who has how many images, and what they show: mostly the same finding in all images of a patient."""
    rng = np.random.default_rng((seed, 3))
    counts = np.ones(people, dtype=int)
    while counts.sum() < images:
        again = rng.permutation(np.flatnonzero(counts < _MOST))[: max(1, (images - counts.sum() + 1) // 2)]
        counts[again] += 1
    order = rng.permutation(np.arange(people) % len(classes))
    plans = []
    for person, count in enumerate(counts.tolist()):
        has = _diagnosis(classes[order[person]], classes, several, rng)
        for number in range(count):
            healthy = number > 0 and NORMAL in classes and rng.random() < 0.08
            shown = (NORMAL,) if healthy else has
            plans.append(_Plan(f"p{person + 1:04d}-{number + 1}", f"P{person + 1:04d}", person, number, shown, shown))
    return plans


def _diagnosis(first: str, classes: tuple[str, ...], several: bool, rng: np.random.Generator) -> tuple[str, ...]:
    """The findings of a patient: one, or with `several` now and then others beside it."""
    others = rng.random(len(classes)) < 0.22
    if first == NORMAL or not several:
        return (first,)
    return tuple(name for name, other in zip(classes, others, strict=True) if name == first or (other and name != NORMAL))


def _faulty(plans: list[_Plan], fault: str, classes: tuple[str, ...], seed: int) -> list[_Plan]:
    """Plant a fault into some of the images."""
    rng = np.random.default_rng((seed, 4))
    if fault == "text-marker":
        chosen = _marked(plans, next((name for name in classes if name != NORMAL), classes[0]), rng)
    else:
        chosen = rng.permutation(len(plans))[: max(1, round(_FAULT_SHARE * len(plans)))].tolist() if fault else []
    clean = [plan for place, plan in enumerate(plans) if place not in chosen]
    changed = list(plans)
    for place in chosen:
        plan = plans[place]
        if fault == "duplicates" and clean:
            original = clean[int(rng.integers(len(clean)))]
            plan = replace(original, name=plan.name, patient=plan.patient)
        elif fault == "label-noise" and len(classes) > 1:
            wrong = [name for name in classes if name not in plan.drawn]
            plan = replace(plan, labels=(wrong[int(rng.integers(len(wrong)))],)) if wrong else plan
        changed[place] = replace(plan, fault=fault)
    return changed


def _marked(plans: Sequence[_Plan], finding: str, rng: np.random.Generator) -> list[int]:
    """Places of the images that get the marker: most with the finding, few without."""
    order = rng.permutation(len(plans)).tolist()
    those = [place for place in order if finding in plans[place].labels]
    others = [place for place in order if finding not in plans[place].labels]
    return those[: math.ceil(_MARKED_WITH * len(those))] + others[: round(_MARKED_WITHOUT * len(others))]


def _written(
    folder: Path, plans: Sequence[_Plan], several: bool, size: int, seed: int, workers: int, progress: Progress | None
) -> list[tuple[str, ...]]:
    """Draw and write all images; the rows of the manifest, in the order of the plans."""
    for name in ("lungs", *{name for plan in plans for name in plan.drawn if name != NORMAL}):
        (folder / "masks" / name).mkdir(parents=True)
    for label in {"" if several else plan.labels[0] for plan in plans}:
        (folder / "images" / label).mkdir(parents=True)
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = [pool.submit(_write, folder, plan, "" if several else plan.labels[0], size, seed) for plan in plans]
        for done, job in enumerate(as_completed(jobs), 1):
            job.result()
            if progress:
                progress(done, len(jobs))
        return [job.result() for job in jobs]
    finally:
        pool.shutdown(cancel_futures=True)


def _write(folder: Path, plan: _Plan, label: str, size: int, seed: int) -> tuple[str, ...]:
    """Draw and write one image with its masks; its row of the manifest."""
    drawn = draw(plan.person, plan.number, plan.drawn, size=size, seed=seed)
    pixels = np.rint(drawn.pixels * 255).astype(np.uint8)
    if plan.fault == "inverted":
        pixels = 255 - pixels
    if plan.fault == "text-marker":
        pixels = _stamped(pixels, "PORTABLE")
    path = Path("images", label, f"{plan.name}.png")
    (folder / path).write_bytes(_png(pixels))
    for name, mask in {"lungs": drawn.lungs, **drawn.lesions}.items():
        (folder / "masks" / name / f"{plan.name}.png").write_bytes(_png(mask.astype(np.uint8) * np.uint8(255)))
    truth = ("|".join(plan.labels), plan.patient, "PA", drawn.sex, str(drawn.age), "phantom", plan.fault, "|".join(plan.drawn))
    return (path.as_posix(), *truth)


def _png(grey: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """Grey values uint8 [H, W] as a PNG file, written for speed rather than for size."""
    content = io.BytesIO()
    Image.fromarray(grey).save(content, "PNG", compress_level=1)
    return content.getvalue()


def _stamped(
    grey: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], text: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Write a word into the upper left corner."""
    picture = Image.fromarray(grey)
    side = grey.shape[0]
    ImageDraw.Draw(picture).text((side * 0.03, side * 0.04), text, fill=250, font=ImageFont.load_default(max(8, side // 20)))
    return np.asarray(picture)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV text with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue()
