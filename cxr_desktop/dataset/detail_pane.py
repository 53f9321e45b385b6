"""What is known of the images that are selected, and where it is changed."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset import edits, image_facts
from cxr_desktop.dataset.mask_switch import MaskSwitch
from cxr_desktop.latest import Latest
from cxr_desktop.other_looks import OtherLooks
from cxr_desktop.project import Project
from cxr_desktop.widgets.answer_list import AnswerList
from cxr_desktop.widgets.elided_label import ElidedLabel
from cxr_desktop.widgets.empty_state import EmptyState
from cxr_desktop.widgets.fact_list import FactList
from cxr_desktop.widgets.header_tree import HeaderTree
from cxr_desktop.widgets.mark_list import MarkList
from cxr_desktop.widgets.viewer import Viewer
from trainer import bearings, elements, images, lookup, suitability
from trainer.errors import ImageError, Progress, TrainerError
from trainer.records import DUPLICATE, GONE, Ids, Record, Selection

PAUSE = 120
"""Milliseconds without another selection before many images are counted."""
SLOW = 150
"""Milliseconds that the picture of the image before may still be seen while the next one is read."""
STATE = "dataset/detail"
DICOM = "DICOM"
NOTHING = ("No image selected", "Select an image to see it here, or several to label them together.")


class DetailPane(QWidget):
    """One image with its facts, header and labels, or a summary of many."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._ids: Ids = np.empty(0, dtype=np.int64)
        self._record: Record | None = None
        self._decoded: dict[str, object] = {}
        self._doubts: tuple[str, ...] = ()
        """What the file of the record says of itself beside what the catalog knows, once its pixels are there."""
        self._header_of: Path | None = None
        self._pictures, self._headers, self._counts = Latest(project, self), Latest(project, self), Latest(project, self)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self._count)
        self._slow = QTimer(self, singleShot=True, interval=SLOW)
        self.viewer = Viewer(compact=True)
        self.looks = OtherLooks(project, self.viewer)
        self.masks = MaskSwitch(project, self.viewer.lightbox)
        self.title = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.answers = AnswerList()
        self.marks = MarkList(fixed=(GONE, DUPLICATE))
        self.facts = FactList()
        self.header = HeaderTree()
        self.message = theme.muted()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._splitter = QSplitter(Qt.Orientation.Vertical)
        self._stack = QStackedWidget()
        self._lay_out()
        self.commands = self._make_commands()
        self._connect()
        self.show_images(self._ids)

    def show_images(self, ids: Ids) -> None:
        """Show these images (int64 [n]; n may be 0)."""
        self._ids = np.asarray(ids, dtype=np.int64)
        self._pause.stop()
        self._record = None
        one = len(self._ids) == 1
        self._stack.setCurrentIndex(1 if len(self._ids) else 0)
        self.viewer.setVisible(one)
        self.message.setVisible(one)
        if not one:
            self.tabs.setTabVisible(self.tabs.indexOf(self.header), False)
        self.tabs.setTabText(self.tabs.indexOf(self.facts), "Facts" if one else "In common")
        if not one:
            self.viewer.clear()
            self.masks.set_files(())
            self._header_of = None
            self._hide_numbers()
        self._refresh()

    def ids(self) -> Ids:
        """The images that are shown, int64 [n]."""
        return self._ids

    # Building

    def _lay_out(self) -> None:
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        labels = QWidget()
        column = QVBoxLayout(labels)
        column.setContentsMargins(0, theme.SPACE, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(self.answers, 1)
        column.addWidget(self.marks)
        for widget, name in ((labels, "Labels"), (self.facts, "Facts"), (self.header, "DICOM header")):
            self.tabs.addTab(widget, name)
        self.message.hide()
        self.viewer.setMinimumHeight(self.fontMetrics().height() * 8)
        self.tabs.setMinimumHeight(self.fontMetrics().height() * 10)
        for widget in (self.viewer, self.tabs):
            self._splitter.addWidget(widget)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setSizes([45, 55])
        self._splitter.restoreState(self._project.settings.state(STATE))
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(theme.SPACE, theme.SPACE, theme.SPACE, theme.SPACE)
        column.setSpacing(theme.SPACE // 2)
        line = QHBoxLayout()
        line.addWidget(self.title, 1)
        line.addWidget(self.marks.exclusion)
        column.addLayout(line)
        column.addWidget(self.message)
        column.addWidget(self.masks)
        column.addWidget(self._splitter, 1)
        self._stack.addWidget(EmptyState(*NOTHING))
        self._stack.addWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._stack)

    def _make_commands(self) -> list[QAction | None]:
        def action(text: str, keys: str, slot: object) -> QAction:
            made = QAction(text, self)
            made.setShortcut(QKeySequence(keys))
            made.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            made.triggered.connect(slot)
            self.addAction(made)
            return made

        return [
            action("Exclude images", "Ctrl+E", lambda: self._exclude(True)),
            action("Include images", "Ctrl+Shift+E", lambda: self._exclude(False)),
            action("Label the images", "Ctrl+L", self._to_labels),
            action("Show masks", "Ctrl+M", self.masks.box.toggle),
            None,
            action("Copy paths", "Ctrl+Shift+C", self._copy_paths),
        ]

    def _connect(self) -> None:
        self._slow.timeout.connect(self.viewer.clear)
        self.answers.answered.connect(lambda finding, value: edits.set_label(self._project, self._ids, finding, value))
        self.marks.flag_added.connect(lambda flag: edits.add_flag(self._project, self._ids, flag))
        self.marks.flag_removed.connect(lambda flag: edits.remove_flag(self._project, self._ids, flag))
        self.marks.exclusion_wanted.connect(self._exclude)
        self.tabs.currentChanged.connect(self._read_header)
        self._splitter.splitterMoved.connect(lambda: self._project.settings.set_state(STATE, self._splitter.saveState()))
        self._project.images_changed.connect(self._refresh)
        self._project.splits_changed.connect(self._refresh)
        self._project.closed.connect(lambda: self.show_images(np.empty(0, dtype=np.int64)))

    # Showing

    def _refresh(self) -> None:
        """Read again what the catalog says of the images."""
        for command in self.commands if hasattr(self, "commands") else ():
            if command is not None:
                command.setEnabled(len(self._ids) > 0)
        if not len(self._ids):
            return
        try:
            self.marks.set_known(self._project.catalog.flag_names())
            if len(self._ids) == 1:
                self._show_one(int(self._ids[0]))
        except TrainerError as error:
            self._project.tell(error)
        if len(self._ids) > 1:
            self.title.setText(f"{len(self._ids):,} images")
            self._pause.start()

    def _show_one(self, image: int) -> None:
        catalog = self._project.catalog
        record, said = catalog.records([image])[0], catalog.facts(image)
        masks = catalog.masks([image]).get(image, ())
        self.title.setText(record.path.name)
        self._show_selection(catalog.selection([image]))
        old, self._record = self._record, record
        another = old is None or (old.path, old.digest) != (record.path, record.digest)
        if another:
            self._decoded, self._doubts = {}, ()
        self._show_facts(image, record)
        if another:
            self._header_of = None
            self.masks.set_files(masks)
            self.tabs.setTabVisible(self.tabs.indexOf(self.header), said.get("format", DICOM).startswith(DICOM))
            self._read_image(record)
            self._read_header()
        elif masks != self.masks.files:  # another import has found some
            self.masks.set_files(masks)
            self.masks.image_is_there()

    def _show_facts(self, image: int, record: Record) -> None:
        catalog = self._project.catalog
        said, split = catalog.facts(image) | self._decoded, catalog.active_split()
        masks = catalog.masks([image]).get(image, ())
        facts = image_facts.of_one(record, said, catalog.parts([image])[0] if split else "", split)
        facts += [("Masks", ", ".join(f"{kind} ({path.name})" for kind, path in masks))] if masks else []
        self.facts.set_facts(facts, [*image_facts.warnings_of(record, said), *self._doubts])

    def _count(self) -> None:
        ids, catalog = self._ids, self._project.background

        def counted(progress: Progress) -> tuple[Selection, str]:
            return catalog.selection(ids, progress), catalog.active_split()

        self._counts.ask(counted, partial(self._show_many, ids), self._not_counted)

    def _show_many(self, ids: Ids, found: tuple[Selection, str]) -> None:
        if ids is not self._ids:
            return
        selection, split = found
        people = f", {selection.patients:,} patient{'' if selection.patients == 1 else 's'}" if selection.patients else ""
        self.title.setText(f"{selection.images:,} images{people}")
        self.facts.set_facts(image_facts.of_many(selection, split))
        self._show_selection(selection)

    def _hide_numbers(self) -> None:
        """What is seen is of other images until these are counted."""
        self.facts.set_facts([])
        for part in (self.answers, self.marks):
            part.setEnabled(False)

    def _not_counted(self, error: TrainerError) -> None:
        self._project.tell(error)
        for part in (self.answers, self.marks):
            part.setEnabled(True)

    def _show_selection(self, selection: Selection) -> None:
        self.marks.setEnabled(True)
        self.answers.set_answers(selection.answers, selection.images)
        self.marks.set_marks(selection.flags, selection.excluded, selection.images)

    def _read_image(self, record: Record) -> None:
        path, digest = record.path, record.digest
        self._say(f"Reading {path.name}")
        self._slow.start()

        def read(_: Progress) -> tuple[images.Image, bearings.Bearings]:
            found = images.read(path), bearings.read(path)
            lookup.content(path, digest)  # another image in its place is told, and not shown beside these labels
            return found

        self._pictures.ask(read, partial(self._show_image, record), partial(self._no_image, record))

    def _show_image(self, record: Record, found: tuple[images.Image, bearings.Bearings]) -> None:
        if self._record is not None and self._record.path == record.path:
            self._slow.stop()
            image, place = found
            self._say("")
            self.viewer.show_image(image, "", place)
            self.looks.of(record.path)
            self._decoded = {name: value for name, value in asdict(image.facts).items() if value}
            facts = replace(image.facts, view=record.view or image.facts.view)
            self._doubts = suitability.doubts(facts, pixels=image.pixels)
            try:
                self._show_facts(int(self._ids[0]), self._record)
            except TrainerError as error:
                self._project.tell(error)
            self.masks.image_is_there()

    def _no_image(self, record: Record, error: TrainerError) -> None:
        if self._record is not None and self._record.path == record.path:
            self._slow.stop()
            self.viewer.clear()
            self._say(f"{error.what}. {error.remedy}", "error")

    def _say(self, text: str, role: str = "muted") -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
        theme.restyled(self.message, role)

    def _read_header(self) -> None:
        """Read the header once it is looked at."""
        record = self._record
        if record is None or self.tabs.currentWidget() is not self.header or self._header_of == record.path:
            return
        self._header_of = path = record.path
        self.header.say("Reading the header")
        digest = record.digest

        def read(_: Progress) -> elements.Header:
            found = elements.read(path)
            try:
                lookup.content(path, digest)
            except ImageError as error:
                return replace(found, notes=(f"{error.what}; this is the header of the file as it is now", *found.notes))
            return found

        self._headers.ask(read, partial(self._show_header, path), partial(self._no_header, path))

    def _show_header(self, path: Path, found: elements.Header) -> None:
        if self._header_of == path:
            self.header.set_elements(found.elements, found.notes)

    def _no_header(self, path: Path, error: TrainerError) -> None:
        if self._header_of == path:
            self.header.say(f"{error.what}." if isinstance(error, ImageError) else str(error))

    # Doing

    def _exclude(self, excluded: bool) -> None:
        edits.set_excluded(self._project, self._ids, excluded)

    def _to_labels(self) -> None:
        self.tabs.setCurrentIndex(0)
        rows = self.answers.rows()
        (rows[0].switch if rows else self.answers.field).setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _copy_paths(self) -> None:
        ids, catalog = self._ids, self._project.background
        self._project.run(
            lambda _: "\n".join(str(path) for path, _ in catalog.files(ids)),
            lambda text: QGuiApplication.clipboard().setText(text),
            owner=self,
        )
