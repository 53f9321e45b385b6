"""Every example that --help shows, typed in this order by a new user."""

import json
import shlex
from pathlib import Path

import pytest

from trainer import arguments

from .conftest import Terminal

ORDER = (
    "phantom", "layouts", "import", "show", "inspect", "split", "train", "watch", "evaluate", "thresholds", "extract",
    "predict", "explain", "report", "models", "recipes", "devices",
)  # fmt: skip


def _example(verb: str) -> list[str]:
    words = shlex.split(arguments.EXAMPLES[verb])
    assert words[:2] == ["cxr-trainer", verb]
    return words[1:]


def test_every_verb_has_help_with_an_example(terminal: Terminal) -> None:
    assert set(arguments.EXAMPLES) == set(arguments.HELP)
    for verb, example in arguments.EXAMPLES.items():
        said = terminal(verb, "--help")
        assert said.code == 0
        assert example in said.out
    assert terminal("--help").code == 0


def test_the_examples_do_the_main_job(terminal: Terminal, tmp_path: Path) -> None:
    for verb in ORDER:
        said = terminal(*_example(verb))
        assert said.code == 0, (verb, said.err)
        assert said.out.strip(), verb
        assert "Traceback" not in said.err
    assert (tmp_path / "predictions.csv").read_text().startswith("path,top_finding,")
    assert len(list((tmp_path / "maps").glob("*-COVID-19.png"))) == 40
    assert (tmp_path / "lungs.cxr" / "runs" / "first" / "report.html").stat().st_size > 10_000
    said = terminal(*_example("stop"))
    assert said.code == 2
    assert "Nothing to stop: finished" in said.err
    said = terminal(*_example("resume"))
    assert said.code == 2
    assert "finished" in said.err


@pytest.mark.parametrize("verb", ["layouts", "models", "recipes", "devices"])
def test_what_can_be_chosen_is_listed_for_programs_too(terminal: Terminal, verb: str) -> None:
    said = terminal(verb, "--json")
    listed = json.loads(said.out)[verb]
    assert listed
    assert all(one["name"] for one in listed)


def test_the_demo_does_it_all_in_one_word(terminal: Terminal, tmp_path: Path) -> None:
    said = terminal(*_example("demo"), "--images", "60", "--json")
    assert said.code == 0, said.err
    made = json.loads(said.out)
    assert {"validation_macro_f1", "test_macro_f1", "pointing_game", "seconds"} <= made.keys()
    assert Path(made["report"]).is_file()
    assert list(Path(made["heatmaps"]).glob("*.png"))
    again = terminal("demo", "demo", "--images", "60")
    assert again.code == 2
    assert "already" in again.err
