"""The window: navigation, menus, status, drop target. It puts the pages together and does no work itself."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QMainWindow, QMenu, QStackedWidget, QVBoxLayout, QWidget

from cxr_desktop import dialogs, drops, icons, theme
from cxr_desktop.demo_start import DemoStart
from cxr_desktop.navigation import Navigation
from cxr_desktop.notices import INFORMATION, Notice
from cxr_desktop.project import Project
from cxr_desktop.status_bar import StatusBar
from cxr_desktop.welcome import Welcome
from cxr_desktop.widgets.notice_bar import NoticeBar
from trainer.catalog import project_folder

NAME = "CXR Desktop"
HOME = "home"
PAGE_MENUS = {"dataset": "&Dataset", "training": "&Train", "evaluation": "Eva&luate", "review": "&Review"}
PAGES = {HOME: "Home", "dataset": "Dataset", "training": "Train", "evaluation": "Evaluate", "review": "Review"}
SMALLEST = (900, 600)


class MainWindow(QMainWindow):
    """One window on one project."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project = project
        self.settings = project.settings
        self.demo = DemoStart(project, self)
        self.pages: dict[str, QWidget] = {}
        self.menus: dict[str, QMenu] = {}
        """Those of the pages that were made; `own_menus` are File, Edit, View, Help."""
        self.setAcceptDrops(True)
        self.setMinimumSize(*SMALLEST)
        self.navigation = Navigation(PAGES)
        self.notices = NoticeBar()
        self.stack = QStackedWidget()
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self._lay_out()
        self._add_menus()
        self._connect()
        self._restore()
        self._show_title()
        self.show_page(HOME)

    # What is shown

    def show_page(self, name: str) -> QWidget:
        """Show a page; it is made when it is first needed."""
        if name not in self.pages:
            page = self._make(name)
            self.pages[name] = page
            self.stack.addWidget(page)
        page = self.pages[name]
        self.stack.setCurrentWidget(page)
        self.navigation.show_chosen(name)
        for other, menu in self.menus.items():
            menu.menuAction().setVisible(other == name)
        page.setFocus(Qt.FocusReason.OtherFocusReason)
        if name != HOME:
            self.settings.set_text("page", name)
        return page

    def tell(self, notice: Notice) -> None:
        """Show a notice: sentences at the bottom, warnings and errors at the top until they are closed."""
        self.status.tell(notice)
        if notice.kind != INFORMATION:
            self.notices.add(notice)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open, import or review what was dropped or named."""
        dropped = drops.understood(paths)
        first = dropped.paths[0] if dropped.paths else Path()
        if dropped.kind == drops.PROJECT:
            self.open_project(first.parent if first.name == "catalog.sqlite" else first)
        elif dropped.kind == drops.RUN and self.open_project(first.parent.parent):
            self._show_run("evaluation", str(first))
        elif dropped.kind == drops.IMPORT:
            self.project.import_wanted.emit(list(dropped.paths))
        elif dropped.kind == drops.REVIEW:
            self.project.review_wanted.emit(list(dropped.paths))
        if dropped.left_out:
            names = ", ".join(path.name for path in dropped.left_out[:3])
            self.project.tell(f"Left out, because the other things were taken first: {names}. Drop them again by themselves.")

    def open_project(self, path: Path) -> bool:
        """Open a project on the page that was looked at last; at first on its dataset."""
        same = self.project.is_open and project_folder(path) == self.project.folder
        opened = same or self.project.open(path)
        if opened:
            last = self.settings.text("page")
            self.show_page(last if last in PAGES else "dataset")
        return opened

    # Making it

    def _make(self, name: str) -> QWidget:
        """A page is imported when it is first shown: the window is on screen before."""
        if name == HOME:
            welcome = Welcome(self.settings)
            welcome.chosen.connect(self._chosen)
            welcome.project_chosen.connect(self.open_project)
            return welcome
        if name == "dataset":
            from cxr_desktop.pages.dataset import DatasetPage as Page
        elif name == "training":
            from cxr_desktop.pages.training import TrainingPage as Page
        elif name == "evaluation":
            from cxr_desktop.pages.evaluation import EvaluationPage as Page
        else:
            from cxr_desktop.pages.review import ReviewPage as Page
        page = Page(self.project)
        self._add_page_menu(name, page.commands)
        return page

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notices)
        column.addWidget(self.stack, 1)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.navigation)
        row.addWidget(right, 1)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        self.navigation.chosen.connect(self.show_page)
        self.project.may_leave = self._may_leave
        self.project.noticed.connect(self.tell)
        self.project.task_started.connect(self.status.work.add)
        self.project.opened.connect(self._opened)
        self.project.closed.connect(self._closed)
        self.project.page_wanted.connect(self.show_page)
        self.project.run_wanted.connect(self._show_run)
        self.project.images_wanted.connect(self._show_images)
        self.project.review_wanted.connect(self._review)
        self.project.import_wanted.connect(lambda paths: dialogs.import_images(self, self.project, paths))
        self.project.training.devices_found.connect(self.status.show_devices)

    def _opened(self) -> None:
        self._show_title()
        if HOME in self.pages:
            self.pages[HOME].refresh()

    def _closed(self) -> None:
        self._show_title()
        self.status.notice.say("")  # it was about what was open
        if self.stack.currentWidget() is not self.pages.get("review"):
            self.show_page(HOME)

    def _show_title(self) -> None:
        self.setWindowTitle(f"{self.project.folder.stem} – {NAME}" if self.project.is_open else NAME)

    # A page that is wanted must hear of it, also if it was not made before

    def _show_run(self, page: str, folder: str) -> None:
        self._forwarded(page, self.project.run_wanted, page, folder)

    def _show_images(self, ids: object, words: str) -> None:
        self._forwarded("dataset", self.project.images_wanted, ids, words)

    def _review(self, paths: list[Path]) -> None:
        self._forwarded("review", self.project.review_wanted, paths)

    def _forwarded(self, page: str, signal: object, *values: object) -> None:
        new = page not in self.pages
        self.show_page(page)
        if new:
            signal.emit(*values)  # type: ignore[attr-defined]

    # Menus

    def _add_menus(self) -> None:
        keys = QKeySequence.StandardKey
        self.own_menus = file, edit, view, self.help = [
            self.menuBar().addMenu(title) for title in ("&File", "&Edit", "&View", "&Help")
        ]
        self._add(file, "&New project…", keys.New, lambda: self._chosen("new"))
        self._add(file, "&Open project…", keys.Open, lambda: self._chosen("open"))
        self.recent = file.addMenu("Open &recent")
        self.recent.aboutToShow.connect(self._list_recent)
        file.addSeparator()
        self._add(file, "&Import images…", "Ctrl+I", lambda: dialogs.import_images(self, self.project, []))
        self._add(file, "Re&view radiographs…", "Ctrl+R", lambda: self._chosen("review"))
        self._add(file, "&Try the demo", None, lambda: self._chosen("demo"))
        file.addSeparator()
        self._add(file, "&Close project", keys.Close, lambda: self._may_leave() and self.project.close())
        self._add(file, "&Quit", keys.Quit, self.close)
        for text, made, key in (("&Undo", "createUndoAction", keys.Undo), ("&Redo", "createRedoAction", keys.Redo)):
            action = getattr(self.project.undo, made)(self, text[1:])
            action.setShortcuts(QKeySequence.keyBindings(key))
            edit.addAction(action)
        for number, (name, title) in enumerate(PAGES.items()):
            self._add(view, title, f"Alt+{number}", lambda name=name: self.show_page(name))
        view.addSeparator()
        dialogs.add_themes(view, self.settings)
        self._add(
            view, "&Full screen", "F11", lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        )
        self._add(view, "Close all &notices", "Ctrl+Shift+N", self.notices.clear)
        self._add(self.help, "&Keyboard", "F1", lambda: dialogs.keyboard(self, self._all_actions()))
        self._add(self.help, "&Glossary", "Shift+F1", lambda: dialogs.glossary(self))
        self._add(self.help, "&About", None, lambda: dialogs.about(self))

    def _add(self, menu: QMenu, text: str, key: object, slot: object) -> QAction:
        action = QAction(text, self)
        if isinstance(key, QKeySequence.StandardKey):
            action.setShortcuts(QKeySequence.keyBindings(key))
        elif key:
            action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda: slot())
        menu.addAction(action)
        return action

    def _add_page_menu(self, name: str, actions: Sequence[QAction | None]) -> None:
        menu = QMenu(PAGE_MENUS[name], self)
        for action in actions:
            if action is None:
                menu.addSeparator()
            else:
                menu.addAction(action)
        self.menuBar().insertMenu(self.help.menuAction(), menu)
        self.menus[name] = menu

    def _all_actions(self) -> dict[str, list[QAction]]:
        """By menu, those of pages that were not shown yet included."""
        for name in PAGES:
            if name not in self.pages:
                self.pages[name] = self._make(name)
                self.stack.addWidget(self.pages[name])
                self.menus[name].menuAction().setVisible(False)
        *before, last = self.own_menus
        return {menu.title().replace("&", ""): menu.actions() for menu in (*before, *self.menus.values(), last)}

    def _list_recent(self) -> None:
        self.recent.clear()
        for path in self.settings.recent():
            self.recent.addAction(str(path), lambda path=path: self.open_project(path))
        self.recent.addSeparator()
        self.recent.addAction("Forget these", self.settings.forget_recent)

    def _chosen(self, what: str) -> None:
        if what == "new":
            dialogs.import_images(self, self.project, [], new=True)
        elif what == "demo":
            self.demo.start()
        elif what == "open":
            folder = QFileDialog.getExistingDirectory(self, "Open project (a folder NAME.cxr)", self.settings.text("folder"))
            if folder:
                self.settings.set_text("folder", str(Path(folder).parent))
                self.open_project(Path(folder))
        else:
            files, _ = QFileDialog.getOpenFileNames(self, "Review radiographs", self.settings.text("folder"))
            if files:
                self.settings.set_text("folder", str(Path(files[0]).parent))
                self.project.review_wanted.emit([Path(file) for file in files])

    # Dropping, closing, remembering

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files and folders."""
        if drops.paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Do with them what they are for."""
        event.acceptProposedAction()
        self.open_paths(drops.paths(event.mimeData()))

    def _may_leave(self) -> bool:
        """Whether every page agrees to show another project: one with something unsaved asks first."""
        return all(getattr(page, "may_leave", lambda: True)() for page in self.pages.values())

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask about what is under way, then remember how the window looks."""
        if not (self._may_leave() and dialogs.may_close(self, self.project, self.status.work.tasks())):
            event.ignore()
            return
        self.settings.set_state("window", self.saveGeometry())
        event.accept()

    def _restore(self) -> None:
        self.resize(1280, 800)
        state = self.settings.state("window")
        if not state.isEmpty():
            self.restoreGeometry(state)
        self.setWindowIcon(icons.icon("lungs", theme.colours().accent))
        QApplication.setWindowIcon(self.windowIcon())
