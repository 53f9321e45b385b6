"""Small folders that look as the fifteen public datasets do: their real headers and names, and every odd case known of them.

Each maker draws into `root` and returns the folder that bears the dataset; `root` itself is what a person has who unpacked it
into an empty folder.
"""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import PIL.Image

from . import dicom_files
from .makers import draw

Maker = Callable[[Path], Path]

NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
CHEXPERT_HEADER = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,"
    "Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
CHEXPERT = tuple(CHEXPERT_HEADER.split(",")[5:])
MIMIC = sorted(CHEXPERT)
MIMIC_HEADER = (
    "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,StudyTime,"
    "ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,PatientOrientationCodeSequence_CodeMeaning"
)
PADCHEST_HEADER = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,"
    "MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,PhotometricInterpretation_DICOM,ReportID,Report,MethodLabel,"
    "Labels,Localizations,LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS"
)
VINDR_HEADER = (
    "image_id,rad_id,Aortic enlargement,Atelectasis,Calcification,Cardiomegaly,Clavicle fracture,Consolidation,Edema,Emphysema,"
    "Enlarged PA,ILD,Infiltration,Lung Opacity,Lung cavity,Lung cyst,Mediastinal shift,Nodule/Mass,Pleural effusion,"
    "Pleural thickening,Pneumothorax,Pulmonary fibrosis,Rib fracture,Other lesion,COPD,Lung tumor,Pneumonia,Tuberculosis,"
    "Other diseases,No finding"
)
VINDR = tuple(VINDR_HEADER.split(",")[2:])
IEEE_HEADER = (
    "patientid,offset,sex,age,finding,RT_PCR_positive,survival,intubated,intubation_present,went_icu,in_icu,"
    "needed_supplemental_O2,extubated,temperature,pO2_saturation,leukocyte_count,neutrophil_count,lymphocyte_count,view,modality,"
    "date,location,folder,filename,doi,url,license,clinical_notes,other_notes,"
)
KAGGLE_HEADER = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"
PRIVATE = {name: f"{number:08x}-dcab-4a64-8e0d-d2a8a3b1c{number:03d}" for number, name in enumerate("abcdefg", 1)}
"""Names of RSNA images: made like UUIDs, and the same stands in the header as the patient."""
HEX = {name: f"{number:032x}" for number, name in enumerate("abcdefg", 0x50A418190BC3FB1E)}
UID = {name: f"1.2.276.0.7230010.3.1.4.8323329.{number}.1517875201.850819" for number, name in enumerate("abcd", 6904)}


def write(path: Path, lines: Sequence[str], *, end: str = "\n", bom: bool = False) -> None:
    """Write lines as the text of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((end.join(lines) + end).encode("utf-8-sig" if bom else "utf-8"))


def packed(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


def radiograph(path: Path, **elements: object) -> None:
    """A DICOM file whose pixels differ from name to name."""
    pixels = np.frombuffer(str(path.name).encode() * 64, dtype=np.uint8)[:64].reshape(8, 8).copy()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dicom_files.file(pixels, **elements))


def cells(names: Sequence[str], said: Mapping[str, str]) -> str:
    """One cell for each name, empty where nothing is said of it."""
    assert said.keys() <= set(names)
    return ",".join(said.get(name, "") for name in names)


def nih(root: Path, *, old: bool = False) -> Path:
    """Commas in brackets cut the header; the `old` release ends each line with a comma and pads ages."""
    folder = root / "NIH"
    rows = [
        ("00000001_000.png", "Cardiomegaly", "1", "57", "M", "PA"),
        ("00000001_001.png", "Cardiomegaly|Emphysema", "1", "58", "M", "PA"),
        ("00000002_000.png", "No Finding", "2", "80", "M", "AP"),
        ("00000013_000.png", "Infiltration|Nodule", "13", "60", "F", "AP"),
        ("00000013_001.png", "No Finding", "13", "413", "F", "PA"),
        ("00030805_000.png", "Hernia", "30805", "27", "M", "PA"),
    ]
    draw(folder, *(f"images_00{1 + n % 2}/images/{row[0]}" for n, row in enumerate(rows[:5])))
    draw(folder, "images_002/images/00009999_000.png")
    picture = folder / "images_001/images/00000001_000.png"
    PIL.Image.open(picture).convert("RGBA").save(picture)
    tail = "," if old else ""
    lines = [
        f"{name},{said},0,{number},{f'{int(age):03d}Y' if old else age},{sex},{view},2682,2749,0.143,0.143{tail}"
        for name, said, number, age, sex, view in rows
    ]
    name = "Data_Entry_2017.csv" if old else "Data_Entry_2017_v2020.csv"
    write(folder / name, [NIH_HEADER + tail, *lines], end="\r\n", bom=not old)
    boxes = ["Image Index,Finding Label,Bbox [x,y,w,h],,,", "00000013_000.png,Infiltrate,225.08,547.01,86.77,79.18,,,"]
    write(folder / "BBox_List_2017.csv", boxes)
    write(folder / "train_val_list.txt", ["00000001_000.png", "00000001_001.png", "00000002_000.png"])
    write(folder / "test_list.txt", ["00000013_000.png"])
    return folder


def chexpert(root: Path) -> Path:
    """Table paths begin with another folder than the one on disk."""
    folder = root / "chexpert"
    train = [
        ("patient00001/study1/view1_frontal.jpg,Female,68,Frontal,AP", {"No Finding": "1.0", "Support Devices": "1.0"}),
        (
            "patient00002/study2/view1_frontal.jpg,Female,87,Frontal,PA",
            {"Cardiomegaly": "-1.0", "Lung Opacity": "1.0", "Edema": "0.0", "Fracture": "1.0"},
        ),
        ("patient00002/study1/view2_lateral.jpg,Female,83,Lateral,", {"Cardiomegaly": "0.0", "Pleural Other": "-1.0"}),
        ("patient00003/study1/view1_frontal.jpg,Unknown,0,Frontal,AP", {"No Finding": "1.0"}),
        ("patient00004/study1/view1_frontal.jpg,Male,41,Frontal,PA", {"Edema": "1.0"}),
    ]
    valid = [("patient64541/study1/view1_frontal.jpg,Male,73,Frontal,AP", dict.fromkeys(CHEXPERT, "0.0") | {"Edema": "1.0"})]
    for part, rows in (("train", train), ("valid", valid)):
        lines = [f"CheXpert-v1.0-small/{part}/{start},{cells(CHEXPERT, said)}" for start, said in rows]
        write(folder / f"{part}.csv", [CHEXPERT_HEADER, *lines])
        # The last image of the training part was never loaded, and one with the same name is in no table.
        draw(folder, *(f"{part}/{start.partition(',')[0]}" for start, _ in rows[:4]))
    draw(folder, "train/patient00009/study1/view1_frontal.jpg")
    return folder


MIMIC_IMAGES = {
    "a": "files/p10/p10000032/s50414267/02aa804e-bde0afdd-112c0b34-7bc16630-4e384014.jpg",
    "b": "files/p10/p10000032/s50414267/174413ec-4ec4c1f7-34ea26b7-c5f994f8-79ef1962.jpg",
    "c": "files/p10/p10000032/s53189527/2a2277a9-b0ded155-c0de8eb9-c124d10e-82c5caab.jpg",
    "d": "files/p11/p11000001/s56699142/68b5c4b1-227d0485-9cc38c3f-7b84ab51-4b472714.jpg",
}


def mimic(root: Path) -> Path:
    """Three packed tables that have to be joined: images, labels of studies, and parts; one study has no labels."""
    folder = root / "mimic-cxr-jpg"
    ids = {name: Path(path).stem for name, path in MIMIC_IMAGES.items()}
    draw(folder, *MIMIC_IMAGES.values())
    end = "3056,2544,21800506,213014.531,CHEST (PA AND LAT),postero-anterior,Erect"
    images = [
        f"{ids['a']},10000032,50414267,CHEST (PA AND LAT),PA,{end}",
        f"{ids['b']},10000032,50414267,CHEST (PA AND LAT),LATERAL,{end}",
        f"{ids['c']},10000032,53189527,,AP,{end}",
        f"{ids['d']},11000001,56699142,,,{end}",
        f"ffffffff-4ec4c1f7-34ea26b7-c5f994f8-79ef1962,12000002,57777777,,PA,{end}",
    ]
    packed(folder / "mimic-cxr-2.0.0-metadata.csv.gz", [MIMIC_HEADER, *images])
    header = "subject_id,study_id," + ",".join(MIMIC)
    said = [
        ("10000032,50414267", {"Edema": "1.0", "Pneumonia": "-1.0", "Fracture": "0.0"}),
        ("11000001,56699142", {"No Finding": "1.0"}),
    ]
    packed(folder / "mimic-cxr-2.0.0-chexpert.csv.gz", [header, *(f"{start},{cells(MIMIC, more)}" for start, more in said)])
    packed(folder / "mimic-cxr-2.0.0-negbio.csv.gz", [header, "10000032,50414267," + cells(MIMIC, {"Edema": "0.0"})])
    parts = dict(zip("abcd", ("train", "train", "validate", "test"), strict=True))
    rows = [f"{ids[name]},{MIMIC_IMAGES[name].split('/')[3][1:]},10000032,{part}" for name, part in parts.items()]
    packed(folder / "mimic-cxr-2.0.0-split.csv.gz", ["dicom_id,study_id,subject_id,split", *rows])
    return folder


def rsna(root: Path, *, mapped: bool = False) -> Path:
    """Several boxes of one image are several rows; the patient is the image's own name, also in its header."""
    folder = root / "rsna"
    for name in "abcd":
        view = {"a": "PA", "b": "AP", "c": "PA", "d": "PA"}[name]
        place = "stage_2_test_images" if name == "d" else "stage_2_train_images"
        about = {"PatientID": PRIVATE[name], "PatientSex": "F", "PatientAge": "51", "ViewPosition": view, "Modality": "CR"}
        radiograph(folder / place / f"{PRIVATE[name]}.dcm", SOPInstanceUID=f"1.2.{ord(name)}", **about)
    rows = [
        f"{PRIVATE['a']},,,,,0",
        f"{PRIVATE['b']},264.0,152.0,213.0,379.0,1",
        f"{PRIVATE['b']},562.0,152.0,256.0,453.0,1",
        f"{PRIVATE['c']},,,,,0",
        f"{PRIVATE['e']},,,,,0",
    ]
    write(folder / "stage_2_train_labels.csv", ["patientId,x,y,width,height,Target", *rows])
    classes = {"a": "Normal", "b": "Lung Opacity", "c": "No Lung Opacity / Not Normal", "e": "Normal"}
    lines = [f"{PRIVATE[name]},{said}" for name, said in classes.items()]
    write(folder / "stage_2_detailed_class_info.csv", ["patientId,class", lines[1], *lines])
    write(folder / "stage_2_sample_submission.csv", ["patientId,PredictionString", f"{PRIVATE['d']},0.5 0 0 100 100"])
    if mapped:
        pairs = {"a": "00000001_001.png", "b": "00000001_002.png", "c": "00000002_000.png"}
        said = [{"subset_img_id": PRIVATE[name], "img_id": image, "orig_labels": []} for name, image in pairs.items()]
        (folder / "pneumonia-challenge-dataset-mappings_2018.json").write_text(json.dumps(said))
    return folder


PADCHEST_LABELS = {
    "a": "\"['normal']\"",
    "b": "\"['pacemaker', 'chronic changes ', '', 'pacemaker']\"",
    "c": '"[""aortic button\'s bulge"", \' Pacemaker\']"',
    "d": "\"[__import__('os').getcwd()]\"",
    "e": "",
    "f": "\"['normal']\"",
}


def padchest(root: Path) -> Path:
    """Labels are the text of a list; images of 16 bits, and one that is damaged."""
    folder = root / "PadChest"
    lines = []
    views = {"a": "PA", "b": "L", "c": "AP_horizontal", "d": "AP", "e": "COSTAL", "f": "PA"}
    for number, (name, labels) in enumerate(PADCHEST_LABELS.items()):
        file = folder / str(number % 2) / f"2168401113669_02-094-10{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((8, 6), 1000 * number + 300, dtype=np.uint16)).save(file)
        patient, sex = (f"{1000 + number // 2}", "FM"[number % 2])
        start = f"{number},{file.name},{number % 2},20140915,2014{number},{patient},1946.0,{sex},POSTEROANTERIOR,{views[name]}"
        report = '"sin ""hallazgos"", normal"'
        lines.append(f"{start},Manual,No,DX,ImagingDynamics,MONOCHROME2,437,{report},Physician,{labels},[],[],[],[]")
    damaged = folder / "1" / "2168401113669_02-094-10f.png"
    damaged.write_bytes(damaged.read_bytes()[:45])
    write(folder / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", [PADCHEST_HEADER, *lines])
    return folder


def _read(image: str, reader: str, *findings: str) -> str:
    return f"{HEX[image]},{reader}," + ",".join("1" if name in findings else "0" for name in VINDR)


def vindr(root: Path) -> Path:
    """Three readers an image, DICOM files named `.dicom`, and a test table that spells one finding otherwise."""
    folder = root / "vindr-cxr"
    for name in "abcd":
        radiograph(
            folder / "train" / f"{HEX[name]}.dicom", PatientSex="M", PatientAge="040Y", SOPInstanceUID=f"1.3.{ord(name)}"
        )
    radiograph(folder / "test" / f"{HEX['e']}.dicom", PatientSex="F", SOPInstanceUID="1.3.9")
    rows = [
        *(_read("a", reader, "No finding") for reader in ("R1", "R2", "R3")),
        _read("b", "R1", "Nodule/Mass", "Other diseases"),
        _read("b", "R2", "Nodule/Mass"),
        _read("b", "R10", "Cardiomegaly"),
        _read("c", "R1", "ILD"),
        _read("c", "R2", "No finding"),
        *(_read("d", reader, "Tuberculosis", "Other diseases") for reader in ("R1", "R2", "R3")),
    ]
    write(folder / "annotations/image_labels_train.csv", [VINDR_HEADER, *rows])
    others = [name.replace("Other diseases", "Other disease") for name in VINDR]
    test = f"{HEX['e']}," + ",".join("1" if name == "Other diseases" else "0" for name in VINDR)
    write(folder / "annotations/image_labels_test.csv", ["image_id," + ",".join(others), test])
    boxes = ["image_id,rad_id,class_name,x_min,y_min,x_max,y_max", f"{HEX['b']},R1,Nodule/Mass,1,1,5,5"]
    write(folder / "annotations/annotations_train.csv", boxes)
    return folder


def vindr_kaggle(root: Path) -> Path:
    """The same images as a challenge: one row for each box, so that one reader may say a finding several times."""
    folder = root / "vinbigdata"
    for name in "abc":
        radiograph(folder / "train" / f"{HEX[name]}.dicom", SOPInstanceUID=f"1.3.{ord(name)}")
    radiograph(folder / "test" / f"{HEX['e']}.dicom", SOPInstanceUID="1.3.9")
    rows = [
        *(f"{HEX['a']},No finding,14,{reader},,,," for reader in ("R11", "R7", "R10")),
        *(f"{HEX['b']},Nodule/Mass,8,R9,{x},10,{x + 9},30" for x in (10, 40, 70)),
        f"{HEX['b']},Cardiomegaly,3,R9,691,1375,1653,1831",
        f"{HEX['b']},Cardiomegaly,3,R8,690,1370,1650,1830",
        f"{HEX['b']},No finding,14,R10,,,,",
        f"{HEX['c']},ILD,5,R9,1,1,9,9",
        f"{HEX['c']},No finding,14,R8,,,,",
    ]
    write(folder / "train.csv", [KAGGLE_HEADER, *rows])
    write(folder / "sample_submission.csv", ["image_id,PredictionString", f"{HEX['e']},14 1 0 0 1 1"])
    return folder


def covidx(root: Path, *, version: str = "8A") -> Path:
    """Lists without header and with three, four or five fields; version B has two classes only."""
    folder = root / "COVIDx"
    names = {"normal": "negative", "pneumonia": "negative", "COVID-19": "positive"}
    train = [
        ("77", "03BF7561-A9BA-4C3C-B8A0-D3E585F73F3C.jpeg", "COVID-19", " cohen"),
        ("COVID 949", "COVID-949.png", "COVID-19", " sirm"),
        ("COVID 950", "COVID-950.png", "COVID-19", ""),
        ("00f08de1", "00f08de1.png", "normal", " rnsa"),
        ("31", "same.png", "pneumonia", " cohen"),
        ("92", "missing.png", "normal", " rsna"),
    ]
    test = [
        ("19", "same.png", "COVID-19", " actmed"),
        ("003d8fa0", "003d8fa0.png", "pneumonia", " rsna"),
        ("7", "seven.png", "normal", ""),
    ]
    for part, rows in (("train", train), ("test", test)):
        draw(folder, *(f"{part}/{file}" for _, file, _, _ in rows if file != "missing.png"))
        draw(folder, "test/missing.png")
        told = [f"{patient} {file} {names[said] if 'B' in version else said}{source}" for patient, file, said, source in rows]
        write(folder / f"{part}_COVIDx{version}.txt", told, end="\r\n")
    return folder


def ieee8023(root: Path) -> Path:
    """The newer table: findings as a tree, a trailing comma, CT slices and lateral views among the rest."""
    folder = root / "covid-chestxray-dataset"
    rows = [
        ("2", "M", "65", "Pneumonia/Viral/COVID-19", "PA", "X-ray", "images", "auntminnie-a.png"),
        ("2", "M", "65", "Pneumonia/Viral/COVID-19", "L", "X-ray", "images", "auntminnie-b.png"),
        ("19", "F", "", "Pneumonia/Bacterial/Streptococcus", "AP Supine", "X-ray", "images", "strep.jpg"),
        ("20", "F", "31", "Pneumonia", "AP", "X-ray", "images", "some.jpg"),
        ("21", "", "44", "No Finding", "PA", "X-ray", "images", "clear.jpg"),
        ("22", "M", "50", "todo", "PA", "X-ray", "images", "later.jpg"),
        ("23", "M", "50", "Unknown", "AP erect", "X-ray", "images", "what.jpg"),
        ("24", "M", "71", "Pneumonia/Viral/COVID-19", "Axial", "CT", "volumes", "slice.png"),
        ("25", "M", "71", "Pneumonia/Viral/SARS", "PA", "X-ray", "images", "not-loaded.jpg"),
    ]
    draw(folder, *(f"{place}/{name}" for *_, place, name in rows[:8]))
    (folder / "volumes/coronacases_org_001.nii.gz").write_bytes(b"\x1f\x8b")
    between = "," * 14
    lines = [
        f'{patient},3,{sex},{age},{finding}{between}{view},{kind},2020,"Wuhan, China",{place},{name},,,CC0,"a, b",,'
        for patient, sex, age, finding, view, kind, place, name in rows
    ]
    assert lines[0].replace('"Wuhan, China"', "x").replace('"a, b"', "x").count(",") == IEEE_HEADER.count(",")
    write(folder / "metadata.csv", [IEEE_HEADER, *lines])
    return folder


def ieee8023_old(root: Path) -> Path:
    """An early table: names of columns in other words and places, and two findings in one cell."""
    folder = root / "covid-chestxray-dataset"
    header = (
        "Patientid,offset,sex,age,finding,survival,view,modality,date,location,filename,doi, url,license,clinical notes,"
        "other notes"
    )
    rows = [
        "2,0,M,65,COVID-19,Y,PA,X-ray,2020,Italy,one.jpeg,,,,,",
        "4,0,F,52,COVID-19,,PA,X-ray,2020,Italy,two.jpeg,,,,,",
        '6,4,M,60,"COVID-19, ARDS",N,AP,X-ray,2020,Italy,three.jpeg,,,,,',
        "9,0,M,35,SARS,Y,PA,X-ray,2020,Italy,four.jpeg,,,,,",
        "10,0,M,35,No Finding,Y,PA,X-ray,2020,Italy,five.jpeg,,,,,",
    ]
    draw(folder, *(f"images/{name}.jpeg" for name in ("one", "two", "three", "four", "five")))
    write(folder / "metadata.csv", [header, *rows])
    return folder
