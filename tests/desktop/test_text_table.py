"""Tables of text, elided labels, and the trainer's sentences in the words of the window."""

import csv
import io

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.widgets.elided_label import ElidedLabel
from cxr_desktop.widgets.text_table import TextTable
from cxr_desktop.wording import in_window

ROWS = [("a.png", "1,200", 'odd, "quoted"'), ("b.png", "7", "two\nlines")]


@pytest.fixture
def table(qtbot: QtBot) -> TextTable:
    made = TextTable(("File", "Count", "Why"), "Files", stretch=2)
    made.resize(400, 200)
    qtbot.addWidget(made)
    made.set_rows(ROWS)
    made.show()
    return made


def test_rows_are_shown_and_numbers_stand_to_the_right(table: TextTable) -> None:
    model = table.model()
    assert (model.rowCount(), model.columnCount()) == (2, 3)
    assert model.data(model.index(0, 1)) == "1,200"
    right = Qt.AlignmentFlag.AlignRight
    assert model.data(model.index(0, 1), Qt.ItemDataRole.TextAlignmentRole) & right
    assert model.data(model.index(0, 0), Qt.ItemDataRole.TextAlignmentRole) is None
    heading = model.headerData(1, Qt.Orientation.Horizontal, Qt.ItemDataRole.TextAlignmentRole)
    assert heading & right
    assert model.headerData(1, Qt.Orientation.Horizontal) == "Count"
    assert model.headerData(0, Qt.Orientation.Vertical) is None
    assert model.data(model.index(1, 0), Qt.ItemDataRole.ToolTipRole) == "b.png"


def test_the_last_column_takes_what_is_left(table: TextTable) -> None:
    widths = [table.columnWidth(column) for column in range(3)]
    assert sum(widths) == table.viewport().width()


def test_all_or_the_chosen_rows_are_copied(table: TextTable) -> None:
    table.setFocus()
    QTest.keySequence(table, QKeySequence(QKeySequence.StandardKey.Copy))
    assert QGuiApplication.clipboard().text().startswith("File\tCount\tWhy\na.png\t1,200")
    assert "b.png" in QGuiApplication.clipboard().text()
    table.selectRow(1)
    QTest.keySequence(table, QKeySequence(QKeySequence.StandardKey.Copy))
    assert "a.png" not in QGuiApplication.clipboard().text()


def test_as_csv_it_is_read_back(table: TextTable) -> None:
    found = list(csv.reader(io.StringIO(table.as_csv(), newline="")))
    assert found == [["File", "Count", "Why"], *map(list, ROWS)]


def test_other_columns_can_come_with_other_rows(table: TextTable) -> None:
    table.set_rows([("x",)], ("Only",))
    assert table.header() == ("Only",)
    assert table.rows() == [("x",)]
    table.set_rows([])
    assert table.model().rowCount() == 0


def test_a_table_as_high_as_its_rows(table: TextTable) -> None:
    table.set_rows([("x", "1", "")] * 4)
    table.shrink()
    last = table.visualRect(table.model().index(3, 0))
    assert last.bottom() <= table.viewport().height()
    assert table.viewport().height() - last.bottom() < 6


def test_many_rows_cost_nothing_before_they_are_seen(table: TextTable) -> None:
    class Rows(list[tuple[str, str, str]]):
        asked = 0

        def __getitem__(self, place: object) -> object:
            Rows.asked += 1
            return super().__getitem__(place)  # type: ignore[index]

    table.set_rows(Rows([("x", "1", "y")] * 200_000))
    table.grab()
    assert Rows.asked < 1_000


def test_a_label_is_shortened_and_explains_itself(qtbot: QtBot) -> None:
    label = ElidedLabel("  a rather long\nsentence of several words  ")
    qtbot.addWidget(label)
    label.show()
    label.resize(label.sizeHint())
    assert label.shown() == "a rather long sentence of several words"
    assert label.toolTip() == ""
    label.resize(60, label.height())
    assert label.shown().endswith("…")
    assert label.toolTip() == "a rather long sentence of several words"
    label.setText("short")
    assert label.toolTip() == ""
    middle = ElidedLabel("/data/one/two/three/four/image.png", mode=Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(middle)
    middle.resize(120, 20)
    assert middle.shown().startswith("/d")
    assert middle.shown().endswith(".png")
    assert not middle.grab().toImage().isNull()


@pytest.mark.parametrize(
    "text",
    [
        "labels were taken from the column 'label'; --label-column ward takes another",
        "several columns hold yes and no; name those that are findings with --label-column",
        "Name it with --path-column; there is: a, b.",
        "Name the right column with --path-column.",
        "labels.csv names only 3 of 9 images; --labels takes it all the same",
        "labels were taken from a.csv; --labels takes another: b.csv",
        "Name it with --labels, or choose --layout folders.",
        "Name it with --labels.",
        "It is known by the folders a, b. Choose the folder that holds all of it, or --layout auto.",
        "If they are the same radiographs saved anew, import with --resaved: answers by hand and parts are kept.",
        "Name its folder, and the table with --labels.",
        "Results will look better than they are; to split anew by patient ask for shares: --test 0.2 --val 0.1.",
        "The given parts leave nothing to train on. Ask for shares to split anew: --test 0.2 --val 0.1.",
    ],
)
def test_no_option_of_the_command_line_is_left(text: str) -> None:
    assert "--" not in in_window(text)


def test_columns_keep_their_names() -> None:
    words = in_window("labels were taken from the column 'a'; --label-column Finding Labels or --label-column b takes another")
    assert words == "labels were taken from the column 'a'; 'Finding Labels' or 'b' can be chosen under Findings instead"


def test_other_sentences_stay_as_they_are() -> None:
    assert in_window("The file is empty") == "The file is empty"


def test_titles_are_not_cut_off_before_there_are_rows(qtbot: QtBot) -> None:
    table = TextTable(("A", "A rather long title of a column"), "Titles")
    qtbot.addWidget(table)
    needed = table.fontMetrics().horizontalAdvance("A rather long title of a column")
    assert table.horizontalHeader().sectionSize(1) > needed
