"""Every verb that takes a run, given a bag: as it is meant, and wrongly."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from trainer import bags, cli, evaluate_bag, explain, model_card, predict, recipes
from trainer.bags import Bag
from trainer.results import Prediction


@pytest.fixture
def image(drawn: Path) -> str:
    return str(sorted((drawn / "images" / "Normal").iterdir())[0])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def verbs(path: object, image: str, out: Path) -> list[list[str]]:
    """All verbs on a bag at `path` that change nothing of it."""
    bag = str(path)
    return [
        ["report", bag, "--out", str(out / "report.html")],
        ["thresholds", bag],
        ["evaluate", bag, "--on", "test"],
        ["extract", bag, "--out", str(out)],
        ["explain", bag, image, "--out", str(out)],
        ["predict", bag, image],
        ["watch", bag],
        ["stop", bag],
        ["resume", bag],
        ["recipes", "--save", "of-a-bag", "--from", bag],
    ]


@pytest.mark.parametrize("verb", range(10))
def test_a_name_with_a_typing_error_is_guessed(
    bag: Bag, image: str, tmp_path: Path, verb: int, capsys: pytest.CaptureFixture[str]
) -> None:
    words = verbs(bag.folder.with_name("thre"), image, tmp_path)[verb]
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert "There is no such bag" in said
    assert "Did you mean three?" in said


@pytest.mark.parametrize("verb", range(10))
def test_a_damaged_bag_is_told_by_every_verb(
    bag: Bag, image: str, tmp_path: Path, verb: int, capsys: pytest.CaptureFixture[str]
) -> None:
    (bag.folder / "bag.json").write_text("[]")
    assert cli.main(verbs(f"{bag.folder}/", image, tmp_path)[verb]) == 2
    said = capsys.readouterr().err
    assert "The bag's plan is damaged" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("verb", range(7))
def test_a_bag_without_a_trained_member_says_how_to_go_on(
    bag: Bag, image: str, tmp_path: Path, verb: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in bag.trained().values():
        shutil.rmtree(run.folder)
    words = verbs(bag.folder, image, tmp_path)[verb]
    status = cli.main(words)
    said = capsys.readouterr()
    if words[0] == "watch":
        assert (status, "0 of 3 members trained" in said.out) == (0, True)
    elif words[0] == "extract":
        assert (status, "has not been judged" in said.err) == (2, True)
    else:
        assert status == 2
        assert "trained" in said.err
        assert "cxr-trainer resume" in said.err


def test_a_member_that_is_gone_is_left_out_and_told(
    bag: Bag, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(bag.trained()[2].folder)
    for words in (["predict", str(bag.folder), image], ["explain", str(bag.folder), image, "--out", str(tmp_path / "maps")]):
        assert cli.main(words) == 0
        assert "three: only 2 of 3 members are trained; the others are left out" in capsys.readouterr().err


def test_a_run_of_a_bag_that_is_deleted_stays_a_run(
    bag: Bag, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, _ = (str(run.folder) for run in bag.trained().values())
    shutil.rmtree(bag.folder)
    assert cli.main(["evaluate", one]) == 0
    assert cli.main(["report", one, "--out", str(tmp_path / "one.html")]) == 0
    out = tmp_path / "out.csv"
    assert cli.main(["predict", one, two, image, "--csv", str(out), "--columns", "File,Normal"]) == 0
    assert "chosen for the mean of these 2 networks" in capsys.readouterr().out
    assert cli.main(["evaluate", str(bag.folder)]) == 2
    assert "There is no such bag" in capsys.readouterr().err


def test_a_trailing_slash_and_a_way_round_lead_to_the_bag(bag: Bag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bag.folder)
    for name in (f"{bag.folder}/", ".", f"../{bag.name}/../{bag.name}"):
        assert cli.main(["thresholds", name]) == 0
        assert cli.main(["report", name, "--out", str(tmp_path / "page.html")]) == 0


def test_show_and_watch_tell_of_bags(bag: Bag, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", str(bag.project)]) == 0
    assert "three  3 of 3 members trained (averaged)" in capsys.readouterr().out
    assert cli.main(["show", str(bag.project), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["bags"]
    assert told == {"bag": "three", "kind": "seeds", "state": "finished", "words": "3 of 3 members trained (averaged)"}
    assert cli.main(["watch", str(bag.folder)]) == 0
    said = capsys.readouterr()
    assert all(f"three-0{n}: Epoch 1 of 1" in said.err for n in (1, 2, 3))
    assert "three: 3 of 3 members trained." in said.out
    assert cli.main(["watch", str(bag.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["members"][2] == {"run": "three-03", "state": "finished"}
    (bag.folder / "bag.json").write_text("[]")
    assert cli.main(["show", str(bag.project)]) == 0
    assert "The bag's plan is damaged" in capsys.readouterr().out


def test_the_settings_of_a_bag_become_a_recipe(bag: Bag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "own_folder", lambda: tmp_path / "recipes")
    assert cli.main(["recipes", "--save", "of-a-bag", "--from", str(bag.folder)]) == 0
    kept = recipes.load("of-a-bag")
    assert (kept.settings.model.size, kept.settings.schedule.epochs) == (32, 1)
    assert kept.about == "The settings of the bag three."


def test_figures_of_a_bag_as_files(bag: Bag, tmp_path: Path) -> None:
    found = evaluate_bag.run(bag.folder, on="test", draws=10)
    assert cli.main(["extract", str(bag.folder), "--on", "test", "--out", str(tmp_path), "--kind", "csv", "predictions"]) == 0
    table = rows(tmp_path / "three-test-members.csv")
    assert [row["member"] for row in table] == [
        *("three-01", "three-02", "three-03"), "mean over members", "SD over members", "all, averaged",
    ]  # fmt: skip
    figures = np.array([float(row["accuracy"]) for row in table])
    assert figures[3] == pytest.approx(figures[:3].mean(), abs=1e-5)
    assert figures[4] == pytest.approx(figures[:3].std(ddof=1), abs=1e-5)
    assert figures[5] == pytest.approx(found.evaluation.metrics["accuracy"].value, abs=1e-5)
    whole = Prediction.load(bag.predictions("test"))
    assert [int(row["image"]) for row in rows(tmp_path / "three-test-predictions.csv")] == whole.ids.tolist()


def test_folds_are_called_at_the_thresholds_of_their_networks(
    crossed: Bag, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate_bag.run(crossed.folder, on="test", draws=10)
    words = ["extract", str(crossed.folder), "--on", "test", "--out", str(tmp_path), "--kind", "predictions"]
    assert cli.main(words) == 0
    called = {int(row["image"]): int(row["Normal: called"]) for row in rows(tmp_path / "cv-test-predictions.csv")}
    expected = {}
    for run in crossed.trained().values():
        own, level = Prediction.load(run.predictions("test")), model_card.read_header(run.best).thresholds["Normal"]
        k = own.findings.index("Normal")
        expected |= {int(i): int(float(p) >= level) for i, p in zip(own.ids, own.probabilities[:, k], strict=True)}
    assert called == expected
    assert cli.main(["thresholds", str(crossed.trained()[2].folder), "--set", "Normal=0.999"]) == 0
    capsys.readouterr()
    assert cli.main(words) == 2
    assert "decide otherwise now" in capsys.readouterr().err
    assert cli.main(["extract", str(crossed.folder), "--out", str(tmp_path)]) == 2
    assert "--on test" in capsys.readouterr().err


def test_a_bag_is_explained_by_the_mean_of_its_members(bag: Bag, image: str, tmp_path: Path) -> None:
    (row,) = explain.run(bag.folder, [Path(image)], tmp_path / "bag", finding="Normal", device="cpu")
    networks = bags.networks(bag.folder)
    _, found = predict.run(networks, [Path(image)], device="cpu")
    said = next(found)
    k = model_card.read_header(bag.trained()[1].best).findings.index("Normal")
    assert row["networks"] == 3
    assert row["probability"] == pytest.approx(float(said.probabilities[k]), abs=1e-6)
    each = [explain.run(one, [Path(image)], tmp_path / one.name, finding="Normal", device="cpu")[0] for one in networks]
    assert [one["networks"] for one in each] == [1, 1, 1]
    assert row["maximum"] <= max(one["maximum"] for one in each) + 1e-6
    alone, whole = (np.asarray(Pillow.open(one["overlay"])) for one in (each[0], row))
    assert alone.shape == whole.shape
    assert (alone != whole).any()
