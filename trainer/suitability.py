"""Whether a file is a frontal chest radiograph as far as it says itself, and what to know before its prediction is believed.

A network answers for any picture, also for a knee. What the file's own header says against it is told in words; what its pixels
look like is the matter of `appearance`. Headers are written by people and machines in many languages: a word that is not known
says nothing.
"""

import json
import re
import unicodedata

from trainer import appearance, views
from trainer.appearance import Pixels
from trainer.headers import Facts

RADIOGRAPHY = frozenset({"CR", "DX", "RG", "SC", "OT", "HC", "DF", "DG", "XR", "X-RAY", "XRAY"})
"""Words for projection radiography, and for files that do not say (secondary capture, other)."""

_MODALITIES = {
    "CT": "computed tomography", "MR": "magnetic resonance", "US": "ultrasound", "IVUS": "ultrasound", "NM": "scintigraphy",
    "PT": "positron emission tomography", "ES": "endoscopy", "XC": "a photograph", "GM": "microscopy", "SM": "microscopy",
    "OP": "a photograph of the eye", "OPT": "tomography of the eye", "ECG": "an electrocardiogram", "DOC": "a document",
    "SR": "a report", "PR": "a presentation state", "SEG": "a segmentation", "REG": "a registration", "BMD": "densitometry",
    "IO": "a dental radiograph", "PX": "a dental radiograph", "MG": "a mammogram", "RTIMAGE": "radiotherapy",
    "RTDOSE": "radiotherapy", "RTPLAN": "radiotherapy", "RTSTRUCT": "radiotherapy",
}  # fmt: skip
"""DICOM's words for what is no radiograph of a chest, in words for people (PS3.3 C.7.3.1.1.1)."""

_FLUOROSCOPY = {"RF": "fluoroscopy", "XA": "angiography"}

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_CLASSES = {
    "2": "CT", "4": "MR", "6": "US", "3": "US", "20": "NM", "128": "PT", "130": "PT", "77": "XC", "88": "SR", "104": "DOC",
    "9": "ECG", "11": "PR", "66": "SEG", "481": "RTIMAGE", "1.2": "MG", "1.3": "IO", "12.1": "XA", "12.2": "RF",
}  # fmt: skip
"""The kinds of objects after `_STORAGE` that say more than their modality does (PS3.4 B.5)."""

_CHEST = re.compile(
    r"chest|thora[xc]|torax|torace|toraks|\blungs?\b|pulm|poumon|polmon|lunge|\bribs?\b|rippe|costill|brust|borstkas|\bpecho\b"
    r"|klatk|akciger|gogus|\bhrudn|\bplic\b|mellkas|rintakeh|brost|грудн|легк|огк|胸|肺|흉부|θωρακ|\bbabygram|\bcxr\b"
)
_SPINE = re.compile(r"spine|spinal|column|wirbel|\bbws\b|colonne|vertebr|\bdorsal")
_SAYS_NOTHING = frozenset(
    {"", "unknown", "other", "undefined", "none", "any", "not specified", "unspecified", "na", "n/a", "body"}
)
_ELSEWHERE = re.compile(
    r"\b(knee|patella|hips?|pelvis|sacrum|coccyx|lumbar|cervical|abdomen|abd|kub|stomach|colon|bladder|kidneys?|uterus|liver|skull"
    r"|head|brain|orbits?|jaw|mandible|maxilla|neck|larynx|hands?|thumb|fingers?|wrist|forearm|elbow|humerus|shoulder"
    r"|scapula|clavicle|foot|feet|toes?|heel|calcaneus|ankle|leg|tibia|fibula|calf|femur|thigh|extremity|(upper|lower) limb"
    r"|(up|low) exm"
    r"|mammo\w*|breast|teeth|tooth|dental|sinus\w*|knie|hufte|schadel|becken|rodilla|cadera|craneo|genou|hanche|crane|bassin)\b"
)
_PATTERN = re.compile(
    r"\b(smpte|tg-?18|test ?(pattern|image|bild)|phantom|lut test|quality control|qc|calibration|flat ?field)\b"
)
_PAPER = re.compile(r"\b(scanned document|dose (report|info|summary)|dosisbericht|requisition|consent form|worklist)\b")


_TELLING = ("modality", "sop_class", "body_part", "described")


def remarks(facts: Facts, learned: str = "", pixels: Pixels | None = None) -> tuple[str, ...]:
    """`doubts`, what else must be known about the file, and last the reader's own warnings."""
    found = [*doubts(facts, learned, pixels), _burned_in(facts), _inverted(facts)]
    return (*(sentence for sentence in found if sentence), *(f"{warning.rstrip('.')}." for warning in facts.warnings))


def doubts(facts: Facts, learned: str = "", pixels: Pixels | None = None) -> tuple[str, ...]:
    """Sentences on what speaks against a frontal chest radiograph, by the header and, where they are given, by the pixels.

    `learned` is the views that the model has learned from, as `config.Task.views` has it ("": no model, or not known). The
    pixels [H, W] in 0..1 are asked only where the header does not doubt it itself.
    """
    said = [
        sentence
        for sentence in (*_against(facts), _unknown_part(facts), _fluoroscopy(facts), _view(facts, learned))
        if sentence
    ]
    if not said and pixels is not None:
        said = [sentence for sentence in (appearance.remark(pixels),) if sentence]
    return tuple(said)


def against(facts: Facts) -> str:
    """The first sentence by which the header says that this is no chest radiograph; "" where it does not say so."""
    return next((sentence for sentence in _against(facts) if sentence), "")


def of_stored(said: str) -> str:
    """What `against` says of facts as an import stores them (JSON); of files that say nothing of it without reading more."""
    if not any(f'"{name}"' in said for name in _TELLING):
        return ""
    values = json.loads(said)
    modality, sop_class, body_part, described = (str(values.get(name, "")) for name in _TELLING)
    facts = Facts("", 0, 0, 0, "", modality=modality, sop_class=sop_class, body_part=body_part, described=described)
    return against(facts)


def _against(facts: Facts) -> tuple[str, ...]:
    return _modality(facts), _body(facts), _content(facts)


def _kind(facts: Facts) -> str:
    """The modality; where that is silent about what the kind of object tells, the kind's."""
    number = facts.sop_class.removeprefix(_STORAGE) if facts.sop_class.startswith(_STORAGE) else ""
    parts = number.split(".")
    by_class = _CLASSES.get(".".join(parts[:2])) or _CLASSES.get(parts[0]) or ""
    return by_class if facts.modality in ("", "OT", "SC") and by_class else facts.modality


def _modality(facts: Facts) -> str:
    kind = _kind(facts)
    if kind in _MODALITIES:
        said = f"{kind} ({_MODALITIES[kind]})"
    elif kind and kind not in RADIOGRAPHY and kind not in _FLUOROSCOPY:
        said = kind
    else:
        return ""
    return f"Not a chest radiograph: the file says that it is {said}. A prediction of it means nothing."


def _body(facts: Facts) -> str:
    """The body part; where it says nothing, what study, series and protocol are called."""
    part = _plain(facts.body_part)
    for text, shown in ((part, facts.body_part.lower()), (_plain(facts.described), "")):
        if _is_chest(text):
            return ""
        elsewhere = _SPINE.search(text) or _ELSEWHERE.search(text)
        if elsewhere:
            return f"Not a chest radiograph: the file says {shown or elsewhere[0]}. A prediction of it means nothing."
        if text not in _SAYS_NOTHING:
            return ""
    return ""


def _unknown_part(facts: Facts) -> str:
    """A body part of which it is not known where it lies, in a language that is not known here."""
    part = _plain(facts.body_part)
    if part in _SAYS_NOTHING or _SPINE.search(part) or _ELSEWHERE.search(part) or _CHEST.search(part):
        return ""
    return f"The body part is called {facts.body_part.lower()}: make sure that this is a chest radiograph."


def _content(facts: Facts) -> str:
    described = _plain(facts.described)
    if _PATTERN.search(described):
        return "Not a chest radiograph: the file says that it is a test image. A prediction of it means nothing."
    if _PAPER.search(described):
        return "Not a chest radiograph: the file says that it is a document. A prediction of it means nothing."
    return ""


def _is_chest(text: str) -> bool:
    return bool(_CHEST.search(text)) and not _SPINE.search(text)


def _plain(text: str) -> str:
    """Lower case without accents, "_" as a blank."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(unicodedata.normalize("NFC", bare).casefold().replace("_", " ").split())


def _fluoroscopy(facts: Facts) -> str:
    kind = _kind(facts)
    if kind in _FLUOROSCOPY:
        return f"The file says that it is {_FLUOROSCOPY[kind]} ({kind}): a model of plain radiographs may not know it."
    return ""


def _view(facts: Facts, learned: str) -> str:
    kind = views.kind(facts.view)
    if kind == views.LATERAL and learned == views.FRONTAL:
        return f"A lateral view ({facts.view}): this model learned from frontal views alone and has not seen any like it."
    if kind == views.LATERAL:
        return f"A lateral view ({facts.view}): a model that learned from frontal views has not seen any like it."
    if facts.view and kind != views.FRONTAL:
        return f"The view is {facts.view}: a model that learned from PA and AP views may not know it."
    return ""


def _burned_in(facts: Facts) -> str:
    if facts.burned_in == "YES":
        return "Text is burned into the picture: it may name the patient, and a saved picture shows it."
    return ""


def _inverted(facts: Facts) -> str:
    if facts.photometric == "MONOCHROME1":
        return "Stored with low values white (MONOCHROME1); it is turned over before it is shown and predicted."
    return ""
