"""Which dataset a folder is: exactly one of the fifteen or none, from its outer folder or its own; and policies."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from trainer import columns, importer, labelling, places
from trainer.catalog import NO, YES
from trainer.errors import DataError
from trainer.labelling import Asked, Labelling
from trainer.layouts import LAYOUTS
from trainer.policies import Policies

from .brought_in import bring_in, imported
from .folder_makers import MAKERS, VARIANTS
from .layout_makers import HEX, chexpert, nih, vindr, vindr_kaggle, write
from .makers import draw

MADE = {**{key: (key, maker) for key, maker in MAKERS.items()}, **VARIANTS}


def look(folder: Path, asked: Asked | None = None) -> Labelling:
    return labelling.label(folder, places.listing(folder), asked or Asked())


def test_there_are_fifteen() -> None:
    assert [layout.key for layout in LAYOUTS] == list(MAKERS)
    assert all(layout.name for layout in LAYOUTS)


@pytest.mark.parametrize("name", list(MADE))
def test_each_is_recognised_as_itself(tmp_path: Path, name: str) -> None:
    key, maker = MADE[name]
    inner = maker(tmp_path / "Downloads")
    by_itself = look(inner)
    assert by_itself.recognised == key
    assert by_itself.why
    assert all(len(sentence) > 10 for sentence in by_itself.why)
    outer = look(inner.parent)
    assert outer.recognised == key, "as a person has it who unpacked it into a folder"
    same = {f"{inner.name}/{path}": row.labels for path, row in by_itself.rows.items()}
    assert {path: row.labels for path, row in outer.rows.items()} == same
    assert {f"{inner.name}/{path}" for path in by_itself.masks} == set(outer.masks)
    asked = look(inner, Asked(layout=key))
    assert asked.recognised == key
    assert asked.rows == by_itself.rows


def test_the_generic_is_none_of_them(tmp_path: Path, drawn: Path) -> None:
    assert look(drawn).recognised == ""
    sources: dict[str, tuple[str, ...]] = {
        "classes": ("Covid/1.png", "Normal/1.png", "Pneumonia/2.png"),
        "parts": ("train/NORMAL/a.png", "train/SICK/b.png", "test/NORMAL/c.png", "test/SICK/d.png"),
        "one class": ("COVID/a.png", "COVID/b.png"),
        "flat": ("00000001.png", "2.png"),
        "images": ("images/a.png", "images/b.png", "masks/a.png"),
    }
    for name, paths in sources.items():
        draw(tmp_path / name, *paths)
        found = look(tmp_path / name)
        assert (found.recognised, found.why) == ("", ()), name


@pytest.mark.parametrize(
    "table",
    [
        "path,label,patient\na.png,Edema,p1\nb.png,Mass,p2\n",
        "Image Index,Finding Labels\na.png,Edema|Mass\nb.png,Mass\n",
        "Path,Edema,No Finding\na.png,1.0,0.0\nb.png,0.0,1.0\n",
        "image_id,class_name\na,Edema\nb,Mass\n",
        "File,Label\na.png,1\nb.png,0\n",
        "filename,finding,patientid\na.png,Edema,1\nb.png,Mass,2\n",
        "patientId,Target\na,1\nb,0\n",
        "1 a.png normal cohen\n2 b.png pneumonia cohen\n",
    ],
)
def test_a_table_of_somebody_is_none_of_them(tmp_path: Path, table: str) -> None:
    draw(tmp_path, "a.png", "b.png")
    (tmp_path / "labels.csv").write_text(table)
    assert look(tmp_path).recognised == ""


def test_real_class_folders_with_a_table_are_that_table(shared_data: Path) -> None:
    folder = shared_data / "darkcovid"
    found = look(folder)
    assert found.recognised == "", "its folders are named as Ozturk's, but its table says more"
    assert found.layout.startswith("manifest.csv: ")
    assert found.findings == ("Covid-19", "No_findings", "Pneumonia")
    for name in ("actualmed", "lundis", "ood_lateral"):
        assert look(shared_data / "external" / name).recognised == ""


def test_real_metadata(shared_data: Path, tmp_path: Path) -> None:
    made = imported(shared_data / "external" / "cohen", tmp_path / "cohen.cxr")
    assert made.said.recognised == "ieee8023"
    assert made.result.taken == 239
    assert not made.refused
    assert not made.result.unmatched
    stated = [image for image in made.images.values() if image.labels]
    assert len(stated) == 235
    covid = [image for image in stated if "Pneumonia/Viral/COVID-19" in image.yes]
    assert len(covid) == 165
    assert sum("No Finding" in image.yes for image in stated) == 6
    assert sum("Pneumonia" in image.yes for image in stated) == 229
    assert {image.view for image in made.images.values()} == {"PA", "AP", columns.view("AP Supine")}
    assert all(image.patient for image in made.images.values())


def test_a_layout_asked_for_that_is_not_there(tmp_path: Path) -> None:
    draw(tmp_path, "a/1.png", "b/2.png")
    for key in MAKERS:
        with pytest.raises(DataError) as caught:
            look(tmp_path, Asked(layout=key))
        assert caught.value.what
    with pytest.raises(DataError, match="Did you mean chexpert"):
        importer.run(tmp_path / "p.cxr", [tmp_path], layout="chexprt")


def test_two_datasets_in_one_folder_never_take_each_others_labels(tmp_path: Path) -> None:
    folder = nih(tmp_path).parent
    draw(folder, *(f"other/{name}/{number}.png" for name in ("A", "B") for number in range(9)))
    found = look(folder)
    for path, row in found.rows.items():
        if path.startswith("other/"):
            assert not set(row.labels) & {"Cardiomegaly", "No Finding"}


@pytest.mark.parametrize(
    ("key", "further"),
    [
        ("kermany", "train/COVID19/COVID19(1).jpg"),
        ("ozturk", "Tuberculosis/1.png"),
        ("covid-radiography", "Tuberculosis/images/Tuberculosis-1.png"),
    ],
)
def test_a_further_class_makes_it_somebodys_own(tmp_path: Path, key: str, further: str) -> None:
    """Images that a dataset has not are not left out without a question: then it is a folder of somebody's own."""
    folder = MAKERS[key](tmp_path)
    shutil.rmtree(folder / "chest_xray", ignore_errors=True)
    more = [further.replace("1.", f"1{number}.").replace("(1)", f"({number})") for number in range(4)]
    draw(folder, *more)
    found = look(folder)
    assert found.recognised == ""
    assert not found.left_out
    assert any("COVID19" in name or "Tuberculosis" in name for name in found.rows[more[0]].labels)
    assert f"--layout {key}" in " ".join(found.notes)
    asked = look(folder, Asked(layout=key))
    assert asked.recognised == key
    assert set(asked.left_out) == set(more)


@pytest.mark.parametrize("name", list(MADE))
def test_a_part_of_a_dataset_has_the_labels_that_it_has_in_the_whole(tmp_path: Path, name: str) -> None:
    """Whichever images are there: each is labelled as before or left out, never as another one."""
    key, maker = MADE[name]
    folder = maker(tmp_path)
    listing = places.listing(folder)
    whole = labelling.label(folder, listing, Asked())
    for seed in range(3):
        chance = random.Random(seed)
        kept = tuple(found for found in listing.files if chance.random() < 0.5)
        if not kept:
            continue
        part = labelling.label(folder, replace(listing, files=kept), Asked())
        if part.recognised != key:
            assert part.recognised == "", "too little of it is there"
            continue
        for path, row in part.rows.items():
            before = whole.rows.get(path)
            if before is None:  # it was the copy of another image
                assert "same image" in whole.left_out[path]
                continue
            assert (row.patient, row.study, row.view, row.part) == (before.patient, before.study, before.view, before.part)
            assert {n for n, answer in row.labels.items() if answer} == {n for n, answer in before.labels.items() if answer}
            assert all(before.labels.get(n) == answer for n, answer in row.labels.items())
        for path, masks in part.masks.items():
            assert path in whole.left_out or set(masks) <= set(whole.masks.get(path, ()))


def test_each_image_twice_is_told(tmp_path: Path) -> None:
    folder = nih(tmp_path)
    for part in ("images_001", "images_002"):
        shutil.copytree(folder / part, folder / "small" / part)
    found = look(folder)
    assert found.recognised == "nih", "and no folder name becomes a finding"
    assert "small" not in found.findings
    assert any("several files have its name" in why for _, why in found.refused)


def test_layouts_read_tables_that_were_damaged_a_little(tmp_path: Path) -> None:
    folder = nih(tmp_path)
    table = folder / "Data_Entry_2017_v2020.csv"
    text = table.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    lines = text.splitlines()
    lines.append("00000001_000.png,Hernia,0,1,57,M,PA,2682,2749,0.143,0.143")
    write(table, lines)
    found = look(folder)
    labels = {path.rpartition("/")[2]: row.labels for path, row in found.rows.items()}
    assert "00000001_000.png" not in labels, "two rows say two different things"
    assert labels["00000002_000.png"]["No Finding"] == YES


# Policies


def test_uncertain_as_asked(tmp_path: Path) -> None:
    path = "patient00002/study2/view1_frontal.jpg"
    for number, (uncertain, expected) in enumerate((("yes", YES), ("no", NO), ("not stated", None))):
        made = bring_in(tmp_path / str(number), chexpert, Asked(policies=Policies(uncertain=uncertain)))
        assert made[path].labels.get("Cardiomegaly") == expected
        assert "Pleural Other" not in made[path].labels, "blank is never uncertain"
        again = imported(made.folder, tmp_path / str(number) / "p.cxr")
        assert again.result.unchanged == 5, "the next import remembers it"
        assert again.images == made.images


def test_several_readers_as_asked(tmp_path: Path) -> None:
    for maker in (vindr, vindr_kaggle):
        found = {}
        for readers in ("any", "all", "majority"):
            asked = Asked(policies=Policies(readers=readers))
            said = look(maker(tmp_path / maker.__name__), asked)
            labels = {path.rpartition("/")[2]: row.labels for path, row in said.rows.items()}
            found[readers] = labels[f"{HEX['b']}.dicom"], labels[f"{HEX['c']}.dicom"]
        mass = "Nodule or mass"
        assert found["any"][0][mass] == found["any"][0]["Cardiomegaly"] == YES
        assert found["all"][0][mass] == found["all"][0]["Cardiomegaly"] == NO
        assert [found[readers][1].get("ILD") for readers in ("any", "all", "majority")] == [YES, NO, None]


def test_no_finding_as_asked(tmp_path: Path) -> None:
    asked = Asked(policies=Policies(no_finding="all no"))
    made = bring_in(tmp_path / "nih", nih, asked)
    assert "No Finding" not in made.result.findings
    assert (made["00000002_000"].yes, made["00000002_000"].no) == (
        set(),
        {"Cardiomegaly", "Emphysema", "Infiltration", "Nodule", "Hernia"},
    )
    made = bring_in(tmp_path / "chexpert", chexpert, asked)
    assert "No Finding" not in made.result.findings
    first = made["patient00001/study1/view1_frontal.jpg"]
    assert first.yes == {"Support Devices"}, "what is said by name stays said"
    assert len(first.no) == 12
    assert made["patient00003/study1/view1_frontal.jpg"].no >= {"Edema", "Support Devices"}
    assert made["view2_lateral.jpg"].no == {"Cardiomegaly"}
    made = bring_in(tmp_path / "vindr", vindr, asked)
    assert not {"No finding", "No Finding"} & set(made.result.findings)
    assert not made[HEX["a"]].yes
    assert made[HEX["a"]].labels["Tuberculosis"] == NO
