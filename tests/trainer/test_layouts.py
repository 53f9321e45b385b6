"""The datasets whose tables say what their images show: recognised by themselves, and no wrong label behind an image."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trainer import columns
from trainer.labelling import Asked

from .brought_in import BroughtIn, bring_in, brought  # noqa: F401 - a fixture
from .layout_makers import CHEXPERT, HEX, MIMIC_IMAGES, PRIVATE, UID, chexpert, mimic, rsna

Brought = Callable[[str], BroughtIn]

# ruff: noqa: F811 - a fixture stands as an argument


@pytest.mark.parametrize("release", ["nih", "old nih"])
def test_nih(brought: Brought, release: str) -> None:
    made = brought(release)
    assert made.result.taken == 5
    assert made["00000001_001"].yes == {"Cardiomegaly", "Emphysema"}
    assert made["00000001_001"].no == {"No Finding", "Infiltration", "Nodule", "Hernia"}
    assert made["00000002_000"].yes == {"No Finding"}
    assert made["00000013_000"].yes == {"Infiltration", "Nodule"}, "BBox_List's word for it is Infiltrate"
    assert "Infiltrate" not in made.result.findings
    assert {path.rpartition("/")[2]: image.patient for path, image in made.images.items()} == {
        "00000001_000.png": "00000001",
        "00000001_001.png": "00000001",
        "00000002_000.png": "00000002",
        "00000013_000.png": "00000013",
        "00000013_001.png": "00000013",
    }
    first = made["00000001_001"]
    assert (first.view, first.sex, first.age, first.source, first.part) == ("PA", "M", 58.0, "NIH", "train")
    assert (made["00000013_000"].part, made["00000013_001"].part) == ("test", "")
    assert made["00000013_001"].age is None, "nobody is 413 years old"
    assert "Data_Entry_2017" in made.refused["images_002/images/00009999_000.png"]
    assert made.result.unmatched == ("00030805_000.png",)


def test_chexpert(brought: Brought) -> None:
    made = brought("chexpert")
    assert made.result.taken == 5
    front = made["patient00002/study2/view1_frontal.jpg"]
    assert front.yes == {"Lung Opacity", "Fracture"}
    assert front.no == {"Edema"}, "blank and -1 are not stated"
    assert (front.patient, front.study, front.view) == ("patient00002", "patient00002/study2", "PA")
    assert (front.sex, front.age, front.part) == ("F", 87.0, "train")
    side = made["view2_lateral.jpg"]
    assert (side.view, side.study, side.no) == ("lateral", "patient00002/study1", {"Cardiomegaly"})
    unknown = made["patient00003/study1/view1_frontal.jpg"]
    assert (unknown.sex, unknown.age, unknown.view) == ("", 0.0, "AP")
    valid = made["valid/patient64541/study1/view1_frontal.jpg"]
    assert (valid.part, valid.yes, valid.no) == ("validation", {"Edema"}, set(CHEXPERT) - {"Edema"})
    assert [path for path in made.result.unmatched if "patient00004" in path]
    assert list(made.refused) == ["train/patient00009/study1/view1_frontal.jpg"], "no row is about it, whatever its name"
    assert {image.source for image in made.images.values()} == {"CheXpert"}


def test_a_part_of_chexpert(tmp_path: Path) -> None:
    """Rows of patients that are not there never claim the files of those who are."""

    def maker(root: Path) -> Path:
        folder = chexpert(root)
        for path in sorted(folder.rglob("*.jpg")):
            if "patient00002" not in str(path):
                path.unlink()
        return folder

    made = bring_in(tmp_path, maker)
    assert made.result.taken == 2
    assert made["view1_frontal.jpg"].yes == {"Lung Opacity", "Fracture"}
    assert made["view2_lateral.jpg"].no == {"Cardiomegaly"}
    assert len(made.result.unmatched) == 4


def test_mimic(brought: Brought) -> None:
    made = brought("mimic")
    assert made.result.taken == 4
    for name, view in (("a", "PA"), ("b", "lateral")):
        image = made[MIMIC_IMAGES[name]]
        assert (image.patient, image.study, image.view, image.part) == ("10000032", "50414267", view, "train")
        assert (image.yes, image.no) == ({"Edema"}, {"Fracture"}), "labels are those of the study, by CheXpert's labeller"
    silent = made[MIMIC_IMAGES["c"]]
    assert (silent.patient, silent.study, silent.part, silent.labels) == ("10000032", "53189527", "validation", {})
    last = made[MIMIC_IMAGES["d"]]
    assert (last.patient, last.yes, last.part, last.view) == ("11000001", {"No Finding"}, "test", "")
    assert "negbio" in made.told, "that another labeller's table was left aside"
    assert len(made.result.unmatched) == 1


def test_mimic_without_some_of_its_tables(tmp_path: Path) -> None:
    def maker(root: Path) -> Path:
        folder = mimic(root)
        (folder / "mimic-cxr-2.0.0-split.csv.gz").unlink()
        (folder / "mimic-cxr-2.0.0-chexpert.csv.gz").unlink()
        return folder

    made = bring_in(tmp_path, maker)
    assert made.said.recognised == "mimic"
    assert made[MIMIC_IMAGES["a"]].no == {"Edema"}, "now NegBio's is all there is"
    assert made[MIMIC_IMAGES["a"]].part == ""
    assert "chexpert" not in made.told


def test_rsna(brought: Brought) -> None:
    made = brought("rsna")
    opacity = {name: made[PRIVATE[name]].labels.get("Lung Opacity") for name in "abcd"}
    assert opacity == {"a": 0, "b": 1, "c": 0, "d": None}, "two boxes are two rows of one image"
    for image in made.images.values():
        assert image.patient == "", "what stands there as patient is the image's own name"
        assert (image.source, image.sex, image.age) == ("NIH", "F", 51.0)
    assert "patient" in made.told
    assert made[PRIVATE["b"]].view == "AP"
    assert (made[PRIVATE["d"]].part, made[PRIVATE["d"]].labels) == ("test", {})
    assert not any("/" in name for name in made.result.findings), "a slash would make a tree of one finding"
    assert len(made.result.unmatched) == 1


def test_rsna_with_the_names_that_its_images_have_at_nih(brought: Brought) -> None:
    made = brought("mapped rsna")
    patients = {name: made[PRIVATE[name]].patient for name in "abcd"}
    assert patients == {"a": "00000001", "b": "00000001", "c": "00000002", "d": ""}
    assert made[PRIVATE["b"]].yes == brought("rsna")[PRIVATE["b"]].yes


def test_padchest(brought: Brought) -> None:
    made = brought("padchest")
    a, b, c, d, e = (made[f"2168401113669_02-094-10{name}"] for name in "abcde")
    assert a.yes == {"normal"}
    assert b.yes == {"pacemaker", "chronic changes"}
    assert c.yes == {"aortic button's bulge", "pacemaker"}
    assert b.no >= {"normal", "aortic button's bulge"}
    assert (d.labels, e.labels) == ({}, {}), "what is no list says nothing"
    assert not any("import" in name for name in made.result.findings)
    assert [image.view for image in (a, b, c, d)] == ["PA", "lateral", columns.view("AP_horizontal"), "AP"]
    assert (a.patient, b.patient, c.patient) == ("1000", "1000", "1001")
    assert (a.study, a.sex, b.sex) == ("20140", "F", "M")
    assert a.age == 68.0, "born in 1946, taken in 2014"
    assert list(made.refused) == ["1/2168401113669_02-094-10f.png"], "it is damaged"


def test_vindr(brought: Brought) -> None:
    made = brought("vindr")
    assert not any("/" in name for name in made.result.findings), "a slash would make a tree of one finding"
    mass = "Nodule or mass"
    other = "Other diseases"
    assert "Other disease" not in made.result.findings, "one finding with two spellings"
    a, b, c, d, e = (made[HEX[name]] for name in "abcde")
    assert a.yes == {"No finding"}
    assert (b.yes, b.labels["Cardiomegaly"], b.labels[other]) == ({mass}, 0, 0), "two of three, and one of three"
    assert "ILD" not in c.labels, "an even vote"
    assert "No finding" not in c.labels
    assert c.labels["Tuberculosis"] == 0
    assert d.yes == {"Tuberculosis", other}
    assert e.yes == {other}
    assert [image.part for image in (a, d, e)] == ["train", "train", "test"]
    assert (a.sex, a.age, a.patient) == ("M", 40.0, "")
    assert made.result.taken == 5


def test_vindr_as_a_challenge(brought: Brought) -> None:
    made = brought("vindr of Kaggle")
    mass = "Nodule or mass"
    a, b, c, e = (made[HEX[name]] for name in "abce")
    assert a.yes == {"No finding"}
    assert a.no == {mass, "Cardiomegaly", "ILD"}
    assert b.yes == {"Cardiomegaly"}, "three boxes of one reader are one voice"
    assert b.no == {mass, "No finding", "ILD"}
    assert c.no == {mass, "Cardiomegaly"}
    assert not c.yes, "an even vote"
    assert (e.labels, e.part) == ({}, "test")


@pytest.mark.parametrize("version", ["covidx", "covidx B"])
def test_covidx(brought: Brought, version: str) -> None:
    made = brought(version)
    assert made.result.taken == 8
    said = {path: (image.patient, image.source, image.part) for path, image in made.images.items()}
    assert said["train/03BF7561-A9BA-4C3C-B8A0-D3E585F73F3C.jpeg"] == ("77", "cohen", "train")
    assert said["train/COVID-949.png"] == ("COVID 949", "sirm", "train")
    assert said["train/COVID-950.png"][0] == "COVID 950"
    assert said["train/00f08de1.png"][1] == "rsna", "the list writes rnsa"
    assert said["test/same.png"][1:] == ("actmed", "test")
    assert said["train/same.png"][1:] == ("cohen", "train")
    assert said["test/seven.png"] == ("7", said["train/COVID-950.png"][1], "test")
    covid = {path.rpartition("/")[2] for path, image in made.images.items() if image.labels["COVID-19"]}
    assert covid == {"03BF7561-A9BA-4C3C-B8A0-D3E585F73F3C.jpeg", "COVID-949.png", "COVID-950.png", "same.png"}
    assert [made[f"{part}/same.png"].labels["COVID-19"] for part in ("train", "test")] == [0, 1]
    assert len(made.result.unmatched) == 1
    assert "test/missing.png" in made.refused, "the list of the training part means another file of this name"
    if version == "covidx":
        assert made["train/same.png"].yes == {"pneumonia"}
        assert made["train/00f08de1.png"].yes == {"normal"}


def test_ieee8023(brought: Brought) -> None:
    made = brought("ieee8023")
    covid, strep = "Pneumonia/Viral/COVID-19", "Pneumonia/Bacterial/Streptococcus"
    front, side = made["auntminnie-a.png"], made["auntminnie-b.png"]
    assert (front.patient, front.view, front.sex, front.age) == ("2", "PA", "M", 65.0)
    assert (side.patient, side.view, side.labels) == ("2", "lateral", front.labels)
    assert front.yes >= {covid, "Pneumonia"}
    assert front.no >= {strep, "No Finding"}
    assert (made["strep.jpg"].view, made["what.jpg"].view) == (columns.view("AP Supine"), columns.view("AP erect"))
    assert strep in made["strep.jpg"].yes
    assert made["strep.jpg"].labels[covid] == 0
    assert made["strep.jpg"].source == "Wuhan, China"
    assert "Pneumonia" in made["some.jpg"].yes
    assert {covid, strep}.isdisjoint(made["some.jpg"].labels), "pneumonia alone does not say of which kind"
    assert made["clear.jpg"].yes == {"No Finding"}
    assert made["later.jpg"].labels == made["what.jpg"].labels == {}
    assert "CT" in made.refused["volumes/slice.png"]
    assert not any(path.startswith("volumes") for path in made.images)
    assert any("not-loaded.jpg" in path for path in made.result.unmatched)


def test_ieee8023_as_it_began(brought: Brought) -> None:
    made = brought("old ieee8023")
    assert made["three.jpeg"].yes == {"COVID-19", "ARDS"}, "one cell, two findings"
    assert made["one.jpeg"].yes == {"COVID-19"}
    assert made["one.jpeg"].no == {"ARDS", "SARS", "No Finding"}
    assert made["four.jpeg"].yes == {"SARS"}
    assert (made["three.jpeg"].patient, made["three.jpeg"].view, made["three.jpeg"].age) == ("6", "AP", 60.0)


def test_siim(brought: Brought) -> None:
    made = brought("siim")
    assert {name: made[UID[name]].labels.get("Pneumothorax") for name in "abcd"} == {"a": 1, "b": 0, "c": 0, "d": None}
    assert set(made.result.findings) == {"Pneumothorax"}
    assert [made[UID[name]].part for name in "ad"] == ["train", "test"]
    assert [made[UID[name]].patient for name in "ad"] == ["p-a", "p-d"], "as the file says"
    assert made.result.unmatched == ("1.2.3.4",)


def test_stat946(brought: Brought) -> None:
    made = brought("stat946")
    train = {f"train/{number}.jpg": number % 2 for number in range(3)}
    assert {path: image.labels.get("COVID-19") for path, image in made.images.items()} == train | {
        f"test/{number}.jpg": None for number in (0, 1, 2, 9)
    }, "what is to be handed in is no label, although the names are the same"
    assert {image.part for path, image in made.images.items() if path in train} == {"train"}
    assert {image.part for path, image in made.images.items() if path not in train} == {"test"}
    assert len(made.result.unmatched) == 1


def test_patients_that_one_image_each_has_are_not_believed(tmp_path: Path) -> None:
    """The same trap once more with everything chosen by hand: the layout by its key."""
    made = bring_in(tmp_path, rsna, Asked(layout="rsna"))
    assert {image.patient for image in made.images.values()} == {""}
