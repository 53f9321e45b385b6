"""A file that holds another image than before: what was said of the old one never stands behind the new one."""

import os
import shutil
from pathlib import Path

import pytest

from trainer import config, evaluate, importer, lookup, relocate, roots, runs, split, train
from trainer.catalog import NO, YES, Catalog, Filter
from trainer.errors import DataError, ImageError, StorageError
from trainer.labelling import Asked
from trainer.results import Prediction

from .makers import draw, figures, state


def replaced(file: Path, *, shade: int) -> bytes:
    """Put another image in the place of a file; returns the old content."""
    old, time = file.read_bytes(), file.stat().st_mtime_ns
    draw(file.parent, file.name, shade=shade)
    os.utime(file, ns=(time + 10**9, time + 10**9))
    return old


def test_a_replaced_file_is_a_new_image_and_the_old_one_comes_back_with_its_content(classes: Path, tmp_path: Path) -> None:
    project = tmp_path / "p.cxr"
    importer.run(project, [classes])
    with Catalog.open(project) as catalog:
        first = catalog.ids()[:1]
        catalog.set_labels(first, "Covid", NO)
        catalog.set_labels(first, "Effusion", YES)
        split.run(catalog, seed=1)
    old = replaced(classes / "Covid/0.png", shade=9)
    found = importer.run(project, [classes])
    assert figures(found) == (0, 1, 5, 0)
    assert any("1 file of an earlier import holds another image now" in note for note in found.warnings)
    assert state(project)["Covid/0.png"] == {"Covid": YES, "Normal": NO}
    with Catalog.open(project) as catalog:
        (new,) = catalog.ids(Filter(text="Covid/0.png"))
        assert new not in first
        assert catalog.parts([new]) == [""]
        assert catalog.records(first)[0].flags == ("gone",)
        assert catalog.records(first)[0].labels == {"Covid": NO, "Normal": NO, "Effusion": YES}
    assert figures(importer.run(project, [classes])) == (0, 0, 6, 0)
    (classes / "Covid/0.png").write_bytes(old)
    assert figures(importer.run(project, [classes])) == (0, 1, 5, 0)
    with Catalog.open(project) as catalog:
        assert list(catalog.ids(Filter(text="Covid/0.png"))) == list(first)
        assert catalog.records(first)[0].labels == {"Covid": NO, "Normal": NO, "Effusion": YES}
        assert catalog.records([new])[0].flags == ("gone",)
        assert catalog.parts(first) != [""]


def test_most_files_of_a_source_with_other_content_are_a_question(source: Path, tmp_path: Path) -> None:
    project, names = tmp_path / "p.cxr", [f"{finding}/{number}.png" for finding in "AB" for number in range(6)]
    draw(source, *names)
    importer.run(project, [source])
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        catalog.set_labels(ids[:1], "A", NO)
    for number, name in enumerate(names[:11]):
        replaced(source / name, shade=number)
    with pytest.raises(DataError, match=r"11 of 12 files hold another image.*--resaved.*project of its own"):
        importer.run(project, [source])
    found = importer.carried_out(project, [source], Asked(), resaved=True)
    assert (figures(found), [note for note in found.warnings if "holds another" in note]) == ((0, 11, 1, 0), [])
    with Catalog.open(project) as catalog:
        assert list(catalog.ids()) == list(ids)
    assert state(project)["A/0.png"] == {"A": NO, "B": NO}


def test_what_the_project_says_of_a_file_is_not_said_of_another_in_its_place(classes: Path, tmp_path: Path) -> None:
    importer.run(tmp_path / "p.cxr", [classes])
    with Catalog.open(tmp_path / "p.cxr") as catalog:
        known = lookup.record(catalog, classes / "Covid/0.png")
        assert known is not None
        old = replaced(classes / "Covid/0.png", shade=9)
        with pytest.raises(ImageError, match="has changed since it was imported"):
            lookup.content(known.path, known.digest)
        (classes / "Covid/0.png").write_bytes(old)
        assert lookup.content(known.path, known.digest) == old
        (classes / "Covid/0.png").unlink()
        with pytest.raises(StorageError):
            lookup.content(known.path, known.digest)


def test_a_run_is_judged_in_a_project_that_moved_but_never_on_other_images(trained: Path, drawn: Path, tmp_path: Path) -> None:
    home = tmp_path / "far" / "away"
    project = Path(shutil.copytree(trained.parent.parent, home / "other.cxr"))
    new = Path(shutil.copytree(drawn, home / "pictures"))
    relocate.run(project, home, source=str(drawn))
    run = runs.find(project)
    with Catalog.open(project) as catalog:
        test = catalog.split().parts["test"]
        path = catalog.column(test, "path")[0]
    assert evaluate.run(run.folder, on="test", draws=10).images == len(test)
    shutil.rmtree(project / "cache")
    replaced(new / path, shade=3)
    left = evaluate.run(run.folder, on="test", draws=10)
    assert left.images == len(test) - 1
    assert any(note.startswith("1 image could not be judged: its file is gone") for note in left.warnings)
    importer.run(project, [new])
    evaluate.run(run.folder, on="test", draws=10)
    assert list(Prediction.load(run.predictions("test")).ids) == list(test[1:])
    shutil.rmtree(project / "cache")
    shutil.move(new, tmp_path / "gone")
    with pytest.raises(DataError, match=r"no images that can be judged.*cxr-trainer relocate"):
        evaluate.run(run.folder, on="test", draws=10)


def test_a_stopped_run_goes_on_in_a_project_that_moved(
    project: Path, tiny: config.TrainConfig, drawn: Path, tmp_path: Path
) -> None:
    events = project / "runs" / "parts" / "events.jsonl"
    stopped = train.run(project, tiny, name="parts", stop=lambda: events.exists() and b'"epoch"' in events.read_bytes())
    assert stopped.status == "stopped"
    home = tmp_path / "far"
    home.mkdir()
    moved = project.rename(home / "other.cxr")
    shutil.rmtree(moved / "cache")
    with Catalog.open(moved) as catalog:
        catalog.move([roots.Move(1, home / "nowhere")])
    with pytest.raises(DataError, match=r"None of the \d+ images of the train part can be read.*relocate"):
        train.resume(moved / "runs" / "parts")
    shutil.copytree(drawn, home / "pictures")
    assert relocate.run(moved, home).sources[0].found == 48
    assert train.resume(moved / "runs" / "parts").status == "finished"
