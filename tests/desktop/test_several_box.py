"""Several numbers or words in a line, and one finding of the project."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.finding_box import FindingBox
from cxr_desktop.widgets.several_box import SeveralBox, written
from trainer import config

SETTINGS = {item.key: item for item in config.settings()}


@pytest.fixture
def alpha(qtbot: QtBot) -> SeveralBox:
    box = SeveralBox(SETTINGS["loss.alpha"])
    qtbot.addWidget(box)
    box.show_value((0.0,))
    return box


def _type(qtbot: QtBot, box: SeveralBox, text: str) -> None:
    box.setFocus()
    box.selectAll()
    qtbot.keyClick(box, Qt.Key.Key_Delete)
    qtbot.keyClicks(box, text)


def test_numbers_are_written_short_and_exactly() -> None:
    assert written((0.25, 4.0, 0.1234567)) == "0.25, 4, 0.1234567"
    assert written(("A", "B")) == "A, B"
    assert written(()) == ""


def test_a_default_is_seen_and_not_an_empty_line(alpha: SeveralBox) -> None:
    assert alpha.text() == "0"


def test_what_is_typed_stays_as_it_was_typed(alpha: SeveralBox, qtbot: QtBot) -> None:
    with qtbot.waitSignal(alpha.edited):
        _type(qtbot, alpha, "0.250,.5")
    made = config.changed(config.TrainConfig(), {"loss.alpha": alpha.given()})
    assert made.loss.alpha == (0.25, 0.5)
    alpha.show_value(made.loss.alpha)
    assert alpha.text() == "0.250,.5"
    alpha.show_value((0.25,))
    assert alpha.text() == "0.25"


def test_what_is_no_number_is_replaced_by_a_value_that_comes_from_elsewhere(alpha: SeveralBox, qtbot: QtBot) -> None:
    _type(qtbot, alpha, "a quarter")
    assert alpha.given() == "a quarter"
    alpha.show_value((0.25, 0.75))
    assert alpha.text() == "0.25, 0.75"


def test_nothing_is_nothing_where_that_is_the_default(qtbot: QtBot) -> None:
    box = SeveralBox(SETTINGS["imbalance.weights"])
    qtbot.addWidget(box)
    box.show_value((1.0, 2.0))
    _type(qtbot, box, "")
    assert config.changed(config.TrainConfig(), {"imbalance.weights": box.given()}).imbalance.weights == ()
    assert box.placeholderText() == "none"


def test_a_finding_is_one_of_the_project_or_none(qtbot: QtBot) -> None:
    box = FindingBox()
    qtbot.addWidget(box)
    assert (box.given(), box.currentText()) == ("", "none")
    box.set_findings(["Normal", "Covid"])
    assert [box.itemText(row) for row in range(box.count())] == ["none", "Normal", "Covid"]
    with qtbot.waitSignal(box.edited):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    assert box.given() == "Normal"
    box.set_findings(["Covid", "Normal"])
    assert box.given() == "Normal"


def test_a_finding_that_the_project_does_not_know_stays(qtbot: QtBot) -> None:
    """It comes from a recipe or another run: whether it can be learned is said by whoever knows the findings."""
    box = FindingBox()
    qtbot.addWidget(box)
    box.show_value("COVID-19")
    box.set_findings(["Normal", "Covid"])
    assert box.given() == "COVID-19"
    box.show_value("")
    assert box.given() == ""
