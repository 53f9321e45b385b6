"""What is chosen in the window is what the trainer's command line is asked for."""

from pathlib import Path

import pytest

from cxr_desktop.dataset import import_command
from trainer import arguments, cli_data
from trainer.columns import NONE, Columns
from trainer.labelling import Asked
from trainer.policies import Policies

SOURCES = [Path("/data/a b"), Path("/data/ü.png")]


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked("folders"),
        Asked("chexpert", policies=Policies("yes", "any", "all no")),
        Asked("auto", Path("/tables/my labels.csv"), Columns("--path", ("-1", "two words"), patient=NONE, reader="who")),
        Asked("vindr", None, Columns(labels=(NONE,), study="s", view="v", sex="x", age="a", source="o", part="p")),
    ],
)
def test_every_choice_arrives(asked: Asked) -> None:
    words = import_command.words(Path("/projects/x.cxr"), SOURCES, asked)
    parsed = arguments.parse([*map(str, words), "--json", "--progress"])
    assert cli_data.asked(parsed) == asked
    assert (parsed.project, parsed.sources, parsed.files_from) == (Path("/projects/x.cxr"), SOURCES, None)


def test_many_sources_stand_in_a_file() -> None:
    assert import_command.written(SOURCES) is None
    many = [Path(f"/data/folder {number}/a file with a name.png") for number in range(400)]
    listed = import_command.written(many)
    assert listed is not None
    try:
        words = import_command.words(Path("/projects/x.cxr"), many, Asked(), listed)
        assert sum(len(str(word)) for word in words) < import_command.ROOM
        parsed = arguments.parse(list(map(str, words)))
        assert [*parsed.sources, *cli_data.listed(parsed.files_from)] == many
    finally:
        listed.unlink()
