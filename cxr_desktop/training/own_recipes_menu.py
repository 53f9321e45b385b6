"""What can be done with recipes of one's own: save the settings as one, take one in from a file, write one, delete."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QUndoCommand
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QMessageBox, QPushButton, QWidget

from cxr_desktop.notices import WARNING, Notice
from cxr_desktop.project import Project
from cxr_desktop.training.recipe_chooser import RecipeChooser
from cxr_desktop.wording import in_window
from trainer import config, own_recipes, recipes
from trainer.config import TrainConfig
from trainer.errors import ConfigError, TrainerError

FOLDER = "training/recipes"
_FILES = "Recipes (*.toml)"


_ASKED = "Name (small letters, digits, '-' and '_'):"


class OwnRecipesMenu(QPushButton):
    """A button with a menu beside the recipes; `settings` gives those that are chosen now."""

    changed = Signal(str)
    """There are other recipes now, and this one is to be chosen ("": none of them)."""

    def __init__(
        self, project: Project, chooser: RecipeChooser, settings: Callable[[], TrainConfig], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._project, self._chooser, self._settings = project, chooser, settings
        self.setText("Own recipes")
        self.setToolTip("Save the settings as a recipe of your own; import, export and delete recipes")
        self._menu = QMenu(self)
        self.save = self._made("&Save the settings as…", self.ask_for_name)
        self.take_in = self._made("&Import…", self.ask_for_file)
        self.export = self._made("&Export…", self.ask_where_to)
        self.delete = self._made("&Delete…", self.ask_to_delete)
        self._menu.aboutToShow.connect(self.refresh)
        self.setMenu(self._menu)
        self.refresh()

    def refresh(self) -> None:
        """Only recipes of one's own can be deleted; the chosen one is named."""
        chosen = self._chooser.recipe()
        self.delete.setEnabled(chosen.own)
        self.delete.setText(f"&Delete {chosen.name}…" if chosen.own else "&Delete…")
        self.delete.setStatusTip("" if chosen.own else "Recipes of the program stay; choose one of your own to delete it")
        self.export.setText(f"&Export {chosen.name}…")

    def tell_damaged(self) -> None:
        """Say which recipes of one's own cannot be used, and why."""
        for sentence in recipes.damaged():
            self._project.noticed.emit(Notice(WARNING, in_window(sentence)))

    def ask_for_name(self) -> None:
        """Ask under which name, until it is one that can be, and save."""
        chosen = self._chooser.recipe()
        name, wrong = chosen.name if chosen.own else "", ""
        while True:
            text, agreed = QInputDialog.getText(self, "Save as a recipe", f"{wrong}{_ASKED}", text=name)
            if not agreed or not (name := text.strip()):
                return
            try:
                own_recipes.check_name(name)
            except ConfigError as error:
                wrong = f"{error.what}. {error.remedy}\n\n"
            else:
                self.save_as(name)
                return

    def save_as(self, name: str) -> None:
        """Keep the settings as a recipe; one of that name is replaced after a question."""
        start = self._chooser.recipe()
        there = name in {recipe.name for recipe in recipes.every() if recipe.own}
        if there and not self._agreed("Replace", f"Replace your recipe {name}?", "Its settings are lost."):
            return
        differs = config.assignments(config.differences(self._settings(), start.settings))
        about = f"Began with {start.name}; differs in: {', '.join(differs) or 'nothing'}."
        if self._done(lambda: own_recipes.save(name, self._settings(), about=about, replace=there)):
            self.changed.emit(name)

    def ask_for_file(self) -> None:
        """Ask which file, and take it in."""
        found, _ = QFileDialog.getOpenFileName(self, "Import a recipe", self._folder(), _FILES)
        if found:
            self.take(Path(found))

    def take(self, path: Path) -> None:
        """Take in a recipe file under a name that can be; one's own of that name is replaced after a question."""
        self._project.settings.set_text(FOLDER, str(path.parent))
        name = own_recipes.usable_name(path.stem)
        there = name in {file.stem for file in recipes.own_files()}
        if there and not self._agreed("Replace", f"Replace your recipe {name}?", "Its settings are lost."):
            return
        if self._done(lambda: own_recipes.take_in(path, name=name, replace=there)):
            self.changed.emit(name)
            if name != path.stem:
                self._project.tell(f"Imported {path.name} as {name}.")

    def ask_where_to(self) -> None:
        """Ask where to, and write the chosen recipe."""
        name = self._chooser.recipe().name
        found, _ = QFileDialog.getSaveFileName(self, "Export a recipe", str(Path(self._folder()) / f"{name}.toml"), _FILES)
        if found:
            self.export_to(Path(found))

    def export_to(self, path: Path) -> None:
        """Write the chosen recipe as a file; the ending is added where it is missing."""
        path = path if path.suffix == ".toml" else path.with_name(f"{path.name}.toml")
        self._project.settings.set_text(FOLDER, str(path.parent))
        name = self._chooser.recipe().name
        if self._done(lambda: own_recipes.export(name, path)):
            self._project.tell(f"Exported {name}: {path}")

    def ask_to_delete(self) -> None:
        """Delete the chosen recipe, if it is the user's own, after a question."""
        chosen = self._chooser.recipe()
        question, sentence = (
            f"Delete your recipe {chosen.name}?",
            "Runs that began with it keep their settings. Undo brings it back.",
        )
        if chosen.own and self._agreed("Delete", question, sentence):
            self._project.undo.push(_Deletion(self, chosen.name))

    def delete_now(self, name: str) -> None:
        """Delete a recipe, or tell why that cannot be."""
        if self._done(lambda: own_recipes.delete(name)):
            self.changed.emit("")

    def restore(self, name: str, text: str) -> None:
        """Bring a deleted recipe back, as its file was, unless there is another of that name by now."""
        if self._done(lambda: own_recipes.restore(name, text)):
            self.changed.emit(name)

    def _made(self, text: str, slot: Callable[[], None]) -> QAction:
        action = self._menu.addAction(text)
        action.triggered.connect(lambda: slot())
        return action

    def _folder(self) -> str:
        return self._project.settings.text(FOLDER) or str(Path.home())

    def _done(self, work: Callable[[], object]) -> bool:
        """Do it: these are small files. A refusal is told."""
        try:
            work()
        except TrainerError as error:
            self._project.tell(error)
            return False
        return True

    def _agreed(self, yes: str, question: str, sentence: str) -> bool:
        """Ask before something is lost; the harmless answer is the default."""
        box = QMessageBox(QMessageBox.Icon.Question, yes, question, parent=self)
        box.setInformativeText(sentence)
        agree = box.addButton(yes, QMessageBox.ButtonRole.DestructiveRole)
        agree.setAutoDefault(False)
        keep = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.exec()
        agreed = box.clickedButton() is agree
        box.deleteLater()
        return agreed


class _Deletion(QUndoCommand):
    """A recipe of one's own that is deleted, with the text of its file to bring it back."""

    def __init__(self, menu: OwnRecipesMenu, name: str) -> None:
        super().__init__(f"delete recipe {name}")
        self._menu, self._name = menu, name
        self._text = own_recipes.text_of(name)

    def redo(self) -> None:
        """Delete it."""
        self._menu.delete_now(self._name)

    def undo(self) -> None:
        """Bring it back."""
        self._menu.restore(self._name, self._text)
