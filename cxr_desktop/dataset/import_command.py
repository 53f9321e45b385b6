"""An import as words for the trainer's command line."""

import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from trainer.arguments import policy_words
from trainer.columns import Columns
from trainer.labelling import Asked

ROOM = 8_000
"""Characters of sources that stand in the command itself; Windows takes 32,000 for the whole of it."""


def words(
    project: Path, sources: Sequence[Path], asked: Asked, listed: Path | None = None, *, resaved: bool = False
) -> list[str | Path]:
    """`import PROJECT SOURCE...` with what was asked for; `listed` is a file that names the sources after the first.

    `resaved`: files with another content are the same radiographs.
    """
    here = sources[:1] if listed else sources
    told: list[str | Path] = ["import", project, *here]
    told += [f"--layout={asked.layout}"] if asked.layout else []
    # With "=", since the name of a column may begin with a dash.
    told += [f"--labels={asked.table}"] if asked.table else []
    told += [f"--label-column={name}" for name in asked.columns.labels]
    for item in fields(Columns):
        if item.name != "labels" and (name := getattr(asked.columns, item.name)):
            told.append(f"--{item.name}-column={name}")
    told += [f"--files-from={listed}"] if listed else []
    told += ["--resaved"] if resaved else []
    return [*told, *policy_words(asked.policies)]


def written(sources: Sequence[Path]) -> Path | None:
    """A temporary file with the sources after the first, if they are too many for a command; whoever asked deletes it."""
    if sum(len(str(source)) + 3 for source in sources) < ROOM:
        return None
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", errors="surrogateescape", prefix="cxr-sources-", suffix=".txt", delete=False
    ) as file:
        file.writelines(f"{source}\n" for source in sources[1:])
    return Path(file.name)
