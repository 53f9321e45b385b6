"""More of `layout_makers`: the datasets whose folders and file names say what their images show, and all of them by key."""

from pathlib import Path

import openpyxl
import PIL.Image

from . import layout_makers
from .layout_makers import UID, Maker, radiograph, write
from .makers import draw


def covid_qu_ex(root: Path) -> Path:
    """Two parallel trees with the same names in them, each nested twice, with masks beside the images."""
    folder = root / "COVID-QU-Ex"
    for tree, kinds in (("Lung", ("lung masks",)), ("Infection", ("lung masks", "infection masks"))):
        outer = f"{tree} Segmentation Data"
        for part, name in (("Train", "covid_1.png"), ("Val", "covid_2.png"), ("Test", "covid_3.png")):
            place = f"{outer}/{outer}/{part}/COVID-19"
            draw(folder, f"{place}/images/{name}", *(f"{place}/{kind}/{name}" for kind in kinds))
        place = f"{outer}/{outer}/Train"
        for finding, name in (("Non-COVID", "non_COVID (1).png"), ("Normal", "normal (1).png")):
            draw(folder, f"{place}/{finding}/images/{name}", f"{place}/{finding}/lung masks/{name}")
    draw(folder, "Lung Segmentation Data/Lung Segmentation Data/Test/Normal/lung masks/orphan.png")
    return folder


CLASSES = {"COVID": "COVID", "Lung_Opacity": "Lung_Opacity", "Normal": "NORMAL", "Viral Pneumonia": "Viral Pneumonia"}
URLS = {
    "COVID": "https://sirm.org/category/senza-categoria/covid-19/",
    "Lung_Opacity": "https://www.kaggle.com/c/rsna-pneumonia-detection-challenge/data",
    "Normal": "https://www.kaggle.com/c/rsna-pneumonia-detection-challenge/data",
    "Viral Pneumonia": "https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia",
}


def covid_radiography(root: Path, *, flat: bool = False) -> Path:
    """A workbook for each class, whose names differ in case from those of the files; `flat` is the release without masks."""
    folder = root / "COVID-19_Radiography_Dataset"
    for name, written in CLASSES.items():
        inner = f"{name}/" if flat else f"{name}/images/"
        draw(folder, f"{inner}{name}-1.png", f"{inner}{name}-2.png")
        if not flat:
            draw(folder, f"{name}/masks/{name}-1.png", f"{name}/masks/{name}-2.png")
        book = openpyxl.Workbook()
        book.active.append(["FILE NAME", "FORMAT", "SIZE", "URL"])
        book.active.append([f"{written}-1", "PNG", "256*256", URLS[name]])
        book.active.append([f"{written}-77", "PNG", "256*256", URLS[name]])
        book.save(folder / f"{name}.metadata.xlsx")
    write(folder / "README.md.txt", ["COVID-19 CHEST X-RAY DATABASE", "", "A team of researchers from Qatar, Dhaka, ..."])
    return folder


def kermany(root: Path) -> Path:
    """The archive nests itself, with what another system left in it; numbers of children begin anew in the test part."""
    folder = root / "chest_xray"
    names = (
        "train/NORMAL/IM-0115-0001.jpeg",
        "train/NORMAL/NORMAL2-IM-1427-0001.jpeg",
        "train/PNEUMONIA/person1_bacteria_1.jpeg",
        "train/PNEUMONIA/person1_bacteria_2.jpeg",
        "train/PNEUMONIA/person7_virus_15.jpeg",
        "train/PNEUMONIA/BACTERIA-1135262-0001.jpeg",
        "train/PNEUMONIA/unclear.jpeg",
        "val/NORMAL/NORMAL2-IM-1430-0001.jpeg",
        "val/PNEUMONIA/person1946_bacteria_4874.jpeg",
        "test/NORMAL/IM-0001-0001.jpeg",
        "test/PNEUMONIA/person1_virus_6.jpeg",
    )
    draw(folder, *names)
    # In the real archive too the inner folder holds the same files once more.
    for name in names:
        copy = folder / "chest_xray" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((folder / name).read_bytes())
    write(folder / "__MACOSX/chest_xray/train/NORMAL/._IM-0115-0001.jpeg", ["Mac OS X"])
    write(folder / "chest_xray/.DS_Store", ["Mac OS X"])
    return folder


def shenzhen_montgomery(root: Path) -> Path:
    """Two sets, each with its own readings: palette and colour PNGs, masks of both lungs or of each."""
    folder = root / "TB"
    shenzhen, montgomery = folder / "ChinaSet_AllFiles", folder / "MontgomerySet"
    draw(shenzhen / "CXR_png", "CHNCXR_0001_0.png", "CHNCXR_0002_0.png", "CHNCXR_0327_1.png")
    for name, mode in (("CHNCXR_0001_0", "P"), ("CHNCXR_0327_1", "RGB")):
        file = shenzhen / f"CXR_png/{name}.png"
        PIL.Image.open(file).convert(mode).save(file)
    draw(shenzhen, "mask/CHNCXR_0001_0_mask.png", "mask/CHNCXR_0327_1_mask.png")
    write(shenzhen / "ClinicalReadings/CHNCXR_0001_0.txt", ["male 45yrs", "normal", ""], end="\r\n")
    write(shenzhen / "ClinicalReadings/CHNCXR_0327_1.txt", ["Female, 30 yrs", "PTB in the right upper field"], bom=True)
    draw(montgomery, "CXR_png/MCUCXR_0001_0.png", "CXR_png/MCUCXR_0104_1.png")
    for side in ("left", "right"):
        draw(montgomery, *(f"ManualMask/{side}Mask/MCUCXR_{name}.png" for name in ("0001_0", "0104_1")))
    reading = ["Patient's Sex: F", "Patient's Age: 027Y", "normal"]
    write(montgomery / "ClinicalReadings/MCUCXR_0001_0.txt", reading)
    write(montgomery / "ClinicalReadings/MCUCXR_0104_1.txt", ["Patient's Sex: M", "Patient's Age: 061Y", "cavitary nodule"])
    return folder


def stat946(root: Path) -> Path:
    """Train and test images have the same names; what is to be handed in looks like a table of labels."""
    folder = root / "stat946winter2021"
    draw(folder, *(f"{part}/{number}.jpg" for part in ("train", "test") for number in range(3)), "test/9.jpg")
    write(folder / "train_labels.csv", ["File,Label", "0.jpg,0", "1.jpg,1", "2.jpg,0", "9.jpg,1"])
    write(folder / "sample_submission.csv", ["File,Label", "0.jpg,0", "1.jpg,0", "2.jpg,0"])
    return folder


def siim(root: Path) -> Path:
    """A blank before a column's name, several rows for one image, -1 for none, and points in the names of files."""
    folder = root / "siim-acr-pneumothorax"
    for name in "abcd":
        part = "test" if name == "d" else "train"
        about = {"PatientID": f"p-{name}", "SOPInstanceUID": UID[name], "ViewPosition": "PA", "PatientSex": "M"}
        radiograph(folder / f"dicom-images-{part}/{UID[name]}0/{UID[name]}1/{UID[name]}.dcm", **about)
    rows = [
        f"{UID['a']}, 557374 2 1015 8 1009 14 1002 20",
        f"{UID['a']}, 100 5",
        f"{UID['b']}, -1",
        f"{UID['c']},-1",
        "1.2.3.4, 5 6",
    ]
    write(folder / "train-rle.csv", ["ImageId, EncodedPixels", *rows])
    return folder


def ozturk(root: Path) -> Path:
    """Class folders alone; the images that came from NIH keep their names."""
    folder = root / "X-Ray Image DataSet"
    draw(
        folder,
        "Covid-19/01E392EE-69F9-4E33-BFCE-E5C968654078.jpeg",
        "Covid-19/1-s2.0-S0140673620303706-fx1_lrg.jpg",
        "No_findings/00001373_009.jpg",
        "No_findings/00001373_010.jpg",
        "Pneumonia/00000013_004.jpg",
    )
    return folder


MAKERS: dict[str, Maker] = {
    "nih": layout_makers.nih,
    "chexpert": layout_makers.chexpert,
    "mimic": layout_makers.mimic,
    "rsna": layout_makers.rsna,
    "padchest": layout_makers.padchest,
    "vindr": layout_makers.vindr,
    "covidx": layout_makers.covidx,
    "ieee8023": layout_makers.ieee8023,
    "covid-qu-ex": covid_qu_ex,
    "covid-radiography": covid_radiography,
    "kermany": kermany,
    "shenzhen-montgomery": shenzhen_montgomery,
    "stat946": stat946,
    "siim": siim,
    "ozturk": ozturk,
}
VARIANTS: dict[str, tuple[str, Maker]] = {
    "old nih": ("nih", lambda root: layout_makers.nih(root, old=True)),
    "mapped rsna": ("rsna", lambda root: layout_makers.rsna(root, mapped=True)),
    "vindr of Kaggle": ("vindr", layout_makers.vindr_kaggle),
    "covidx B": ("covidx", lambda root: layout_makers.covidx(root, version="9B")),
    "old ieee8023": ("ieee8023", layout_makers.ieee8023_old),
    "flat covid-radiography": ("covid-radiography", lambda root: covid_radiography(root, flat=True)),
}
"""Other releases of the same datasets: the key of their layout and their maker."""
