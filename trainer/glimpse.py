"""What an image file says about itself, without decoding its pixels: an import of many files has time for no more.

PNG and JPEG are read by their own few bytes, TIFF, BMP and WebP through Pillow, which decodes nothing when it opens a file, and
DICOM by its header. Where anything is out of the ordinary the file is decoded after all: facts and refusals are then those of
`images`. Pixels that are damaged inside a file that is whole come to light when they are needed.
"""

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

import PIL.Image

from trainer import dicom, headers, images
from trainer.headers import Facts

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_BY_PILLOW = (b"II*\0", b"MM\0*", b"BM", b"RIFF")
_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
_PNG_MODES: Mapping[bytes, tuple[str, int]] = MappingProxyType(
    {
        b"\x01\0": ("1", 1),
        **{bytes((bits, 0)): ("L", 8) for bits in (2, 4, 8)},
        b"\x10\0": ("I;16", 16),
        **{bytes((bits, 3)): ("P", 8) for bits in (1, 2, 4, 8)},
        **{bytes((bits, colour)): (mode, 8) for bits in (8, 16) for colour, mode in ((2, "RGB"), (4, "LA"), (6, "RGBA"))},
    }
)
"""Bit depth and colour type (PNG 11.2.1) -> Pillow's mode, and bits a channel as decoded."""
_PNG_PLAIN = frozenset(
    {b"IDAT", b"gAMA", b"pHYs", b"tEXt", b"iTXt", b"tIME", b"sRGB", b"cHRM", b"bKGD", b"sBIT", b"PLTE", b"tRNS", b"iCCP"}
)
"""Chunks that neither turn the image nor hide another behind it, but for texts that are looked into."""
_TURNING = (b"Orientation", b"Raw profile type", b"exif\0")
_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
_JPEG_MODES: Mapping[int, str] = MappingProxyType({1: "L", 3: "RGB", 4: "CMYK"})
_REFUSALS: tuple[type[Exception], ...] = (
    *headers.REFUSALS,
    SyntaxError,
    PIL.Image.DecompressionBombError,
    PIL.Image.DecompressionBombWarning,
)
_WIDE: Mapping[str, int] = MappingProxyType({"1": 1, "I": 32, "F": 32})
_ORIENTATION, _XMP = 274, 700
_LAID = ((273, 279), (324, 325))
"""TIFF tags: where strips or tiles begin, and how many bytes each has."""


def of(content: bytes, *, name: str) -> Facts:
    """What the bytes of a file say: format, size as displayed, bits, photometric, and the facts of a DICOM header.

    What only pixels tell (`stored_min`, `stored_max`, `window`, `steps`, `warnings`) is left out. `name` stands in the error.
    Raises `ImageError` as `images.decode` does for what is no image, is not read, or is not there to its end.
    """
    seen: Facts | None = None
    if content.startswith(_PNG):
        seen = _png(content)
    elif content.startswith(_JPEG):
        seen = _jpeg(content)
    elif dicom.is_dicom(content):
        return _dicom(content, name)
    elif content.startswith(_BY_PILLOW):
        seen = _by_pillow(content)
    return seen or _plain(images.decode(content, name=name).facts)


def _plain(facts: Facts) -> Facts:
    """Facts without those that only pixels tell."""
    return replace(facts, stored_min=0.0, stored_max=0.0, window=None, steps=(), warnings=())


@lru_cache(maxsize=256)
def _picture(kind: str, width: int, height: int, bits: int, mode: str) -> Facts | None:
    usable = mode and width > 0 and height > 0 and not dicom.is_too_large(width, height)
    return Facts(kind, width, height, bits, mode) if usable else None


def _png(content: bytes) -> Facts | None:
    """A PNG of which all chunks are there, none holding anything that has to be looked into; else None."""
    if content[8:16] != b"\0\0\0\rIHDR" or content[26:28] != b"\0\0" or not content.endswith(_PNG_END):
        return None
    place, end, pixels = 8, len(content) - 12, False
    while place < end:
        kind, length = content[place + 4 : place + 8], int.from_bytes(content[place : place + 4], "big")
        if kind == b"IDAT":
            pixels = True
        elif not _png_chunk(kind, content[place + 8 : place + 12 + length]):
            return None
        place += 12 + length
    width, height = struct.unpack_from(">II", content, 16)
    mode, bits = _PNG_MODES.get(content[24:26], ("", 0))
    return _picture("PNG", width, height, bits, mode) if pixels and place == end else None


def _png_chunk(kind: bytes, body: bytes) -> bool:
    """Whether a chunk other than IDAT is whole (its check sum follows) and plain."""
    plain = kind in _PNG_PLAIN or kind == b"IHDR"
    text = kind in (b"tEXt", b"iTXt")
    if not plain or (text and any(word in body for word in _TURNING)) or (kind == b"iTXt" and b"\0\1\0" in body):
        return False
    return zlib.crc32(body[:-4], zlib.crc32(kind)).to_bytes(4, "big") == body[-4:]


def _jpeg(content: bytes) -> Facts | None:
    """A baseline, extended or progressive JPEG of 8 bits that has an end; else None."""
    place, frame, turned, size = 2, b"", False, len(content)
    while place + 4 <= size and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xDA:
            break
        if marker in _JPEG_FRAMES:
            frame = content[place + 4 : place + 10]
        elif marker == 0xE1 or (marker == 0xE2 and content.startswith(b"MPF\0", place + 4)):
            turned = True
        elif not (marker in (0xC4, 0xDB, 0xDD, 0xFE) or 0xE0 <= marker <= 0xEF):
            return None
        place += 2 + (content[place + 2] << 8 | content[place + 3])
    if len(frame) < 6 or content.rfind(b"\xff\xd9", place) < 0:
        return None
    depth, height, width, components = struct.unpack(">BHHB", frame)
    if turned:
        width, height = _turned(content, width, height)
    return _picture("JPEG", width, height, 8, _JPEG_MODES.get(components, "")) if depth == 8 else None


def _turned(content: bytes, width: int, height: int) -> tuple[int, int]:
    """Width and height as displayed; Exif or XMP may say that they lie across. Zeros where Pillow refuses the file."""
    try:
        with PIL.Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
            exif = picture.getexif()
    except _REFUSALS:
        return 0, 0
    return (height, width) if exif.get(_ORIENTATION) in (5, 6, 7, 8) else (width, height)


def _by_pillow(content: bytes) -> Facts | None:
    """A TIFF, BMP or WebP that is there to its end and that no text in it turns; else None."""
    try:
        with PIL.Image.open(io.BytesIO(content), formats=("TIFF", "BMP", "WEBP")) as picture:
            whole = _is_whole(picture, content)
            turned = picture.format == "WEBP" and picture.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
            width, height = picture.size[::-1] if turned else picture.size
            kind, mode = {"WEBP": "WebP"}.get(picture.format or "", picture.format or ""), picture.mode
    except _REFUSALS:
        return None
    bits = 16 if mode.startswith("I;16") else _WIDE.get(mode, 8)
    return _picture(kind, width, height, bits, mode) if whole else None


def _is_whole(picture: PIL.Image.Image, content: bytes) -> bool:
    """Whether all that a file speaks of lies in it, as far as that can be told at once."""
    if picture.format == "WEBP":
        return int.from_bytes(content[4:8], "little") + 8 <= len(content)
    if picture.format == "BMP":
        codec, box, offset, more = picture.tile[0]  # type: ignore[attr-defined]
        return codec == "raw" and isinstance(more, tuple) and offset + more[1] * box[3] <= len(content)
    tags = getattr(picture, "tag_v2", {})
    if b"Orientation" in bytes(tags.get(_XMP) or b""):
        return False
    for starts, lengths in _LAID:
        if starts in tags and lengths in tags and len(tags[starts]) == len(tags[lengths]):
            return all(start + length <= len(content) for start, length in zip(tags[starts], tags[lengths], strict=True))
    return False


def _dicom(content: bytes, name: str) -> Facts:
    """By the header alone. Raises `ImageError`."""
    found = dicom.checked(content, name=name)
    layout = found.layout
    if layout.photometric == "PALETTE COLOR":  # where its tables are missing, it is not read
        return _plain(images.decode(content, name=name).facts)
    height, width = headers.displayed(found.header, layout.rows, layout.columns)
    return Facts(
        format=f"DICOM, {found.syntax}",
        width=width,
        height=height,
        bits=layout.stored,
        photometric=layout.photometric,
        **headers.facts(found.header),
    )
