"""Folders that moved, from the terminal and in the window: found again by one question, or told."""

import json
import shutil
from pathlib import Path

from .conftest import Terminal
from .window import User, Walk


def test_relocate_from_the_terminal(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("phantom", "drawn", "--images", 24, "--size", 64, "--classes", "Normal", "COVID-19").code == 0
    assert terminal("import", "lungs.cxr", "drawn").code == 0
    (tmp_path / "moved").mkdir()
    shutil.move("drawn", "moved/drawn")
    (tmp_path / "other").mkdir()
    said = terminal("show", "lungs.cxr")
    assert f"{tmp_path / 'drawn'}: its 24 images are not there." in said.out
    assert "  cxr-trainer relocate lungs.cxr NEW\n" in said.out
    said = terminal("import", "lungs.cxr", "moved/drawn")
    assert said.code == 2
    assert f"These are the images of {tmp_path / 'drawn'}, which are not at that place any more" in said.err
    assert "cxr-trainer relocate" in said.err
    for words, complaint in (
        (("nowhere",), "There is no such folder"),
        (("other",), "Only 0 of the 24 images"),
        (("moved", "--source", "drawm"), "no such source"),
        (("lungs.cxr",), "do not lie inside of the project"),
    ):
        said = terminal("relocate", "lungs.cxr", *words)
        assert (said.code, complaint in said.err, said.err.count("\n")) == (2, True, 1), said.err
    said = terminal("relocate", "lungs.cxr", "moved", "--json")
    made = json.loads(said.out)
    assert (made["missing"], made["sources"][0]["found"], made["sources"][0]["different"]) == ([], 24, [])
    assert "24 of 24 images" in made["sources"][0]["words"][0]
    shutil.move("lungs.cxr", "chest.cxr")
    assert terminal("import", "chest.cxr", "moved/drawn", "--json").code == 0
    assert terminal("relocate", "chest.cxr", "moved").code == 2


def test_the_window_asks_once(walk: Walk, world: Path) -> None:
    """The images went elsewhere: the notice finds them, and goes."""
    project = _of_its_own(world)
    new = Path(shutil.move(world / "drawn", world / "elsewhere"))

    def steps(user: User) -> None:
        notice = user.error("with 24 images is not there")
        assert "can go on with what is there" in notice.remedy
        user.says("24 of 24 images")
        user.choosing(new)
        user.click("Find it…", user.window.notices)
        user.note("24 of 24 images of ")
        user.until(lambda: not user.window.notices.cards(), "the question to go")
        user.page("Dataset")
        user.menu("Dataset", "Find moved images")
        user.note("All folders of this project are where they were.")

    walk(steps, project)


def _of_its_own(world: Path) -> Path:
    from trainer import importer

    importer.run(world / "own.cxr", [world / "drawn"])
    return world / "own.cxr"
