"""Judge a run: predict a part of its split or another project, thresholds from validation, keep predictions and figures."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from trainer import checkpoints, coarse, criteria, dataset, devices, judgement, levels, predict, runs, truths
from trainer.catalog import Catalog, Filter, project_folder
from trainer.errors import DataError, Progress, command_line, counted, did_you_mean
from trainer.judgement import choose_thresholds, evaluate
from trainer.model_card import Origin
from trainer.results import Evaluation, Prediction

__all__ = ["choose_thresholds", "evaluate", "run"]

_PARTS = MappingProxyType({"val": "validation", "validation": "validation", "test": "test", "train": "train"})


@dataclass(frozen=True, eq=False)
class _Asked:
    """The network, what it is asked, and at which level of the tree of findings (0: at that which it has learned)."""

    member: predict.Member
    question: truths.Question
    level: int = 0

    @classmethod
    def at(cls, member: predict.Member, level: int) -> "_Asked":
        """What is asked at a level. Raises `ConfigError` where the findings have nothing coarser."""
        own = truths.of_header(member.header)
        if not level:
            return cls(member, own)
        names = coarse.findings(own.findings, level, own.kind)
        return cls(member, truths.at_level(own, names, level), level)

    def predicted(self, catalog: Catalog, ids: NDArray[np.int64], progress: Progress | None) -> Prediction:
        """Predict images; at a level with the answers of that level."""
        made = predict.on_catalog(self.member.classifier, self.member.header, catalog, ids, progress=progress)
        if not self.level:
            return made
        return coarse.of(made, self.question.findings, truths.answers(catalog, made.ids, self.question))

    def frequencies(self, catalog: Catalog, train: NDArray[np.int64]) -> Mapping[str, float]:
        """Share of yes among the training images, by finding."""
        if not self.level:
            return self.member.header.frequencies
        return dataset.frequencies(truths.asked(catalog, train, self.question)[1], self.question.findings)

    def notes(self, project: Path, ids: NDArray[np.int64]) -> tuple[str, ...]:
        """How coarse figures were made, and what of these images counts there though nobody taught it."""
        if not self.level:
            return ()
        fine, question = self.member.header.findings, self.question
        with Catalog.open(project) as catalog:
            unknown = truths.beyond(catalog, ids, fine, question.findings)
        return (*coarse.notes(fine, question.findings, self.level, question.kind), *unknown)


def run(
    folder: Path,
    *,
    on: str = "val",
    rule: str = "",
    level: int = 0,
    draws: int = 1000,
    device: str = "auto",
    progress: Progress | None = None,
) -> Evaluation:
    """Judge the best checkpoint of a run on a part of its own split ("train", "val", "test") or on another project (its path).

    Thresholds come from validation: those stored with the checkpoint, or by `rule` (see `curves.operating_point`; "" with none
    stored: as the run wants them, `criteria.rules`), which are then stored. At a `level` (1: the first step of each path) fine
    findings are judged as the coarse ones above them, with thresholds of their own that are not stored. An evaluation on the
    test part is counted. Writes the evaluation and the predictions it rests on into the run folder. Raises `RunError`,
    `ConfigError`, `DataError`, `WeightsError`, `StorageError`.
    """
    found = runs.find(folder)
    part = _PARTS.get(on, on)
    elsewhere = project_folder(Path(on))
    if part not in _PARTS.values():
        _check_elsewhere(found, on, elsewhere)
    chosen = devices.choose(device)
    devices.prepare(0, only=True)
    asked = _Asked.at(predict.member(found.folder, chosen), level)
    member = asked.member
    known = unseen = 0
    with Catalog.open(found.project) as catalog:
        validation, lost = _own_part(found, asked, catalog, "validation", progress)
        thresholds, origins = _thresholds(found, asked, validation, rule)
        frequencies = asked.frequencies(catalog, _ids(found, "train"))
        if part in _PARTS.values():
            prediction = validation
            if part != "validation":
                prediction, lost = _own_part(found, asked, catalog, part, progress)
            unseen = dataset.views_left_out(catalog, _ids(found, part), member.header.views)
        else:
            prediction, lost, known, unseen = _external(asked, elsewhere, _learned_from(found, catalog), progress)
    if not len(prediction.ids):
        raise _nothing_to_judge(found, part, lost)
    digest = member.header.split_digest
    told = asked.notes(found.project if part in _PARTS.values() else elsewhere, prediction.ids)
    made = evaluate(
        prediction,
        thresholds,
        run=found.name,
        part=_named(part if part in _PARTS.values() else f"external: {elsewhere.stem}", level, ", level "),
        test_openings=runs.record_opening(found.project, found.name, digest)
        if part == "test"
        else runs.openings(found.project, digest),
        draws=draws,
        frequencies=frequencies,
        notes=[*told, *_notes_of(known, lost, unseen), *judgement.notes(found, part, validation, thresholds, origins)],
        progress=progress,
    )
    name = _named(part if part in _PARTS.values() else f"external-{elsewhere.stem}", level, "-level")
    prediction.save(found.predictions(name))
    made.save(found.evaluation(name))
    return made


def _named(part: str, level: int, sign: str) -> str:
    return f"{part}{sign}{level}" if level else part


def _nothing_to_judge(run: runs.Run, part: str, lost: int) -> DataError:
    moved = f"Say where they are now: {command_line('relocate', run.project, 'NEW')}"
    what = f"The {part} part has no images that can be judged"
    return DataError(what, where=run.folder, remedy=moved if lost else "Choose another part or split.")


def _own_part(run: runs.Run, asked: _Asked, catalog: Catalog, part: str, progress: Progress | None) -> tuple[Prediction, int]:
    """Predict a part of the run's own split; and the number of images left out, whose files are gone or hold others now.

    The prediction kept by training serves while it belongs to the same weights, images and labels: what was excluded or
    relabelled since must not stand in the figures.
    """
    weights = checkpoints.weights_digest(asked.member.path)
    usable, answers = dataset.asked(catalog, _ids(run, part), asked.question)
    if part == "validation" and not asked.level and run.predictions(part).exists():
        with contextlib.suppress(DataError):  # a damaged file is made again
            stored = Prediction.load(run.predictions(part))
            same = np.array_equal(stored.ids, usable) and np.array_equal(stored.targets, answers)
            if same and stored.weights == weights:
                return stored, 0
    made = asked.predicted(catalog, usable, progress)
    return replace(made, weights=weights), len(usable) - len(made.ids)


def _ids(run: runs.Run, part: str) -> NDArray[np.int64]:
    return np.array(run.split()["parts"].get(part, []), np.int64)


def _thresholds(
    run: runs.Run, asked: _Asked, validation: Prediction, rule: str
) -> tuple[dict[str, float], Mapping[str, Origin]]:
    """The stored thresholds; or those of the rule, which are then stored unless a training still writes the checkpoint.

    At a level they are chosen anew each time: none are stored for it.
    """
    member = asked.member
    stored = {} if asked.level else member.header.thresholds
    if stored and not rule:
        return dict(stored), member.header.origins
    header = member.header
    names = asked.question.findings
    rules = dict.fromkeys(names, rule) if rule else criteria.rules(criteria.of_settings(header.settings), names)
    thresholds = choose_thresholds(validation, rules)
    openings = runs.openings(run.project, header.split_digest) if stored else 0
    origins = {name: Origin(one, openings) for name, one in rules.items()}
    if not asked.level and not run.busy():
        checkpoints.set_thresholds(member.path, thresholds, origins)
    return thresholds, origins


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


def _notes_of(copies: int, lost: int, unseen: int) -> Iterator[str]:
    """What was left out, and why."""
    if copies:
        words = "1 image is an exact copy" if copies == 1 else f"{copies} images are exact copies"
        yield f"{words} of what the network was trained or tuned on: left out."
    if lost:
        what = f"{counted(lost, 'image')} could not be judged: {'its file is' if lost == 1 else 'their files are'}"
        yield f"{what} gone, unreadable, or replaced by another since the import."
    if unseen:
        words = "1 image is" if unseen == 1 else f"{unseen} images are"
        yield f"{words} lateral or of another view that is not frontal, which the network has not learned from: left out."


def _external(
    asked: _Asked, project: Path, seen: frozenset[str], progress: Progress | None
) -> tuple[Prediction, int, int, int]:
    """Predict all labelled images of another project that states the same findings, without copies of images `seen`.

    Returns the numbers of images whose files are gone or hold others now, of those copies, and of those of other views too.
    """
    with Catalog.open(project) as catalog:
        known, question = catalog.findings(), asked.question
        if not levels.stated(known, question.findings, question.level):
            raise DataError(
                f"This project states none of the findings that the run knows ({', '.join(question.findings)})",
                where=project,
                remedy=f"It states {', '.join(known) or 'none'}; import its images again with these names (--labels).",
            )
        ids, _ = dataset.asked(catalog, catalog.ids(), question)
        new = np.array([digest not in seen for _, digest in catalog.files(ids)], bool)
        found = asked.predicted(catalog, ids[new], progress)
        unseen = dataset.views_left_out(catalog, catalog.ids(), question.views)
        return found, int(new.sum()) - len(found.ids), int((~new).sum()), unseen
