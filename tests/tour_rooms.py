"""The rooms of the tour: each brings the window into some states, one after another, and has a picture of each taken."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QMessageBox

from cxr_desktop.dataset.import_wizard import ImportWizard
from cxr_desktop.dataset.split_dialog import SplitDialog
from cxr_desktop.evaluation.closer_look import CloserLook
from cxr_desktop.evaluation.figure_export import FigureExport
from cxr_desktop.evaluation.seal import SealDialog
from cxr_desktop.glossary import GlossaryDialog
from cxr_desktop.keyboard import KeyboardDialog
from cxr_desktop.notices import ERROR, WARNING, Notice
from cxr_desktop.widgets.model_dialog import ModelDialog
from tests import tour_projects
from tests.desktop.reviewed import folder_of_files
from tests.journeys.window import User, children
from tests.tour_imports import known_datasets
from trainer.errors import DataError
from trainer.records import Filter
from trainer.runs import Run

LOOK_AT = 24
"""Images that are reviewed."""


@dataclass(frozen=True)
class Guide:
    """Who leads through the rooms: the window's user, the projects (`real` None: they are not here), and the camera."""

    user: User
    work: Path
    demo: Path
    real: Path | None
    dicom: Path | None
    shoot: Callable[[str], None]

    def page(self, title: str) -> object:
        """Go to a page."""
        self.user.keys(f"Alt+{('Home', 'Dataset', 'Train', 'Evaluate', 'Review').index(title)}")
        return self.user.window.stack.currentWidget()

    def open(self, project: Path) -> None:
        """Open a project anew, and wait until its images are shown."""
        self.user.project.close()
        self.user.window.open_project(project)
        self.idle()

    def idle(self) -> None:
        """Wait until nothing is read or drawn any more."""
        self.user.qtbot.wait(150)
        self.user.until(lambda: not self.user.project.jobs.busy(), "the work to end")
        self.user.qtbot.wait(150)

    def dialog(self, kind: type[QDialog], name: str, opening: Callable[[], object]) -> None:
        """Open a dialog that does not wait, take its picture, leave it."""
        opening()
        dialog = self.user.dialog(kind)
        self.idle()
        self.shoot(name)
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        self.user.until(lambda: self.user.top() is self.user.window, "the dialog to close")

    def question(self, name: str, opening: Callable[[], object]) -> None:
        """The same for one that waits for its answer."""
        self.user.answering("", lambda dialog: self.shoot(name))
        opening()
        self.user.until(lambda: self.user.top() is self.user.window, "the question to close")


def home(guide: Guide) -> None:
    """Before anything is open."""
    guide.shoot("home-first-start")
    for title in ("Dataset", "Train", "Evaluate", "Review"):
        guide.page(title)
        guide.idle()
        guide.shoot(f"{title.lower()}-no-project")
    empty = tour_projects.empty(guide.work)
    guide.open(empty)
    guide.page("Dataset")
    guide.idle()
    guide.shoot("dataset-no-images")
    for title in ("Train", "Evaluate"):
        guide.page(title)
        guide.idle()
        guide.shoot(f"{title.lower()}-no-images")
    for project in (guide.demo, guide.real, empty):
        if project:
            guide.open(project)
    guide.user.project.close()
    guide.page("Home")
    guide.shoot("home-recent-projects")


def dataset(guide: Guide) -> None:
    """The images of the demo."""
    user = guide.user
    guide.open(guide.demo)
    page = guide.page("Dataset")
    guide.idle()
    guide.shoot("dataset-grid")
    page.views.focus_view()
    _select(page, range(7, 8))
    guide.idle()
    guide.shoot("dataset-one-selected")
    page.details.tabs.setCurrentIndex(1)
    guide.idle()
    guide.shoot("dataset-one-selected-second-tab")
    page.details.tabs.setCurrentIndex(0)
    _select(page, range(40))
    guide.idle()
    guide.shoot("dataset-many-selected")
    user.keys("Del")
    guide.idle()
    guide.shoot("dataset-many-excluded")
    user.project.undo.undo()
    finding = user.project.catalog.findings()[0]
    page.shown.filter(Filter(part="train", findings={finding: 1}, view="PA", text="0"))
    guide.idle()
    guide.shoot("dataset-filtered")
    page.shown.filter(Filter(text="no such thing"))
    guide.idle()
    guide.shoot("dataset-nothing-matches")
    page.shown.clear()
    user.project.images_wanted.emit(user.project.catalog.ids()[:9], "Tuberculosis called COVID-19 by demo on validation")
    guide.idle()
    guide.shoot("dataset-sent-by-another-page")
    page.shown.clear()
    page.bar.table.trigger()
    _select(page, range(3, 9))
    guide.idle()
    guide.shoot("dataset-table")
    page.bar.grid.trigger()
    page.show_chart.trigger()
    page.bar.size.setValue(2)
    guide.idle()
    guide.shoot("dataset-large-pictures-without-chart")
    page.show_chart.trigger()
    page.bar.size.setValue(1)


def _select(page: object, rows: range) -> None:
    selection, model = page.views.selection, page.views.model
    selection.setCurrentIndex(model.index(rows[-1], 0), QItemSelectionModel.SelectionFlag.NoUpdate)
    selection.select(model.selection_of(np.array(rows)), QItemSelectionModel.SelectionFlag.ClearAndSelect)


def bringing_in(guide: Guide) -> None:
    """The import wizard's steps, and the split."""
    user, drawn = guide.user, guide.demo.parent / "drawn"
    user.project.close()
    source = guide.work / "to import"
    if not source.exists():
        source.mkdir()
        for path in sorted((drawn / "images").rglob("*.png"))[:120]:
            (source / path.parent.name).mkdir(exist_ok=True)
            shutil.copy(path, source / path.parent.name)
        folder_of_files(source / "Normal")
    user.window.open_paths([source])
    wizard = user.dialog(ImportWizard)
    guide.shoot("import-1-sources")
    user.type("a:b", user.field("Name of the project"))
    guide.shoot("import-1-sources-wrong-name")
    user.type("brought in", user.field("Name of the project"))
    user.click("Next")
    guide.idle()
    guide.shoot("import-2-preview")
    for place in range(1, wizard.preview.tabs.count()):
        if wizard.preview.tabs.isTabVisible(place):
            wizard.preview.tabs.setCurrentIndex(place)
            guide.shoot(f"import-2-preview-{wizard.preview.tabs.tabText(place).split()[0].strip(':').lower()}")
    user.click("Import")
    user.until(lambda: wizard.show_images.isVisible(), "the report")
    guide.idle()
    guide.shoot("import-3-report")
    user.click("Split…")
    _split(guide)


def _split(guide: Guide) -> None:
    user = guide.user
    dialog = user.dialog(SplitDialog)
    user.until(dialog.make.isEnabled, "the proposal")
    guide.shoot("split")
    user.click("Make split")
    user.until(lambda: user.top() is user.window, "the split")
    guide.idle()
    user.click("Split…")
    dialog = user.dialog(SplitDialog)
    user.until(dialog.make.isEnabled, "the proposal")
    dialog.form.name.setText(user.project.catalog.active_split())
    guide.idle()
    guide.shoot("split-name-taken")
    dialog.reject()
    user.until(lambda: user.top() is user.window, "the dialog to close")
    nothing = guide.work / "nothing here"
    nothing.mkdir(exist_ok=True)
    user.window.open_paths([nothing])
    wizard = user.dialog(ImportWizard)
    user.until(lambda: wizard.preview.isVisible() and wizard.preview.summary.property("role") == "error", "the refusal")
    guide.shoot("import-2-nothing-found")
    wizard.reject()
    user.until(lambda: user.top() is user.window, "the wizard to close")


def training(guide: Guide) -> None:
    """A run from its start to its crash, beside the demo's."""
    user = guide.user
    guide.open(guide.demo)
    page = guide.page("Train")
    user.until(lambda: page.view.run is not None and user.project.training.devices, "the run and the devices")
    guide.idle()
    guide.shoot("train-finished-run")
    for place in range(1, page.view.tabs.count()):
        page.view.tabs.setCurrentIndex(place)
        guide.idle()
        guide.shoot(f"train-tab-{page.view.tabs.tabText(place).lower().replace(' ', '-')}")
    page.view.tabs.setCurrentIndex(0)
    form = page.setup.form
    form.others.open() if hasattr(form.others, "open") else form.others.button.click()
    form.set_value("imbalance.sampling", "weighted") if "imbalance.sampling" in form.changes() else None
    guide.idle()
    guide.shoot("train-other-settings")
    page.setup.area.verticalScrollBar().setValue(10**6)
    guide.idle()
    guide.shoot("train-other-settings-end")
    page.setup.area.verticalScrollBar().setValue(0)
    _train(guide, page)


def _train(guide: Guide, page: object) -> None:
    user, run = guide.user, Run(guide.demo / "runs" / "live")
    page.setup.chooser.options.buttons["scratch"].click()
    page.setup.form.set_value("schedule.epochs", 8)
    page.setup.bar.name.setText("live")
    user.until(page.setup.bar.button.isEnabled, "Start")
    user.click("Start training")
    guide.shoot("train-starting")
    training = user.project.training
    user.until(lambda: training.course(run).epochs, "an epoch", 300)
    guide.shoot("train-running")
    user.answering("", lambda dialog: guide.shoot("closing-while-training"))
    user.window.close()
    user.click("Stop and keep")
    user.until(lambda: not training.active(), "the stop", 120)
    guide.idle()
    guide.shoot("train-stopped")
    before = len(training.course(run).epochs)
    user.click("Resume")
    user.until(lambda: len(training.course(run).epochs) > before, "another epoch", 300)
    for child in [int(one.split()[0]) for one in children() if " resume " in one]:
        os.kill(child, signal.SIGKILL)
    user.error("live has crashed")
    guide.idle()
    guide.shoot("train-crashed")
    user.window.notices.clear()
    page.list.select_all([run.folder, guide.demo / "runs" / "demo"])
    guide.idle()
    guide.shoot("train-compare")
    page.list.select(run.folder)
    page.list.view.setFocus()
    guide.idle()
    guide.question("train-delete-question", lambda: user.keys("Del"))


def evaluation(guide: Guide) -> None:
    """The demo's run judged, each tab; thresholds moved; the seal; a run that was not judged yet."""
    user, run = guide.user, guide.demo / "runs" / "demo"
    user.project.settings.set_text("evaluation/part", "validation")
    guide.open(guide.demo)
    user.project.run_wanted.emit("evaluation", str(run))
    page = guide.page("Evaluate")
    _judged(guide, page)
    for place in (one for one in range(page.tabs.count()) if page.tabs.isTabVisible(one)):
        page.tabs.setCurrentIndex(place)
        guide.idle()
        guide.shoot(f"evaluate-{page.tabs.tabText(place).lower()}")
    page.tabs.setCurrentWidget(page.tabs.findings)
    for value in (0.03, 0.2):
        page.tabs.findings.bar.moved.emit(value)
        page.tabs.findings.bar.settled.emit(value)
    guide.idle()
    guide.shoot("evaluate-threshold-moved")
    guide.dialog(SealDialog, "evaluate-seal", page.open_test)
    page.tabs.findings.discard_moves()
    page.side.headline.more.click()
    page.tabs.setCurrentWidget(page.tabs.overview)
    guide.idle()
    guide.shoot("evaluate-more-figures")
    guide.dialog(FigureExport, "evaluate-export", page.export)
    gallery = page.tabs.errors.gallery
    page.tabs.setCurrentWidget(page.tabs.errors)
    guide.idle()
    if gallery.model.items:
        guide.dialog(CloserLook, "evaluate-closer-look", lambda: page.look_closer(gallery, gallery.model.items[0]))
    page.side.parts.setCurrentIndex(page.side.parts.findData("test"))
    _judged(guide, page)
    page.tabs.setCurrentWidget(page.tabs.overview)
    guide.idle()
    guide.shoot("evaluate-test-part")
    _not_judged(guide, page)


def _not_judged(guide: Guide, page: object) -> None:
    user = guide.user
    page.side.parts.setCurrentIndex(page.side.parts.findData("validation"))
    page.show_run(str(guide.demo / "runs" / "live"))
    user.until(lambda: not page.busy, "the reading")
    guide.idle()
    guide.shoot("evaluate-not-evaluated-yet")
    page.empty.button.click()
    guide.shoot("evaluate-working")
    user.until(lambda: not page.busy, "the evaluation", 120)
    page.side.parts.setCurrentIndex(page.side.parts.findData("test"))
    guide.idle()
    guide.shoot("evaluate-sealed")


def _judged(guide: Guide, page: object) -> None:
    guide.user.until(lambda: page.judged is not None and page.judged.evaluation is not None and not page.busy, "the figures")
    guide.idle()


def review(guide: Guide) -> None:
    """No file, one, many, damaged; beside, over, without a heat map; the table."""
    user = guide.user
    guide.open(guide.demo)
    user.project.run_wanted.emit("review", str(guide.demo / "runs" / "demo"))
    page = guide.page("Review")
    guide.idle()
    guide.shoot("review-nothing")
    drawn = sorted((guide.demo.parent / "drawn" / "images").rglob("*.png"))
    guide.dialog(ModelDialog, "review-model", page.actions_.choose_model.trigger)
    user.project.review_wanted.emit(drawn[::40][:1])
    user.until(lambda: page.desk.viewer.lightbox.heat is not None, "a heat map")
    guide.idle()
    guide.shoot("review-one-beside")
    modes = page.desk.viewer.viewer_actions.modes
    damaged = folder_of_files(guide.work / "new")
    user.project.review_wanted.emit([*drawn[:: len(drawn) // LOOK_AT], *damaged, *([guide.dicom] if guide.dicom else [])])
    user.until(lambda: page.files.tally()[0] == page.files.rowCount() and page.files.rowCount() > LOOK_AT, "all answers", 300)
    for mode, action in modes.items():
        action.trigger()
        guide.idle()
        guide.shoot(f"review-many-{mode}")
    for path, name in ((damaged[2], "damaged"), (guide.dicom or damaged[1], "dicom")):
        page.desk.files.setCurrentIndex(page.files.index(page.files.row(path), 0))
        guide.idle()
        guide.shoot(f"review-{name}")
    page.actions_.table.trigger()
    guide.idle()
    guide.shoot("review-table")
    page.actions_.table.trigger()
    _two_models(guide, page)
    page.models.use([])
    page.models.open()
    guide.idle()
    guide.shoot("review-no-model")
    page.actions_.clear.trigger()


def _two_models(guide: Guide, page: object) -> None:
    user, other = guide.user, guide.demo / "runs" / "live"
    if not (other / "best.safetensors").exists():
        return
    page.models.use([guide.demo / "runs" / "demo", other])
    page.models.open()
    user.until(
        lambda: page.queue.ensemble is not None and len(page.queue.ensemble.members) == 2 and not page.queue.opening, "both"
    )
    page.desk.files.setCurrentIndex(page.files.index(0, 0))
    user.until(lambda: page.desk.viewer.lightbox.heat is not None, "a heat map")
    guide.idle()
    guide.shoot("review-two-models")


def many(guide: Guide) -> None:
    """Fourteen findings, long names, files that are not there."""
    user = guide.user
    project = tour_projects.many_findings(guide.work)
    guide.open(project)
    page = guide.page("Dataset")
    _select(page, range(2, 3))
    guide.idle()
    guide.shoot("many-dataset")
    page.bar.table.trigger()
    guide.idle()
    guide.shoot("many-dataset-table")
    page.bar.grid.trigger()
    guide.page("Train")
    guide.idle()
    guide.shoot("many-train")
    (run,) = user.project.runs()
    user.project.settings.set_text("evaluation/part", "validation")
    user.project.run_wanted.emit("evaluation", str(run.folder))
    page = guide.page("Evaluate")
    _judged(guide, page)
    for place in range(page.tabs.count()):
        page.tabs.setCurrentIndex(place)
        guide.idle()
        guide.shoot(f"many-evaluate-{page.tabs.tabText(place).lower()}")


def real(guide: Guide) -> None:
    """Real radiographs."""
    if guide.real is None:
        return
    user = guide.user
    guide.open(guide.real)
    page = guide.page("Dataset")
    _select(page, range(2, 3))
    guide.idle()
    guide.shoot("real-dataset")
    guide.page("Train")
    guide.idle()
    guide.shoot("real-train")
    found = [run for run in user.project.runs() if run.evaluation("validation").exists()]
    if not found:
        return
    user.project.run_wanted.emit("evaluation", str(found[0].folder))
    page = guide.page("Evaluate")
    _judged(guide, page)
    for tab in (page.tabs.overview, page.tabs.findings, page.tabs.errors):
        page.tabs.setCurrentWidget(tab)
        guide.idle()
        guide.shoot(f"real-evaluate-{page.tabs.tabText(page.tabs.currentIndex()).lower()}")
    user.project.run_wanted.emit("review", str(found[0].folder))
    page = guide.page("Review")
    paths = [record.path for record in user.project.catalog.records(user.project.catalog.ids(Filter(part="validation"))[:12])]
    user.project.review_wanted.emit(paths)
    user.until(lambda: page.desk.viewer.lightbox.heat is not None, "a heat map", 120)
    guide.idle()
    guide.shoot("real-review")


def dialogs(guide: Guide) -> None:
    """The window's own: notices, keyboard, glossary, about, work that is under way."""
    user = guide.user
    guide.open(guide.demo)
    guide.page("Dataset")
    user.project.tell(DataError("This is no project", where=guide.work / "x.cxr", remedy="Choose a folder NAME.cxr."))
    guide.idle()
    guide.shoot("notice-error")
    long = "The file cannot be read because the disk has a fault that goes on and on, " * 3
    user.project.noticed.emit(Notice(WARNING, long + ".", "/a/very/long/path" * 12, "Copy the project to another disk. " * 4))
    user.project.noticed.emit(
        Notice(ERROR, "A fault of the program: ZeroDivisionError division by zero.", "log", "Report it.", "x")
    )
    guide.idle()
    guide.shoot("notice-three")
    user.window.notices.clear()
    guide.dialog(KeyboardDialog, "keyboard", lambda: user.keys("F1"))
    guide.dialog(GlossaryDialog, "glossary", lambda: user.keys("Shift+F1"))
    guide.dialog(QMessageBox, "about", lambda: user.menu("Help", "About"))
    user.window.demo._out = guide.work
    task = user.project.command(["demo", guide.work / "another", "--images", "600"], label="Making the demo")
    user.until(lambda: task.total, "its progress", 60)
    guide.shoot("work-under-way")
    guide.question("work-under-way-question", user.window.close)
    task.cancel()
    user.until(lambda: not user.window.status.work.tasks(), "the work to end")


ROOMS = {
    room.__name__: room
    for room in (home, dataset, bringing_in, known_datasets, training, evaluation, review, many, real, dialogs)
}
