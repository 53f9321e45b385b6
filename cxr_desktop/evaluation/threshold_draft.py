"""Thresholds that are being tried out: what the model carries, what was moved, and the way back. No Qt."""

import json
from collections.abc import Mapping

from trainer.curves import Sweep, operating_point
from trainer.model_card import BY_HAND


class ThresholdDraft:
    """The thresholds of one run: `saved` ones, and those moved since. A move is a threshold and where it comes from."""

    def __init__(self, saved: Mapping[str, float]) -> None:
        self._saved = dict(saved)
        self._moved: dict[str, tuple[float, str]] = {}
        self._before: list[dict[str, tuple[float, str]]] = []
        self.is_reset = False
        """Whether it is exactly what was chosen at first."""

    @property
    def saved(self) -> Mapping[str, float]:
        """What the model carries."""
        return self._saved

    @property
    def moved(self) -> tuple[str, ...]:
        """Findings whose threshold is not the saved one."""
        return tuple(name for name in self._saved if name in self._moved)

    @property
    def can_undo(self) -> bool:
        """Whether there is a move to take back."""
        return bool(self._before)

    def value(self, finding: str) -> float:
        """The threshold now."""
        return self._moved[finding][0] if finding in self._moved else self._saved[finding]

    def values(self) -> dict[str, float]:
        """All of them now."""
        return {name: self.value(name) for name in self._saved}

    def move(self, finding: str, value: float, rule: str = BY_HAND) -> None:
        """Put a threshold somewhere else; back at the saved one it is not moved any more."""
        if value != self.value(finding):
            self._change({**self._moved, finding: (value, rule)})

    def choose(self, finding: str, rule: str, validation: Mapping[str, Sweep]) -> float:
        """Put a threshold where a rule wants it on validation, and return it; 0.5 where validation cannot say.

        Raises `ConfigError` for another rule.
        """
        value = chosen(validation[finding], rule)
        self.move(finding, value, rule)
        return value

    def reset(self, validation: Mapping[str, Sweep], rules: Mapping[str, str]) -> None:
        """All as they were chosen at first: by the rules of the run (`criteria.rules`) on validation."""
        self._change({name: (chosen(validation[name], rules[name]), rules[name]) for name in self._saved})
        self.is_reset = True

    def undo(self) -> None:
        """Take the last move back."""
        if self._before:
            self._moved, self.is_reset = self._before.pop(), False

    def discard(self) -> None:
        """Back to what is saved; can be taken back as a move."""
        if self._moved:
            self._change({})

    def rebased(self, saved: Mapping[str, float]) -> None:
        """The model carries other thresholds now; moves stay, those that are saved now are none any more."""
        self._saved = dict(saved)
        self._before = []
        self._moved = self._differing(self._moved)

    def changes(self) -> list[str]:
        """What is to be saved, as the trainer's `thresholds --set` takes it."""
        return [f"{name}={level!r}" if rule == BY_HAND else f"{name}={rule}" for name, (level, rule) in self._moved.items()]

    def to_text(self) -> str:
        """The moves, to be remembered; "" without any."""
        return json.dumps(self._moved) if self._moved else ""

    def restore(self, text: str) -> None:
        """Take up remembered moves; what does not fit is passed over."""
        try:
            stored = json.loads(text)
            moved = {str(name): (float(level), str(rule)) for name, (level, rule) in stored.items()}
        except (ValueError, TypeError, AttributeError):
            return
        self._moved = self._differing({name: one for name, one in moved.items() if 0 <= one[0] <= 1})

    def _change(self, moved: dict[str, tuple[float, str]]) -> None:
        self._before.append(self._moved)
        self._moved, self.is_reset = self._differing(moved), False

    def _differing(self, moved: Mapping[str, tuple[float, str]]) -> dict[str, tuple[float, str]]:
        return {name: one for name, one in moved.items() if name in self._saved and one[0] != self._saved[name]}


def chosen(sweep: Sweep, rule: str) -> float:
    """The threshold of a rule, as the trainer chooses it: 0.5 without images of both kinds. Raises `ConfigError`."""
    return operating_point(rule)(sweep) if sweep.positives and sweep.negatives else 0.5
