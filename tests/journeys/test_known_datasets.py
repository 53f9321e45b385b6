"""Known datasets in a terminal: recognised, asked for by name, open labels read as asked, masks counted, and remembered."""

import json
from pathlib import Path

from tests.trainer import folder_makers, layout_makers
from trainer.layouts import LAYOUTS

from .conftest import Terminal


def test_every_layout_is_listed(terminal: Terminal) -> None:
    said = terminal("layouts")
    assert all(one.key in said.out and one.name in said.out for one in LAYOUTS)
    assert "never tune on it" in said.out
    told = json.loads(terminal("layouts", "--json").out)["layouts"]
    assert [one["layout"] for one in told] == [one.key for one in LAYOUTS]
    assert all(one["recognised_by"] for one in told)


def test_open_labels_are_read_as_asked_and_so_again(terminal: Terminal, tmp_path: Path) -> None:
    folder = layout_makers.chexpert(tmp_path)
    plain = json.loads(terminal("import", "a", folder, "--json").out)
    words = ("--uncertain", "yes", "--no-finding", "all-no")
    asked = json.loads(terminal("import", "b", folder, *words, "--json").out)
    assert plain["findings"]["No Finding"] == 2
    assert "No Finding" not in asked["findings"]
    assert asked["findings"]["Cardiomegaly"] == plain["findings"].get("Cardiomegaly", 0) + 1
    again = json.loads(terminal("import", "b.cxr", folder, "--json").out)
    assert (again["changed"], again["findings"]) == (0, asked["findings"])
    said = terminal("show", "b.cxr").out
    assert "CheXpert" in said
    assert "counts as yes" in said
    kept = json.loads(terminal("show", "b.cxr", "--json").out)["folders"]
    assert [(one["root"], one["policies"]["uncertain"]) for one in kept] == [(str(folder), "yes")]
    other = json.loads(terminal("import", "c", folder, "--layout", "chexpert", "--patient-column", "Sex", "--json").out)
    assert other["patients"] < plain["patients"]


def test_masks_are_counted_and_kept(terminal: Terminal, tmp_path: Path) -> None:
    folder = folder_makers.covid_qu_ex(tmp_path)
    said = terminal("import", "a", folder)
    assert said.code == 0
    made = json.loads(terminal("import", "a.cxr", folder, "--json").out)
    assert made["masks"] > 0
    assert f"{made['masks']} masks kept beside their images." in said.out
    assert (made["taken"], made["changed"]) == (0, 0), "the same again changes nothing"
    shown = terminal("show", "a.cxr")
    assert "lung masks" in shown.out
    assert "lesion masks" in shown.out
    mask = next(path for path in folder.rglob("*.png") if "lung masks" in path.parts and path.name != "orphan.png")
    mask.unlink()
    assert json.loads(terminal("import", "a.cxr", folder, "--json").out)["changed"] == 1


def test_wrong_words_are_told(terminal: Terminal, tmp_path: Path) -> None:
    folder = layout_makers.chexpert(tmp_path)
    wrong = terminal("import", "a", folder, "--layout", "chexprt")
    assert (wrong.code, "Did you mean chexpert?" in wrong.err) == (2, True), wrong.err
    assert "'yess'. Did you mean yes?" in terminal("import", "a", folder, "--uncertain", "yess").err
    other = terminal("import", "a", folder, "--layout", "nih")
    assert other.code == 2
    assert "Traceback" not in other.err
    assert not (tmp_path / "a.cxr").exists()


def test_sources_from_a_list(terminal: Terminal, tmp_path: Path) -> None:
    folder = folder_makers.ozturk(tmp_path)
    images = sorted(folder.rglob("*.*"))
    (tmp_path / "list.txt").write_text("".join(f"{path}\n" for path in images[1:3]), encoding="utf-8-sig")
    made = json.loads(terminal("import", "a", images[0], "--files-from", "list.txt", "--layout", "flat", "--json").out)
    assert made["taken"] == 3
