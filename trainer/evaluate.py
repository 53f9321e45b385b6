"""`Prediction` + thresholds from validation -> `Evaluation`, with intervals, baselines, subgroups and warnings in words."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from trainer import cautions, checkpoints, curves, dataset, devices, intervals, metrics, predict, runs
from trainer.catalog import Catalog, Filter, project_folder
from trainer.errors import DataError, Progress, did_you_mean
from trainer.figures import HEADLINE, Figures
from trainer.metrics import Floats
from trainer.results import (
    COLUMNS,
    FIGURES,
    Baseline,
    Confusion,
    Evaluation,
    Figure,
    FindingResult,
    Prediction,
    Subgroup,
)

SMALLEST_GROUP = 10
MOST_GROUPS = 20
_AGES = {"0-17": (0, 18), "18-39": (18, 40), "40-64": (40, 65), "65-79": (65, 80), "80+": (80, 150)}  # years
_IN_SUBGROUPS = ("sensitivity", "specificity", "auroc")
_PARTS = MappingProxyType({"val": "validation", "validation": "validation", "test": "test", "train": "train"})


def choose_thresholds(validation: Prediction, rule: str = "youden") -> dict[str, float]:
    """Return one threshold per finding, chosen on validation: "youden", "f1" or "sensitivity=0.95" (at least that much).

    0.5 where validation has no image with, or none without, the finding. Raises `ConfigError` for another rule.
    """
    point = curves.operating_point(rule)
    chosen = {}
    for k, name in enumerate(validation.findings):
        sweep = curves.Sweep(validation.targets[:, k], validation.probabilities[:, k])
        chosen[name] = point(sweep) if sweep.positives and sweep.negatives else 0.5
    return chosen


def evaluate(
    prediction: Prediction,
    thresholds: Mapping[str, float],
    *,
    run: str = "",
    part: str = "",
    test_openings: int = 0,
    draws: int = 1000,
    seed: int = 0,
    frequencies: Mapping[str, float] | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Judge a prediction; `thresholds` by finding, from validation.

    `frequencies` are the images with each finding in the training labels, for the baseline "always the most frequent finding"
    (None: this part's own labels, and the baseline says so). `notes` are put before the warnings. `draws` patients' bootstraps
    for each interval, a quarter of them (at least 200) in subgroups. Raises `DataError` if a threshold is missing.
    """
    figures = Figures(prediction, _in_order(prediction, thresholds))
    groups = list(_groups(prediction))
    few = min(draws, max(200, draws // 4))  # a standard error needs no more (Efron & Tibshirani 1993, section 6.4)
    total = draws + few * len(groups)
    found = _with_intervals(figures, draws, seed, _shifted(progress, 0, total))
    subgroups = [
        _subgroup(*group, figures.thresholds, few, seed, _shifted(progress, draws + i * few, total))
        for i, group in enumerate(groups)
    ]
    evaluation = Evaluation(
        run=run,
        part=part,
        task=prediction.task,
        images=len(prediction.ids),
        patients=prediction.known_patients(),
        metrics=_headline(found),
        findings=_findings(figures, found),
        confusion=_confusion(figures),
        baselines=_baselines(prediction, figures, frequencies),
        subgroups=tuple(subgroups),
        test_openings=test_openings,
        warnings=(),
    )
    return replace(evaluation, warnings=(*notes, *cautions.of_data(figures), *cautions.of_result(evaluation)))


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """One progress over several bootstraps."""
    return None if progress is None else lambda done, _: progress(before + done, total)


def _with_intervals(figures: Figures, draws: int, seed: int, progress: Progress | None) -> list[Figure]:
    found = intervals.patient_bootstrap(
        figures.codes,
        figures,
        contributing=figures.contributing(),
        unseen=figures.unseen(),
        draws=draws,
        seed=seed,
        progress=progress,
    )
    return [Figure(float(v), float(a), float(b)) for v, a, b in zip(found.value, found.low, found.high, strict=True)]


def _headline(found: Sequence[Figure]) -> dict[str, Figure]:
    return dict(zip(HEADLINE, found, strict=False))


def _of_finding(found: Sequence[Figure], k: int) -> dict[str, Figure]:
    start = len(HEADLINE) + k * len(FIGURES)
    return dict(zip(FIGURES, found[start : start + len(FIGURES)], strict=True))


def _findings(figures: Figures, found: Sequence[Figure]) -> dict[str, FindingResult]:
    prediction, matrices = figures.prediction, figures.matrices()
    patients = intervals.patients_where(figures.codes, prediction.targets == 1)
    results = {}
    for k, name in enumerate(prediction.findings):
        y, (no, yes) = prediction.targets[:, k], matrices[k]
        results[name] = FindingResult(
            threshold=float(figures.thresholds[k]),
            matrix=((int(no[0]), int(no[1])), (int(yes[0]), int(yes[1]))),
            calibration_error=metrics.expected_calibration_error(y, prediction.probabilities[:, k]),
            positives=int((y == 1).sum()),
            negatives=int((y == 0).sum()),
            not_stated=int((y < 0).sum()),
            positive_patients=int(patients[k]),
            **_of_finding(found, k),
        )
    return results


def _confusion(figures: Figures) -> Confusion | None:
    if not figures.exclusive:
        return None
    counts = tuple(tuple(int(n) for n in row) for row in figures.confusion())
    return Confusion(figures.prediction.findings, counts)


def _baselines(prediction: Prediction, figures: Figures, frequencies: Mapping[str, float] | None) -> dict[str, Baseline]:
    """What the same labels give to a model that does not look: one that always says the same."""
    names = prediction.findings
    own = (prediction.targets == 1).sum(axis=0)
    often = [float(own[k]) if frequencies is None else float(frequencies.get(name, 0)) for k, name in enumerate(names)]
    silent = _constant(prediction, None)
    found = {}
    if max(often) > 0:
        most = int(np.argmax(often))
        basis = "labels of this part" if frequencies is None else "training labels"
        found[f"always {names[most]}"] = Baseline(names[most], basis, _plain(HEADLINE, _constant(prediction, most)))
    if not figures.exclusive:
        found["never any finding"] = Baseline("", "", _plain(HEADLINE, silent))
    for k, name in enumerate(names):
        found[f"never {name}"] = Baseline(name, "", _plain(FIGURES, silent[len(HEADLINE) + k * len(FIGURES) :]))
    return found


def _constant(prediction: Prediction, finding: int | None) -> Floats:
    said = np.zeros_like(prediction.probabilities)
    if finding is not None:
        said[:, finding] = 1
    thresholds = np.full(len(prediction.findings), 0.5)
    return Figures(replace(prediction, probabilities=said), thresholds)(np.ones(len(prediction.ids)))


def _plain(names: Sequence[str], values: Floats) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=False)}


def _groups(prediction: Prediction) -> Iterator[tuple[str, str, Prediction]]:
    """The subgroups that are worth showing: at least two of a column with enough images, the largest ones."""
    for column in COLUMNS:
        values: NDArray[np.object_] = np.array(
            [_band(text) if column == "age" else text for text in getattr(prediction, column)], dtype=object
        )
        names, sizes = np.unique(values[values != ""].astype(str), return_counts=True)
        large = [names[i] for i in np.argsort(-sizes, kind="stable") if sizes[i] >= SMALLEST_GROUP][:MOST_GROUPS]
        if len(large) >= 2:
            for name in sorted(large):
                yield column, str(name), prediction.take(np.flatnonzero(values == name))


def _band(age: str) -> str:
    try:
        years = float(age)
    except ValueError:
        return ""
    return next((band for band, (low, high) in _AGES.items() if low <= years < high), "")


def _subgroup(
    column: str, name: str, part: Prediction, thresholds: Floats, draws: int, seed: int, steps: Progress | None
) -> Subgroup:
    found = _with_intervals(Figures(part, thresholds), draws, seed, steps)
    return Subgroup(
        column=column,
        group=name,
        images=len(part.ids),
        patients=part.known_patients(),
        metrics=_headline(found),
        findings={
            finding: {name: _of_finding(found, k)[name] for name in _IN_SUBGROUPS} for k, finding in enumerate(part.findings)
        },
    )


def _in_order(prediction: Prediction, thresholds: Mapping[str, float]) -> Floats:
    for name in prediction.findings:
        if name not in thresholds:
            raise DataError("There is no threshold for a finding", where=name, remedy=did_you_mean(name, thresholds))
    return np.array([thresholds[name] for name in prediction.findings], dtype=np.float64)


def run(
    folder: Path, *, on: str = "val", rule: str = "", draws: int = 1000, device: str = "auto", progress: Progress | None = None
) -> Evaluation:
    """Judge the best checkpoint of a run on a part of its own split ("train", "val", "test") or on another project (its path).

    Thresholds come from validation: those stored with the checkpoint, or by `rule` (see `curves.operating_point`; "" with none
    stored is "youden"), which are then stored. An evaluation on the test part is counted. Writes the evaluation, and the
    predictions it rests on, into the run folder. Raises `RunError`, `DataError`, `WeightsError`, `StorageError`.
    """
    found = runs.find(folder)
    part = _PARTS.get(on, on)
    elsewhere = project_folder(Path(on))
    if part not in _PARTS.values():
        _check_elsewhere(found, on, elsewhere)
    chosen = devices.choose(device)
    devices.prepare(0)
    member = predict.member(found.folder, chosen)
    known = 0
    with Catalog.open(found.project) as catalog:
        validation = _own_part(found, member, catalog, "validation", progress)
        thresholds = _thresholds(found, member, validation, rule)
        if part in _PARTS.values():
            prediction = validation if part == "validation" else _own_part(found, member, catalog, part, progress)
        else:
            prediction, known = _external(member, elsewhere, _learned_from(found, catalog), progress)
    if not len(prediction.ids):
        raise DataError(
            f"The {part} part has no images that can be judged", where=found.folder, remedy="Choose another part or split."
        )
    openings = 0
    if part == "test":
        openings = runs.record_opening(found.project, found.name, member.header.split_digest)
    made = evaluate(
        prediction,
        thresholds,
        run=found.name,
        part=part if part in _PARTS.values() else f"external: {elsewhere.stem}",
        test_openings=openings or runs.openings(found.project, member.header.split_digest),
        draws=draws,
        frequencies=member.header.frequencies,
        notes=(*_notes_of_split(found, part), *_notes_of_copies(known), *cautions.of_thresholds(validation)),
        progress=progress,
    )
    name = part if part in _PARTS.values() else f"external-{elsewhere.stem}"
    prediction.save(found.predictions(name))
    made.save(found.evaluation(name))
    return made


def _own_part(run: runs.Run, member: predict.Member, catalog: Catalog, part: str, progress: Progress | None) -> Prediction:
    """Predict a part of the run's own split.

    The prediction kept by training serves while it belongs to the same weights, images and labels: what was excluded or
    relabelled since must not stand in the figures.
    """
    weights = checkpoints.weights_digest(member.path)
    ids = np.intersect1d(np.array(run.split()["parts"].get(part, []), np.int64), catalog.ids())
    answers = dataset.targets(catalog, ids, member.header.findings)
    kept = dataset.usable(answers, member.header.task)
    usable = ids[kept]
    if part == "validation" and run.predictions(part).exists():
        with contextlib.suppress(DataError):  # a damaged file is made again
            stored = Prediction.load(run.predictions(part))
            same = np.array_equal(stored.ids, usable) and np.array_equal(stored.targets, answers[kept])
            if same and stored.weights == weights:
                return stored
    made = predict.on_catalog(member.classifier, member.header, catalog, usable, progress=progress)
    return replace(made, weights=weights)


def _thresholds(run: runs.Run, member: predict.Member, validation: Prediction, rule: str) -> dict[str, float]:
    """The stored thresholds; or those of the rule, which are then stored unless a training still writes the checkpoint."""
    if member.header.thresholds and not rule:
        return dict(member.header.thresholds)
    thresholds = choose_thresholds(validation, rule or "youden")
    if not run.busy():
        checkpoints.set_thresholds(member.path, thresholds)
    return thresholds


def _check_elsewhere(run: runs.Run, on: str, project: Path) -> None:
    """Refuse what is no other project. Raises `DataError`."""
    if not (project / "catalog.sqlite").is_file():
        raise DataError(f"'{on}' is neither a part nor a project", remedy=did_you_mean(on, _PARTS))
    if project.resolve() == run.project.resolve():
        raise DataError(
            "The network was trained in this very project",
            where=on,
            remedy="Judge it on its sealed part (--on test) or on a project with other images.",
        )


def _learned_from(run: runs.Run, catalog: Catalog) -> frozenset[str]:
    """Content digests of the images that training and the choice of epoch and thresholds have seen."""
    parts = run.split()["parts"]
    seen = np.array([*parts.get("train", []), *parts.get("validation", [])], np.int64)
    return frozenset(digest for _, digest in catalog.files(np.intersect1d(seen, catalog.ids(Filter(excluded=None)))))


def _notes_of_copies(known: int) -> list[str]:
    images = "1 image is an exact copy" if known == 1 else f"{known} images are exact copies"
    return [f"{images} of what the network was trained or tuned on: left out."] if known else []


def _external(member: predict.Member, project: Path, seen: frozenset[str], progress: Progress | None) -> tuple[Prediction, int]:
    """Predict all labelled images of another project that states the same findings, without copies of images `seen`.

    Returns the number of those copies too.
    """
    with Catalog.open(project) as catalog:
        known = catalog.findings()
        missing = [name for name in member.header.findings if name not in known]
        if len(missing) == len(member.header.findings):
            raise DataError(
                f"This project states none of the findings that the run knows ({', '.join(member.header.findings)})",
                where=project,
                remedy=f"It states {', '.join(known) or 'none'}; import its images again with these names (--labels).",
            )
        ids = catalog.ids()
        targets = dataset.targets(catalog, ids, member.header.findings)
        ids = ids[dataset.usable(targets, member.header.task)]
        new = np.array([digest not in seen for _, digest in catalog.files(ids)], bool)
        found = predict.on_catalog(member.classifier, member.header, catalog, ids[new], progress=progress)
        return found, int((~new).sum())


def _notes_of_split(run: runs.Run, part: str) -> list[str]:
    """What the split itself has to say about figures on a part."""
    if part == "validation":
        return ["Epoch and thresholds were chosen on these images: the figures flatter. Judge on the test part, once."]
    if part == "train":
        return ["The network has learned these very images: the figures say how well it remembers, not how well it reads."]
    return [str(warning) for warning in run.split().get("warnings", [])] if part == "test" else []
