"""What the Evaluate page says where there is nothing to show: what is missing, and the button that mends it."""

from dataclasses import dataclass

from cxr_desktop.evaluation import bag_words, seal
from cxr_desktop.evaluation.evaluation_state import AS_LEARNED, Judged, Whole, levels_of, part_words
from trainer import bags
from trainer.bags import FOLDS
from trainer.errors import TrainerError, counted

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


def unreadable(error: TrainerError, *, bag: bool = False) -> Missing:
    """The run, or the bag, itself cannot be read."""
    return Missing(f"This {'bag' if bag else 'run'} cannot be read", f"{error.what}. {error.remedy}")


def of(judged: Judged) -> Missing:
    """A run, or a bag, without an evaluation on the part."""
    if judged.whole is not None and (judged.header is None or judged.whole.running):
        return _unfinished(judged.whole, running=judged.whole.running)
    if judged.header is None:
        return Missing("This run has no trained network yet", f"It is {judged.run.status().words}.", "Go to Train", TRAIN)
    if judged.problem is not None:
        again = "Open the test part again…" if judged.part == "test" else "Evaluate again"
        text = f"{judged.problem.what}. {judged.problem.remedy}"
        return Missing("The evaluation cannot be read", text, again, EVALUATE)
    if judged.part == "test":
        return _sealed(judged)
    at = f" at level {judged.level}" if judged.level else ""
    what = part_words(judged.part)
    where = f"{what[:1].lower()}{what[1:]}{at}"
    return Missing(f"Not evaluated on {where} yet", " ".join(_means(judged)), f"Evaluate on {where}", EVALUATE)


def opening(judged: Judged) -> str:
    """What is done when the test part is opened."""
    if (whole := judged.whole) is not None:
        return bag_words.opening(judged.run.name, whole.kind, len(whole.trained), whole.planned, judged.level)
    return f"The run {judged.run.name} is then evaluated on it{f', at level {judged.level}' if judged.level else ''}."


def _unfinished(whole: Whole, *, running: bool) -> Missing:
    """A bag that cannot be judged for its members."""
    words = f"{len(whole.trained)} of {counted(whole.planned, 'member')} {'is' if whole.planned == 1 else 'are'} trained."
    if running:
        return Missing("This bag is being trained", f"{words} It can be judged when that has ended.", "Go to Train", TRAIN)
    few = f"A bag is judged from {bags.FEWEST} trained members on: go on with it."
    return Missing("Too few members of this bag are trained", f"{words} {few}", "Go to Train", TRAIN)


def _sealed(judged: Judged) -> Missing:
    """The test part at a level at which this run was not judged."""
    said = f"So far: {seal.openings_words(judged.openings)}."
    others = [one for one in levels_of(judged.run, "test") if one != judged.level]
    if not others:
        return Missing("The test part is sealed", f"{seal.MEANING} {said}", "Open the test part…", EVALUATE)
    known = " and ".join("as learned" if one == AS_LEARNED else f"at level {one}" for one in others)
    words = f"It was judged {known} already. Another level is another look at the same images, and is counted as one. {said}"
    return Missing("The test part is sealed at this level", words, "Open the test part…", EVALUATE)


def _means(judged: Judged) -> list[str]:
    """What evaluating does."""
    told = ["Evaluating takes seconds to minutes, and shows figures with intervals."]
    if (whole := judged.whole) is not None:
        together = "all of them pooled" if whole.kind == FOLDS and judged.part == "test" else "their average"
        told = [f"Its {counted(len(whole.trained), 'trained member')} are evaluated one after another, and then {together}."]
        if len(whole.trained) < whole.planned:
            told.append(f"{len(whole.trained)} of {whole.planned} members are trained; the others are left out.")
    if judged.level:
        told.append(f"The findings at level {judged.level}: {', '.join(judged.levels[judged.level])}.")
    return told
