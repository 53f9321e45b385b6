"""What a person picked -> the images among it."""

from pathlib import Path

import pytest

from trainer import picks
from trainer.errors import DataError, Stopped

from .makers import draw


def test_files_stay_in_their_order_and_folders_are_sorted(source: Path) -> None:
    draw(source, "b/2.png", "b/1.png", "a.png", "z.png")
    found = picks.expanded([source / "z.png", source / "b", source / "a.png"])
    assert [path.relative_to(source).as_posix() for path in found] == ["z.png", "b/1.png", "b/2.png", "a.png"]


def test_masks_and_other_files_of_a_folder_are_passed_over(source: Path) -> None:
    draw(source, "a.png", "masks/a.png", "a_mask.png")
    (source / "notes.txt").write_text("no image")
    (source / ".hidden.png").write_bytes((source / "a.png").read_bytes())
    assert picks.expanded([source]) == [source / "a.png"]


def test_a_file_that_is_named_is_taken_whatever_it_is(source: Path) -> None:
    (source / "notes.txt").write_text("no image")
    assert picks.expanded([source / "notes.txt"]) == [source / "notes.txt"]


def test_an_image_is_known_by_its_first_bytes_where_the_name_says_nothing(source: Path) -> None:
    draw(source, "a.png")
    (source / "a.png").rename(source / "IM0001")
    assert picks.expanded([source]) == [source / "IM0001"]


def test_what_is_missing_or_empty_is_told(source: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        picks.expanded([source / "nowhere.png"])
    with pytest.raises(DataError, match="no images in this folder"):
        picks.expanded([source])
    with pytest.raises(DataError, match="nothing to predict"):
        picks.expanded([])


def test_a_long_walk_tells_how_far_it_is_and_can_be_stopped(source: Path) -> None:
    for number in range(250):
        (source / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    told: list[tuple[int, int]] = []
    assert len(picks.expanded([source], lambda done, total: told.append((done, total)))) == 250
    assert told == [(100, 0), (200, 0)]

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        picks.expanded([source], stop)
