"""The choice of a model: what is offered, what is refused at once, what is handed over."""

import dataclasses
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets import model_dialog
from cxr_desktop.widgets.model_dialog import ModelDialog
from trainer.model_card import Header
from trainer.offers import Offer

HEADER = Header("resnet18", ("Normal", "Pneumonia"), "multi-class", 224, "pad", 0.0, 1, recipe="quick")
FIRST = Offer(Path("/runs/first"), "first", HEADER, "Macro F1 0.812 (0.7 to 0.9) on validation")
SECOND = Offer(Path("/runs/second"), "second", HEADER, "")
OTHER = Offer(Path("/runs/other"), "other", dataclasses.replace(HEADER, findings=("Effusion",)), "")


@pytest.fixture
def dialog(qtbot: QtBot) -> ModelDialog:
    made = ModelDialog([FIRST.path], project_open=True)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def button(dialog: ModelDialog) -> object:
    return dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)


def check(dialog: ModelDialog, row: int, *, on: bool = True) -> None:
    dialog.models.item(row).setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


def test_with_nothing_to_offer_it_says_what_can_be_done(qtbot: QtBot, dialog: ModelDialog) -> None:
    assert dialog.hint.text() == model_dialog.NONE_THERE
    alone = ModelDialog([], project_open=False)
    qtbot.addWidget(alone)
    assert alone.hint.text() == model_dialog.NO_PROJECT


def test_what_was_used_before_is_checked(dialog: ModelDialog) -> None:
    dialog.add([FIRST, SECOND])
    assert dialog.chosen() == [FIRST.path]
    text = dialog.models.item(0).text()
    assert "first" in text
    assert "0.812" in text
    assert "resnet18, 224 px, recipe quick, multi-class: Normal, Pneumonia" in text
    assert dialog.hint.text() == model_dialog.HINT


def test_the_button_says_what_it_will_do(dialog: ModelDialog) -> None:
    dialog.add([FIRST, SECOND])
    assert button(dialog).text() == "Use"
    check(dialog, 1)
    assert button(dialog).text() == "Use 2 as an ensemble"
    check(dialog, 0, on=False)
    check(dialog, 1, on=False)
    assert button(dialog).text() == "Only look"
    assert button(dialog).isEnabled()


def test_what_does_not_fit_is_refused_in_words(dialog: ModelDialog) -> None:
    dialog.add([FIRST, OTHER])
    check(dialog, 1)
    assert dialog.said.isVisible()
    assert "first and other tell different findings apart" in dialog.said.text()
    assert not button(dialog).isEnabled()
    check(dialog, 0, on=False)
    assert not dialog.said.isVisible()
    assert dialog.chosen() == [OTHER.path]


def test_a_model_is_offered_once(dialog: ModelDialog) -> None:
    dialog.add([SECOND])
    dialog.add([SECOND, FIRST])
    assert dialog.models.count() == 2
    dialog.add([SECOND], check=True)
    assert dialog.models.count() == 2
    assert dialog.chosen() == [SECOND.path, FIRST.path]


def test_a_model_from_elsewhere_is_asked_for(qtbot: QtBot, dialog: ModelDialog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/elsewhere/run")
    with qtbot.waitSignal(dialog.wanted) as told:
        qtbot.mouseClick(dialog.folder_button, Qt.MouseButton.LeftButton)
    assert told.args == [Path("/elsewhere/run")]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/elsewhere/a.safetensors", ""))
    with qtbot.waitSignal(dialog.wanted) as told:
        qtbot.mouseClick(dialog.file_button, Qt.MouseButton.LeftButton)
    assert told.args == [Path("/elsewhere/a.safetensors")]
    dialog.refuse("This file is not a checkpoint.")
    assert dialog.said.text() == "This file is not a checkpoint."


def test_a_question_that_is_cancelled_asks_for_nothing(
    qtbot: QtBot, dialog: ModelDialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    with qtbot.assertNotEmitted(dialog.wanted):
        dialog.folder_button.click()
        dialog.file_button.click()


def test_escape_leaves_everything(qtbot: QtBot, dialog: ModelDialog) -> None:
    dialog.add([FIRST, SECOND])
    check(dialog, 1)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.result() == QDialog.DialogCode.Rejected
    assert not dialog.isVisible()


def test_a_refusal_outlives_a_late_list_and_ends_with_the_next_choice(dialog: ModelDialog) -> None:
    dialog.refuse("This file is not a checkpoint.")
    dialog.add([FIRST, SECOND])
    assert dialog.said.isVisible()
    assert dialog.said.text() == "This file is not a checkpoint."
    check(dialog, 1)
    assert not dialog.said.isVisible()
