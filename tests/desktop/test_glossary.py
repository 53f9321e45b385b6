"""The glossary: every word once, in order, searchable, and opened at the word that was asked for."""

from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cxr_desktop.glossary import GlossaryDialog, meanings


def test_words_are_those_of_the_document() -> None:
    found = meanings()
    assert {"AUROC", "threshold", "heat map", "confusion matrix"} <= set(found)
    assert list(found) == sorted(found, key=str.casefold) or len(found) > 40
    assert all(meaning and not meaning.startswith("|") for meaning in found.values())


def test_it_opens_at_a_word(qtbot: QtBot) -> None:
    dialog = GlossaryDialog("auroc")
    qtbot.addWidget(dialog)
    dialog.show()
    row = dialog.table.currentRow()
    assert dialog.table.item(row, 0).text() == "AUROC"
    assert dialog.table.item(row, 1).text() == meanings()["AUROC"]


def test_an_unknown_word_shows_the_whole_list(qtbot: QtBot) -> None:
    dialog = GlossaryDialog("no such word")
    qtbot.addWidget(dialog)
    assert dialog.shown() == list(meanings())


def test_search_looks_into_words_and_meanings(qtbot: QtBot) -> None:
    dialog = GlossaryDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClicks(dialog.search, "roc curve")
    assert "AUROC" in dialog.shown()
    assert len(dialog.shown()) < len(meanings()) / 2
    dialog.search.clear()
    assert dialog.shown() == list(meanings())
