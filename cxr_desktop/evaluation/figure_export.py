"""Take the results home: drawings, tables, the report. Written by the trainer, so that they equal its report."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cxr_desktop import theme
from cxr_desktop.project import Project
from cxr_desktop.tasks import Task
from trainer import runs
from trainer.errors import TrainerError, counted

FOLDER = "evaluation/export-folder"
CHOICES = {
    "svg": ("Figures as SVG", "Curves, calibration and confusion matrix as drawings that stay sharp at any size."),
    "png": ("Figures as PNG", "The same as pictures of 300 dots per inch."),
    "csv": ("Table of all figures (CSV)", "Every figure with its 95 % interval, baselines and subgroups."),
    "predictions": ("Table of all images (CSV)", "Truth, probability and call of each image and finding."),
    "report": ("Report (HTML)", "One page on the run: data, settings, training, figures, examples, limits."),
}
_AT_FIRST = ("svg", "csv", "report")


class FigureExport(QDialog):
    """What to write, and where to; it stays open and says what was written."""

    def __init__(self, project: Project, run: runs.Run, part: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project, self._run, self._part = project, run, part
        self._tasks: list[Task] = []
        self.files: list[Path] = []
        self.setWindowTitle(f"Export results of {run.name}")
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 70)
        stored = project.settings.text("evaluation/export", ",".join(_AT_FIRST)).split(",")
        self.boxes = {key: QCheckBox(name, checked=key in stored) for key, (name, _) in CHOICES.items()}
        self.names = QCheckBox("with the names of the files, which may name patients")
        self.names.setEnabled(self.boxes["predictions"].isChecked())
        self.boxes["predictions"].toggled.connect(self.names.setEnabled)
        self.folder = QLineEdit(project.settings.text(FOLDER) or str(Path.home()))
        self.folder.setAccessibleName("Folder to write to")
        self.choose = QPushButton("Choose…")
        self.write = QPushButton("Write")
        theme.restyled(self.write, "primary")
        self.close_button = QPushButton("Close")
        self.show_folder, self.show_report = QPushButton("Open folder"), QPushButton("Open report")
        self.busy = QProgressBar(maximum=0, textVisible=False)
        self.told = QLabel(wordWrap=True)
        self._lay_out()
        self.choose.clicked.connect(self._choose)
        self.write.clicked.connect(self._write)
        self.close_button.clicked.connect(self.reject)
        self.show_folder.clicked.connect(lambda: open_path(self.target()))
        self.show_report.clicked.connect(lambda: open_path(self.report_path()))
        for box in self.boxes.values():
            box.toggled.connect(self._enable)
        self.folder.textChanged.connect(self._enable)
        self._enable()

    def target(self) -> Path:
        """The folder that is written to."""
        return Path(self.folder.text().strip()).expanduser()

    def report_path(self) -> Path:
        """The report's file."""
        return self.target() / f"{self._run.name}-report.html"

    def done(self, result: int) -> None:
        """End what is still being written; what is finished stays."""
        for task in self._tasks:
            task.cancel()
        super().done(result)

    def _choose(self) -> None:
        found = QFileDialog.getExistingDirectory(self, "Folder to write to", str(self.target()))
        if found:
            self.folder.setText(found)

    def _write(self) -> None:
        chosen = [key for key, box in self.boxes.items() if box.isChecked()]
        self._project.settings.set_text(FOLDER, str(self.target()))
        self._project.settings.set_text("evaluation/export", ",".join(chosen))
        self.files = []
        self.told.setText("Writing …")
        theme.restyled(self.told, "muted")
        if kinds := [key for key in chosen if key != "report"]:
            words = ["extract", self._run.folder, "--out", self.target(), "--on", runs.short(self._part), "--kind", *kinds]
            self._start([*words, "--paths"] if self.names.isChecked() and "predictions" in kinds else words, "Writing figures")
        if "report" in chosen:
            self._start(["report", self._run.folder, "--out", self.report_path()], "Writing the report")
        self._enable()

    def _start(self, words: list[str | Path], label: str) -> None:
        task = self._project.command(words, self._written, self._failed, label=label)
        self._tasks.append(task)
        task.ended.connect(self._ended)  # itself and no lambda: the dialog may be gone by then

    def _written(self, said: dict[str, object]) -> None:
        found = said.get("files", [said.get("report")])
        self.files += [Path(str(one)) for one in found if one]  # type: ignore[attr-defined]

    def _failed(self, error: TrainerError) -> None:
        self.told.setText(f"{error.what}. {error.remedy}".strip())
        theme.restyled(self.told, "error")
        self._project.tell(error)

    def _ended(self) -> None:
        self._tasks = [task for task in self._tasks if task.running]
        if not self._tasks and self.files and self.told.property("role") != "error":
            self.told.setText(f"{counted(len(self.files), 'file')} written to {self.target()}.")
            theme.restyled(self.told, "good")
        self._enable()

    def _enable(self) -> None:
        running = bool(self._tasks)
        self.busy.setVisible(running)
        self.write.setEnabled(
            not running and any(box.isChecked() for box in self.boxes.values()) and bool(self.folder.text().strip())
        )
        self.show_folder.setVisible(not running and bool(self.files))
        self.show_report.setVisible(not running and self.report_path() in self.files)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(theme.SPACE)
        column.addWidget(theme.heading("What to write", level=2))
        for key, box in self.boxes.items():
            box.setToolTip(CHOICES[key][1])
            column.addWidget(box)
            if key == "predictions":
                row = QHBoxLayout()
                row.addSpacing(3 * theme.SPACE)
                row.addWidget(self.names)
                column.addLayout(row)
        row = QHBoxLayout()
        label = QLabel("To &folder")
        label.setBuddy(self.folder)
        for part in (label, self.folder, self.choose):
            row.addWidget(part)
        column.addLayout(row)
        column.addWidget(self.busy)
        column.addWidget(self.told)
        row = QHBoxLayout()
        row.addWidget(self.show_folder)
        row.addWidget(self.show_report)
        row.addStretch()
        row.addWidget(self.write)
        row.addWidget(self.close_button)
        column.addLayout(row)


def open_path(path: Path) -> None:
    """Show a file or folder with the program that the system has for it."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
