"""Whether figures are still those of the weights, thresholds and labels: every way in which they can grow old."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from trainer import freshness, model_card, runs
from trainer.catalog import Catalog
from trainer.results import Evaluation, Prediction

from .judged_files import judged_run, network


@pytest.fixture(params=["multi-class", "multi-label"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> runs.Run:
    return judged_run(tmp_path, request.param)


@pytest.fixture
def catalog(run: runs.Run) -> Iterator[Catalog]:
    with Catalog.open(run.project) as opened:
        yield opened


def told(run: runs.Run, catalog: Catalog | None) -> str:
    kept = run.predictions("validation")
    return " ".join(
        freshness.reasons(
            Evaluation.load(run.evaluation("validation")),
            Prediction.load(kept) if kept.exists() else None,
            model_card.read_header(run.best),
            model_card.weights_digest(run.best),
            catalog,
            run,
        )
    )


def ids(run: runs.Run) -> np.ndarray:
    return Prediction.load(run.predictions("validation")).ids


def test_what_was_just_made_is_fresh(run: runs.Run, catalog: Catalog) -> None:
    assert told(run, catalog) == ""


def test_other_weights(run: runs.Run, catalog: Catalog) -> None:
    before = model_card.read_header(run.best)
    network(run, before.findings, before.task, weight=3.0)
    assert told(run, catalog) == "The network has learned on since these figures were made."


def test_other_thresholds_are_named(run: runs.Run, catalog: Catalog) -> None:
    header = model_card.read_header(run.best)
    first = header.findings[0]
    model_card.set_thresholds(run.best, {**header.thresholds, first: 0.987})
    assert told(run, catalog) == f"The model carries other thresholds now: {first}."


def test_relabelled_images_are_counted(run: runs.Run, catalog: Catalog) -> None:
    header = model_card.read_header(run.best)
    some, answers = ids(run)[:2], catalog.labels(ids(run)[:2], header.findings)
    for image, row in zip(some, answers, strict=True):
        old = int(row.argmax())
        catalog.set_labels([image], header.findings[old], 0)
        catalog.set_labels([image], header.findings[(old + 1) % 3], 1)
    assert told(run, catalog) == "2 of these images have another label now."


def test_excluded_images_are_counted_and_come_back(run: runs.Run, catalog: Catalog) -> None:
    catalog.set_excluded(ids(run)[:1], True)
    assert told(run, catalog).startswith("1 of these images cannot be judged any more")
    catalog.set_excluded(ids(run)[:1], False)
    assert told(run, catalog) == ""


def test_images_that_were_not_judged_are_counted(run: runs.Run, catalog: Catalog) -> None:
    kept = Prediction.load(run.predictions("validation"))
    kept.take(np.arange(3, len(kept.ids))).save(run.predictions("validation"))
    assert told(run, catalog).startswith("3 images of this part cannot be found in these figures")


def test_without_its_project_the_labels_are_not_compared(run: runs.Run, catalog: Catalog) -> None:
    catalog.set_excluded(ids(run)[:1], True)
    assert told(run, None) == ""


def test_missing_predictions(run: runs.Run, catalog: Catalog) -> None:
    run.predictions("validation").unlink()
    assert "missing" in told(run, catalog)


def test_predictions_of_another_network(run: runs.Run, catalog: Catalog) -> None:
    kept = Prediction.load(run.predictions("validation"))
    dataclasses.replace(kept, findings=("A", "B", "C")).save(run.predictions("validation"))
    assert told(run, catalog) == "The predictions are of another network."
