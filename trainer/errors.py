"""The user's world gone wrong, in words: what happened, where, and what to do about it.

    TrainerError
    ├── ImageError       a file that cannot be shown as a radiograph
    ├── DataError        folders, tables, labels, splits
    ├── ConfigError      a setting or its value
    ├── WeightsError     pretrained weights and checkpoints
    ├── RunError         a run that is missing, busy, incomplete
    └── StorageError     the disk: full, read-only, gone
        └── BusyError    another program is writing: it can be tried again

Anything else that is raised is a fault of ours and ends in a crash report.
"""

import difflib
import os
import shlex
import subprocess
from collections.abc import Callable, Iterable

Progress = Callable[[int, int], None]
"""Called with (done, total); it may raise `Stopped` to cancel, and then nothing half-made is left behind."""


class Stopped(Exception):  # noqa: N818 - an order from the user, not an error
    """The user asked to stop."""


class TrainerError(Exception):
    """One clear sentence for a person.

    `what` happened, `where` (a path, a row, a setting; may be empty) and the `remedy` (may be empty).
    """

    def __init__(self, what: str, *, where: object = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what.rstrip(".")
        self.where = str(where)
        self.remedy = remedy

    def __str__(self) -> str:
        """What, where and remedy on one line."""
        place = f" ({self.where})" if self.where else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return " ".join(f"{self.what}{place}.{remedy}".split())


class ImageError(TrainerError):
    """A file that cannot be shown as a radiograph."""


class DataError(TrainerError):
    """Folders, tables, labels or splits that do not fit together."""


class ConfigError(TrainerError):
    """A setting or its value."""


class WeightsError(TrainerError):
    """Pretrained weights or a checkpoint that cannot be used."""


class RunError(TrainerError):
    """A run that is missing, busy or incomplete."""


class StorageError(TrainerError):
    """The disk is full, read-only or gone."""


class BusyError(StorageError):
    """Another program is writing; the same may be tried again."""


MOST_NAMED = 24
"""Known words that a sentence lists; of the others it says how many they are."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean X?" for the nearest known word, or the list of what there is, the first of many."""
    choices = sorted(set(known))
    spelled = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(word.casefold(), spelled, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {spelled[near[0]]}?"
    more = f" and {len(choices) - MOST_NAMED} more" if len(choices) > MOST_NAMED else ""
    return f"There is: {', '.join(choices[:MOST_NAMED])}{more}." if choices else ""


def counted(number: int, one: str, many: str = "") -> str:
    """ "1 image", "2 images"; `many` where it is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def command_line(*words: object) -> str:
    """A command line of this program as it can be pasted into a terminal: words with spaces are quoted."""
    texts = ["cxr-trainer", *map(str, words)]
    return subprocess.list2cmdline(texts) if os.name == "nt" else shlex.join(texts)
