"""What Linux libraries say of themselves: names for debuggers, a sixth of a bundle, and the system that they need."""

import mmap
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ELF = b"\x7fELF"


def strip(folder: Path) -> str:
    """Take the names out of the libraries of a folder. Returns what was done, in words.

    Only on Linux: macOS signs its libraries, Windows keeps such names in files of their own. Libraries in `NAME.libs` are left
    as they are: their wheels were patched in a way that `strip` may spoil.
    """
    if not sys.platform.startswith("linux") or not shutil.which("strip"):
        return "Debuggers' names were left in the libraries."
    found = list(_libraries(folder))
    before = sum(path.stat().st_size for path in found)
    for path in found:
        subprocess.run(["strip", "--strip-unneeded", "--preserve-dates", str(path)], check=True)
    saved = before - sum(path.stat().st_size for path in found)
    return f"Debuggers' names were taken out of {len(found)} libraries: {saved / 1e6:.0f} MB less."


def newest_glibc(folder: Path) -> str:
    """The oldest version of the C library with which all libraries of a folder load; "" where none asks for one."""
    found: set[tuple[int, ...]] = set()
    for path in _libraries(folder, patched=True):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            asked = re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\0])", content)
        found |= {(int(major), int(minor)) for major, minor in asked}
    return ".".join(str(part) for part in max(found, default=()))


def _libraries(folder: Path, *, patched: bool = False) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or (path.parent.suffix == ".libs" and not patched):
            continue
        with path.open("rb") as file:
            if file.read(4) == ELF and ".so" in path.name:
                yield path
