"""The dataset: which images there are, seen as a grid or a table, filtered, sorted, counted, excluded, divided."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset import filter_words
from cxr_desktop.dataset.dataset_actions import DatasetActions
from cxr_desktop.dataset.dataset_bar import DatasetBar
from cxr_desktop.dataset.detail_pane import DetailPane
from cxr_desktop.dataset.filter_bar import FilterBar
from cxr_desktop.dataset.finding_chart import FindingChart
from cxr_desktop.dataset.image_views import ImageViews
from cxr_desktop.dataset.shown_images import ShownImages
from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.project import Project
from cxr_desktop.widgets.chips import Chips
from cxr_desktop.widgets.tile import SIZES
from trainer.records import Ids

CHART, IMAGES, DETAILS = range(3)
WIDTHS = (250, 430, 280)
"""Device independent pixels of chart, images and details at first."""
NARROWEST = 200
"""Device independent pixels of each of them, unless it is hidden."""


class DatasetPage(QWidget):
    """All images of the open project."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.shown = ShownImages(project, self)
        self.bar = DatasetBar(project, self)
        self.filters, self.chips = FilterBar(), Chips()
        self.chart = FindingChart()
        self.views = ImageViews(project, self.shown)
        self.details = DetailPane(project)
        self.actions_on_images = DatasetActions(project, self.shown, self.views, self)
        self.told = theme.muted()
        self.told.setWordWrap(False)
        self.told.setMinimumHeight(self.chips.clear.sizeHint().height())
        self.told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._selected = 0
        self.commands: list[QAction | None] = self._commands()
        self._lay_out()
        self._connect()
        self._restore()
        self._show_overview()
        self._show_choice()
        self._show_parts()
        self.shown.refresh()

    # Making it

    def _commands(self) -> list[QAction | None]:
        self.find = self.filters.find_action(self)
        self.find.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.clear = self._action("C&lear filters", "Ctrl+Shift+X", self.shown.clear)
        self.show_chart = self._action("Show &chart", "Ctrl+Shift+1", lambda: self._toggle(CHART))
        self.show_details = self._action("Show &details", "Ctrl+Shift+2", lambda: self._toggle(DETAILS))
        own = [*self.bar.commands, self.views.table.columns_menu(self).menuAction(), self.show_chart, self.show_details, None]
        sizes = (self.bar.larger, self.bar.smaller)
        for action in (*own, self.find):
            if action and action not in sizes:
                self.addAction(action)
        for part in (self.bar, self.filters, self.chart, self.views):  # in the details these keys zoom the image
            part.addActions(sizes)
        return [*own, self.find, self.clear, None, *self.actions_on_images.commands(), None, *self.details.commands]

    def _action(self, text: str, key: str, slot: object) -> QAction:
        action = QAction(text, self, shortcut=key)
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda: slot())
        self.addAction(action)
        return action

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(theme.SPACE)
        line.addWidget(self.told, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.chips, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        for part in (self.chart, self.views, self.details):
            part.setMinimumWidth(NARROWEST)
            self.splitter.addWidget(part)
        self.splitter.setCollapsible(IMAGES, False)
        self.splitter.setStretchFactor(IMAGES, 1)
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.bar)
        column.addWidget(self.filters)
        column.addLayout(line)
        column.addWidget(self.splitter, 1)

    def _connect(self) -> None:
        shown, views, bar = self.shown, self.views, self.bar
        shown.choice_changed.connect(self._show_choice)
        shown.surveyed.connect(self._show_overview)
        for signal in (shown.found, shown.patients_counted):
            signal.connect(self._count)
        shown.found.connect(self._show_parts)
        self._project.closed.connect(self._show_overview)
        bar.import_wanted.connect(self._import)
        bar.split_wanted.connect(self._split)
        bar.sort_wanted.connect(shown.sort)
        bar.table_wanted.connect(self._show_as)
        bar.side_wanted.connect(views.grid.set_side)
        views.table.sort_wanted.connect(shown.sort)
        views.import_wanted.connect(self._import)
        views.home_wanted.connect(lambda: self._project.page_wanted.emit("home"))
        views.chosen.connect(self._chosen)
        views.opened.connect(self._enlarge)
        self.filters.filter_wanted.connect(shown.filter)
        self.chart.filter_wanted.connect(shown.filter)
        self.chips.removed.connect(self._without)
        self.chips.cleared.connect(shown.clear)

    # What is shown

    def _show_choice(self) -> None:
        choice = self.shown.choice
        self.filters.show_filter(choice.where)
        self.chart.show_filter(choice.where)
        self.bar.show_order(choice.order)
        self.views.table.show_order(choice.order)
        self.chips.show_chips(filter_words.conditions(choice))
        self.clear.setEnabled(choice.narrows)

    def _show_overview(self) -> None:
        overview = self.shown.overview
        self.bar.show_overview(overview)
        self.filters.show_overview(overview)
        self.chart.show_overview(overview)
        self._count()

    def _show_parts(self) -> None:
        """Without images there is nothing to filter, count or describe."""
        some = self._project.is_open and (self.shown.total > 0 or not self.shown.known)
        for part in (self.filters, self.told, self.chart, self.details):
            part.setVisible(some)
        self.bar.setEnabled(self._project.is_open)

    def _chosen(self, ids: Ids) -> None:
        self._selected = len(ids)
        self.details.show_images(ids)
        self._count()

    def _count(self) -> None:
        """Say how many images and patients there are."""
        if not self._project.is_open:
            self.told.clear()
            return
        shown, words = self.shown, []
        words.append(f"{len(shown.ids):,} of {counted_images(shown.total)}")
        if shown.patients is not None:
            words.append(f"{shown.patients:,} patient{'' if shown.patients == 1 else 's'}")
        excluded = shown.overview.counts.excluded if shown.overview else 0
        if excluded:
            words.append(f"{excluded:,} excluded")
        if self._selected:
            words.append(f"{self._selected:,} selected")
        self.told.setText(" · ".join(words))

    # What is done

    def _without(self, key: str) -> None:
        if key == "wanted":
            self.shown.release()
        else:
            self.shown.filter(filter_words.without(self.shown.choice.where, key))

    def _import(self) -> None:
        self._project.import_wanted.emit([])

    def _split(self) -> None:
        dialog = SplitDialog(self._project, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_as(self, table: bool) -> None:
        self.views.show_as(table=table)
        self.bar.show_as(table=table)

    def _toggle(self, pane: int) -> None:
        """Show a pane at the side in its first width, or hide it."""
        sizes = self.splitter.sizes()
        sizes[IMAGES] += sizes[pane] - WIDTHS[pane] if not sizes[pane] else sizes[pane]
        sizes[pane] = 0 if sizes[pane] else WIDTHS[pane]
        self.splitter.setSizes(sizes)

    def _enlarge(self) -> None:
        """Give the details half of the page, or their first width again."""
        sizes = self.splitter.sizes()
        whole = sum(sizes)
        wide = WIDTHS[DETAILS] if sizes[DETAILS] >= whole * 0.45 else whole // 2
        self.splitter.setSizes([sizes[CHART], whole - sizes[CHART] - wide, wide])

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Offer what can be done with the selected images."""
        if self.views.geometry().contains(self.splitter.mapFrom(self, event.pos())):
            menu = self.actions_on_images.menu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())

    # What is remembered

    def _restore(self) -> None:
        settings = self._project.settings
        if not self.splitter.restoreState(settings.state("dataset/panes")):
            self.splitter.setSizes(list(WIDTHS))
        self.views.table.horizontalHeader().restoreState(settings.state("dataset/columns"))
        place = min(max(0, round(settings.number("dataset/size", 1))), len(SIZES) - 1)
        self.bar.size.setValue(place)
        self.views.grid.set_side(SIZES[place])
        self._show_as(settings.text("dataset/view", "grid") == "table")

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Remember how the page looks."""
        super().hideEvent(event)
        settings = self._project.settings
        if not self.chart.isHidden():  # without images the panes have no width to remember
            settings.set_state("dataset/panes", self.splitter.saveState())
        settings.set_state("dataset/columns", self.views.table.horizontalHeader().saveState())
        settings.set_number("dataset/size", self.bar.size.value())
        settings.set_text("dataset/view", "table" if self.views.is_table else "grid")


def counted_images(number: int) -> str:
    """ "1 image", "1,000 images"."""
    return f"{number:,} image{'' if number == 1 else 's'}"
