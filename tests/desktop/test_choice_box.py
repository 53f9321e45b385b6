"""Choices of settings: words, backbones, devices, weights, findings."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QStyle, QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.choice_box import BackboneBox, ChoiceBox, DeviceBox
from cxr_desktop.widgets.findings_box import FindingsBox
from cxr_desktop.widgets.weights_box import WeightsBox
from trainer.architectures import BACKBONES
from trainer.errors import ConfigError

from .test_number_box import beside_a_focused_one, wheel

GPU: dict[str, Any] = {"name": "cuda:0", "label": "NVIDIA H200", "memory": 140 * 2**30, "free": 139 * 2**30}
CPU: dict[str, Any] = {"name": "cpu", "label": "A processor, 2 cores", "memory": 0, "free": 0}


def test_a_word_is_chosen_by_key_and_told_once(qtbot: QtBot) -> None:
    box = ChoiceBox(("stretch", "pad", "crop"), {"pad": "Pad"})
    qtbot.addWidget(box)
    assert [box.itemText(i) for i in range(3)] == ["stretch", "Pad", "crop"]
    told: list[str] = []
    box.edited.connect(lambda: told.append(box.given()))
    box.show_value("stretch")
    assert told == []
    box.show()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert told == ["pad"]


def test_an_unknown_word_is_shown_all_the_same(qtbot: QtBot) -> None:
    box = ChoiceBox(("a", "b"))
    qtbot.addWidget(box)
    box.show_value("of an older version")
    assert box.given() == box.currentText() == "of an older version"


def test_the_wheel_over_choices_changes_nothing_without_the_focus(qtbot: QtBot) -> None:
    box = ChoiceBox(("a", "b"))
    window = beside_a_focused_one(qtbot, box)
    wheel(box, -120)
    assert box.given() == "a"
    box.setFocus()
    qtbot.waitUntil(box.hasFocus)
    wheel(box, -120)
    assert box.given() == "b"
    assert window.isVisible()


def test_a_long_word_ends_in_dots_and_stands_in_the_tooltip(qtbot: QtBot) -> None:
    word = "M" * 60
    box = ChoiceBox((word, "short"))
    qtbot.addWidget(box)
    box.resize(121, box.sizeHint().height())
    box.show_value("short")
    box.show_value(word)
    assert box.toolTip() == word
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    part = QStyle.SubControl.SC_ComboBoxEditField
    field = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box)
    picture = box.grab().toImage()
    heights = range(field.top() + 4, field.bottom() - 3)

    def ink(columns: range) -> int:
        ground = picture.pixelColor(field.right(), field.top() + 4)
        return sum(abs(picture.pixelColor(x, y).lightness() - ground.lightness()) > 60 for x in columns for y in heights)

    assert ink(range(field.left(), field.center().x())) > 20
    assert ink(range(field.right() - 3, field.right() + 1)) == 0  # no letter is cut at the end


def test_every_backbone_is_there_with_its_sentence(qtbot: QtBot) -> None:
    box = BackboneBox()
    qtbot.addWidget(box)
    assert [box.itemData(i) for i in range(box.count())] == list(BACKBONES)
    for name, row in BACKBONES.items():
        box.show_value(name)
        assert row.help in box.explanation()
        assert "million weights" in box.explanation()
        assert "ImageNet weights" in box.explanation(), "what has to be fetched"


def test_devices_are_named_with_their_memory_and_auto_says_what_it_means(qtbot: QtBot) -> None:
    box = DeviceBox()
    qtbot.addWidget(box)
    assert box.given() == "auto"
    assert "looking" in box.currentText()
    box.set_devices([GPU, CPU])
    assert [box.itemData(i) for i in range(box.count())] == ["auto", "cuda:0", "cpu"]
    assert box.currentText() == "auto (NVIDIA H200, 139 of 140 GiB free)"
    assert "NVIDIA H200" in box.explanation()
    assert box.itemText(2) == "cpu: A processor, 2 cores"


def test_the_chosen_device_outlives_a_new_search(qtbot: QtBot) -> None:
    box = DeviceBox()
    qtbot.addWidget(box)
    box.set_devices([GPU, CPU])
    box.show_value("cpu")
    box.set_devices([CPU])
    assert box.given() == "cpu"
    assert box.itemText(0) == "auto (A processor, 2 cores)"


def test_a_device_that_is_not_here_is_named_so(qtbot: QtBot) -> None:
    box = DeviceBox()
    qtbot.addWidget(box)
    box.set_devices([CPU])
    box.show_value("cuda:1")
    assert box.given() == "cuda:1"
    assert "not found on this computer" in box.currentText()
    box.set_devices([GPU, CPU])
    box.show_value("cuda")
    assert box.given() == "cuda:0"


def test_weights_are_a_word_or_a_path_that_is_typed(qtbot: QtBot) -> None:
    box = WeightsBox()
    qtbot.addWidget(box)
    box.show()
    assert box.given() == "imagenet"
    told: list[str] = []
    box.edited.connect(lambda: told.append(box.given()))
    line = box.box.lineEdit()
    assert line is not None
    line.selectAll()
    qtbot.keyClicks(line, "a.pth")
    assert told[-1] == "a.pth"
    box.show_value("none")
    assert (box.given(), told[-1]) == ("none", "a.pth")


@pytest.mark.parametrize("chosen", ["", "/somewhere/mine.safetensors"])
def test_a_weights_file_is_chosen_or_not(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, chosen: str) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (chosen, ""))
    box = WeightsBox()
    qtbot.addWidget(box)
    told: list[str] = []
    box.edited.connect(lambda: told.append(box.given()))
    qtbot.mouseClick(box.button, Qt.MouseButton.LeftButton)
    assert told == ([chosen] if chosen else [])
    assert box.given() == (chosen or "imagenet")


def _click(qtbot: QtBot, box: FindingsBox, row: int) -> None:
    """Tick or untick a row as a user does: on its little square."""
    where = box.visualItemRect(box.item(row))
    qtbot.mouseClick(box.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(where.left() + 10, where.center().y()))


def test_all_findings_ticked_is_all_of_the_project(qtbot: QtBot) -> None:
    box = FindingsBox()
    qtbot.addWidget(box)
    assert box.given() == ()
    box.set_findings(["Normal", "COVID-19", "Mass"])
    box.show()
    assert box.given() == ()
    told: list[object] = []
    box.edited.connect(lambda: told.append(None))
    _click(qtbot, box, 1)
    assert box.given() == ("Normal", "Mass")
    box.setCurrentRow(1)
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert box.given() == ()
    assert len(told) == 2


def test_no_finding_is_refused(qtbot: QtBot) -> None:
    box = FindingsBox()
    qtbot.addWidget(box)
    box.set_findings(["Normal"])
    box.show()
    _click(qtbot, box, 0)
    with pytest.raises(ConfigError, match="No finding is chosen"):
        box.given()


def test_chosen_findings_keep_their_order_and_strangers_are_named(qtbot: QtBot) -> None:
    box = FindingsBox()
    qtbot.addWidget(box)
    box.set_findings(["Normal", "COVID-19", "Mass"])
    box.show_value(("Mass", "Fracture"))
    assert [box.item(i).text() for i in range(box.count())] == ["Mass", "Fracture (not in this project)", "Normal", "COVID-19"]
    assert box.given() == ("Mass", "Fracture")
    box.set_findings(["Mass", "Fracture"])
    assert box.given() == ()


def test_files_of_weights_are_those_that_can_be_read(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: asked.append(args) or ("", ""))
    box = WeightsBox()
    qtbot.addWidget(box)
    (tmp_path / "here.pth").write_bytes(b"")
    box.show_value(str(tmp_path / "here.pth"))
    box.choose()
    assert asked[0][2] == str(tmp_path)
    assert asked[0][3] == "Weights (*.safetensors *.pth *.pt)"
