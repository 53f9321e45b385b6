"""The first step of an import: which folders and files, and into which project."""

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import drops, theme
from trainer import files, places
from trainer.catalog import FILE, SUFFIX, project_folder
from trainer.errors import TrainerError
from trainer.tables import is_table

WHAT = "Folders of radiographs (PNG, JPEG, TIFF, DICOM), single images, and at most one table (CSV, Excel) with their labels."
FORBIDDEN = frozenset('<>:"/\\|?*')
KINDS = (
    "Images and tables (*.png *.jpg *.jpeg *.tif *.tiff *.bmp *.webp *.dcm *.dicom *.csv *.tsv *.txt *.tab *.xlsx *.csv.gz)",
    "All files (*)",
)


class ImportSources(QWidget):
    """A list of sources, and name and place of the project if a new one is made."""

    changed = Signal()

    def __init__(self, sources: Sequence[Path], project: Path | None, parent: QWidget | None = None) -> None:
        """`project`: the one that the images are added to; None makes a new one."""
        super().__init__(parent)
        self._project = project
        self._named = self._placed = False
        self.setAcceptDrops(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Sources")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setAcceptDrops(False)
        self.add_folder = QPushButton("Add folder…")
        self.add_files = QPushButton("Add files…")
        self.remove = QPushButton("Remove")
        self.name = QLineEdit(maxLength=100)
        self.place = QLineEdit()
        self.browse = QPushButton("Browse…")
        self.remark = theme.muted()
        self._lay_out()
        self._connect()
        self.add(sources)

    def sources(self) -> list[Path]:
        """Folders and images."""
        return [path for path in self._paths() if not _is_table(path)] or [path.parent for path in self._paths()]

    def table(self) -> Path | None:
        """The table that was chosen by itself."""
        return next((path for path in self._paths() if _is_table(path)), None)

    def target(self) -> Path:
        """Folder of the project that the images go to."""
        return self._project or project_folder(Path(self.place.text().strip()) / self.name.text().strip())

    def problem(self) -> str:
        """Why it cannot go on, in words; "" if it can."""
        if not self._paths():
            return "Add a folder or files, or drop them here."
        if sum(map(_is_table, self._paths())) > 1:
            return "There is more than one table: remove the others."
        if self._project is not None:
            there = files.is_file(self._project / FILE)
            return "" if there else f"The project is not at its place any more: {self._project}. Open it where it is now."
        name, place = self.name.text().strip(), Path(self.place.text().strip())
        if not name or set(name) & FORBIDDEN or name.strip(".") == "":
            return "The project needs a name without any of " + " ".join(sorted(FORBIDDEN))
        if not place.is_absolute():
            return "Choose the folder in which the project is made."
        try:
            places.check_project(self.target())
        except TrainerError as error:
            return f"{error.what}. {error.remedy}"
        return ""

    def add(self, paths: Sequence[Path]) -> None:
        """Put more in the list; what stands there already is left as it is."""
        for path in paths:
            whole = Path(os.path.abspath(path))  # noqa: PTH100 - resolves "..", keeps links
            if whole not in self._paths():
                item = QListWidgetItem(f"{whole}   (table)" if _is_table(whole) else str(whole), self.list)
                item.setData(Qt.ItemDataRole.UserRole, str(whole))
                item.setToolTip(str(whole))
        self._propose()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Files and folders may be dropped."""
        if drops.paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """They are added."""
        self.add(drops.paths(event.mimeData()))
        event.acceptProposedAction()

    def _lay_out(self) -> None:
        buttons = QVBoxLayout()
        for button in (self.add_folder, self.add_files, self.remove):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch()
        row = QHBoxLayout()
        row.addWidget(self.list, 1)
        row.addLayout(buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(theme.muted(WHAT))
        column.addLayout(row, 1)
        self.browse.setAutoDefault(False)
        if self._project is None:
            form = QFormLayout()
            form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
            form.addRow("&Name of the project", self.name)
            place = QHBoxLayout()
            place.addWidget(self.place, 1)
            place.addWidget(self.browse)
            form.addRow("&In the folder", place)
            form.labelForField(place).setBuddy(self.place)
            column.addLayout(form)
        column.addWidget(self.remark)

    def _connect(self) -> None:
        self.add_folder.clicked.connect(lambda: self._ask("Folder of images", QFileDialog.FileMode.Directory))
        self.add_files.clicked.connect(lambda: self._ask("Images and tables", QFileDialog.FileMode.ExistingFiles))
        self.browse.clicked.connect(self._ask_place)
        self.remove.clicked.connect(self._remove)
        self.list.itemSelectionChanged.connect(lambda: self.remove.setEnabled(bool(self.list.selectedItems())))
        self.name.textEdited.connect(self._mark_named)
        self.place.textEdited.connect(self._mark_placed)
        self.name.textChanged.connect(self._judge)
        self.place.textChanged.connect(self._judge)
        self.remove.setEnabled(False)

    def _paths(self) -> list[Path]:
        return [Path(self.list.item(row).data(Qt.ItemDataRole.UserRole)) for row in range(self.list.count())]

    def _remove(self) -> None:
        for item in self.list.selectedItems():
            self.list.takeItem(self.list.row(item))
        self._propose()

    def _ask(self, title: str, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self, title)
        dialog.setFileMode(mode)
        if mode == QFileDialog.FileMode.ExistingFiles:
            dialog.setNameFilters(KINDS)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda names: self.add([Path(name) for name in names]))
        dialog.open()

    def _ask_place(self) -> None:
        dialog = QFileDialog(self, "Folder of the project", self.place.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._set_place)
        dialog.open()

    def _set_place(self, name: str) -> None:
        self._mark_placed()
        self.place.setText(name)

    def _mark_named(self) -> None:
        self._named = True

    def _mark_placed(self) -> None:
        self._placed = True

    def _propose(self) -> None:
        """Name and place after the first source, as long as nobody has written another."""
        paths = self._paths()
        if paths:
            first = paths[0] if paths[0].is_dir() else paths[0].parent
            if not self._named:
                self.name.setText(first.name.removesuffix(SUFFIX) or "radiographs")
            if not self._placed:
                self.place.setText(str(_writable_beside(first)))
        self._judge()

    def _judge(self) -> None:
        problem = self.problem()
        if problem:
            text = problem if self._paths() or self._project is None else f"{problem} They are added to {self._project.name}."
        elif files.is_file(self.target() / FILE):
            text = f"The images are added to the project {self.target().name}."
        else:
            text = f"A new project is made: {self.target()}"
        self.remark.setText(text)
        theme.restyled(self.remark, "error" if problem and self._paths() else "muted")
        self.changed.emit()


def _is_table(path: Path) -> bool:
    return is_table(path.name) and not path.is_dir()


def _writable_beside(source: Path) -> Path:
    """The folder that the source lies in, or Documents where nothing may be written there."""
    if os.access(source.parent, os.W_OK):
        return source.parent
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
