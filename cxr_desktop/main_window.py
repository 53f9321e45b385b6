"""The window: what the open project holds."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QFileDialog,
    QHeaderView,
    QLabel,
    QMainWindow,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from trainer.catalog import Catalog, Counts, project_folder
from trainer.errors import TrainerError

NOTHING_OPEN = "Open a project (a folder NAME.cxr) with Ctrl+O."
HINT = "For teaching and research, not for diagnosis."


class MainWindow(QMainWindow):
    """Shows the counts of one project."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("CXR Desktop")
        self.resize(720, 480)
        self.message = QLabel(NOTHING_OPEN)
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.table = QTableWidget(0, 4)
        self.table.setAccessibleName("Images by finding")
        self.table.setHorizontalHeaderLabels(["Finding", "Yes", "No", "Not stated"])
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.hide()
        page = QWidget()
        column = QVBoxLayout(page)
        column.addWidget(self.message)
        column.addWidget(self.table, 1)
        column.addWidget(QLabel(HINT), 0, Qt.AlignmentFlag.AlignBottom)
        self.setCentralWidget(page)
        self._add_menu()

    def show_counts(self, folder: Path, counts: Counts) -> None:
        """Show what a project holds."""
        self.setWindowTitle(f"{folder.name} - CXR Desktop")
        excluded = f", {counts.excluded} excluded" if counts.excluded else ""
        self.message.setText(f"{folder.name}: {counts.images} images of {counts.patients} patients{excluded}.")
        self.table.setRowCount(len(counts.findings))
        for row, (name, answers) in enumerate(counts.findings.items()):
            for column, text in enumerate((name, answers["yes"], answers["no"], answers["not stated"])):
                cell = QTableWidgetItem(str(text))
                side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
                cell.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, cell)
        self.table.show()

    def show_error(self, error: TrainerError) -> None:
        """Say what is wrong, where, and what to do; what was shown before is gone."""
        self.table.hide()
        self.setWindowTitle("CXR Desktop")
        self.message.setText(str(error))

    def _add_menu(self) -> None:
        menu = self.menuBar().addMenu("&File")
        for text, key, slot in (
            ("&Open project ...", QKeySequence.StandardKey.Open, self._ask_for_project),
            ("&Quit", QKeySequence.StandardKey.Quit, self.close),
        ):
            action = QAction(text, self, shortcut=QKeySequence(key))
            action.triggered.connect(slot)
            menu.addAction(action)

    def _ask_for_project(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open project")
        if chosen:
            self.open_project(Path(chosen))

    def open_project(self, path: Path) -> None:
        """Show what a project holds; or, where it cannot be opened, what is wrong, where, and what to do."""
        folder = project_folder(path)
        try:
            with Catalog.open(folder) as catalog:
                self.show_counts(folder, catalog.counts())
        except TrainerError as error:
            self.show_error(error)
