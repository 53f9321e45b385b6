"""Fit and judge what `trainer.appearance` looks with: does a picture look like a frontal chest radiograph?

    python benchmarks/appearance.py [--data FOLDER] [--write]

Frontal radiographs: four datasets of real ones (each is judged by a model that has not seen it) and the phantom's drawn ones.
Others: lateral views (each judged without its patient's), radiographs turned or inverted (judged with their dataset), drawn
pictures (each kind judged by a model that has not seen the kind), and the files of dicom/ that show no chest, which are never
learned from. With --write the coefficients in trainer/appearance.py are replaced by those of the model that learned from all.
"""

import argparse
import base64
import csv
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from other_pictures import KINDS, draw
from sklearn.linear_model import LogisticRegression

from trainer import appearance, images, phantom
from trainer.errors import ImageError

DATA = Path(os.environ.get("CXR_TEST_DATA", "../shared/data"))
MODULE = Path(__file__).parent.parent / "trainer" / "appearance.py"
FRONTAL = {"darkcovid": "darkcovid", "cohen": "external/cohen", "actualmed": "external/actualmed", "lundis": "external/lundis"}
DRAWN, VARIANTS, EVERY, STRENGTH = 150, 20, 4, 0.005
Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Seen:
    """Descriptions float32 [N, 512] of frontal radiographs and jittered copies by dataset, of turned ones, and of the others.

    `turned` and `drawn` are lists: first the pictures, then the same after each of `appearance.TRIALS`.
    """

    plain: dict[str, Rows]
    jittered: dict[str, Rows]
    turned: dict[str, dict[str, list[Rows]]]
    phantoms: Rows
    laterals: list[Rows]
    patients: list[str]
    drawn: dict[str, list[Rows]]


@dataclass(frozen=True, eq=False)
class Model:
    """Weights for a description, and the bias."""

    weights: NDArray[np.float64]
    bias: float

    def __call__(self, rows: Rows) -> NDArray[np.float64]:
        return rows @ self.weights + self.bias


def pictures(folder: Path) -> Iterator[NDArray[np.float32]]:
    """All that can be read, thinned so that much of it fits into memory."""

    def one(path: Path) -> NDArray[np.float32] | None:
        try:
            return appearance._thinned(images.read(path).pixels)
        except ImageError:
            return None

    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    with ThreadPoolExecutor() as pool:
        yield from (found for found in pool.map(one, files) if found is not None)


def jittered(picture: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Another crop, exposure and side."""
    height, width = picture.shape
    top, bottom, left, right = random.integers(0, min(height, width) // 9, 4)
    other = picture[top : height - bottom, left : width - right] ** np.float32(random.uniform(0.6, 1.6))
    return other[:, ::-1] if random.random() < 0.5 else other


def described(found: Sequence[NDArray[np.float32]]) -> Rows:
    return np.stack([appearance.features(picture) for picture in found])


def turned(picture: NDArray[np.float32], how: str) -> NDArray[np.float32]:
    """What a trial takes back: three times a quarter turn is one the other way, and the others undo themselves."""
    back = appearance.TRIALS[how]
    return back(back(back(picture)))


def tried(found: Sequence[NDArray[np.float32]]) -> list[Rows]:
    """Pictures, and the same after each trial."""
    return [described(found), *(described([back(p) for p in found]) for back in appearance.TRIALS.values())]


def look(data: Path) -> Seen:
    """Describe everything."""
    random = np.random.default_rng(1)
    real = {name: list(pictures(data / place)) for name, place in FRONTAL.items()}
    lateral = list(pictures(data / "external/ood_lateral"))
    with (data / "external/manifest.csv").open(encoding="utf-8") as table:
        rows = {Path(row["path"]).name: row["patient_id"] for row in csv.DictReader(table)}
    names = sorted(path for path in (data / "external/ood_lateral").rglob("*.jpg"))
    with tempfile.TemporaryDirectory() as folder:
        phantom.run(Path(folder) / "p", images=120, patients=40, several=True, seed=5)
        drawn = [p for p in sorted(Path(folder).rglob("*.png")) if "mask" not in str(p)]
        phantoms = described([images.read(path).pixels for path in drawn])
    return Seen(
        {name: described(found) for name, found in real.items()},
        {name: described([jittered(p, random) for p in found]) for name, found in real.items()},
        {
            name: {how: tried([turned(p, how) for p in found[::EVERY]]) for how in appearance.TRIALS}
            for name, found in real.items()
        },
        phantoms,
        [described([p, *(jittered(p, random) for _ in range(VARIANTS))]) for p in lateral],
        [rows[path.name] for path in names],
        {kind: tried([draw(kind, seed) for seed in range(DRAWN)]) for kind in KINDS},
    )


def fitted(seen: Seen, datasets: Sequence[str], patients: Sequence[str], kinds: Sequence[str], *, drawn: bool = True) -> Model:
    """Logistic regression with an L2 penalty; each group counts by its share, however many images it has."""
    yes = [
        (0.6, np.concatenate([seen.plain[name] for name in datasets])),
        (0.3, np.concatenate([seen.jittered[name] for name in datasets])),
    ]
    if drawn:
        yes.append((0.1, seen.phantoms))
    laterals = [rows for rows, patient in zip(seen.laterals, seen.patients, strict=True) if patient in patients]
    turned = [rows[0] for name in datasets for rows in seen.turned[name].values()]
    no = [(0.4, np.concatenate(laterals)), (0.25, np.concatenate(turned))]
    no += [(0.35 / len(kinds), seen.drawn[kind][0]) for kind in kinds]
    rows = np.concatenate([group for _, group in (*yes, *no)])
    truth = np.concatenate([np.full(len(group), answer) for answer, groups in ((1, yes), (0, no)) for _, group in groups])
    weight = np.concatenate([np.full(len(group), 4000 * share / len(group)) for share, group in (*yes, *no)])
    every = np.concatenate(list(seen.plain.values()))
    middle, spread = every.mean(0), every.std(0) + 0.02
    model = LogisticRegression(C=STRENGTH, max_iter=3000).fit((rows - middle) / spread, truth, sample_weight=weight)
    weights = model.coef_[0] / spread
    return Model(weights, float(model.intercept_[0] - weights @ middle))


def judge(seen: Seen) -> None:
    """Print what a model says of images that it has not learned from."""
    people, kinds = sorted(set(seen.patients)), list(KINDS)
    print("| pictures | judged without | number | told | named as they are | named otherwise |\n|---|---|---|---|---|---|")
    for name, rows in seen.plain.items():
        model = fitted(seen, [other for other in FRONTAL if other != name], people, kinds)
        line(f"{name}, frontal", "this dataset", model, [rows])
        for how, found in seen.turned[name].items():
            line(f"{name}, {how}", "this dataset", model, found, how)
    line("phantom", "phantoms", fitted(seen, list(FRONTAL), people, kinds, drawn=False), [seen.phantoms])
    by_patient = {one: fitted(seen, list(FRONTAL), [other for other in people if other != one], kinds) for one in people}
    found = [by_patient[patient](rows[:1])[0] for rows, patient in zip(seen.laterals, seen.patients, strict=True)]
    line("lateral", "the patient", lambda scores: scores, [np.array(found, np.float32)])
    for kind, tries in seen.drawn.items():
        line(f"drawn: {kind}", "this kind", fitted(seen, list(FRONTAL), people, [k for k in kinds if k != kind]), tries)


def line(what: str, without: str, model: Callable[[Rows], NDArray[np.floating]], tries: Sequence[Rows], how: str = "") -> None:
    """One row of the table: how many pictures are told, and of how many it is said that they were turned, rightly or not."""
    scores = np.stack([model(rows) for rows in tries])
    told = scores[0] < appearance.SUSPECT
    sure = told & (scores[1:] >= appearance.SURE)
    first = np.where(sure.any(0), sure.argmax(0), -1) if len(sure) else np.full(len(told), -1)
    right = int((first == list(appearance.TRIALS).index(how)).sum()) if how else 0
    wrong = int((first >= 0).sum()) - right
    print(
        f"| {what} | {without} | {len(told)} | {int(told.sum())} ({told.mean():.1%}) | {right or ''} | {wrong or ''} |",
        flush=True,
    )


def of_dicom(data: Path, model: Model) -> None:
    """What the model says of the DICOM files, none of which it has learned from."""
    for path in sorted((data / "dicom").glob("*.dcm")):
        try:
            print(f"{path.name}: {model(appearance.features(images.read(path).pixels)[None])[0]:+.1f}")
        except ImageError as error:
            print(f"{path.name}: {error.what}")


def rounded(model: Model) -> tuple[str, float, Model]:
    """The weights as 8-bit numbers: as text, their unit, and the model that they make."""
    unit = float(np.abs(model.weights).max() / 127)
    whole = np.rint(model.weights / unit).astype(np.int8)
    return base64.b64encode(whole.tobytes()).decode(), unit, Model(whole * unit, model.bias)


def write(text: str, unit: float, bias: float) -> None:
    """Put the coefficients into the module."""
    lines = "\n".join(f'    "{text[start : start + 120]}"' for start in range(0, len(text), 120))
    code = MODULE.read_text(encoding="utf-8")
    code = re.sub(r"_WEIGHTS = (\"\"|\(.*?\n\))\n", f"_WEIGHTS = (\n{lines}\n)\n", code, flags=re.DOTALL)
    code = re.sub(r"_SCALE, _BIAS = .*", f"_SCALE, _BIAS = {unit:.6g}, {bias:.4f}", code)
    MODULE.write_text(code, encoding="utf-8", newline="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    seen = look(options.data)
    judge(seen)
    text, unit, model = rounded(fitted(seen, list(FRONTAL), sorted(set(seen.patients)), list(KINDS)))
    of_dicom(options.data, model)
    if options.write:
        write(text, unit, model.bias)


if __name__ == "__main__":
    main()
