"""Bags in the window: asked for, started, looked at; own recipes beside those of the program."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox
from pytestqt.qtbot import QtBot

from cxr_desktop.closing import Closing
from cxr_desktop.evaluation.seal import SealDialog
from cxr_desktop.notices import ERROR, WARNING, Notice
from cxr_desktop.pages.training import TrainingPage
from cxr_desktop.project import Project
from cxr_desktop.tasks import Task
from cxr_desktop.training import bag_dialog
from cxr_desktop.training.bag_dialog import BagDialog
from cxr_desktop.training.several_dialog import FOLDS, SEEDS, SeveralDialog
from tests.lungs import TINY
from trainer import arguments, bags, recipes, runs
from trainer.bag_results import BagEvaluation, MemberResult, over_members
from trainer.catalog import Catalog
from trainer.judgement import evaluate
from trainer.results import Evaluation, Prediction

from .scenes import make_run, terminal

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
    assert options.name == "one", "what was typed for the run"
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
    qtbot.waitUntil(lambda: shown.state.text() == "Bag of other seeds: 2 of 2 members trained.")
    assert shown.words.text() == bag_dialog.NOT_JUDGED
    assert [row[:3] for row in shown.table.rows()] == [
        ("two-01", "seed 1", "finished after 1 epoch"),
        ("two-02", "seed 2", "finished after 1 epoch"),
    ]
    assert not shown.go_on_button.isVisible()
    shown.evaluate_button.click()
    assert not shown.evaluate_button.isEnabled()
    qtbot.waitUntil(lambda: len(shown.table.rows()) == 5, timeout=PATIENCE)
    names = [row[0] for row in shown.table.rows()]
    assert names == ["two-01", "two-02", "Mean over members", "SD over members", "All, averaged"]
    assert "the seed alone" in shown.words.text()
    kept = BagEvaluation.load(bag.evaluation("validation"))
    accuracy = shown.table.header().index("Accuracy")
    assert shown.table.rows()[-1][accuracy].startswith(f"{kept.evaluation.metrics['accuracy'].value:.3f} (")
    shown.part.show_value("test")
    shown.refresh()
    qtbot.waitUntil(lambda: shown.words.text() == bag_dialog.NOT_JUDGED)
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
    qtbot.waitUntil(lambda: dialog.state.text() == "Bag of other seeds: 0 of 2 members trained.")
    assert dialog.go_on_button.text() == "&Resume"
    (bag.folder / "bag.json").write_text("{}")
    dialog.refresh()
    qtbot.waitUntil(lambda: "plan is damaged" in dialog.state.text())


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
    qtbot.waitUntil(dialog.go_on_button.isVisible)
    assert not dialog.evaluate_button.isEnabled(), "nothing is trained"
    assert "two members" in dialog.evaluate_button.toolTip()
    assert not dialog.bar.isVisible()
    assert [button for button in (dialog.go_on_button, dialog.evaluate_button) if button.autoDefault()] == []
    dialog.go_on_button.click()
    with bag.locked():
        dialog.refresh()
        qtbot.waitUntil(lambda: dialog.go_on_button.text() == "&Stop and keep")
        assert dialog.words.text() == bag_dialog.UNDER_WAY
        assert not dialog.evaluate_button.isVisible()
        assert dialog.bar.isVisible()
        dialog.go_on_button.click()
    assert asked == [("resume", bag.folder), ("stop_and_keep", bag.folder)]
    dialog.part.show_value("test")
    dialog.evaluate()
    seal = dialog.findChild(SealDialog)
    assert seal is not None
    assert "test part never opened" in seal.count.text()
    seal.reject()


def _bagged(project: Path, number: int, *, epochs: int, end: str) -> runs.Run:
    """A member of the bag "ten"."""
    run = make_run(project, f"ten-0{number}", epochs=epochs, end=end)
    about = {**run.about(), "bag": {"name": "ten", "member": number}}
    (run.folder / "config.json").write_text(json.dumps(about))
    return run


@pytest.fixture
def ten(opened: Project) -> bags.Bag:
    """A bag of three: one member trained, one under way once something works on it, one that waits."""
    with Catalog.open(opened.folder) as catalog:
        split = catalog.active_split()
    bag = bags.create(opened.folder, "ten", bags.Plan(SEEDS, "", {}, bags.planned("ten", [1, 2, 3], [split] * 3), 0.0))
    _bagged(opened.folder, 1, epochs=4, end="finished")
    _bagged(opened.folder, 2, epochs=1, end="")
    return bag


def test_a_bag_under_way_is_found_and_shown_with_its_members(qtbot: QtBot, opened: Project, ten: bags.Bag) -> None:
    tasks: list[Task] = []
    opened.training.task_started.connect(tasks.append)
    dialog = BagDialog(opened, ten)
    qtbot.addWidget(dialog)
    dialog.show()
    with terminal(runs.Run(ten.folder)), terminal(runs.Run(opened.folder / "runs" / "ten-02")):
        qtbot.waitUntil(lambda: len(opened.training.active()) == 2, timeout=PATIENCE)
        qtbot.waitUntil(lambda: "member 2 of 3" in dialog.state.text(), timeout=PATIENCE)
        assert [run.name for run in opened.training.trainings()] == ["ten"], "a bag and its members are one training"
        assert dialog.state.text() == "Bag of other seeds: member 2 of 3 in epoch 2 of 4, 1 trained."
        assert [(row[0], row[2], row[3]) for row in dialog.table.rows()] == [
            ("ten-01", "finished after 4 epochs", "4 of 4"),
            ("ten-02", "running in epoch 2 of 4", "1 of 4"),
            ("ten-03", "waits for its turn", ""),
        ]
        qtbot.waitUntil(lambda: tasks and tasks[-1].total == 3000, timeout=PATIENCE)
        assert [task.label for task in tasks] == ["Training the bag ten"], "its members are not told beside it"
        assert tasks[0].count == 1250
        assert tasks[0].note == "member 2 of 3 in epoch 2 of 4, 1 trained"
        question = Closing(opened.training, opened.training.trainings())
        qtbot.addWidget(question)
        assert question.title.text() == "1 bag is being trained"
        assert question.names.text() == "ten: member 2 of 3 in epoch 2 of 4, 1 trained"
    qtbot.waitUntil(lambda: not opened.training.active(), timeout=PATIENCE)


def test_a_stopped_member_goes_on_with_its_bag(
    page: TrainingPage, qtbot: QtBot, opened: Project, ten: bags.Bag, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.Run(opened.folder / "runs" / "ten-02").append("stopped", epoch=1, step=2)
    asked: list[str] = []
    monkeypatch.setattr(opened.training, "resume", lambda run: asked.append(str(run.folder)))
    page.show_run(opened.folder / "runs" / "ten-02")
    opened.runs_changed.emit()
    qtbot.waitUntil(page.actions_of_runs.resume.isEnabled)
    page.actions_of_runs.resume.trigger()
    (ten.folder / "bag.json").write_text("{}")
    page.actions_of_runs.resume.trigger()
    assert asked == [str(ten.folder), str(opened.folder / "runs" / "ten-02")], "with a damaged plan by itself"


def test_a_bag_of_which_a_member_failed_does_not_end_as_any_other(qtbot: QtBot, opened: Project, ten: bags.Bag) -> None:
    told: list[Notice] = []
    opened.training.noticed.connect(told.append)
    with terminal(runs.Run(ten.folder)):
        qtbot.waitUntil(lambda: len(opened.training.active()) == 1, timeout=PATIENCE)
        runs.Run(opened.folder / "runs" / "ten-02").append(
            "failed", what="The disk is full", where="/", remedy="Free some space."
        )
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE)
    assert [notice.kind for notice in told] == [ERROR]
    assert told[0].what == "ten: 0 of 3 members trained; ten-02 failed: The disk is full. Free some space."
    assert "resume the bag" in told[0].remedy


def test_a_bag_of_folds_is_judged_on_its_test_parts_only(qtbot: QtBot, opened: Project) -> None:
    plan = bags.Plan(FOLDS, "", {}, bags.planned("cv", [1, 1], ["cv-fold1", "cv-fold2"]), 0.0)
    dialog = BagDialog(opened, bags.create(opened.folder, "cv", plan))
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.state.text().startswith("Cross-validation: 0 of 2"))
    assert [dialog.part.itemData(row) for row in range(dialog.part.count())] == ["test"]


def test_wrong_names_and_several_gpus_are_seen_before_anything_starts(qtbot: QtBot) -> None:
    dialog = SeveralDialog(
        ["train", "p.cxr", "--run", "mine"],
        seed=7,
        gpus=["cuda:0", "cuda:1"],
        wrong=lambda name, count: "No." if "/" in name else "",
    )
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.name.text() == "mine"
    assert dialog.unit.text() == "networks, with the seeds 7 to 16"
    dialog.name.setText("a/b")
    assert dialog.problem.text() == "No."
    texts = [*dialog.kinds.texts.values(), dialog.note, dialog.problem]
    qtbot.waitUntil(lambda: all(text.height() >= text.heightForWidth(text.width()) for text in texts))
    assert not dialog.start_button.isEnabled()
    dialog.name.setText("")
    assert dialog.start_button.isEnabled()
    dialog.count.setValue(3)
    dialog.kinds.buttons[FOLDS].click()
    assert dialog.count.value() == 5
    dialog.kinds.buttons[SEEDS].click()
    assert dialog.count.value() == 3, "what was chosen is not forgotten"
    dialog.over.setChecked(True)
    assert "side by side on 2 GPUs" in dialog.note.text()
    assert arguments.parse(dialog.words()).over == ["cuda:0", "cuda:1"]
    alone = SeveralDialog(["train", "p.cxr"])
    qtbot.addWidget(alone)
    alone.show()
    assert not alone.over.isVisible()


def test_where_seeds_change_nothing_folds_are_offered(qtbot: QtBot) -> None:
    dialog = SeveralDialog(["train", "p.cxr"], alike="All the same.")
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.kinds.current() == FOLDS
    assert (dialog.count.value(), dialog.start_button.isEnabled()) == (5, True)
    dialog.kinds.buttons[SEEDS].click()
    assert dialog.problem.text() == "All the same."
    assert not dialog.start_button.isEnabled()


def test_the_menu_asks_where_recipes_are(
    page: TrainingPage, opened: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: list[Notice]
) -> None:
    menu, asked = page.setup.own_recipes, list[str]()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, text: (" mine ", True))
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
    _answer(monkeypatch, QMessageBox.ButtonRole.RejectRole)
    before = recipes.own_files()[0].stat().st_mtime_ns
    menu.take_in.trigger()
    assert recipes.own_files()[0].stat().st_mtime_ns == before, "asked, and kept"
    menu.export.trigger()
    assert Path(asked[1]).parent == target.parent, "where the last one went"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, text: ("", True))
    files = recipes.own_files()
    menu.take_in.trigger()
    menu.save.trigger()
    assert recipes.own_files() == files


def test_an_evaluation_leads_to_its_page_and_what_fails_is_told_in_the_dialog(
    qtbot: QtBot, opened: Project, ten: bags.Bag, told: list[Notice]
) -> None:
    _bagged(opened.folder, 3, epochs=4, end="finished")
    made = _judged()
    members = tuple(MemberResult(n, f"ten-0{n}", n, "s", 6, made.metrics) for n in (1, 3))
    mean, sd = over_members(members)
    spread = {"A": 0.1, "B": 0.2}
    BagEvaluation("ten", SEEDS, "validation", members, mean, sd, spread, 0.5, made).save(ten.evaluation("validation"))
    dialog = BagDialog(opened, ten)
    qtbot.addWidget(dialog)
    dialog.resize(640, 420)
    dialog.show()
    qtbot.waitUntil(lambda: len(dialog.table.rows()) == 5)
    header = dialog.table.horizontalHeader()
    needed = dialog.table.fontMetrics().horizontalAdvance("Learned with")
    assert header.sectionSize(1) > needed, "a column that takes what is left is not narrower than its title"
    assert dialog.table.horizontalScrollBar().maximum() > 0
    dialog.resize(1400, 420)
    qtbot.waitUntil(lambda: dialog.table.horizontalScrollBar().maximum() == 0)
    dialog.evaluate_button.click()
    qtbot.waitUntil(lambda: dialog.words.property("role") == "error", timeout=PATIENCE)
    assert told[-1].what.rstrip(".") in dialog.words.text()
    with qtbot.waitSignal(opened.run_wanted) as wanted:
        dialog.page_button.click()
    assert wanted.args == ["evaluation", str(ten.folder)]
    assert not dialog.isVisible()


def _judged() -> Evaluation:
    names, ids = ("A", "B"), np.arange(12)
    p = np.random.default_rng(0).random((12, 2)).astype(np.float32)
    p /= p.sum(1, keepdims=True)
    prediction = Prediction(ids, names, p, np.eye(2, dtype=np.int8)[ids % 2], ("",) * 12, "multi-class")
    return evaluate(prediction, {"A": 0.5, "B": 0.5}, part="validation", test_openings=0, draws=20)


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
    assert opened.undo.undoText() == "delete recipe mine"
    opened.undo.undo()
    assert chooser.recipe().name == "mine"
    assert recipes.load("mine").settings.optimiser.lr == 0.5
    opened.undo.redo()
    assert recipes.own_files() == []


def test_a_name_is_asked_for_until_it_can_be_one(page: TrainingPage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    answers = iter([("Mine!", True), ("quick", True), ("mine", True)])

    def ask(parent: object, title: str, label: str, text: str) -> tuple[str, bool]:
        asked.append((label, text))
        return next(answers)

    monkeypatch.setattr(QInputDialog, "getText", ask)
    page.setup.own_recipes.save.trigger()
    assert [text for _, text in asked] == ["", "Mine!", "quick"], "what was typed is there to be corrected"
    assert "cannot be the name" in asked[1][0]
    assert "is a recipe of the program" in asked[2][0]
    assert [path.stem for path in recipes.own_files()] == ["mine"]


def test_files_of_any_name_are_taken_in_and_damaged_ones_are_told(
    page: TrainingPage, opened: Project, tmp_path: Path, told: list[Notice], monkeypatch: pytest.MonkeyPatch
) -> None:
    menu = page.setup.own_recipes
    for name, kept in (("My Recipe", "my-recipe"), ("quick", "quick-2")):
        (tmp_path / f"{name}.toml").write_text("[optimiser]\nlr = 0.25\n")
        menu.take(tmp_path / f"{name}.toml")
        assert page.setup.chooser.recipe().name == kept
        assert f"as {kept}" in told[-1].what
    _answer(monkeypatch, QMessageBox.ButtonRole.DestructiveRole)
    (tmp_path / "quick.toml").write_text("[optimiser]\nlr = 0.125\n")
    menu.take(tmp_path / "quick.toml")
    assert recipes.load("quick-2").settings.optimiser.lr == 0.125, "replaced when that is wanted"
    (recipes.own_folder() / "broken.toml").write_text("[optimiser]\nlr = fast\n")
    menu.tell_damaged()
    assert told[-1].kind == WARNING
    assert "broken cannot be used" in told[-1].what
    menu.refresh()
    assert menu.delete.text() == "&Delete quick-2…"


def test_settings_that_were_replaced_can_be_taken_back(page: TrainingPage, opened: Project) -> None:
    form = page.setup.form
    form.set_value("optimiser.lr", 0.5)
    assert not form.back_button.isVisible()
    form.reset_button.click()
    assert form.changes() == {}
    assert form.back_button.isVisible()
    form.back_button.click()
    assert form.changes() == {"optimiser.lr": 0.5}
    assert not form.back_button.isVisible()
    page.setup.propose(recipes.load("scratch").settings, "scratch")
    assert form.back_button.isVisible()
    form.set_value("schedule.epochs", 3)
    assert not form.back_button.isVisible(), "there is something newer to lose"
