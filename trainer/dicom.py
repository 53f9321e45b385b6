"""DICOM: bytes -> stored values and facts. What they look like is decided in `display`.

pydicom parses and Pillow decodes JPEG; both speak through warnings, log records and exceptions of every kind. Here these become
`ImageError` or a sentence in `Facts.warnings`.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import BaseTag
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from trainer.errors import ImageError
from trainer.headers import REFUSALS, TAGS, number, text

MAX_PIXELS = 80_000_000
"""More pixels are refused: ten times the largest radiograph, and below the size at which Pillow begins to warn of bombs."""

MAX_SIDE = 30_000

MAX_INFLATED = 4 * MAX_PIXELS

READ_SYNTAXES = {
    ImplicitVRLittleEndian: "implicit VR little endian",
    ExplicitVRLittleEndian: "explicit VR little endian",
    ExplicitVRBigEndian: "explicit VR big endian",
    DeflatedExplicitVRLittleEndian: "deflated",
    RLELossless: "RLE lossless",
    JPEGBaseline8Bit: "JPEG baseline",
    JPEGExtended12Bit: "JPEG extended",
    JPEG2000Lossless: "JPEG 2000 lossless",
    JPEG2000: "JPEG 2000",
}

_UNPACKED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


@dataclass(frozen=True)
class Layout:
    """How the pixels lie in the file (PS3.3 C.7.6.3), checked: a frame of `rows` x `columns` x `samples` values."""

    rows: int
    columns: int
    samples: int
    photometric: str
    allocated: int
    stored: int
    high: int
    signed: bool
    planar: int
    frames: int
    keyword: str


@dataclass(frozen=True, eq=False)
class Frame:
    """The first frame: `stored` values [H,W] or [H,W,3] (integers, signed if the file says so, or floats), header, layout."""

    stored: npt.NDArray[Any]
    header: Dataset
    layout: Layout
    syntax: str


def is_dicom(content: bytes) -> bool:
    """Recognise DICOM by its mark, or without preamble by a first element of group 2 or 8 with a fitting length."""
    if content[128:132] == b"DICM":
        return True
    if len(content) < 8:
        return False
    group, element, length = struct.unpack_from("<HHL", content)
    tag_fits = (group == 2 and element <= 0x102) or (group == 8 and element in (0, 1, 5, 8, 0x12, 0x16, 0x18))
    return tag_fits and (content[4:6] in (b"UL", b"UI", b"CS", b"OB", b"DA") or length <= 512)


def read(content: bytes, *, name: str) -> Frame:
    """Parse a file and decode its first frame. Raises `ImageError`."""
    header = parsed(content, name=name)
    syntax = _syntax(header, name)
    layout = _layout(header, syntax, name)
    stored = _decoded(header, syntax, layout, name)
    return Frame(stored=stored, header=header, layout=layout, syntax=READ_SYNTAXES[syntax])


def parsed(content: bytes, *, name: str, everything: bool = False) -> Dataset:
    """Read the elements of `TAGS`, or all but the pixels. Raises `ImageError`.

    A deflated file is inflated here, because pydicom would do it without a limit.
    """
    try:
        source = io.BytesIO(content)
        source.seek(132 if content[128:132] == b"DICM" else 0)
        meta = read_dataset(source, False, True, stop_when=_beyond_group_2)
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            source = io.BytesIO(_inflated(content, source.tell(), name))
        source.seek(0)
        return pydicom.dcmread(source, force=True, stop_before_pixels=everything, specific_tags=None if everything else TAGS)
    except REFUSALS as error:
        raise _damaged(name) from error


def _beyond_group_2(tag: BaseTag, _representation: str | None, _length: int) -> bool:
    return tag.group != 2


def _inflated(content: bytes, start: int, name: str) -> bytes:
    """Return the file as explicit little endian: its header says so, and what follows is inflated."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    body = inflater.decompress(content[start:], MAX_INFLATED)
    if inflater.unconsumed_tail:
        raise ImageError("This DICOM file unpacks to more than a radiograph can be", where=name, remedy="Leave it out.")
    deflated, explicit = (str(uid).encode() for uid in (DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian))
    return content[:start].replace(deflated, explicit.ljust(len(deflated), b"\0")) + body


def _damaged(name: str) -> ImageError:
    return ImageError("This DICOM file is damaged or incomplete", where=name, remedy="Export or download it again.")


def _syntax(header: Dataset, name: str) -> UID:
    """Return the transfer syntax, guessed from the encoding where the file does not say."""
    if not any(keyword in header for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        kind = UID(text(header, "SOPClassUID")).name
        what = f"This DICOM file holds no pixels{f': {kind}' if kind else ''}"
        raise ImageError(what, where=name, remedy="Leave it out, or export it again if it should be a radiograph.")
    try:
        syntax = UID(str(header.file_meta.get("TransferSyntaxUID", "")))
        if not syntax:
            implicit, little = header.original_encoding
            syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    except REFUSALS as error:
        raise _damaged(name) from error
    if syntax == DeflatedExplicitVRLittleEndian:
        return ExplicitVRLittleEndian
    if syntax not in READ_SYNTAXES:
        raise ImageError(
            f"This DICOM file is compressed as {syntax.name}, which is not read",
            where=name,
            remedy="Export it uncompressed, or as JPEG 2000 or RLE.",
        )
    return syntax


def _layout(header: Dataset, syntax: UID, name: str) -> Layout:
    """Read and check what says how the pixels lie. Raises `ImageError`."""
    whole = {key: number(header, key) for key in ("Rows", "Columns", "BitsAllocated")}
    missing = [key for key, found in whole.items() if found is None]
    if missing:
        raise ImageError(f"This DICOM file does not state its {', '.join(missing)}", where=name, remedy="Export it again.")
    rows, columns, allocated = (int(found or 0) for found in whole.values())
    keyword = next(key for key in ("PixelData", "FloatPixelData", "DoubleFloatPixelData") if key in header)
    samples = int(number(header, "SamplesPerPixel") or 1)
    stored = int(number(header, "BitsStored") or allocated)
    high = number(header, "HighBit")
    layout = Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=text(header, "PhotometricInterpretation").upper() or ("MONOCHROME2" if samples == 1 else "RGB"),
        allocated=allocated,
        stored=stored,
        high=stored - 1 if high is None else int(high),
        signed=number(header, "PixelRepresentation") == 1,
        planar=int(number(header, "PlanarConfiguration") or 0),
        frames=max(1, int(number(header, "NumberOfFrames") or 1)),
        keyword=keyword,
    )
    _check(layout, syntax, name)
    return layout


def _check(layout: Layout, syntax: UID, name: str) -> None:
    """Refuse what cannot be a radiograph or is not read."""
    if layout.rows < 1 or layout.columns < 1:
        raise ImageError("This DICOM file has no rows or no columns", where=name, remedy="Leave it out.")
    if is_too_large(layout.columns, layout.rows):
        raise too_large(layout.columns, layout.rows, name)
    bits = {"PixelData": (1, 8, 16, 32), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}[layout.keyword]
    fits = layout.samples in (1, 3) and layout.allocated in bits and 1 <= layout.stored <= layout.allocated
    if not fits or not layout.stored - 1 <= layout.high < layout.allocated:
        raise ImageError(
            f"This DICOM file states {layout.samples} samples of {layout.stored} in {layout.allocated} bits, "
            f"highest bit {layout.high}, which is not a radiograph",
            where=name,
            remedy="Export it again.",
        )
    if syntax == JPEGExtended12Bit and layout.stored != 8:
        raise ImageError(
            "This DICOM file is compressed as JPEG Extended with 12 bits, which is not read",
            where=name,
            remedy="Export it uncompressed, or as JPEG 2000 or RLE.",
        )


def is_too_large(width: int, height: int) -> bool:
    """Tell whether an image is beyond what is decoded; a few columns of millions of rows are slow without being big."""
    return width * height > MAX_PIXELS or max(width, height) > MAX_SIDE


def too_large(width: int, height: int, name: str) -> ImageError:
    """Return the refusal of an image beyond `MAX_PIXELS`."""
    size = f"{width:,} x {height:,} pixels"
    return ImageError(
        f"The image is too large or too long for a radiograph: {size}", where=name, remedy="Leave it out or make it smaller."
    )


def _decoded(header: Dataset, syntax: UID, layout: Layout, name: str) -> npt.NDArray[Any]:
    """Decode frame 0 to stored values [H,W] (or RGB [H,W,3])."""
    try:
        element = header[layout.keyword]
        content = element.value
        options: dict[str, Any] = {
            "rows": layout.rows,
            "columns": layout.columns,
            "samples_per_pixel": layout.samples,
            "photometric_interpretation": layout.photometric,
            "bits_allocated": layout.allocated,
            "bits_stored": layout.stored,
            "pixel_representation": int(layout.signed),
            "planar_configuration": layout.planar,
            "number_of_frames": layout.frames,
            "pixel_keyword": layout.keyword,
            "pixel_vr": element.VR,
            "correct_unused_bits": False,
        }
        if syntax in _UNPACKED:
            content, options["number_of_frames"] = _first_frame(content, layout, name), 1
        elif syntax in (JPEG2000, JPEG2000Lossless):
            content = encapsulate([_codestream(get_frame(content, 0, number_of_frames=layout.frames))])
            options["number_of_frames"] = 1
        raw, found = get_decoder(syntax).as_array(content, index=0, **options)
    except REFUSALS as error:
        raise _damaged(name) from error
    if layout.samples == 3 and found.get("photometric_interpretation") != "RGB":
        kind = layout.photometric
        raise ImageError(f"This DICOM file holds colours as {kind}, which is not read", where=name, remedy="Export it in grey.")
    return raw if raw.dtype.kind == "f" else _masked(raw, layout, coded=syntax not in (*_UNPACKED, RLELossless))


def _first_frame(content: bytes, layout: Layout, name: str) -> bytes:
    """Cut frame 0 out of uncompressed pixels; raises `ImageError` where the file ends before it does."""
    bits = layout.rows * layout.columns * layout.samples * layout.allocated
    length = (bits + 7) // 8
    if layout.photometric == "YBR_FULL_422":
        length = length // 3 * 2
    if len(content) < length:
        raise ImageError(
            f"This DICOM file is incomplete: {len(content):,} of {length:,} bytes of pixels are there",
            where=name,
            remedy="Export or download it again.",
        )
    return content[: length + length % 2]


def _codestream(frame: bytes) -> bytes:
    """Take a JPEG 2000 codestream out of the JP2 file that some writers leave around it.

    pydicom looks for it by box lengths and never returns where one is 0.
    """
    if not frame.startswith(b"\x00\x00\x00\x0cjP  "):
        return frame
    start = frame.find(b"jp2c")
    if start < 0:
        raise ValueError("no codestream")
    return frame[start + 4 :]


def _masked(raw: npt.NDArray[Any], layout: Layout, *, coded: bool) -> npt.NDArray[Any]:
    """Take the bits HighBit ... HighBit - BitsStored + 1 and give them their sign (PS3.5 8.1.1).

    Old files keep overlays in the other bits. JPEG and JPEG 2000 (`coded`) carry values alone: nothing to shift.
    """
    bits = raw.dtype.itemsize * 8
    if bits == layout.stored or raw.dtype.itemsize * 8 != layout.allocated:
        return raw
    shift = 0 if coded else layout.high + 1 - layout.stored
    unsigned = raw.astype(f"u{raw.dtype.itemsize}")
    values: npt.NDArray[Any] = (unsigned >> shift & (2**layout.stored - 1)).astype(np.int64 if bits > 16 else np.int32)
    if layout.signed:
        sign = 2 ** (layout.stored - 1)
        values = (values ^ sign) - sign
    return values
