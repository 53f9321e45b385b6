"""What a bundle holds, and what is left out of it because nothing here uses it.

An entry is what PyInstaller collects: (path in the bundle, path on this computer, kind). Patterns say what is meant on every
system; where a system has no such file, nothing happens.
"""

import posixpath
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from trainer import decoders

Entry = tuple[str, str, str]
Needs = Callable[[str], Iterable[str]]
"""Path of a library -> paths of the libraries that it is linked with."""

MODULES_LEFT_OUT = (
    # Oracles and tools of the developers, and libraries that ours can use but need not: timm, to fetch weights by itself.
    *(
        "IPython",
        "_pytest",
        "anyio",
        "click",
        "cv2",
        "fsspec",
        "grad_cam",
        "h11",
        "hf_xet",
        "httpcore2",
        "httpx2",
        "huggingface_hub",
        "hypothesis",
        "mypy",
        "networkx",
        "onnx",
        "onnxruntime",
        "pandas",
        "pip",
    ),
    *(
        "pluggy",
        "py",
        "pytest",
        "pytest_qt",
        "pytorch_grad_cam",
        "ruff",
        "scipy",
        "setuptools",
        "sklearn",
        "tensorboard",
        "threadpoolctl",
        "truststore",
        "yaml",
    ),
    "tkinter",
    # Compiling networks and testing torch itself: a fifth of its modules, reached only through torch.compile.
    *("torch._inductor.codegen", "torch._inductor.fx_passes", "torch._inductor.kernel", "torch._inductor.template_heuristics"),
    *(
        "torch.testing._internal.common_methods_invocations",
        "torch.testing._internal.common_utils",
        "torch.testing._internal.opinfo",
    ),
    *("torch.utils.benchmark", "torch.utils.tensorboard"),
    # torchvision's binary part: detection and decoders of its own. On Linux it wants CUDA and does not load beside CPU torch.
    *("torchvision._C", "torchvision.image"),
    # Decoders that trainer.images does not offer.
    *("PIL.AvifImagePlugin", "PIL._avif", "PIL.ImageTk", "PIL._imagingtk"),
    # Parts of Qt, and other bindings of it.
    *("PyQt5", "PyQt6", "PySide2", "PySide6.QtDBus", "PySide6.QtDesigner", "PySide6.QtHelp", "PySide6.QtPrintSupport"),
    *("PySide6.QtNetwork", "PySide6.QtQml", "PySide6.QtQuick"),
    *("PySide6.QtQuickWidgets", "PySide6.QtSql", "PySide6.QtTest", "PySide6.QtUiTools"),
    # Extensions of Python whose libraries are GPL (readline, gdbm) or AGPL (Berkeley DB).
    *("_dbm", "_gdbm", "dbm.gnu", "readline"),
)

FOUND_BY_NAME = tuple(f"imagecodecs.{part}" for part in decoders.PARTS)
"""Modules that nothing imports in so many words: imagecodecs looks its parts up when they are used."""

PLUGINS = {
    "egldeviceintegrations": (),
    "generic": (),
    "imageformats": ("gif", "icns", "ico", "jpeg", "svg"),
    "networkinformation": (),
    "platforms": ("cocoa", "direct2d", "offscreen", "wayland", "windows", "xcb"),
    "platformthemes": ("xdgdesktopportal",),
    "tls": (),
}
"""Kind of Qt plugin -> those that a desktop needs. Kinds that are not named stay whole."""

_UNWANTED = re.compile(
    r"torch/(include|share|test)/"
    r"|torch/bin/(?!torch_shm_manager)"  # torch asks for this one when it is imported
    r"|torch/lib/\w*(backend_with_compiler|jitbackend_test|torchbind_test|aoti_custom_ops)"
    r"|torchvision/\w+\.(so|pyd|dll|dylib)$"
    rf"|imagecodecs/(?!({'|'.join(decoders.PARTS)})\.)_?\w+[\w.-]*\.(so|pyd|dll|dylib)$"
    r"|PySide6/(Qt/)?(qml|translations|metatypes|libexec)/"
    r"|(_pytest|pluggy|pytest|hypothesis|networkx|fsspec|huggingface_hub)[^/]*\.dist-info/"
    r"|.*\.(a|lib|pyi|h|hpp|cuh|cmake)$"
)
_PLUGIN = re.compile(r"PySide6/(?:Qt/)?plugins/([\w-]+)/(?:lib)?q?([\w-]+)\.\w+$")
_REFUSED_LIBRARY = re.compile(r"(lib)?(readline|history|gdbm|gdbm_compat|db-\d|gsl|fftw3|x264|x265)\b")


def is_wanted(place: str) -> bool:
    """Whether what lies at this path of the bundle is used at all."""
    place = place.replace("\\", "/")
    if plugin := _PLUGIN.match(place):
        kind, name = plugin.groups()
        return name in PLUGINS.get(kind, (name,))
    return not _UNWANTED.match(place)


def lighter(found: Iterable[Entry], needs: Needs) -> list[Entry]:
    """Without what is unwanted, the libraries that are there only for it, and links to either."""
    entries = list(found)
    needed_by = cache(lambda path: frozenset(str(Path(one).resolve()) for one in needs(path)))
    unwanted = [entry for entry in entries if not is_wanted(entry[0])]
    wanted = [entry for entry in entries if is_wanted(entry[0])]
    suspects = _reached((entry[1] for entry in unwanted if entry[2] == "BINARY"), needed_by)
    if suspects:
        roots = [entry for entry in wanted if _is_library(entry) and _resolved(entry) not in suspects]
        suspects = suspects - _reached((entry[1] for entry in roots), needed_by)
    kept = [entry for entry in wanted if not (_is_library(entry) and _resolved(entry) in suspects)]
    return _without_links_to({Path(one[0]).as_posix() for one in set(entries) - set(kept)}, kept)


def refused(entries: Iterable[Entry]) -> list[str]:
    """Libraries that must not be given away with this program: their licence (GPL) would have to be ours."""
    return sorted({entry[0] for entry in entries if _REFUSED_LIBRARY.match(entry[0].replace("\\", "/").rpartition("/")[2])})


def _is_library(entry: Entry) -> bool:
    return entry[2] in ("BINARY", "EXTENSION")


def _resolved(entry: Entry) -> str:
    return str(Path(entry[1]).resolve())


def _reached(starts: Iterable[str], needed_by: Needs) -> set[str]:
    """All libraries that these need, and those that they need in turn."""
    reached: set[str] = set()
    waiting = list(starts)
    while waiting:
        new = set(needed_by(waiting.pop())) - reached
        reached |= new
        waiting += new
    return reached


def _without_links_to(left_out: set[str], entries: list[Entry]) -> list[Entry]:
    """Without links to what was left out. A link's second field is its target, relative to the folder that it lies in."""
    return [one for one in entries if one[2] != "SYMLINK" or _target(one) not in left_out]


def _target(link: Entry) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(Path(link[0]).as_posix()), Path(link[1]).as_posix()))
