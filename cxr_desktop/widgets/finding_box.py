"""One finding of the project, or none."""

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from cxr_desktop.widgets.choice_box import ChoiceBox

NONE = "none"


class FindingBox(ChoiceBox):
    """The findings of a project; one that it does not know (from an older run, or a recipe) is shown all the same."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__([""], {"": NONE}, parent)

    def set_findings(self, known: Sequence[str]) -> None:
        """Offer the findings of a project; what is chosen stays chosen."""
        now = self.given()
        while self.count() > 1:
            self.removeItem(1)
        for name in known:
            self.addItem(name, name)
        self.show_value(now)
