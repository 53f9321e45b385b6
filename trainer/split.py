"""Divide images into train, validation and test: patient by patient, stratified by finding, the same for the same seed.

With patients unknown each image counts as a patient of its own; exact copies of a file always stay together.
Cross-validation: each image stands in the test part of exactly one fold; the validation part of a fold is cut out of its
remaining images as for a single split, so that two folds leave something to train on too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer import files
from trainer.catalog import Catalog
from trainer.errors import ConfigError, DataError
from trainer.records import NO, PARTS, YES, Ids, Split
from trainer.strata import Labels, Places, assign

TEST, VALIDATION = 0.2, 0.1
"""Shares of all images where none are asked for."""
FAR = 0.05
"""A part that misses its share by more is told."""
_TRAIN, _VALIDATION, _TEST, _EXTERNAL = range(4)  # positions in PARTS
_NONE = -1


@dataclass(frozen=True, eq=False)
class _Data:
    """The labelled images of a project; `groups` int64 [N] is equal for images that must stay together."""

    ids: Ids
    labels: Labels
    findings: tuple[str, ...]
    groups: NDArray[np.int64]
    given: Places
    patients: list[str]
    digests: list[str]
    unlabelled: int


def run(
    catalog: Catalog,
    *,
    test: float | None = None,
    val: float | None = None,
    folds: int = 0,
    seed: int = 1,
    name: str = "",
    findings: Sequence[str] = (),
) -> list[Split]:
    """Split the images of a project as `planned` does, save the split and make it, or the first of the folds, active."""
    splits = planned(catalog, test=test, val=val, folds=folds, seed=seed, name=name, findings=findings)
    save(catalog, splits)
    return splits


def save(catalog: Catalog, splits: Sequence[Split]) -> None:
    """Store splits (those of the same names are replaced) and make the first the active one."""
    for split in splits:
        catalog.save_split(split)
    catalog.activate_split(splits[0].name)


def planned(
    catalog: Catalog,
    *,
    test: float | None = None,
    val: float | None = None,
    folds: int = 0,
    seed: int = 1,
    name: str = "",
    findings: Sequence[str] = (),
) -> list[Split]:
    """Split the images of a project that are labelled and not excluded, without saving anything; a list of one.

    With `folds` >= 2 there is one split for each fold. `test` and `val` are shares of all
    images (default 0.2 and 0.1). Parts that the data came with are kept as given, with what they lack cut out of their
    training images, unless `test`, `val` or `folds` is asked for; external images stay external always. What could not be
    had as asked is said in the warnings. `findings` are those that count as labels and are stratified, default all.

    Raises `ConfigError` (shares, folds) and `DataError` (no labels, one finding only, too few patients).
    """
    asked = not (test is None and val is None and folds == 0)
    shares = _checked_shares(test, val, folds, seed)
    data = _read(catalog, tuple(findings) or tuple(catalog.findings()))
    keeps = not asked and bool(np.isin(data.given, (_TRAIN, _VALIDATION, _TEST)).any())
    plans = [_as_given(data, shares, seed)] if keeps else _anew(data, shares, folds, seed)
    title = name or _title(shares, folds, seed, keeps)
    splits = []
    for fold, places in enumerate(plans):
        told = _warnings(data, places, shares if not keeps else None)
        splits.append(
            Split(
                name=f"{title}-fold{fold + 1}" if folds else title,
                parts={part: np.sort(data.ids[places == code]) for code, part in enumerate(PARTS) if (places == code).any()},
                seed=seed,
                rule=_rule(data, keeps),
                folds=folds,
                fold=fold if folds else None,
                digest=_digest(data, places),
                warnings=told,
            )
        )
    return splits


def _checked_shares(test: float | None, val: float | None, folds: int, seed: int) -> tuple[float, float, float]:
    """Shares of train, validation and test. Raises `ConfigError`."""
    if seed < 0:
        raise ConfigError(f"{seed} is no seed", where="--seed", remedy="Choose a whole number from 0.")
    if folds and not 2 <= folds <= 100:
        raise ConfigError(f"{folds} folds cannot be made", where="--folds", remedy="Choose from 2 to 100 folds.")
    if folds and test is not None:
        raise ConfigError(
            "With folds the test share follows from their number", where="--test", remedy="Leave one of them out."
        )
    test = 1 / folds if folds else TEST if test is None else test
    val = VALIDATION if val is None else val
    for option, share in (("--test", test), ("--val", val)):
        if not (math.isfinite(share) and 0 <= share < 1):
            raise ConfigError(f"{share} is no share", where=option, remedy="Choose from 0 to below 1, for example 0.2.")
    if val == 0:
        remedy = "Choose for example 0.1: thresholds and the best epoch are chosen on validation images."
        raise ConfigError("There must be validation images", where="--val", remedy=remedy)
    if test + val > 1 - 1e-9:
        remedy = "Test and validation together must be below 1."
        raise ConfigError("Nothing would be left to train on", where=f"--test {test:g} --val {val:g}", remedy=remedy)
    return 1 - val - test, val, test


def _read(catalog: Catalog, findings: tuple[str, ...]) -> _Data:
    """Read what splitting needs. Raises `DataError` where there is nothing to split."""
    every = catalog.ids()
    labels = catalog.labels(every, findings)
    labelled = (labels >= NO).any(1) if findings else np.zeros(len(every), dtype=np.bool_)
    ids, labels = every[labelled], labels[labelled]
    if len(ids) == 0:
        what = "No image has a label" if len(every) else "The project has no images"
        raise DataError(what, where=catalog.project, remedy="Import images with their findings first.")
    yes, no = (labels == YES).any(0), (labels == NO).any(0)
    if not (yes & no).any() and yes.sum() < 2:
        which = findings[int(yes.argmax())] if yes.any() else ", ".join(findings)
        remedy = "Import images of another finding, or of none, as well."
        raise DataError("All images are labelled alike: there is nothing to tell apart", where=which, remedy=remedy)
    patients, digests = catalog.patients(ids), [str(digest) for digest in catalog.column(ids, "digest")]
    code = {part: place for place, part in enumerate(PARTS)}
    given = np.array([code.get(part, _NONE) for part in catalog.column(ids, "part_given")], dtype=np.int8)
    return _Data(ids, labels, findings, _groups(patients, digests), given, patients, digests, len(every) - len(ids))


def _groups(patients: Sequence[str], digests: Sequence[str]) -> NDArray[np.int64]:
    """Equal numbers for images that a chain of same patients and same contents joins.

    The number is the rank of the smallest digest of the group, so that it depends on what the images are and not on the
    order in which they were imported or on how patients are called.
    """
    known = [patient or f"\0{place}" for place, patient in enumerate(patients)]
    people = np.unique(np.array(known, dtype=object), return_inverse=True)[1]
    contents = np.unique(np.array(digests, dtype=object), return_inverse=True)[1]
    groups: NDArray[np.int64] = contents.astype(np.int64)
    while True:
        before = groups
        for codes in (people, contents):
            smallest = np.full(len(groups), len(groups))
            np.minimum.at(smallest, codes, groups)
            groups = smallest[codes]
        if np.array_equal(groups, before):
            return groups


def _anew(data: _Data, shares: tuple[float, float, float], folds: int, seed: int) -> list[Places]:
    """Part of each image for one split, or for each fold; external images stay where they are."""
    free = _without_kin(data, data.given != _EXTERNAL)
    if not free.any():
        raise DataError("All images are external: nothing is left to train on", remedy="Import images for training as well.")
    labels, groups = data.labels[free], data.groups[free]
    outside = np.where(data.given == _EXTERNAL, _EXTERNAL, _NONE).astype(np.int8)
    if not folds:
        plans = [assign(labels, groups, shares, seed)]
    else:
        fold_of = assign(labels, groups, [1 / folds] * folds, seed)
        plans = [_around(labels, groups, fold_of == fold, shares, [seed, fold]) for fold in range(folds)]
    found = []
    for plan in plans:
        places = outside.copy()
        places[free] = plan
        found.append(places)
    return found


def _around(
    labels: Labels, groups: NDArray[np.int64], test: NDArray[np.bool_], shares: tuple[float, float, float], seed: list[int]
) -> Places:
    """Train and validation for one fold's test images."""
    train, val, _ = shares
    places = np.full(len(labels), _TEST, dtype=np.int8)
    places[~test] = assign(labels[~test], groups[~test], [train / (train + val), val / (train + val)], seed)
    return places


def _as_given(data: _Data, shares: tuple[float, float, float], seed: int) -> Places:
    """Parts as given; images without one train, and missing validation or test parts are cut out of training images."""
    places = data.given.copy()
    places[_without_kin(data, data.given == _NONE, of=data.given > _TRAIN)] = _TRAIN
    pool = places == _TRAIN
    if not pool.any():
        remedy = "Ask for shares to split anew: --test 0.2 --val 0.1."
        raise DataError("The given parts leave nothing to train on", remedy=remedy)
    lacking = [0.0 if (places == part).any() else share for part, share in enumerate(shares)]
    lacking[_TRAIN] = 1 - sum(lacking[1:])
    places[pool] = assign(data.labels[pool], data.groups[pool], lacking, seed)
    return places


def _without_kin(data: _Data, free: NDArray[np.bool_], of: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Free images, but those of a patient who also stands among the others `of`: they can go nowhere without a leak."""
    taken = np.unique(data.groups[~free if of is None else of])
    alone: NDArray[np.bool_] = free & ~np.isin(data.groups, taken)
    return alone


def _rule(data: _Data, keeps: bool) -> str:
    by = "by patient, stratified by finding"
    if not any(data.patients):
        by = "patients unknown: by image, exact duplicates together, stratified by finding"
    if not keeps:
        return by
    lacking = [PARTS[part] for part in (_VALIDATION, _TEST) if not (data.given == part).any()]
    return f"as given; {' and '.join(lacking)} cut out of train {by}" if lacking else "as given"


def _title(shares: tuple[float, float, float], folds: int, seed: int, keeps: bool) -> str:
    if keeps:
        return "as-given"
    parts = f"{folds}-folds" if folds else "-".join(f"{100 * share:.3g}" for share in shares)
    return f"{parts}-seed{seed}"


def _digest(data: _Data, places: Places) -> str:
    """Digest of which content stands in which part; the same whatever the ids, paths and names of patients."""
    lines = sorted(f"{digest} {PARTS[place]}\n" for digest, place in zip(data.digests, places, strict=True) if place != _NONE)
    return files.digest("".join(lines).encode())


def _warnings(data: _Data, places: Places, shares: tuple[float, float, float] | None) -> tuple[str, ...]:
    """What the user must know about a split, in sentences; `shares` None where parts were kept as given."""
    told = [*_told_of_patients(data), *_told_of_leaks(data, places), *_told_of_findings(data, places)]
    out = int((places == _NONE).sum())
    if out:
        told.append(f"{_number(out, 'image')} left out: the same patient stands in a given part already.")
    if data.unlabelled:
        told.append(f"{_number(data.unlabelled, 'image')} left out: no label.")
    inside = (places != _NONE) & (places != _EXTERNAL)
    for part, share in enumerate(shares or ()):
        got = float((places[inside] == part).mean())
        if abs(got - share) > FAR:
            told.append(f"The {PARTS[part]} part has {got:.0%} of the images instead of {share:.0%}: patients stay whole.")
    return tuple(told)


def _told_of_patients(data: _Data) -> list[str]:
    told = []
    unknown = sum(not patient for patient in data.patients)
    if unknown:
        told.append(
            f"The patient of {unknown} of {len(data.patients)} images is unknown: each counts as a patient of its own, "
            "so that one person may stand in several parts."
        )
    copies = len(data.digests) - len(set(data.digests))
    if copies:
        told.append(f"{_number(copies, 'exact copy', 'exact copies')} of other images: copies stay in one part.")
    people = dict.fromkeys(zip(data.groups.tolist(), data.patients, strict=True))
    joined = len([1 for _, patient in people if patient]) - len({group for group, patient in people if patient})
    if joined:
        told.append(f"{_number(joined, 'patient')} joined with another: exact copies of an image stand under both.")
    return told


def _told_of_leaks(data: _Data, places: Places) -> list[str]:
    pairs = np.unique(np.column_stack([data.groups, places])[places != _NONE], axis=0)
    torn = np.unique(pairs[1:, 0][pairs[1:, 0] == pairs[:-1, 0]])
    if len(torn) == 0:
        return []
    names = sorted({data.patients[place] for place in np.flatnonzero(np.isin(data.groups, torn))} - {""})
    example = f" ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})" if names else ""
    seen = _number(len(torn), "patient or copied image", "patients or copied images") + example
    told = f"In more than one of the given parts: {seen}. Results will look better than they are; "
    return [told + "to split anew by patient ask for shares: --test 0.2 --val 0.1."]


def _told_of_findings(data: _Data, places: Places) -> list[str]:
    """Findings that a part of this split is without."""
    told = []
    used = [part for part in range(len(PARTS)) if (places == part).any()]
    for name, column in zip(data.findings, data.labels.T, strict=True):
        yes = (column == YES) & (places != _NONE)
        counts = {PARTS[part]: int((yes & (places == part)).sum()) for part in used}
        if not yes.any():
            told.append(f"{name}: no image in the split has it.")
        elif 0 in counts.values():
            people = _number(len(np.unique(data.groups[yes])), "patient")
            by_part = ", ".join(f"{part} {count}" for part, count in counts.items())
            told.append(f"{name}: {_number(int(yes.sum()), 'image')} of {people}, not in every part ({by_part}).")
    return told


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
