"""What the Evaluate page stands on: a part of a run, or of a bag, with its predictions, sorted once. No Qt; read in a job."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cxr_desktop.evaluation.finding_scores import Scores, scores
from trainer import coarse, freshness, model_card, runs
from trainer.bag_results import BagEvaluation
from trainer.catalog import Catalog
from trainer.curves import Floats, Sweep
from trainer.errors import Progress, TrainerError
from trainer.model_card import Header
from trainer.results import Evaluation, Prediction

AS_LEARNED = 0
_AT_LEVEL = re.compile(r"-level\d+$")


@dataclass(frozen=True, eq=False)
class Whole:
    """What a bag is beside a run. `kind` is "seeds" or "folds", `planned` how many members there are to be.

    `trained` are those that are trained (number -> run), `running` whether a process trains it, `found` its evaluation,
    `carried` the thresholds that it keeps for its averaged prediction ({}: none that fit its members).
    `of_images` is empty but for a pooled prediction: finding -> float64 [N], the thresholds of the network of each image.
    """

    kind: str
    planned: int
    trained: Mapping[int, runs.Run]
    running: bool = False
    found: BagEvaluation | None = None
    carried: Mapping[str, float] = field(default_factory=dict)
    of_images: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def pooled(self) -> bool:
        """Whether each image was predicted by one member only."""
        return self.found is not None and not self.found.averaged


@dataclass(frozen=True, eq=False)
class Judged:
    """A run (or a bag: `run` is its folder then, and `whole` says more) and a part as they are on the disk.

    Without an evaluation or without predictions, what is there is shown. `scores` and `validation` (the sorted predictions on
    validation, from which alone thresholds are chosen) are by finding and empty where the predictions are not those of the
    network. `outdated` says in words why it should be evaluated again, `problem` what could not be read, `openings` how often
    the test part of the run's split was opened, by any run. `level` is that of the tree of findings (0: as learned), `levels`
    are the coarser ones with their findings. `header` is that of the network, of a bag that of its first member.
    """

    run: runs.Run
    part: str
    header: Header | None
    evaluation: Evaluation | None = None
    prediction: Prediction | None = None
    scores: Mapping[str, Scores] = field(default_factory=dict)
    validation: Mapping[str, Sweep] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()
    openings: int = 0
    problem: TrainerError | None = None
    level: int = AS_LEARNED
    levels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    whole: Whole | None = None

    @property
    def thresholds(self) -> dict[str, float]:
        """Those that the model, or the bag, carries; where it carries none, and at a level, those of the evaluation."""
        carried = self.whole.carried if self.whole is not None else self.header.thresholds if self.header is not None else {}
        if carried and not self.level:
            return dict(carried)
        return {name: one.threshold for name, one in self.evaluation.findings.items()} if self.evaluation else {}

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings in the order of the network."""
        return tuple(self.evaluation.findings) if self.evaluation else ()

    @property
    def kept_as(self) -> str:
        """The part in the names of files: "test", "validation-level1"."""
        return kept_as(self.part, self.level)

    @property
    def where(self) -> str:
        """What is shown, in words: "run first, test, level 1"."""
        level = f", level {self.level}" if self.level else ""
        return f"{'bag' if self.whole else 'run'} {self.run.name}, {part_words(self.part).lower()}{level}"

    @property
    def judgeable(self) -> bool:
        """Whether there is something trained to judge, and nobody trains it now as a bag."""
        return self.header is not None and not (self.whole is not None and self.whole.running)

    @property
    def networks(self) -> tuple[Path, ...]:
        """Folders of the runs whose networks made each prediction; () where each image is of another one, or one is gone."""
        if self.whole is None:
            return (self.run.folder,)
        if self.whole.found is None or self.whole.pooled:
            return ()
        numbers, trained = {one.number for one in self.whole.found.members}, self.whole.trained
        return tuple(trained[number].folder for number in sorted(numbers)) if numbers <= trained.keys() else ()

    def deciding(self, thresholds: Mapping[str, float]) -> Mapping[str, float | Floats]:
        """What decides on each image where these thresholds are shown: in a pooled prediction those of its own network."""
        return self.whole.of_images if self.whole is not None and self.whole.of_images else thresholds


def load(folder: Path, part: str, catalog: Catalog, progress: Progress | None = None, *, level: int = AS_LEARNED) -> Judged:
    """Read a run's evaluation and predictions on a part, at a level of its findings if it has that, and sort them.

    A damaged evaluation is a `problem`, not an error. Raises `RunError`, `WeightsError`, `StorageError`.
    """
    run = runs.find(folder)
    if not run.best.exists():
        return Judged(run, part, None)
    header = model_card.read_header(run.best)
    levels = coarse.offered(header.findings, header.task)
    bare = Judged(run, part, header, openings=runs.openings(run.project, header.split_digest), levels=levels)
    bare = replace(bare, level=level if level in levels else AS_LEARNED)
    name = bare.kept_as
    if not run.evaluation(name).exists():
        return bare
    weights = model_card.weights_digest(run.best)
    try:
        evaluation = Evaluation.load(run.evaluation(name))
        prediction = Prediction.load(run.predictions(name)) if run.predictions(name).exists() else None
        outdated = freshness.reasons(evaluation, prediction, header, weights, catalog, run)
    except TrainerError as error:
        return replace(bare, problem=error)
    return replace(
        with_figures(bare, evaluation, prediction, progress),
        validation={} if bare.level else _validation(run, prediction if part == "validation" else None, header, weights),
        outdated=outdated,
    )


def with_figures(bare: Judged, evaluation: Evaluation, prediction: Prediction | None, progress: Progress | None) -> Judged:
    """The same with its figures, and with its predictions where they are those of the figures."""
    if prediction is None or set(prediction.findings) != set(evaluation.findings):
        return replace(bare, evaluation=evaluation)
    return replace(bare, evaluation=evaluation, prediction=prediction, scores=scores(prediction, evaluation, progress))


def _validation(run: runs.Run, known: Prediction | None, header: Header, weights: str) -> dict[str, Sweep]:
    """The kept predictions on validation, sorted; {} where there are none of these weights."""
    path = run.predictions("validation")
    if known is None and not path.exists():
        return {}
    try:
        kept = known or Prediction.load(path)
    except TrainerError:
        return {}
    if kept.weights != weights or set(kept.findings) != set(header.findings):
        return {}
    return {name: Sweep(kept.targets[:, k], kept.probabilities[:, k]) for k, name in enumerate(kept.findings)}


def kept_as(part: str, level: int) -> str:
    """A part at a level in the names of files."""
    return f"{part}-level{level}" if level else part


def parts(run: runs.Run) -> tuple[str, ...]:
    """The parts that can be shown: validation and test always, others where they were judged, at whichever level."""
    names = {_AT_LEVEL.sub("", path.stem.removeprefix("evaluation-")) for path in run.folder.glob("evaluation-*.json")}
    return ("validation", "test", *sorted(names - {"val", "validation", "test"}))


def levels_of(run: runs.Run, part: str) -> tuple[int, ...]:
    """The levels at which a part was judged, 0 for as learned."""
    found = sorted(int(path.stem.rpartition("-level")[2]) for path in run.folder.glob(f"evaluation-{part}-level*.json"))
    return (*([AS_LEARNED] if run.evaluation(part).exists() else []), *found)


def part_words(part: str) -> str:
    """A part as it is called on the screen."""
    kind, _, name = part.partition("-")
    return f"External: {name}" if kind == "external" else part.capitalize()
