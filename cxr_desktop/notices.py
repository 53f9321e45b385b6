"""What the window tells the user: a sentence, and for an error where it happened and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from trainer.errors import TrainerError

INFORMATION, WARNING, ERROR = "information", "warning", "error"


@dataclass(frozen=True)
class Notice:
    """`kind` is information, warning or error; `details` is what a report of a fault needs (a log, a traceback).

    `choices` are buttons, each with what it does; the first is the one that is meant.
    """

    kind: str
    what: str
    where: str = ""
    remedy: str = ""
    details: str = ""
    choices: tuple[tuple[str, Callable[[], object]], ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, error: TrainerError) -> Self:
        """The notice of an error of the user's world."""
        return cls(ERROR, f"{error.what}.", error.where, error.remedy, getattr(error, "details", ""))

    def text(self) -> str:
        """Everything, as it is copied into a message to somebody who can help."""
        rows = [self.what, self.where and f"Where: {self.where}", self.remedy and f"Remedy: {self.remedy}", self.details]
        return "\n".join(row for row in rows if row)
