"""Where a training starts: the recipes, each with its honest paragraph."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cxr_desktop.widgets.option_list import Option, OptionList
from cxr_desktop.wording import in_window
from trainer.recipes import Recipe


class RecipeChooser(QWidget):
    """One recipe is always chosen, at first the first."""

    chosen = Signal(str)
    """Name of the recipe that the user has chosen."""

    def __init__(self, recipes: Sequence[Recipe], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._offer(recipes)

    def offer(self, recipes: Sequence[Recipe], choose: str = "") -> None:
        """Offer other recipes; what was chosen stays, or `choose` is, without saying so."""
        before = self.options.current()
        self._column.removeWidget(self.options)
        self.options.hide()
        self.options.deleteLater()
        self._offer(recipes)
        self.choose(choose or before)

    def _offer(self, recipes: Sequence[Recipe]) -> None:
        self._recipes = {recipe.name: recipe for recipe in recipes}
        rows = [Option(one.name, f"{one.title} (own)" if one.own else one.title, in_window(one.about)) for one in recipes]
        self.options = OptionList(rows, one_text=True)
        self.options.chosen.connect(self.chosen)
        self._column.addWidget(self.options)

    def recipe(self) -> Recipe:
        """The chosen one."""
        return self._recipes[self.options.current()]

    def choose(self, name: str) -> bool:
        """Choose a recipe without saying so; False where there is none of that name."""
        if name in self._recipes:
            self.options.choose(name)
        return name in self._recipes
