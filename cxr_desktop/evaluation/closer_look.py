"""One image of a gallery, large: the viewer with the heat map, and what the network said of every finding."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cxr_desktop import inference, theme
from cxr_desktop.evaluation.gallery_items import Item, of_row
from cxr_desktop.evaluation.loaded_network import LoadedNetwork
from cxr_desktop.latest import Latest
from cxr_desktop.other_looks import OtherLooks
from cxr_desktop.project import Project
from cxr_desktop.widgets.probability_bars import ProbabilityBars
from cxr_desktop.widgets.viewer import Viewer
from trainer import bearings, images, lookup
from trainer.errors import Progress, TrainerError
from trainer.geometry import Part
from trainer.mistakes import Level
from trainer.results import Prediction

KEY = "evaluation/closer-look"


class CloserLook(QDialog):
    """Steps through the images of a gallery; the heat map is that of the chosen finding.

    `networks` are the folders of the runs that look together; without any, `none` says in words why there is no heat map.
    """

    def __init__(
        self,
        project: Project,
        network: LoadedNetwork,
        networks: tuple[Path, ...],
        prediction: Prediction,
        thresholds: Mapping[str, Level],
        parent: QWidget | None = None,
        *,
        none: str = "",
    ) -> None:
        super().__init__(parent)
        self._project, self._network, self._networks, self._none = project, network, networks, none
        self._prediction, self._thresholds = prediction, thresholds
        self._items: list[Item] = []
        self._place = 0
        self._image: images.Image | None = None
        self._reading, self._looking = Latest(project, self), Latest(project, self)
        self._maps: tuple[Item, inference.Maps] | None = None
        self.viewer, self.bars = Viewer(), ProbabilityBars()
        self.looks = OtherLooks(project, self.viewer)
        self.title, self.state = QLabel(), theme.muted()
        self.before, self.after = QPushButton("&Previous"), QPushButton("&Next")
        self.setWindowTitle("Image and heat map")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._lay_out()
        self._connect()
        self.resize(1000, 640)
        self.restoreGeometry(project.settings.state(KEY))
        self.viewer.set_options(project.settings.text(KEY))

    def show_items(self, items: Sequence[Item], place: int) -> None:
        """Step through these, beginning at one."""
        self._items, self._place = list(items), place
        self._show()

    @property
    def item(self) -> Item:
        """The one that is shown."""
        return self._items[self._place]

    def step(self, step: int) -> None:
        """The next (1) or the previous (-1) one, if there is one."""
        if 0 <= self._place + step < len(self._items):
            self._place += step
            self._show()

    def done(self, result: int) -> None:
        """Remember how it was looked at."""
        self._project.settings.set_state(KEY, self.saveGeometry())
        self._project.settings.set_text(KEY, self.viewer.options())
        super().done(result)

    def _show(self) -> None:
        item = self.item
        self._image = self._maps = None
        self.viewer.clear()
        self.title.setText(f"<b>Image {item.image}</b> ({self._place + 1} of {len(self._items)})<br>{_plain(item)}")
        self.before.setEnabled(self._place > 0)
        self.after.setEnabled(self._place + 1 < len(self._items))
        p = self._prediction.probabilities[item.row]
        own = {name: of_row(level, item.row) for name, level in self._thresholds.items()}
        self.bars.set_values(self._prediction.findings, p, own, selected=item.finding)
        if item.record is None:
            self.state.setText("The image is not in the project any more.")
            return
        self.state.setText("Reading the image …")
        path, digest = item.record.path, item.record.digest

        def read(_: Progress) -> tuple[Item, images.Image, bearings.Bearings]:
            found = item, images.read(path), bearings.read(path)
            lookup.content(path, digest)  # another image in its place must not stand beside these words
            return found

        self._reading.ask(read, self._read, self._failed)

    def _read(self, found: tuple[Item, images.Image, bearings.Bearings]) -> None:
        item, image, sides = found
        if item is not self.item:
            return
        self._image = image
        self.viewer.show_image(image, f"Image {item.image}", sides)
        if item.record is not None:
            self.looks.of(item.record.path)
        self.viewer.set_heatmap(None, "" if self._none else self.bars.selected())
        self.state.setText(self._none or "The heat map is being made …")
        if self._none:
            return
        network, runs = self._network, self._networks
        self._looking.ask(lambda _: (item, inference.heatmaps(network.of(*runs), image)), self._looked, self._failed)

    def _looked(self, found: tuple[Item, inference.Maps]) -> None:
        if found[0] is self.item:
            self._maps = found
            self._explain()

    def _explain(self) -> None:
        finding = self.bars.selected()
        if self._maps is None or finding not in self._maps[1].findings:
            return
        item, maps = self._maps
        self._looking.ask(lambda _: (item, finding, maps.over_image(finding), maps.seen()), self._explained, self._failed)

    def _explained(self, found: tuple[Item, str, NDArray[np.float32], Part]) -> None:
        item, finding, values, seen = found
        if item is self.item and finding == self.bars.selected():
            self.viewer.set_heatmap(values, finding, self._whose(), seen)
            self.state.setText(f"Heat map for {finding}. Choose another one in the list.")

    def _whose(self) -> str:
        """What to say of a heat map of several networks."""
        return f"mean of {len(self._networks)} networks" if len(self._networks) > 1 else ""

    def _failed(self, error: TrainerError) -> None:
        self.state.setText(f"{error.what}. {error.remedy}".strip())

    def _connect(self) -> None:
        self.before.clicked.connect(lambda: self.step(-1))
        self.after.clicked.connect(lambda: self.step(1))
        self.bars.chosen.connect(lambda _: self._explain())
        for key, step in ((QKeySequence(Qt.Key.Key_PageUp), -1), (QKeySequence(Qt.Key.Key_PageDown), 1)):
            action = QAction(self)
            action.setShortcut(key)
            action.triggered.connect(lambda _=False, step=step: self.step(step))
            self.addAction(action)

    def _lay_out(self) -> None:
        self.before.setToolTip("The image before (Page up)")
        self.after.setToolTip("The next image (Page down)")
        self.bars.setAccessibleName("Probabilities of this image")
        self.title.setWordWrap(True)
        side = QVBoxLayout()
        side.setSpacing(theme.SPACE)
        side.addWidget(self.title)
        side.addWidget(self.bars, 1)
        side.addWidget(self.state)
        row = QHBoxLayout()
        row.addWidget(self.before)
        row.addWidget(self.after)
        row.addStretch()
        close = QPushButton("Close")
        close.clicked.connect(self.accept)
        row.addWidget(close)
        side.addLayout(row)
        whole = QHBoxLayout(self)
        whole.setSpacing(2 * theme.SPACE)
        whole.addWidget(self.viewer, 3)
        whole.addLayout(side, 2)


def _plain(item: Item) -> str:
    """The words under the picture; no name of a finding is taken for markup."""
    return item.words.partition(": ")[2].replace("&", "&amp;").replace("<", "&lt;")
