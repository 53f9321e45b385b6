"""Some training images as the network will see them: the original above, changed and mixed versions below it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from cxr_desktop import inference, theme
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.wording import in_window
from trainer.config import TrainConfig
from trainer.errors import TrainerError

SIDE = 168
"""Pixels of the screen that a picture is wide: four of them fit beside each other on a small one."""
HINT = (
    "Above: training images as they are. Below: versions as the network may see them; each time an image is shown, it is "
    "changed anew. Validation and test images are never changed."
)


class AugmentExamples(QDialog):
    """Stays open beside the window and follows the settings. The pictures are made in a job."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Examples of augmentation")
        self._project = project
        self._latest = Latest(project, self)
        self._settings, self._split = TrainConfig(), ""
        self._number = self._pick = 0
        self.pictures: list[QLabel] = []
        self.captions: list[QLabel] = []
        self.said = theme.muted()
        self.again_button = QPushButton("&Again")
        self.again_button.setToolTip("Other changes of the same images")
        self.others_button = QPushButton("&Other images")
        self.others_button.setToolTip("Other images of the train part")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._grid_of = QWidget()
        self._grid = QGridLayout(self._grid_of)
        self._lay_out()
        self.again_button.clicked.connect(self.again)
        self.others_button.clicked.connect(self.others)
        self.buttons.rejected.connect(self.reject)
        project.closed.connect(self.reject)

    def show_settings(self, settings: TrainConfig, split: str) -> None:
        """Show the same images with these settings."""
        self._settings, self._split = settings, split
        self._ask()

    def again(self) -> None:
        """Change the same images anew."""
        self._number += 1
        self._ask()

    def others(self) -> None:
        """Show other images."""
        self._pick += 1
        self._ask()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.addWidget(theme.muted(HINT))
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.SPACE)
        area = QScrollArea()
        area.setWidget(self._grid_of)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        column.addWidget(area, 1)
        column.addWidget(self.said)
        for button in (self.again_button, self.others_button):
            self.buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
        column.addWidget(self.buttons)
        bar = area.verticalScrollBar().sizeHint().width()
        height = 4 * (SIDE + 2 * self.fontMetrics().lineSpacing() + 3 * theme.SPACE) + 12 * theme.SPACE
        room = self.screen().availableGeometry().height() * 9 // 10
        self.resize(4 * (SIDE + theme.SPACE) + 3 * theme.SPACE + bar, min(height, room))

    def _ask(self) -> None:
        if not self._project.is_open:
            return
        catalog, settings, split = self._project.background, self._settings, self._split
        number, pick = self._number, self._pick
        self.said.setText("Making the pictures …")
        self._latest.ask(
            lambda progress: inference.rehearse(catalog, settings, split=split, number=number, pick=pick),
            self._show,
            self._refuse,
        )

    def _refuse(self, error: TrainerError) -> None:
        self.said.setText(in_window(f"{error.what}. {error.remedy}"))

    def _show(self, found: Any) -> None:  # noqa: ANN401 - a `Rehearsal`, whose module loads torch
        self.said.setText("")
        rows = [(found.originals, found.answers), *zip(found.versions, found.said, strict=True)]
        self._make(len(rows) * len(found.originals), len(found.originals))
        names = ["original", *(f"version {number}" for number in range(1, len(rows)))]
        for row, (name, (pixels, words)) in enumerate(zip(names, rows, strict=True)):
            for column, (square, text) in enumerate(zip(pixels, words, strict=True)):
                place = row * len(words) + column
                self.pictures[place].setPixmap(_picture(square, self.devicePixelRatioF()))
                self.pictures[place].setAccessibleName(f"Image {column + 1}, {name}: {text}")
                self.captions[place].setText(text.replace(" %", "\N{NO-BREAK SPACE}%"))

    def _make(self, count: int, columns: int) -> None:
        """As many places as there are pictures."""
        while len(self.pictures) > count:
            for label in (self.pictures.pop(), self.captions.pop()):
                label.deleteLater()
        while len(self.pictures) < count:
            picture, caption = QLabel(), QLabel() if len(self.pictures) < columns else theme.muted()
            caption.setWordWrap(True)
            picture.setFixedSize(SIDE, SIDE)
            caption.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
            self.pictures.append(picture)
            self.captions.append(caption)
        for place, (picture, caption) in enumerate(zip(self.pictures, self.captions, strict=True)):
            row, column = divmod(place, columns)
            self._grid.addWidget(picture, 2 * row, column, Qt.AlignmentFlag.AlignHCenter)
            self._grid.addWidget(caption, 2 * row + 1, column)


def _picture(square: NDArray[np.uint8], ratio: float) -> QPixmap:
    """A square of grey values as a picture of `SIDE` pixels of the screen."""
    height, width = square.shape
    image = QImage(square.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    side = round(SIDE * ratio)
    smooth = Qt.TransformationMode.SmoothTransformation
    picture = QPixmap.fromImage(image.scaled(side, side, Qt.AspectRatioMode.IgnoreAspectRatio, smooth))
    picture.setDevicePixelRatio(ratio)
    return picture
