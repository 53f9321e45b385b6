"""Words for the view of a radiograph, of DICOM and of all datasets: which are frontal, which lateral, which something else.

A word that is not known says nothing: an image is never left out because somebody else wrote down its view in another way.
"""

import itertools
import re

FRONTAL, LATERAL, OTHER, UNKNOWN = "frontal", "lateral", "other", ""

_PA = frozenset({"pa", "posteroanterior", "posterioranterior", "postanterior", "dorsoventral", "dv"})
_AP = frozenset({"ap", "anteroposterior", "anteriorposterior", "antposterior", "ventrodorsal", "vd"})
_FRONT = frozenset({"frontal", "front", "face", "facial"})
_SIDE = frozenset(
    {
        *("lateral", "lat", "ll", "rl", "llat", "rlat", "latl", "latr", "xtable", "crosstable", "sidelong"),
        *("laterale", "laterales", "latéral", "latérale", "seitlich", "seitaufnahme", "profil", "perfil", "profile"),
    }
)
_ALONE = frozenset({"l", "r"})  # as the whole word for a view; among others they are the side or a marker
_ELSE = frozenset(
    {
        *("decubitus", "decub", "lld", "rld", "oblique", "obl", "obliqua", "oblicua", "schräg", "schraeg"),
        *("lao", "rao", "lpo", "rpo", "llo", "rlo", "costal", "rib", "ribs", "axial", "coronal", "sagittal"),
        *("lordotic", "apical", "swimmers", "swimmer", "tangential", "tomo", "tomogram"),
    }
)


def kind(text: str) -> str:
    """`FRONTAL` (PA, AP, supine, erect ...), `LATERAL`, `OTHER` (oblique, decubitus, ribs, slices ...) or `UNKNOWN`."""
    return _known(text)[0]


def named(text: str) -> str:
    """PA, AP or lateral where the word means one of them; otherwise the dataset's own word, without blanks around it."""
    return _known(text)[1] or " ".join(text.split())


def described(text: str) -> str:
    """ "lateral" where one of several descriptions ("; " between them) says so and no other contradicts; else "".

    PA and AP are not read off them: a study that is called so may hold a lateral view too.
    """
    parts = [part for part in text.split("; ") if len(part) > 1 and "profile" not in part.casefold()]  # of a machine, mostly
    said = {name if (name := _known(part)[1]) else kind(part) for part in parts} - {UNKNOWN}
    return "lateral" if said == {"lateral"} else ""


def _known(text: str) -> tuple[str, str]:
    """Kind, and the name where it has one."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    whole = "".join(words)
    found = {whole, *words}
    if found & _ELSE:
        return OTHER, ""
    if whole in _ALONE:
        return LATERAL, "lateral"
    kinds = [name for name, names in (("PA", _PA), ("AP", _AP), ("lateral", _SIDE)) if _among(names, whole, words)]
    if kinds == ["lateral"] and found & _FRONT:
        return UNKNOWN, ""
    if len(kinds) == 1:
        return (LATERAL if kinds[0] == "lateral" else FRONTAL), kinds[0]
    return (FRONTAL, "") if not kinds and found & _FRONT else (UNKNOWN, "")


def _among(names: frozenset[str], whole: str, words: list[str]) -> bool:
    """Whether a word is among the names: by itself, or of two that are written apart ("antero-posterior", "p.a.")."""
    pairs = {first + second for first, second in itertools.pairwise(words)}
    return bool(names & {whole, *words, *pairs})
