"""Whether a kept evaluation of a bag still says what is: every change that makes it stale is told, and nothing else."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer import bag_freshness, bag_thresholds, bagging, bags, config, evaluate_bag, runs, thresholds, train
from trainer.bag_results import BagEvaluation
from trainer.bags import Bag
from trainer.catalog import Catalog
from trainer.results import Prediction


@pytest.fixture(scope="module")
def _made(_project: Path, tiny: config.TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Path(shutil.copytree(_project, tmp_path_factory.mktemp("fresh") / "lungs.cxr"))
    settings = config.changed(tiny, {"model.size": 32, "schedule.epochs": 1})
    pair = bagging.run(project, settings, members=2, name="pair").bag
    halves = bagging.run(project, settings, folds=2, name="halves").bag
    evaluate_bag.run(pair, draws=20, device="cpu")
    evaluate_bag.run(halves, on="test", draws=20, device="cpu")
    return project


@pytest.fixture
def pair(_made: Path, tmp_path: Path) -> Bag:
    return bags.find(Path(shutil.copytree(_made, tmp_path / "fresh" / "lungs.cxr")) / "bags" / "pair")


def reasons(bag: Bag, part: str = "validation") -> tuple[str, ...]:
    found, kept = BagEvaluation.load(bag.evaluation(part)), bag.predictions(part)
    with Catalog.open(bag.project) as catalog:
        prediction = Prediction.load(kept) if kept.exists() else None
        return bag_freshness.reasons(bag, bag.trained(), found, prediction, part, catalog)


def test_fresh_ones(pair: Bag) -> None:
    assert reasons(pair) == ()
    assert reasons(bags.find(pair.folder.with_name("halves")), "test") == ()


def test_members_that_are_gone_or_renamed(pair: Bag, tmp_path: Path) -> None:
    runs.rename(pair.trained()[1], "another-name")
    assert reasons(pair) == (), "a renamed run is still a member"
    pair.trained()[2].folder.rename(tmp_path / "gone")
    assert reasons(pair) == ("Among these figures, and not there any more as trained members: pair-02.",)


def test_members_that_came_or_learned_on(pair: Bag, tiny: config.TrainConfig) -> None:
    second = pair.trained()[2]
    away = second.folder.rename(second.folder.with_name("away.hidden"))
    (away / "config.json").rename(away / "config.kept")
    found = BagEvaluation.load(pair.evaluation("validation"))
    few = BagEvaluation(**{**vars(found), "members": found.members[:1]})
    few.save(pair.evaluation("validation"))
    (away / "config.kept").rename(away / "config.json")
    away.rename(second.folder)
    assert "Trained since, and not among these figures: pair-02." in reasons(pair)
    found.save(pair.evaluation("validation"))
    other = train.run(pair.project, config.changed(tiny, {"model.size": 32, "schedule.epochs": 1, "seed": 9}), name="other").run
    shutil.copy(runs.Run(other).best, second.best)
    assert "A member has learned on since these figures were made." in reasons(pair)


def test_missing_predictions(pair: Bag) -> None:
    pair.predictions("validation").unlink()
    assert reasons(pair) == ("The predictions that these figures rest on are missing.",)


def test_thresholds_of_the_bag_and_of_folds(pair: Bag) -> None:
    kept = pair.thresholds.read_text("utf-8")
    bag_thresholds.run(pair.folder, changes=["Normal=0.77"], draws=20)
    assert reasons(pair) == (), "it was judged again with them"
    pair.thresholds.write_text(kept, "utf-8")
    assert reasons(pair) == ("The bag carries other thresholds now: Normal.",)
    halves = bags.find(pair.folder.with_name("halves"))
    thresholds.run(halves.trained()[2].folder, changes=["Normal=0.77"], draws=20)
    assert reasons(halves, "test") == ("The networks of the folds carry other thresholds now: Normal.",)


@pytest.mark.parametrize(("name", "part"), [("pair", "validation"), ("halves", "test")])
def test_relabelled_and_excluded_images(pair: Bag, name: str, part: str) -> None:
    bag = bags.find(pair.folder.with_name(name))
    kept = Prediction.load(bag.predictions(part))
    old = kept.findings[int(kept.targets[0].argmax())]
    new = next(one for one in kept.findings if one != old)
    with Catalog.open(bag.project) as catalog:
        catalog.set_labels(kept.ids[:1], old, 0)
        catalog.set_labels(kept.ids[:1], new, 1)
        catalog.set_excluded(np.array(kept.ids[1:2]), True)
    told = reasons(bag, part)
    assert "1 of these images has another label now." in told
    assert any(text.startswith("1 of these images cannot be judged any more") for text in told)
