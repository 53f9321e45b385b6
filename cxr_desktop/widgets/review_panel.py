"""What is known of the image on screen: probabilities, what to beware of, what project and file say of it, and the model."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from cxr_desktop import theme
from cxr_desktop.inference import MEAN, Ensemble
from cxr_desktop.widgets.probability_bars import ProbabilityBars
from trainer import suitability, verdicts
from trainer.appearance import Pixels
from trainer.errors import TrainerError
from trainer.headers import Facts
from trainer.offers import Offer
from trainer.verdicts import FilePrediction

UNKNOWN = "It is not known how good it is."
NOT_FOR_DIAGNOSIS = "For teaching and research, not for diagnosis."
NO_MODEL = "No model chosen: images are only shown."
PREDICTING = "Predicting…"


class ReviewPanel(QScrollArea):
    """Scrolls where there is more than fits. `bars.chosen` tells which finding was asked for."""

    member_chosen = Signal(int)
    """Whose heat map is wanted: the place of a network, or `inference.MEAN`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("About the image on screen")
        self.bars = ProbabilityBars()
        self.whose = QComboBox()
        self.whose.setAccessibleName("Heat map of")
        self.whose.setToolTip("Whose heat map is shown: the mean of all networks, or that of one of them.")
        self.whose.activated.connect(self._choose_member)
        self.whose.hide()
        self.verdict = _text()
        self.stated = _text()
        self.cautions = _text("warning")
        self.refusal = _text("error")
        self.facts = _text("muted")
        self.model = _text()
        self._sections: list[QWidget] = []
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setSpacing(theme.SPACE // 2)
        for title, parts in (
            ("Probabilities", (self.bars, self.whose, self.verdict)),
            ("Not readable", (self.refusal,)),
            ("Beware", (self.cautions,)),
            ("Stated in the project", (self.stated,)),
            ("Model", (self.model,)),
            ("File", (self.facts,)),
        ):
            self._add(title, parts)
        self._column.addStretch()
        self._column.addWidget(theme.muted(NOT_FOR_DIAGNOSIS))
        self.setWidget(inside)
        self.show_nothing()

    def _add(self, title: str, parts: Sequence[QWidget]) -> None:
        """A group that is hidden as a whole while it has nothing to say."""
        section = QWidget()
        column = QVBoxLayout(section)
        column.setContentsMargins(0, 0, 0, theme.SPACE)
        column.setSpacing(theme.SPACE // 2)
        column.addWidget(theme.heading(title, level=2))
        for part in parts:
            column.addWidget(part)
        self._sections.append(section)
        self._column.addWidget(section)

    def show_nothing(self) -> None:
        """No image is on screen."""
        self.bars.hide()
        for label in (self.verdict, self.refusal, self.cautions, self.stated, self.facts):
            self._say(label, "")

    def offer_members(self, names: Sequence[str]) -> None:
        """The networks whose heat maps there are; fewer than two offer no choice."""
        self.whose.clear()
        self.whose.addItem(f"Heat map: mean of {len(names)} networks", MEAN)
        for place, name in enumerate(names):
            self.whose.addItem(f"Heat map: {name}", place)
        self.whose.setVisible(len(names) > 1)

    def _choose_member(self) -> None:
        self.member_chosen.emit(int(self.whose.currentData()))

    def show_model(self, ensemble: Ensemble | None, known: Sequence[Offer]) -> None:
        """What predicts; `known` is what is known of its members."""
        self._say(self.model, NO_MODEL if ensemble is None else model_words(ensemble, known))

    def show_facts(self, facts: Facts, pixels: Pixels | None = None, learned: str = "") -> None:
        """What the file says of itself, and what speaks against it or its pixels; `learned`: the views that the model knows."""
        self._say(self.refusal, "")
        self._say(self.cautions, "\n".join(suitability.remarks(facts, learned, pixels)))
        self._say(self.facts, "\n".join(f"{name}: {value}" for name, value in fact_rows(facts).items()))

    def show_refusal(self, error: TrainerError) -> None:
        """The file cannot be read: why, and what to do."""
        self.show_nothing()
        self._say(self.refusal, f"{error.what}.\n{error.remedy}".strip())

    def show_waiting(self, *, model: bool) -> None:
        """The image is there, its probabilities are not yet, or never will be."""
        self.bars.hide()
        self._say(self.verdict, PREDICTING if model else "")

    def show_answer(self, said: FilePrediction, ensemble: Ensemble, selected: str) -> None:
        """Probabilities, thresholds, spread, and what follows from them in words."""
        several = len(ensemble.members) > 1
        self.bars.set_values(
            ensemble.findings, said.probabilities, ensemble.thresholds, said.spread if several else None, selected
        )
        self.bars.setMinimumHeight(self.bars.sizeHint().height() + self.fontMetrics().height())
        self.bars.show()
        self._say(self.verdict, verdict_words(said, ensemble))

    def show_stated(self, words: str) -> None:
        """What the open project says of this image; "" if it does not know it."""
        self._say(self.stated, words)

    def _say(self, label: QLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text))
        section = label.parentWidget()
        if section is not None:
            section.setVisible(bool(text) or (label is self.verdict and not self.bars.isHidden()))


def _text(role: str = "") -> QLabel:
    label = theme.muted()
    theme.restyled(label, role)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def verdict_words(said: FilePrediction, ensemble: Ensemble) -> str:
    """What the probabilities come to, in words."""
    decided = verdicts.above(ensemble.findings, said.probabilities, ensemble.thresholds)
    above = [name for name, yes in decided.items() if yes]
    lines = []
    if ensemble.task == "multi-class":
        top = ensemble.findings[int(said.probabilities.argmax())]
        lines.append(f"Most probable: {top}. The model knows no other answers, and its probabilities add up to 1.")
    if not ensemble.thresholds:
        lines.append("No thresholds have been chosen yet: evaluate the run on validation.")
    elif above:
        lines.append(f"Above {'its' if len(above) == 1 else 'their'} threshold: {', '.join(above)}.")
    else:
        lines.append("No finding is above its threshold.")
    if len(ensemble.members) > 1:
        lines.append(f"Mean of {len(ensemble.members)} networks; ± is their standard deviation. {ensemble.deciding.words}")
    return "\n".join(lines)


def model_words(ensemble: Ensemble, known: Sequence[Offer]) -> str:
    """What predicts, what it was trained for, and how good it was; a bag by itself, then its members."""
    one_by_one = len(known) == len(ensemble.origins)
    figures = [offer.figure or UNKNOWN for offer in known] if one_by_one else [UNKNOWN] * len(ensemble.origins)
    lines = []
    for bag in [offer for offer in known if offer.networks > 1]:
        lines += [f"{bag.name}:", bag.figure or UNKNOWN]
        figures = [""] * len(ensemble.origins)
    for name, one, figure in zip(ensemble.names, ensemble.origins, figures, strict=True):
        recipe = f", recipe {one.recipe}" if one.recipe else ""
        lines.append(f"{name}: {one.backbone}, {one.size} px{recipe}")
        lines += [figure] if figure else []
    lines.append(f"Trained for {', '.join(ensemble.findings)}, {ensemble.task}.")
    return "\n".join(lines)


def fact_rows(facts: Facts) -> dict[str, str]:
    """What the file says, without what would tell who the patient is."""
    rows = {
        "Format": facts.format,
        "Size": f"{facts.width} × {facts.height} px, {facts.bits} bits",
        "Stored values": f"{facts.stored_min:g} to {facts.stored_max:g}, {facts.photometric}",
        "View": " ".join(part for part in (facts.view, facts.laterality) if part),
        "Body part": facts.body_part.capitalize(),
        "Device": " ".join(part for part in (facts.modality, facts.manufacturer, facts.model) if part),
        "Pixel": f"{facts.spacing[0]:.3g} mm" if facts.spacing else "",
        "To grey": "; ".join(facts.steps),
    }
    return {name: value for name, value in rows.items() if value}
