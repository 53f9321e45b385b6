"""The test environment: no network, no user's folders, nothing that outlives its test."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lungs import _drawn, _judged, _lungs, drawn, lungs, run_folder  # noqa: F401 - fixtures of the window's tests

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Before torch is imported: threads that wait for each other by spinning take ten times as long beside other programs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real radiographs, DICOM files and weights; they are not part of the project, so tests skip without them."""
    folder = Path(os.environ.get("CXR_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real test data is absent: set CXR_TEST_DATA (looked in {folder.name}/)")
    return folder


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches, settings and data of the tests never touch those of the person who runs them."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"):
        monkeypatch.setenv(name, str(home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this computer may be reached."""
    import socket

    connect = socket.socket.connect

    def local_only(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else str(address)
        if self.family != getattr(socket, "AF_UNIX", None) and host not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test reached for the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(autouse=True)
def _nothing_outlives() -> Iterator[None]:
    """A thread that a test started ends with it (a pool may take a moment to join)."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith(("pydev", "Dummy")):
            continue
        thread.join(timeout=5)
        assert not thread.is_alive(), f"thread {thread.name} outlives its test"
