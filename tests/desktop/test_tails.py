"""Following a run: every event once, long histories in pieces, and no file kept open."""

from pathlib import Path

import pytest

from cxr_desktop import tails
from cxr_desktop.tails import Tail

from .scenes import batch, make_run


def test_every_event_comes_once(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", end="")
    tail = Tail(run)
    events = tail.look()
    assert [event["kind"] for event in events] == ["started", "batch", "batch", "epoch", "batch", "batch", "epoch"]
    assert tail.caught_up
    assert tail.status is not None
    assert tail.status.state == "crashed"
    assert tail.look() == []
    batch(run, 5)
    assert [event["step"] for event in tail.look()] == [5]
    run.append("finished", epochs=2)
    tail.look()
    assert tail.status == run.status()


def test_a_long_history_comes_in_pieces_and_its_status_at_the_end(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", epochs=0, end="")
    line = (b'{"time": 1, "kind": "batch", "epoch": 1, "step": %d, "loss": 1.0}\n' % step for step in range(1, 4_501))
    (run.folder / "events.jsonl").write_bytes(b"".join(line))
    tail = Tail(run)
    sizes = [len(tail.look())]
    assert tail.status is None
    while not tail.caught_up:
        sizes.append(len(tail.look()))
    assert sizes == [tails.MOST, tails.MOST, 500]
    assert tail.status is not None


def test_a_torn_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", epochs=0, end="")
    path = run.folder / "events.jsonl"
    path.write_bytes(b'{"time": 1, "kind": "note", ')
    tail = Tail(run)
    assert tail.look() == []
    with path.open("ab") as file:
        file.write(b'"text": "whole"}\n')
    assert [event["text"] for event in tail.look()] == ["whole"]


def test_a_run_that_is_held_is_busy(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", end="")
    tail = Tail(run)
    with run.locked():
        tail.look()
        assert tail.busy
        assert tail.status is not None
        assert tail.status.words == "running in epoch 3 of 4"
    tail.look()
    assert not tail.busy


def test_no_file_stays_open(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one")
    tail = Tail(run)
    tail.look()
    handles = Path("/proc/self/fd")
    if not handles.is_dir():
        pytest.skip("only Linux lists the files that a process has open")
    opened = [handle.resolve() for handle in handles.iterdir()]
    assert not [path for path in opened if path.is_relative_to(tmp_path)]


def test_a_run_that_is_gone_says_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one")
    tail = Tail(run)
    tail.look()
    for path in run.folder.iterdir():
        path.unlink()
    run.folder.rmdir()
    assert tail.look() == []
