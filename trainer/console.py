"""What a terminal shows: a progress bar and notes on stderr, results on stdout."""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from trainer import errors


def note(text: str) -> None:
    """A line for the person at the terminal (stderr)."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


def say(text: str) -> None:
    """A line of the result (stdout)."""
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def emit(value: Any) -> None:  # noqa: ANN401 - whatever json takes
    """One JSON object on stdout, made of dataclasses too; a figure that is not defined becomes null."""
    sys.stdout.write(json.dumps(_finite(value), ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout; numbers are aligned to the right."""
    shown = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], (int, float)) for row in rows)
        shown.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    Console(highlight=False, markup=False).print(shown)


@contextmanager
def bar(label: str, *, shown: bool = True) -> Iterator[errors.Progress]:
    """A progress bar on stderr, if that is a terminal, and the callback that moves it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not (shown and console.is_terminal), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def figure(value: float, low: float = math.nan, high: float = math.nan) -> str:
    """A figure with its interval, in words where it is not defined."""
    if math.isnan(value):
        return "not defined"
    return f"{value:.3f}" + ("" if math.isnan(low) else f" ({low:.3f} to {high:.3f})")


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value):
        return {f.name: _finite(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value
