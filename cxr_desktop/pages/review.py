"""Review: drop radiographs in, see what a model says of each and where it looked, go through them, take the result along."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from cxr_desktop import drops, theme
from cxr_desktop.inference import MEAN
from cxr_desktop.other_looks import OtherLooks
from cxr_desktop.project import Project
from cxr_desktop.review.review_commands import Deeds, ReviewCommands
from cxr_desktop.review.review_export import ReviewExport
from cxr_desktop.review.review_list import FILE, ReviewList
from cxr_desktop.review.review_models import ModelChoice
from cxr_desktop.review.review_queue import Look, ReviewQueue, Taken
from cxr_desktop.review.review_stated import stated
from cxr_desktop.widgets.empty_state import EmptyState
from cxr_desktop.widgets.review_desk import ReviewDesk, TopBar
from trainer import bags, images
from trainer.errors import TrainerError
from trainer.verdicts import FilePrediction

NAME = "review"
EMPTY_TITLE = "Nothing to review yet"
EMPTY = (
    "Drop radiographs (PNG, JPEG, TIFF, DICOM) or folders of them here, or open them. They are only looked at: nothing is "
    "imported, copied or changed."
)
PICTURES = "Radiographs (*.png *.jpg *.jpeg *.jpe *.jfif *.tif *.tiff *.bmp *.webp *.dcm *.dicom *.dic);;All files (*)"
FOLDER, SPLITTER, HEADER, OPTIONS = "review/folder", "review/splitter", "review/table", "review/viewer"
TOP, NONE = "the most probable finding", ""
"""What heat map is asked for, beside the finding's own name."""
REFRESH = 100
"""Milliseconds between two counts of what has been predicted."""
LATE = 200
"""Milliseconds after which the image before is taken off the screen if the next one is still being read."""


class ReviewPage(QWidget):
    """Works with and without an open project. `commands` are its actions in menu order."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self.files = ReviewList(self)
        self.queue = ReviewQueue(project, self.files, self)
        self.models = ModelChoice(project, self.queue, self)
        self.desk = ReviewDesk(self.files)
        self.looks = OtherLooks(project, self.desk.viewer)
        self.export = ReviewExport(project, self.queue, self.desk.viewer, self)
        self.actions_ = ReviewCommands(self._deeds(), self)
        self.commands: list[QAction | None] = [*self.actions_.listed, None, *self.desk.viewer.commands]
        self._path: Path | None = None
        self._wanted = TOP
        self._member = MEAN
        self._warm = False
        self._counting = QTimer(self, singleShot=True, interval=REFRESH)
        self._late = QTimer(self, singleShot=True, interval=LATE)
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self._restore()
        self.models.restore()
        self._show_model()
        self._count()

    # What others ask for

    def review(self, paths: Sequence[Path]) -> None:
        """Put files and folders into the list and show the first of them; a model among them is taken to review with."""
        models = [path for path in paths if is_model(path)]
        if models:
            self.models.use(models)
        if others := [path for path in paths if path not in models]:
            self._load_torch()
            self.queue.take(others)

    # Making it

    def _deeds(self) -> Deeds:
        return Deeds(
            open_files=self._ask_for_files,
            open_folder=self._ask_for_folder,
            choose_model=self.models.ask,
            go=self._go,
            remove=self._remove,
            clear=self._clear,
            explain=self._explain_number,
            explain_top=lambda: self._explain(TOP),
            explain_none=lambda: self._explain(NONE),
            table=self._show_table,
            pause=self.queue.pause,
            fix_scale=self.export.fix_scale,
            save_picture=self.export.ask_for_picture,
            copy_picture=self.export.copy_picture,
            save_table=self.export.ask_for_table,
        )

    def _lay_out(self) -> None:
        do = self.actions_
        self.bar = TopBar(do.choose_model, [do.open_files, do.open_folder], do.table)
        self.empty = EmptyState(EMPTY_TITLE, EMPTY, "Open images…", do.open_files.trigger)
        self.desk.pause.setDefaultAction(do.pause)
        self._free_numbers()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.desk)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.bar)
        column.addWidget(self.stack, 1)
        for action in self.commands:
            if action is not None:
                self.addAction(action)

    def _free_numbers(self) -> None:
        """On this page the numbers are the findings, so that the viewer's 1 : 1 needs another key."""
        for action in self.desk.viewer.commands:
            if action is not None and action.shortcut().toString() == "1":
                action.setShortcut("Z")
                action.setToolTip(action.toolTip().replace("(1)", "(Z)"))

    def _connect(self) -> None:
        self.project.review_wanted.connect(self.review)
        self.project.run_wanted.connect(lambda page, folder: page == NAME and self.models.use([Path(folder)]))
        self.project.opened.connect(self._ask_what_is_stated)
        self.project.images_changed.connect(self._ask_what_is_stated)
        self.project.closed.connect(self._closed)
        self.models.changed.connect(self._show_model)
        self.queue.in_sight = self.desk.files.in_sight
        self.queue.taken.connect(self._taken)
        self.queue.image_read.connect(self._show_image)
        self.queue.not_readable.connect(self._show_refusal)
        self.queue.judged.connect(self._show_answer)
        self.queue.explained.connect(self._show_heat)
        self.queue.model_opened.connect(self._show_opened)
        self.queue.opening_changed.connect(self._show_model)
        self.files.counted.connect(self._count_soon)
        self._counting.timeout.connect(self._count)
        self._late.timeout.connect(self._show_nothing)
        self.files.modelReset.connect(self._select_again)
        self.desk.files.sight_changed.connect(self.queue.feed)
        self.desk.files.selectionModel().currentRowChanged.connect(lambda index: self._show(index.row()))
        self.desk.panel.bars.chosen.connect(self._explain)
        self.desk.panel.member_chosen.connect(self._explain_by)
        self.desk.table.doubleClicked.connect(lambda: self.actions_.table.trigger())
        self.desk.viewer.options_changed.connect(lambda: self.project.settings.set_text(OPTIONS, self.desk.viewer.options()))

    def _restore(self) -> None:
        settings = self.project.settings
        self.desk.splitter.restoreState(settings.state(SPLITTER))
        self.desk.viewer.set_options(settings.text(OPTIONS))

    # Events

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Torch is needed soon."""
        super().showEvent(event)
        self._load_torch()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Remember how it was arranged."""
        super().hideEvent(event)
        self.project.settings.set_state(SPLITTER, self.desk.splitter.saveState())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Files and folders are welcome."""
        if drops.paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Review what was dropped."""
        event.acceptProposedAction()
        self.review(drops.paths(event.mimeData()))

    def _load_torch(self) -> None:
        if not self._warm:
            self._warm = True
            self.queue.warm()

    # Files

    def _ask_for_files(self) -> None:
        start = self.project.settings.text(FOLDER)
        chosen, _ = QFileDialog.getOpenFileNames(self, "Open images", start, PICTURES)
        self._picked([Path(path) for path in chosen])

    def _ask_for_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Open a folder of images", self.project.settings.text(FOLDER))
        self._picked([Path(chosen)] if chosen else [])

    def _picked(self, paths: Sequence[Path]) -> None:
        if paths:
            self.project.settings.set_text(FOLDER, str(paths[0].parent))
            self.review(paths)

    def _taken(self, taken: Taken) -> None:
        for problem in taken.problems:
            self.project.tell(problem)
        if taken.files:
            self._count()
            self.models.open()
            self._select(self.files.row(taken.files[0]))

    def _remove(self) -> None:
        selected = self.desk.files.selectionModel().selection()
        rows = {row for part in selected for row in range(part.top(), part.bottom() + 1)}
        if rows:
            stay = max(0, min(min(rows), self.files.rowCount() - len(rows) - 1))
            self.files.remove(rows)
            self._count()
            self._select(stay)

    def _clear(self) -> None:
        self.files.clear()
        self.queue.forget()
        self._show(-1)
        self._count()

    def _select(self, row: int) -> None:
        index = self.files.index(row, FILE)
        self.desk.files.setCurrentIndex(index)
        if self.desk.files.currentIndex() == index:
            self._show(row)

    def _select_again(self) -> None:
        if self._path is not None:
            self._select(self.files.row(self._path))

    def _go(self, step: int) -> None:
        row = self.desk.files.currentIndex().row() + step
        if 0 <= row < self.files.rowCount():
            self._select(row)

    # The image on screen

    def _show(self, row: int) -> None:
        path = self.files.path(row) if 0 <= row < self.files.rowCount() else None
        if path == self._path:
            return
        self._path = path
        self._late.start()
        if path is None:
            self._show_nothing()
        self.queue.show(path)
        self._enable()

    def _show_nothing(self) -> None:
        """Rather than the image before, beside the name of another."""
        self._late.stop()
        self.desk.viewer.clear()
        self.desk.panel.show_nothing()

    def _show_image(self, path: Path, look: Look) -> None:
        self._late.stop()
        self.desk.viewer.show_image(look.image, path.name, look.bearings)
        self.looks.of(path)
        self._announce_heat()
        self._show_facts(look.image)
        said = self.files.said(path)
        if said and not said.error and self.queue.ensemble is not None:
            self._show_answer(said)
        else:
            self.desk.panel.show_waiting(model=self.queue.ensemble is not None or self.queue.opening)
        self._ask_what_is_stated()
        self._enable()

    def _show_facts(self, image: images.Image) -> None:
        learned = self.queue.ensemble.views if self.queue.ensemble else ""
        self.desk.panel.show_facts(image.facts, image.pixels, learned)

    def _show_refusal(self, path: Path, error: TrainerError) -> None:
        self._show_nothing()
        self.desk.panel.show_refusal(error)
        self._enable()

    def _show_answer(self, said: FilePrediction) -> None:
        ensemble = self.queue.ensemble
        if ensemble is None or said.path != self._path:
            return
        finding = self._finding(said)
        self.desk.panel.show_answer(said, ensemble, finding)
        self.queue.explain(finding, self._member)

    def _show_heat(self, path: Path, finding: str, member: int, values: np.ndarray) -> None:
        if path == self._path and member == self._member:
            self.desk.viewer.set_heatmap(values, finding, self._whose(), self.queue.seen())
            self.export.note_maximum(float(values.max(initial=0.0)))

    def _ask_what_is_stated(self) -> None:
        path, models = self._path, tuple(self.models.paths)
        if path is None or not self.project.is_open:
            self.desk.panel.show_stated("")
            return
        catalog = self.project.background
        self.project.run(
            lambda progress: stated(catalog, path, models),
            lambda words: self.desk.panel.show_stated(words) if path == self._path else None,
            owner=self,
        )

    # Heat maps

    def _finding(self, said: FilePrediction) -> str:
        """The finding whose heat map is wanted for this answer."""
        findings = self.files.kind.findings
        if self._wanted == TOP:
            return findings[int(said.probabilities.argmax())]
        return self._wanted if self._wanted in findings else NONE

    def _explain_number(self, number: int) -> None:
        if number < len(self.files.kind.findings):
            self._explain(self.files.kind.findings[number])

    def _explain(self, wanted: str) -> None:
        self._wanted = wanted
        self._announce_heat()
        said = self.files.said(self._path) if self._path else None
        if said and not said.error:
            self._show_answer(said)

    def _announce_heat(self) -> None:
        """Say which map is being made, or take it away."""
        coming = self._wanted if self.queue.ensemble is not None or self.queue.opening else NONE
        if coming == NONE:
            self.queue.explain(NONE)
        self.desk.viewer.set_heatmap(None, coming, self._whose())

    def _whose(self) -> str:
        """Of which network the heat map is; "" where there is one only."""
        names = self.queue.ensemble.names if self.queue.ensemble else ()
        if len(names) < 2:
            return ""
        return f"mean of {len(names)} networks" if self._member == MEAN else names[self._member]

    def _explain_by(self, member: int) -> None:
        """Show the heat map of one of several networks, or their mean."""
        self._member = member
        self._explain(self._wanted)

    # State

    def _show_opened(self) -> None:
        """Another model: its heat maps begin with the mean."""
        self._member = MEAN
        self.desk.panel.offer_members(self.queue.ensemble.names if self.queue.ensemble else ())
        self._show_model()

    def _show_model(self) -> None:
        self.bar.show_model(self.models.words(), opening=self.queue.opening)
        self.desk.panel.show_model(self.queue.ensemble, self.models.known)
        self.actions_.show_findings(self.files.kind.findings)
        if self._path and not self.queue.opening and self.queue.ensemble is None:
            self._announce_heat()
            self.desk.panel.show_waiting(model=False)
        self._ask_what_is_stated()

    def _show_table(self, table: bool) -> None:
        self.desk.show_table(table)
        self.actions_.show_table_keys(table)

    def _count(self) -> None:
        self.stack.setCurrentWidget(self.desk if self.files.rowCount() else self.empty)
        self.desk.show_progress(*self.files.tally(), model=self.queue.ensemble is not None)
        self.actions_.pause.setChecked(self.queue.paused)
        self._enable()

    def _count_soon(self) -> None:
        if not self._counting.isActive():  # rather than put it off with each file that is done
            self._counting.start()

    def _enable(self) -> None:
        image = self.desk.viewer.lightbox.image is not None
        done, refused, total = self.files.tally()
        self.actions_.enable(files=total > 0, image=image, answers=done > refused)

    def _closed(self) -> None:
        self.desk.panel.show_stated("")
        self.project.settings.set_state(SPLITTER, self.desk.splitter.saveState())


def is_model(path: Path) -> bool:
    """Whether this is a trained network, or a bag of them, rather than a radiograph."""
    return path.suffix == ".safetensors" or (path / "config.json").is_file() or bags.is_bag(path)
