"""What compressed pixels say of themselves before they are decoded: JPEG, JPEG-LS, JPEG 2000 and High-Throughput JPEG 2000.

Decoders trust these headers and allocate what they state, so they are read here first, without decoding, and compared with the
DICOM header. Markers: ITU-T T.81 B.1 (JPEG), T.87 C.1 (JPEG-LS), T.800 A.4 and A.5 (JPEG 2000), T.814 (High-Throughput).
"""

import struct
from dataclasses import dataclass, replace

JPEG, JPEG_LS, JPEG_2000, HTJ2K = "JPEG", "JPEG-LS", "JPEG 2000", "High-Throughput JPEG 2000"

MOST_TILES = 16_384
"""More tiles of one JPEG 2000 image are refused: a decoder prepares some kilobytes for each before it reads the first."""

MOST_SCANS = 100
"""More scans of one progressive JPEG are refused: each goes over the whole image."""

PROCESSES = {0xC0: "baseline", 0xC1: "extended sequential", 0xC2: "progressive", 0xC3: "lossless", 0xF7: "JPEG-LS"}
"""Second byte of the start-of-frame marker -> coding process, of those that are read."""

_UNREAD = {
    **dict.fromkeys((0xC5, 0xC6, 0xC7), "hierarchical JPEG"),
    **dict.fromkeys((0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF), "JPEG with arithmetic coding"),
}
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length: TEM, restart, start of image."""
_END = b"\xff\xd9"


class CodestreamError(ValueError):
    """Compressed pixels that are not to be decoded. The message is a clause after "its pixels ..."."""


@dataclass(frozen=True)
class Stream:
    """One compressed image: `coding` one of the four above, `process` of JPEG in words, size, `bits` per sample, `signed`.

    `ybr`: whether its three samples are luma and chroma (JPEG), as far as the stream tells; None where it does not.
    `wrong_end`: position of a byte of the scan header that contradicts the process and that decoders stumble over, or 0.
    """

    coding: str
    process: str
    rows: int
    columns: int
    samples: int
    bits: int
    signed: bool = False
    ybr: bool | None = None
    wrong_end: int = 0


def unwrapped(frame: bytes) -> bytes:
    """Take a JPEG 2000 codestream out of the JP2 file that some writers leave around it; other frames stay as they are.

    Raises `CodestreamError` where a JP2 file holds none.
    """
    if not frame.startswith(b"\x00\x00\x00\x0cjP  "):
        return frame
    start = frame.find(b"jp2c\xff\x4f")
    if start < 0:
        raise CodestreamError("are a JP2 file without an image")
    return frame[start + 4 :]


def read(frame: bytes) -> Stream:
    """Read the header of a codestream and see that it is whole. Raises `CodestreamError`."""
    try:
        if frame.startswith(b"\xff\xd8"):
            return _jpeg(frame)
        if frame.startswith(b"\xff\x4f\xff\x51"):
            return _jpeg_2000(frame)
    except (struct.error, IndexError) as error:
        raise CodestreamError("end within their own header") from error
    raise CodestreamError("do not begin as any kind of JPEG does" if frame else "are empty")


def _jpeg(frame: bytes) -> Stream:
    """Walk over the segments of JPEG or JPEG-LS up to the first scan."""
    found: Stream | None = None
    jfif, adobe, names = False, None, b""
    place = 2
    while True:
        if frame[place] != 0xFF:
            raise CodestreamError("are damaged: there is no marker where one must be")
        marker = frame[place + 1]
        if marker == 0xFF or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", frame, place + 2)
        body = frame[place + 4 : place + 2 + length]
        if marker in PROCESSES and found is None:
            found, names = _start_of_frame(marker, body), body[6::3]
        elif marker in _UNREAD:
            raise CodestreamError(f"are {_UNREAD[marker]}, which is not read")
        elif marker == 0xE0 and body.startswith(b"JFIF\0"):
            jfif = True
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        elif marker == 0xDA:
            break
        place += 2 + length
    if found is None:
        raise CodestreamError("are damaged: the image's size comes after the image")
    _whole(frame, place, found)
    if found.coding == JPEG_LS:
        return found
    return replace(found, ybr=_is_ybr(jfif, adobe, names), wrong_end=_wrong_end(found, body, place))


def _start_of_frame(marker: int, body: bytes) -> Stream:
    bits, rows, columns, samples = struct.unpack_from(">BHHB", body)
    return Stream(JPEG_LS if marker == 0xF7 else JPEG, PROCESSES[marker], rows, columns, samples, bits)


def _whole(frame: bytes, scan: int, found: Stream) -> None:
    """See that the image is there: where it is not, decoders make the rest grey.

    It holds no end marker within. Each sample of the lossless process and each block of 8 x 8 of the others takes at least one
    bit (T.81 F.1.2, H.1.2); of several components the smaller ones may have a quarter of the rows or columns.
    """
    if frame.find(_END, scan) < 0:
        raise CodestreamError("are incomplete: they have no end")
    side = 1 if found.process == "lossless" else 8
    bits = -(-found.rows // side) * -(-found.columns // side) // (1 if found.samples == 1 else 4)
    if found.coding == JPEG and 8 * (len(frame) - scan) < bits:
        raise CodestreamError(f"are incomplete: {len(frame) - scan:,} bytes for {found.rows:,} x {found.columns:,}")
    if found.process == "progressive" and frame.count(b"\xff\xda") > MOST_SCANS:
        raise CodestreamError(f"come in more than {MOST_SCANS} scans")


def _is_ybr(jfif: bool, adobe: int | None, names: bytes) -> bool | None:
    """Whether the colours are YCbCr, by the rules of libjpeg and its kin; None where nothing tells."""
    if jfif:
        return True
    if adobe is not None:
        return adobe != 0
    return False if names == b"RGB" else None


def _wrong_end(found: Stream, scan: bytes, place: int) -> int:
    """Position of the end of spectral selection where it is not 63, as it must be in a sequential process (T.81 B.2.3)."""
    if found.process not in ("baseline", "extended sequential") or len(scan) < 4 + 2 * scan[0]:
        return 0
    end = 2 + 2 * scan[0]
    return place + 4 + end if scan[end] != 63 else 0


def mended(frame: bytes, stream: Stream) -> bytes:
    """Set the byte at `wrong_end` to what the process demands: it codes all 64 coefficients whatever the byte says."""
    if not stream.wrong_end:
        return frame
    return frame[: stream.wrong_end] + b"\x3f" + frame[stream.wrong_end + 1 :]


def _jpeg_2000(frame: bytes) -> Stream:
    """Read the SIZ segment (T.800 A.5.1), then walk over the tile-parts."""
    length, kind, *box, samples = struct.unpack_from(">HH8LH", frame, 4)
    columns, rows, left, top, tile_width, tile_height, tile_left, tile_top = box
    if length != 38 + 3 * samples or not samples:
        raise CodestreamError("are damaged: their header has the wrong length")
    parts = [struct.unpack_from(">BBB", frame, 42 + 3 * sample) for sample in range(samples)]
    if len(set(parts)) > 1 or parts[0][1:] != (1, 1):
        raise CodestreamError("have samples of different size or depth, which are not read")
    if not (left < columns and top < rows and tile_width and tile_height and tile_left <= left and tile_top <= top):
        raise CodestreamError("are damaged: the image lies outside of itself")
    if tile_left + tile_width <= left or tile_top + tile_height <= top:
        raise CodestreamError("are damaged: the first tile is empty")
    tiles = -(-(columns - tile_left) // tile_width) * -(-(rows - tile_top) // tile_height)
    if tiles > MOST_TILES:
        raise CodestreamError(f"are cut into {tiles:,} tiles, which is too many")
    _whole_tiles(frame, 4 + length, tiles)
    coding = HTJ2K if kind & 0x4000 else JPEG_2000
    depth = parts[0][0]
    return Stream(coding, "", rows - top, columns - left, samples, (depth & 0x7F) + 1, signed=bool(depth & 0x80))


def _whole_tiles(frame: bytes, place: int, tiles: int) -> None:
    """Go from tile-part to tile-part by their lengths (T.800 A.4.2): each tile is there, and none goes beyond the end."""
    seen = set()
    while place + 12 <= len(frame):
        marker, length = struct.unpack_from(">HH", frame, place)
        if marker == 0xFFD9:
            break
        if marker < 0xFF00:
            raise CodestreamError("are damaged: there is no marker where one must be")
        if marker != 0xFF90:
            place += 2 + length
            continue
        tile, part = struct.unpack_from(">HL", frame, place + 4)
        seen.add(tile)
        if 0 < part < 14:
            raise CodestreamError("are damaged: a tile has no room for its own header")
        place = place + part if part else len(frame)
    if place > len(frame):
        raise CodestreamError("are incomplete: they have no end")
    if len(seen) < tiles:
        raise CodestreamError(f"are incomplete: {len(seen):,} of {tiles:,} tiles are there")
