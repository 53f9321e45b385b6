"""The switch that lays the masks of an image over it, and says why where one cannot be."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.latest import Latest
from cxr_desktop.project import Project
from cxr_desktop.widgets.lightbox import Lightbox
from cxr_desktop.widgets.mask_layer import Masks
from trainer import masks
from trainer.errors import Progress, TrainerError
from trainer.images import Image

TIP = "Lay the masks that came with the dataset over the radiograph, each kind in its own colour. Off at first."
Files = tuple[tuple[str, Path], ...]
"""Kind and file of each mask."""


class MaskSwitch(QWidget):
    """Hidden for an image without masks. Once it is on it stays on from image to image, as long as the page is there."""

    shown = Signal()
    """The masks, or why there are none, are seen now."""

    def __init__(self, project: Project, lightbox: Lightbox, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lightbox = lightbox
        self.files: Files = ()
        self._there = False
        self._reading = Latest(project, self)
        self.box = QCheckBox()
        self.box.setToolTip(TIP)
        self.note = theme.muted()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 4)
        column.addWidget(self.box)
        column.addWidget(self.note)
        self.box.toggled.connect(self._lay)
        self.set_files(())

    def set_files(self, files: Files) -> None:
        """Another image has these masks; they are laid over it once it is on the light box and `image_is_there`."""
        self.files, self._there = files, False
        kinds = ", ".join(dict.fromkeys(kind for kind, _ in files))
        self.box.setText(f"Show &mask: {kinds}" if len(files) == 1 else f"Show &masks: {kinds}")
        self.box.setAccessibleName(f"Show masks: {kinds}")
        self._say([])
        self.setVisible(bool(files))

    def image_is_there(self) -> None:
        """The image of the masks is on the light box."""
        self._there = True
        self._lay()

    def _lay(self) -> None:
        image = self._lightbox.image
        if image is None or not self._there or not self.files:
            return
        if not self.box.isChecked():
            self._lightbox.put_masks(())
            self._say([])
            return
        work = partial(_read, self.files, (image.pixels.shape[0], image.pixels.shape[1]))
        self._reading.ask(work, partial(self._show, self.files, image))

    def _show(self, files: Files, image: Image, found: tuple[Masks, list[str], bool]) -> None:
        if files is not self.files or image is not self._lightbox.image or not self.box.isChecked():
            return
        read, notes, failed = found
        self._lightbox.put_masks(read)
        self._say(notes, "error" if failed else "muted")
        self.shown.emit()

    def _say(self, notes: list[str], role: str = "muted") -> None:
        self.note.setText("\n".join(notes))
        self.note.setVisible(bool(notes))
        theme.restyled(self.note, role)


def _read(files: Files, shape: tuple[int, int], progress: Progress) -> tuple[Masks, list[str], bool]:
    """Those that can be read, a sentence on each that is odd, and whether one cannot be read."""
    found, notes, failed = [], [], False
    for number, (kind, path) in enumerate(files):
        progress(number, len(files))
        try:
            values, note = masks.read(path, shape)
        except TrainerError as error:
            notes.append(f"{kind} ({path.name}): {error.what}. {error.remedy}".strip())
            failed = True
            continue
        found.append((kind, values))
        empty = "nothing is drawn in it" if not values.any() else ""
        notes += [f"{kind}: {'; '.join(filter(None, (note, empty)))}"] if note or empty else []
    return tuple(found), notes, failed
