"""Pretrained weights as files: downloaded once, checked, and read without running anything that lies in them."""

import contextlib
import glob
import hashlib
import http.client
import pickle
import re
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import safetensors
import safetensors.torch
import torch

from trainer import files
from trainer.architectures import BACKBONES
from trainer.downloads import folder as folder
from trainer.errors import Progress, StorageError, WeightsError
from trainer.vision import torchvision

EDITION = "IMAGENET1K_V1"
"""Every backbone of torchvision has this edition, and it is the one that the literature on radiographs compares with."""

_TIMEOUT = 30.0  # seconds without a single byte
_CHUNK = 1 << 18
_LOCAL = ("localhost", "127.0.0.1", "::1")
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
_PREFIXES = ("module.", "_orig_mod.", "state_dict.", "model.", "net.", "backbone.")
_CODE = ("GLOBAL", "allowlisted", "TorchScript")  # the words of torch's refusal to run anything
# What torch's readers raise on files that are cut short, overwritten or no weights at all.
_DAMAGE = (
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    ImportError,
    MemoryError,
    struct.error,
    pickle.UnpicklingError,
)


def address(backbone: str) -> str:
    """The https address of the ImageNet weights, torchvision's or timm's. Raises `WeightsError` for a network without them."""
    row = BACKBONES.get(backbone)
    if row is not None and row.address:
        return row.address
    try:
        return str(torchvision.models.get_model_weights(backbone)[EDITION].url)
    except (ValueError, KeyError) as error:
        raise WeightsError(
            "There are no ImageNet weights for this backbone",
            where=backbone,
            remedy="Start it from random weights (weights: none) or from a file.",
        ) from error


def imagenet(backbone: str, progress: Progress | None = None) -> Path:
    """Return the file of a network's ImageNet weights, downloading it the first time.

    A whole file in our folder or in torch's own cache is taken as it is. Progress counts bytes; the total is 0 while it is
    unknown. Raises `WeightsError` (no such weights, offline, damaged on the way, no room) and passes `Stopped` through.
    """
    url = address(backbone)
    name = url.rpartition("/")[2]
    for place in (folder(), Path(torch.hub.get_dir()) / "checkpoints"):
        if _is_whole(place / name):
            return place / name
    return download(url, folder(), progress)


def download(url: str, target: Path, progress: Progress | None = None) -> Path:
    """Fetch `url` into the folder `target` and check it against the SHA-256 prefix in its name (name-0123abcd.pth).

    Only https, and http to this computer itself. Nothing half-made stays. Raises `WeightsError`; `Stopped` passes through.
    """
    path = target / Path(urllib.parse.urlsplit(url).path).name
    _check_address(url, path)
    _sweep(path)
    opener = urllib.request.build_opener(_CheckedRedirects(path))
    request = urllib.request.Request(url, headers={"User-Agent": "cxr-desktop"})  # noqa: S310 - the address is checked above
    try:
        with opener.open(request, timeout=_TIMEOUT) as response:
            _save(response, url, path, progress)
    except urllib.error.HTTPError as error:
        error.close()
        _refuse(f"The server answered {error.code} {error.reason}", url, path, error)
    except StorageError as error:
        _refuse(f"{error.what}, so that the weights cannot be saved", url, path, error)
    except (OSError, http.client.HTTPException) as error:
        _refuse(f"The weights cannot be downloaded ({_reason(error)})", url, path, error)
    return path


def load(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a .safetensors, .pth or .pt file, told apart by content, on the CPU, by their plain names.

    Wrappers ("state_dict") and prefixes ("module.", "model.") are taken off. Pickles are read with `weights_only=True`, so
    that no code in them runs. Raises `WeightsError` for what is no weights file and `StorageError` if it cannot be opened.
    """
    with files.storage_in_words(path), path.open("rb") as file:
        start = file.read(16)
    # A safetensors file begins with the length of its header, and any bytes may be a length: those of a pickle or zip too.
    is_pickle = start[8:9] != b"{" and (start[:2] == b"PK" or start[:1] == b"\x80")
    tensors = _unwrapped(_read_pickle(path) if is_pickle else _read_safetensors(path, start))
    if not any(tensor.is_floating_point() for tensor in tensors.values()):
        raise WeightsError(
            "The file holds no weights of a network", where=path, remedy="Choose a file with the state_dict of a network."
        )
    return tensors


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to an address that would have been taken in the first place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: str) -> Any:  # noqa: ANN401 - urllib's own
        try:
            _check_address(newurl, self.path)
        except WeightsError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str, path: Path) -> None:
    parts = urllib.parse.urlsplit(url)
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)):
        _refuse("Weights are only downloaded over https", url, path, None)


def _sweep(path: Path) -> None:
    """Remove what killed downloads of a file have left; one that lives has been written to in the last `_TIMEOUT` seconds."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 10 * _TIMEOUT:
                left.unlink()


def _save(response: Any, url: str, path: Path, progress: Progress | None) -> None:  # noqa: ANN401 - urllib's response
    length = response.headers.get("Content-Length") or ""
    total = int(length) if length.isdecimal() else 0
    done, checksum = 0, hashlib.sha256()
    with files.atomic(path) as file:
        while chunk := _received(response, url, path):
            file.write(chunk)
            checksum.update(chunk)
            done += len(chunk)
            if progress:
                progress(done, max(total, done) if total else 0)
        if done < total:
            _refuse(f"The download broke off after {done} of {total} bytes", url, path, None)
        if not checksum.hexdigest().startswith(_expected(path)):
            _refuse("What was downloaded is not the file that was asked for (its checksum differs)", url, path, None)


def _received(response: Any, url: str, path: Path) -> bytes:  # noqa: ANN401 - urllib's response
    # Inside files.atomic every OSError is taken for one of the disk; those of the line are put into words here.
    try:
        return bytes(response.read(_CHUNK))
    except (OSError, http.client.HTTPException) as error:
        _refuse(f"The download broke off ({_reason(error)})", url, path, error)


def _reason(error: BaseException) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"no answer for {_TIMEOUT:.0f} seconds"
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__).rstrip(".")


def _refuse(what: str, url: str, path: Path, cause: BaseException | None) -> NoReturn:
    raise WeightsError(
        what,
        where=url,
        remedy=f"Without internet: fetch that file on another computer and put it at {path}, choose a weights file "
        "(--set model.weights=FILE), or take a recipe that needs none (--recipe scattering).",
    ) from cause


def _expected(path: Path) -> str:
    found = re.search(r"-([a-f0-9]{8,})\.[a-z]+$", path.name)
    return found[1] if found else ""


def _is_whole(path: Path) -> bool:
    if not path.is_file():
        return False
    with files.storage_in_words(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(_expected(path))


def _read_safetensors(path: Path, start: bytes) -> Mapping[str, torch.Tensor]:
    if len(start) < 9 or start[8:9] != b"{":
        raise WeightsError(
            "This is no weights file",
            where=path,
            remedy="Choose a .safetensors, .pth or .pt file; a page saved from a browser is none.",
        )
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, *_DAMAGE) as error:
        _damaged(path, error)


def _read_pickle(path: Path) -> object:
    try:
        # An open file, since torch chooses another reader by the name of a path; and its warnings about old or foreign
        # pickles tell a person nothing that the outcome does not.
        with files.storage_in_words(path), path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        if any(word in str(error) for word in _CODE):
            raise WeightsError(
                "The file holds more than weights (Python objects or code), and such files are not opened",
                where=path,
                remedy="Ask for the state_dict alone, best as .safetensors.",
            ) from error
        _damaged(path, error)


def _damaged(path: Path, error: BaseException) -> NoReturn:
    raise WeightsError("The weights file is damaged or incomplete", where=path, remedy="Copy or download it again.") from error


def _unwrapped(content: object) -> dict[str, torch.Tensor]:
    while isinstance(content, Mapping):
        inner = next((content[name] for name in _WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        return {}
    tensors: dict[str, torch.Tensor] = {}
    for name, value in content.items():
        if isinstance(name, str) and _is_plain(value):
            plain = _without_prefixes(name)
            tensors[name if plain in tensors else plain] = value.detach()
    return tensors


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and not value.is_quantized
        and not value.is_complex()
        and value.device.type == "cpu"
    )


def _without_prefixes(name: str) -> str:
    while prefix := next((prefix for prefix in _PREFIXES if name.startswith(prefix)), ""):
        name = name.removeprefix(prefix)
    return name
