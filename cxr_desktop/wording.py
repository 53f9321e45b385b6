"""The trainer speaks to people at a terminal too; in the window its options are called what the controls are called."""

import re
from collections.abc import Callable

from trainer import config
from trainer.meanings import METRIC_NAMES

_LABELS = {item.key: item.label for item in config.settings()}
_KEY = "|".join(re.escape(key) for key in sorted(_LABELS, key=len, reverse=True))
_DOTTED = "|".join(re.escape(key) for key in _LABELS if "." in key)
_NAMED = "|".join(config.OF_ONE_FINDING)


def _chosen(found: re.Match[str]) -> str:
    return f"{_LABELS[found[1]]}: {METRIC_NAMES.get(found[2], found[2])}"


def _columns(found: re.Match[str]) -> str:
    names = " or ".join(f"'{name}'" for name in found[1].split(" or --label-column "))
    return f"{names} can be chosen under Findings instead"


_WORDS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"--label-column (.+) takes another"), _columns),
    (re.compile(r"name those that are findings with --label-column"), "choose those that are findings"),
    (re.compile(r"Name (it|the right column) with --path-column"), r"Choose \1 under Image file"),
    (
        re.compile(r"Name it with --labels, or choose --layout folders"),
        "Choose another table, or another way to read it under Read as",
    ),
    (re.compile(r"or --layout auto"), "or 'Found by itself' under Read as"),
    (re.compile(r"Name it with --labels"), "Choose it under Table"),
    (re.compile(r"or name it with --labels"), "or choose it under Table"),
    (re.compile(r"If this is right: --layout auto"), "If this is right, choose 'Found by itself' under Read as"),
    (re.compile(r"--labels takes one"), "one can be chosen under Table"),
    (re.compile(r"--labels takes it all the same"), "it can be chosen under Table all the same"),
    (re.compile(r"--labels takes another: "), "others can be chosen under Table: "),
    (re.compile(r"and the table with --labels"), "and choose the table after that"),
    (re.compile(r"Ask for shares to split anew: --test [\d.]+ --val \d\.\d+"), "Choose 'Divide anew'"),
    (re.compile(r"ask for shares: --test [\d.]+ --val \d\.\d+"), "choose 'Divide anew'"),
    (re.compile(r"; to go on with these alone: .* --partial"), "."),
    (re.compile(r": \S*cxr-trainer relocate .*$"), ": choose 'Find moved images' in the menu Dataset"),
    (re.compile(r"name a table or a layout to change that"), "choose something else under Read as to change that"),
    (re.compile(r"import with --resaved:"), "say so below:"),
    # Settings, which the window calls by their labels.
    (re.compile(rf"For example: --set '(?:{_KEY})=([^']*)'"), r"For example: \1"),
    (re.compile(rf"For example: (?:{_KEY})=(\S+)"), r"For example: \1"),
    (re.compile(rf"--set ({_KEY})=([\w-]+)"), _chosen),
    (re.compile(rf"^({_KEY})(?= = | takes )"), lambda found: _LABELS[found[1]]),
    (re.compile(rf"(?<![\w.])({_DOTTED})(?!\w|\.\w)"), lambda found: f"'{_LABELS[found[1]]}'"),
    (re.compile(rf"(?<!\w)({_NAMED})(?!\w)"), lambda found: f"'{METRIC_NAMES[found[1]]}'"),
)


def in_window(text: str) -> str:
    """A sentence of the trainer without the options of its command line, and with settings by their labels."""
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    return text
