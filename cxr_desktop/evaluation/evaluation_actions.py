"""What can be done on the Evaluate page, as actions: for its menu, its keys and its buttons."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft


class EvaluationActions:
    """The actions of the page; the page says what each does (`connect`) and what is shown (`enable`)."""

    def __init__(self, owner: QWidget) -> None:
        self._owner = owner
        self.evaluate = self._made("&Evaluate again", "Ctrl+E", "Judge the run on the part that is shown.")
        self.open_test = self._made(
            "&Open the test part…", "", "Break the seal of the test part, once, after all choices are made."
        )
        self.external = self._made(
            "Evaluate on another &project…", "", "Judge the run on the labelled images of another project."
        )
        self.next = self._made("&Next finding", "Ctrl+]", "Work on the next finding.")
        self.previous = self._made("&Previous finding", "Ctrl+[", "Work on the finding before.")
        self.save = self._made("&Save thresholds", "Ctrl+S", "Write the moved thresholds into the model.")
        self.undo = self._made("&Take the last move back", "Ctrl+Backspace", "Undo the last move of a threshold.")
        self.discard = self._made("&Discard moved thresholds", "", "Put all thresholds back to what the model carries.")
        self.reset = self._made("&Reset thresholds", "", "As they were chosen at first: by the run's own rules on validation.")
        self.draw = self._made("Another dr&aw of mistakes", "Ctrl+D", "Show other mistakes at random.")
        self.export = self._made("E&xport results…", "Ctrl+Shift+E", "Figures, tables and the report as files.")
        self.report = self._made("Open the repo&rt", "", "Write the report anew and open it in the browser.")

    def commands(self) -> list[QAction | None]:
        """In the order of a menu; None is a separator."""
        return [
            self.evaluate,
            self.open_test,
            self.external,
            None,
            self.previous,
            self.next,
            self.save,
            self.undo,
            self.discard,
            self.reset,
            None,
            self.draw,
            None,
            self.export,
            self.report,
        ]

    def connect(self, slots: dict[QAction, Callable[[], object]]) -> None:
        """What each of them does."""
        for action, slot in slots.items():
            action.triggered.connect(lambda _=False, slot=slot: slot())

    def enable(self, judged: Judged | None, draft: ThresholdDraft, *, idle: bool, moved: bool) -> None:
        """What can be done with what is shown; `idle` is whether it can be judged and nothing is under way."""
        shown = judged is not None and judged.evaluation is not None
        for action, possible in (
            *((one, idle) for one in (self.evaluate, self.open_test, self.external, self.report)),
            *((one, shown) for one in (self.next, self.previous, self.draw, self.export)),
            (self.save, idle and moved),
            (self.discard, moved),
            (self.undo, shown and draft.can_undo),
            (self.reset, shown and judged is not None and bool(judged.validation)),
        ):
            action.setEnabled(possible)

    def _made(self, text: str, key: str, tip: str) -> QAction:
        action = QAction(text, self._owner)
        action.setToolTip(tip)
        action.setStatusTip(tip)
        if key:
            action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._owner.addAction(action)
        return action
