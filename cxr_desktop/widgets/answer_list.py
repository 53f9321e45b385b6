"""All findings with their answers, and a field that adds a finding."""

import itertools
from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.answer_switch import AnswerSwitch
from cxr_desktop.widgets.elided_label import ElidedLabel

BY_HAND = " ✎"
LONGEST = 120
"""Characters of a finding's name."""


class AnswerRow(QWidget):
    """A finding's name and its answer; for many images the answer stands below the name, with numbers."""

    def __init__(self, finding: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.finding = finding
        self.name = ElidedLabel(finding)
        self.state = theme.muted()
        self.state.setWordWrap(False)
        self.switch = AnswerSwitch(finding, self)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme.SPACE)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self._grid.addWidget(self.name, 0, 0)
        self._grid.addWidget(self.state, 0, 1)
        self._many: bool | None = None

    def set_answers(self, yes: int, no: int, unstated: int, by_hand: int) -> None:
        """Show how many images have which answer, and of how many a person gave it."""
        self._arrange(yes + no + unstated > 1)
        self.switch.set_counts(yes, no, unstated)
        self.state.setText("mixed" if self.switch.answer() is None else "")
        self.state.setVisible(bool(self.state.text()))
        self.name.setText(self.finding + (BY_HAND if by_hand else ""))
        said = "Answered by hand" + (f" for {by_hand:,} images" if self._many else "")
        self.switch.setWhatsThis(f"{said}: a later import leaves it as it is" if by_hand else "")

    def _arrange(self, many: bool) -> None:
        if many != self._many:
            self._many = many
            self._grid.removeWidget(self.switch)
            place = (1, 0, 1, 3) if many else (0, 2, 1, 1)
            self._grid.addWidget(self.switch, *place)


class AnswerList(QWidget):
    """A row for each finding. What is answered is told; whoever stores it calls `set_answers` again."""

    answered = Signal(str, int)
    """Finding, and 1 yes, 0 no, -1 not stated."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, AnswerRow] = {}
        self._added: list[str] = []
        self._answers: Mapping[str, tuple[int, int, int, int]] = {}
        self._images = 0
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, theme.SPACE, 0)
        self._column.setSpacing(theme.SPACE // 2)
        self._column.addStretch()
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._inside)
        self.field = QLineEdit(maxLength=LONGEST)
        self.field.setPlaceholderText("Another finding")
        self.field.setAccessibleName("Name of another finding")
        self.field.setToolTip("A finding that is not in the list; it is stored with its first answer")
        self.field.returnPressed.connect(self._add)
        self.button = QPushButton("Add finding")
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._add)
        line = QHBoxLayout()
        line.addWidget(self.field, 1)
        line.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._area, 1)
        column.addLayout(line)

    def set_answers(self, answers: Mapping[str, tuple[int, int, int, int]], images: int) -> None:
        """Show the answers of so many images: finding -> yes, no, not stated, and those given by hand."""
        self._answers, self._images = answers, images
        self._added = [name for name in self._added if name not in answers]
        names = [*answers, *self._added]
        if names != list(self._rows):
            self._make(names)
        for name, row in self._rows.items():
            row.set_answers(*answers.get(name, (0, 0, max(1, images), 0)))
        self.setEnabled(images > 0)

    def rows(self) -> list[AnswerRow]:
        """The rows, from the top."""
        return list(self._rows.values())

    def row(self, finding: str) -> AnswerRow:
        """The row of a finding."""
        return self._rows[finding]

    def _make(self, names: list[str]) -> None:
        """Keep the rows that stay, so that the focus stays where it is."""
        for name in [name for name in self._rows if name not in names]:
            row = self._rows.pop(name)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        old, self._rows = self._rows, {}
        for place, name in enumerate(names):
            row = old.get(name) or self._new(name)
            self._rows[name] = row
            self._column.removeWidget(row)
            self._column.insertWidget(place, row)
        switches = [row.switch for row in self._rows.values()]
        for first, second in itertools.pairwise(switches):
            QWidget.setTabOrder(first, second)
        if switches:
            QWidget.setTabOrder(switches[-1], self.field)
            QWidget.setTabOrder(self.field, self.button)

    def _new(self, name: str) -> AnswerRow:
        row = AnswerRow(name, self._inside)
        row.switch.chosen.connect(partial(self.answered.emit, name))
        row.switch.moved.connect(partial(self._move, name))
        return row

    def _move(self, name: str, step: int) -> None:
        names = list(self._rows)
        place = min(max(names.index(name) + step, 0), len(names) - 1)
        row = self._rows[names[place]]
        row.switch.setFocus(Qt.FocusReason.TabFocusReason)
        self._area.ensureWidgetVisible(row)

    def _add(self) -> None:
        name = " ".join(self.field.text().split())
        if not name:
            return
        self.field.clear()
        known = next((row for row in self._rows if row.casefold() == name.casefold()), None)
        if known is None:
            self._added.append(name)
            self.set_answers(self._answers, self._images)
        row = self._rows[known or name]
        row.switch.setFocus(Qt.FocusReason.TabFocusReason)
        self._area.ensureWidgetVisible(row)
