"""Fine findings judged as the coarse ones above them: probabilities, answers, thresholds, files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer import coarse, config, evaluate, freshness, predict, runs, train, truths
from trainer.catalog import Catalog
from trainer.curves import Sweep, operating_point
from trainer.errors import ConfigError
from trainer.model_card import read_header
from trainer.results import Evaluation, Prediction

from .judged_runs import written
from .makers import entry

FINE = ("Pneumonia/Viral/COVID-19", "Pneumonia/Viral/SARS", "Pneumonia/Bacterial/Klebsiella", "No Finding")
P = np.array([[0.3, 0.2, 0.1, 0.4], [0.1, 0.0, 0.6, 0.3]], np.float32)


def _prediction(task: str = "multi-class", findings: tuple[str, ...] = FINE, p: np.ndarray = P) -> Prediction:
    targets = np.eye(len(findings), dtype=np.int8)[: len(p)]
    return Prediction(np.arange(len(p)), findings, p, targets, ("a", "b")[: len(p)], task)


@pytest.mark.parametrize(
    ("level", "names", "sums", "largest"),
    [
        (1, ("Pneumonia", "No Finding"), [[0.6, 0.4], [0.7, 0.3]], [[0.3, 0.4], [0.6, 0.3]]),
        (
            2,
            ("Pneumonia/Viral", "Pneumonia/Bacterial", "No Finding"),
            [[0.5, 0.1, 0.4], [0.1, 0.6, 0.3]],
            [[0.3, 0.1, 0.4], [0.1, 0.6, 0.3]],
        ),
    ],
)
def test_probabilities_by_hand(level: int, names: tuple[str, ...], sums: list[list[float]], largest: list[list[float]]) -> None:
    assert coarse.findings(FINE, level, "multi-class") == names
    np.testing.assert_allclose(coarse.probabilities(_prediction(), names), sums, atol=1e-6)
    np.testing.assert_allclose(coarse.probabilities(_prediction("multi-label"), names), largest, atol=1e-6)


def test_sums_stay_probabilities() -> None:
    p = np.full((1, 4), 0.25, np.float32)
    p[0, 0] = np.nextafter(np.float32(0.25), np.float32(1))
    made = coarse.probabilities(_prediction(p=p), ("Pneumonia", "No Finding"))
    assert made.dtype == np.float32
    assert made.max() <= 1
    every = coarse.probabilities(_prediction(p=np.full((1, 4), 0.3, np.float32)), ("Pneumonia",))
    assert every.tolist() == [[pytest.approx(0.9)]]


def test_a_finding_of_its_own_counts_with_those_below_it() -> None:
    names = ("Pneumonia", "Pneumonia/Viral", "No Finding")
    made = coarse.probabilities(_prediction("multi-label", names, P[:, [0, 2, 3]]), ("Pneumonia", "No Finding"))
    np.testing.assert_allclose(made, [[0.3, 0.4], [0.6, 0.3]], atol=1e-6)


def test_what_is_no_coarser_is_refused() -> None:
    with pytest.raises(ConfigError, match="lies below level 3"):
        coarse.findings(FINE, 3, "multi-class")
    with pytest.raises(ConfigError, match="nothing to tell apart"):
        coarse.findings(FINE[:3], 1, "multi-class")
    assert coarse.findings(FINE[:3], 1, "multi-label") == ("Pneumonia",)


def test_the_levels_that_are_offered() -> None:
    assert coarse.offered(FINE, "multi-class") == {
        1: ("Pneumonia", "No Finding"),
        2: ("Pneumonia/Viral", "Pneumonia/Bacterial", "No Finding"),
    }
    assert coarse.offered(FINE[:3], "multi-class") == {2: ("Pneumonia/Viral", "Pneumonia/Bacterial")}, "level 1 is one finding"
    assert coarse.offered(("Effusion", "Nodule"), "multi-label") == {}
    assert coarse.offered(("Pneumonia", "Pneumonia/Viral", "Clear"), "multi-class") == {1: ("Pneumonia", "Clear")}


def test_the_notes_say_how_and_what_is_lost() -> None:
    told = coarse.notes(("Pneumonia", *FINE), ("Pneumonia/Viral", "Pneumonia/Bacterial", "No Finding"), 2, "multi-class")
    assert "is the sum of those below it" in told[0]
    assert told[1] == "Too coarse for level 2, and part of none of its findings: Pneumonia."
    assert "the largest" in coarse.notes(FINE, ("Pneumonia", "No Finding"), 1, "multi-label")[0]


# In a run


@pytest.fixture
def fine(project: Path, tiny: config.TrainConfig) -> runs.Run:
    """A run on a tree of two steps, of drawn images that were renamed."""
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        labels = catalog.labels(ids, ("Normal", "Lobar pneumonia", "Pleural effusion"))
        for k, name in enumerate(("Clear", "Ill/Pneumonia", "Ill/Effusion")):
            for value in (0, 1):
                catalog.set_labels(ids[labels[:, k] == value], name, value)
        catalog.set_labels(ids[labels[:, 0] == 1], "Ill", 0)
        catalog.set_labels(ids[labels[:, 0] == 0], "Ill", 1)
    names = "Clear,Ill/Pneumonia,Ill/Effusion"
    settings = config.changed(tiny, {"task.findings": names, "schedule.epochs": 1, "model.size": 32})
    return runs.find(train.run(project, settings, name="fine").run)


def test_a_fine_run_is_judged_coarsely(fine: runs.Run) -> None:
    made = evaluate.run(fine.folder, on="test", level=1, draws=20)
    assert (made.part, made.test_openings) == ("test, level 1", 1)
    assert set(made.findings) == {"Clear", "Ill"}
    assert made.confusion is not None
    kept = Prediction.load(fine.predictions("test-level1"))
    member = predict.opened([fine.folder], device="cpu")[0]
    with Catalog.open(fine.project) as catalog:
        whole = predict.on_catalog(member.classifier, member.header, catalog, kept.ids)
        validation = predict.on_catalog(
            member.classifier, member.header, catalog, np.array(fine.split()["parts"]["validation"], np.int64)
        )
        np.testing.assert_array_equal(kept.targets, catalog.labels(kept.ids, ("Clear", "Ill")))
        np.testing.assert_allclose(kept.probabilities[:, 1], whole.probabilities[:, 1:].sum(1), atol=1e-6)
        sweep = Sweep(catalog.labels(validation.ids, ("Ill",))[:, 0], coarse.probabilities(validation, ("Ill",))[:, 0])
    assert made.findings["Ill"].threshold == pytest.approx(operating_point("youden")(sweep))
    assert read_header(fine.best).thresholds == {}, "thresholds of coarse findings do not belong to the network"
    assert any("Judged at level 1" in warning for warning in made.warnings)
    assert Evaluation.load(fine.evaluation("test-level1")) == made
    assert not fine.evaluation("test").exists()
    base = made.baselines["always Ill"]
    assert base.basis == "training labels"
    again = evaluate.run(fine.folder, on="test", level=1, draws=20)
    assert any("has been opened 2 times" in warning for warning in again.warnings)
    assert freshness.OWN_PARTS == ("train", "validation", "test")


def test_the_report_shows_the_coarse_figures_beside_the_fine_ones(fine: runs.Run) -> None:
    evaluate.run(fine.folder, on="test", draws=10)
    evaluate.run(fine.folder, on="val", level=1, draws=10)
    evaluate.run(fine.folder, on="test", level=1, draws=10)
    text = written(fine).text
    assert "On the test, level 1 part" in text
    assert "On the validation, level 1 part" in text
    assert text.count("judged by the coarse findings above those that were learned") == 2
    assert "Figures on validation flatter" not in text, "the fine test part is what the page begins with"


TWO_TREES = ("Lesion/Nodule", "Opacity/Consolidation", "Opacity/Infiltrate")
CROSSED = np.array([[1, 0, 0], [1, -1, -1], [-1, 0, 0], [0, 1, 0], [0, 0, 0], [-1, -1, 1]], np.int8)
"""Answers for `TWO_TREES`, of which the first is said to imply the second."""


def _catalog(path: Path, source: Path, names: tuple[str, ...], stated: np.ndarray) -> Catalog:
    made = Catalog.create(path)
    rows = [
        entry(number, view="PA", labels={name: int(value) for name, value in zip(names, row, strict=True) if value >= 0})
        for number, row in enumerate(stated)
    ]
    made.store(source, rows, findings=names)
    return made


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ([0, 1, 2], [[1, 1], [1, 1], [0, 0], [0, 1], [0, 0], [-1, 1]]),
        ([0, 2], [[1, 1], [1, 1], [-1, 0], [0, 0], [0, 0], [-1, 1]]),
    ],
    ids=["all stated", "the implied one is not known here"],
)
@pytest.mark.parametrize("learned", [0, 2])
def test_what_fine_findings_imply_counts_for_the_coarse_ones(
    tmp_path: Path, source: Path, kept: list[int], expected: list[list[int]], learned: int
) -> None:
    """By hand: a nodule is an opacity too, also where the opacities were denied; without any opacity there is no nodule."""
    task = config.Task(kind="multi-label", level=learned, implies=("Lesion/Nodule > Opacity/Consolidation",))
    own = truths.of_task(task, TWO_TREES)
    with _catalog(tmp_path / "two.cxr", source, tuple(TWO_TREES[k] for k in kept), CROSSED[:, kept]) as catalog:
        asked = truths.at_level(own, ("Lesion", "Opacity"), 1)
        assert truths.answers(catalog, catalog.ids(), asked).tolist() == expected
        plain = truths.at_level(replace(own, implies=()), ("Lesion", "Opacity"), 1)
        assert truths.answers(catalog, catalog.ids(), plain)[:2, 1].tolist() == [0, -1], "only the implication says it"


def test_what_was_never_learned_and_counts_all_the_same_is_told(tmp_path: Path, source: Path) -> None:
    names = ("Pneumonia", "Pneumonia/Viral", "Pneumonia/Bacterial", "Clear")
    stated = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1], [1, -1, -1, 0]], np.int8)
    with _catalog(tmp_path / "one.cxr", source, names, stated) as catalog:
        ids, coarse_names = catalog.ids(), ("Pneumonia", "Clear")
        (told,) = truths.beyond(catalog, ids, ("Pneumonia/Viral", "Clear"), coarse_names)
        assert told.startswith("1 of 5 images shows only what the network has not learned (Pneumonia/Bacterial)")
        assert truths.beyond(catalog, ids, ("Pneumonia/Viral", "Pneumonia/Bacterial", "Clear"), coarse_names) == []
        assert truths.beyond(catalog, ids[[0, 3]], ("Pneumonia/Viral", "Clear"), coarse_names) == []


def test_a_run_on_some_of_the_fine_findings_says_so_at_the_coarse_level(project: Path, tiny: config.TrainConfig) -> None:
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        labels = catalog.labels(ids, ("Normal", "Lobar pneumonia", "Pleural effusion"))
        for k, name in enumerate(("Clear", "Ill/Pneumonia", "Ill/Effusion")):
            for value in (0, 1):
                catalog.set_labels(ids[labels[:, k] == value], name, value)
    settings = config.changed(tiny, {"task.findings": "Clear,Ill/Pneumonia", "schedule.epochs": 1, "model.size": 32})
    run = runs.find(train.run(project, settings, name="some").run)
    assert not any("not learned" in told for told in evaluate.run(run.folder, draws=20).warnings)
    made = evaluate.run(run.folder, draws=20, level=1)
    assert sum("has not learned (Ill/Effusion)" in told for told in made.warnings) == 1


def test_levels_that_a_run_has_not(fine: runs.Run) -> None:
    with pytest.raises(ConfigError, match="lies below level 2"):
        evaluate.run(fine.folder, level=2)
