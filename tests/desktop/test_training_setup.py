"""What is chosen before a training: the command that comes out, what prevents it, and how it looks when it is narrow."""

import itertools
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget
from pytestqt.qtbot import QtBot

from cxr_desktop.project import Project
from cxr_desktop.training.imbalance_box import KEYS
from cxr_desktop.training.start_bar import Obstacle, StartBar
from cxr_desktop.training.training_setup import TrainingSetup
from cxr_desktop.widgets.number_box import NumberBox
from trainer import arguments, config, downloads, files, importer, once, recipes
from trainer.architectures import BACKBONES
from trainer.catalog import FILE, Catalog, Split
from trainer.config import TrainConfig

SETTINGS = {item.key: item for item in config.settings()}
CPU = {"name": "cpu", "label": "A processor, 2 cores", "memory": 0, "free": 0}
GPU = {"name": "cuda:0", "label": "NVIDIA H200", "memory": 140 * 2**30, "free": 139 * 2**30}


@pytest.fixture
def make(qtbot: QtBot, project: Project) -> Callable[[], TrainingSetup]:
    """Shown as in the page, its questions answered."""

    def shown() -> TrainingSetup:
        made = TrainingSetup(project)
        qtbot.addWidget(made)
        made.resize(380, 620)
        made.show()
        _settled(made, qtbot)
        return made

    return shown


@pytest.fixture
def setup(make: Callable[[], TrainingSetup], opened: Project) -> TrainingSetup:
    """Of a project of 30 images."""
    return make()


def _settled(setup: TrainingSetup, qtbot: QtBot) -> None:
    """Wait until all questions are answered."""
    qtbot.waitUntil(lambda: not (setup._images.busy or setup._files.busy or setup.box._latest.busy))


def _type(qtbot: QtBot, box: NumberBox, text: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClick(box, Qt.Key.Key_Delete)
    qtbot.keyClicks(box, text)


def _as_the_terminal_does(words: list[str]) -> TrainConfig:
    """What `cxr-trainer WORDS` trains with."""
    options = arguments.parse(words)
    settings = config.changed(recipes.load(options.recipe).settings, config.parsed(options.assignments))
    return config.changed(settings, {"compute.device": options.device}) if options.device else settings


def test_every_setting_has_exactly_one_place(setup: TrainingSetup) -> None:
    setup.form.others.unfold(True)
    elsewhere = KEYS - set(setup.form.rows)
    assert elsewhere == {"imbalance.method", "loss.name"}
    assert set(setup.form.rows) | elsewhere == set(SETTINGS)


def test_a_recipe_as_it_is_needs_no_words_but_its_name(setup: TrainingSetup) -> None:
    split = setup.project.catalog.active_split()
    assert setup.words() == ["train", str(setup.project.folder), "--recipe", "quick", "--split", split]


def test_what_is_chosen_is_what_the_terminal_trains_with(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.set_devices([GPU, CPU])
    values = {
        "task.kind": "multi-label", "task.findings": ("Pleural effusion", "Normal"), "model.backbone": "cxr_small",
        "model.weights": "none", "optimiser.lr": 1.25e-4, "schedule.epochs": 7, "imbalance.method": "oversampling",
        "loss.name": "focal", "loss.gamma": 1.5, "loss.alpha": 0.25, "compute.device": "cpu", "seed": 2**31 - 1,
        "optimiser.clip": 0.0, "choice.metric": "macro_auroc",
    }  # fmt: skip
    for key, value in values.items():
        setup.form.set_value(key, value)
    setup.bar.name.setText("mine")
    _settled(setup, qtbot)
    words = setup.words()
    assert _as_the_terminal_does(words) == setup.form.config()
    options = arguments.parse(words)
    assert (options.device, options.run, options.split) == ("cpu", "mine", setup.project.catalog.active_split())
    assert not any(text.startswith("compute.device") for text in options.assignments)
    assert len(options.assignments) == len(values) - 1


def test_start_tells_the_words_and_the_name_once(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("model.weights", "none")
    _settled(setup, qtbot)
    qtbot.keyClicks(setup.bar.name, "first try")
    with qtbot.waitSignal(setup.start_wanted) as started:
        qtbot.mouseClick(setup.bar.button, Qt.MouseButton.LeftButton)
    words, name = started.args
    assert name == "first try"
    assert words[words.index("--run") + 1] == name
    assert setup.bar.name.text() == ""  # the next run needs another


def test_control_return_starts_from_any_control(setup: TrainingSetup, qtbot: QtBot) -> None:
    control = setup.form.rows["schedule.epochs"].control
    control.setFocus()
    qtbot.waitUntil(control.hasFocus)
    with qtbot.waitSignal(setup.start_wanted) as started:
        qtbot.keyClick(control, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert started.args[1] == ""
    assert "--run" not in started.args[0]


def test_the_facts_are_those_of_the_split(setup: TrainingSetup) -> None:
    with Catalog.open(setup.project.folder) as catalog:
        split = catalog.split()
        count = len(split.parts["train"])
    assert setup.bar.facts.text().startswith(f"{count} training image")
    assert split.name in setup.bar.facts.text()
    assert setup.bar.obstacles == ()
    assert setup.bar.button.isEnabled()


def test_images_that_the_task_cannot_use_are_told_before_the_start(setup: TrainingSetup, qtbot: QtBot) -> None:
    catalog = setup.project.catalog
    two = catalog.split().parts["train"][:2]
    for name in ("Normal", "Pleural effusion"):
        catalog.set_labels(two, name, 1)
    setup.project.images_changed.emit()
    _settled(setup, qtbot)
    assert "2 of" in setup.bar.facts.text()
    assert "several findings and are left out" in setup.bar.facts.text()
    assert setup.bar.button.isEnabled()
    setup.form.set_value("task.kind", "multi-label")
    _settled(setup, qtbot)
    assert "left out" not in setup.bar.facts.text()


def test_what_is_typed_wrongly_blocks_start_and_leads_there(setup: TrainingSetup, qtbot: QtBot) -> None:
    rate = setup.form.rows["optimiser.lr"].control
    _type(qtbot, rate, "fast")
    assert not setup.bar.button.isEnabled()
    assert not setup.start_actions[0].isEnabled()
    assert "takes a number, not 'fast'" in setup.bar.why.text()
    setup.bar.name.setFocus()
    qtbot.mouseClick(setup.bar.mend, Qt.MouseButton.LeftButton)
    assert rate.hasFocus()
    rate.selectAll()
    qtbot.keyClicks(rate, "1e-3")
    assert setup.bar.button.isEnabled()
    assert not setup.bar.why.isVisible()


def test_a_wrong_setting_that_is_folded_away_is_unfolded(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.others.unfold(True)
    _type(qtbot, setup.form.rows["seed"].control, "one")
    setup.form.others.unfold(False)
    assert not setup.bar.button.isEnabled()
    qtbot.mouseClick(setup.bar.mend, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(setup.form.rows["seed"].control.hasFocus)
    row = setup.form.rows["seed"]
    assert row.isVisible()
    view = setup.area.viewport()
    qtbot.waitUntil(lambda: view.rect().contains(row.mapTo(view, row.rect().center())))


@pytest.mark.parametrize(
    ("name", "words"), [("a/b", "cannot be the name"), ("..", "cannot be the name"), ("first", "named first already")]
)
def test_a_name_that_cannot_be_is_told_at_once(
    make: Callable[[], TrainingSetup], opened_run: Project, qtbot: QtBot, name: str, words: str
) -> None:
    setup = make()
    qtbot.keyClicks(setup.bar.name, name)
    assert words in setup.bar.why.text()
    assert not setup.bar.button.isEnabled()
    setup.bar.name.clear()
    qtbot.keyClicks(setup.bar.name, "second")
    assert setup.bar.button.isEnabled()


def test_no_project_and_an_empty_one_say_what_is_missing(
    make: Callable[[], TrainingSetup], project: Project, tmp_path: Path, qtbot: QtBot
) -> None:
    setup = make()
    assert setup.bar.why.text() == "No project is open."
    project.open(tmp_path / "new.cxr", create=True)
    _settled(setup, qtbot)
    assert "no images yet" in setup.bar.why.text()
    with qtbot.waitSignal(project.page_wanted) as wanted:
        qtbot.mouseClick(setup.bar.mend, Qt.MouseButton.LeftButton)
    assert wanted.args == ["dataset"]
    project.close()
    assert setup.bar.why.text() == "No project is open."


def test_images_without_a_split_and_then_with_one(
    make: Callable[[], TrainingSetup], project: Project, drawn: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    importer.run(tmp_path / "new.cxr", [drawn])
    project.open(tmp_path / "new.cxr")
    setup = make()
    assert "not divided" in setup.bar.why.text()
    assert setup.bar.mend.text() == "Go to Dataset"
    ids = project.catalog.ids()
    parts = {"train": ids[::2], "validation": ids[1::2]}
    project.catalog.save_split(Split("halves", parts, 1, "every other", 0, None, "0" * 40))
    project.splits_changed.emit()
    _settled(setup, qtbot)
    assert setup.bar.button.isEnabled()
    assert setup.words()[-2:] == ["--split", "halves"]


def test_a_finding_without_images_prevents_a_start_until_it_is_left_out(setup: TrainingSetup, qtbot: QtBot) -> None:
    catalog = setup.project.catalog
    ids = catalog.split().parts["train"]
    catalog.set_excluded(ids[catalog.labels(ids, ["Normal"])[:, 0] == 1], True)
    setup.project.images_changed.emit()
    _settled(setup, qtbot)
    assert "No training image shows Normal" in setup.bar.why.text()
    setup.form.others.unfold(True)
    box = setup.form.rows["task.findings"].control
    row = next(i for i in range(box.count()) if box.item(i).text() == "Normal")
    box.item(row).setCheckState(Qt.CheckState.Unchecked)
    _settled(setup, qtbot)
    assert setup.bar.button.isEnabled()
    assert set(arguments.parse(setup.words()).assignments) == {"task.findings=Lobar pneumonia,Pleural effusion"}


def test_one_finding_alone_leads_to_the_findings(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("task.findings", ["Normal"])
    _settled(setup, qtbot)
    assert "nothing to tell apart" in setup.bar.why.text()
    qtbot.mouseClick(setup.bar.mend, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(setup.form.rows["task.findings"].control.hasFocus)


def test_weights_that_are_not_here_are_told_with_their_size(setup: TrainingSetup, qtbot: QtBot) -> None:
    row = setup.form.rows["model.weights"]
    assert "downloaded once, 5 MB" in row.note.text()
    assert setup.bar.button.isEnabled()  # it may have internet
    setup.form.set_value("model.backbone", "vgg16")
    _settled(setup, qtbot)
    assert "528 MB" in row.note.text()
    files.write_bytes(downloads.folder() / BACKBONES["resnet18"].file, b"weights")
    setup.form.set_value("model.backbone", "resnet18")
    _settled(setup, qtbot)
    assert "are on this computer" in row.note.text()


def test_weights_that_cannot_be_prevent_a_start(setup: TrainingSetup, qtbot: QtBot, tmp_path: Path) -> None:
    setup.form.set_value("model.backbone", "cxr_small")
    _settled(setup, qtbot)
    assert "no ImageNet weights for cxr_small" in setup.bar.why.text()
    assert setup.form.rows["model.weights"].note.property("role") == "error"
    setup.form.set_value("model.weights", str(tmp_path / "nowhere.pth"))
    _settled(setup, qtbot)
    assert "no weights file" in setup.bar.why.text()
    setup.form.set_value("model.weights", "none")
    _settled(setup, qtbot)
    assert setup.bar.button.isEnabled()
    assert setup.form.rows["model.weights"].note.property("role") == "muted"


def test_another_recipe_keeps_what_was_changed(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("seed", 9)
    button = setup.chooser.options.buttons["scratch"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(8, button.height() // 2))
    assert setup.form.config() == config.changed(recipes.load("scratch").settings, {"seed": 9})
    assert setup.words()[2:6] == ["--recipe", "scratch", "--set", "seed=9"]


def test_the_chosen_recipe_is_remembered(setup: TrainingSetup, project: Project, qtbot: QtBot) -> None:
    setup.chooser.choose("scratch")
    setup.hide()
    again = TrainingSetup(project)
    qtbot.addWidget(again)
    _settled(again, qtbot)
    assert again.chooser.recipe().name == "scratch"
    assert again.form.changes() == {}


def test_the_settings_of_an_earlier_run_can_be_proposed(setup: TrainingSetup, qtbot: QtBot) -> None:
    earlier = config.changed(recipes.load("scratch").settings, {"schedule.epochs": 3, "imbalance.method": "undersampling"})
    setup.propose(earlier, "scratch")
    assert setup.form.changes() == {"schedule.epochs": 3, "imbalance.method": "undersampling"}
    assert setup.box.methods.current() == "undersampling"
    setup.propose(earlier, "a recipe that is gone")
    assert _as_the_terminal_does(setup.words()) == earlier
    _settled(setup, qtbot)


def test_the_box_shows_the_train_part(setup: TrainingSetup, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: setup.box.shown() is not None)
    seen = setup.box.shown()
    assert seen is not None
    with Catalog.open(setup.project.folder) as catalog:
        ids = catalog.split().parts["train"]
        assert seen.count == len(ids)
        names = setup.outlook.findings if setup.outlook else ()
        assert seen.present.tolist() == (catalog.labels(ids, names) == 1).sum(0).tolist()


def test_an_older_answer_does_not_replace_a_newer_one(setup: TrainingSetup, qtbot: QtBot) -> None:
    for kind in ("multi-label", "multi-class", "multi-label"):
        setup.form.set_value("task.kind", kind)
    setup.form.set_value("task.findings", ["Normal"])
    _settled(setup, qtbot)
    assert setup.outlook is not None
    assert setup.outlook.findings == ("Normal",)
    assert setup.bar.obstacles == ()  # one finding is enough for multi-label


@pytest.mark.parametrize("width", [0, 1000])
def test_nothing_is_cut_off_narrow_or_wide(setup: TrainingSetup, qtbot: QtBot, width: int) -> None:
    setup.set_devices([{**GPU, "label": "A graphics card with a very long name indeed, of the newest kind"}, CPU])
    setup.form.others.unfold(True)
    setup.resize(max(width, setup.minimumWidth()), 600)
    inside = setup.area.widget()
    qtbot.waitUntil(lambda: inside.width() <= setup.area.viewport().width())
    assert setup.minimumWidth() <= 380
    for widget in inside.findChildren(QWidget):
        if widget.isVisible() and not isinstance(widget.parent().parent(), QAbstractScrollArea):
            right = widget.mapTo(inside, widget.rect().topRight()).x()
            assert right <= inside.width(), (type(widget).__name__, widget.accessibleName())


def test_an_implication_that_cannot_be_leads_to_its_row(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("task.implies", ("Normal > Nothing",))
    _settled(setup, qtbot)
    assert "(Task: multi-label)" in setup.bar.why.text(), "no word of the terminal"
    assert setup.bar.mend.text() == "Show"
    setup.bar.mend.click()
    qtbot.waitUntil(setup.form.rows["task.implies"].control.hasFocus)


def test_what_is_told_of_a_wrong_number_is_told_once(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("loss.name", "focal")
    setup.form.set_value("loss.alpha", (0.25, 0.5))
    _settled(setup, qtbot)
    assert [one.words for one in setup.bar.obstacles] == [setup.bar.why.toolTip()]
    box = setup.form.rows["loss.alpha"].control
    box.setText("0.25, 5")
    box.textEdited.emit(box.text())
    assert len(setup.bar.obstacles) == 1
    assert setup.bar.obstacles[0].words.startswith("Focal alpha = 5")


def test_settings_without_effect_are_remarked(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("optimiser.momentum", 0.5)
    _settled(setup, qtbot)
    assert "Momentum (0.5) changes nothing" in setup.bar.facts.text()


def test_what_a_crop_leaves_out_is_told_before_the_start(setup: TrainingSetup, qtbot: QtBot) -> None:
    catalog = setup.project.catalog
    train = catalog.split().parts["train"]
    with closing(sqlite3.connect(setup.project.folder / FILE)) as changing:
        changing.execute("UPDATE images SET width = 2 * height WHERE id = ?", (int(train[0]),))
        changing.commit()
    setup.project.images_changed.emit()
    _settled(setup, qtbot)
    assert "leaves out" not in setup.bar.facts.text()
    setup.form.set_value("model.fit", "crop")
    _settled(setup, qtbot)
    assert f"more than a tenth of 1 of {len(train)} training images, up to 50%" in setup.bar.facts.text()


def test_a_long_obstacle_is_shortened_with_all_of_it_as_a_tooltip(qtbot: QtBot) -> None:
    bar = StartBar()
    qtbot.addWidget(bar)
    words = f"Give one number for each, in this order: {', '.join(f'Finding number {n}' for n in range(30))}."
    bar.say("", [Obstacle(words), Obstacle("Another.")])
    assert len(bar.why.text()) < 230
    assert bar.why.text().endswith("… (1 more)")
    assert words in bar.why.toolTip()


def test_everything_can_be_reached_by_tab_in_the_order_of_the_eye(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("loss.name", "focal")
    setup.form.set_value("imbalance.method", "oversampling")
    setup.form.set_value("imbalance.ratio", 4.0)  # changed, and so in sight below its own method
    setup.form.others.unfold(True)
    _settled(setup, qtbot)
    setup.own_recipes.setFocus()
    seen: list[QWidget] = []
    while (now := QApplication.focusWidget()) not in seen:
        assert now is not None
        seen.append(now)
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    inside = setup.area.widget()
    middles = [widget.mapTo(inside, widget.rect().center()).y() for widget in seen if inside.isAncestorOf(widget)]
    line = setup.fontMetrics().height()  # controls of one row differ in height
    assert all(after > before - line for before, after in itertools.pairwise(middles))
    assert {setup.box.methods.buttons["oversampling"], setup.form.rows["seed"].control} <= set(seen)
    assert {setup.box.focal, setup.form.rows["loss.gamma"].control, setup.box.method_difference.reset} <= set(seen)
    assert seen[1] is setup.chooser.options.buttons["quick"]
    assert seen[-3:] == [setup.bar.name, setup.bar.several, setup.bar.button]


def test_closing_the_project_while_it_is_looked_at_is_quiet(
    make: Callable[[], TrainingSetup], project: Project, lungs: Path, told: list[object], qtbot: QtBot
) -> None:
    project.open(lungs)
    setup = TrainingSetup(project)
    qtbot.addWidget(setup)
    project.close()
    _settled(setup, qtbot)
    assert setup.outlook is None
    shutil.rmtree(lungs)
    assert told == []


def test_words_lead_to_the_glossary(setup: TrainingSetup, qtbot: QtBot) -> None:
    with qtbot.waitSignal(setup.glossary_wanted) as asked:
        qtbot.mouseClick(setup.form.rows["optimiser.lr"].question, Qt.MouseButton.LeftButton)
    assert asked.args == ["learning rate"]


def test_a_double_click_starts_once(setup: TrainingSetup, qtbot: QtBot) -> None:
    started: list[str] = []
    setup.start_wanted.connect(lambda words, name: started.append(name))
    qtbot.mouseClick(setup.bar.button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(setup.bar.button, Qt.MouseButton.LeftButton)
    assert started == [""]
    assert not setup.start_actions[0].autoRepeat()


def test_settings_that_do_not_fit_the_findings_prevent_a_start(setup: TrainingSetup, qtbot: QtBot) -> None:
    names = setup.outlook.findings if setup.outlook else ()
    setup.form.set_value("choice.metric", "f_beta")
    (obstacle,) = [one for one in setup.bar.obstacles if "none is named" in one.words]
    assert obstacle.slot is not None
    obstacle.slot()
    control = setup.form.rows["choice.finding"].control
    assert [control.itemData(row) for row in range(control.count())] == ["", *names]
    setup.form.set_value("choice.finding", names[0])
    assert not [one for one in setup.bar.obstacles if "named" in one.words]
    assert f"choice.finding={names[0]}" in setup.words()
    setup.form.set_value("imbalance.method", "class-weights")
    setup.form.set_value("imbalance.weighting", "own")
    assert any("0 own weights" in one.words for one in setup.bar.obstacles)
    setup.form.set_value("imbalance.weights", [1.0] * len(names))
    assert not [one for one in setup.bar.obstacles if "own weights" in one.words]
    assert _as_the_terminal_does(setup.words()) == setup.form.config()


def test_a_support_vector_machine_is_solved_once_and_for_few_images(
    setup: TrainingSetup, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.form.set_value("model.head", "support-vectors")
    _settled(setup, qtbot)
    (words,) = [one.words for one in setup.bar.obstacles]
    assert words.startswith("A support vector machine is solved once")
    for key in ("schedule.epochs", "schedule.head_only"):
        setup.form.set_value(key, 1)
    _settled(setup, qtbot)
    assert setup.bar.obstacles == ()
    assert "nothing comes of" in setup.bar.facts.text()
    monkeypatch.setattr(once, "MOST", 3)
    setup.project.images_changed.emit()
    _settled(setup, qtbot)
    assert next(one.words for one in setup.bar.obstacles).startswith("A support vector machine learns from at most 3 images")


def test_a_level_of_augmentation_goes_into_the_command_as_its_numbers(setup: TrainingSetup) -> None:
    setup.augment.changed.emit(config.LEVEL, "strong")
    assert _as_the_terminal_does(setup.words()).augment == config.changed(TrainConfig(), {config.LEVEL: "strong"}).augment
    assert setup.augment.show_button.isEnabled()


def test_what_stands_in_the_box_is_shown_there_and_nothing_is_unfolded(setup: TrainingSetup, qtbot: QtBot) -> None:
    setup.form.set_value("imbalance.method", "class-weights")
    setup.form.set_value("imbalance.weighting", "own")
    (obstacle,) = [one for one in setup.bar.obstacles if "own weights" in one.words]
    assert obstacle.slot is not None
    obstacle.slot()
    control = setup.form.rows["imbalance.weights"].control
    qtbot.waitUntil(control.hasFocus)
    assert control.isVisible()
    assert "augment.flip" not in setup.form.rows
