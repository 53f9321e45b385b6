"""The datasets whose folders and names say what their images show; masks stand beside images, and never for one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.labelling import Asked

from .brought_in import BroughtIn, bring_in, brought, imported  # noqa: F401 - a fixture
from .folder_makers import CLASSES, covid_qu_ex, covid_radiography, kermany, shenzhen_montgomery
from .makers import draw

Brought = Callable[[str], BroughtIn]

# ruff: noqa: F811 - a fixture stands as an argument


def test_covid_qu_ex(brought: Brought) -> None:
    made = brought("covid-qu-ex")
    assert not any("mask" in path for path in (*made.images, *made.refused))
    lung, infection = (f"{tree} Segmentation Data/{tree} Segmentation Data" for tree in ("Lung", "Infection"))
    for part, name in (("Train", "covid_1.png"), ("Val", "covid_2.png"), ("Test", "covid_3.png")):
        image = made.images[f"{lung}/{part}/COVID-19/images/{name}"]
        assert image.part == {"Train": "train", "Val": "validation", "Test": "test"}[part]
        assert ("lung", f"{lung}/{part}/COVID-19/lung masks/{name}") in image.masks
        assert ("lesion", f"{infection}/{part}/COVID-19/infection masks/{name}") in image.masks
        assert all(part in mask and mask.endswith(name) for _, mask in image.masks), "never another image's mask"
        assert (image.yes, image.no) == ({"COVID-19"}, {"Non-COVID", "Normal"})
    assert made["non_COVID (1)"].yes == {"Non-COVID"}
    assert made["normal (1)"].yes == {"Normal"}
    assert {path for path in made.refused if path.startswith(infection)} == made.refused.keys()
    assert len(made.refused) == 5, "the same images once more"
    assert made.result.masks >= 8


def test_covid_qu_ex_with_one_of_its_trees(tmp_path: Path) -> None:
    made = bring_in(tmp_path, lambda root: covid_qu_ex(root) / "Infection Segmentation Data")
    assert made.said.recognised == "covid-qu-ex"
    assert made.result.taken == 5
    assert {kind for kind, _ in made["covid_1"].masks} == {"lung", "lesion"}
    assert {kind for kind, _ in made["normal (1)"].masks} == {"lung"}


def test_masks_are_never_those_of_another_part(tmp_path: Path) -> None:
    """Two files of one name in two parts of one tree: only one of the images is taken, and without the other one's mask."""

    def maker(root: Path) -> Path:
        folder = covid_qu_ex(root) / "Lung Segmentation Data" / "Lung Segmentation Data"
        for kind in ("images", "lung masks"):
            (folder / f"Test/COVID-19/{kind}/covid_3.png").rename(folder / f"Test/COVID-19/{kind}/covid_1.png")
        return folder

    made = bring_in(tmp_path, maker)
    for path, image in made.images.items():
        assert [mask.partition("/")[0] for _, mask in image.masks] == [path.partition("/")[0]]


@pytest.mark.parametrize("release", ["covid-radiography", "flat covid-radiography"])
def test_covid_radiography(brought: Brought, release: str) -> None:
    made = brought(release)
    assert made.result.taken == 8
    sources = {name: made[f"{name}-1.png"].source for name in CLASSES}
    assert "sirm.org" in sources["COVID"]
    assert all("kaggle.com" in sources[name] for name in ("Normal", "Lung_Opacity", "Viral Pneumonia"))
    for name in CLASSES:
        image = made[f"{name}-1.png"]
        assert (image.yes, image.no) == ({name}, set(CLASSES) - {name})
        assert made[f"{name}-2.png"].yes == image.yes, "it is in no workbook, but its folder says what it is"
        expected = () if "flat" in release else (("lung", f"{name}/masks/{name}-1.png"),)
        assert image.masks == expected


def test_kermany(brought: Brought) -> None:
    made = brought("kermany")
    assert not any("MACOSX" in path for path in (*made.images, *made.refused))
    assert made.result.taken == 11
    assert len(made.refused) == 11, "the archive holds everything twice"
    assert all(path.startswith("chest_xray/") for path in made.refused)
    bacterial, viral = "Pneumonia/Bacterial", "Pneumonia/Viral"
    person = made["person1_bacteria_1"]
    assert (person.yes, person.labels[viral], person.part) == ({"Pneumonia", bacterial}, 0, "train")
    assert made["person7_virus_15"].yes == {"Pneumonia", viral}
    assert made["BACTERIA-1135262-0001"].yes == {"Pneumonia", bacterial}
    normal = made["IM-0115-0001"]
    assert (normal.yes, normal.no, normal.patient) == ({"Normal"}, {"Pneumonia", bacterial, viral}, "")
    assert made["person1_bacteria_2"].patient == person.patient != ""
    other = made["person1_virus_6"]
    assert (other.part, other.patient != person.patient) == ("test", True), "person1 of the test part is another child"
    unclear = made["unclear"]
    assert unclear.yes == {"Pneumonia"}
    assert {bacterial, viral}.isdisjoint(unclear.labels), "its name does not say of which kind"
    assert made["NORMAL2-IM-1430-0001"].part == "validation"
    assert "16 images" in made.told


def test_kermany_from_its_inner_folder(tmp_path: Path) -> None:
    made = bring_in(tmp_path, lambda root: kermany(root) / "chest_xray")
    assert made.said.recognised == "kermany"
    assert made.result.taken == 11
    val, train = made["person1946_bacteria_4874"], made["person1_bacteria_1"]
    assert (val.part, train.part) == ("validation", "train")
    assert val.patient.replace("1946", "1") == train.patient, "the numbers of val go on from those of train"


def test_shenzhen_and_montgomery(brought: Brought) -> None:
    made = brought("shenzhen-montgomery")
    assert made.result.taken == 5
    ill = {path.rpartition("/")[2] for path, image in made.images.items() if image.labels["Tuberculosis"]}
    assert ill == {"CHNCXR_0327_1.png", "MCUCXR_0104_1.png"}
    about = {path.rpartition("/")[2][:-4]: (image.sex, image.age, image.source) for path, image in made.images.items()}
    assert about == {
        "CHNCXR_0001_0": ("M", 45.0, "Shenzhen"),
        "CHNCXR_0002_0": ("", None, "Shenzhen"),
        "CHNCXR_0327_1": ("F", 30.0, "Shenzhen"),
        "MCUCXR_0001_0": ("F", 27.0, "Montgomery"),
        "MCUCXR_0104_1": ("M", 61.0, "Montgomery"),
    }
    assert made["CHNCXR_0001_0"].masks == (("lung", "ChinaSet_AllFiles/mask/CHNCXR_0001_0_mask.png"),)
    assert made["CHNCXR_0002_0"].masks == ()
    assert made["MCUCXR_0104_1"].masks == (
        ("left lung", "MontgomerySet/ManualMask/leftMask/MCUCXR_0104_1.png"),
        ("right lung", "MontgomerySet/ManualMask/rightMask/MCUCXR_0104_1.png"),
    )
    patients = [image.patient for image in made.images.values() if image.patient]
    assert len(set(patients)) == len(patients), "CHNCXR_0001 and MCUCXR_0001 are two people"


@pytest.mark.parametrize("inner", ["ChinaSet_AllFiles", "MontgomerySet"])
def test_one_of_the_two_tuberculosis_sets(tmp_path: Path, inner: str) -> None:
    made = bring_in(tmp_path, lambda root: shenzhen_montgomery(root) / inner)
    assert made.said.recognised == "shenzhen-montgomery"
    assert {image.source for image in made.images.values()} == {"Shenzhen" if inner[0] == "C" else "Montgomery"}
    assert sum(image.labels["Tuberculosis"] for image in made.images.values()) == 1
    assert any(image.masks for image in made.images.values())


def test_ozturk(brought: Brought) -> None:
    made = brought("ozturk")
    assert made.result.taken == 5
    assert {path.partition("/")[0]: image.yes for path, image in made.images.items()} == {
        name: {name} for name in ("Covid-19", "No_findings", "Pneumonia")
    }
    assert made["00001373_009"].patient == made["00001373_010"].patient == "00001373"
    assert made["00000013_004"].patient == "00000013"
    assert made["01E392EE-69F9-4E33-BFCE-E5C968654078"].patient == ""
    assert all(len(image.no) == 2 for image in made.images.values())


def test_masks_are_of_their_own_class_only(tmp_path: Path) -> None:
    """Where two classes have files of the same name, none gets the mask of the other, also if that is the only one."""

    def maker(root: Path) -> Path:
        folder = covid_radiography(root)
        (folder / "COVID/masks/COVID-2.png").rename(folder / "COVID/masks/Normal-1.png")
        (folder / "Normal/masks/Normal-1.png").unlink()
        return folder

    made = bring_in(tmp_path, maker)
    assert made["Normal-1"].masks == ()
    assert made["COVID-1"].masks == (("lung", "COVID/masks/COVID-1.png"),)
    draw(tmp_path / "mine", "A/images/1.png", "B/images/2.png", "B/masks/1.png", "A/masks/2.png", "masks/A/1_mask.png")
    mine = imported(tmp_path / "mine", tmp_path / "mine.cxr")
    assert mine["1"].masks == (("lesion", "masks/A/1_mask.png"),)
    assert mine["2"].masks == ()


def test_an_import_again_changes_nothing(tmp_path: Path) -> None:
    first = bring_in(tmp_path, shenzhen_montgomery)
    again = imported(first.folder, tmp_path / "p.cxr")
    assert (again.result.taken, again.result.changed, again.result.unchanged) == (0, 0, 5)
    assert again.images == first.images
    assert again.said.recognised == first.said.recognised
    as_folders = imported(first.folder, tmp_path / "other.cxr", Asked(layout="folders"))
    assert as_folders.said.recognised == ""
