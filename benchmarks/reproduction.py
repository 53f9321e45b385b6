"""The four systems and DarkCovidNet again, on real data, beside what was published: protocol, figures, intervals.

    python benchmarks/reproduction.py [A B C D darkcovidnet] [--data FOLDER] [--out FOLDER] [--quick] [--imagenet]
    python benchmarks/reproduction.py --write

Each training is the command that a user types, in a process of its own. Projects with their networks are kept in --out, the
figures of each work that is done in docs/reproduction: interrupted at any moment and started again, it goes on where it was,
within a training too. To repeat a work, delete its figures, its runs and its bags. --write makes docs/reproduction.md from the
kept figures, complete or not. --quick runs few small images through every work of a part in a minute or two, in a folder of
its own, to see that all fits together; its figures mean nothing and are never written.
--imagenet takes the networks of the originals with their ImageNet weights (downloaded) instead of those that lie beside the
data.

Nothing here is chosen by looking at test parts: settings are those of the recipes, or stand below.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import reproduction_data
import reproduction_protocol
import reproduction_text

from trainer import bags, course, pooling, results, runs

DATA = Path(os.environ.get("CXR_TEST_DATA", "../shared/data"))
OUT = Path(tempfile.gettempdir()) / "cxr-reproduction"
"""Outside of the project: copies of real radiographs lie in it."""
PAGE = Path(__file__).parents[1] / "docs" / "reproduction.md"
FIGURES = PAGE.with_suffix("")
"""Figures of the works that are done: counts and shares, nothing of any one image."""
IMAGES, PATIENTS, PUBLISHED = "images", "patients", reproduction_text.AS_PUBLISHED
QUICK = ("schedule.epochs=1", "schedule.warmup=0", "schedule.head_only=0", "model.size=64", "compute.batch=8", "model.hidden=0")
SQUEEZENET = ("model.backbone=squeezenet1_1", "model.weights={weights}/squeezenet1_1_imagenet_features.safetensors")
MOBILENET = ("model.backbone=mobilenet_v2", "model.weights={weights}/mobilenet_v2_imagenet_dequantised.safetensors")
A_SETS = (f"task.implies={reproduction_data.COVID} > {reproduction_data.PNEUMONIA}",)
BY_F1 = "choice.criterion=f1"
BCE = ("loss.name=cross-entropy", "loss.alpha=0")
OF_COVID = ("choice.metric=f_beta", f"choice.finding={reproduction_data.COVID}")
METHODS = ("none", "oversampling", "undersampling", "class-weights")
NO_SAMPLER, NO_MIXUP = ("imbalance.method=none",), ("augment.mixup=0",)
REDUCED = ("model.weights=none", "model.size=128", "schedule.epochs=40")
BY_ACCURACY = "choice.metric=accuracy"
DIVISIONS = {"all-stages": 10, "support-vectors": 10}
"""How often it is all divided anew where that takes minutes: one division alone moves the accuracy by a hundredth."""
BY_TWO = ("task.findings=COVID-19,Normal",)


NETWORKS: tuple[tuple[str, str, tuple[str, ...], int], ...] = (
    ("darkcovidnet", "darkcovidnet", (), 0),
    ("scratch", "scratch", (), 0),
    ("scattering", "scattering", (), 3),
    ("quick", "quick", SQUEEZENET, 0),
    ("all-stages", "all-stages", MOBILENET, 0),
    ("support-vectors", "support-vectors", MOBILENET, 0),
)
"""What is judged by DarkCovidNet's protocol: name, recipe, settings, members."""
COMMITTEES = {
    "committee": ("quick", "all-stages", "scattering"),
    "committee-from-scratch": ("darkcovidnet", "scattering"),
}
"""Networks whose probabilities are averaged, as `predict` does with several."""


@dataclass(frozen=True)
class Work:
    """One training, bag or cross-validation, and how it is judged.

    `stand_in` are settings that name the weights at hand instead of the original's; `folds` and `members` as for `bag`
    (neither: one run; both: a bag in each fold); `level` is a coarser level to be judged at too; `val` is the share of all
    images to validate on; `divisions` is how often all is done, each time divided anew. Of a committee `of` names the works
    whose networks are averaged; it trains nothing itself.
    """

    key: str
    data: str
    recipe: str
    sets: tuple[str, ...] = ()
    stand_in: tuple[str, ...] = ()
    divided: str = PATIENTS
    folds: int = 0
    members: int = 0
    level: int = 0
    val: float = 0.15
    divisions: int = 1
    of: tuple[str, ...] = ()


PARTS: dict[str, tuple[Work, ...]] = {
    "A": (
        Work("A-bce", "thinned", "focal-multilabel", (*A_SETS, *BCE), MOBILENET, folds=5),
        Work("A-focal", "thinned", "focal-multilabel", A_SETS, MOBILENET, folds=5),
        Work("A-quick-bce", "thinned", "quick", ("task.kind=multi-label", BY_F1, *A_SETS, *SQUEEZENET), folds=5),
        Work(
            "A-quick-focal",
            "thinned",
            "quick",
            ("task.kind=multi-label", "loss.name=focal", BY_F1, *A_SETS, *SQUEEZENET),
            folds=5,
        ),
    ),
    "B": (
        *(Work(f"B-{method}", "tree", "coarse-fine", (f"imbalance.method={method}",), folds=3, level=2) for method in METHODS),
        *(
            Work(
                f"B-quick-{method}",
                "tree",
                "quick",
                ("task.level=3", f"imbalance.method={method}", *SQUEEZENET),
                folds=3,
                level=2,
            )
            for method in METHODS
        ),
    ),
    "C": (
        Work("C-neither", "covid-or-not", "alexnet-mixup", (*OF_COVID, *NO_SAMPLER, *NO_MIXUP), SQUEEZENET, folds=5),
        Work("C-sampler", "covid-or-not", "alexnet-mixup", (*OF_COVID, *NO_MIXUP), SQUEEZENET, folds=5),
        Work("C-mixup", "covid-or-not", "alexnet-mixup", (*OF_COVID, *NO_SAMPLER), SQUEEZENET, folds=5),
        Work("C-both", "covid-or-not", "alexnet-mixup", OF_COVID, SQUEEZENET, folds=5),
        Work("C-bag", "covid-or-not", "alexnet-mixup", OF_COVID, SQUEEZENET, members=10),
    ),
    "D": (
        Work("D-concatenation", "two-collections", "resnet50v2-xception", (), REDUCED),
        Work("D-quick", "two-collections", "quick", SQUEEZENET),
    ),
    "darkcovidnet": (
        *(
            Work(
                f"as-published-{name}",
                "darkcovid",
                recipe,
                (BY_ACCURACY, *sets),
                divided=PUBLISHED,
                members=members,
                divisions=DIVISIONS.get(name, 1),
            )
            for name, recipe, sets, members in NETWORKS
        ),
        *(
            Work(f"{name}-{by}", "darkcovid", recipe, sets, divided=by, folds=5, members=members)
            for name, recipe, sets, members in NETWORKS
            for by in (IMAGES, PATIENTS)
        ),
        *(
            Work(mask.format(name), "darkcovid", "", divided=by, folds=5, of=tuple(map(mask.format, of)))
            for name, of in COMMITTEES.items()
            for mask, by in (("as-published-{}", PUBLISHED), ("{}-images", IMAGES), ("{}-patients", PATIENTS))
        ),
        Work("darkcovidnet-two-images", "darkcovid", "darkcovidnet", BY_TWO, divided=IMAGES, folds=5),
    ),
}


@dataclass(frozen=True)
class Bench:
    """Where everything is, and how it is asked for."""

    data: Path
    out: Path
    figures: Path
    quick: bool
    imagenet: bool

    def kept(self, key: str) -> Path:
        """File of a result."""
        return self.figures / f"{key}.json"

    def settings(self, work: Work) -> list[str]:
        """All assignments of a work, those of its stand-in first."""
        stand_in = () if self.imagenet else work.stand_in
        found = [one.format(weights=self.data / "weights") for one in (*stand_in, *work.sets)]
        if self.quick:
            found += QUICK
            if work.recipe == "support-vectors":  # solved over a backbone that never learns
                found.append("schedule.head_only=1")
        return found

    def divisions(self, work: Work) -> int:
        """How often all is divided anew."""
        return min(work.divisions, 2) if self.quick else work.divisions

    def seeds(self, work: Work) -> list[object]:
        """The words of `bag` for networks of several seeds; [] for one."""
        members = min(work.members, 2) if self.quick else work.members
        return ["--members", members] if members else []


def verb(*words: object) -> Any:  # noqa: ANN401 - whatever json holds
    """What a command of the program says."""
    command = [sys.executable, "-m", "trainer", *map(str, words), "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def project(bench: Bench, work: Work) -> Path:
    """The project of a work's images, imported once; divided by image, the patients are not told."""
    folder = bench.out / f"{work.data}-{PATIENTS if work.divided == PATIENTS else IMAGES}.cxr"
    if not (folder / "imported").exists():
        rows = reproduction_data.rows_of(work.data, bench.data, quick=bench.quick)
        table = reproduction_data.laid_out(rows, bench.out / "data" / work.data)
        columns = ["--path-column", "path", "--label-column", "label", "--view-column", "view"]
        columns += ["--patient-column", "patient" if work.divided == PATIENTS else "-"]
        verb("import", folder, table.parent, "--layout", "table", "--labels", table, *columns)
        (folder / "imported").touch()
    return folder


def division(bench: Bench, work: Work, folder: Path, seed: int = 1) -> tuple[str, int]:
    """Name of the work's split (the first of several), made if it is not there, and the number of its folds."""
    folds = min(work.folds, 2) if bench.quick else work.folds
    name = f"folds{folds}" if folds else "single"
    name += f"-val{round(100 * work.val)}" if work.val != Work.val else ""
    name += f"-seed{seed}" if seed > 1 else ""
    made = folder / f"{name}.made"
    if not made.exists():
        shares = ["--folds", folds, "--val", work.val] if folds else ["--test", 0.2, "--val", work.val]
        verb("split", folder, *shares, "--seed", seed, "--name", name)
        made.touch()
    return (f"{name}-fold1" if folds else name), folds


def assigned(bench: Bench, work: Work) -> list[str]:
    """The settings of a work as words of a command."""
    return ["--recipe", work.recipe, *(word for one in bench.settings(work) for word in ("--set", one))]


def trained(bench: Bench, work: Work) -> Path:
    """Train, or go on; the run or bag, finished."""
    folder = project(bench, work)
    split, folds = division(bench, work, folder)
    how = ["--folds", folds] if folds else bench.seeds(work)
    make = partial(one_bag, folder, work.key, how) if how else partial(one_run, folder, work.key)
    return make(assigned(bench, work), split)


def one_run(folder: Path, name: str, sets: Sequence[str], split: str) -> Path:
    """Train a run, or go on with it; finished."""
    run = folder / "runs" / name
    if not run.exists():
        verb("train", folder, *sets, "--split", split, "--run", name)
    elif runs.find(run).status().state != "finished":
        verb("resume", run)
    return run


def one_bag(folder: Path, name: str, how: Sequence[object], sets: Sequence[str], split: str) -> Path:
    """Train a bag, or go on with it; finished."""
    bag = folder / "bags" / name
    if not bags.is_bag(bag):
        verb("bag", folder, *how, *sets, "--split", split, "--name", name)
    elif (found := bags.find(bag)) and len(found.trained()) < len(found.plan().members):
        verb("resume", bag)
    return bag


def each_fold(bench: Bench, work: Work) -> list[Path]:
    """The runs or bags of each fold, division after division."""
    folder, sets, how = project(bench, work), assigned(bench, work), bench.seeds(work)
    made: list[Path] = []
    for seed in range(1, bench.divisions(work) + 1):
        split, count = division(bench, replace(work, folds=reproduction_protocol.FOLDS), folder, seed)
        stem = split.removesuffix("-fold1")
        names = [f"{stem}-fold{number}" for number in range(1, count + 1)]
        if work.divided == PUBLISHED:
            names = reproduction_protocol.made(folder, stem, count, seed)
        for number, name in enumerate(names, 1):
            key = f"{work.key}-{number}" if seed == 1 else f"{work.key}-{seed}-{number}"
            made.append(one_bag(folder, key, how, sets, name) if how else one_run(folder, key, sets, name))
    return made


def by_fold(work: Work) -> bool:
    """Whether each fold is a run or a bag of its own; otherwise all are one bag."""
    return work.divided == PUBLISHED or bool(work.folds and work.members)


def networks(bench: Bench, work: Work) -> list[Path]:
    """The runs or bags of a work, of a committee those of its members, trained if they are not there."""
    works = {one.key: one for works in PARTS.values() for one in works}
    if work.of:
        return [one for key in work.of for one in networks(bench, replace(works[key], divisions=1))]
    return each_fold(bench, work) if by_fold(work) else [trained(bench, work)]


def committee(bench: Bench, work: Work, on: str) -> dict[str, Any]:
    """Accuracy of the mean of other works' networks."""
    works = {one.key: one for works in PARTS.values() for one in works}
    each = []
    for key in work.of:
        made = networks(bench, replace(works[key], divisions=1))
        for one in made:
            verb("evaluate", one, "--on", on)
        each.append(pooling.pooled([results.Prediction.load(bags.either(one).predictions(on)) for one in made]))
    return reproduction_protocol.averaged(each)


def seconds(made: Sequence[Path]) -> float:
    """Time of training of runs and bags, as their histories say it, whoever trained them and however often it was stopped."""
    total = 0.0
    for folder in (one for path in made for one in bags.networks(path)):
        told = course.Course()
        told.add(runs.Run(folder).milestones())
        total += told.elapsed()
    return total


def done(bench: Bench, work: Work) -> None:
    """Do a work and keep what it gave."""
    print(f"{time.strftime('%H:%M:%S')} {work.key}", flush=True)
    about = {
        "work": asdict(work),
        "settings": [reproduction_text.short(one) for one in bench.settings(work)],
        "quick": bench.quick,
        "imagenet": bench.imagenet,
    }
    on = "val" if work.divided == PUBLISHED else "test"
    if work.of:
        figures = {"pooled": committee(bench, work, on)}
    elif by_fold(work):
        judged = reproduction_protocol.judged(
            lambda one: verb("evaluate", one, "--on", on), networks(bench, work), bench.divisions(work)
        )
        figures = {"pooled": judged}
    else:
        made = trained(bench, work)
        figures = {
            "judged": verb("evaluate", made, "--on", "test"),
            "coarse": verb("evaluate", made, "--on", "test", "--level", work.level) if work.level else None,
        }
    keep(bench.kept(work.key), {**about, **figures, "seconds": seconds(networks(bench, work))})


def shortcuts(bench: Bench, part: str) -> None:
    """What size, shape and file type alone score on the data of a part."""
    from reproduction_shortcut import scores  # scikit-learn, which --write does not need

    for data in dict.fromkeys(work.data for work in PARTS[part]):
        kept = bench.kept(f"shortcut-{data}")
        if not kept.exists():
            print(f"{time.strftime('%H:%M:%S')} shortcut on {data}", flush=True)
            rows = reproduction_data.rows_of(data, bench.data, quick=bench.quick)
            keep(kept, {"quick": bench.quick, "images": len(rows), "scores": scores(rows)})


def keep(path: Path, result: dict[str, Any]) -> None:
    """Write a result, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1), encoding="utf-8")
    part.replace(path)


def kept_results(figures: Path) -> dict[str, Any]:
    """Key -> result, of those that are kept and not quick ones, in the order of the parts."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(figures.glob("*.json"))}
    places = {work.key: place for place, work in enumerate(work for works in PARTS.values() for work in works)}
    ordered = sorted(found, key=lambda key: places.get(key, len(places)))
    return {key: found[key] for key in ordered if not found[key]["quick"]}


def main(words: Sequence[str] | None = None) -> None:
    """Do the parts that are asked for, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--data", type=Path, default=DATA, help="the real test data")
    parser.add_argument("--out", type=Path, default=OUT, help=f"where projects are kept (default {OUT})")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where figures are kept (default docs/reproduction)")
    parser.add_argument("--only", default="", metavar="TEXT", help="works whose name contains this")
    parser.add_argument("--quick", action="store_true", help="few images, small, one epoch: a check of the script itself")
    parser.add_argument("--imagenet", action="store_true", help="the originals' networks with downloaded weights")
    parser.add_argument("--write", action="store_true", help="write docs/reproduction.md from what is kept")
    parser.add_argument("--page", type=Path, default=PAGE, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    if options.write:
        options.page.write_text(reproduction_text.page(kept_results(options.figures)), encoding="utf-8")
        print(f"Written: {options.page}")
        return
    out = options.out / "quick" if options.quick else options.out
    figures = out / "figures" if options.quick else options.figures
    bench = Bench(options.data.resolve(), out.resolve(), figures.resolve(), options.quick, options.imagenet)
    for part in options.parts or PARTS:
        if not options.only:
            shortcuts(bench, part)
        for work in PARTS[part]:
            if options.only in work.key and not bench.kept(work.key).exists():
                done(bench, work)


if __name__ == "__main__":
    main()
