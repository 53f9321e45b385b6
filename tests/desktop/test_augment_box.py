"""Levels of augmentation, and the pictures of what they do."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from cxr_desktop.project import Project
from cxr_desktop.training.augment_box import OWN, AugmentBox
from cxr_desktop.training.augment_examples import AugmentExamples
from cxr_desktop.widgets.config_form import ConfigForm
from trainer import config, outlook, rehearsal
from trainer.config import TrainConfig

RECIPE = config.changed(TrainConfig(), {"model.size": 64})


@pytest.fixture
def form(qtbot: QtBot) -> ConfigForm:
    made = ConfigForm()
    qtbot.addWidget(made)
    made.set_config(RECIPE, RECIPE)
    return made


@pytest.fixture
def box(qtbot: QtBot, opened: Project, form: ConfigForm) -> AugmentBox:
    """Wired as in the page."""
    made = AugmentBox(opened)
    qtbot.addWidget(made)
    made.changed.connect(form.set_value)
    form.changed.connect(lambda: made.set_config(form.config(), form.recipe()))
    made.set_config(form.config(), form.recipe())
    made.set_outlook(outlook.look(opened.background, form.config().task))
    made.show()
    return made


def _choose(box: AugmentBox, qtbot: QtBot, steps: int) -> None:
    box.levels.setFocus()
    for _ in range(abs(steps)):
        qtbot.keyClick(box.levels, Qt.Key.Key_Down if steps > 0 else Qt.Key.Key_Up)


def _examples(box: AugmentBox, qtbot: QtBot) -> AugmentExamples:
    qtbot.mouseClick(box.show_button, Qt.MouseButton.LeftButton)
    assert box._dialog is not None
    _settled(box._dialog, qtbot)
    return box._dialog


def _settled(dialog: AugmentExamples, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not dialog._latest.busy, timeout=20_000)


def _drawn(dialog: AugmentExamples) -> list[object]:
    return [label.pixmap().toImage() for label in dialog.pictures]


def test_a_level_sets_its_numbers_also_in_rows_that_are_made(box: AugmentBox, form: ConfigForm, qtbot: QtBot) -> None:
    assert box.levels.given() == "light"
    form.others.unfold(True)
    _choose(box, qtbot, 1)
    assert config.level_of(form.config().augment) == "medium"
    assert form.rows["augment.rotation"].control.given() == "7"
    assert "turned" in box.sentence.text()
    assert set(form.changes()) == {f"augment.{key}" for key in ("rotation", "zoom", "shift", "brightness", "contrast")}
    assert "changed from light" in box.difference.text.text()
    qtbot.mouseClick(box.difference.reset, Qt.MouseButton.LeftButton)
    assert form.config() == RECIPE
    assert box.levels.given() == "light"


def test_numbers_of_ones_own_are_named_so_and_mixing_is_told(box: AugmentBox, form: ConfigForm, qtbot: QtBot) -> None:
    form.set_value("augment.rotation", 3)
    assert box.levels.given() == OWN
    assert box.sentence.text().startswith("As set under All settings: ")
    assert "own" in box.levels.currentText()
    form.set_value("augment.mixup", 0.4)
    form.set_value("augment.cutmix", 1)
    assert "mixup and CutMix" in box.sentence.text()
    _choose(box, qtbot, -1)
    assert config.level_of(form.config().augment) == "strong"
    assert form.config().augment.mixup == 0.4
    assert box.levels.findData(OWN) < 0
    box.levels.setCurrentIndex(box.levels.findData("strong"))


def test_examples_are_the_trainers_and_are_made_anew_by_a_button(box: AugmentBox, opened: Project, qtbot: QtBot) -> None:
    dialog = _examples(box, qtbot)
    expected = rehearsal.rehearse(opened.background, RECIPE)
    assert len(dialog.pictures) == 16
    assert [label.text() for label in dialog.captions[:4]] == list(expected.answers)
    first = _drawn(dialog)
    qtbot.mouseClick(dialog.again_button, Qt.MouseButton.LeftButton)
    _settled(dialog, qtbot)
    again = _drawn(dialog)
    assert again[:4] == first[:4]
    assert again[4:] != first[4:]
    qtbot.mouseClick(dialog.others_button, Qt.MouseButton.LeftButton)
    _settled(dialog, qtbot)
    assert _drawn(dialog)[:4] != first[:4]
    assert all(label.accessibleName().startswith("Image ") for label in dialog.pictures)
    dialog.reject()


def test_open_examples_follow_the_settings(box: AugmentBox, form: ConfigForm, qtbot: QtBot) -> None:
    dialog = _examples(box, qtbot)
    form.set_value(config.LEVEL, "none")
    _settled(dialog, qtbot)
    drawn = _drawn(dialog)
    assert drawn[:4] == drawn[4:8] == drawn[8:12] == drawn[12:]
    form.set_value("augment.mixup", 1)
    _settled(dialog, qtbot)
    assert any("\N{NO-BREAK SPACE}% " in label.text() for label in dialog.captions[4:])
    assert not any("\N{NO-BREAK SPACE}% " in label.text() for label in dialog.captions[:4])
    before = _drawn(dialog)
    form.set_value("schedule.epochs", 3)  # nothing that can be seen
    assert not dialog._latest.busy
    assert _drawn(dialog) == before
    dialog.reject()


def test_without_training_images_there_is_nothing_to_show(box: AugmentBox, opened: Project, qtbot: QtBot) -> None:
    assert box.show_button.isEnabled()
    box.set_outlook(None)
    assert not box.show_button.isEnabled()


def test_what_cannot_be_shown_is_told_in_the_dialog(box: AugmentBox, form: ConfigForm, qtbot: QtBot) -> None:
    form.set_value("task.findings", ("Nothing",))
    dialog = _examples(box, qtbot)
    assert "states 'Nothing'" in dialog.said.text()
    assert dialog.pictures == []
    form.set_value("task.findings", ())
    _settled(dialog, qtbot)
    assert dialog.said.text() == ""
    assert len(dialog.pictures) == 16
    dialog.reject()


def test_examples_close_with_their_project(box: AugmentBox, opened: Project, qtbot: QtBot) -> None:
    dialog = _examples(box, qtbot)
    opened.close()
    assert not dialog.isVisible()


def test_the_question_leads_to_the_glossary(box: AugmentBox, qtbot: QtBot) -> None:
    with qtbot.waitSignal(box.glossary_wanted) as asked:
        qtbot.mouseClick(box.question, Qt.MouseButton.LeftButton)
    assert asked.args == ["augmentation"]
