"""What a line chart shows, without how: series, operating points, reference lines; its extent, and what it says in words."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from cxr_desktop.widgets.chart_legend import Key
from cxr_desktop.widgets.traces import Trace, height

Range = tuple[float, float]


@dataclass(frozen=True)
class Marker:
    """An operating point; nan has no place."""

    x: float
    y: float
    colour: int
    shape: int


@dataclass(frozen=True)
class Rule:
    """A reference line across the chart, at a value of x if it is vertical, of y otherwise."""

    value: float
    vertical: bool


@dataclass
class Contents:
    """All by name, in the order of the legend."""

    traces: dict[str, Trace] = field(default_factory=dict)
    markers: dict[str, Marker] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    diagonal: str = ""
    log: bool = False
    _colours: dict[str, int] = field(default_factory=dict)

    def colour(self, name: str) -> int:
        """The colour that this name was given first, or the next that no name has."""
        if name not in self._colours:
            taken = set(self._colours.values())
            self._colours[name] = next(index for index in range(len(taken) + 1) if index not in taken)
        return self._colours[name]

    def clear(self) -> None:
        """Series, markers and rules go; the names lose their colours."""
        for things in (self.traces, self.markers, self.rules, self._colours):
            things.clear()

    def empty(self) -> bool:
        """Whether no series has a point to draw."""
        return all(trace.bounds(self.log) is None for trace in self.traces.values())

    def whole(self) -> bool:
        """Whether x counts something: all of them are whole numbers."""
        return bool(self.traces) and all(trace.whole for trace in self.traces.values())

    def extent(self) -> tuple[Range, Range]:
        """Smallest and largest x and height of everything; (0, 1) where there is nothing."""
        xs, heights = [], []
        for left, right, low, high in self._boxes():
            xs += [left, right]
            heights += [low, high]
        return _range(xs), _range(heights)

    def legend(self) -> list[Key]:
        """The legend: lines, then markers; none for a single line."""
        lines = [Key(name, trace.colour, trace.style, trace.faint) for name, trace in self.traces.items()]
        points = [Key(name, marker.colour, shape=marker.shape) for name, marker in self.markers.items()]
        return lines + points if len(lines) + len(points) > 1 else []

    def description(self, x_label: str, y_label: str) -> str:
        """One sentence for screen readers: the last value of each series, and where the markers stand."""
        said = [f"{name}: {text(trace.last())}" for name, trace in self.traces.items()]
        said += [f"{name} at {text(marker.x)}, {text(marker.y)}" for name, marker in self.markers.items()]
        return f"{y_label or 'y'} over {x_label or 'x'}. Last values: " + "; ".join(said)

    def reading(self, name: str, index: int, x_label: str, y_label: str) -> list[str]:
        """One point in words: its series, x, y, each with its unit."""
        trace = self.traces[name]
        return [name, f"{_with_unit(x_label or 'x', trace.x[index])}, {_with_unit(y_label or 'y', trace.y[index])}"]

    def _boxes(self) -> Iterator[tuple[float, float, float, float]]:
        for trace in self.traces.values():
            if box := trace.bounds(self.log):
                yield box
        for marker in self.markers.values():
            high = height(marker.y, self.log)
            if math.isfinite(marker.x) and math.isfinite(high):
                yield marker.x, marker.x, high, high
        for rule in self.rules.values():
            at = rule.value if rule.vertical else height(rule.value, self.log)
            if math.isfinite(at):
                yield (at, at, math.nan, math.nan) if rule.vertical else (math.nan, math.nan, at, at)


def text(value: float) -> str:
    """A number to read out: whole ones with thousands apart, others with four significant digits."""
    if not math.isfinite(value):
        return "not defined"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def _with_unit(label: str, value: float) -> str:
    """ "loss (nats)", 0.5 -> "loss 0.5 nats"."""
    name, _, unit = label.partition(" (")
    return f"{name} {text(float(value))} {unit.removesuffix(')')}".rstrip()


def _range(values: list[float]) -> Range:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    if high - low > 1e-12 * max(abs(low), abs(high)):
        return low, high
    room = abs(low) * 0.1 or 0.5
    return low - room, high + room
