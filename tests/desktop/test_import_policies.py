"""The policies of an import as choices: only those that matter, each with its sentence, by mouse and by key."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset.import_policies import TITLES, ImportPolicies
from trainer.policies import CHOICES, Policies


@pytest.fixture
def policies(qtbot: QtBot) -> ImportPolicies:
    made = ImportPolicies()
    qtbot.addWidget(made)
    made.show()
    return made


def test_every_policy_has_its_names() -> None:
    assert {name: set(titles) for name, (_, titles) in TITLES.items()} == {
        name: {key for key, _ in choices} for name, choices in CHOICES.items()
    }


def test_only_those_that_matter_are_seen(policies: ImportPolicies) -> None:
    policies.show_policies(Policies(), ())
    assert not policies.isVisible()
    policies.show_policies(Policies(readers="any"), ("readers",))
    assert policies.isVisible()
    assert [name for name, options in policies.lists.items() if options.isVisible()] == ["readers"]
    readers = policies.lists["readers"]
    assert readers.current() == "any"
    assert [text.text() for text in readers.texts.values() if text.isVisible()] == [
        "Several readers of an image: one who says yes is enough."
    ]
    assert readers.buttons["any"].accessibleName() == "Several readers: One is enough"


def test_a_choice_is_told_with_what_holds_besides(policies: ImportPolicies, qtbot: QtBot) -> None:
    policies.show_policies(Policies(no_finding="all no"), ("uncertain", "no_finding"))
    buttons = policies.lists["uncertain"].buttons
    buttons["not stated"].setFocus()
    with qtbot.waitSignal(policies.chosen) as told:
        QTest.keyClick(buttons["not stated"], Qt.Key.Key_Down)
        QTest.keyClick(buttons["yes"], Qt.Key.Key_Space)
    assert told.args == [Policies(uncertain="yes", no_finding="all no")]
