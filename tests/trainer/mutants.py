"""Image files with some bytes changed, moved or cut off, as bad disks, stopped copies and bad people leave them."""

import random
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from pydicom import uid

from trainer import decoders, images
from trainer.errors import ImageError

from .dicom_files import LOSSLESS, LOSSY, coded, compressed, file, lut, run_lengths, waves

EXTREMES = (0, 1, 2, 3, 8, 16, 127, 128, 255, 256, 4095, 5000, 30_000, 32_767, 32_768, 65_535, 2**31 - 1, 2**31, 2**32 - 1)

EXIF = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
"""Orientation 6, and nothing else."""


def mutated(seeds: Sequence[bytes], mutants: int, seed: int, first: int) -> Iterator[bytes]:
    """Each seed in turn with 1, 2 or 8 of its bytes from `first` on changed; every fifth is cut off too."""
    chance = random.Random(seed)
    for turn in range(mutants):
        content = bytearray(seeds[turn % len(seeds)])
        _some_bytes(content, chance, first)
        if turn % 5 == 0:
            del content[chance.randrange(len(content)) :]
        yield bytes(content)


def check_mutants_are_read_or_refused(seeds: Sequence[bytes], *, mutants: int, seed: int, first: int = 0) -> None:
    """Nothing but `ImageError` leaves the decoder, and what is read (more than 200 of them) is in 0..1."""
    read = 0
    for content in mutated(seeds, mutants, seed, first):
        try:
            pixels = images.decode(content, name="x").pixels
        except ImageError:
            continue
        assert pixels.dtype == np.float32
        assert 0 <= pixels.min() <= pixels.max() <= 1
        read += 1
    assert read > 200


def kinds() -> dict[str, list[bytes]]:
    """Kind of file -> whole files of it: every transfer syntax, and every format that is not DICOM."""
    found = {decoders.SYNTAXES[uid.UID(syntax)].name: _dicom(syntax) for syntax in decoders.SYNTAXES}
    grey, colour = waves("u1"), waves("u1", shape=(37, 53, 3))
    alpha = np.dstack([colour, grey])
    found |= {
        "PNG": [coded(one, "PNG") for one in (grey, colour, alpha, waves("u2", 12))],
        "JPEG": [
            coded(grey, "JPEG"),
            coded(colour, "JPEG", progressive=True),
            coded(colour, "JPEG", exif=b"Exif\0\0II*\0\x08"),
        ],
        "TIFF": [
            *(coded(one, "TIFF", compression=how) for how in (None, "tiff_lzw", "tiff_deflate") for one in (grey, colour)),
            coded(waves("u2"), "TIFF", compression="packbits"),
            coded(grey, "TIFF", compression="jpeg"),
        ],
        "BMP": [coded(grey, "BMP"), coded(colour, "BMP")],
        "WebP": [coded(colour, "WEBP"), coded(alpha, "WEBP", lossless=True)],
    }
    return found


def _dicom(syntax: str) -> list[bytes]:
    """Files of one transfer syntax: grey, signed or of other depth, colour."""
    grey, colour = waves("u1"), waves("u1", shape=(37, 53, 3))
    window = {"WindowCenter": 100, "WindowWidth": 200, "RescaleSlope": "2", "RescaleIntercept": "-5", "PixelPaddingValue": 0}
    wide = waves("u2", 12)
    depth = {"BitsStored": 12, "HighBit": 11}
    if syntax in LOSSLESS or syntax in LOSSY:
        if syntax == uid.JPEGBaseline8Bit:
            return [compressed(grey, syntax, **window), compressed(colour, syntax)]
        if syntax == uid.JPEGExtended12Bit:
            return [compressed(wide, syntax, **depth)]
        return [compressed(grey, syntax, **window), compressed(wide, syntax, **depth), compressed(colour, syntax)]
    if syntax == uid.RLELossless:
        return [run_lengths(grey, **window), run_lengths(wide, **depth), run_lengths(colour)]
    tables = {"ModalityLUTSequence": lut([0, 9, 300], bits=12), "VOILUTSequence": lut(list(range(300)), 3)}
    return [file(grey, syntax, **window), file(waves("i2", 12), syntax, **depth, **tables), file(colour, syntax)]


def one_mutant(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the files, damaged in one or two of the ways below."""
    content = bytearray(chance.choice(seeds))
    first = 128 if content[128:132] == b"DICM" else 0
    for _ in range(chance.choice([1, 1, 2])):
        chance.choice(WAYS)(content, chance, first)
        if len(content) < first + 16:
            break
    return bytes(content)


def _some_bytes(content: bytearray, chance: random.Random, first: int) -> None:
    for _ in range(chance.choice([1, 2, 8])):
        content[chance.randrange(first, len(content))] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])


def _codec_header(content: bytearray, chance: random.Random, first: int) -> None:
    """Some of the first 200 bytes of the compressed pixels."""
    start = max(first, content.find(b"\xe0\x7f\x10\x00") + 20)
    for _ in range(chance.choice([1, 2, 8])):
        content[min(start + chance.randrange(200), len(content) - 1)] = chance.choice([0, 1, 255, chance.randrange(256)])


def _number(content: bytearray, chance: random.Random, first: int) -> None:
    """An extreme number of 2 or 4 bytes anywhere."""
    form = chance.choice(["<H", ">H", "<L", ">L"])
    place = chance.randrange(first, max(first + 1, len(content) - 4))
    size = struct.calcsize(form)
    content[place : place + size] = struct.pack(form, chance.choice(EXTREMES) % 256**size)


def _cut(content: bytearray, chance: random.Random, first: int) -> None:
    del content[chance.randrange(first, len(content)) :]


def _gap(content: bytearray, chance: random.Random, first: int) -> None:
    start = chance.randrange(first, len(content))
    del content[start : start + chance.choice([1, 2, 16, 200])]


def _repeated(content: bytearray, chance: random.Random, first: int) -> None:
    start = chance.randrange(first, len(content))
    content[start:start] = content[start : start + chance.choice([1, 2, 16, 200])] * chance.choice([1, 3])


def _other_size(content: bytearray, chance: random.Random, _first: int) -> None:
    """Another size, told the same by the DICOM header and by the compressed pixels, so that only the decoder can notice."""
    rows, columns = (chance.choice([1, 2, 36, 38, 64, 1000, 4000, 8900, 29_000, 65_535]) for _ in range(2))
    for mark, value in ((b"\x28\0\x10\0US\x02\0", rows), (b"\x28\0\x11\0US\x02\0", columns)):
        place = content.find(mark)
        if place >= 0:
            struct.pack_into("<H", content, place + 8, value)
    for marker in (b"\xff\xc0\0", b"\xff\xc1\0", b"\xff\xc2\0", b"\xff\xc3\0", b"\xff\xf7\0"):
        place = content.find(marker)
        if 0 <= place < len(content) - 9:
            struct.pack_into(">HH", content, place + 5, rows, columns)
    place = content.find(b"\xff\x4f\xff\x51")
    if 0 <= place < len(content) - 32:
        struct.pack_into(">LL", content, place + 8, columns, rows)
        if chance.random() < 0.7:
            struct.pack_into(">LL", content, place + 24, columns, rows)  # one tile
    if content.startswith(b"\x89PNG") and len(content) > 33:
        struct.pack_into(">LL", content, 16, columns, rows)
        struct.pack_into(">L", content, 29, zlib.crc32(content[12:29]))


WAYS: tuple[Callable[[bytearray, random.Random, int], None], ...] = (
    *(_some_bytes, _some_bytes, _codec_header, _codec_header, _number, _cut, _gap, _repeated, _other_size, _other_size),
)
