"""How labels are read where a dataset leaves it open: uncertain answers, several readers, a statement of no finding."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

NOT_STATED_WORD, YES_WORD, NO_WORD = "not stated", "yes", "no"
MAJORITY, ANY, ALL = "majority", "any", "all"
FINDING, ALL_NO = "finding", "all no"

CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "uncertain": (
        (NOT_STATED_WORD, "an uncertain answer (-1) counts as not stated"),
        (YES_WORD, "an uncertain answer (-1) counts as yes"),
        (NO_WORD, "an uncertain answer (-1) counts as no"),
    ),
    "readers": (
        (MAJORITY, "several readers of an image decide by majority; an even vote is not stated"),
        (ANY, "several readers of an image: one who says yes is enough"),
        (ALL, "several readers of an image: only what all of them say is yes"),
    ),
    "no_finding": (
        (FINDING, "'No finding' is a finding of its own"),
        (ALL_NO, "'No finding' says no to every other finding, and is none itself"),
    ),
}
"""For each field of `Policies`: its values, the default first, each with what it means in words."""

UNSAID = ""
"""In place of a value: as at the last import, and the default at the first."""


@dataclass(frozen=True)
class Policies:
    """What is made of answers that are neither plain yes nor plain no; the values are those of `CHOICES`."""

    uncertain: str = NOT_STATED_WORD
    readers: str = MAJORITY
    no_finding: str = FINDING

    def after(self, last: "Policies") -> "Policies":
        """The same with those of the last import where nothing is said."""
        return Policies(**{name: value or getattr(last, name) for name, value in asdict(self).items()})

    def wrong(self) -> tuple[str, str] | None:
        """Name and value of a field that holds none of its choices."""
        for name, value in asdict(self).items():
            if value != UNSAID and value not in {choice for choice, _ in CHOICES[name]}:
                return name, value
        return None

    def in_words(self, *of: str) -> str:
        """One sentence on some of the fields (all of them if none is named), without capital and full stop."""
        chosen = [item.name for item in fields(self) if not of or item.name in of]
        return "; ".join(dict(CHOICES[name])[getattr(self, name)] for name in chosen)


NOTHING_SAID = Policies(UNSAID, UNSAID, UNSAID)
"""All as at the last import."""
