"""What can go wrong in the user's world: one clear sentence, exit status 2, nothing lost, nothing half-written."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import TINY_OPTIONS, Said, Terminal

RUN = "lungs.cxr/runs/first"
VERBS = (
    ("import", "new.cxr", "drawn"),
    ("show", "lungs.cxr"),
    ("split", "lungs.cxr"),
    ("train", "lungs.cxr", *TINY_OPTIONS),
    ("resume", RUN),
    ("stop", RUN),
    ("watch", RUN),
    ("evaluate", RUN),
    ("predict", RUN, "drawn"),
    ("explain", RUN, "drawn", "--out", "maps"),
    ("report", RUN),
)


def _told(said: Said, *words: str) -> None:
    """One sentence on stderr, with these words in it; the demo tells its steps before."""
    assert said.code == 2, (said.code, said.out, said.err)
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert all(line.endswith(" ...") for line in lines[:-1]), said.err
    assert lines[-1].startswith("cxr-trainer")
    for word in words:
        assert word.casefold() in lines[-1].casefold(), lines[-1]


def _content(folder: Path) -> dict[str, str]:
    """What must not change: everything but caches, locks and SQLite's own side files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and "cache" not in path.parts
        and path.name not in ("lock", "catalog.sqlite-wal", "catalog.sqlite-shm")
    }


def _nothing_half(folder: Path) -> None:
    assert [path for path in folder.rglob("*") if path.name.endswith(".tmp")] == []


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_a_project_or_run_that_does_not_exist(terminal: Terminal, world: Path, words: tuple[str, ...]) -> None:
    if words[0] == "import":
        _told(terminal("import", "new.cxr", "drwan"), "drwan")
        assert not (world / "new.cxr").exists()
        return
    shutil.rmtree(world / "lungs.cxr")
    said = terminal(*words)
    _told(said, "lungs.cxr")
    assert not (world / "lungs.cxr").exists()


@pytest.mark.parametrize("verb", ["resume", "stop", "watch", "evaluate", "report"])
def test_a_run_with_a_typing_error_gets_the_nearest_name(terminal: Terminal, world: Path, verb: str) -> None:
    before = _content(world)
    _told(terminal(verb, "lungs.cxr/runs/frist"), "no such run", "Did you mean first?")
    assert _content(world) == before


@pytest.mark.parametrize(
    "words",
    [
        ("show", "empty"),
        ("split", "empty"),
        ("train", "empty", *TINY_OPTIONS),
        ("evaluate", "empty"),
        ("report", "empty"),
        ("resume", "empty"),
        ("watch", "empty"),
        ("stop", "empty"),
        ("import", "new.cxr", "empty"),
        ("predict", RUN, "empty"),
        ("explain", RUN, "empty", "--out", "maps"),
    ],
    ids=lambda words: words[0],
)
def test_an_empty_folder(terminal: Terminal, world: Path, words: tuple[str, ...]) -> None:
    (world / "empty").mkdir()
    before = _content(world)
    _told(terminal(*words), "empty")
    assert _content(world) == before
    assert not (world / "maps").exists()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("train", "lungs.cxr", "--set", "optimizer.lr=1"), "Did you mean optimiser.lr?"),
        (("train", "lungs.cxr", "--set", "optimiser.lr=fast"), "takes a number"),
        (("train", "lungs.cxr", "--set", "schedule.epochs=0"), "Choose between 1 and 10000"),
        (("train", "lungs.cxr", "--set", "optimiser.lr"), "key=value"),
        (("train", "lungs.cxr", "--set", "model.backbone=resnet81"), "Did you mean resnet18?"),
        (("train", "lungs.cxr", "--recipe", "quik"), "Did you mean quick?"),
        (("train", "lungs.cxr", "--device", "cuda:99"), "no device"),
        (("train", "lungs.cxr", *TINY_OPTIONS, "--split", "mine"), "mine"),
        (("train", "lungs.cxr", *TINY_OPTIONS, "--run", "first"), "already"),
        (("train", "lungs.cxr", *TINY_OPTIONS, "--run", "../x"), "cannot be the name"),
        (("train", "lungs.cxr", *TINY_OPTIONS, "--set", "model.weights=nowhere.pth"), "nowhere.pth"),
        (("train", "lungs.cxr", *TINY_OPTIONS, "--set", "task.findings=Normal,Tubercolosis"), "Did you mean Tuberculosis?"),
        (("train", "lungs.cxr", *TINY_OPTIONS, "--set", "compute.precision=fp16"), "cannot compute in fp16"),
        (("split", "lungs.cxr", "--test", "1.5"), "is no share"),
        (("split", "lungs.cxr", "--test", "0.6", "--val", "0.6"), ""),
        (("split", "lungs.cxr", "--folds", "1000"), ""),
        (("phantom", "new", "--classes", "Normall"), "Did you mean Normal?"),
        (("phantom", "new", "--fault", "inverte"), "Did you mean inverted?"),
        (("phantom", "new", "--images", "-3"), "is no count"),
        (("phantom", "new", "--images", "0"), "images"),
        (("phantom", "new", "--size", "8"), "size"),
        (("phantom", "drawn"), "drawn"),
        (("evaluate", RUN, "--on", "tset"), "Did you mean test?"),
        (("evaluate", RUN, "--thresholds", "optimum"), "youden"),
        (("explain", RUN, "drawn", "--out", "maps", "--finding", "Tubercolosis"), "Did you mean Tuberculosis?"),
        (("predict", "drawn/images"), "No run is given"),
        (("predict", RUN), "nothing to predict"),
        (("predict", RUN, "nowhere.png"), "nowhere.png"),
        (("import", "new.cxr", "drawn", "--labels", "nowhere.csv"), "nowhere.csv"),
        (("import", "new.cxr", "drawn", "--labels", "drawn/manifest.csv", "--label-column", "lables"), "Did you mean labels?"),
        (("trian", "lungs.cxr"), "Did you mean train?"),
        (("train",), "PROJECT"),
        ((), "VERB"),
    ],
    ids=lambda value: " ".join(value[:1] + value[-2:]) if isinstance(value, tuple) else "",
)
def test_a_wrong_word(terminal: Terminal, world: Path, words: tuple[str, ...], answer: str) -> None:
    before = _content(world)
    _told(terminal(*words), answer)
    after = _content(world)
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert {name for name in set(after) - set(before) if "/runs/" not in name} == set()
    assert not (world / "new").exists()
    _nothing_half(world)


def test_one_class_only_is_imported_but_not_trained(terminal: Terminal, world: Path) -> None:
    assert terminal("import", "one.cxr", "drawn/images/Normal").code == 0
    said = terminal("split", "one.cxr")
    if said.code == 0:
        said = terminal("train", "one.cxr", *TINY_OPTIONS)
    _told(said)
    assert not (world / "one.cxr" / "runs").exists()


def test_an_unreadable_file_among_good_ones_is_told_and_the_others_are_taken(terminal: Terminal, world: Path) -> None:
    (world / "drawn/images/Normal/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    (world / "drawn/images/Normal/text.jpg").write_text("<html>not found</html>")
    shutil.rmtree(world / "drawn/masks")
    (world / "drawn/manifest.csv").unlink()
    found = json.loads(terminal("import", "new.cxr", "drawn/images", "--json").out)
    assert found["taken"] == 24
    assert {Path(one["path"]).name for one in found["refused"]} == {"broken.png", "text.jpg"}
    assert all(one["why"] for one in found["refused"])
    found = json.loads(terminal("predict", RUN, "drawn/images/Normal", "--json").out)
    assert sum("error" in one for one in found["images"]) == 2
    made = json.loads(terminal("explain", RUN, "drawn/images/Normal", "--out", "maps", "--json").out)
    assert sum("error" in one for one in made["images"]) == 2


def test_an_image_that_broke_after_its_import_is_left_out_and_told(terminal: Terminal, world: Path) -> None:
    for path in list((world / "drawn/images/Normal").iterdir())[:1]:
        path.write_bytes(b"torn")
    shutil.rmtree(world / "lungs.cxr" / "cache")
    said = terminal("train", "lungs.cxr", *TINY_OPTIONS, "--run", "second")
    assert said.code == 0, said.err


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_a_damaged_catalog_or_run(terminal: Terminal, world: Path, words: tuple[str, ...]) -> None:
    if words[0] == "import":
        (world / "new.cxr").mkdir()
        (world / "new.cxr" / "catalog.sqlite").write_bytes(b"no database" * 100)
    else:
        (world / "lungs.cxr" / "catalog.sqlite").write_bytes(b"no database" * 100)
        (world / RUN / "best.safetensors").write_bytes(b"no weights")
    said = terminal(*words)
    if words[0] == "watch":  # reads the history only, which is whole
        assert said.code == 0
        return
    _told(said)
    _nothing_half(world)


WRITING = (
    ("phantom", "{disk}/new", "--images", "200", "--size", "256"),
    ("import", "{disk}/new.cxr", "drawn"),
    ("predict", RUN, "drawn", "--csv", "{disk}/a/b.csv"),
    ("explain", RUN, "drawn", "--out", "{disk}/maps"),
    ("report", RUN, "--out", "{disk}/report.html"),
    ("demo", "{disk}/demo", "--images", "60"),
)


@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0])
def test_a_full_disk(terminal: Terminal, world: Path, small_disk: Path, words: tuple[str, ...]) -> None:
    _fill(small_disk / "filler")
    size = (small_disk / "filler").stat().st_size
    said = terminal(*(word.format(disk=small_disk) for word in words))
    _told(said, "disk is full")
    assert (small_disk / "filler").stat().st_size == size
    _nothing_half(small_disk)
    assert not (small_disk / "new").exists()
    assert not (small_disk / "report.html").exists()


def test_a_disk_that_fills_up_while_training_loses_nothing(terminal: Terminal, world: Path, small_disk: Path) -> None:
    shutil.copytree(world / "lungs.cxr", small_disk / "lungs.cxr", ignore=shutil.ignore_patterns("cache", "first"))
    _fill(small_disk / "filler")
    said = terminal("train", small_disk / "lungs.cxr", *TINY_OPTIONS, "--run", "second")
    _told(said, "disk is full")
    _nothing_half(small_disk)
    (small_disk / "filler").unlink()
    assert terminal("show", small_disk / "lungs.cxr").code == 0


def _fill(path: Path) -> None:
    """Leave no room on the disk that `path` is on."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0])
def test_a_read_only_folder(terminal: Terminal, world: Path, read_only: Callable[[Path], None], words: tuple[str, ...]) -> None:
    (world / "locked").mkdir()
    read_only(world / "locked")
    _told(terminal(*(word.format(disk=world / "locked") for word in words)), "locked")
    assert list((world / "locked").iterdir()) == []


@pytest.mark.parametrize(
    "words", [v for v in VERBS if v[0] in ("split", "train", "resume", "evaluate", "report")], ids=lambda w: w[0]
)
def test_a_read_only_project(
    terminal: Terminal, world: Path, read_only: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    shutil.rmtree(world / "lungs.cxr" / "cache")
    before = _content(world / "lungs.cxr")
    read_only(world / "lungs.cxr")
    _told(terminal(*words))
    assert _content(world / "lungs.cxr") == before


def test_a_read_only_project_can_be_looked_at(terminal: Terminal, world: Path, read_only: Callable[[Path], None]) -> None:
    read_only(world / "lungs.cxr")
    assert terminal("show", "lungs.cxr").code == 0
    assert terminal("watch", RUN).code == 0
    assert terminal("predict", RUN, "drawn/images").code == 0
