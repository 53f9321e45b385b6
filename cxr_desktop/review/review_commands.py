"""The actions of the Review page with their keys, in the order of its menu."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence

FINDING_KEYS = 9
"""The first findings have a key of their own: 1 to 9."""


@dataclass(frozen=True)
class Deeds:
    """What each action does."""

    open_files: Callable[[], object]
    open_folder: Callable[[], object]
    choose_model: Callable[[], object]
    go: Callable[[int], object]
    remove: Callable[[], object]
    clear: Callable[[], object]
    explain: Callable[[int], object]
    explain_top: Callable[[], object]
    explain_none: Callable[[], object]
    table: Callable[[bool], object]
    pause: Callable[[bool], object]
    fix_scale: Callable[[], object]
    save_picture: Callable[[], object]
    copy_picture: Callable[[], object]
    save_table: Callable[[], object]


class ReviewCommands(QObject):
    """All actions; `listed` has them in menu order, None for a separator."""

    def __init__(self, deeds: Deeds, parent: QObject) -> None:
        super().__init__(parent)
        self.open_files = self._made("Open &images…", "Ctrl+Shift+O", deeds.open_files, "Review image files.")
        self.open_folder = self._made("Open &folder…", "Ctrl+Shift+F", deeds.open_folder, "Review all images of a folder.")
        self.choose_model = self._made("Choose &model…", "Ctrl+M", deeds.choose_model, "Which trained network reviews.")
        self.next = self._made("&Next image", "", lambda: deeds.go(1), "Show the next image of the list.")
        self.previous = self._made("&Previous image", "", lambda: deeds.go(-1), "Show the image before.")
        self.remove = self._made("&Remove from the list", "Del", deeds.remove, "The files stay where they are.")
        self.clear = self._made("&Clear the list", "Ctrl+Shift+Del", deeds.clear, "The files stay where they are.")
        self.findings = [
            self._made("", str(n + 1), lambda n=n: deeds.explain(n), "Where the model looked for this finding.")
            for n in range(FINDING_KEYS)
        ]
        self.top = self._made("Heat map of the most probable finding", "P", deeds.explain_top, "Of each image its own.")
        self.none = self._made("No heat map", "0", deeds.explain_none, "The radiograph alone.")
        self.scale = self._made(
            "Fixed scale from the images seen", "Shift+S", deeds.fix_scale, "The strongest map has the brightest colour."
        )
        self.table = self._made("Table of all &predictions", "T", deeds.table, "Image or table.", checkable=True)
        self.pause = self._made("Pause predicting", "", deeds.pause, "Only the image on screen is predicted.", checkable=True)
        self.save_picture = self._made("&Save picture…", "Ctrl+S", deeds.save_picture, "As on screen, without patient data.")
        self.copy_picture = self._made("Copy picture", "Ctrl+C", deeds.copy_picture, "To the clipboard, without patient data.")
        self.save_table = self._made("Export predictions as CSV…", "Ctrl+E", deeds.save_table, "One row per file.")
        self.show_table_keys(False)
        self.show_findings(())

    @property
    def listed(self) -> list[QAction | None]:
        """In menu order."""
        return [
            *(self.open_files, self.open_folder, self.choose_model, None),
            *(self.previous, self.next, self.remove, self.clear, self.pause, None),
            *(self.top, self.none, *self.findings, self.scale, None),
            *(self.table, self.save_picture, self.copy_picture, self.save_table),
        ]

    def show_findings(self, names: tuple[str, ...]) -> None:
        """Name the actions of the findings; those without a finding are hidden."""
        for number, action in enumerate(self.findings):
            action.setText(f"Heat map of {names[number].replace('&', '&&')}" if number < len(names) else "")
            action.setVisible(number < len(names))
            action.setEnabled(number < len(names))
        for action in (self.top, self.none, self.scale):
            action.setEnabled(bool(names))

    def show_table_keys(self, table: bool) -> None:
        """In the table, the page keys move within it; beside the image they turn it over."""
        for action, keys in ((self.next, ("J", "PgDown")), (self.previous, ("K", "PgUp"))):
            action.setShortcuts([QKeySequence(key) for key in (keys[:1] if table else keys)])

    def enable(self, *, files: bool, image: bool, answers: bool) -> None:
        """What can be done now: there are files, one is on screen, some are predicted."""
        for action in (self.next, self.previous, self.remove, self.clear, self.table, self.pause):
            action.setEnabled(files)
        for action in (self.save_picture, self.copy_picture):
            action.setEnabled(image)
        self.save_table.setEnabled(answers)

    def _made(self, text: str, key: str, deed: Callable[..., object], tip: str, *, checkable: bool = False) -> QAction:
        action = QAction(text, self, checkable=checkable)
        if key:
            action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setToolTip(tip)
        action.triggered.connect((lambda checked: deed(checked)) if checkable else (lambda: deed()))
        return action
