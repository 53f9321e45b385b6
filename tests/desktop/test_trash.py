"""The trash of the system takes folders; where there is none, it says so."""

from pathlib import Path

import pytest

from cxr_desktop import trash
from trainer.errors import StorageError


def _folder(place: Path) -> Path:
    folder = place / "run"
    folder.mkdir(parents=True)
    (folder / "best.safetensors").write_bytes(b"weights")
    return folder


def test_a_folder_goes_to_the_trash_whole(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    moved = trash.move(folder)
    assert not folder.exists()
    assert (moved / "best.safetensors").read_bytes() == b"weights"
    assert "Trash" in str(moved)


def test_two_of_one_name_both_keep_their_content(tmp_path: Path) -> None:
    places = [trash.move(_folder(tmp_path / str(number))) for number in range(2)]
    assert len(set(places)) == 2
    assert all((place / "best.safetensors").exists() for place in places)


def test_without_a_trash_the_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "data"))
    folder = _folder(tmp_path)
    with pytest.raises(trash.NoTrashError, match="cannot be moved to the trash"):
        trash.move(folder)
    assert (folder / "best.safetensors").exists()


def test_what_is_not_there_cannot_be_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(trash.NoTrashError):
        trash.move(tmp_path / "nothing")


def test_for_good(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    trash.remove(folder)
    assert not folder.exists()
    with pytest.raises(StorageError, match="no such file"):
        trash.remove(folder)
