"""What a new user types on the first day, and what the terminal must not get wrong then."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import cli_assist, runs
from trainer.errors import command_line

from .conftest import TINY_OPTIONS, Terminal

RUN = "lungs.cxr/runs/first"


def test_the_next_command_can_be_pasted_though_names_have_spaces(terminal: Terminal, world: Path) -> None:
    said = terminal("phantom", "my drawn", "--images", 12, "--size", 64, "--classes", "Normal", "Tuberculosis")
    assert said.out.splitlines()[-1] == f"Next: {command_line('import', 'my drawn.cxr', 'my drawn')}"
    said = terminal("import", "my drawn.cxr", "my drawn")
    assert said.out.splitlines()[-1] == f"Next: {command_line('split', 'my drawn.cxr')}"
    said = terminal("train", "my drawn.cxr")
    assert f"Make one: {command_line('split', world / 'my drawn.cxr')}" in said.err
    said = terminal("split", "my drawn.cxr", "--val", 0.3)
    assert said.out.splitlines()[-1] == f"Next: {command_line('train', 'my drawn.cxr')}"
    said = terminal("train", "lungs.cxr", *TINY_OPTIONS, "--run", "second run")
    assert said.out.splitlines()[-1] == f"Next: {command_line('evaluate', str(Path('lungs.cxr/runs/second run')))}"


@pytest.mark.parametrize("words", [("phantom", "new", "--seed", "-1"), ("split", "lungs.cxr", "--seed", "half")])
def test_a_seed_is_a_whole_number(terminal: Terminal, world: Path, words: tuple[str, ...]) -> None:
    said = terminal(*words)
    assert said.code == 2
    assert "is no seed" in said.err


def test_dots_in_a_path_name_the_folder_they_lead_to(terminal: Terminal, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world / "inner").mkdir()
    monkeypatch.chdir(world / "inner")
    said = terminal("import", "..", "../drawn")
    assert f"Next: cxr-trainer split {world}.cxr" in said.out
    shutil.rmtree(f"{world}.cxr")
    monkeypatch.chdir(world / "lungs.cxr")
    assert terminal("show", ".").out.startswith("lungs.cxr: 24 images")
    monkeypatch.chdir(world / RUN)
    assert terminal("watch", ".").out == "first finished after 1 epoch.\n"


def test_a_project_that_is_not_there_is_guessed(terminal: Terminal, world: Path) -> None:
    assert "Did you mean lungs.cxr?" in terminal("show", "lung").err


def test_a_source_that_was_moved_is_noticed_when_it_is_imported_again(terminal: Terminal, world: Path) -> None:
    (world / "drawn").rename(world / "moved")
    said = terminal("import", "lungs.cxr", "moved")
    assert said.code == 0
    assert "24 images of this source stand in another source of the project too" in said.out
    assert "another source" not in terminal("import", "new.cxr", "moved").out


def test_a_recipe_that_is_no_toml_is_named_by_its_path(terminal: Terminal, world: Path) -> None:
    (world / "mine.toml").write_text('title = "torn')
    said = terminal("train", "lungs.cxr", "--recipe", "mine.toml")
    assert said.code == 2
    assert "(mine.toml)" in said.err


def test_images_without_labels_are_not_sent_on_to_the_split(terminal: Terminal, world: Path) -> None:
    said = terminal("import", "bare.cxr", "drawn/images/Normal")
    assert said.code == 0
    assert "Next:" not in said.out
    assert "--labels" in said.out


def test_a_split_of_many_findings_is_readable(terminal: Terminal, world: Path) -> None:
    terminal("phantom", "all", "--images", 60, "--size", 64, "--several")
    terminal("import", "all.cxr", "all")
    said = terminal("split", "all.cxr", "--folds", 2)
    table = [line for line in said.out.splitlines() if not line.startswith(("Note", "Rule", "Training", "Next"))]
    assert len(table) == 2 * (1 + 2 + 7)
    assert max(map(len, table)) < 80
    assert "Training takes 2-folds-seed1-fold1 unless --split names another." in said.out
    assert "Splits:" in terminal("show", "all.cxr").out


def test_images_that_a_task_cannot_use_are_told(terminal: Terminal, world: Path) -> None:
    terminal("phantom", "all", "--images", 60, "--size", 64, "--several", "--classes", "Tuberculosis", "Cardiomegaly")
    terminal("import", "all.cxr", "all")
    terminal("split", "all.cxr", "--val", 0.3)
    said = terminal("train", "all.cxr", *TINY_OPTIONS)
    assert "show several findings and are left out: a multi-class task needs exactly one." in said.err
    assert "task.kind=multi-label" in said.err
    said = terminal("train", "all.cxr", *TINY_OPTIONS, "--set", "task.kind=multi-label")
    assert said.code == 0
    assert "left out" not in said.err


def test_each_baseline_stands_beside_what_it_is_comparable_to(terminal: Terminal, world: Path) -> None:
    said = terminal("evaluate", RUN)
    headline, alone = said.out.split("Each finding by itself")
    assert "(always " in headline
    assert "never" not in headline
    assert alone.count("(never)") == 2
    assert "The largest probability decides" in alone


def test_a_run_is_not_judged_on_what_it_learned_from_by_another_name(terminal: Terminal, world: Path) -> None:
    said = terminal("evaluate", RUN, "--on", "lungs.cxr")
    assert said.code == 2
    assert "--on test" in said.err
    terminal("import", "copy.cxr", "drawn")
    found = json.loads(terminal("evaluate", RUN, "--on", "copy", "--json").out)
    parts = runs.find(world / RUN).split()["parts"]
    assert found["images"] == len(parts["test"])
    assert found["part"] == "external: copy"
    known = len(parts["train"]) + len(parts["validation"])
    assert f"{known} images are exact copies of what the network was trained or tuned on: left out." in found["warnings"]


def test_thresholds_stay_as_they_were_chosen(terminal: Terminal, world: Path) -> None:
    chosen = json.loads(terminal("evaluate", RUN, "--thresholds", "sensitivity=1", "--json").out)
    again = json.loads(terminal("evaluate", RUN, "--json").out)
    assert [f["threshold"] for f in again["findings"].values()] == [f["threshold"] for f in chosen["findings"].values()]


def test_masks_beside_the_images_are_passed_over_as_in_the_import(terminal: Terminal, world: Path) -> None:
    found = json.loads(terminal("predict", RUN, "drawn", "--json").out)
    assert len(found["images"]) == 24
    assert not any("masks" in one["path"] for one in found["images"])


@pytest.mark.parametrize("words", [("predict", RUN, "text.png"), ("explain", RUN, "text.png", "--out", "maps")])
def test_not_one_readable_file_is_a_failure(terminal: Terminal, world: Path, words: tuple[str, ...]) -> None:
    (world / "text.png").write_text("<html>not found</html>")
    said = terminal(*words)
    assert said.code == 2
    assert said.out.count("text.png") == 1
    assert "None of 1 file could be read." in said.err
    assert json.loads(terminal(*words, "--json").out)["images"][0]["error"]


@pytest.mark.parametrize("name", ["state.pt", "last.pth"])
def test_a_file_that_is_no_checkpoint_is_told_so(terminal: Terminal, world: Path, name: str) -> None:
    (world / name).write_bytes(b"something")
    said = terminal("predict", name, "drawn/images")
    assert said.code == 2
    assert name in said.err
    assert "No run is given" not in said.err


def test_a_folder_in_the_place_of_a_file_is_named_itself(terminal: Terminal, world: Path) -> None:
    said = terminal("predict", RUN, "drawn/images", "--csv", "drawn")
    assert said.code == 2
    assert "A folder stands where a file was expected (drawn)" in said.err
    assert "--csv drawn/table.csv" in said.err.replace("\\", "/")


def test_every_setting_is_listed_with_its_limits(terminal: Terminal) -> None:
    said = terminal("recipes", "--settings")
    assert "optimiser.lr" in said.out
    assert "adamw, adam, nadam, sgd" in said.out
    found = json.loads(terminal("recipes", "--settings", "--json").out)["settings"]
    assert {"key", "default", "help", "low", "high", "choices"} <= found[0].keys()


WRONG = (
    ("train", "lungs.cxr", "--set", "optimizer.lr=1"),
    ("train", "nowhere.cxr"),
    ("evaluate", "lungs.cxr/runs/frist"),
    ("report", "nowhere.cxr"),
)


@pytest.mark.parametrize("words", WRONG, ids=lambda words: " ".join(words[:2]))
def test_a_typing_error_does_not_wait_for_torch(world: Path, words: tuple[str, ...]) -> None:
    script = "import sys; from trainer import cli; code = cli.main(sys.argv[1:]); print(code, 'torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script, *words], cwd=world, capture_output=True, text=True, check=True)
    assert said.stdout == "2 False\n"


@pytest.mark.parametrize("words", [("show", "lungs.cxr"), ("show", "lungs.cxr", "--json")], ids=["words", "json"])
def test_a_reader_that_stops_reading_is_no_fault(world: Path, words: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "trainer", *words], cwd=world, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize("words", [("show", "lungs.cxr"), ("show", "lungs.cxr", "--json")], ids=["words", "json"])
def test_a_result_that_cannot_be_written_is_told(world: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        said = subprocess.run(
            [sys.executable, "-m", "trainer", *words], cwd=world, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert said.returncode == 2
    assert "The result cannot be written" in said.stderr
    assert "Traceback" not in said.stderr


def test_watch_counts_towards_the_end_of_the_training(terminal: Terminal, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal("train", "lungs.cxr", *TINY_OPTIONS, "--set", "schedule.epochs=3", "--run", "second")
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr("trainer.console.Bar.__call__", lambda self, done, total: seen.append((done, total)))
    assert terminal("watch", "lungs.cxr/runs/second").code == 0
    assert seen[-1][0] == seen[-1][1] > 0
    assert {total for _, total in seen} == {seen[-1][1]}


def test_a_stop_while_images_are_read_is_heeded_at_once(
    terminal: Terminal, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(world / "lungs.cxr" / "cache")
    run = runs.Run(world / "lungs.cxr" / "runs" / "second")
    steps: list[int] = []

    def asked(self: runs.Run) -> bool:
        steps.append(1)
        return True

    monkeypatch.setattr(runs.Run, "stop_requested", asked)
    assert terminal("train", "lungs.cxr", *TINY_OPTIONS, "--run", "second").code == 130
    assert len(steps) == 1
    assert run.status().words == "stopped by you before it began to learn; it can be resumed"
    monkeypatch.undo()
    monkeypatch.chdir(world)
    assert terminal("resume", "lungs.cxr/runs/second").code == 0


def test_a_second_interrupt_says_what_is_lost(terminal: Terminal, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*words: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainer.loop.Training._learn", interrupted)
    assert terminal("train", "lungs.cxr", *TINY_OPTIONS, "--run", "second").code == 130
    last = runs.Run(world / "lungs.cxr" / "runs" / "second").events()[-1]
    assert last["kind"] == "stopped"
    assert "since the last checkpoint" in last["what"]


def test_the_first_interrupt_asks_and_the_second_ends() -> None:
    with cli_assist.gentle_interrupt() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
