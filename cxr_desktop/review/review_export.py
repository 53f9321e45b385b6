"""What the user takes along from the Review page: pictures, the table; and the scale that fits all images seen so far."""

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from cxr_desktop.project import Project
from cxr_desktop.review import review_saving
from cxr_desktop.review.review_queue import ReviewQueue
from cxr_desktop.review.review_saving import View
from cxr_desktop.widgets.viewer import Viewer
from cxr_desktop.widgets.viewer_actions import ORIGINAL
from trainer.prediction_table import Asked

FOLDER, COLUMNS = "review/saved", "review/columns"
ALL_FIGURES, OWN_COLUMNS = "All probabilities (*.csv)", "Chosen columns (*.csv)"
COLUMNS_HELP = (
    "Columns as NAME or NAME=CONTENT, with commas. Contents: file, path, finding (what was decided), error,\n"
    "a FINDING (1 from its threshold on, else 0), p(FINDING), sd(FINDING). For example: File,Label=COVID-19"
)
NOT_SEEN = " It is shown through another window than the one that a network sees."


class ReviewExport(QObject):
    """Asks where to, and writes in jobs."""

    def __init__(self, project: Project, queue: ReviewQueue, viewer: Viewer, over: QWidget) -> None:
        super().__init__(over)
        self._project, self._queue, self._viewer, self._over = project, queue, viewer, over
        self._highest = 0.0
        queue.model_opened.connect(self._forget_maximum)

    # The scale

    def note_maximum(self, maximum: float) -> None:
        """A heat map with this maximum was shown."""
        self._highest = max(self._highest, maximum)

    def fix_scale(self) -> None:
        """Fix the scale so that the strongest evidence seen so far has the brightest colour."""
        if self._highest > 0:
            self._viewer.set_fixed_scale(self._highest)

    def _forget_maximum(self) -> None:
        self._highest = 0.0

    # Pictures

    def ask_for_picture(self) -> None:
        """Save the image as it is on screen, at its own size."""
        lightbox = self._viewer.lightbox
        if lightbox.image is None:
            return
        folder = Path(self._project.settings.text(FOLDER) or Path.home())
        finding = lightbox.heat.finding if lightbox.heat and self._with_heat() else ""
        proposed = review_saving.picture_name(finding, folder)
        chosen, _ = QFileDialog.getSaveFileName(self._over, "Save picture", str(proposed), "PNG picture (*.png)")
        if chosen:
            self.save_picture(Path(chosen))

    def save_picture(self, path: Path) -> None:
        """Write the picture; the suffix is added where it is missing."""
        path = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        self._project.settings.set_text(FOLDER, str(path.parent))
        view, heat, seen = View.of(self._viewer.lightbox), self._with_heat(), self._seen()
        self._project.run(
            lambda progress: review_saving.save_picture(view, path, with_heat=heat),
            lambda saved: self._project.tell(f"Saved: {saved}. It holds no data of the patient beside the pixels.{seen}"),
            label="Saving the picture",
            owner=self,
            survives=True,
        )

    def copy_picture(self) -> None:
        """Put the picture on the clipboard."""
        if self._viewer.lightbox.image is None:
            return
        view, heat, seen = View.of(self._viewer.lightbox), self._with_heat(), self._seen()
        self._project.run(
            lambda progress: view.picture(with_heat=heat), lambda made: self._copied(made, seen), owner=self, survives=True
        )

    def _copied(self, picture: QImage, seen: str) -> None:
        QGuiApplication.clipboard().setImage(picture)
        self._project.tell(f"The picture is on the clipboard.{seen}")

    def _seen(self) -> str:
        """Whether what is shown is what the network sees; "" where it is."""
        return NOT_SEEN if self._viewer.looks.current else ""

    def _with_heat(self) -> bool:
        return self._viewer.mode != ORIGINAL

    # The table

    def ask_for_table(self) -> None:
        """Export all predictions so far as CSV: all probabilities, or the columns that are asked for."""
        folder = Path(self._project.settings.text(FOLDER) or Path.home())
        chosen, kind = QFileDialog.getSaveFileName(
            self._over, "Export predictions", str(folder / "predictions.csv"), f"{ALL_FIGURES};;{OWN_COLUMNS}"
        )
        if not chosen:
            return
        if kind != OWN_COLUMNS:
            self.save_table(Path(chosen))
            return
        before = self._project.settings.text(COLUMNS, "File,Label")
        words, agreed = QInputDialog.getText(self._over, "Columns", COLUMNS_HELP, text=before)
        if agreed and words.strip():
            self._project.settings.set_text(COLUMNS, words.strip())
            self.save_table(Path(chosen), columns=words.strip())

    def save_table(self, path: Path, columns: str = "") -> None:
        """Write all predictions so far, with all probabilities or with these columns."""
        path = path if path.suffix else path.with_suffix(".csv")
        self._project.settings.set_text(FOLDER, str(path.parent))
        files = self._queue.files
        said, findings, spread, missing = files.answered(), files.kind.findings, files.kind.spread, len(files.waiting)
        asked = Asked(findings, files.kind.task, files.kind.thresholds)
        left = f" {missing} files are not predicted yet and are not in it." if missing else ""
        self._project.run(
            lambda progress: (
                review_saving.save_columns(columns, asked, said, path)
                if columns
                else review_saving.save_table(findings, said, path, spread=spread)
            ),
            lambda saved: self._project.tell(f"Exported {len(said)} predictions: {saved}.{left}"),
            label="Exporting predictions",
            owner=self,
            survives=True,
        )
