"""Small pictures of radiographs as files: read from the cache, or decoded by the one pipeline and put there. No Qt.

The cache lies in PROJECT.cxr/cache/thumbnails and may be deleted at any time. A picture is found by the digest of the image's
content, the version of the pipeline and its size, so a changed file or a changed pipeline is never shown as it was.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from trainer import files, images
from trainer.errors import ImageError
from trainer.geometry import fit_box

STORED = (128, 256, 512)
"""Long sides in pixels that are kept on disk; what is shown is reduced from the next larger one."""
QUALITY = 92
LIMIT = 2**30
"""Bytes of all files together; beyond it those written longest ago go."""
LOOK_EVERY = 64
"""Files written into one of the 256 folders between two looks at its size."""

Pixels = NDArray[np.uint8]


def small(path: Path, digest: str, side: int, cache: Path) -> Pixels | str:
    """The image of a file in `side` pixels along its longer edge, uint8 [h, w]; or in words why it cannot be shown."""
    stored = next((size for size in STORED if size >= side), STORED[-1])
    kept = cache / f"{stored}-v{images.PIPELINE}" / digest[:2] / f"{digest}.jpg"
    pixels = _kept(kept)
    if pixels is None:
        made = _made(path, digest, stored)
        if isinstance(made, str):
            return made
        pixels = made
        if cache.parent.parent.is_dir():  # a project that was moved away must not come back as a folder of pictures
            _keep(kept, pixels)
    return _reduced(pixels, side)


def _kept(file: Path) -> Pixels | None:
    """The picture in a file of the cache; a damaged one counts as absent."""
    try:
        with PIL.Image.open(file, formats=("JPEG",)) as picture:
            return np.asarray(picture.convert("L"))
    except (OSError, SyntaxError, ValueError):
        return None


def _made(path: Path, digest: str, side: int) -> Pixels | str:
    try:
        content = path.read_bytes()
        if files.digest(content) != digest:
            return "The file has changed since it was imported"
        pixels = images.decode(content, name=path.name).pixels
    except ImageError as error:
        return error.what
    except OSError as error:
        return files.storage_error(error, path).what
    left, top, right, bottom = fit_box((pixels.shape[0], pixels.shape[1]), side, "pad").target
    return images.to_square(pixels, side, "pad")[top:bottom, left:right]


def _reduced(pixels: Pixels, side: int) -> Pixels:
    longest = max(pixels.shape)
    if longest == side:
        return pixels
    height, width = (max(1, round(length * side / longest)) for length in pixels.shape)
    return np.asarray(PIL.Image.fromarray(pixels).resize((width, height), PIL.Image.Resampling.BILINEAR))


def _keep(file: Path, pixels: Pixels) -> None:
    """Put a picture into the cache, whole or not at all; where the disk refuses, do without.

    Without fsync, unlike `files.atomic`: it would take longer than decoding, and what a power cut spoils is made again.
    """
    temporary = file.with_name(f".{file.stem}.{secrets.token_hex(4)}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels).save(temporary, "JPEG", quality=QUALITY)
        temporary.replace(file)
        if secrets.randbelow(LOOK_EVERY) == 0:
            trim(file.parent, LIMIT // 256)
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def trim(folder: Path, limit: int) -> None:
    """Delete the files of a folder that were written longest ago until they take `limit` bytes or less."""
    with os.scandir(folder) as found:
        sizes = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in found if entry.is_file())
    used = sum(size for _, size, _ in sizes)
    for _, size, path in sizes:
        if used <= limit:
            return
        Path(path).unlink(missing_ok=True)
        used -= size
