"""A source that lies elsewhere: found by one answer, or told; never the wrong image behind a label."""

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from trainer import importer, inventory, relocate
from trainer.catalog import Catalog, Filter
from trainer.errors import DataError, Stopped

from .makers import draw, state

NAMES = tuple(f"{finding}/{number}.png" for finding in ("Covid", "Normal") for number in range(3))


@pytest.fixture
def project(tmp_path: Path, classes: Path) -> Path:
    """Six images of two findings, in a project that does not lie beside them."""
    folder = tmp_path / "work" / "lungs.cxr"
    importer.run(folder, [classes])
    return folder


def known(project: Path) -> dict[str, tuple[int, str]]:
    """Id and digest by path, of the images that are not gone."""
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        columns = (catalog.column(ids, name) for name in ("path", "digest"))
        return {path: (number, digest) for number, path, digest in zip(ids.tolist(), *columns, strict=True)}


def folders(project: Path) -> list[Path]:
    with Catalog.open(project) as catalog:
        return catalog.folders()


def test_a_moved_folder_is_found_and_nothing_else_changes(project: Path, classes: Path, tmp_path: Path) -> None:
    before, labels = known(project), state(project)
    new = Path(shutil.move(classes, tmp_path / "elsewhere"))
    with Catalog.open(project) as catalog:
        (place,) = relocate.missing(catalog)
        assert (place.root, place.images) == (str(classes), 6)
    found = relocate.run(project, new)
    assert (found.sources[0].found, found.sources[0].compared, found.sources[0].extra, found.missing) == (6, 6, 0, ())
    assert (known(project), state(project), folders(project)) == (before, labels, [new])
    assert found.sources[0].words == (f"6 of 6 images of {classes} found in {new}, all compared by content.",)
    assert importer.run(project, [new]).taken == 0
    with pytest.raises(DataError, match=r"No folder of this project is missing.*--source"):
        relocate.run(project, new)


@pytest.mark.parametrize("chosen", [".", "..", "Covid", "../..", "../../.."])
def test_a_folder_above_or_below_the_right_one_does_as_well(project: Path, classes: Path, tmp_path: Path, chosen: str) -> None:
    new = tmp_path / "usb" / "stick" / "data" / "clinic"
    new.parent.mkdir(parents=True)
    shutil.move(classes, new)
    relocate.run(project, (new / chosen).resolve())
    assert folders(project) == [new]


def test_a_file_that_was_replaced_is_told_and_gone_until_it_is_imported(project: Path, classes: Path, tmp_path: Path) -> None:
    before = known(project)
    new = Path(shutil.move(classes, tmp_path / "elsewhere"))
    about = (new / "Covid/0.png").stat()
    content = bytearray((new / "Covid/0.png").read_bytes())
    content[-20] ^= 1  # the same size and, as copy tools keep it, the same time
    (new / "Covid/0.png").write_bytes(content)
    os.utime(new / "Covid/0.png", ns=(about.st_atime_ns, about.st_mtime_ns))
    draw(new, "Normal/0.png", shade=7)
    (new / "Normal/1.png").unlink()
    draw(new, "Normal/new.png")
    found = relocate.run(project, new).sources[0]
    assert (found.different, found.missing, found.found, found.extra) == (
        ("Covid/0.png", "Normal/0.png"),
        ("Normal/1.png",),
        3,
        1,
    )
    assert "2 files (Covid/0.png, Normal/0.png) hold another image than was imported" in found.words[1]
    assert known(project) == {path: before[path] for path in ("Covid/1.png", "Covid/2.png", "Normal/2.png")}
    with Catalog.open(project) as catalog:
        assert len(catalog.ids(Filter(flag="gone", gone=None))) == 3


def test_what_was_gone_and_lies_in_the_new_folder_comes_back(project: Path, classes: Path, tmp_path: Path) -> None:
    before = known(project)
    whole = shutil.copytree(classes, tmp_path / "whole")
    for name in NAMES[:2]:
        (classes / name).unlink()
    importer.run(project, [classes])
    shutil.rmtree(classes)
    found = relocate.run(project, whole).sources[0]
    assert (found.found, found.back) == (4, 2)
    assert known(project) == before


def test_files_that_were_sorted_into_other_folders_are_found_by_content(project: Path, classes: Path, tmp_path: Path) -> None:
    before = known(project)
    for name in NAMES:
        target = tmp_path / "sorted" / name.replace("/", "-x/").upper().replace(".PNG", ".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(classes / name, target)
    shutil.rmtree(classes)
    found = relocate.run(project, tmp_path / "sorted").sources[0]
    assert (found.found, found.elsewhere, found.extra) == (6, 6, 0)
    after = known(project)
    assert {path.split("-")[0].lower() for path in after} == {"covid", "normal"}
    assert sorted(after.values()) == sorted(before.values())


def test_the_wrong_folder_is_refused_with_numbers(project: Path, classes: Path, tmp_path: Path) -> None:
    before = known(project)
    shutil.rmtree(classes)
    draw(tmp_path / "other", *NAMES, shade=3)
    draw(tmp_path / "other", NAMES[0])
    with pytest.raises(
        DataError, match=r"Only 1 of the 6 images of .*clinic were found in this folder; 5 files of the same name"
    ) as e:
        relocate.run(project, tmp_path / "other")
    assert "--partial" in e.value.remedy
    assert (known(project), folders(project)) == (before, [classes])
    found = relocate.run(project, tmp_path / "other", partial=True).sources[0]
    assert (found.found, len(found.different)) == (1, 5)
    assert list(known(project)) == [NAMES[0]]


def test_no_folder_or_no_source_is_one_clear_sentence(project: Path, classes: Path, tmp_path: Path) -> None:
    for new, source, words in (
        (tmp_path / "nowhere", "", "There is no such folder"),
        (project, "", "do not lie inside of the project"),
        (tmp_path, str(classes)[:-1], rf"no such source.*Did you mean .*{classes.name}"),
    ):
        with pytest.raises(DataError, match=words):
            relocate.run(project, new, source=source)
    shutil.copytree(classes, tmp_path / "copy")
    assert relocate.run(project, tmp_path / "copy", source=str(classes)).sources[0].found == 6
    assert folders(project) == [tmp_path / "copy"]


def test_one_answer_settles_all_that_moved_in_the_same_way(tmp_path: Path) -> None:
    project, old, new = tmp_path / "lungs.cxr", tmp_path / "e" / "data", tmp_path / "f" / "more" / "data"
    for source in "abc":
        draw(old / source, *(f"{source}/{number}.png" for number in range(3)))
        importer.run(project, [old / source])
    new.parent.mkdir(parents=True)
    shutil.move(old, new)
    shutil.rmtree(new / "c")
    draw(new / "c", *(f"c/{number}.png" for number in range(3)), shade=1)  # another one of that name
    found = relocate.run(project, new / "b")
    assert [one.folder for one in found.sources] == [new / "b", new / "a"]
    assert found.missing == (str(old / "c"),)
    assert set(folders(project)) == {new / "a", new / "b", old / "c"}


def test_a_folder_of_another_source_is_refused(project: Path, classes: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(classes, tmp_path / "copy"))
    importer.run(project, [copy])
    shutil.rmtree(classes)
    with pytest.raises(DataError, match="another source of the project already"):
        relocate.run(project, copy)
    with pytest.raises(DataError, match=r"another source of the project already \(.*/copy\)"):
        relocate.run(project, copy / "Covid")
    with pytest.raises(DataError, match="Only 0 of the 6 images"):
        relocate.run(project, project.parent)


@pytest.mark.parametrize("partial", [False, True])
def test_a_folder_around_another_source_is_refused_in_its_own_words(classes: Path, tmp_path: Path, *, partial: bool) -> None:
    """All images are there; that the catalog would hold the inner folder twice is the reason."""
    project, inner = tmp_path / "p.cxr", tmp_path / "x" / "inner"
    for number in range(4):
        draw(inner, f"{number}.png", shade=90 + number)
    importer.run(project, [classes, inner])
    before = known(project)
    for folder in list(classes.iterdir()):
        shutil.move(folder, inner.parent / folder.name)
    classes.rmdir()
    with pytest.raises(DataError, match=r"lies inside of the folder of these images \(.*/x/inner\).*Nothing was changed"):
        relocate.run(project, inner.parent, partial=partial)
    assert (known(project), folders(project)) == (before, [classes, inner])


def test_a_stopped_check_changes_nothing(project: Path, classes: Path, tmp_path: Path) -> None:
    before = (project / "catalog.sqlite").read_bytes()
    new = Path(shutil.move(classes, tmp_path / "elsewhere"))
    seen: list[int] = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        if total:
            raise Stopped

    with pytest.raises(Stopped):
        relocate.run(project, new, progress=stop)
    assert folders(project) == [classes]
    assert (project / "catalog.sqlite").read_bytes() == before


def test_of_many_files_a_sample_is_read_and_all_if_it_finds_one(
    project: Path, classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "ALL_BELOW", 4)
    monkeypatch.setattr(inventory, "SAMPLE", 2)
    with Catalog.open(project) as catalog:
        place = catalog.whereabouts()[0]
        files = catalog.source_files(place.number)
    found, move = inventory.taken(place, files, classes)
    assert (found.found, found.compared, len(move.times)) == (6, 2, 2)
    assert "2 of them compared by content" in found.words[0]
    os.utime(classes / "Covid/1.png", (1, 1))
    assert inventory.taken(place, files, classes)[0].compared == 1 + 2
    for name in NAMES[:3]:
        about = (classes / name).stat()
        (classes / name).write_bytes(bytes(about.st_size))
        os.utime(classes / name, ns=(about.st_atime_ns, about.st_mtime_ns))
    monkeypatch.setattr(inventory, "SAMPLE", 4)
    found, move = inventory.taken(place, files, classes)
    assert (found.found, found.different, len(move.gone)) == (3, NAMES[:3], 3)


def test_a_moved_folder_is_recognised(project: Path, classes: Path, tmp_path: Path) -> None:
    with Catalog.open(project) as catalog:
        assert relocate.recognised(catalog, classes) is None
        new = Path(shutil.move(classes, tmp_path / "elsewhere"))
        draw(tmp_path / "other", "x/1.png")
        assert relocate.recognised(catalog, tmp_path / "other") is None
        found = relocate.recognised(catalog, new)
        assert found is not None
        assert found.root == str(classes)


def test_an_accent_that_a_copy_wrote_in_two_signs_is_the_same(tmp_path: Path) -> None:
    """As on discs of a Mac, where "é" is "e" and an accent."""
    old, new = tmp_path / "old", tmp_path / "usb" / "new"
    for shade, name in enumerate(("Épanchement/é1.png", "Épanchement/é2.png", "Normal/ü1.png", "Normal/ü2.png")):
        draw(old, name, shade=shade)
        target = new / unicodedata.normalize("NFD", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(old / name, target)
    importer.run(tmp_path / "p.cxr", [old])
    before = known(tmp_path / "p.cxr")
    shutil.rmtree(old)
    found = relocate.run(tmp_path / "p.cxr", tmp_path / "usb").sources[0]
    assert (found.folder, found.found, found.elsewhere) == (new, 4, 4)
    assert {unicodedata.normalize("NFC", path): what for path, what in known(tmp_path / "p.cxr").items()} == before


def test_masks_come_along_with_images_that_lie_under_another_path(tmp_path: Path) -> None:
    project, old, new = tmp_path / "p.cxr", tmp_path / "old", tmp_path / "new"
    for shade, finding in enumerate(("COVID", "Normal")):
        for number in range(2):
            draw(old, f"{finding}/images/{finding}-{number}.png", shade=10 * shade + number)
            draw(old, f"{finding}/masks/{finding}-{number}.png", shade=100 + 10 * shade + number)
    assert importer.run(project, [old]).masks == 4
    (new / "more").mkdir(parents=True)
    shutil.move(old / "COVID", new / "COVID")
    shutil.move(old / "Normal", new / "more" / "Normal")
    (new / "more/Normal/masks/Normal-1.png").unlink()
    shutil.rmtree(old)
    assert relocate.run(project, new).sources[0].elsewhere == 2
    with Catalog.open(project) as catalog:
        ids = catalog.ids()
        masks = {record.path: catalog.masks([record.id])[record.id][0][1] for record in catalog.records(ids)}
    expected = {path: path.parent.parent / "masks" / path.name for path in masks}
    gone = new / "more/Normal/images/Normal-1.png"
    assert masks == {**expected, gone: new / "Normal/masks/Normal-1.png"}


def test_what_an_import_would_pass_over_is_no_news(classes: Path, tmp_path: Path) -> None:
    """A project may lie in the folder of its images: its small pictures are none of them."""
    importer.run(classes / "lungs.cxr", [classes])
    for name in ("lungs.cxr/cache/a.jpg", "lungs.cxr/runs/1/heat.png", "__MACOSX/Covid/0.png", ".trash/0.png", "masks/0.png"):
        draw(classes, name)
    draw(classes, "Covid/new.png")
    new = Path(shutil.move(classes, tmp_path / "elsewhere"))
    assert relocate.run(new / "lungs.cxr", new, source=str(classes)).sources[0].extra == 1
