"""Radiograph files -> `Image`: the one way from a file to grey values, for training, viewing, predicting and explaining.

The format is recognised by content, never by extension. Rules for what is not DICOM:

* 8 bits and fewer, and colour: the theoretical range; colour becomes grey by ITU-R BT.601.
* 16 bits: the smallest of 8, 10, 12, 14 and 16 bits that holds the largest value, because 12-bit radiographs are often saved
  so and would be nearly black; a warning says when fewer than 16 are taken.
* Wider, negative or floating point values have no theoretical range: 1 % and 99 % percentiles (floats within 0..1 stay).
* Transparency is composited over black; an alpha channel that hides everything is left out, with a warning.
* EXIF orientation is applied; of several images in a file the first is taken, with a warning.

Everything here may be called from several threads at once.
"""

import hashlib
import io
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

from trainer import dicom, files, grey, headers, looks
from trainer.errors import ImageError
from trainer.geometry import Fit, from_square, to_square
from trainer.grey import Notes
from trainer.headers import Facts
from trainer.looks import PERCENTILES

__all__ = [
    "ALIKE",
    "PERCENTILES",
    "PIPELINE",
    "SUFFIXES",
    "Facts",
    "Fit",
    "Image",
    "content_of",
    "decode",
    "from_square",
    "looks_like_image",
    "read",
    "stored_digest",
    "to_square",
]

PIPELINE: int = 2
"""Version of everything between a file and its grey values; part of every cache key. Raise it when any value changes."""

ALIKE: frozenset[tuple[int, int]] = frozenset({(1, 2)})
"""Versions (of a network, of this program) between which its radiographs look the same. 2 made not square pixels square."""

SUFFIXES: frozenset[str] = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".dicom", ".dic"}
)
"""Extensions that promise an image."""

MAX_BYTES = 2**31
_KINDS = "PNG, JPEG, TIFF, BMP, WebP or DICOM"
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"RIFF": "WebP",
}
_BITS = {"1": 1, "I": 32, "F": 32, "I;16": 16, "I;16B": 16, "I;16L": 16, "I;16N": 16}
_REFUSALS: tuple[type[Exception], ...] = (
    *headers.REFUSALS,
    SyntaxError,  # Pillow's word for a broken PNG
    PIL.Image.DecompressionBombError,
    PIL.Image.DecompressionBombWarning,
)
_BITS_PER_SAMPLE, _PHOTOMETRIC, _ORIENTATION, _SAMPLE_FORMAT = 258, 262, 274, 339

headers.quieten("PIL")


@dataclass(frozen=True, eq=False)
class Image:
    """A radiograph as a radiologist expects it: `pixels` float32 [H,W], C-contiguous, 0 (black) to 1 (white)."""

    pixels: npt.NDArray[np.float32]
    facts: Facts


def read(path: Path, *, look: int = 0) -> Image:
    """Read and decode a file. Raises `ImageError`, also where the file cannot be opened. `look` as in `decode`."""
    return decode(content_of(path), name=str(path), look=look)


def decode(content: bytes, *, name: str, look: int = 0) -> Image:
    """Decode the bytes of a file; `name` stands in the error. Raises `ImageError`.

    `look` is the place in `Facts.looks` of the lookup table or window that is used, or `PERCENTILES`. Whatever a network sees
    has look 0; the others are for the eye.
    """
    if dicom.is_dicom(content):
        return _from_dicom(content, name, look)
    _recognised(content, name)
    return _from_picture(content, name)


def looks_like_image(path: Path) -> bool:
    """Tell by extension, or else by the first bytes, whether a file belongs in an import; hidden files and DICOMDIR do not."""
    if path.name.startswith(".") or path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            start = file.read(140)
    except (OSError, ValueError):
        return False
    return dicom.is_dicom(start) or _kind(start) in ("PNG", "JPEG", "TIFF", "WebP")


def stored_digest(content: bytes, *, name: str) -> str:
    """SHA-1 of the first frame's stored values as little-endian int32 (float32 if they are floats). Raises `ImageError`.

    `name` stands in the error. The digest of a lossy DICOM file holds for one decoder only.
    """
    if dicom.is_dicom(content):
        stored = dicom.read(content, name=name).stored
    else:
        _recognised(content, name)
        with _opened(content, name, Notes()) as picture:
            stored = _stored(picture)
    values = np.ascontiguousarray(stored.astype("<f4" if stored.dtype.kind == "f" else "<i4"))
    return hashlib.sha1(values.data, usedforsecurity=False).hexdigest()


def content_of(path: Path) -> bytes:
    """Return the bytes of a file that may be an image. Raises `ImageError` where it cannot be opened or is far too large."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("This is a folder, not an image", where=path, remedy="Choose a file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("This is a device or a pipe, not an image", where=path, remedy="Choose a file.")
        if status.st_size > MAX_BYTES:
            raise ImageError("The file is too large for a radiograph", where=path, remedy="Leave it out.")
        return path.read_bytes()
    except OSError as error:
        what = files.storage_error(error, path).what
        raise ImageError(what, where=path, remedy="Check that the file is there and that you may read it.") from error
    except ValueError as error:
        raise ImageError("This is not a file name", where=repr(str(path)), remedy="Check the path.") from error


def _kind(content: bytes) -> str:
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), "")
    return "" if kind == "WebP" and content[8:12] != b"WEBP" else kind


def _recognised(content: bytes, name: str) -> None:
    """Raise `ImageError` with what the file is, where it is none of the formats that are read."""
    if _kind(content):
        return
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not content:
        what, remedy = "The file is empty", "Copy or download it again."
    elif start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        what, remedy = "This is a web page, not an image: a download went wrong", "Download the file again."
    elif start.startswith((b"pk\x03\x04", b"\x1f\x8b", b"rar!", b"7z\xbc\xaf")):
        what, remedy = "This is an archive, not an image", "Unpack it first."
    elif start.startswith(b"%pdf"):
        what, remedy = "This is a PDF document, not an image", "Export its picture as PNG."
    elif all(byte >= 32 or byte in b"\t\r\n\f" for byte in content[:512]):
        what, remedy = "This is a text file, not an image", "Leave it out."
    else:
        what, remedy = f"This is not an image that can be read ({_KINDS})", "Save it in one of these formats."
    raise ImageError(what, where=name, remedy=remedy)


def _opened(content: bytes, name: str, notes: Notes) -> PIL.Image.Image:
    """Open with Pillow and decode the first image. Raises `ImageError`."""
    picture: PIL.Image.Image | None = None
    try:
        picture = PIL.Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "TIFF", "BMP", "WEBP"))
        width, height = picture.size
        if not dicom.is_too_large(width, height):
            if getattr(picture, "is_animated", False):
                notes.warnings.append("There are several images in the file: the first is taken")
            picture.load()
    except PIL.Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except _REFUSALS as error:
        raise ImageError(_reason(content, error), where=name, remedy="Copy or download it again.") from error
    if dicom.is_too_large(width, height):
        raise dicom.too_large(width, height, name)
    if width < 1 or height < 1:
        raise ImageError("The image has no pixels", where=name, remedy="Leave it out.")
    return picture


def _too_large(name: str) -> ImageError:
    return ImageError("The image is too large for a radiograph", where=name, remedy="Leave it out or make it smaller.")


def _reason(content: bytes, error: Exception) -> str:
    """Say what is wrong with a file that begins like an image."""
    kind = _kind(content)
    if isinstance(error, MemoryError):
        return f"There is not enough memory to decode this {kind} file"
    if isinstance(error, PIL.UnidentifiedImageError):
        return f"The file begins like {kind} but is damaged, or of a kind of {kind} that is not read"
    if "truncated" in str(error).lower():
        return f"The {kind} file is incomplete"
    return f"The {kind} file is damaged"


def _from_picture(content: bytes, name: str) -> Image:
    """PNG, JPEG, TIFF, BMP and WebP."""
    notes = Notes()
    with _opened(content, name, notes) as picture:
        try:
            bits, low, high = _BITS.get(picture.mode, 8), *_extremes(picture)
            pixels = _upright(_grey(picture, notes), _orientation(picture, notes), notes)
        except _REFUSALS as error:
            raise ImageError(_reason(content, error), where=name, remedy="Copy or download it again.") from error
        facts = Facts(
            format=_kind(content),
            width=pixels.shape[1],
            height=pixels.shape[0],
            bits=bits,
            photometric=picture.mode,
            stored_min=low,
            stored_max=high,
            steps=tuple(notes.steps),
            warnings=tuple(notes.warnings),
        )
    return Image(np.ascontiguousarray(pixels, dtype=np.float32), facts)


def _tags(picture: PIL.Image.Image) -> Mapping[int, Any]:
    """Return the tags of a TIFF, or nothing."""
    tags: Mapping[int, Any] = getattr(picture, "tag_v2", {})
    return tags


def _stored(picture: PIL.Image.Image) -> npt.NDArray[Any]:
    """Return the values as they lie in the file; Pillow reads unsigned 32-bit TIFF as signed."""
    stored = np.asarray(picture)
    tags = _tags(picture)
    unsigned = picture.mode == "I" and tags.get(_SAMPLE_FORMAT) in (1, (1,)) and tags.get(_BITS_PER_SAMPLE) in (32, (32,))
    return stored.view(np.uint32) if unsigned else stored


def _extremes(picture: PIL.Image.Image) -> tuple[float, float]:
    """Return the smallest and the largest stored value over all channels."""
    if len(picture.getbands()) > 1:
        channels = [channel for channel in picture.getextrema() if isinstance(channel, tuple)]
        return float(min(low for low, _ in channels)), float(max(high for _, high in channels))
    stored = _stored(picture)
    known = stored[np.isfinite(stored)] if stored.dtype.kind == "f" else stored
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)


def _grey(picture: PIL.Image.Image, notes: Notes) -> npt.NDArray[np.float32]:
    """Turn any of Pillow's modes into grey values float32 [H,W] in 0..1."""
    mode = picture.mode
    if mode in _BITS and mode != "1":
        values = _wide(_stored(picture), notes)
        if _tags(picture).get(_PHOTOMETRIC) == 0:  # Pillow turns white-is-zero over in 8 bits only
            notes.steps.append("inverted: white is zero")
            return 1.0 - values
        return values
    if mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        return _over_black(picture, notes)
    if mode == "LAB":
        picture = picture.getchannel(0)
        notes.steps.append("colour to grey: the lightness of LAB")
    elif mode not in ("1", "L"):
        if mode != "RGB":
            picture = picture.convert("RGB")
        notes.steps.append("colour to grey: 0.299 red + 0.587 green + 0.114 blue")
    notes.steps.append("0 black, 255 white" if mode != "1" else "0 black, 1 white")
    return _bytes(picture)


def _bytes(picture: PIL.Image.Image) -> npt.NDArray[np.float32]:
    """Colour, 8-bit or 1-bit picture to float32 [H,W] in 0..1; Pillow's "L" is BT.601, exact where the colours are grey."""
    return np.asarray(picture if picture.mode == "L" else picture.convert("L"), dtype=np.float32) / np.float32(255)


def _over_black(picture: PIL.Image.Image, notes: Notes) -> npt.NDArray[np.float32]:
    """Composite a picture with transparency over black."""
    if picture.mode not in ("LA", "RGBA"):
        picture = picture.convert("RGBA")
    alpha = np.asarray(picture.getchannel("A"), dtype=np.float32) / np.float32(255)
    values = _bytes(picture.convert("RGB" if picture.mode == "RGBA" else "L"))
    if not alpha.any():
        notes.warnings.append("The transparency hides the whole image and is left out")
        return values
    notes.steps.append("to grey, transparency over black; 0 black, 255 white")
    return values * alpha


def _wide(stored: npt.NDArray[Any], notes: Notes) -> npt.NDArray[np.float32]:
    """16 and 32 bits and floating point to 0..1; the rule stands at the top."""
    if stored.dtype.kind == "f":
        known = stored[np.isfinite(stored)]
        if known.size < stored.size:
            notes.warnings.append("Some values are not numbers: they are shown black")
        if known.size and known.min() >= 0 and known.max() <= 1:
            notes.steps.append("0 black, 1 white")
            return np.where(np.isfinite(stored), stored, 0).astype(np.float32)
    elif stored.min() >= 0 and stored.max() < 65536:
        bits = grey.fewest_bits(float(stored.max()))
        if bits < 16:
            notes.warnings.append(f"The values fill only {bits} bits of 16 or more: {2**bits - 1} is shown white")
        notes.steps.append(f"0 black, {2**bits - 1} white")
        return stored.astype(np.float32) / np.float32(2**bits - 1)
    return grey.shown(stored, grey.Look(), notes)


def _orientation(picture: PIL.Image.Image, notes: Notes) -> int:
    """Return the EXIF orientation 1 to 8; Pillow has already turned TIFF and forgotten the tag."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except _REFUSALS:
        notes.warnings.append("The EXIF block is damaged and left out")
        return 1
    return found if found in range(1, 9) else 1


def _upright(pixels: npt.NDArray[np.float32], orientation: int, notes: Notes) -> npt.NDArray[np.float32]:
    """Turn and mirror as EXIF orientation says (CIPA DC-008, tag 0x0112)."""
    if orientation == 1:
        return pixels
    notes.steps.append(f"turned upright: EXIF orientation {orientation}")
    if orientation >= 5:
        pixels = pixels.T
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels[:, ::-1] if orientation in (2, 3, 6, 7) else pixels


def _from_dicom(content: bytes, name: str, choice: int) -> Image:
    """DICOM: stored values -> modality -> window -> presentation -> inversion (PS3.4 N.2)."""
    frame = dicom.read(content, name=name)
    layout, notes = frame.layout, Notes()
    notes.warnings.extend(frame.warnings)
    if layout.frames > 1:
        notes.warnings.append(f"There are {layout.frames} images in the file: the first is taken")
    look = looks.look(frame.header, bits=layout.allocated, signed=layout.signed, notes=notes, choice=choice)
    pixels = _luma(frame, notes, name)
    if pixels is None:
        pixels = grey.shown(frame.stored, look, notes)
    pixels = _square(pixels, headers.displayed(frame.header, *pixels.shape), notes)
    known = frame.stored[np.isfinite(frame.stored)] if frame.stored.dtype.kind == "f" else frame.stored
    facts = Facts(
        format=f"DICOM, {frame.syntax}",
        width=pixels.shape[1],
        height=pixels.shape[0],
        bits=layout.stored,
        photometric=layout.photometric,
        window=(notes.window.centre, notes.window.width) if notes.window else None,
        stored_min=float(known.min()) if known.size else 0.0,
        stored_max=float(known.max()) if known.size else 0.0,
        looks=looks.names(frame.header, signed=layout.signed),
        steps=tuple(notes.steps),
        warnings=tuple(notes.warnings),
        **headers.facts(frame.header),
    )
    return Image(np.ascontiguousarray(pixels), facts)


def _square(pixels: npt.NDArray[np.float32], shape: tuple[int, int], notes: Notes) -> npt.NDArray[np.float32]:
    """Make pixels square: resize grey values [h,w] to `shape` (height, width), linearly, averaging where it gets smaller."""
    if pixels.shape == shape:
        return pixels
    notes.steps.append(f"pixels made square: {pixels.shape[1]} x {pixels.shape[0]} to {shape[1]} x {shape[0]}")
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    resized: npt.NDArray[np.float32] = np.asarray(picture.resize(shape[::-1], PIL.Image.Resampling.BILINEAR))
    return np.clip(resized, 0.0, 1.0)


def _luma(frame: dicom.Frame, notes: Notes, name: str) -> npt.NDArray[np.float32] | None:
    """Return grey values float32 [H,W] in 0..1 where the file has colours."""
    if frame.layout.samples == 3:
        notes.steps.append("colour to grey: 0.299 red + 0.587 green + 0.114 blue")
        return grey.luma(frame.stored, 2**frame.layout.stored - 1)
    if frame.layout.photometric != "PALETTE COLOR":
        return None
    tables = looks.palette(frame.header, signed=frame.layout.signed, notes=notes)
    if tables is None:
        raise ImageError("The colour palette of this DICOM file is missing or damaged", where=name, remedy="Export it in grey.")
    notes.steps.append("palette to colour, colour to grey: 0.299 red + 0.587 green + 0.114 blue")
    levels, _, index = grey.levels_of(frame.stored)
    shades = grey.luma(np.stack([table(np.atleast_2d(levels)) / table.top for table in tables], axis=-1))
    return shades if index is None else shades[0][index]
