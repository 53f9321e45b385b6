"""How labels are read that leave something open: each policy as a choice with its sentence, where it changes anything."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.widgets.option_list import Option, OptionList
from trainer.policies import CHOICES, Policies

TITLES = {
    "uncertain": ("Uncertain answers", {"not stated": "Not stated", "yes": "Yes", "no": "No"}),
    "readers": ("Several readers", {"majority": "The majority", "any": "One is enough", "all": "All must agree"}),
    "no_finding": ("No finding, normal", {"finding": "A finding of its own", "all no": "No to all others"}),
}
"""Of each policy: its name, and names of its choices."""


class ImportPolicies(QWidget):
    """Only the policies that matter for the sources are seen; without any the whole is hidden."""

    chosen = Signal(object)
    """The user wants these `Policies`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._policies = Policies()
        self.lists: dict[str, OptionList] = {}
        self._groups: dict[str, QWidget] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        for name, (title, titles) in TITLES.items():
            column.addWidget(self._group(name, title, [Option(k, titles[k], _sentence(text)) for k, text in CHOICES[name]]))
        self.show_policies(Policies(), ())

    def show_policies(self, policies: Policies, matters: Sequence[str]) -> None:
        """Show what holds, for those policies that change something."""
        self._policies = policies
        for name, options in self.lists.items():
            options.choose(getattr(policies, name))
            self._groups[name].setVisible(name in matters)
        self.setVisible(bool(matters))

    def _group(self, name: str, title: str, options: Sequence[Option]) -> QWidget:
        group = QWidget()
        made = OptionList(options, one_text=True)
        made.setAccessibleName(title)
        for button in made.buttons.values():
            button.setAccessibleName(f"{title}: {button.accessibleName()}")
        made.chosen.connect(partial(self._choose, name))
        column = QVBoxLayout(group)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 4)
        column.addWidget(theme.strong(title))
        column.addWidget(made)
        self.lists[name], self._groups[name] = made, group
        return group

    def _choose(self, name: str, key: str) -> None:
        self._policies = replace(self._policies, **{name: key})
        self.chosen.emit(self._policies)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
