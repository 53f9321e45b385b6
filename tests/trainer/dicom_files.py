"""Small DICOM files for the tests, made in memory around given pixels."""

import io

import numpy as np
import PIL.Image
from pydicom.dataset import Dataset, FileMetaDataset
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
