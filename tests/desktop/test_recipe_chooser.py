"""Recipes and other lists of options."""

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from cxr_desktop.training.recipe_chooser import RecipeChooser
from cxr_desktop.widgets.option_list import Option, OptionList
from cxr_desktop.widgets.question import Question
from cxr_desktop.wording import in_window
from trainer import recipes

LONG = "A title that is far too long for the column that it stands in, however wide that is " * 3


@pytest.fixture
def chooser(qtbot: QtBot) -> RecipeChooser:
    made = RecipeChooser(recipes.every())
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def test_every_recipe_stands_there_with_its_title(chooser: RecipeChooser) -> None:
    assert [button.accessibleName() for button in chooser.options.buttons.values()] == [one.title for one in recipes.every()]
    assert chooser.recipe().name == recipes.DEFAULT


def test_the_chosen_recipe_shows_its_paragraph_and_the_others_have_it_as_a_tooltip(chooser: RecipeChooser) -> None:
    for chosen in recipes.every():
        assert chooser.choose(chosen.name)
        assert chooser.recipe() == chosen
        for one in recipes.every():
            text = chooser.options.texts[one.name]
            assert text.isVisible() == (one == chosen)
            assert text.text() == in_window(one.about)
            assert chooser.options.buttons[one.name].toolTip() == in_window(one.about)


def test_a_choice_by_the_user_is_told_and_one_by_the_program_is_not(chooser: RecipeChooser, qtbot: QtBot) -> None:
    told: list[str] = []
    chooser.chosen.connect(told.append)
    chooser.choose("scratch")
    assert told == []
    button = chooser.options.buttons["quick"]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(8, button.height() // 2))
    assert told == ["quick"]
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Down)
    below = recipes.every()[1].name
    assert told == ["quick", below]
    assert chooser.recipe().name == below


def test_the_paragraph_of_each_recipe_stands_there_in_full_in_a_narrow_column(chooser: RecipeChooser) -> None:
    for recipe in recipes.every():
        chooser.choose(recipe.name)
        text = chooser.options.texts[recipe.name]
        chooser.resize(400, chooser.heightForWidth(400))
        assert text.height() >= text.heightForWidth(text.width())
        assert chooser.heightForWidth(400) < 620
        assert chooser.options.buttons[recipe.name].text() == recipe.title


def test_an_unknown_recipe_changes_nothing(chooser: RecipeChooser) -> None:
    assert not chooser.choose("gone")
    assert chooser.recipe().name == recipes.DEFAULT


def test_a_long_title_ends_in_dots_and_stands_in_the_tooltip(qtbot: QtBot) -> None:
    made = OptionList([Option("a", LONG, "About it."), Option("b", "Short", "About that.")])
    qtbot.addWidget(made)
    made.resize(300, 200)
    made.show()
    assert made.minimumSizeHint().width() < 300
    button = made.buttons["a"]
    assert button.text().endswith("…")
    assert button.toolTip() == LONG
    assert button.accessibleName() == LONG
    assert made.buttons["b"].text() == "Short"
    assert made.buttons["b"].toolTip() == ""
    made.resize(button.fontMetrics().horizontalAdvance(LONG) + 100, 200)
    assert button.text() == LONG
    assert button.toolTip() == ""


def test_an_option_leads_to_its_word(qtbot: QtBot) -> None:
    made = OptionList([Option("a", "A", "About A.", "augmentation"), Option("b", "B", "About B.")])
    qtbot.addWidget(made)
    (question,) = made.findChildren(Question)
    with qtbot.waitSignal(made.glossary_wanted) as asked:
        qtbot.mouseClick(question, Qt.MouseButton.LeftButton)
    assert asked.args == ["augmentation"]
    assert "augmentation" in question.toolTip()
    assert question.accessibleName() == "Explain A"


def test_without_options_nothing_is_chosen(qtbot: QtBot) -> None:
    made = OptionList([])
    qtbot.addWidget(made)
    assert made.current() == ""
