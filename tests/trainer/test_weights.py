"""Weights files: downloads that are whole or not there, and readers that run nothing and call damage by its name."""

import contextlib
import functools
import hashlib
import http.server
import io
import os
import pickle
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer import files, recipes, weights
from trainer.errors import Stopped, StorageError, WeightsError
from trainer.vision import torchvision

STATE = {"features.0.weight": torch.arange(6.0).reshape(2, 3), "features.0.bias": torch.ones(2)}
BODY = bytes(range(256)) * 4096  # 1 MiB: several chunks
NAME = f"net-{hashlib.sha256(BODY).hexdigest()[:8]}.pth"


def same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor] = STATE) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


# --- download


class Handler(http.server.BaseHTTPRequestHandler):
    """What a server can do to a download; the path says which."""

    agents: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.agents.append(self.headers["User-Agent"])
        kind = self.path.split("/")[1]
        if kind == "gone":
            self.send_error(404)
        elif kind in ("elsewhere", "here"):
            self.send_response(302)
            self.send_header("Location", "http://example.org/" + NAME if kind == "elsewhere" else f"/whole/{NAME}")
            self.end_headers()
        elif kind == "silent":
            self.close_connection = True
        else:
            self._body(kind)

    def _body(self, kind: str) -> None:
        self.send_response(200)
        if kind != "unsized":
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if kind == "short" else BODY[::-1] if kind == "changed" else BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Nothing: the test's output is not a log."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    monkeypatch.setenv("no_proxy", "*")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=functools.partial(running.serve_forever, poll_interval=0.01))
        thread.start()
        yield lambda kind: f"http://127.0.0.1:{running.server_port}/{kind}/{NAME}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["whole", "unsized", "here"])
def test_a_download_is_whole_and_counts_its_bytes(server: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    told: list[tuple[int, int]] = []
    path = weights.download(server(kind), tmp_path / "new" / "weights", lambda done, total: told.append((done, total)))
    assert path == tmp_path / "new" / "weights" / NAME
    assert path.read_bytes() == BODY
    assert told[-1] == (len(BODY), 0 if kind == "unsized" else len(BODY))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) > 1
    assert Handler.agents[-1] == "cxr-desktop"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("gone", r"answered 404 Not Found"),
        ("short", r"broke off"),
        ("changed", r"checksum differs"),
        ("silent", r"cannot be downloaded"),
        ("elsewhere", r"only downloaded over https \(http://example\.org"),
    ],
)
def test_a_bad_download_leaves_words_and_no_file(server: Callable[[str], str], tmp_path: Path, kind: str, words: str) -> None:
    with pytest.raises(WeightsError, match=words) as caught:
        weights.download(server(kind), tmp_path)
    assert NAME in caught.value.where
    assert str(tmp_path / NAME) in caught.value.remedy
    assert recipes.load(caught.value.remedy.split("--recipe ")[1].removesuffix(").")).settings.model.weights == "none"
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_keeps_the_file_that_was_there(server: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"before")
    with pytest.raises(WeightsError):
        weights.download(server("changed"), tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(NAME, b"before")]


def test_what_a_killed_download_left_goes_with_the_next_one(server: Callable[[str], str], tmp_path: Path) -> None:
    dead, living, other = (tmp_path / f".{name}.tmp" for name in (f"{NAME}.0000aaaa", f"{NAME}.0000bbbb", "x.pth.0000cccc"))
    for left in (dead, living, other):
        left.write_bytes(b"half")
    for left in (dead, other):
        os.utime(left, (1e9, 1e9))
    weights.download(server("whole"), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {NAME, living.name, other.name}


def test_stopping_passes_through_and_leaves_nothing(server: Callable[[str], str], tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        weights.download(server("whole"), tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_no_server_is_told_with_the_address_and_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as unused:
        url = f"http://127.0.0.1:{unused.server_port}/{NAME}"
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(.+\)") as caught:
        weights.download(url, tmp_path)
    assert caught.value.where == url
    assert str(tmp_path / NAME) in str(caught.value)


def test_a_server_that_falls_asleep_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sleeping(io.BytesIO):
        headers: ClassVar[dict[str, str]] = {"Content-Length": "10"}

        def read(self, size: int | None = -1) -> bytes:
            raise TimeoutError

    monkeypatch.setattr("urllib.request.OpenerDirector.open", lambda *_, **__: Sleeping())
    with pytest.raises(WeightsError, match=r"broke off \(no answer for 30 seconds\)"):
        weights.download(f"https://example.org/{NAME}", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(server: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("trainer.files.os.fsync", full)
    with pytest.raises(WeightsError, match="The disk is full, so that the weights cannot be saved"):
        weights.download(server("whole"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://example.org/a.pth", "ftp://example.org/a.pth", "file:///a.pth", "http://localhost.example.org/a"]
)
def test_only_https_is_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(WeightsError, match="only downloaded over https"):
        weights.download(url, tmp_path)


# --- imagenet


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An address whose file has the content BODY; torch's own cache is an empty folder."""
    url = f"https://example.org/{NAME}"
    monkeypatch.setattr(weights, "address", lambda backbone: url)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return url


def test_imagenet_takes_a_whole_file_that_is_there(known: str) -> None:
    files.write_bytes(weights.folder() / NAME, BODY)
    assert weights.imagenet("squeezenet1_1") == weights.folder() / NAME


def test_imagenet_takes_what_torch_has_fetched_before(known: str, tmp_path: Path) -> None:
    place = tmp_path / "torch" / "hub" / "checkpoints" / NAME
    files.write_bytes(place, BODY)
    assert weights.imagenet("squeezenet1_1") == place


def test_imagenet_fetches_what_is_missing_or_damaged(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(weights, "download", lambda url, target, progress: asked.append((url, target)) or target / NAME)
    files.write_bytes(weights.folder() / NAME, BODY[:-1])
    weights.imagenet("squeezenet1_1")
    assert asked == [(known, weights.folder())]


def test_every_torchvision_backbone_has_an_address_with_a_checksum() -> None:
    for name in ("alexnet", "squeezenet1_1", "vgg16", "googlenet", "resnet50", "densenet121", "convnext_tiny"):
        url = weights.address(name)
        assert url == torchvision.models.get_model_weights(name).IMAGENET1K_V1.url
        assert url.startswith("https://download.pytorch.org/")
        assert len(weights._expected(Path(url))) == 8


@pytest.mark.parametrize("name", ["cxr_small", "maskrcnn", "raft_small"])
def test_a_network_without_imagenet_weights_says_so(name: str) -> None:
    with pytest.raises(WeightsError, match="no ImageNet weights"):
        weights.address(name)


# --- reading


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "a.bin"])
def test_safetensors_are_known_by_content(tmp_path: Path, name: str) -> None:
    safetensors.torch.save_file(STATE, tmp_path / name)
    assert same(weights.load(tmp_path / name))


@pytest.mark.parametrize("start", [b"\x80", b"PK"])
def test_safetensors_whose_length_looks_like_a_pickle_or_zip_are_read(tmp_path: Path, start: bytes) -> None:
    contents = (safetensors.torch.save(STATE, {"note": "x" * (8 * n)}) for n in range(20_000 // 8))
    content = next(content for content in contents if content.startswith(start))
    (tmp_path / "a.safetensors").write_bytes(content)
    assert same(weights.load(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_of_both_formats_are_read(tmp_path: Path, zipped: bool) -> None:
    torch.save(STATE, tmp_path / "a.safetensors", _use_new_zipfile_serialization=zipped)
    assert same(weights.load(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("prefix", ["module.", "model.", "net.", "backbone.", "_orig_mod.", "module.model.", "model.backbone."])
@pytest.mark.parametrize("wrapper", ["", "state_dict", "model", "model_state_dict"])
def test_wrappers_and_prefixes_are_taken_off(tmp_path: Path, prefix: str, wrapper: str) -> None:
    state: dict[str, object] = {prefix + name: value for name, value in STATE.items()}
    if wrapper:
        state = {"epoch": 3, wrapper: {**state, "note": "text"}, "optimizer": {"lr": torch.ones(1)}}
    torch.save(state, tmp_path / "a.pth")
    assert same(weights.load(tmp_path / "a.pth"))


def test_two_names_that_become_one_are_both_kept(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1), "module.a": torch.ones(1)}, tmp_path / "a.pth")
    assert same(weights.load(tmp_path / "a.pth"), {"a": torch.zeros(1), "module.a": torch.ones(1)})


def test_parameters_come_without_a_gradient(tmp_path: Path) -> None:
    torch.save({"a": torch.nn.Parameter(torch.ones(1))}, tmp_path / "a.pth")
    assert not weights.load(tmp_path / "a.pth")["a"].requires_grad


class Malice:
    """Writes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"echo ran > {self.trace}",)


@pytest.mark.parametrize("form", ["torch", "legacy", "pickle"])
def test_code_in_a_file_is_refused_and_does_not_run(tmp_path: Path, form: str) -> None:
    path, trace = tmp_path / "a.pth", tmp_path / "trace"
    content = {**STATE, "extra": Malice(trace)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(Malice(trace), protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "torch")
    with pytest.raises(WeightsError, match="not opened") as caught:
        weights.load(path)
    assert not trace.exists()
    assert "Python objects or code" in str(caught.value)
    with path.open("rb") as file:
        pickle.load(file) if form == "pickle" else torch.load(file, weights_only=False)
    assert trace.exists()  # the test's own check: without the guard it would have run


def test_a_whole_network_as_a_pickle_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="more than weights"):
        weights.load(tmp_path / "a.pt")


def saved(form: str) -> bytes:
    buffer = io.BytesIO()
    if form == "safetensors":
        return safetensors.torch.save(STATE)
    torch.save(STATE, buffer, _use_new_zipfile_serialization=form == "zip")
    return buffer.getvalue()


@given(form=st.sampled_from(["safetensors", "zip", "legacy"]), cut=st.floats(0, 0.999))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_anywhere_is_refused_in_words(tmp_path: Path, form: str, cut: float) -> None:
    content = saved(form)
    path = tmp_path / "cut"
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(WeightsError):
        weights.load(path)


@given(form=st.sampled_from(["safetensors", "zip", "legacy"]), data=st.data())
@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_changed_bytes_are_read_or_refused_never_a_crash(tmp_path: Path, form: str, data: st.DataObject) -> None:
    content = bytearray(saved(form))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed"
    path.write_bytes(bytes(content))
    with contextlib.suppress(WeightsError):
        assert all(isinstance(value, torch.Tensor) for value in weights.load(path).values())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no weights file"),
        (b"<!DOCTYPE html><html></html>", "page saved from a browser"),
        (struct.pack("<Q", 1 << 60) + b"{", "damaged or incomplete"),
        (struct.pack("<Q", 2) + b"{}", "holds no weights"),
        (struct.pack("<Q", 9) + b'{"a": 1  ', "damaged or incomplete"),
    ],
)
def test_what_is_no_weights_file_is_told_apart(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=words):
        weights.load(tmp_path / "a.safetensors")


def test_a_zip_of_something_else_is_damaged(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(WeightsError, match="damaged"):
        weights.load(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "content", [{"epoch": 3}, [1, 2], {"a": torch.ones(1, dtype=torch.int8)}, {"a": torch.ones(2).to_sparse()}]
)
def test_a_torch_file_without_weights_says_so(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="holds no weights"):
        weights.load(tmp_path / "a.pth")


def test_a_path_that_cannot_be_opened_is_the_disks_matter(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        weights.load(tmp_path / "gone.pth")
    with pytest.raises(StorageError):
        weights.load(tmp_path)


def test_the_real_files_are_read(shared_data: Path) -> None:
    for path in sorted((shared_data / "weights").glob("*.safetensors")):
        tensors = weights.load(path)
        assert len(tensors) >= 50
        assert all(torch.isfinite(value).all() for value in tensors.values())
