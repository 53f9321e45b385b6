"""DICOM: bytes -> stored values and facts. What they look like is decided in `grey`.

pydicom parses, and `decoders` decodes; both speak through warnings, log records and exceptions of every kind. Here these become
`ImageError` or a sentence in `Facts.warnings`.
"""

import io
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from trainer import codestreams, decoders
from trainer.codestreams import Stream
from trainer.errors import ImageError
from trainer.headers import REFUSALS, TAGS, number, text

MAX_PIXELS = 80_000_000
"""More pixels are refused: ten times the largest radiograph, and below the size at which Pillow begins to warn of bombs."""

MAX_SIDE = 30_000

MAX_INFLATED = 4 * MAX_PIXELS

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_DELIMITER = b"\xfe\xff\xdd\xe0\0\0\0\0"
_ITEM = b"\xfe\xff\x00\xe0"
_OF_ONE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_NATIVE_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422")
_CODED_COLOURS = (*_NATIVE_COLOURS, "YBR_ICT", "YBR_RCT")


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
class Checked:
    """A file whose first frame is there and may be decoded: header, layout, transfer syntax in words, warnings in words.

    `frame`: the bytes of frame 0 as they lie in the file; `stream`: what they say of themselves where they are compressed.
    """

    header: Dataset
    layout: Layout
    syntax: str
    warnings: tuple[str, ...]
    uid: UID
    frame: bytes
    stream: Stream | None


@dataclass(frozen=True, eq=False)
class Frame:
    """The first frame: `stored` values [H,W] or [H,W,3] (integers, signed if the file says so, or floats), header, layout."""

    stored: npt.NDArray[Any]
    header: Dataset
    layout: Layout
    syntax: str
    warnings: tuple[str, ...] = ()


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
    found = checked(content, name=name)
    stored = _decoded(found, name)
    return Frame(stored=stored, header=found.header, layout=found.layout, syntax=found.syntax, warnings=found.warnings)


def checked(content: bytes, *, name: str) -> Checked:
    """Parse a file and see, without decoding, that its first frame is whole and of a kind that is read. Raises `ImageError`.

    Size, samples and depth of compressed pixels are read from their own header and must agree with the file's.
    """
    header = parsed(content, name=name)
    _see_pixels(header, content, name)
    uid = _syntax(header, name)
    syntax, layout = decoders.SYNTAXES[uid], _layout(header, name)
    _see_colours(layout, syntax, name)
    try:
        element = header[layout.keyword]
        _see_form(element, syntax, name)
        if syntax.coding == decoders.PLAIN:
            frame = _first_frame(element.value, layout, name)
        else:
            frame = get_frame(element.value, 0, number_of_frames=layout.frames)
    except REFUSALS as error:
        raise _damaged(name) from error
    odd = _odd_photometric(layout)
    if syntax.coding == decoders.RLE and layout.frames == 1 and _breaks_off(element.value):
        what = "This DICOM file is incomplete: it ends within its pixels"
        raise ImageError(what, where=name, remedy="Export or download it again.")
    if syntax.coding in (decoders.PLAIN, decoders.RLE):
        return Checked(header, layout, syntax.name, odd, uid, frame, None)
    try:
        frame = codestreams.unwrapped(frame)
        stream = codestreams.read(frame)
        warnings = (*odd, *_fitting(stream, syntax, layout))
    except codestreams.CodestreamError as error:
        what = f"This DICOM file is compressed as {syntax.name}, but its pixels {error}"
        raise ImageError(what, where=name, remedy="Export or download it again.") from error
    return Checked(header, layout, syntax.name, warnings, uid, codestreams.mended(frame, stream), stream)


def parsed(content: bytes, *, name: str, everything: bool = False) -> Dataset:
    """Read the elements of `TAGS`, or all but the pixels. Raises `ImageError`.

    A deflated file is inflated here, because pydicom would do it without a limit.
    """
    try:
        source = io.BytesIO(content)
        source.seek(132 if content[128:132] == b"DICM" else 0)
        meta = read_dataset(source, False, True, stop_when=_beyond_group_2)
        is_deflated = meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
        if is_deflated:
            source = io.BytesIO(_inflated(content, source.tell(), name))
        found = _parsed(source, everything=everything)
        if not len(found):  # pydicom forgets all where the file ends within an element of undefined length
            found = _parsed(io.BytesIO(source.getvalue() + _DELIMITER), everything=everything)
        if is_deflated:
            found.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        return found
    except REFUSALS as error:
        raise _damaged(name) from error


def _parsed(source: io.BytesIO, *, everything: bool) -> Dataset:
    source.seek(0)
    return pydicom.dcmread(source, force=True, stop_before_pixels=everything, specific_tags=None if everything else TAGS)


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


def _see_pixels(header: Dataset, content: bytes, name: str) -> None:
    """Raise `ImageError` where there are no pixels: what the file is instead, or that it ends before them."""
    if any(keyword in header for keyword in _PIXELS):
        return
    kind = _named(text(header, "SOPClassUID") or text(header.file_meta, "MediaStorageSOPClassUID"))
    what = f"This DICOM file holds no pixels{f': {kind}' if kind else ''}"
    if _is_cut_off(header, content):
        raise ImageError(f"{what}; it is incomplete: it ends within its header", where=name, remedy="Export or copy it again.")
    raise ImageError(what, where=name, remedy="Leave it out, or export it again if it should be a radiograph.")


def _named(uid: str) -> str:
    """What a UID stands for, in words; a damaged one may be any text."""
    known = UID(uid).name
    return known if known != uid or re.fullmatch(r"[0-9.]{0,64}", uid) else "an unknown kind"


def _is_cut_off(header: Dataset, content: bytes) -> bool:
    """Whether the file ends within an element: then one more behind its end is not found (PS3.5 7.1)."""
    if header.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return False
    try:
        implicit, little = header.original_encoding
        tag = struct.pack("<HH" if little else ">HH", 0x7FE0, 0x0008)
        length = struct.pack("<L" if little else ">L", 4)
        one_more = tag + (length if implicit else b"OF\0\0" + length) + bytes(4)
        more = pydicom.dcmread(io.BytesIO(content + one_more), force=True, specific_tags=["FloatPixelData"])
        return "FloatPixelData" not in more
    except REFUSALS:
        return True


def _syntax(header: Dataset, name: str) -> UID:
    """Return the transfer syntax, guessed from the encoding where the file does not say."""
    try:
        syntax = UID(str(header.file_meta.get("TransferSyntaxUID", "")))
        if not syntax:
            implicit, little = header.original_encoding
            syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    except REFUSALS as error:
        raise _damaged(name) from error
    if syntax not in decoders.SYNTAXES:
        raise ImageError(
            f"This DICOM file is compressed as {_named(syntax)}, which is not read",
            where=name,
            remedy="Export it uncompressed, or as JPEG 2000 or RLE.",
        )
    return syntax


def _layout(header: Dataset, name: str) -> Layout:
    """Read and check what says how the pixels lie. Raises `ImageError`."""
    whole = {key: number(header, key) for key in ("Rows", "Columns", "BitsAllocated")}
    missing = [key for key, found in whole.items() if found is None]
    if missing:
        raise ImageError(f"This DICOM file does not state its {', '.join(missing)}", where=name, remedy="Export it again.")
    rows, columns, allocated = (int(found or 0) for found in whole.values())
    keyword = next(key for key in _PIXELS if key in header)
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
    _check(layout, name)
    return layout


def _check(layout: Layout, name: str) -> None:
    """Refuse what cannot be a radiograph or is not read."""
    if layout.rows < 1 or layout.columns < 1:
        raise ImageError("This DICOM file has no rows or no columns", where=name, remedy="Leave it out.")
    if is_too_large(layout.columns, layout.rows) or layout.rows * layout.columns * layout.samples > MAX_PIXELS:
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


def _see_colours(layout: Layout, syntax: decoders.Syntax, name: str) -> None:
    """Refuse colours that are not read."""
    native = syntax.coding in (decoders.PLAIN, decoders.RLE)
    if layout.samples == 3 and layout.photometric not in (_NATIVE_COLOURS if native else _CODED_COLOURS):
        kind = layout.photometric
        raise ImageError(f"This DICOM file holds colours as {kind}, which is not read", where=name, remedy="Export it in grey.")


def _see_form(element: DataElement, syntax: decoders.Syntax, name: str) -> None:
    """Refuse compressed pixels in a file that calls them plain, and the other way round (PS3.5 A.4): they would be noise."""
    if syntax.coding == decoders.PLAIN and element.is_undefined_length:
        what = "The pixels of this DICOM file are compressed, but it does not say how"
    elif syntax.coding != decoders.PLAIN and len(element.value) >= len(_ITEM) and not element.value.startswith(_ITEM):
        what = f"This DICOM file says that its pixels are compressed as {syntax.name}, but they are not"
    else:
        return
    raise ImageError(what, where=name, remedy="Export it again.")


def _odd_photometric(layout: Layout) -> tuple[str, ...]:
    """A sentence where one sample a pixel is called a colour."""
    if layout.samples == 3 or layout.photometric in _OF_ONE_SAMPLE:
        return ()
    return (f"The file says {layout.photometric} but has one sample a pixel: read as MONOCHROME2",)


def is_too_large(width: int, height: int) -> bool:
    """Tell whether an image is beyond what is decoded; a few columns of millions of rows are slow without being big."""
    return width * height > MAX_PIXELS or max(width, height) > MAX_SIDE


def too_large(width: int, height: int, name: str) -> ImageError:
    """Return the refusal of an image beyond `MAX_PIXELS`."""
    size = f"{width:,} x {height:,} pixels"
    return ImageError(
        f"The image is too large or too long for a radiograph: {size}", where=name, remedy="Leave it out or make it smaller."
    )


def _fitting(stream: Stream, syntax: decoders.Syntax, layout: Layout) -> tuple[str, ...]:
    """Compare a codestream with the header. Raises `CodestreamError`; returns what was odd and could be mended, in words."""
    if stream.coding != syntax.coding:
        raise codestreams.CodestreamError(f"are {stream.coding}")
    inner = (stream.rows, stream.columns, stream.samples)
    if inner != (layout.rows, layout.columns, layout.samples) or stream.bits > min(16, layout.allocated):
        raise codestreams.CodestreamError(
            f"state {stream.rows} x {stream.columns} with {stream.samples} of {stream.bits} bits and the header "
            f"{layout.rows} x {layout.columns} with {layout.samples} of {layout.allocated}"
        )
    warnings = []
    if stream.process not in syntax.processes:
        warnings.append(f"The file says {syntax.name}, but its pixels are JPEG {stream.process}: read as that")
    if stream.wrong_end:
        warnings.append(
            "The JPEG scan header contradicts its process (end of spectral selection is not 63): read as if it were 63"
        )
    return tuple(warnings)


def _decoded(found: Checked, name: str) -> npt.NDArray[Any]:
    """Decode frame 0 to stored values [H,W] (or RGB [H,W,3])."""
    layout = found.layout
    try:
        stored = _by_pydicom(found) if found.stream is None else _by_codec(found, found.stream)
    except MemoryError as error:
        what = "There is not enough memory to decode this DICOM file"
        raise ImageError(what, where=name, remedy="Close other programs, or leave it out.") from error
    except REFUSALS as error:
        raise _undecodable(found, name) from error
    if stored.shape != (layout.rows, layout.columns, *((3,) if layout.samples == 3 else ())):
        raise _undecodable(found, name)
    return stored


def _undecodable(found: Checked, name: str) -> ImageError:
    what = f"The pixels of this DICOM file ({found.syntax}) are damaged"
    return ImageError(what, where=name, remedy="Export or download it again.")


def _by_pydicom(found: Checked) -> npt.NDArray[Any]:
    """Native and RLE pixels. Raises one of `REFUSALS`."""
    layout = found.layout
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric if layout.samples == 3 else "MONOCHROME2",
        "bits_allocated": layout.allocated,
        "bits_stored": layout.stored,
        "pixel_representation": int(layout.signed),
        "planar_configuration": layout.planar,
        "number_of_frames": 1,
        "pixel_keyword": layout.keyword,
        "pixel_vr": found.header[layout.keyword].VR,
        "correct_unused_bits": False,
    }
    native = decoders.SYNTAXES[found.uid].coding == decoders.PLAIN
    content = found.frame if native else encapsulate([found.frame])
    uid = ExplicitVRLittleEndian if found.uid == DeflatedExplicitVRLittleEndian else found.uid
    raw, _ = get_decoder(uid).as_array(content, index=0, **options)
    raw = raw.astype(raw.dtype.newbyteorder("="), copy=False)
    if raw.dtype.kind == "f" or raw.dtype.itemsize * 8 != layout.allocated:
        return raw
    return decoders.without_overlays(raw, layout.stored, layout.high, signed=layout.signed)


def _by_codec(found: Checked, stream: Stream) -> npt.NDArray[Any]:
    """JPEG and its kin. Raises one of `REFUSALS`."""
    layout = found.layout
    is_ybr = layout.photometric in ("YBR_FULL", "YBR_FULL_422")
    by_cosines = stream.coding == decoders.JPEG and stream.process != "lossless"
    ybr = by_cosines and (is_ybr if stream.ybr is None else stream.ybr)
    decoded = decoders.decode(found.frame, stream.coding, stream.samples, ybr=ybr)
    lossy = by_cosines or decoders.SYNTAXES[found.uid].lossy
    stored = decoders.as_stored(decoded, precision=stream.bits, stored=layout.stored, signed=layout.signed, lossy=lossy)
    return decoders.to_rgb(stored, stream.bits) if is_ybr and layout.samples == 3 and not by_cosines else stored


def _breaks_off(fragments: bytes) -> bool:
    """Whether the last of the items that hold compressed pixels is shorter than it says (PS3.5 A.4)."""
    place = 0
    while place + 8 <= len(fragments):
        place += 8 + int.from_bytes(fragments[place + 4 : place + 8], "little")
    return place > len(fragments)


def _first_frame(content: bytes, layout: Layout, name: str) -> bytes:
    """Cut frame 0 out of uncompressed pixels; raises `ImageError` where the file ends before it does."""
    bits = layout.rows * layout.columns * layout.samples * layout.allocated
    length = (bits + 7) // 8
    if layout.photometric == "YBR_FULL_422" and layout.samples == 3:
        length = length // 3 * 2
    if len(content) < length:
        raise ImageError(
            f"This DICOM file is incomplete: {len(content):,} of {length:,} bytes of pixels are there",
            where=name,
            remedy="Export or download it again.",
        )
    return content[: length + length % 2]
