"""Bags in the window: asked for, started, looked at; own recipes beside those of the program."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox
from pytestqt.qtbot import QtBot

from cxr_desktop.evaluation.seal import SealDialog
from cxr_desktop.notices import Notice
from cxr_desktop.pages.training import TrainingPage
from cxr_desktop.project import Project
from cxr_desktop.training import bag_dialog
from cxr_desktop.training.bag_dialog import BagDialog
from cxr_desktop.training.several_dialog import FOLDS, SEEDS, SeveralDialog
from tests.lungs import TINY
from trainer import arguments, bags, recipes
from trainer.bag_results import BagEvaluation, MemberResult, over_members
from trainer.catalog import Catalog
from trainer.judgement import evaluate
from trainer.results import Prediction

PATIENCE = 60_000
CPU = {"name": "cpu", "label": "CPU", "memory": 0, "free": 0}
TRAIN = ["train", "lungs.cxr", "--recipe", "quick", "--set", "seed=3", "--device", "cpu", "--run", "one", "--split", "mine"]


@pytest.fixture
def page(qtbot: QtBot, project: Project) -> Iterator[TrainingPage]:
    project.training.devices = [dict(CPU)]
    made = TrainingPage(project)
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    yield made
    made.close()


# What is asked for


@pytest.mark.parametrize(("kind", "number"), [(SEEDS, ("members", 10)), (FOLDS, ("folds", 5))])
def test_the_dialog_makes_a_command_of_it(qtbot: QtBot, kind: str, number: tuple[str, int]) -> None:
    dialog = SeveralDialog(TRAIN)
    qtbot.addWidget(dialog)
    dialog.kinds.buttons[kind].click()
    options = arguments.parse(dialog.words())
    assert options.verb == "bag"
    assert getattr(options, number[0]) == number[1]
    assert (options.recipe, options.assignments, options.over) == ("quick", ["seed=3"], ["cpu"])
    assert options.split == ("mine" if kind == SEEDS else "")
    assert options.name == ""
    dialog.name.setText(" ten ")
    dialog.count.setValue(3)
    options = arguments.parse(dialog.words())
    assert (getattr(options, number[0]), options.name) == (3, "ten")
    assert dialog.start_button.isDefault()


# From the page to its figures


def test_a_bag_is_started_followed_and_judged(qtbot: QtBot, page: TrainingPage, opened: Project, told: list[Notice]) -> None:
    for key, value in TINY.items():
        page.setup.form.set_value(key, value)
    page.setup.form.set_value("schedule.epochs", 1)
    qtbot.waitUntil(page.setup.bar.several.isEnabled)
    page.setup.bar.several.click()
    dialog = page.setup.findChild(SeveralDialog)
    assert dialog is not None
    dialog.count.setValue(2)
    dialog.name.setText("two")
    dialog.start_button.click()
    bag = bags.Bag(opened.folder / "bags" / "two")
    qtbot.waitUntil(lambda: any("two: 2 of 2 members trained" in one.what for one in told), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not opened.training.active(), timeout=PATIENCE)
    qtbot.waitUntil(lambda: [one.bag for one in page.list.all()] == ["two", "two"])
    page.list.select(opened.folder / "runs" / "two-01")
    qtbot.waitUntil(page.actions_of_runs.bag.isEnabled)
    page.actions_of_runs.bag.trigger()
    shown = page.findChild(BagDialog)
    assert shown is not None
    assert shown.state.text() == "Bag of other seeds: 2 of 2 members trained."
    assert shown.words.text() == bag_dialog.NOT_JUDGED
    shown.evaluate_button.click()
    assert not shown.evaluate_button.isEnabled()
    qtbot.waitUntil(lambda: len(shown.table.rows()) == 5, timeout=PATIENCE)
    names = [row[0] for row in shown.table.rows()]
    assert names == ["two-01", "two-02", "Mean over members", "SD over members", "All, averaged"]
    assert "the seed alone" in shown.words.text()
    kept = BagEvaluation.load(bag.evaluation("validation"))
    assert shown.table.rows()[-1][3].startswith(f"{kept.evaluation.metrics['accuracy'].value:.3f} (")
    shown.part.show_value("test")
    shown.refresh()
    assert shown.words.text() == bag_dialog.NOT_JUDGED
    shown.evaluate_button.click()
    seal = shown.findChild(SealDialog)
    assert seal is not None
    seal.cancel_button.click()
    assert not bag.evaluation("test").exists()
    shown.close()


def test_a_name_that_is_taken_is_told(qtbot: QtBot, opened: Project, told: list[Notice]) -> None:
    plan = bags.Plan(SEEDS, "", {}, bags.planned("ten", [1, 2], ["a", "a"]), 0.0)
    bag = bags.create(opened.folder, "ten", plan)
    opened.training.start_bag(["bag", str(opened.folder), "--name", "ten"])
    assert "a bag named ten already" in told[-1].what
    assert opened.training.active() == []
    dialog = BagDialog(opened, bag)
    qtbot.addWidget(dialog)
    assert dialog.state.text() == "Bag of other seeds: 0 of 2 members trained."
    assert dialog.go_on_button.text() == "&Resume"
    (bag.folder / "bag.json").write_text("{}")
    dialog.refresh()
    assert "plan is damaged" in dialog.state.text()


def test_a_bag_that_was_stopped_can_be_resumed_from_its_dialog(
    qtbot: QtBot, opened: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Catalog.open(opened.folder) as catalog:
        split = catalog.active_split()
    plan = bags.Plan(SEEDS, "", {}, bags.planned("ten", [1, 2], [split, split]), 0.0)
    bag = bags.create(opened.folder, "ten", plan)
    asked: list[tuple[str, Path]] = []
    for name in ("resume", "stop_and_keep"):
        monkeypatch.setattr(opened.training, name, lambda run, name=name: asked.append((name, run.folder)))
    dialog = BagDialog(opened, bag)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.go_on_button.isVisible()
    assert dialog.evaluate_button.isEnabled()
    dialog.go_on_button.click()
    with bag.locked():
        dialog.refresh()
        assert dialog.state.text() == "Bag of other seeds: running: 0 of 2 members trained."
        assert dialog.go_on_button.text() == "&Stop and keep"
        assert not dialog.evaluate_button.isEnabled()
        dialog.go_on_button.click()
    assert asked == [("resume", bag.folder), ("stop_and_keep", bag.folder)]
    dialog.part.show_value("test")
    dialog.evaluate()
    seal = dialog.findChild(SealDialog)
    assert seal is not None
    assert "test part never opened" in seal.count.text()
    seal.reject()


def test_a_bag_of_folds_is_judged_on_its_test_parts_only(qtbot: QtBot, opened: Project) -> None:
    plan = bags.Plan(FOLDS, "", {}, bags.planned("cv", [1, 1], ["cv-fold1", "cv-fold2"]), 0.0)
    dialog = BagDialog(opened, bags.create(opened.folder, "cv", plan))
    qtbot.addWidget(dialog)
    assert [dialog.part.itemData(row) for row in range(dialog.part.count())] == ["test"]
    assert dialog.state.text().startswith("Cross-validation: 0 of 2")


def test_the_menu_asks_where_recipes_are(
    page: TrainingPage, opened: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: list[Notice]
) -> None:
    menu, asked = page.setup.own_recipes, list[str]()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: (" mine ", True))
    menu.save.trigger()
    assert recipes.own_files()[0].stem == "mine"
    target = tmp_path / "out" / "mine.toml"

    def where(parent: object, title: str, name: str, kinds: str) -> tuple[str, str]:
        asked.append(name)
        return str(target), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", where)
    menu.export.trigger()
    assert Path(asked[0]).name == "mine.toml"
    assert target.exists()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(target), ""))
    menu.take_in.trigger()
    assert "already" in told[-1].what
    menu.export.trigger()
    assert Path(asked[1]).parent == target.parent, "where the last one went"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("", True))
    before = recipes.own_files()
    menu.take_in.trigger()
    menu.save.trigger()
    assert recipes.own_files() == before


def test_a_cross_validation_shows_folds_and_pooled_figures() -> None:
    names, ids = ("A", "B"), np.arange(12)
    p = np.random.default_rng(0).random((12, 2)).astype(np.float32)
    p /= p.sum(1, keepdims=True)
    prediction = Prediction(ids, names, p, np.eye(2, dtype=np.int8)[ids % 2], ("",) * 12, "multi-class")
    made = evaluate(prediction, {"A": 0.5, "B": 0.5}, part="test", test_openings=1, draws=20)
    members = tuple(MemberResult(n, f"cv-0{n}", 1, f"cv-fold{n}", 6, made.metrics) for n in (1, 2))
    mean, sd = over_members(members)
    found = BagEvaluation("cv", FOLDS, "test", members, mean, sd, {}, float("nan"), made)
    rows = bag_dialog.rows(found)
    assert [row[1] for row in rows] == ["cv-fold1", "cv-fold2", "", "", ""]
    assert rows[3][3] == "0.000"
    assert rows[4][0] == "All, pooled"
    words = bag_dialog.words(found)
    assert "no confidence interval" in words
    assert "Test part opened 1 time." in words


# Recipes of one's own


def test_settings_are_saved_as_a_recipe_and_chosen(
    qtbot: QtBot, page: TrainingPage, opened: Project, told: list[Notice], tmp_path: Path
) -> None:
    setup, menu = page.setup, page.setup.own_recipes
    setup.form.set_value("optimiser.lr", 0.02)
    assert not menu.delete.isEnabled()
    menu.save_as("mine")
    assert setup.chooser.recipe().name == "mine"
    assert setup.chooser.options.buttons["mine"].accessibleName() == "mine (own)"
    assert setup.form.changes() == {}
    assert setup.form.config().optimiser.lr == 0.02
    assert recipes.load("mine").about == "Began with quick; differs in: optimiser.lr=0.02."
    menu.export_to(tmp_path / "shared")
    assert told[-1].what.startswith("Exported mine: ")
    menu.take(tmp_path / "shared.toml")
    assert setup.chooser.recipe().name == "shared"
    menu.take(tmp_path / "shared.toml")
    assert "already" in told[-1].what
    menu.save_as("quick")
    assert "a recipe of the program" in told[-1].what
    assert setup.words()[3] == "shared"


def _answer(monkeypatch: pytest.MonkeyPatch, role: QMessageBox.ButtonRole) -> None:
    """Press the button of a role in the next question."""

    def press(box: QMessageBox) -> int:
        next(button for button in box.buttons() if box.buttonRole(button) == role).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", press)


def test_deleting_and_replacing_ask(page: TrainingPage, opened: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    menu, chooser = page.setup.own_recipes, page.setup.chooser
    menu.save_as("mine")
    page.setup.form.set_value("optimiser.lr", 0.5)
    _answer(monkeypatch, QMessageBox.ButtonRole.RejectRole)
    menu.save_as("mine")
    menu.refresh()
    menu.delete.trigger()
    assert recipes.load("mine").settings == recipes.load("quick").settings
    _answer(monkeypatch, QMessageBox.ButtonRole.DestructiveRole)
    menu.save_as("mine")
    assert recipes.load("mine").settings.optimiser.lr == 0.5
    menu.delete.trigger()
    assert recipes.own_files() == []
    assert chooser.recipe().name == recipes.DEFAULT
    assert page.setup.form.config().optimiser.lr == 0.5, "what is set stays set"
