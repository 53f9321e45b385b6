"""The report on a bag: the run report's page with members beside the whole; its numbers are those of the files."""

import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from trainer import bag_report, bag_thresholds, cli, evaluate_bag, runs
from trainer.bag_results import BagEvaluation
from trainer.bags import Bag
from trainer.errors import RunError
from trainer.results import Prediction

from .judged_runs import Page


def written(bag: Bag) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return bag_report.run(bag.folder).read_text(encoding="utf-8")


def words(text: str) -> str:
    return Page(text).text


def test_the_page_stands_by_itself_and_says_what_the_bag_is(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, draws=20)
    evaluate_bag.run(bag.folder, on="test", draws=20)
    made = written(bag)
    page = Page(made)
    assert not re.search(r"https?:|//[a-z]+\.|@import|@font-face", made)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"} == set()
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    titles = re.findall(r"<h2>(.*?)</h2>", made)
    assert titles == ["1 Data", "2 Configuration", "3 Members", "4 Evaluation", "5 Examples", "6 Limits"]
    text = page.text
    for expected in (
        "Report on the bag “three”",
        "These 3 networks look at one chest radiograph",
        "recipe scratch",
        "three-02 2 ",
        "Epochs 1 ",
        "Digest of the weights",
        str(runs.Run(bag.trained()[1].folder).split()["digest"]),
        "Each member beside the whole",
        "Openings of the test part so far: 4",
        "the mean of the maps of all members",
        "Thresholds of the averaged prediction",
        "(youden, on validation)",
    ):
        assert expected in text
    assert "Pooled" not in text
    assert "member 1" not in text, "settings are those of all members"
    for part in ("validation", "test"):
        for warning in BagEvaluation.load(bag.evaluation(part)).evaluation.warnings:
            assert " ".join(warning.split()) in text


def test_the_figures_are_those_of_the_averaged_prediction(bag: Bag) -> None:
    found = evaluate_bag.run(bag.folder, on="test", draws=20)
    text = words(written(bag))
    each = [Prediction.load(run.predictions("test")) for run in bag.trained().values()]
    mean = np.mean([one.probabilities for one in each], axis=0, dtype=np.float64)
    truth, said = each[0].targets.argmax(1), mean.argmax(1)
    macro = f1_score(truth, said, average="macro", labels=[0, 1, 2])
    value = found.evaluation.metrics["macro_f1"]
    assert f"Macro F1 {macro:.3f} ({value.low:.3f} to {value.high:.3f})" in text
    assert f"Accuracy {accuracy_score(truth, said):.3f} (" in text
    of_members = [accuracy_score(truth, one.probabilities.argmax(1)) for one in each]
    assert f"Accuracy {np.mean(of_members):.3f} ± {np.std(of_members, ddof=1):.3f}" in text
    for one, accuracy in zip(found.members, of_members, strict=True):
        assert re.search(rf"{one.run} {one.seed} {one.images} {accuracy:.3f} \(", text)
    spread = np.std([one.probabilities for one in each], axis=0, ddof=1).mean(0)
    for name, value_ in zip(each[0].findings, spread, strict=True):
        assert f"{name} {value_:.3f}" in text
    differ = np.mean([len({int(one.probabilities[row].argmax()) for one in each}) > 1 for row in range(len(truth))])
    assert f"decide differently on {100 * differ:.1f} % of the images" in text


def test_a_cross_validation_says_what_pooled_means(crossed: Bag) -> None:
    evaluate_bag.run(crossed.folder, on="test", draws=20)
    text = words(written(crossed))
    for expected in (
        "Report on the cross-validation “cv”",
        "Cross-validation, pooled: the images are divided into 3 folds by patient; each network has learned without one fold",
        "Digest of cv-fold2",
        "Images with cv-fold1 cv-fold2 cv-fold3",
        "All, pooled",
        "no confidence interval",
        "of the one network that has not learned from the image",
        "which for each image is that of its own network",
    ):
        assert expected in text
    assert "cxr-trainer evaluate BAG --on val" not in text, "folds have no common validation part"
    pooled = [Prediction.load(run.predictions("test")) for run in crossed.trained().values()]
    right = sum(int((one.probabilities.argmax(1) == one.targets.argmax(1)).sum()) for one in pooled)
    assert f"Accuracy {right / sum(len(one.ids) for one in pooled):.3f} (" in text


def test_what_is_missing_is_said_in_its_place(bag: Bag) -> None:
    text = words(written(bag))
    assert "It has not been judged yet." in text
    assert "cxr-trainer evaluate BAG --on test" in text
    assert "They have not been chosen for these members yet" in text
    evaluate_bag.run(bag.folder, draws=20)
    shutil.rmtree(bag.trained()[2].folder)
    text = words(written(bag))
    assert "Only 2 of 3 members are trained" in text
    assert "three-02 2 " in text
    assert "Not begun." in text
    assert "Validation: Among these figures, and not there any more as trained members: three-02." in text
    for run in bag.trained().values():
        shutil.rmtree(run.folder)
    with pytest.raises(RunError, match="No member of this bag is trained yet, so there is nothing to report"):
        bag_report.run(bag.folder)


def test_a_cross_validation_that_is_not_judged_says_so(crossed: Bag) -> None:
    assert "This cross-validation has not been judged on its folds" in words(written(crossed))


def test_figures_of_other_thresholds_are_told(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, draws=20)
    kept = bag_thresholds.run(bag.folder)
    levels = {**kept.thresholds, "Normal": 0.9}
    bag_thresholds.keep(bag, bag_thresholds.Kept(levels, kept.origins, bag_thresholds.weights(bag.trained().values())))
    assert "The bag carries other thresholds now: Normal." in words(written(bag))


def test_folds_whose_thresholds_have_moved_show_no_examples(crossed: Bag) -> None:
    evaluate_bag.run(crossed.folder, on="test", draws=20)
    assert cli.main(["thresholds", str(crossed.trained()[1].folder), "--set", "Normal=0.99"]) == 0
    assert "The folds decide otherwise now than when these figures were made." in words(written(crossed))


def test_without_the_project_the_sizes_are_known(bag: Bag) -> None:
    evaluate_bag.run(bag.folder, draws=20)
    (bag.project / "catalog.sqlite").unlink()
    text = words(written(bag))
    assert "The bag's project cannot be read" in text
    assert "Only the sizes of the parts are known, from the bag's own copy of the split." in text


def test_the_same_bag_gives_the_same_bytes_wherever_it_is_written(bag: Bag, tmp_path: Path) -> None:
    evaluate_bag.run(bag.folder, draws=20)
    first = bag_report.run(bag.folder, out=tmp_path / "one.html").read_bytes()
    assert bag_report.run(bag.folder, out=tmp_path / "two.html").read_bytes() == first
    assert not (bag.folder / "report.html").exists()
