"""What can be done with the images of the dataset, as actions for buttons, menus and keys."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from cxr_desktop.dataset import edits
from cxr_desktop.dataset.image_views import ImageViews
from cxr_desktop.dataset.shown_images import ShownImages
from cxr_desktop.project import Project
from trainer.errors import counted

MOST_FILES = 100_000
"""Paths that are copied or sent at once."""
Key = QKeySequence.StandardKey


class DatasetActions(QObject):
    """Actions on the selected images; they are enabled where they can do something."""

    def __init__(self, project: Project, shown: ShownImages, views: ImageViews, parent: QWidget) -> None:
        super().__init__(parent)
        self._project, self._shown, self._views = project, shown, views
        self.toggle = self._action("Exclude or in&clude", "Del", self._toggle, "Exclude the selected images, or take them in.")
        self.exclude = self._action("&Exclude", "", lambda: self._set_excluded(True), "Leave the selected images out.")
        self.include = self._action("I&nclude", "", lambda: self._set_excluded(False), "Take the selected images in again.")
        self.same_patient = self._action("Only this &patient", "Ctrl+Shift+P", self._same_patient, "Show all of this patient.")
        self.review = self._action("Send to &Review", "Ctrl+Return", self._review, "Look at the selected images in Review.")
        self.copy = self._action("&Copy paths", Key.Copy, self._copy, "Copy the paths of the selected images.")
        self.reveal = self._action("Show in &folder", "Ctrl+Shift+F", self._reveal, "Open the folder of the current image.")
        self.select_all = self._action("Select &all", Key.SelectAll, views.select_all, "")
        self._on_selection = [
            self.toggle, self.exclude, self.include, self.same_patient, self.review, self.copy, self.reveal,
        ]  # fmt: skip
        views.chosen.connect(lambda _: self._enable())
        shown.found.connect(self._enable)
        self._enable()

    def commands(self) -> list[QAction | None]:
        """In the order of a menu; None is a separator."""
        return [
            self.select_all, None, self.toggle, self.exclude, self.include, None, self.same_patient, self.review, None,
            self.copy, self.reveal,
        ]  # fmt: skip

    def menu(self, parent: QWidget) -> QMenu:
        """A context menu for the selected images."""
        menu = QMenu(parent)
        for action in self.commands():
            if action is self.toggle:
                continue
            if action:
                menu.addAction(action)
            else:
                menu.addSeparator()
        return menu

    def _action(self, text: str, key: str | QKeySequence.StandardKey, slot: Callable[[], object], tip: str) -> QAction:
        # In the views alone: where a field of the details has the focus, Del is its own.
        action = QAction(text, self._views, shortcut=QKeySequence(key), toolTip=tip)
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setAutoRepeat(False)  # a key that is held would take the next image too, and the one after it
        action.triggered.connect(lambda: slot())
        self._views.addAction(action)
        return action

    def _enable(self) -> None:
        chosen = bool(self._views.selection.hasSelection())
        for action in self._on_selection:
            action.setEnabled(chosen)
        self.select_all.setEnabled(bool(len(self._shown.ids)))

    def _toggle(self) -> None:
        """The current image says what becomes of all that are selected, where excluded ones are shown beside others.

        Where they are not, the key has one meaning: pressed again before the images have gone it must not take them in.
        """
        shown, current = self._shown.choice.where.excluded, self._views.current()
        self._set_excluded(not shown if shown is not None else not (current and current.excluded))

    def _set_excluded(self, excluded: bool) -> None:
        edits.set_excluded(self._project, self._views.ids(), excluded)

    def _same_patient(self) -> None:
        current = self._views.current()
        if current and current.patient:
            self._shown.filter(replace(self._shown.choice.where, patient=current.patient))
        elif current:
            self._project.tell("The patient of this image is not known.")

    def _review(self) -> None:
        self._with_files(self._project.review_wanted.emit)

    def _copy(self) -> None:
        def put(paths: list[Path]) -> None:
            QGuiApplication.clipboard().setText("\n".join(str(path) for path in paths))
            self._project.tell(f"Copied the paths of {counted(len(paths), 'image')}.")

        self._with_files(put)

    def _with_files(self, done: Callable[[list[Path]], object]) -> None:
        """Find the files of the selected images in a job: there may be very many."""
        catalog, ids = self._project.background, self._views.ids()
        if len(ids) > MOST_FILES:
            self._project.tell(f"Only the first {MOST_FILES:,} of {len(ids):,} images are taken.")
            ids = ids[:MOST_FILES]
        self._project.run(lambda _: [path for path, _ in catalog.files(ids)], done, owner=self)

    def _reveal(self) -> None:
        current = self._views.current()
        if current:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(current.path.parent)))
