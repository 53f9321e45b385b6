"""What takes the room in a bundle."""

from collections import Counter
from pathlib import Path, PurePosixPath

PARTS = {
    "torch": "torch",
    "PySide6": "Qt and Qt for Python",
    "shiboken6": "Qt and Qt for Python",
    "numpy": "NumPy with OpenBLAS",
    "PIL": "Pillow with its codecs",
    "pillow": "Pillow with its codecs",
    "matplotlib": "matplotlib with its fonts",
    "kiwisolver": "matplotlib with its fonts",
    "contourpy": "matplotlib with its fonts",
    "pydicom": "pydicom with its dictionaries",
    "imagecodecs": "imagecodecs: JPEG, JPEG-LS, JPEG 2000",
    "base_library": "Python",
    "licences": "licence texts",
}
OTHER = "the rest"


def measured(folder: Path) -> list[tuple[str, int]]:
    """(Part, bytes), the largest first. A link takes no room."""
    room: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            room[part(PurePosixPath(path.relative_to(folder).as_posix()))] += path.stat().st_size
    return room.most_common()


def part(place: PurePosixPath) -> str:
    """The part that a file of a bundle belongs to."""
    if len(place.parts) == 1:
        program = place.stem.startswith("cxr-") and place.suffix in ("", ".exe")
        return f"{place.stem}: its own and all other Python modules" if program else OTHER
    name = place.parts[1] if place.parts[0] == "_internal" else place.parts[0]
    if name.lower().startswith(("python3", "libpython", "lib-dynload")) or name == "Python":
        return "Python"
    if len(place.parts) == 2 and (".so" in name or name.endswith((".dll", ".dylib"))):
        return "other libraries (X11, OpenSSL, SQLite, GLib ...)"
    return PARTS.get(name.split(".")[0].split("-")[0], OTHER)
