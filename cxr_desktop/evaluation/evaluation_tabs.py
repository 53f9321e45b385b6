"""The tabs of the Evaluate page: all show the same run, part, finding and thresholds, each when it is looked at."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QWidget

from cxr_desktop.evaluation.bag_panel import BagPanel
from cxr_desktop.evaluation.calibration_panel import CalibrationPanel
from cxr_desktop.evaluation.error_panel import ErrorPanel
from cxr_desktop.evaluation.evaluation_state import Judged
from cxr_desktop.evaluation.finding_chooser import FindingChooser
from cxr_desktop.evaluation.finding_panel import FindingPanel
from cxr_desktop.evaluation.gallery import Gallery
from cxr_desktop.evaluation.gallery_items import Item
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.evaluation.matrix_panel import MatrixPanel
from cxr_desktop.evaluation.subgroup_table import SubgroupTable
from cxr_desktop.evaluation.threshold_draft import ThresholdDraft
from cxr_desktop.project import Project


class EvaluationTabs(QTabWidget):
    """Overview, Findings, Curves, Subgroups, Errors; and of a bag its Members."""

    draft_changed = Signal()
    """A threshold was moved, or a move was taken back."""
    look_closer = Signal(Gallery, Item)
    """The user wants to see an image large."""

    def __init__(self, project: Project, network: LoadedNetwork, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._judged: Judged | None = None
        self._waiting: set[QWidget] = set()
        self.overview, self.findings = MatrixPanel(project, network), FindingPanel()
        self.curves, self.subgroups, self.errors = CalibrationPanel(), SubgroupTable(), ErrorPanel(project, network)
        self.members = BagPanel()
        self._show_in: dict[QWidget, Callable[[Judged], None]] = {
            self.overview: lambda judged: self.overview.show_judged(judged, self.draft),
            self.findings: lambda judged: self.findings.show_judged(judged, self._draft),
            self.curves: self.curves.show_judged,
            self.subgroups: self.subgroups.show_judged,
            self.errors: lambda judged: self.errors.show_judged(judged, self.draft),
            self.members: self.members.show_judged,
        }
        self._draft = ThresholdDraft({})
        self._choosers: dict[QWidget, FindingChooser] = {
            panel: panel.chooser for panel in (self.overview, self.findings, self.curves, self.errors)
        }
        for panel, name, tip in (
            (self.overview, "Overview", "The confusion matrix, and the images behind each of its cells."),
            (self.findings, "Findings", "Thresholds, finding by finding."),
            (self.curves, "Curves", "ROC, precision and recall, calibration."),
            (self.subgroups, "Subgroups", "The same figures by view, sex, age and source."),
            (self.errors, "Errors", "The mistakes, finding by finding, with heat maps."),
            (self.members, "Members", "Each member of the bag beside the whole, and how much they differ."),
        ):
            self.addTab(panel, name)
            self.setTabToolTip(self.count() - 1, tip)
        self.setDocumentMode(True)
        self.setTabVisible(self.indexOf(self.members), False)
        self._connect()

    @property
    def draft(self) -> ThresholdDraft:
        """The thresholds as they are moved."""
        return self._draft

    def show_judged(self, judged: Judged, draft: ThresholdDraft) -> None:
        """Show another part or run."""
        self._judged, self._draft = judged, draft
        # The findings are always up to date: their actions work on every tab.
        self.findings.show_judged(judged, draft)
        self._waiting = set(self._show_in) - {self.findings}
        self.setTabVisible(self.indexOf(self.members), judged.whole is not None)
        if judged.whole is None and self.currentWidget() is self.members:  # remembered from a bag
            self.setCurrentWidget(self.overview)
        self._catch_up()
        self.mark()

    def show_cell(self, finding: str, present: bool, positive: bool) -> None:
        """Show the images of a cell of a finding's 2x2 matrix."""
        self.setCurrentWidget(self.overview)
        self.overview.show_cell(finding, present=present, positive=positive)

    def mark(self) -> None:
        """Say on the tab whether thresholds were moved and not saved."""
        moved, place = bool(self._draft.moved), self.indexOf(self.findings)
        text = "Findings •" if moved else "Findings"
        if self.tabText(place) != text:
            self.setTabText(place, text)
            self.setTabToolTip(place, "Thresholds were moved and not saved." if moved else "Thresholds, finding by finding.")

    def _catch_up(self) -> None:
        panel = self.currentWidget()
        if self._judged is None or panel not in self._waiting:
            return
        self._waiting.discard(panel)
        if chooser := self._choosers.get(panel):
            chooser.set_findings(list(self._judged.scores))
            chooser.show_finding(self.findings.finding)
        self._show_in[panel](self._judged)

    def _moved(self) -> None:
        self._waiting |= {self.overview, self.errors}
        self._catch_up()
        self.mark()
        self.draft_changed.emit()

    def _chosen(self, finding: str) -> None:
        for panel, chooser in self._choosers.items():
            if panel not in self._waiting:
                chooser.go(finding)
        self._waiting |= {panel for panel in self._choosers if panel not in (self.findings, self.currentWidget())}

    def _connect(self) -> None:
        self.currentChanged.connect(lambda _: self._catch_up())
        self.findings.draft_changed.connect(self._moved)
        self.findings.cell_chosen.connect(self.show_cell)
        for chooser in self._choosers.values():
            chooser.chosen.connect(self._chosen)
        for gallery in (self.overview.gallery, self.errors.gallery):
            gallery.opened.connect(lambda item, gallery=gallery: self.look_closer.emit(gallery, item))
