"""Processes that share out work: in order, whole, and gone with their parent."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import files, importer
from trainer.catalog import Catalog

from .makers import draw

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs handles on processes")


def command(name: str, *words: object) -> list[str]:
    return [sys.executable, "-c", f"from tests.trainer import crew_work; crew_work.{name}()", *map(str, words)]


def ended(pid: int) -> bool:
    """Whether a process of somebody else is gone, or goes within ten seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


def test_answers_come_in_order_and_a_process_that_breaks_is_replaced() -> None:
    done = subprocess.run(command("share_out"), capture_output=True, text=True, timeout=60, cwd=ROOT, check=True)
    values, processes, alone, parent = json.loads(done.stdout)
    known = [value for value in values if value is not None]
    assert len(values) == 60
    assert all(value in (None, number * number) for number, value in enumerate(values))
    assert 56 <= len(known) < 60
    assert values[13] is None
    assert 2 <= processes <= 4
    assert alone == [144, None, 196]
    assert parent
    assert done.stderr == ""


def test_only_the_file_that_breaks_the_program_is_refused(tmp_path: Path) -> None:
    draw(tmp_path, *(f"{number}.png" for number in range(80)))
    (tmp_path / "5.breaks.png").write_bytes(b"\x89PNG")
    done = subprocess.run(command("look", tmp_path), capture_output=True, text=True, timeout=60, cwd=ROOT, check=True)
    names = sorted(path.name for path in tmp_path.iterdir())
    expected = [files.digest((tmp_path / name).read_bytes()) for name in names]
    expected[names.index("5.breaks.png")] = "The program breaks down over this file"
    assert json.loads(done.stdout) == expected


def test_processes_end_with_their_parent_in_the_middle_of_their_work() -> None:
    with subprocess.Popen(command("wait"), stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        workers = json.loads(parent.stdout.readline())
        assert len(workers) >= 1
        parent.kill()
        assert parent.wait(timeout=20) == -signal.SIGKILL
        assert all(ended(pid) for pid in workers)


def test_work_stopped_at_the_terminal_leaves_no_process() -> None:
    """Ctrl+C reaches all processes of a terminal at once."""
    with subprocess.Popen(
        command("wait"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        workers = json.loads(parent.stdout.readline())
        os.killpg(parent.pid, signal.SIGINT)
        told = parent.stderr.read()
        parent.wait(timeout=20)
        assert all(ended(pid) for pid in workers)
    assert told.count("Traceback") == 1  # that of the parent: the others say nothing


def test_an_import_by_processes_that_is_killed_and_repeated_is_the_same(tmp_path: Path) -> None:
    source = tmp_path / "clinic"
    draw(source, *(f"{finding}/{number}.png" for finding in ("Covid", "Normal") for number in range(60)))
    (source / "Covid/7.png").write_bytes(b"")
    (source / "Normal/9.png").write_bytes((source / "Normal/9.png").read_bytes()[:-20])
    whole, again = tmp_path / "whole.cxr", tmp_path / "again.cxr"
    assert importer.run(whole, [source]).taken == 118  # by threads
    killed = subprocess.run(command("bring_in", again, source, 90), cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not again.exists()
    done = subprocess.run(
        command("bring_in", again, source, 0), cwd=ROOT, timeout=60, check=True, stdout=subprocess.PIPE, text=True
    )
    assert json.loads(done.stdout) == {"taken": 118, "refused": 2}
    assert dump(whole) == dump(again)


def dump(project: Path) -> list[str]:
    """All that a catalog holds, but for its place."""
    with Catalog.open(project) as catalog:
        return [line for line in catalog._connection.iterdump() if not line.startswith('INSERT INTO "settings"')]
