"""The first page: a new project, an open one, a recent one, the demo."""

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.settings import Settings
from trainer import files

ABOUT = (
    "Build, judge and explain chest X-ray classifiers on this computer, without code and without internet: bring radiographs, "
    "look at them, split them by patient, train, move thresholds, see where the network looked, and take a report home."
)
DROP = "Or drop something anywhere in this window: a folder or table to import, radiographs to review, a project to open."
WIDTH = 400
MISSING = Qt.ItemDataRole.UserRole + 1
_ACTIONS = (
    ("new", "&New project…", "Choose a folder of radiographs; their labels are found in folder names or in a table."),
    ("open", "&Open project…", "A project is a folder NAME.cxr; it can be copied, moved and zipped."),
    (
        "demo",
        "&Try the demo",
        "Draws 600 radiographs with known truth, trains on them and judges the result: about two minutes.",
    ),
    ("review", "&Review radiographs…", "Look at single files, with or without a trained model."),
)


class Welcome(QWidget):
    """Says what can be done; the window does it."""

    chosen = Signal(str)
    """new, open, demo or review."""
    project_chosen = Signal(object)
    """Path of a recent project."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.buttons: dict[str, QPushButton] = {}
        self.recent = QListWidget()
        self.recent.setAccessibleName("Recent projects")
        self.recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent.itemActivated.connect(self._take)
        self.recent.itemClicked.connect(self._take)
        self.none = theme.muted("No project was open yet. They will stand here.")
        self.none.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """Read the recent projects again."""
        self.recent.clear()
        for path in self._settings.recent():
            self._add(path, _short(path.parent), str(path))
        for path in self._settings.missing_recent():
            item = self._add(path, f"not in {_short(path.parent)} any more", f"{path} is not there: find or forget it")
            item.setForeground(QColor(theme.colours().muted))
            item.setData(MISSING, True)
        self.none.setVisible(self.recent.count() == 0)
        self.recent.setVisible(self.recent.count() > 0)

    def _add(self, path: Path, where: str, tip: str) -> QListWidgetItem:
        item = QListWidgetItem(f"{path.stem}\n{where}")
        item.setData(Qt.ItemDataRole.UserRole, path)
        item.setToolTip(tip)
        item.setSizeHint(QSize(0, round(QFontMetrics(self.font()).height() * 2.8)))
        self.recent.addItem(item)
        return item

    def _take(self, item: QListWidgetItem) -> None:
        path = item.data(Qt.ItemDataRole.UserRole)
        if item.data(MISSING):
            self._ask_about(path)
        else:
            self.project_chosen.emit(path)

    def _ask_about(self, path: Path) -> None:
        """A project that is not there: is it elsewhere, or is it to be forgotten? Its drive may have come back meanwhile."""
        if path not in self._settings.missing_recent():
            self.refresh()
            self.project_chosen.emit(path)
            return
        box = QMessageBox(QMessageBox.Icon.Question, "Project not found", f"The project {path.stem} is not there.", parent=self)
        box.setInformativeText(f"It was in {path.parent}. If it is on a drive, connect the drive and choose it again.")
        find = box.addButton("Find it…", QMessageBox.ButtonRole.AcceptRole)
        forget = box.addButton("Forget it", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        find.clicked.connect(lambda: self._find(path))
        forget.clicked.connect(lambda: self._forget(path))
        box.open()

    def _forget(self, path: Path) -> None:
        self._settings.forget_recent(path)
        self.refresh()

    def _find(self, path: Path) -> None:
        chosen = QFileDialog.getExistingDirectory(self, f"Where is {path.name} now?", self._settings.text("folder"))
        if chosen:
            found = Path(chosen)
            if files.is_file(found / path.name / "catalog.sqlite"):  # the folder that it lies in
                found = found / path.name
            if files.is_file(found / "catalog.sqlite"):
                self._settings.forget_recent(path)
            self.project_chosen.emit(found)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE * 5)
        row.addStretch(1)
        row.addLayout(self._actions())
        row.addLayout(self._recent_column())
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE * 4, theme.SPACE * 3, theme.SPACE * 4, theme.SPACE * 2)
        column.addStretch(1)
        column.addLayout(self._title())
        column.addSpacing(theme.SPACE * 4)
        column.addLayout(row)
        column.addStretch(2)
        foot = theme.muted(DROP)
        foot.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(foot)

    def _title(self) -> QHBoxLayout:
        box = QWidget()
        box.setMaximumWidth(WIDTH * 7 // 4)
        column = QVBoxLayout(box)
        for part in (theme.heading("CXR Desktop"), theme.muted(ABOUT)):
            part.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(part)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(box, 100)
        row.addStretch(1)
        return row

    def _actions(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(theme.SPACE // 2)
        for place, (name, text, about) in enumerate(_ACTIONS):
            button = QPushButton(text)
            button.setAccessibleDescription(about)
            button.setMinimumHeight(round(QFontMetrics(self.font()).height() * 2.2))
            if place == 0:
                theme.restyled(button, "primary")
            button.clicked.connect(lambda _=False, name=name: self.chosen.emit(name))
            self.buttons[name] = button
            words = theme.muted(about)
            words.setFixedWidth(WIDTH)
            grid.addWidget(button, place * 3, 0)
            grid.addWidget(words, place * 3 + 1, 0)
            grid.setRowMinimumHeight(place * 3 + 2, theme.SPACE)
        return grid

    def _recent_column(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(theme.SPACE)
        label = QLabel("Recent &projects")
        label.setBuddy(self.recent)
        label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        for part in (self.none, self.recent):
            part.setFixedWidth(WIDTH * 4 // 5)
        column.addWidget(label)
        column.addWidget(self.recent, 100)
        column.addWidget(self.none)
        column.addStretch(1)
        return column


def _short(path: Path) -> str:
    """The folder as a person names it: "~" for the home folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)
