"""What a bag, or a coarser level, does not have, and why: the words of tooltips and notes."""

from cxr_desktop.evaluation.evaluation_state import Judged
from trainer.bags import FOLDS

_AS_LEARNED = "choose the level “as learned”"
_MEMBER = "open a member for that"


def thresholds(judged: Judged) -> str:
    """Why thresholds cannot be moved and saved; "" where they can."""
    if judged.whole is not None and judged.whole.kind == FOLDS:
        decided = "Each image was decided at the thresholds of the network of its fold; those shown are their mean."
        averaged = "In a cross-validation each network has thresholds of its own; those shown are their mean."
        return f"{decided if judged.whole.pooled else averaged} They cannot be moved here: {_MEMBER}."
    if judged.level:
        model = "bag" if judged.whole else "model"
        return (
            f"Thresholds of coarse findings are chosen anew on validation at each evaluation, and the {model} carries none. "
            f"To move and save thresholds, {_AS_LEARNED}."
        )
    return ""


def heat_maps(judged: Judged) -> str:
    """Why there are no heat maps; "" where there are."""
    if judged.level:
        return f"A heat map is of a finding that the network has learned, and coarser ones are not: {_AS_LEARNED}."
    if judged.whole is not None and judged.whole.pooled:
        return f"Each image was predicted by the network of its fold, and only that one can say where it looked: {_MEMBER}."
    if judged.evaluation is not None and not judged.networks:
        return "Not all members that made these predictions are there any more: evaluate the bag again."
    return ""
