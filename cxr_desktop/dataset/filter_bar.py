"""Filters of the dataset: a text, and a menu for each kind of condition with the counts of the whole project."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QToolButton, QWidget, QWidgetAction

from cxr_desktop import theme
from cxr_desktop.dataset import filter_words
from cxr_desktop.dataset.shown_images import DEFAULT, Overview
from cxr_desktop.widgets.flow_layout import FlowLayout
from trainer.records import Filter

PAUSE = 250
"""Milliseconds without a key before a text is searched."""
MOST = 300
"""Values in a menu; a longer one cannot be used."""


class FilterBar(QWidget):
    """Shows a `Filter` and changes it."""

    filter_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._where = DEFAULT
        self._overview: Overview | None = None
        self.text = QLineEdit(placeholderText="Find in path or patient", clearButtonEnabled=True)
        self.text.setAccessibleName("Find images by a part of their path or patient")
        self.text.setMinimumWidth(self.fontMetrics().averageCharWidth() * 26)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self._search)
        self.text.textEdited.connect(lambda _: self._pause.start())
        self.text.returnPressed.connect(self._search)
        self.patient = QLineEdit(placeholderText="Patient, exactly")
        self.patient.setAccessibleName("Show the images of one patient")
        self.menus: dict[str, QMenu] = {}
        self._buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.text, 1)
        row.addWidget(self._facets(), 3)

    def show_filter(self, where: Filter) -> None:
        """Show which filter holds."""
        self._where = where
        if not self._pause.isActive() and self.text.text().strip() != where.text:
            self.text.setText(where.text)

    def show_overview(self, overview: Overview | None) -> None:
        """Offer what there is in the project; nothing while it is not known."""
        self._overview = overview
        for name, button in self._buttons.items():
            button.setEnabled(overview is not None and (name != "Flag" or bool(overview.counts.flags)))

    def find_action(self, parent: QWidget) -> QAction:
        """The action that goes to the text."""
        action = QAction("&Find…", parent, shortcut=QKeySequence(QKeySequence.StandardKey.Find))
        action.triggered.connect(lambda: (self.text.setFocus(), self.text.selectAll()))
        return action

    # The buttons

    def _facets(self) -> QWidget:
        box = QWidget()
        box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        flow = FlowLayout(box)
        for name, fill in (
            ("Finding", self._fill_findings),
            ("Part", self._fill_parts),
            ("View", partial(self._fill_column, "view")),
            ("Sex", partial(self._fill_column, "sex")),
            ("Patient", None),
            ("Source", partial(self._fill_column, "source")),
            ("Flag", self._fill_flags),
            ("Excluded", self._fill_excluded),
        ):
            flow.addWidget(self._button(name, fill))
        return box

    def _button(self, name: str, fill: Callable[[QMenu], None] | None) -> QToolButton:
        button = QToolButton(text=name, popupMode=QToolButton.ToolButtonPopupMode.InstantPopup, enabled=False)
        button.setAccessibleName(f"Filter by {name.lower()}")
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        if fill:
            menu.aboutToShow.connect(lambda: (_emptied(menu), fill(menu)))
        else:
            field = QWidgetAction(menu)
            field.setDefaultWidget(self.patient)
            menu.addAction(field)
            menu.aboutToShow.connect(lambda: QTimer.singleShot(0, self.patient, self.patient.setFocus))
            self.patient.returnPressed.connect(lambda: (menu.hide(), self._only_patient()))
        button.setMenu(menu)
        self.menus[name], self._buttons[name] = menu, button
        return button

    # What they offer

    def _fill_findings(self, menu: QMenu) -> None:
        assert self._overview is not None
        for name, answers in self._overview.counts.findings.items():
            there = menu.addMenu(name.replace("&", "&&"))
            there.menuAction().setCheckable(True)
            there.menuAction().setChecked(name in self._where.findings)
            entries = [(words, value, answers[words]) for value, words in filter_words.ANSWERS.items()]
            chosen = self._where.findings.get(name)
            _offer(there, [("Any", None, None), *entries], chosen, partial(self._answer, name))
        if not self._overview.counts.findings:
            menu.addAction("The project has no findings").setEnabled(False)

    def _answer(self, finding: str, answer: int | None) -> None:
        self._want(filter_words.answered(self._where, finding, answer))

    def _fill_parts(self, menu: QMenu) -> None:
        assert self._overview is not None
        tally, given = self._overview.tally, self._overview.counts.parts_given
        if self._overview.counts.split_name:
            entries = [(filter_words.part_words(p), p, int(n)) for p, n in zip(tally.parts, tally.images, strict=True)]
            _offer(menu, [("Any", "", None), *entries], self._where.part, partial(self._set, "part"))
        else:
            menu.addAction("The images are not split yet").setEnabled(False)
        if any(given):
            self._fill_column("part_given", menu.addMenu("As the dataset came"))

    def _fill_column(self, name: str, menu: QMenu) -> None:
        assert self._overview is not None
        counts = {"view": "views", "sex": "sexes", "source": "sources", "part_given": "parts_given"}[name]
        found = sorted(getattr(self._overview.counts, counts).items(), key=lambda item: (item[0] == "", item[0].lower()))
        entries = [(value or filter_words.UNKNOWN, value, count) for value, count in found[:MOST]]
        chosen = getattr(self._where, name)
        rest = len(found) - len(entries)
        _offer(menu, [("Any", None, None), *entries], chosen, partial(self._set, name))
        if rest:
            menu.addAction(f"{rest:,} more are not listed").setEnabled(False)

    def _fill_flags(self, menu: QMenu) -> None:
        assert self._overview is not None
        entries = [(flag, flag, count) for flag, count in self._overview.counts.flags.items()]
        _offer(menu, [("Any", "", None), *entries], self._where.flag, self._set_flag)

    def _set_flag(self, flag: str) -> None:
        self._want(filter_words.flagged(self._where, flag))

    def _fill_excluded(self, menu: QMenu) -> None:
        assert self._overview is not None
        entries = [("Without", False, None), ("Only", True, self._overview.counts.excluded), ("With", None, None)]
        _offer(menu, entries, self._where.excluded, partial(self._set, "excluded"))

    def _set(self, name: str, value: object) -> None:
        self._want(replace(self._where, **{name: value}))

    def _only_patient(self) -> None:
        self._want(replace(self._where, patient=self.patient.text().strip() or None))

    def _search(self) -> None:
        self._pause.stop()
        self._want(replace(self._where, text=self.text.text().strip()))

    def _want(self, where: Filter) -> None:
        if where != self._where:
            self.filter_wanted.emit(where)


def _emptied(menu: QMenu) -> None:
    """Take everything out of a menu, with what was made for it."""
    menu.clear()
    for child in (*menu.findChildren(QActionGroup), *menu.findChildren(QMenu)):
        child.deleteLater()


def _offer(menu: QMenu, entries: Iterable[tuple], chosen: object, choose: Callable) -> None:
    """Fill a menu with entries of which one is chosen."""
    group = QActionGroup(menu)
    for words, value, count in entries:
        text = words.replace("&", "&&") + (f"\t{count:,}" if count is not None else "")
        action = QAction(text, group, checkable=True, checked=value == chosen)
        action.triggered.connect(lambda _=False, value=value: choose(value))
        menu.addAction(action)
