"""Figures in words, and what they mean: the same on every part of the Evaluate page."""

import math

from cxr_desktop import glossary
from trainer import meanings
from trainer.results import Figure

NOT_DEFINED = "not defined"


def number(value: float) -> str:
    """Three decimals; in words where it is not defined."""
    return NOT_DEFINED if math.isnan(value) else f"{value:.3f}"


def interval(figure: Figure) -> str:
    """The ends of the 95 % interval; "" without one."""
    return "" if math.isnan(figure.low) else f"{figure.low:.3f} to {figure.high:.3f}"


def both(figure: Figure) -> str:
    """A figure with its interval."""
    between = interval(figure)
    return f"{number(figure.value)} ({between})" if between else number(figure.value)


def name(key: str) -> str:
    """What a figure is called on the screen."""
    return meanings.METRIC_NAMES.get(key) if key in meanings.METRICS else meanings.FIGURE_NAMES.get(key, key)


def meaning(key: str) -> str:
    """A figure in a sentence, for a tooltip."""
    words = meanings.METRICS.get(key) or meanings.FIGURES.get(key, "")
    return words[:1].upper() + words[1:] + "." if words else ""


def glossary_of(word: str) -> str:
    """The glossary's line on a word, for a tooltip; "" if it has none."""
    text = glossary.meanings().get(word, "")
    return f"{word[:1].upper()}{word[1:]}: {text}" if text else ""
