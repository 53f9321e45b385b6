"""The form and the outcome of the split dialog by themselves."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.split_form import FOLDS, SplitForm
from cxr_desktop.dataset.split_outcome import SplitOutcome
from trainer.divisions import Content


@pytest.fixture
def form(qtbot: QtBot) -> SplitForm:
    made = SplitForm()
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def outcome(qtbot: QtBot) -> SplitOutcome:
    made = SplitOutcome()
    qtbot.addWidget(made)
    made.resize(500, 400)
    made.show()
    return made


CONTENTS = {
    "train": Content(1400, 700, {"A": 900, "B": 500}),
    "validation": Content(200, 100, {"A": 100, "B": 0}, unknown=40),
    "test": Content(400, 0, {"A": 300, "B": 100}, unknown=400),
}


def test_what_is_asked_for_at_first(form: SplitForm) -> None:
    assert form.asked() == {"test": 0.2, "val": 0.1, "seed": 1}
    assert form.train.text() == "70 %"


def test_shares_seed_and_folds(form: SplitForm) -> None:
    form.test.setValue(15)
    form.validation.setValue(25)
    form.seed.setValue(12)
    assert form.asked() == {"test": 0.15, "val": 0.25, "seed": 12}
    assert form.train.text() == "60 %"
    form.folds.setCurrentIndex(form.folds.findData(3))
    assert form.asked() == {"val": 0.25, "folds": 3, "seed": 12}
    assert form.train.text() == "41.7 %"
    assert not form.test.isEnabled()


@pytest.mark.parametrize("folds", FOLDS[1:])
def test_folds_leave_something_to_train_on(form: SplitForm, folds: int) -> None:
    form.validation.setValue(98)
    form.folds.setCurrentIndex(form.folds.findData(folds))
    assert 1 / folds + form.validation.value() / 100 < 1


def test_a_test_part_of_nothing_is_allowed_and_validation_is_not(form: SplitForm) -> None:
    form.test.setValue(0)
    form.validation.setValue(0)
    assert form.asked()["test"] == 0
    assert form.asked()["val"] == 0.01


def test_given_parts_are_kept_unless_asked_otherwise(form: SplitForm) -> None:
    form.set_given({"": 3, "train": 1200, "test": 400})
    assert form.keep.isChecked()
    assert "train 1,200, test 400" in form.given.text()
    assert form.asked() == {"seed": 1}
    assert form.train.text() == "as given"
    QTest.mouseClick(form.anew, Qt.MouseButton.LeftButton)
    assert form.asked() == {"test": 0.2, "val": 0.1, "seed": 1}


def test_images_without_a_given_part_alone_are_no_given_parts(form: SplitForm) -> None:
    form.set_given({"": 30})
    assert not form.keep.isVisible()
    assert "val" in form.asked()


def test_each_change_is_told_once(form: SplitForm, qtbot: QtBot) -> None:
    form.set_given({"train": 1})
    told: list[str] = []
    form.changed.connect(lambda: told.append("changed"))
    form.renamed.connect(lambda: told.append("renamed"))
    QTest.mouseClick(form.anew, Qt.MouseButton.LeftButton)
    assert told == ["changed"]
    form.seed.setValue(4)
    QTest.keyClicks(form.name, "x")
    assert told == ["changed", "changed", "renamed"]


def test_every_field_has_a_name(form: SplitForm) -> None:
    from PySide6.QtWidgets import QLabel

    buddies = {label.buddy() for label in form.findChildren(QLabel)}
    for field in (form.test, form.validation, form.folds, form.seed, form.name):
        assert field in buddies or field.accessibleName()
        assert field.toolTip()


def test_the_outcome_of_one_split(outcome: SplitOutcome) -> None:
    outcome.show_split([CONTENTS], "by patient", ["B: not in every part.", "B: not in every part."])
    assert outcome.table.rows() == [
        ("Train", "1,400", "70.0%", "700"),
        ("Validation", "200", "10.0%", "100 known"),
        ("Test", "400", "20.0%", "unknown"),
    ]
    assert outcome.words.text() == "How: by patient.\n⚠ B: not in every part."
    assert outcome.words.property("role") == "warning"
    assert not outcome.fold.isVisible()
    assert outcome.chart.isVisible()


def test_without_warnings_nothing_is_alarming(outcome: SplitOutcome) -> None:
    outcome.show_split([CONTENTS], "by patient", [])
    assert outcome.words.property("role") == "muted"


def test_folds_are_looked_at_one_by_one(outcome: SplitOutcome) -> None:
    second = {**CONTENTS, "test": Content(9, 9, {"A": 9, "B": 0})}
    outcome.show_split([CONTENTS, second], "by patient", [])
    assert outcome.fold.isVisible()
    outcome.fold.setFocus()
    QTest.keyClick(outcome.fold, Qt.Key.Key_Down)
    assert outcome.table.rows()[2] == ("Test", "9", "0.6%", "9")
    outcome.show_split([CONTENTS, second], "by patient", [])
    assert outcome.fold.currentIndex() == 1, "the fold that is looked at stays"
    outcome.show_split([CONTENTS], "by patient", [])
    assert outcome.table.rows()[2][1] == "400"


def test_an_error_hides_what_holds_no_more(outcome: SplitOutcome) -> None:
    outcome.show_split([CONTENTS], "by patient", [])
    outcome.wait()
    assert outcome.table.isVisible()
    assert not outcome.table.isEnabled()
    outcome.say("No image has a label.", "error")
    assert not outcome.table.isVisible()
    assert not outcome.chart.isVisible()
    assert outcome.words.property("role") == "error"
    outcome.show_split([CONTENTS], "by patient", [])
    assert outcome.table.isVisible()
    assert outcome.table.isEnabled()
