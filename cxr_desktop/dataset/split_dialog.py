"""Divide the images of the project into train, validation and test."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.dataset.split_form import SplitForm
from cxr_desktop.dataset.split_outcome import SplitOutcome
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.wording import in_window
from trainer import divisions, split
from trainer.catalog import Catalog
from trainer.divisions import Content
from trainer.errors import DataError, Progress, TrainerError
from trainer.records import Split

PAUSE = 250
"""Milliseconds without another change before a split is computed."""
MOST_RUNS = 3
"""Runs that are named; the others are counted."""


@dataclass(frozen=True)
class Proposal:
    """Splits that are not stored yet (one, or one for each fold) with what stands in them."""

    splits: tuple[Split, ...]
    contents: tuple[Mapping[str, Content], ...]


@dataclass(frozen=True)
class Standing:
    """What the project has already: its splits with their digests and runs, the active one, and the parts it came with."""

    digests: Mapping[str, str]
    users: Mapping[str, list[str]]
    active: str
    given: Mapping[str, int]


class SplitDialog(QDialog):
    """Shows what a split would be before it is made. Needs an open project; `made` is the name of the split that was made.

    Splits that are there already stay as they are: a new one stands beside them.
    """

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.made = ""
        self._project = project
        self._standing: Standing | None = None
        self._proposal: Proposal | None = None
        self._title = ""
        self._plans = Latest(project, self)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE)
        self._pause.timeout.connect(self._compute)
        self.setWindowTitle("Split the dataset")
        self.form = SplitForm()
        self.outcome = SplitOutcome()
        self.make = QPushButton("Make split")
        theme.restyled(self.make, "primary")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.buttons.addButton(self.make, QDialogButtonBox.ButtonRole.AcceptRole)
        self._lay_out()
        self.form.changed.connect(self._wait)
        self.form.renamed.connect(self._judge)
        self.buttons.accepted.connect(self._store)
        self.buttons.rejected.connect(self.reject)
        project.closed.connect(self.reject)
        self.make.setEnabled(False)
        catalog = project.background
        project.run(lambda _: _standing(catalog), self._begin, self._refuse, owner=self)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4 * theme.SPACE)
        row.addWidget(self.form, 2)
        row.addWidget(self.outcome, 3)
        column = QVBoxLayout(self)
        column.setSpacing(2 * theme.SPACE)
        column.setContentsMargins(2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE, 2 * theme.SPACE)
        column.addLayout(row, 1)
        column.addWidget(self.buttons)
        metrics = self.fontMetrics()
        self.resize(metrics.averageCharWidth() * 120, metrics.height() * 30)

    def _begin(self, standing: Standing) -> None:
        self._standing = standing
        self.form.blockSignals(True)
        self.form.set_given(standing.given)
        self.form.blockSignals(False)
        self._compute()

    def _wait(self) -> None:
        self._proposal = None
        self.outcome.wait()
        self._judge()
        self._pause.start()

    def _compute(self) -> None:
        if self._standing is None:
            return
        catalog, asked = self._project.background, self.form.asked()
        self._plans.ask(partial(_proposed, catalog, asked), self._propose, self._refuse)

    def _propose(self, proposal: Proposal) -> None:
        if self._pause.isActive():  # the next one is waited for already
            return
        self._proposal = proposal
        first = proposal.splits[0]
        self._title = first.name.removesuffix("-fold1") if first.folds else first.name
        warnings = [in_window(text) for one in proposal.splits for text in one.warnings]
        self.outcome.show_split(proposal.contents, first.rule, warnings)
        self.form.name.setPlaceholderText(self._proposed_name())
        self._judge()

    def _refuse(self, error: TrainerError) -> None:
        self._proposal = None
        self.outcome.say(in_window(f"{error.what}. {error.remedy}"), "error")
        self._judge()

    # Names

    def _names(self, title: str) -> list[str]:
        """The names of the splits that would be made."""
        splits = self._proposal.splits if self._proposal else ()
        return [f"{title}-fold{place}" for place in range(1, len(splits) + 1)] if splits and splits[0].folds else [title]

    def _proposed_name(self) -> str:
        taken = self._standing.digests if self._standing else ()
        folded = [name.removesuffix("-fold1") for name in taken if name.endswith("-fold1")]
        return divisions.free_name(self._title, [*taken, *folded])

    def _same(self) -> str:
        """Name of a split that divides the images in exactly this way already, "" if there is none."""
        if self._standing is None or self._proposal is None or self.form.name.text().strip():
            return ""
        digest = self._proposal.splits[0].digest
        same = [name for name, other in self._standing.digests.items() if other == digest]
        return same[-1] if same and len(self._proposal.splits) == 1 else ""

    def _judge(self) -> None:
        """Say whether the split can be made under its name, and what becomes of those that are there."""
        self.make.setEnabled(False)
        self.make.setText("Make split")
        if self._proposal is None or self._standing is None:
            self._remark("")
            return
        same, name = self._same(), " ".join(self.form.name.text().split())
        if same:
            self.make.setText("Use this split")
            self.make.setEnabled(True)
            self._remark(f"'{same}' divides the images in exactly this way. It becomes the active split.")
            return
        known = {other.casefold(): other for other in self._standing.digests}
        taken = next((known[one.casefold()] for one in self._names(name) if one.casefold() in known), "")
        if name and taken:
            used = f"used by {_listed(self._standing.users[taken])}" if self._standing.users[taken] else "there already"
            free = divisions.free_name(name, self._standing.digests)
            self._remark(f"A split '{taken}' is {used} and stays as it is. Call this one for example '{free}'.", "error")
            return
        self.make.setEnabled(True)
        self._remark(self._what_becomes())

    def _what_becomes(self) -> str:
        standing = self._standing
        if standing is None or not standing.active:
            return ""
        used = standing.users.get(standing.active, [])
        by = f", used by {_listed(used)}," if used else ""
        return f"'{standing.active}'{by} stays as it is and is replaced by the new one as the active split."

    def _remark(self, text: str, role: str = "muted") -> None:
        self.form.remark.setText(text)
        theme.restyled(self.form.remark, role)

    # Making

    def _store(self) -> None:
        if self._proposal is None or not self.make.isEnabled():
            return
        catalog, same = self._project.background, self._same()
        self.make.setEnabled(False)
        self.form.setEnabled(False)
        if same:
            self._project.run(
                lambda _: catalog.activate_split(same), lambda _: self._stored(same), self._not_stored, owner=self
            )
            return
        names = self._names(" ".join(self.form.name.text().split()) or self._proposed_name())
        splits = [replace(one, name=name) for one, name in zip(self._proposal.splits, names, strict=True)]
        self._project.run(
            lambda _: _saved(catalog, splits),
            lambda _: self._stored(names[0]),
            self._not_stored,
            label="Storing the split",
            owner=self,
        )

    def _stored(self, name: str) -> None:
        self.made = name
        self._project.splits_changed.emit()
        self.accept()

    def _not_stored(self, error: TrainerError) -> None:
        self.form.setEnabled(True)
        self.make.setEnabled(True)
        self._remark(f"{error.what}. {error.remedy}", "error")
        catalog = self._project.background
        self._project.run(lambda _: _standing(catalog), self._stand, owner=self)

    def _stand(self, standing: Standing) -> None:
        """Another program has made a split meanwhile."""
        self._standing = standing
        self.form.name.setPlaceholderText(self._proposed_name())


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_RUNS]) + (f" and {len(names) - MOST_RUNS} more" if len(names) > MOST_RUNS else "")
    return f"run{'' if len(names) == 1 else 's'} {shown}"


def _saved(catalog: Catalog, splits: list[Split]) -> None:
    """In a job: store new splits. Raises `DataError` where one of that name was made since the dialog looked."""
    known = {name.casefold() for name in catalog.splits()}
    if taken := next((one.name for one in splits if one.name.casefold() in known), ""):
        raise DataError(f"Another program has made a split '{taken}' meanwhile", remedy="Make this one under another name.")
    split.save(catalog, splits)


def _standing(catalog: Catalog) -> Standing:
    return Standing(catalog.split_digests(), divisions.users(catalog), catalog.active_split(), catalog.counts().parts_given)


def _proposed(catalog: Catalog, asked: Mapping[str, Any], progress: Progress) -> Proposal:
    splits = split.planned(catalog, **asked)
    contents = []
    for place, one in enumerate(splits):
        progress(place, len(splits))
        contents.append(divisions.contents(catalog, one))
    return Proposal(tuple(splits), tuple(contents))
