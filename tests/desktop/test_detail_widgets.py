"""The parts of the detail pane: facts, header, flags."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from cxr_desktop.dataset import image_facts
from cxr_desktop.widgets.elided_label import ElidedLabel
from cxr_desktop.widgets.fact_list import FactList
from cxr_desktop.widgets.header_tree import HeaderTree
from cxr_desktop.widgets.mark_list import MarkList
from trainer.elements import Element
from trainer.records import Record, Selection

ELEMENTS = (
    Element("(0010,0010)", "Patient's Name", "PN", "Doe^Jane", False, 0),
    Element("(0019,1001)", "Blur", "LO", "much", True, 0),
    Element("(0028,3010)", "VOI LUT Sequence", "SQ", "1 item", False, 0),
    Element("(0028,3002)", "LUT Descriptor", "US", "4 \\ 0 \\ 16", False, 1),
    Element("(0040,A043)", "Comment", "LT", "<b>" + "long " * 200, False, 0),
)


@pytest.fixture
def record() -> Record:
    return Record(
        id=1, path=Path("/data/a.dcm"), patient="p7", study="", view="PA", sex="", age=0.5,
        source="here", digest="0123456789abcdef", width=3000, height=2500, part_given="train", labels={}, flags=("gone", "odd"),
        excluded=True,
    )  # fmt: skip


@pytest.fixture
def header(qtbot: QtBot) -> HeaderTree:
    made = HeaderTree()
    made.resize(400, 300)
    qtbot.addWidget(made)
    made.show()
    made.set_elements(ELEMENTS)
    return made


def _texts(header: HeaderTree) -> list[str]:
    return sorted(item.text(0) for item in header.visible_items())


def test_a_header_is_a_tree(header: HeaderTree) -> None:
    assert header.tree.topLevelItemCount() == 4
    assert header.tree.topLevelItem(2).child(0).text(1) == "LUT Descriptor"
    assert header.tree.topLevelItem(1).text(1) == "Blur (private)"
    assert header.tree.topLevelItem(4 - 1).toolTip(3).startswith("<p>&lt;b>long"), "what a file says is never markup"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("doe", ["(0010,0010)"]),
        ("0010,00", ["(0010,0010)"]),
        ("descriptor", ["(0028,3002)", "(0028,3010)"]),
        ("private", ["(0019,1001)"]),
        ("nothing like it", []),
        ("", sorted(element.tag for element in ELEMENTS)),
    ],
)
def test_the_header_can_be_searched(header: HeaderTree, text: str, found: list[str]) -> None:
    QTest.keyClicks(header.search, text)
    assert _texts(header) == found


def test_the_search_stays_for_the_next_header(header: HeaderTree) -> None:
    QTest.keyClicks(header.search, "doe")
    header.set_elements(ELEMENTS[:3], ["Only the first 3 elements are listed"])
    assert _texts(header) == ["(0010,0010)"]
    assert header.notice.text() == "Only the first 3 elements are listed."
    header.say("This is no DICOM file.")
    assert not header.tree.isVisible()
    assert header.notice.isVisible()


def test_chosen_elements_are_copied(header: HeaderTree) -> None:
    header.tree.topLevelItem(3).setSelected(True)
    header.tree.setFocus()
    QTest.keySequence(header.tree, QKeySequence(QKeySequence.StandardKey.Copy))
    assert QGuiApplication.clipboard().text() == "\t".join(("(0040,A043)", "Comment", "LT", ELEMENTS[4].value))


def test_facts_are_shown_and_copied(qtbot: QtBot) -> None:
    facts = FactList()
    facts.resize(260, 200)
    qtbot.addWidget(facts)
    facts.show()
    long = "/data/" + "very/" * 30 + "image.png"
    facts.set_facts([("File", long), ("View", "PA")], ["The values fill only 12 bits"])
    labels = facts.findChildren(ElidedLabel)
    assert "…" in labels[0].shown()
    assert labels[0].shown().endswith("image.png"), "shortened in the middle"
    QTest.mouseClick(facts.widget().findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == long
    QTest.mouseClick(facts.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == f"File: {long}\nView: PA\nNote: The values fill only 12 bits"
    warning = next(label for label in facts.widget().findChildren(QLabel) if "12 bits" in label.text())
    assert warning.property("role") == "warning"


def test_facts_of_one_image(record: Record) -> None:
    said = {
        "format": "DICOM, RLE lossless",
        "bits": 12,
        "photometric": "MONOCHROME1",
        "window": [2048, 4096],
        "warnings": ["odd"],
        "looks": ["LUNG: centre 2048, width 4096", "VOI LUT 1"],
        "spacing": [0.143, 0.143],
        "date": "2020-03-31",
        "series": "1.2.8",
        "modality": "DX",
        "manufacturer": "ACME",
        "model": "Xray 2",
    }
    found = dict(image_facts.of_one(record, said, "test", "second"))
    assert found["Size"] == "3,000 × 2,500 pixels, 12 bits"
    assert found["Window"] == "centre 2048, width 4096"
    assert found["Age"] == "6 months"
    assert found["Sex"] == "unknown"
    assert found["Part"] == "test (split second)"
    assert (found["Given part"], found["Flags"], found["Excluded"]) == ("train", "gone, odd", "yes")
    assert found["Digest"] == "0123456789ab"
    assert found["Windows offered"] == "LUNG: centre 2048, width 4096; VOI LUT 1"
    assert found["Pixel"] == "0.143 mm"
    assert (found["Date"], found["Series"], found["Device"]) == ("2020-03-31", "1.2.8", "DX ACME Xray 2")
    one = dict(image_facts.of_one(record, {"looks": ["VOI LUT 1"]}, "", ""))
    assert "Windows offered" not in one
    assert "Pixel" not in one
    assert "Study" not in found
    assert dict(image_facts.of_one(record, {}, "", "second"))["Part"] == "none (split second)"
    assert dict(image_facts.of_one(record, {}, "", ""))["Part"] == "no split yet"
    warnings = image_facts.warnings_of(record, said | {"burned_in": "YES"})
    assert len(warnings) == 3
    assert "odd" in warnings


def test_facts_of_many_images() -> None:
    values = {"view": {"PA": 5, "": 1}, "sex": {"F": 6}, "source": {str(n): 1 for n in range(9)}, "part_given": {"": 6}}
    values["part"] = {"train": 4, "": 2}
    selection = Selection(6, 1, 3, 2, {}, {"odd": 2}, values, (20.0, 60.5), 1)
    found = dict(image_facts.of_many(selection, "s"))
    assert found["Patients"] == "3, unknown for 2 images"
    assert found["View"] == "PA 5, unknown 1"
    assert found["Age"] == "20 to 60.5 years, unknown for 1"
    assert found["Part in s"] == "train 4, none 2"
    assert found["Source"].endswith("and 3 more")
    assert "Given part" not in found
    assert dict(image_facts.of_many(selection, ""))["Part"] == "no split yet"


@pytest.fixture
def marks(qtbot: QtBot) -> MarkList:
    made = MarkList(fixed=("gone",))
    qtbot.addWidget(made)
    qtbot.addWidget(made.exclusion)
    made.show()
    made.exclusion.show()
    return made


def _labels(marks: MarkList) -> list[ElidedLabel]:
    return [label for label in marks.findChildren(ElidedLabel) if label.isVisible()]


def test_flags_of_one_and_of_many(marks: MarkList, qtbot: QtBot) -> None:
    marks.set_marks({"gone": 1, "odd": 1}, 0, 1)
    assert [label.text() for label in marks.findChildren(ElidedLabel)] == ["⚑ gone", "⚑ odd"]
    assert [b.accessibleName() for b in marks.findChildren(QToolButton)] == ["Remove the flag odd"], "gone is not the user's"
    marks.set_marks({"odd": 2, "all": 3}, 0, 3)
    qtbot.waitUntil(lambda: [label.text() for label in _labels(marks)] == ["⚑ odd (2 of 3)", "⚑ all"])


def test_a_flag_is_put_on_and_taken_off(marks: MarkList, qtbot: QtBot) -> None:
    marks.set_marks({"odd": 1}, 0, 1)
    marks.set_known(["blurred", "gone", "odd"])
    assert [marks.field.itemText(row) for row in range(marks.field.count())] == ["blurred", "odd"]
    with qtbot.waitSignal(marks.flag_removed) as asked:
        QTest.mouseClick(marks.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert asked.args == ["odd"]
    QTest.keyClicks(marks.field.lineEdit(), " upside   down ")
    marks.set_known(["odd"])
    with qtbot.waitSignal(marks.flag_added) as asked:
        QTest.keyClick(marks.field.lineEdit(), Qt.Key.Key_Return)
    assert asked.args == ["upside down"]
    assert marks.field.currentText() == ""
    QTest.keyClicks(marks.field.lineEdit(), "gone")
    with qtbot.assertNotEmitted(marks.flag_added):
        QTest.mouseClick(marks.add, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(
    ("excluded", "images", "state", "exclude", "include"),
    [(0, 4, "", True, False), (1, 4, "1 of 4 excluded", True, True), (4, 4, "Excluded", False, True)],
)
def test_exclusion(marks: MarkList, excluded: int, images: int, state: str, exclude: bool, include: bool) -> None:
    asked: list[bool] = []
    marks.exclusion_wanted.connect(asked.append)
    marks.set_marks({}, excluded, images)
    assert marks.state.text() == state
    assert (marks.exclude.isVisible(), marks.include.isVisible()) == (exclude, include)
    for button in (marks.exclude, marks.include):
        if button.isVisible():
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked == [value for value, shown in ((True, exclude), (False, include)) if shown]
