"""What the Evaluate page says where there is nothing to show: what is missing, and the button that mends it."""

from dataclasses import dataclass

from cxr_desktop.evaluation import seal
from cxr_desktop.evaluation.evaluation_state import Judged, part_words
from trainer.errors import TrainerError

TRAIN, EVALUATE = "train", "evaluate"


@dataclass(frozen=True)
class Missing:
    """A title, a sentence, the words of the button ("" for none) and what it `does`."""

    title: str
    text: str
    button: str = ""
    does: str = ""


NO_PROJECT = Missing("No project is open", "Open a project to see how well its runs do.")
NO_RUN = Missing("Nothing to judge yet", "Train a network first; then its figures stand here.", "Go to Train", TRAIN)
READING = Missing("Reading …", "The predictions are being read and sorted.")


def unreadable(error: TrainerError) -> Missing:
    """The run itself cannot be read."""
    return Missing("This run cannot be read", f"{error.what}. {error.remedy}")


def of(judged: Judged) -> Missing:
    """A run without an evaluation on the part."""
    if judged.header is None:
        return Missing("This run has no trained network yet", f"It is {judged.run.status().words}.", "Go to Train", TRAIN)
    if judged.problem is not None:
        again = "Open the test part again…" if judged.part == "test" else "Evaluate again"
        text = f"{judged.problem.what}. {judged.problem.remedy}"
        return Missing("The evaluation cannot be read", text, again, EVALUATE)
    if judged.part == "test":
        words = f"{seal.MEANING} So far: {seal.openings_words(judged.openings)}."
        return Missing("The test part is sealed", words, "Open the test part…", EVALUATE)
    what = part_words(judged.part)
    return Missing(
        f"Not evaluated on {what[:1].lower()}{what[1:]} yet",
        "Evaluating takes seconds to minutes, and shows figures with intervals.",
        f"Evaluate on {what[:1].lower()}{what[1:]}",
        EVALUATE,
    )
