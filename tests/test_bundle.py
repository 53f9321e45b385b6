"""The bundle without building it: what is left out, licences, and the instruments of the proof. `make bundle` does the rest."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image

from bundle import contents, icon, licences, prove, sealed, sizes, symbols
from bundle.screen import VirtualScreen
from trainer import decoders

ROOT = Path(__file__).parent.parent
CODE = sorted(path for package in ("trainer", "cxr_desktop") for path in (ROOT / package).rglob("*.py"))


def _required(name: str, seen: dict[str, importlib.metadata.Distribution]) -> dict[str, importlib.metadata.Distribution]:
    """A distribution and all that it needs on this system, extras left aside."""
    if name.lower() not in seen:
        found = seen[name.lower()] = importlib.metadata.distribution(name)
        for line in found.requires or ():
            marker = line.partition(";")[2]
            if "extra" not in marker and "sys_platform" not in marker and "platform_system" not in marker:
                match = re.match(r"[\w.-]+", line)
                assert match
                try:
                    _required(match[0], seen)
                except importlib.metadata.PackageNotFoundError:
                    assert marker, f"{name} needs {match[0]}"
    return seen


# The description


def test_the_description_is_python_and_names_two_programs() -> None:
    tree = ast.parse((ROOT / "build.spec").read_text(encoding="utf-8"))
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert {"Analysis", "PYZ", "EXE", "COLLECT"} <= calls
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert {"cxr-desktop", "cxr-trainer", "cxr_desktop", "trainer", "__main__.py", "start.py"} <= texts


@pytest.mark.parametrize("package", ["trainer", "cxr_desktop"])
def test_frozen_children_are_dealt_with_before_anything_else(package: str) -> None:
    tree = ast.parse((ROOT / package / "__main__.py").read_text(encoding="utf-8"))
    names = [ast.unparse(node) for node in tree.body if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call)]
    assert names[:3] == ["import multiprocessing", "import sys", "multiprocessing.freeze_support()"]


def test_the_window_of_a_bundle_finds_its_trainer_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cxr_desktop import commands

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "cxr-desktop"))
    assert [Path(word).stem for word in commands.program()] == ["cxr-trainer"]
    assert Path(commands.program()[0]).parent == tmp_path


def _started(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> dict[str, str]:
    """The environment as it is after the preparations of a bundle's program."""
    monkeypatch.setattr(os, "environ", environment)
    runpy.run_path(str(ROOT / "bundle" / "start.py"))
    return environment


def test_what_we_start_gets_the_environment_that_we_were_started_with(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"LD_LIBRARY_PATH": "inside", "QT_PLUGIN_PATH": "inside", "QML2_IMPORT_PATH": "inside", "SSL_CERT_FILE": "own"}
    assert _started(monkeypatch, {**ours, "LD_LIBRARY_PATH_ORIG": "before"}) == {
        "LD_LIBRARY_PATH": "before",
        "SSL_CERT_FILE": "own",
    }
    assert _started(monkeypatch, ours) == {"SSL_CERT_FILE": "own"}


def test_certificates_are_looked_for_where_this_system_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _started(monkeypatch, {"SSL_CERT_DIR": "own"}) == {"SSL_CERT_DIR": "own"}
    found = _started(monkeypatch, {}).get("SSL_CERT_FILE")
    assert found is None or Path(found).is_file()
    if Path("/etc/debian_version").exists() and Path("/etc/ssl/certs/ca-certificates.crt").exists():
        assert found == "/etc/ssl/certs/ca-certificates.crt"


# What is left out


def test_nothing_of_ours_names_a_module_that_is_left_out() -> None:
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{name}" for name in names)]
            for name in names:
                assert not _is_left_out(name), f"{path.name} imports {name}"


def _is_left_out(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in contents.MODULES_LEFT_OUT)


def test_all_pages_open_and_a_network_learns_without_what_is_left_out() -> None:
    """As in a bundle: these modules cannot be imported. Training imports more of torch than one would think."""
    code = f"""
import sys

LEFT_OUT = {contents.MODULES_LEFT_OUT!r}

class Sieve:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        if not any(name == one or name.startswith(one + ".") for one in LEFT_OUT):
            return self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Sieve(finder) for finder in sys.meta_path]
import torch
from trainer import cli_learning, models, plots
from cxr_desktop import app
from cxr_desktop.pages import dataset, evaluation, review, training

network = torch.nn.Linear(2, 1)
optimiser = torch.optim.AdamW(network.parameters())
network(torch.ones(3, 2)).sum().backward()
optimiser.step()
with torch.device("meta"):
    models.build("resnet18", 2)
    assert "timm" not in sys.modules  # which is only loaded for the networks that come from it
    models.build("resnet50v2_xception", 2)
    assert "timm" in sys.modules
print(sorted(name for name in sys.modules if any(name == one or name.startswith(one + ".") for one in LEFT_OUT)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "place",
    [
        "torch/bin/protoc",
        "torch/bin/test_api",
        "torch\\include\\ATen\\ATen.h",
        "torch/lib/libtorchbind_test.so",
        "torchvision/_C.so",
        "torchvision/image.pyd",
        "PySide6/Qt/plugins/platforms/libqeglfs.so",
        "PySide6/Qt/plugins/platforms/libqvnc.so",
        "PySide6/plugins/platforms/qminimal.dll",
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/plugins/egldeviceintegrations/libqeglfs-x11-integration.so",
        "PySide6/Qt/plugins/imageformats/libqtiff.so",
        "PySide6/translations/qtbase_de.qm",
        "hypothesis-6.170.15.dist-info/METADATA",
        "imagecodecs/_htj2k.abi3.so",
        "imagecodecs/_avif.cp311-win_amd64.pyd",
        "imagecodecs/_jpegxl.abi3.so",
        "imagecodecs/_jpeg2kx.abi3.so",
    ],
)
def test_what_no_desktop_needs_is_left_out(place: str) -> None:
    assert not contents.is_wanted(place)


@pytest.mark.parametrize(
    "place",
    [
        "torch/bin/torch_shm_manager",
        "torch/bin/torch_shm_manager.exe",
        "torch/lib/libtorch_cpu.so",
        "torch/lib/torch_cpu.dll",
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "PySide6/plugins/platforms/qwindows.dll",
        "PySide6/plugins/styles/qmodernwindowsstyle.dll",
        "PySide6/Qt/plugins/iconengines/libqsvgicon.so",
        "PySide6/Qt/plugins/wayland-shell-integration/libxdg-shell.so",
        "trainer/resources/report.html",
        "pydicom/data/charset_files/chrFren.dcm",
        "libsqlite3.so.0",
        "imagecodecs/_jpeg2k.abi3.so",
        "imagecodecs/_jpeg8.cp311-win_amd64.pyd",
        "imagecodecs/_shared_cython.abi3.so",
        "imagecodecs.libs/libcharls-715d4a91.so.2.4.3",
    ],
)
def test_what_is_needed_stays_on_every_system(place: str) -> None:
    assert contents.is_wanted(place)


def _library(folder: Path, place: str) -> contents.Entry:
    path = folder / place.replace("/", "-")
    path.touch()
    return place, str(path), "BINARY"


def test_with_a_plugin_goes_what_is_there_only_for_it(tmp_path: Path) -> None:
    plugin = _library(tmp_path, "PySide6/Qt/plugins/platformthemes/libqgtk3.so")
    window = _library(tmp_path, "PySide6/QtWidgets.abi3.so")
    gtk, pango, glib = (_library(tmp_path, name) for name in ("libgtk-3.so.0", "libpango-1.0.so.0", "libglib-2.0.so.0"))
    links: list[contents.Entry] = [("libgtk.so", "libgtk-3.so.0", "SYMLINK"), ("libglib.so", "libglib-2.0.so.0", "SYMLINK")]
    linked: Mapping[str, list[str]] = {plugin[1]: [gtk[1]], gtk[1]: [pango[1]], pango[1]: [glib[1]], window[1]: [glib[1]]}
    data: contents.Entry = ("trainer/resources/report.html", str(tmp_path / "report.html"), "DATA")
    kept = contents.lighter([plugin, window, gtk, pango, glib, *links, data], lambda path: linked.get(path, []))
    assert kept == [window, glib, links[1], data]


def test_modules_that_are_found_by_name_are_named_to_the_freezer() -> None:
    assert "hiddenimports=list(contents.FOUND_BY_NAME)" in (ROOT / "build.spec").read_text(encoding="utf-8")
    assert "imagecodecs._jpeg8" in contents.FOUND_BY_NAME
    for name in contents.FOUND_BY_NAME:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        place = Path(found.origin)
        assert contents.is_wanted(f"imagecodecs/{place.name}")


def test_of_the_codecs_only_those_in_use_go_into_a_bundle() -> None:
    folder = Path(importlib.util.find_spec("imagecodecs").origin).parent  # type: ignore[union-attr,arg-type]
    parts = [path for path in folder.iterdir() if path.suffix in (".so", ".pyd")]
    kept = [path for path in parts if contents.is_wanted(f"imagecodecs/{path.name}")]
    assert len(parts) > 40
    assert sorted(path.name.partition(".")[0] for path in kept) == sorted(decoders.PARTS)


def test_a_bundle_with_nothing_unwanted_stays_as_it_is(tmp_path: Path) -> None:
    def never(path: str) -> Iterator[str]:
        raise AssertionError(path)

    entries = [_library(tmp_path, "libsqlite3.so.0"), ("libz.so", "libz.so.1", "SYMLINK")]
    assert contents.lighter(entries, never) == entries


def test_libraries_under_the_gpl_are_refused_by_name() -> None:
    places = ["libreadline.so.8", "x/libgdbm.so.6", "libdb-5.3.so", "libQt6Core.so.6", "readline.py", "libdbus-1.so.3"]
    assert contents.refused([(place, place, "BINARY") for place in places[:4] + places[5:]]) == sorted(places[:3])


# Licences


@pytest.mark.parametrize(
    ("statement", "fit"),
    [
        ("MIT", True),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", True),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GNU Library or Lesser General Public License (LGPL)", True),
        ("Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND MIT", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("GNU General Public License v2 (GPLv2)", False),
        ("GNU Affero General Public License v3", False),
    ],
)
def test_a_licence_that_would_have_to_become_ours_is_told(statement: str, *, fit: bool) -> None:
    assert licences.may_be_bundled(statement) is fit


def test_all_that_the_program_needs_may_be_given_away_and_brings_its_licence() -> None:
    needed = _required("cxr-desktop", {})
    assert len(needed) > 20
    for found in needed.values():
        source = licences.source(found)
        assert source.licence, source.name
        assert all(text.stat().st_size > 100 for text in source.texts if not text.name.startswith("AUTHORS"))


def test_codecs_come_with_the_licences_of_what_they_are_made_of() -> None:
    texts = {text.name: text for text in licences.source(importlib.metadata.distribution("imagecodecs")).texts}
    libraries = licences.CARRIED["imagecodecs"]
    assert set(texts) == {"LICENSE", *(f"LICENSE-{library}" for library in libraries)}
    for text in texts.values():
        assert "GNU GENERAL PUBLIC LICENSE" not in text.read_text(encoding="utf-8").upper()


def test_qt_comes_with_the_lgpl_and_a_word_on_replacing_it() -> None:
    texts = licences.source(importlib.metadata.distribution("PySide6_Essentials")).texts
    assert [text.name for text in texts] == ["LGPL-3.0.txt", "GPL-3.0.txt", "Qt.txt"]
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in texts[0].read_text(encoding="utf-8")
    assert "_internal/PySide6" in texts[2].read_text(encoding="utf-8")


def test_a_gpl_library_stops_the_build(tmp_path: Path) -> None:
    folder = tmp_path / "leak-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: leak\nVersion: 1.0\nLicense-Expression: GPL-3.0-only\n")
    with pytest.raises(licences.UnfitLicenceError, match=r"leak 1\.0 is under 'GPL-3\.0-only'"):
        licences.source(importlib.metadata.Distribution.at(folder))


def test_a_library_without_the_text_of_its_licence_stops_the_build(tmp_path: Path) -> None:
    folder = tmp_path / "mute-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.4\nName: mute\nVersion: 1.0\nLicense-Expression: MIT\n")
    with pytest.raises(licences.UnfitLicenceError, match="brings no text"):
        licences.source(importlib.metadata.Distribution.at(folder))


def test_modules_lead_to_the_distributions_that_they_come_from() -> None:
    modules = ["PIL.Image", "numpy/core/x.so", "dateutil", "torchgen.model", "json", "libz.so.1", "PySide6\\QtCore.pyd"]
    names = [one.name for one in licences.distributions(modules)]
    assert names == ["numpy", "pillow", "PySide6_Essentials", "python-dateutil", "torch"]


def test_the_texts_are_written_beside_a_list(tmp_path: Path) -> None:
    torch = licences.source(importlib.metadata.distribution("torch"))
    licences.write(tmp_path / "licences", [torch, licences.python(), licences.Source("libodd.so (from here)", "unknown", ())])
    lines = (tmp_path / "licences" / "LIST.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition(":")[0] for line in lines[2:]] == [torch.name, licences.python().name, "libodd.so (from here)"]
    folders = sorted(path.name for path in (tmp_path / "licences").iterdir() if path.is_dir())
    assert len(folders) == 2
    assert len(list((tmp_path / "licences" / folders[1]).iterdir())) == len(torch.texts)


@pytest.mark.skipif(not Path("/usr/share/doc/libc6/copyright").is_file(), reason="only Debian and its kin keep texts there")
def test_a_library_of_the_system_is_known_by_its_package() -> None:
    library = next(Path("/usr/lib").rglob("libc.so.6"))
    own = str(next(Path(sys.prefix).rglob("*.so")))
    package, common = licences.system([("libc.so.6", str(library), "BINARY"), ("own.so", own, "BINARY")])
    assert package.name == "libc6 (from the operating system)"
    assert [str(text) for text in package.texts] == ["/usr/share/doc/libc6/copyright"]
    assert "LGPL-2.1" in [text.name for text in common.texts]


def test_a_library_of_no_known_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "libodd.so.1").touch()
    found = licences.system([("libodd.so.1", str(tmp_path / "libodd.so.1"), "BINARY")])
    assert [(one.name, one.texts) for one in found] == [("libodd.so.1 (from the operating system)", ())]


# The picture, the sizes, the proof


@pytest.mark.parametrize("suffix", [".png", ".ico", ".icns"])
def test_the_picture_is_drawn_for_every_system(qapp: object, tmp_path: Path, suffix: str) -> None:
    icon.run(tmp_path / f"icon{suffix}")
    with Image.open(tmp_path / f"icon{suffix}") as picture:
        assert min(picture.size) >= 256
        assert (255, 255, 255, 255) in {colour for _, colour in picture.convert("RGBA").getcolors(1 << 24) or ()}
        assert picture.convert("RGBA").getpixel((0, 0)) == (0, 0, 0, 0) or suffix == ".icns"


def test_every_file_of_a_bundle_belongs_to_a_part(tmp_path: Path) -> None:
    for place, room in [
        ("cxr-trainer", 5),
        ("_internal/torch/lib/a.so", 100),
        ("_internal/pillow.libs/b.so", 7),
        ("_internal/x", 1),
    ]:
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * room)
    (tmp_path / "_internal" / "link.so").symlink_to("torch/lib/a.so")
    parts = sizes.measured(tmp_path)
    assert parts[0] == ("torch", 100)
    assert dict(parts)["Pillow with its codecs"] == 7
    assert sum(room for _, room in parts) == 113


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("_internal/libpython3.11.so.1.0", "Python"),
        ("_internal/python311.dll", "Python"),
        ("_internal/numpy-2.4.6.dist-info/METADATA", "NumPy with OpenBLAS"),
        ("_internal/libX11.so.6", "other libraries (X11, OpenSSL, SQLite, GLib ...)"),
        ("cxr-desktop.exe", "cxr-desktop: its own and all other Python modules"),
        ("cxr-desktop.png", sizes.OTHER),
    ],
)
def test_a_file_is_counted_where_one_would_look_for_it(place: str, part: str) -> None:
    assert sizes.part(PurePosixPath(place)) == part


def test_only_libraries_are_stripped_and_patched_ones_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "numpy.libs").mkdir()
    (tmp_path / "numpy.libs" / "liba.so").write_bytes(symbols.ELF)
    for name, content in (("libb.so.1", symbols.ELF), ("program", symbols.ELF), ("text.so", b"not one")):
        (tmp_path / name).write_bytes(content)
    assert [path.name for path in symbols._libraries(tmp_path)] == ["libb.so.1"]


@pytest.fixture
def small_bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "_internal").mkdir(parents=True)
    (folder / "_internal" / "a.txt").write_text("a")
    (folder / "_internal" / "link").symlink_to("a.txt")
    return folder


def test_a_sealed_copy_tells_what_was_changed(small_bundle: Path, tmp_path: Path) -> None:
    with sealed.Sealed(small_bundle, tmp_path) as copy:
        inside = copy.folder / "_internal"
        assert copy.changes() == []
        assert not (inside / "a.txt").stat().st_mode & 0o222
        inside.chmod(0o755)
        (inside / "__pycache__").mkdir()
        (inside / "a.txt").chmod(0o644)
        (inside / "a.txt").write_text("b")
        assert copy.changes() == ["_internal/__pycache__", "_internal/a.txt"]
    assert not copy.folder.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_process_that_is_left_behind_is_seen_and_ended(
    small_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = small_bundle / "cxr-desktop"
    program.write_bytes(Path("/usr/bin/sleep").read_bytes())
    program.chmod(0o755)
    monkeypatch.setattr(sealed, "PATIENCE", 0.0)
    with sealed.Sealed(small_bundle, tmp_path) as copy:
        assert copy.left_behind() == {}
        process = subprocess.Popen([copy.program("cxr-desktop"), "60"])
        assert copy.left_behind() == {process.pid: str(copy.folder / "cxr-desktop")}
    assert process.wait(5) < 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_any_display_nothing_is_said_to_be_proved(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(VirtualScreen, "is_possible", lambda: False)
    assert prove.main([str(small_bundle)]) == 1
    said = capsys.readouterr().out
    assert "Not proved" in said
    assert "altogether" in said


@pytest.mark.skipif(not VirtualScreen.is_possible(), reason="Xvfb is not installed")
def test_a_bundle_that_cannot_start_is_not_proved(small_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("cxr-desktop", "cxr-trainer"):
        (small_bundle / name).write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
        (small_bundle / name).chmod(0o755)
    assert prove.main([str(small_bundle), "--times", "0"]) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(("blank", "colours"), [(True, 1), (True, 20), (False, 200)])
def test_a_picture_of_few_colours_is_blank(tmp_path: Path, *, blank: bool, colours: int) -> None:
    picture = Image.new("RGB", (20, 20))
    picture.putdata([(index % colours, 0, 0) for index in range(400)])
    picture.save(tmp_path / "page.png")
    assert prove._is_blank(tmp_path / "page.png") is blank


def test_the_window_needs_no_terminal(tmp_path: Path) -> None:
    """On Windows a windowed program has no stdout and no stderr at all."""
    told = tmp_path / "told.txt"
    code = f"""
import sys
from pathlib import Path
from PySide6.QtCore import QTimer

sys.stdout = sys.stderr = None
from cxr_desktop import app

def opened(window):
    Path({str(told)!r}).write_text(window.windowTitle())
    QTimer.singleShot(0, window.close)

sys.exit(app.main([], opened=opened))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0
    assert "CXR Desktop" in told.read_text()
