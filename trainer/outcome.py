"""Where a training stands while it runs, and how it ended."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a training ended. `status` is finished or stopped; `best_metric` is nan before the first epoch is validated."""

    run: Path
    status: str
    epochs: int
    best_epoch: int
    best_metric: float
    metric: str
    seconds: float
    images_per_second: float
    device: str
    precision: str

    def to_json(self) -> dict[str, Any]:
        """Values for json; the run as text."""
        return {**asdict(self), "run": str(self.run), "best_metric": number(self.best_metric)}


@dataclass
class Position:
    """Where a training stands: `epoch` and `batch` count what is done; sums are those of the epoch under way.

    `seconds` are those of steps and validation, `prepared` those of what was computed once before them.
    """

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    loss_weight: float = 0.0
    seconds: float = 0.0
    prepared: float = 0.0
    shown: int = 0
    best_epoch: int = 0
    best: tuple[float, float] | None = None
    best_metric: float = math.nan


def number(value: float) -> float | None:
    """A figure for json, which knows no nan: None."""
    return float(value) if math.isfinite(value) else None
