"""Small DICOM files for the tests, made in memory around given pixels, in every transfer syntax that is read."""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pydicom
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

RAMP = np.array([[0, 100, 200], [300, 400, 4095]], dtype=np.uint16)


def file(pixels: np.ndarray = RAMP, syntax: str = ExplicitVRLittleEndian, coded: bytes = b"", **elements: object) -> bytes:
    """A small DICOM file around `pixels`; `elements` by keyword replace or add, None removes."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    header.Rows, header.Columns = pixels.shape[:2]
    header.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    header.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        header.PlanarConfiguration = 0
    header.BitsAllocated = header.BitsStored = pixels.dtype.itemsize * 8
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    header.PixelData = coded or pixels.astype(pixels.dtype.newbyteorder(order)).tobytes().ljust(
        pixels.nbytes + pixels.nbytes % 2
    )
    header["PixelData"].VR = "OB" if coded else "OW"
    header["PixelData"].is_undefined_length = bool(coded)
    for keyword, value in elements.items():
        if value is None:
            delattr(header, keyword)
        else:
            setattr(header, keyword, value)
    content = io.BytesIO()
    header.save_as(content, enforce_file_format=True)
    return content.getvalue()


def lut(values: list[int], first: int = 0, bits: int = 16, *, packed: bool = False, signed: bool = False) -> Sequence:
    """A sequence of one lookup table, as US or (packed) as OW with 8 bits an entry."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if signed else "US", [len(values) % 65536, first, bits])
    if packed:
        item.add_new("LUTData", "OW", bytes(values))
    else:
        item.add_new("LUTData", "US", values)
    return Sequence([item])


def coded(picture: np.ndarray, kind: str, **options: object) -> bytes:
    """A picture as Pillow writes it, to stand in a DICOM file."""
    content = io.BytesIO()
    PIL.Image.fromarray(picture).save(content, kind, **options)
    return content.getvalue()


SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
"""Files of other programs that pydicom carries for its own tests."""

LOSSLESS: dict[str, Callable[..., bytes]] = {
    uid.JPEGLossless: partial(imagecodecs.jpeg8_encode, lossless=True, predictor=6),
    uid.JPEGLosslessSV1: partial(imagecodecs.jpeg8_encode, lossless=True, predictor=1),
    uid.JPEGLSLossless: imagecodecs.jpegls_encode,
    uid.JPEG2000Lossless: partial(imagecodecs.jpeg2k_encode, level=0, codecformat="J2K", reversible=True),
    uid.HTJ2KLossless: partial(imagecodecs.htj2k_encode, reversible=True),
    uid.HTJ2KLosslessRPCL: partial(imagecodecs.htj2k_encode, reversible=True, resolutions=3),
}
"""Transfer syntax -> encoder that loses nothing."""

LOSSY: dict[str, Callable[..., bytes]] = {
    uid.JPEGBaseline8Bit: partial(imagecodecs.jpeg8_encode, level=95),
    uid.JPEGExtended12Bit: partial(imagecodecs.jpeg8_encode, level=98, bitspersample=12),
    uid.JPEGLSNearLossless: partial(imagecodecs.jpegls_encode, level=2),
    uid.JPEG2000: partial(imagecodecs.jpeg2k_encode, level=80, codecformat="J2K", reversible=False),
    uid.HTJ2K: partial(imagecodecs.htj2k_encode, level=0.0005, reversible=False),
}
"""Transfer syntax -> encoder that loses little."""

_STATES_BITS = (uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEG2000Lossless, uid.JPEG2000)


def codestream(pixels: np.ndarray, syntax: str, **options: object) -> bytes:
    """Compressed pixels; negative numbers become two's complement where the codec has none (JPEG, JPEG-LS)."""
    if syntax in _STATES_BITS:
        options.setdefault("bitspersample", pixels.dtype.itemsize * 8)
    if pixels.dtype.kind == "i" and "2000" not in uid.UID(syntax).name:
        pixels = pixels.view(f"u{pixels.dtype.itemsize}")
    return bytes((LOSSLESS | LOSSY)[syntax](np.ascontiguousarray(pixels), **options))


def compressed(pixels: np.ndarray, syntax: str, **elements: object) -> bytes:
    """A DICOM file of compressed pixels."""
    return file(pixels, syntax, encapsulate([codestream(pixels, syntax)]), **elements)


def run_lengths(pixels: np.ndarray, **elements: object) -> bytes:
    """A DICOM file in RLE."""
    header = pydicom.dcmread(io.BytesIO(file(pixels, **elements)))
    header.compress(uid.RLELossless, encoding_plugin="pydicom")
    content = io.BytesIO()
    header.save_as(content)
    return content.getvalue()


def waves(dtype: str = "u2", bits: int = 0, shape: tuple[int, ...] = (37, 53)) -> np.ndarray:
    """Smooth pixels [H,W] or [H,W,3] over the whole range of `bits` bits, from the lowest to the highest value."""
    bits = bits or np.dtype(dtype).itemsize * 8
    y, x = np.mgrid[: shape[0], : shape[1]]
    field = np.sin(x / 9) + np.cos(y / 7)
    if len(shape) == 3:
        field = np.stack([field, np.roll(field, 11, 0), np.roll(field, 17, 1)], axis=-1)
    field = (field - field.min()) / np.ptp(field)
    low = -(2 ** (bits - 1)) if np.dtype(dtype).kind == "i" else 0
    return np.rint(low + field * (2**bits - 1)).astype(dtype)
