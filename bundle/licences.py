"""The licence texts that lie in a bundle, of everything that was put into it; and the refusal of what must not be in it."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path
from typing import cast

from bundle.contents import Entry

TEXTS = Path(__file__).with_name("texts")
QT = {"PySide6_Essentials", "shiboken6"}
"""Distributions whose wheels carry no text of their licence: ours are put beside them."""
CARRIED = {"imagecodecs": ("charls", "jpeg", "lcms2", "libjpeg-turbo", "openjpeg")}
"""Libraries inside a distribution that go into the bundle with it; their texts lie in its own folder `licenses`."""
FREEZER = "pyinstaller"
"""Its start program lies in every bundle; its licence, the GPL, makes an exception for that."""

_NAME = re.compile(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", re.IGNORECASE)
_GPL = re.compile(r"(?<![A-Za-z])A?GPL|(?<!Lesser )(Affero )?General Public License", re.IGNORECASE)
_EXCEPTION = re.compile(r"\bWITH\b|exception", re.IGNORECASE)


class UnfitLicenceError(RuntimeError):
    """Something would be in the bundle that must not be given away with it, or whose licence text is not at hand."""


@dataclass(frozen=True)
class Source:
    """One thing in the bundle: its name and version, what its licence is, and the files that hold the text."""

    name: str
    licence: str
    texts: tuple[Path, ...]


def distributions(modules: Iterable[str]) -> list[Distribution]:
    """The distributions that these modules come from (dotted names, or names of folders), by name."""
    owners = importlib.metadata.packages_distributions()
    tops = {re.split(r"[./\\]", module, maxsplit=1)[0] for module in modules}
    names = {name for top in tops for name in owners.get(top, ())}
    return sorted((importlib.metadata.distribution(name) for name in names), key=lambda one: one.name.lower())


def licence(distribution: Distribution) -> str:
    """What a distribution says of its licence, in one line: as an SPDX expression, by its classifiers, or in its own words."""
    said = cast(Message, distribution.metadata)
    kinds = [line.rpartition("::")[2].strip() for line in said.get_all("Classifier") or () if line.startswith("License ::")]
    own = (said.get("License") or "").strip().partition("\n")[0]
    if _EXCEPTION.search(own) and _GPL.search(own):  # a classifier does not tell of it
        return str(own)
    return str(said.get("License-Expression") or ", ".join(kinds) or own)


def may_be_bundled(statement: str) -> bool:
    """Whether a program under another licence may carry it: one of the alternatives is not the GPL, or makes an exception."""
    return any(not _GPL.search(part) or bool(_EXCEPTION.search(part)) for part in re.split(r"\s+OR\s+|,\s+", statement))


def source(distribution: Distribution) -> Source:
    """A distribution as it stands in the list. Raises UnfitLicenceError."""
    name, statement = f"{distribution.name} {distribution.version}", licence(distribution)
    if not may_be_bundled(statement):
        raise UnfitLicenceError(f"{name} is under '{statement}': this program cannot be given away with it.")
    metadata = [file for file in distribution.files or () if ".dist-info" in file.parts[0]]
    texts = [Path(str(file.locate())) for file in metadata if _NAME.match(file.name) or "licenses" in file.parts]
    if distribution.name == "cxr-desktop":  # installed in place, its metadata may be that of the source folder
        texts = [TEXTS.parent.parent / "LICENSE"]
    elif distribution.name in QT:
        texts = [TEXTS / "LGPL-3.0.txt", TEXTS / "GPL-3.0.txt", TEXTS / "Qt.txt"]
    for library in CARRIED.get(distribution.name, ()):
        texts.append(Path(str(distribution.locate_file(f"{distribution.name}/licenses/LICENSE-{library}"))))
    if not [text for text in texts if text.is_file()]:
        raise UnfitLicenceError(f"{name} ({statement}) brings no text of its licence; put one into bundle/texts.")
    return Source(name, statement, tuple(text for text in texts if text.is_file()))


def python() -> Source:
    """Python itself, whose text lies where it was installed."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    base, short = Path(sys.base_prefix), f"{sys.version_info[0]}.{sys.version_info[1]}"
    places = [
        *(base / "LICENSE.txt", base / "LICENSE", Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"),
        *(Path(f"/usr/share/doc/python{short}/copyright"), Path(f"/usr/share/licenses/python{short}/LICENSE")),
    ]
    text = next((place for place in places if place.is_file()), None)
    if text is None:
        raise UnfitLicenceError("The text of Python's own licence is not where Python was installed.")
    return Source(f"Python {version}", "PSF-2.0", (text,))


def system(entries: Iterable[Entry]) -> list[Source]:
    """Libraries that came from the operating system: by package where it can tell (Debian and its kin), else by name."""
    ours = _own_folders()
    paths = {Path(entry[1]).resolve() for entry in entries if entry[2] == "BINARY"}
    foreign = sorted(path for path in paths if not _is_own(path, ours))
    found: dict[str, Source] = {}
    for path in foreign:
        package = _package(path)
        text = Path("/usr/share/doc") / package / "copyright"
        name = f"{package} (from the operating system)" if package else f"{path.name} (from the operating system)"
        found[name] = Source(
            name, "see the text" if text.is_file() else "as the operating system says", (text,) * text.is_file()
        )
    return [*found.values(), *_common(text for one in found.values() for text in one.texts)]


def _common(texts: Iterable[Path]) -> list[Source]:
    """The licences that Debian's texts do not repeat but refer to: they lie once for all."""
    said = "".join(text.read_text(encoding="utf-8", errors="replace") for text in texts)
    named = {Path(place.rstrip(".")) for place in re.findall(r"/usr/share/common-licenses/[\w.+-]+", said)}
    there = tuple(sorted(place for place in named if place.is_file()))
    return [Source("common licences", "the full texts that those of the operating system refer to", there)] if there else []


def _own_folders() -> list[Path]:
    """Where Python, its packages and this project lie."""
    own = [Path(sys.prefix), Path(sysconfig.get_path("stdlib")), Path(__file__).parent.parent]
    base = Path(sys.base_prefix)
    shared = base in (Path("/usr"), Path("/usr/local"))  # then it holds all else too
    return [place.resolve() for place in (*own, *([] if shared else [base]))]


def _is_own(path: Path, own: Iterable[Path]) -> bool:
    return path.name.startswith("libpython") or any(path.is_relative_to(place) for place in own)


def write(folder: Path, sources: Iterable[Source]) -> None:
    """Make a folder with one sub-folder of texts for each source, and a table of them all."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = ["What lies in this folder of CXR Desktop, and under which licence. The texts lie in the sub-folders.", ""]
    for one in sources:
        lines.append(f"{one.name}: {one.licence}")
        for text in one.texts:
            place = folder / re.sub(r"[^\w.+-]+", "-", one.name).strip("-") / _place(text)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(text, place)
    (folder / "LIST.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _place(text: Path) -> str:
    """Where a text goes: under its own name, after the folders within `licenses` that tell texts of one name apart."""
    parts = text.parts
    inner = parts[parts.index("licenses") + 1 :] if "licenses" in parts else parts[-1:]
    return "-".join(inner) if inner[-1].endswith((".txt", ".md", ".rst")) else "-".join(inner) + ".txt"


def _package(path: Path) -> str:
    """The Debian package that a file belongs to; "" where that cannot be known."""
    if not shutil.which("dpkg"):
        return ""
    for name in (str(path), str(path).removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.partition(":")[0]
    return ""
