"""The known public datasets as data: by what each is recognised, what its columns and folders mean, and which traps it has."""

from trainer.layout_grammar import (
    Always,
    Answered,
    Born,
    Coded,
    Column,
    Folder,
    Host,
    InLists,
    InPath,
    InTableName,
    Layout,
    Listed,
    ListText,
    Sheet,
    Unknown,
    Where,
)

_FOURTEEN = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
_CHEXPERT = ("Path", "Frontal/Lateral", "AP/PA", "No Finding", "Support Devices")
_NIH_RELABELLED = ("Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass")
_NIH_PATIENT = InPath(r"(?:^|/)(\d{8})_\d{3}\b", "the 8 digits at the start of the file name")
_VINDR_NAMES = {"nodule/mass": "Nodule or mass", "other disease": "Other diseases", "other disease(s)": "Other diseases"}
_ONE_PATIENT_PER_IMAGE = Unknown("unknown (patientId is another for each image, not for each patient)")

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        key="nih",
        name="NIH ChestX-ray14",
        path=("Image Index",),
        tables=(
            Sheet(("Image Index", "Finding Labels", "Patient ID"), (Listed("Finding Labels", r"\|"),), ragged=True, one=True),
            Sheet(("Image Index", *_NIH_RELABELLED), (Answered(_NIH_RELABELLED),)),
        ),
        facts={
            "patient": (_NIH_PATIENT,),
            "view": (Column(("View Position",)),),
            "sex": (Column(("Patient Gender",)),),
            "age": (Column(("Patient Age",)),),
            "source": (Always("NIH"),),
            "part": (InLists({"train_val_list.txt": "train", "test_list.txt": "test"}),),
        },
        notes=("NIH's labels were taken from reports by a program; the boxes of BBox_List are not imported",),
    ),
    Layout(
        key="chexpert",
        name="CheXpert",
        path=("Path",),
        # The release holds the same images as other programs labelled them, too.
        tables=(
            Sheet(_CHEXPERT, (Answered(_FOURTEEN),), name=r"^(?!.*chexbert)"),
            Sheet(_CHEXPERT, (Answered(_FOURTEEN),), one=True),
        ),
        facts={
            "patient": (InPath(r"(?:^|/)(patient\d+)/", "the folder patientN"),),
            "study": (InPath(r"(?:^|/)(patient\d+/study\d+)/", "the folders patientN/studyN"),),
            "view": (Column(("Frontal/Lateral", "AP/PA"), silent=("frontal",)),),
            "sex": (Column(("Sex",)),),
            "age": (Column(("Age",)),),
            "source": (Always("CheXpert"),),
            "part": (
                InPath(r"(?:^|/)(train|valid|test)/patient\d+/", "the folder"),
                InTableName(r"^(train|valid|test)"),
            ),
        },
    ),
    Layout(
        key="mimic",
        name="MIMIC-CXR-JPG",
        path=("dicom_id",),
        tables=(Sheet(("dicom_id", "subject_id", "study_id", "ViewPosition"), one=True),),
        more=(
            Sheet(
                ("subject_id", "study_id", "Atelectasis", "No Finding"),
                (Answered(_FOURTEEN),),
                name=r"chexpert|negbio",
                without=("dicom_id", "Path"),
                key="study_id",
                one=True,
            ),
            Sheet(("dicom_id", "split"), key="dicom_id", one=True, facts={"part": (Column(("split",)),)}),
        ),
        facts={
            "patient": (Column(("subject_id",)),),
            "study": (Column(("study_id",)),),
            "view": (Column(("ViewPosition",)),),
            "source": (Always("MIMIC-CXR"),),
        },
    ),
    Layout(
        key="rsna",
        name="RSNA Pneumonia Detection Challenge",
        path=("patientId",),
        tables=(
            Sheet(
                ("patientId", "x", "y", "width", "height", "Target"),
                (Coded("Target", "Lung Opacity"),),
                folder="stage_2_train_images",
            ),
        ),
        more=(
            Sheet(
                ("patientId", "class"),
                (Listed("class", names={"no lung opacity / not normal": "No Lung Opacity, Not Normal"}),),
                key="patientId",
            ),
            Sheet(
                ("patientId", "patient"),
                name=r"mapping.*\.(json|csv)$",
                key="patientId",
                kind="mapping",
                facts={"patient": (Column(("patient",)),)},
            ),
        ),
        facts={
            "patient": (_ONE_PATIENT_PER_IMAGE,),
            "source": (Always("NIH"),),
            "part": (InPath(r"stage_\d_(train|test)_images/", "the folder"),),
        },
        boxes=True,
        unlabelled=r"stage_\d_test_images/",
        none=("Normal",),
        notes=(
            "RSNA's radiographs come from NIH ChestX-ray14: never test a network on one of the two that learned from the other",
            "the class 'No Lung Opacity / Not Normal' is called 'No Lung Opacity, Not Normal': a slash would make a tree of it",
        ),
    ),
    Layout(
        key="padchest",
        name="PadChest",
        path=("ImageID",),
        tables=(Sheet(("ImageID", "StudyID", "PatientID", "Projection", "Labels"), (ListText("Labels"),)),),
        facts={
            "patient": (Column(("PatientID",)),),
            "study": (Column(("StudyID",)),),
            "view": (Column(("Projection", "ViewPosition_DICOM")),),
            "sex": (Column(("PatientSex_DICOM",)),),
            "age": (Born("PatientBirth", "StudyDate_DICOM"),),
            "source": (Always("PadChest"),),
        },
        none=("normal",),
    ),
    Layout(
        key="vindr",
        name="VinDr-CXR",
        path=("image_id",),
        tables=(
            Sheet(("image_id", "Aortic enlargement", "Cardiomegaly", "No finding"), (Answered(names=_VINDR_NAMES),)),
            Sheet(
                ("image_id", "class_name", "rad_id", "x_min", "y_min", "x_max", "y_max"),
                (Listed("class_name", names=_VINDR_NAMES),),
            ),
        ),
        facts={
            "source": (Always("VinDr-CXR"),),
            "part": (InPath(r"(?:^|/)(train|test)/[^/]+$", "the folder"), InTableName(r"(?:^|_)(train|test)\b")),
        },
        reader="rad_id",
        boxes=True,
        unlabelled=r"(?:^|/)test/[^/]+$",
    ),
    Layout(
        key="covidx",
        name="COVIDx",
        path=("folder", "filename"),
        tables=(
            Sheet(
                ("patientid", "filename", "class", "source"),
                (Coded("class", "COVID-19", yes=("positive",), no=("negative",)), Listed("class")),
                name=r"^(train|test|val)\w*(covidx\w*|split_v\d+)\.txt$",
                kind="covidx",
                one=True,
            ),
        ),
        facts={
            "patient": (Column(("patientid",)),),
            "source": (Column(("source",)),),
            "part": (InTableName(r"^(train|test|val)"),),
        },
        apart=True,
        none=("normal",),
        notes=("COVIDx joins other datasets (cohen, NIH through RSNA, ...): never test a network on one of its sources",),
    ),
    Layout(
        key="ieee8023",
        name="ieee8023 covid-chestxray-dataset",
        path=("folder", "filename"),
        tables=(Sheet(("patientid", "offset", "finding", "view", "modality", "filename"), (Listed("finding", ","),)),),
        facts={
            "patient": (Column(("patientid",)),),
            "view": (Column(("view",)),),
            "sex": (Column(("sex",)),),
            "age": (Column(("age",)),),
            "source": (Column(("location",)), Always("ieee8023")),
        },
        kept=("modality", ("x-ray", "xray", "")),
        tree=True,
        notes=("its lateral views are imported as such; they can be left out of training",),
    ),
    Layout(
        key="covid-qu-ex",
        name="COVID-QU-Ex",
        folders=Folder(r"(?:lung|infection) segmentation data/(?:train|val|test)/(covid-19|non-covid|normal)/images/[^/]+$"),
        facts={"part": (InPath(r"segmentation data/(train|val|test)/", "the folder"),)},
        same=(r"(?:covid-19|non-covid|normal)/images/[^/]+$", r"lung segmentation data/"),
        none=("Normal",),
    ),
    Layout(
        key="covid-radiography",
        name="COVID-19 Radiography Database",
        folders=Folder(
            r"(?:^|/)(covid(?:-19)?|lung_opacity|normal|viral pneumonia)/(?:images/)?"
            r"(?:covid(?:-19)?|lung_opacity|normal|viral pneumonia)(?:-\d+| ?\(\d+\))\.png$"
        ),
        classes=("normal",),
        sign=r"/covid(?:-19)?/",
        more=(Sheet(("FILE NAME", "FORMAT", "SIZE", "URL"), key="FILE NAME", facts={"source": (Host("URL"),)}),),
        mask="lung",
        none=("Normal",),
        notes=("each of its findings comes from other hospitals: a network can learn the hospital instead of the finding",),
    ),
    Layout(
        key="kermany",
        name="Kermany chest X-rays of children",
        folders=Folder(
            r"(?:^|/)(?:train|val|test)/(normal|pneumonia)/(?:(?:person\d+_)?(bacteria|virus)[_-])?[^/]+$",
            names={"normal": "Normal", "pneumonia": "Pneumonia", "bacteria": "Bacterial", "virus": "Viral"},
        ),
        tree=True,
        classes=("normal", "pneumonia"),
        sign=r"/(?:person\d+_(?:bacteria|virus)_\d+|(?:bacteria|virus)-\d+-\d+|(?:normal\d*-)?im-\d+-\d+)[^/]*$",
        facts={
            "patient": (
                InPath(
                    r"(?:^|/)(train|val|test)/pneumonia/(person\d+)_",
                    "personN in the file name, with the numbers of the test folder apart",
                    {"val": "train"},
                ),
                InPath(r"/(?:bacteria|virus|normal)-(\d+)-\d+\.\w+$", "the first number in the file name"),
            ),
            "source": (Always("Kermany"),),
            "part": (InPath(r"(?:^|/)(train|val|test)/(?:normal|pneumonia)/", "the folder"),),
        },
        same=(r"(?:train|val|test)/(?:normal|pneumonia)/[^/]+$", ""),
        none=("Normal",),
        notes=(
            "all of Kermany's patients are children of one hospital: nothing is known of adults",
            "Kermany's own validation part has 16 images only: never tune on it, make a split anew",
        ),
    ),
    Layout(
        key="shenzhen-montgomery",
        name="Shenzhen and Montgomery tuberculosis sets",
        folders=Folder(r"(?:^|/)(?:chncxr|mcucxr)_\d{4}_([01])\.png$", names={"0": "Normal", "1": "Tuberculosis"}),
        more=(
            Sheet(
                ("image", "sex", "age"),
                name=r"^(chncxr|mcucxr)_\d{4}_[01]\.txt$",
                key="image",
                kind="readings",
                facts={"sex": (Column(("sex",)),), "age": (Column(("age",)),)},
            ),
        ),
        facts={
            "patient": (InPath(r"(?:^|/)((?:chncxr|mcucxr)_\d{4})_[01]\.png$", "the file name"),),
            "source": (InPath(r"(?:^|/)(chncxr|mcucxr)_", "the file name", {"chncxr": "Shenzhen", "mcucxr": "Montgomery"}),),
        },
        mask="lung",
        none=("Normal",),
    ),
    Layout(
        key="stat946",
        name="stat946winter2021 COVID-19 challenge",
        path=("File",),
        tables=(
            Sheet(
                ("File", "Label"),
                (Coded("Label", "COVID-19"),),
                name=r"^train_labels\.csv$",
                cells=("Label", r"[01](\.0*)?"),
                folder="train",
            ),
        ),
        more=(Sheet(("File", "Label"), name=r"^sample_submission\.csv$", needed=True),),
        facts={"part": (InPath(r"(?:^|/)(train|test)/[^/]+$", "the folder"),)},
        apart=True,
        unlabelled=r"(?:^|/)test/[^/]+$",
        notes=("the labels of sample_submission.csv are no labels and were not read",),
    ),
    Layout(
        key="siim",
        name="SIIM-ACR Pneumothorax Segmentation",
        path=("ImageId",),
        tables=(
            Sheet(
                ("ImageId", "EncodedPixels"),
                (Coded("EncodedPixels", "Pneumothorax", yes=(), no=("-1",)),),
                cells=("ImageId", r"\d+(\.\d+){3,}"),
            ),
        ),
        facts={
            "source": (Always("SIIM"),),
            "part": (InPath(r"dicom-images-(train|test)/", "the folder"),),
        },
        boxes=True,
        unlabelled=r"dicom-images-test/",
    ),
    Layout(
        key="ozturk",
        name="Ozturk COVID-19 folders",
        folders=Folder(r"(?:^|/)(covid-19|no_findings|pneumonia)/[^/]+$"),
        classes=("covid-19", "no_findings", "pneumonia"),
        sign=_NIH_PATIENT.pattern,
        facts={
            "patient": (_NIH_PATIENT,),
            "source": (
                Where(r"(?:^|/)\d{8}_\d{3}\b", "NIH", "where the file name is one of NIH"),
                Where(r"(?:^|/)covid-19/", "cohen", "for the folder Covid-19"),
            ),
        },
        notes=("its images with and without COVID-19 come from different datasets: a network can learn the dataset instead",),
    ),
)
"""All known layouts; the order is that in which they are tried. Patterns are searched in lower case."""

KEYS = tuple(layout.key for layout in LAYOUTS)
