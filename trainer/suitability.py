"""Whether a file is a frontal chest radiograph as far as it says itself, and what to know before its prediction is believed.

A network answers for any picture, also for a knee. What the file's own header says against it is told in words.
"""

from trainer.headers import Facts

RADIOGRAPHY = frozenset({"CR", "DX", "RG", "RF", "XA", "SC", "OT"})
"""DICOM's words for projection radiography, and for files that do not say (secondary capture, other)."""
FRONTAL = frozenset({"PA", "AP"})
LATERAL = frozenset({"LL", "RL", "LAT", "LATERAL", "L", "R"})
CHEST = ("CHEST", "THORAX", "LUNG", "RIB")


def remarks(facts: Facts) -> tuple[str, ...]:
    """Sentences on what speaks against the file or must be known about it; the reader's own warnings come last."""
    found = [_modality(facts), _body(facts), _view(facts), _burned_in(facts), _inverted(facts)]
    return (*(sentence for sentence in found if sentence), *(f"{warning.rstrip('.')}." for warning in facts.warnings))


def _modality(facts: Facts) -> str:
    if facts.modality and facts.modality not in RADIOGRAPHY:
        return f"Not a radiograph: the file says that it is {facts.modality}. A prediction of it means nothing."
    return ""


def _body(facts: Facts) -> str:
    if facts.body_part and not any(word in facts.body_part for word in CHEST):
        return f"Not a chest radiograph: the file says {facts.body_part.lower()}. A prediction of it means nothing."
    return ""


def _view(facts: Facts) -> str:
    if facts.view in LATERAL:
        return f"A lateral view ({facts.view}): a model that learned from frontal views has not seen any like it."
    if facts.view and facts.view not in FRONTAL:
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
