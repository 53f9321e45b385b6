"""What a terminal shows: a progress bar and notes on stderr, results on stdout."""

import io
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from trainer import errors

UNBROKEN = 10_000
"""Width of a table that no terminal shows."""
_WRITTEN_OUT = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


class _Console(Console):
    """A console that outlives its reader: rich would end the process, and a training with it."""

    def on_broken_pipe(self) -> None:
        """Notes that nobody reads are dropped; a result that nobody reads ends the command, as in any pipe."""
        if not self.stderr:
            raise BrokenPipeError
        self.quiet = True
        _discard(sys.stderr)


@cache
def _stderr() -> Console:
    """One console for the bar and the notes, so that a note is written above the bar and not into it."""
    return _Console(stderr=True, highlight=False)


def note(text: str) -> None:
    """A line for the person at the terminal (stderr); a terminal breaks it between words."""
    console = _stderr()
    console.print(visible(text), markup=False, soft_wrap=not console.is_terminal)


def visible(text: str) -> str:
    """Text with its control signs written out, but for line ends: a name from somebody's file must not steer the terminal.

    What of a file's name is not UTF-8 is written out too, as no stream takes it.
    """
    return text.translate(_WRITTEN_OUT).encode("utf-8", "backslashreplace").decode()


def say(text: str, *, wrapped: bool = True, indent: int = 0) -> None:
    """A line of the result (stdout); a terminal breaks it between words unless it is meant to be copied."""
    with _written():
        console = _Console(highlight=False)
        if not (wrapped and console.is_terminal):
            console.print(" " * indent + visible(text), markup=False, soft_wrap=True)
        else:
            console.print(Padding(Text(visible(text)), (0, 0, 0, indent)))


def next_step(*words: object) -> None:
    """The command that usually comes next, as it can be pasted into a terminal."""
    say(f"Next: {errors.command_line(*words)}", wrapped=False)


def emit(value: Any) -> None:  # noqa: ANN401 - whatever json takes
    """One JSON object on stdout, made of dataclasses too; a figure that is not defined becomes null."""
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False) + "\n"
    text = text.encode("utf-8", "backslashreplace").decode()  # a name that is not UTF-8 as JSON writes it: \udcf6
    with _written():
        if sys.stdout:  # None where the caller has closed it
            sys.stdout.write(text)
            sys.stdout.flush()


def emit_bytes(content: bytes) -> None:
    """The content of a file on stdout, as it is, for another program."""
    with _written():
        if sys.stdout:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()


@contextmanager
def _written() -> Iterator[None]:
    """Put into words what stops the writing of a result. Raises `StorageError`, `BrokenPipeError`."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard(sys.stdout)
        raise errors.StorageError(
            f"The result cannot be written: {error.strerror or error}", remedy="Send the output to another place."
        ) from error


def _discard(stream: TextIO) -> None:
    """Let what is still to be written to a broken stream vanish, or Python complains of it when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout; numbers are aligned to the right. In a file or pipe each row stays on one line."""
    shown = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], (int, float)) for row in rows)
        shown.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(visible(str(cell)).replace("\n", "\\n") for cell in row))
    with _written():
        console = _Console(highlight=False, markup=False)
        if console.is_terminal:
            console.print(shown)
            return
        wide = _Console(highlight=False, markup=False, width=UNBROKEN, file=io.StringIO())
        with wide.capture() as text:
            wide.print(shown)
        for line in text.get().splitlines():
            console.print(line.rstrip(), soft_wrap=True)


class Bar:
    """A progress bar, moved by being called with (done, total)."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=None)
        self._label = label
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Move it, twenty times a second at most: that takes longer than to look at a small file."""
        now = time.monotonic()
        if now >= self._next or done == total:
            self._next = now + 0.05
            self._progress.update(self._task, completed=done, total=total)

    def label(self, label: str) -> None:
        """Begin anew under another name: time and speed are those of what is named."""
        if label != self._label:
            self._label = label
            self._progress.reset(self._task, description=label, total=None)


class Lines:
    """Progress for another program: one JSON object a line on stderr, {"progress": [done, total], "label": ...}."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Say how far it is, ten times a second at most."""
        now = time.monotonic()
        if sys.stderr and (now >= self._next or done == total):
            self._next = now + 0.1
            line = json.dumps({"progress": [done, total], "label": self._label})
            with suppress(OSError, ValueError):  # nobody listens any more
                sys.stderr.write(line + "\n")
                sys.stderr.flush()

    def label(self, label: str) -> None:
        """Begin anew under another name."""
        self._label = label


@contextmanager
def bar(label: str, *, shown: bool = True, lines: bool = False) -> Iterator[Bar | Lines]:
    """A progress bar on stderr, if that is a terminal, or `lines` for a program; and the callback that moves it."""
    if lines:
        yield Lines(label)
        return
    console = _stderr()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    shown = shown and console.is_terminal
    with Progress(*columns, console=console, disable=not shown, transient=True, redirect_stdout=False) as progress:
        yield Bar(progress, label)


def near(path: Path) -> str:
    """A path as short as it can be typed here: relative where it lies below the current folder."""
    whole, here = path.absolute(), Path.cwd()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)


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
