"""The top of the dataset page: import, split, how the images are shown and in which order."""

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QSlider, QToolButton, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset.shown_images import Overview
from cxr_desktop.project import Project
from cxr_desktop.widgets.tile import SIZES
from trainer.errors import TrainerError

ORDERS = {"path": "Path", "patient": "Patient", "view": "View", "sex": "Sex", "age": "Age", "source": "Source"}
SIZE_WORDS = ("small", "medium", "large")
NO_SPLIT = "not split yet"
SPLIT_TIP = "the split whose parts are shown and filtered, and that the next training uses."
SPLIT_WIDTH = 16
"""Characters of a split's name that are shown."""


class DatasetBar(QWidget):
    """Buttons and choices; `commands` are its actions in menu order."""

    import_wanted = Signal()
    split_wanted = Signal()
    sort_wanted = Signal(str)
    table_wanted = Signal(bool)
    side_wanted = Signal(int)

    def __init__(self, project: Project, parent: QWidget) -> None:
        super().__init__(parent)
        self._project = project
        self._descending = False
        self.add_images = self._action("&Import images…", "", self.import_wanted.emit)
        self.find_moved = self._action("Find &moved images…", "", project.missing_wanted.emit)
        self.divide = self._action("&Split…", "Ctrl+Shift+S", self.split_wanted.emit)
        self.grid = self._action("&Grid", "Ctrl+1", lambda: self.table_wanted.emit(False), checkable=True, checked=True)
        self.table = self._action("&Table", "Ctrl+2", lambda: self.table_wanted.emit(True), checkable=True)
        self.larger = self._action("&Larger pictures", "Ctrl++", lambda: self.size.setValue(self.size.value() + 1))
        self.smaller = self._action("S&maller pictures", "Ctrl+-", lambda: self.size.setValue(self.size.value() - 1))
        views = QActionGroup(self)
        for action in (self.grid, self.table):
            views.addAction(action)
        self.splits = QComboBox()
        self.splits.setAccessibleName("Active split")
        self.splits.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.splits.setMinimumContentsLength(SPLIT_WIDTH)
        self.splits.activated.connect(self._activate)
        self._make_sorting()
        self._make_size()
        self._lay_out()
        self.show_overview(None)

    @property
    def commands(self) -> list[QAction | None]:
        """The actions of the bar."""
        return [self.add_images, self.find_moved, self.divide, None, self.grid, self.table, self.larger, self.smaller]

    def show_overview(self, overview: Overview | None) -> None:
        """Show which splits there are."""
        names = overview.splits if overview else ()
        self.splits.clear()
        room = self.fontMetrics().averageCharWidth() * SPLIT_WIDTH
        for name in names or (NO_SPLIT,):
            self.splits.addItem(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, room), name)
            self.splits.setItemData(self.splits.count() - 1, name, Qt.ItemDataRole.ToolTipRole)
        chosen = self.splits.findData(overview.counts.split_name if overview else NO_SPLIT)
        self.splits.setCurrentIndex(chosen if names else 0)
        self.splits.setToolTip(f"{self.splits.currentData()}: {SPLIT_TIP}")
        self.splits.setEnabled(bool(names))
        self.divide.setEnabled(bool(overview and overview.counts.images))
        for action in (self.add_images, self.find_moved):
            action.setEnabled(self._project.is_open)

    def show_order(self, order: str) -> None:
        """Show by what the images are sorted."""
        self._descending = order.startswith("-")
        self.order.setCurrentIndex(self.order.findData(order.removeprefix("-")))
        self.direction.setArrowType(Qt.ArrowType.DownArrow if self._descending else Qt.ArrowType.UpArrow)
        words = "Descending" if self._descending else "Ascending"
        self.direction.setToolTip(f"{words} order; a click turns it round.")
        self.direction.setAccessibleName(f"{words} order")

    def show_as(self, *, table: bool) -> None:
        """Show whether the table or the grid is shown."""
        (self.table if table else self.grid).setChecked(True)
        for control in (self.size, self.larger, self.smaller):
            control.setEnabled(not table)

    def _action(self, text: str, key: str, slot: object, **more: bool) -> QAction:
        action = QAction(text, self, shortcut=QKeySequence(key), **more)
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda: slot())
        return action

    def _make_sorting(self) -> None:
        self.order = QComboBox(toolTip="By what the images are sorted.")
        self.order.setAccessibleName("Sort by")
        for key, words in ORDERS.items():
            self.order.addItem(words, key)
        self.direction = QToolButton()
        self.order.activated.connect(lambda _: self._sort())
        self.direction.clicked.connect(partial(self._sort, turn=True))
        self.show_order("path")

    def _sort(self, *_: object, turn: bool = False) -> None:
        down = self._descending != turn
        self.sort_wanted.emit(("-" if down else "") + self.order.currentData())

    def _make_size(self) -> None:
        self.size = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=len(SIZES) - 1, value=1, pageStep=1)
        self.size.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.size.setAccessibleName("Size of the pictures")
        self.size.setToolTip("Size of the pictures: small, medium, large.")
        self.size.setFixedWidth(self.fontMetrics().averageCharWidth() * 12)
        self.size.valueChanged.connect(lambda place: self.side_wanted.emit(SIZES[place]))

    def _button(self, action: QAction) -> QPushButton:
        button = QPushButton(action.text())
        button.clicked.connect(action.trigger)
        action.enabledChanged.connect(button.setEnabled)
        button.setEnabled(action.isEnabled())
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        for action in (self.add_images, self.divide):
            row.addWidget(self._button(action))
        row.addWidget(self.splits)
        row.addStretch(1)
        for action in (self.grid, self.table):
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            row.addWidget(button)
        row.addSpacing(theme.SPACE)
        label = QLabel("So&rt by")
        label.setBuddy(self.order)
        for part in (label, self.order, self.direction):
            row.addWidget(part)
        row.addSpacing(theme.SPACE)
        row.addWidget(self.size)

    def _activate(self) -> None:
        catalog, name = self._project.background, self.splits.currentData()

        def failed(error: TrainerError) -> None:
            self._project.tell(error)
            self._project.splits_changed.emit()  # the box shows again which one is active

        self._project.run(
            lambda _: catalog.activate_split(name), lambda _: self._project.splits_changed.emit(), failed, owner=self
        )
