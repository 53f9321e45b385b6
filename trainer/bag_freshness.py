"""Whether a kept evaluation of a bag still says what is: the same members, weights, thresholds and labels. Without torch."""

from collections.abc import Iterator, Mapping

from trainer import freshness, model_card, pooling, runs
from trainer.bag_results import BagEvaluation, MemberResult, thresholds_of
from trainer.bags import FOLDS, Bag
from trainer.catalog import Catalog
from trainer.results import Evaluation, Prediction

_NO_NETWORK = ""
_ROUNDING = 1e-12
"""A mean of thresholds may differ by the order in which it is added up."""


def reasons(
    bag: Bag,
    trained: Mapping[int, runs.Run],
    found: BagEvaluation,
    prediction: Prediction | None,
    kept_as: str,
    catalog: Catalog | None,
) -> tuple[str, ...]:
    """In words why an evaluation of a bag should be made again; () if it need not be.

    `trained` are the members that are trained now (`Bag.trained`), `kept_as` is the part in the names of files ("test",
    "validation-level1"), `catalog` that of the bag's project (None: labels are not compared). Raises `DataError`,
    `WeightsError`, `StorageError`.
    """
    return tuple(_reasons(bag, trained, found, prediction, kept_as, catalog))


def _reasons(
    bag: Bag,
    trained: Mapping[int, runs.Run],
    found: BagEvaluation,
    prediction: Prediction | None,
    kept_as: str,
    catalog: Catalog | None,
) -> Iterator[str]:
    told = list(_of_members(trained, found.members))
    yield from told
    if prediction is None:
        yield "The predictions that these figures rest on are missing."
        return
    if not told and prediction.weights not in (_NO_NETWORK, *_weights(trained, found.members)):
        yield "A member has learned on since these figures were made."
    yield from _judged_since(trained, found, kept_as)
    yield from _of_thresholds(bag, found, kept_as)
    part = found.part.partition(",")[0]
    if catalog is not None and part in freshness.OWN_PARTS and trained:
        header = model_card.read_header(next(iter(trained.values())).best)
        here = [trained[one.number] for one in found.members if one.number in trained]
        ids = sorted({image for run in here for image in run.split()["parts"].get(part, [])})
        yield from freshness.of_labels(prediction, found.part, header, catalog, ids)


def _of_members(trained: Mapping[int, runs.Run], members: tuple[MemberResult, ...]) -> Iterator[str]:
    """Members that were trained since, or are not there any more."""
    judged = {one.number: one.run for one in members}
    if new := [run.name for number, run in trained.items() if number not in judged]:
        yield f"Trained since, and not among these figures: {', '.join(new)}."
    if gone := [name for number, name in judged.items() if number not in trained]:
        yield f"Among these figures, and not there any more as trained members: {', '.join(gone)}."


def _weights(trained: Mapping[int, runs.Run], members: tuple[MemberResult, ...]) -> tuple[str, str]:
    """What predictions of these members are marked with now; on another project they carry no weights each."""
    each = [model_card.weights_digest(trained[one.number].best) for one in members]
    return pooling.digest(each), pooling.digest([_NO_NETWORK] * len(each))


def _judged_since(trained: Mapping[int, runs.Run], found: BagEvaluation, kept_as: str) -> Iterator[str]:
    """Members whose own evaluation says other figures now than stand in the table, or decides otherwise on pooled images."""
    paths = {one.number: trained[one.number].evaluation(kept_as) for one in found.members if one.number in trained}
    now = {number: Evaluation.load(path) for number, path in paths.items() if path.exists()}
    others = [one for one in found.members if one.number in now and dict(now[one.number].metrics) != dict(one.metrics)]
    if others:
        yield f"Judged again since, with other figures: {', '.join(trained[one.number].name for one in others)}."
    if found.kind == FOLDS and len(now) == len(found.members):
        moved = [
            name
            for name, result in found.evaluation.findings.items()
            if abs(sum(one.findings[name].threshold for one in now.values()) / len(now) - result.threshold) > _ROUNDING
        ]
        if moved:
            yield f"The networks of the folds carry other thresholds now: {', '.join(moved)}."


def _of_thresholds(bag: Bag, found: BagEvaluation, kept_as: str) -> Iterator[str]:
    """What the bag itself decides by, if it was chosen anew; those of a level are never kept."""
    kept = thresholds_of(bag) if found.kind != FOLDS and "-level" not in kept_as else None
    judged = found.evaluation.findings
    moved = (
        [name for name, value in kept.thresholds.items() if name in judged and judged[name].threshold != value] if kept else []
    )
    if moved:
        yield f"The bag carries other thresholds now: {', '.join(moved)}."
