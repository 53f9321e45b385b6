"""The run folder: one history, read while it is written, torn and gone on with."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trainer import runs
from trainer.errors import DataError, RunError


@pytest.fixture
def run(tmp_path: Path) -> runs.Run:
    return runs.create(tmp_path / "p.cxr", "first", {"recipe": "quick"}, {"parts": {"train": [1]}})


def test_a_run_is_made_and_read(run: runs.Run) -> None:
    assert run.about() == {"recipe": "quick"}
    assert run.split()["parts"] == {"train": [1]}
    assert run.project.name == "p.cxr"
    assert run.predictions("validation").name == "predictions-val.npz"
    assert run.evaluation("test").name == "evaluation-test.json"


def test_a_name_is_made_where_none_is_given(tmp_path: Path) -> None:
    assert runs.create(tmp_path, "", {"recipe": "quick"}, {"parts": {}}).name.endswith("-quick")


def test_two_runs_of_the_same_second_get_names_of_their_own(tmp_path: Path) -> None:
    names = {runs.create(tmp_path, "", {"recipe": "quick"}, {"parts": {}}).name for _ in range(5)}
    assert len(names) == 5


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b", "a:b", "a*", "a\\b", "nul", "end.", " a", "x" * 121, "肺" * 100])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="cannot be the name"):
        runs.create(tmp_path, name, {}, {})
    assert not (tmp_path / "runs").exists()


def test_a_run_is_renamed_with_all_it_has(run: runs.Run) -> None:
    runs.record_opening(run.project, "first", "d1")
    run.append("finished", epochs=1)
    moved = runs.rename(run, "Second try")
    assert moved.name == "Second try"
    assert not run.folder.exists()
    assert moved.status().state == "finished"
    assert runs.openings(run.project, "d1") == 1
    said = [json.loads(line) for line in (run.project / runs.OPENINGS).read_text().splitlines()]
    assert [(line["run"], line.get("renamed_from")) for line in said] == [("first", None), ("Second try", "first")]
    assert runs.record_opening(run.project, moved.name, "d1") == 2


def test_renaming_without_openings_makes_no_record_of_them(run: runs.Run) -> None:
    assert runs.rename(run, "first") == run
    moved = runs.rename(run, "First")  # where capitals do not count, this is the same folder
    assert [one.name for one in runs.every(run.project)] == ["First"]
    assert not (moved.project / runs.OPENINGS).exists()


@pytest.mark.parametrize(("name", "words"), [("", "cannot be"), ("a/b", "cannot be"), ("second", "already")])
def test_a_name_that_cannot_be_or_is_taken_is_refused(run: runs.Run, name: str, words: str) -> None:
    runs.create(run.project, "second", {}, {})
    with pytest.raises(RunError, match=words):
        runs.rename(run, name)
    assert run.about() == {"recipe": "quick"}


def test_a_run_that_is_worked_on_is_not_renamed(run: runs.Run) -> None:
    with run.locked(), pytest.raises(RunError, match="while a process works on it"):
        runs.rename(run, "second")
    assert runs.rename(run, "second").name == "second"


def test_a_second_run_of_the_same_name_is_refused(run: runs.Run) -> None:
    with pytest.raises(RunError, match="already"):
        runs.create(run.project, "first", {}, {})


def test_events_are_appended_and_tailed(run: runs.Run) -> None:
    run.append("started", step=0)
    run.append("note", text="ü")
    first, second = run.events()
    assert (first["kind"], second["text"]) == ("started", "ü")
    assert first["time"] <= second["time"]
    run.append("finished", epochs=1)
    assert [event["kind"] for event in run.tail(second["offset"])] == ["finished"]


def test_a_torn_line_is_left_out_and_the_next_is_whole(run: runs.Run) -> None:
    run.append("started", step=0)
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(b'{"time": 1, "kind": "ba')
    assert [event["kind"] for event in run.events()] == ["started"]
    run.append("note", text="after")
    assert [event["kind"] for event in run.events()] == ["started", "note"]


def test_milestones_leave_out_all_batches_but_the_last(run: runs.Run) -> None:
    assert run.milestones() == []
    run.append("started", step=0)
    for step in (1, 2, 3):
        run.append("batch", step=step, epoch=1)
    run.append("note", text='a note on "kind": "batch"')
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(b'{"time": 1, "kind": "batch", "st')
    kinds = [(event["kind"], event.get("step")) for event in run.milestones()]
    assert kinds == [("started", 0), ("batch", 3), ("note", None)]


def test_a_standing_agrees_with_the_status_at_every_event(run: runs.Run) -> None:
    standing = runs.Standing()
    for kind, fields in (
        ("note", {}),
        ("started", {"epochs": 2, "step": 0}),
        ("batch", {"epoch": 1, "step": 1}),
        ("epoch", {"epoch": 1, "step": 2}),
        ("stopped", {"epoch": 1}),
        ("started", {"epochs": 2, "step": 2}),
        ("finished", {"epochs": 2}),
    ):
        run.append(kind, **fields)
        standing.add(run.events()[-1])
        assert standing.status(busy=False) == run.status()
        assert standing.status(busy=True).state == "running"


def test_lines_that_are_no_events_are_left_out(run: runs.Run) -> None:
    (run.folder / "events.jsonl").write_bytes(b"[1]\n{}\n\xff\xfe\n" + json.dumps({"kind": "note"}).encode() + b"\n")
    assert [event["kind"] for event in run.events()] == ["note"]


def test_what_was_done_again_after_a_resume_counts_once(run: runs.Run) -> None:
    run.append("started", step=0, epoch=0)
    for step in (1, 2, 3):
        run.append("batch", step=step, epoch=1)
    run.append("epoch", epoch=1, step=3)
    run.append("batch", step=4, epoch=2)
    run.append("started", step=3, epoch=1)
    run.append("batch", step=4, epoch=2)
    kept = [(event["kind"], event["step"]) for event in run.history()]
    assert kept == [("started", 0), ("batch", 1), ("batch", 2), ("batch", 3), ("epoch", 3), ("started", 3), ("batch", 4)]


@pytest.mark.parametrize(
    ("events", "state", "words", "resumable"),
    [
        ([], "new", "not started yet", True),
        ([("started", {}), ("batch", {"epoch": 3})], "crashed", "crashed in epoch 3; it can be resumed", True),
        ([("started", {}), ("finished", {"epochs": 5})], "finished", "finished after 5 epochs", False),
        (
            [("started", {"epochs": 9}), ("epoch", {"epoch": 2}), ("checkpoint", {"epoch": 2}), ("stopped", {"epoch": 2})],
            "stopped",
            "stopped by you in epoch 3 of 9; it can be resumed",
            True,
        ),
        ([("started", {"epochs": 2}), ("epoch", {"epoch": 2})], "crashed", "crashed in epoch 2 of 2; it can be resumed", True),
        ([("note", {}), ("stopped", {})], "stopped", "stopped by you before it began to learn; it can be resumed", True),
        ([("failed", {"what": "No memory", "remedy": "Buy some."})], "failed", "failed: No memory. Buy some.", True),
        ([("stopped", {}), ("started", {})], "crashed", "crashed; it can be resumed", True),
    ],
)
def test_the_last_event_and_the_lock_tell_how_it_stands(
    run: runs.Run, events: list[tuple[str, dict[str, object]]], state: str, words: str, *, resumable: bool
) -> None:
    for kind, fields in events:
        run.append(kind, **fields)
    status = run.status()
    assert (status.state, status.words, status.resumable) == (state, words, resumable)


_HOLD = """
import sys
from pathlib import Path
from trainer import runs
with runs.Run(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_run_that_another_process_holds_is_running(run: runs.Run) -> None:
    run.append("started", step=0)
    with subprocess.Popen([sys.executable, "-c", _HOLD, run.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert run.status().state == "running"
        with pytest.raises(RunError, match="Another process"), run.locked():
            pass
        run.request_stop()
        assert run.stop_requested()
        holder.kill()
    assert run.status().state == "crashed"
    run.clear_stop()
    assert not run.stop_requested()


def test_there_is_nothing_to_stop_where_nothing_runs(run: runs.Run) -> None:
    with pytest.raises(RunError, match="Nothing to stop: not started yet"):
        run.request_stop()


def test_runs_are_found_by_folder_and_by_project(run: runs.Run) -> None:
    assert runs.find(run.folder) == run
    (run.project / "catalog.sqlite").touch()
    second = runs.create(run.project, "second", {}, {})
    assert runs.find(run.project) == second
    assert [r.name for r in runs.every(run.project)] == ["first", "second"]


def test_a_run_that_does_not_exist_is_told_with_the_nearest_name(run: runs.Run) -> None:
    with pytest.raises(RunError, match=r"Did you mean first\?"):
        runs.find(run.project / "runs" / "frist")
    with pytest.raises(RunError, match="no such run"):
        runs.find(run.project / "elsewhere")


def test_a_project_without_runs_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").touch()
    with pytest.raises(RunError, match="no runs yet"):
        runs.find(tmp_path)


def test_a_damaged_configuration_is_told(run: runs.Run) -> None:
    (run.folder / "config.json").write_text("[]")
    (run.folder / "split.json").write_text("{}")
    with pytest.raises(DataError, match="configuration is damaged"):
        run.about()
    with pytest.raises(DataError, match="split is damaged"):
        run.split()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"kind": "note", "text": "slow"}, "slow"),
        ({"kind": "batch"}, ""),
        ({"kind": "failed", "what": "Bad", "remedy": "Mend."}, "Failed: Bad. Mend."),
        (
            {
                "kind": "epoch",
                "epoch": 1,
                "train_loss": 0.5,
                "validation_loss": None,
                "metrics": {"macro_f1": 0.25},
                "best": True,
            },
            "Epoch 1: loss 0.500, on validation not defined; macro_f1 0.250 (best so far)",
        ),
    ],
)
def test_events_in_words(event: dict[str, object], words: str) -> None:
    assert runs.event_words(event) == words


def test_two_who_look_at_once_do_not_take_each_other_for_a_training(run: runs.Run) -> None:
    """Two windows on one project: a finished run would be told as running, and then as finished once more."""
    with run.locked():
        pass

    def looks() -> int:
        return sum(run.busy() for _ in range(200) if time.sleep(0.001) is None)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: looks(), range(2))) == [0, 0]


def test_a_place_that_cannot_be_looked_at_holds_nothing(tmp_path: Path) -> None:
    """A share that is away raises what is neither "not there" nor a word for a person; so does a name that is too long."""
    run = runs.Run(tmp_path / "runs" / ("n" * 300))
    assert not run.busy()
    assert run.events() == run.milestones() == []
    assert run.status().state == "new"


def test_a_name_that_no_disk_takes_is_refused(run: runs.Run) -> None:
    with pytest.raises(RunError, match="cannot be the name"):
        runs.new(run.project, "肺" * 100)
    with pytest.raises(RunError, match="cannot be the name"):
        runs.rename(run, "肺" * 100)
    assert run.folder.is_dir()


def test_a_stamp_differs_when_there_is_news(tmp_path: Path) -> None:
    run = runs.Run(tmp_path / "first")
    run.folder.mkdir()
    assert run.stamp() == (0, 0, False)
    run.append("note", text="a")
    first = run.stamp()
    run.append("note", text="b")
    second = run.stamp()
    assert 0 < first[1] < second[1]
    with run.locked():
        assert run.stamp() == (*second[:2], True)
