"""What the window remembers, and that a damaged file only means the defaults."""

from pathlib import Path

from PySide6.QtCore import QByteArray

from cxr_desktop.settings import RECENT, Settings
from trainer.catalog import Catalog


def _project(folder: Path, name: str) -> Path:
    with Catalog.create(folder / name) as catalog:
        return catalog.project


def test_words_numbers_and_states_are_there_again(tmp_path: Path) -> None:
    first = Settings(tmp_path / "window.ini")
    first.set_text("theme", "dark")
    first.set_number("review/opacity", 0.35)
    first.set_state("window", QByteArray(b"\x00\x01geometry"))
    first.save()
    again = Settings(tmp_path / "window.ini")
    assert again.text("theme") == "dark"
    assert again.number("review/opacity", 1.0) == 0.35
    assert again.state("window") == QByteArray(b"\x00\x01geometry")


def test_what_was_never_stored_is_the_default(settings: Settings) -> None:
    assert settings.text("theme", "system") == "system"
    assert settings.number("x", 2.5) == 2.5
    assert settings.state("window").isEmpty()
    assert settings.recent() == []


def test_a_damaged_file_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "window.ini").write_bytes(b"\xff\x00[[[\nstate/window=@Rect(1)\nnumber=abc\n")
    broken = Settings(tmp_path / "window.ini")
    assert broken.number("number", 3.0) == 3.0
    assert broken.state("window").isEmpty()


def test_recent_projects_the_newest_first_each_once(settings: Settings, tmp_path: Path) -> None:
    projects = [_project(tmp_path, f"p{number}.cxr") for number in range(RECENT + 2)]
    for project in [*projects, projects[5]]:
        settings.add_recent(project)
    assert settings.recent()[0] == projects[5]
    assert len(settings.recent()) == RECENT
    assert projects[0] not in settings.recent()
    settings.forget_recent()
    assert settings.recent() == []


def test_a_project_that_is_gone_is_not_listed(settings: Settings, tmp_path: Path) -> None:
    here, gone = _project(tmp_path, "here.cxr"), _project(tmp_path, "gone.cxr")
    settings.add_recent(here)
    settings.add_recent(gone)
    (gone / "catalog.sqlite").unlink()
    assert settings.recent() == [here]


def test_names_with_odd_characters_survive(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "window.ini")
    odd = _project(tmp_path, "Lunge; é, [1] = %20.cxr")
    settings.add_recent(odd)
    settings.save()
    assert Settings(tmp_path / "window.ini").recent() == [odd]


def test_a_recent_project_that_cannot_be_looked_at_is_left_out(settings: Settings, tmp_path: Path) -> None:
    """On a share that is away, or forbidden: the window starts all the same. Here by a name that is too long."""
    project = _project(tmp_path, "b.cxr")
    settings.set_text("recent", f"{tmp_path / ('n' * 300)}\n{project}")
    assert settings.recent() == [project]


def test_a_project_whose_disk_was_away_is_listed_again(settings: Settings, tmp_path: Path) -> None:
    away, here = _project(tmp_path, "away.cxr"), _project(tmp_path, "here.cxr")
    settings.add_recent(away)
    (tmp_path / "away.cxr").rename(tmp_path / "elsewhere")
    settings.add_recent(here)
    assert settings.recent() == [here]
    (tmp_path / "elsewhere").rename(tmp_path / "away.cxr")
    assert settings.recent() == [here, away]
