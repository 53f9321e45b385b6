"""Files are whole or not there, and the operating system's refusals are told in words."""

import errno
import os
from pathlib import Path

import pytest

from trainer import files
from trainer.errors import DataError, StorageError


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole(tmp_path: Path) -> None:
    files.write_bytes(tmp_path / "deep" / "er" / "a.bin", b"content")
    assert (tmp_path / "deep" / "er" / "a.bin").read_bytes() == b"content"
    assert [p.name for p in (tmp_path / "deep" / "er").iterdir()] == ["a.bin"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(ZeroDivisionError), files.atomic(path) as file:
        file.write(b"%d" % (1 / 0))
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["a.txt"]


def test_a_full_disk_is_told_in_words_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(StorageError, match="disk is full") as caught, files.atomic(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(path) in str(caught.value)
    assert "Free some space" in caught.value.remedy
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO, errno.EDQUOT]
)
def test_every_common_refusal_has_a_remedy(number: int) -> None:
    error = files.storage_error(OSError(number, "system's words", "place"))
    assert error.remedy
    assert error.where == "place"
    assert "system's words" not in str(error)


def test_an_unknown_refusal_keeps_the_systems_words() -> None:
    assert files.storage_error(OSError(9999, "strange")).what == "strange"


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StorageError, match=r"(?i)file stands where a folder|something of that name"):
        files.write_text(tmp_path / "a" / "b.txt", "")


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"name": "Überall", "numbers": [1, 2.5, None]}
    files.write_json(tmp_path / "a.json", value)
    assert files.read_json(tmp_path / "a.json") == value


def test_json_refuses_what_other_programs_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", float("nan"))
    assert _names(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00"])
def test_damaged_json_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match="not JSON"):
        files.read_json(tmp_path / "a.json")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        files.read_json(tmp_path / "a.json")


def test_the_digest_is_that_of_blake2b() -> None:
    # RFC 7693 defines the function; this value is that of b2sum --length 160.
    assert files.digest(b"abc") == "384264f676f39536840523f284921cdc68b6846b"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files on this system")
def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "out").symlink_to("/proc/self/fd/1")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "out", "link"):
        with pytest.raises(StorageError, match="device or a pipe"):
            files.write_text(tmp_path / name, "x")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "out").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out", "pipe"]


def test_a_link_to_a_file_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    files.write_text(tmp_path / "link", "new")
    assert ((tmp_path / "real").read_text(), (tmp_path / "link").read_text()) == ("old", "new")
