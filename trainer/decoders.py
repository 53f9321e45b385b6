"""One decoder for each DICOM transfer syntax, and the arithmetic from what a decoder gives to stored values.

pydicom itself reads what is not compressed, deflated or RLE. For the rest imagecodecs is asked (BSD-3): libjpeg-turbo for all
of JPEG, CharLS for JPEG-LS, OpenJPEG for JPEG 2000 with its High-Throughput kind; each is loaded when first used. One decoder
is pinned for each, because two may differ by one grey level in what is lossy. OpenJPH, which imagecodecs has too, is not used:
there a damaged image is no error (imagecodecs 2026.3.6), and what is missing is whatever was in memory before.
"""

from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom import uid

Values = npt.NDArray[Any]

PLAIN, RLE, JPEG, JPEG_LS, JPEG_2000, HTJ2K = "", "RLE", "JPEG", "JPEG-LS", "JPEG 2000", "High-Throughput JPEG 2000"

PARTS = ("_jpeg2k", "_jpeg8", "_jpegls", "_shared", "_shared_cython")
"""The parts of imagecodecs that `decode` uses and that are found by name alone: a bundle needs these and no other."""


@dataclass(frozen=True)
class Syntax:
    """A transfer syntax: `name` in words, the `coding` of its frames, the JPEG `processes` that may stand in it."""

    name: str
    coding: str
    processes: tuple[str, ...] = ("",)
    lossy: bool = False


SYNTAXES = {
    uid.ImplicitVRLittleEndian: Syntax("implicit VR little endian", PLAIN),
    uid.ExplicitVRLittleEndian: Syntax("explicit VR little endian", PLAIN),
    uid.DeflatedExplicitVRLittleEndian: Syntax("deflated", PLAIN),
    uid.ExplicitVRBigEndian: Syntax("explicit VR big endian", PLAIN),
    uid.RLELossless: Syntax("RLE lossless", RLE),
    uid.JPEGBaseline8Bit: Syntax("JPEG baseline", JPEG, ("baseline",), lossy=True),
    uid.JPEGExtended12Bit: Syntax("JPEG extended", JPEG, ("baseline", "extended sequential"), lossy=True),
    uid.JPEGLossless: Syntax("JPEG lossless", JPEG, ("lossless",)),
    uid.JPEGLosslessSV1: Syntax("JPEG lossless, first-order prediction", JPEG, ("lossless",)),
    uid.JPEGLSLossless: Syntax("JPEG-LS lossless", JPEG_LS, ("JPEG-LS",)),
    uid.JPEGLSNearLossless: Syntax("JPEG-LS near-lossless", JPEG_LS, ("JPEG-LS",), lossy=True),
    uid.JPEG2000Lossless: Syntax("JPEG 2000 lossless", JPEG_2000),
    uid.JPEG2000: Syntax("JPEG 2000", JPEG_2000, lossy=True),
    uid.HTJ2KLossless: Syntax("High-Throughput JPEG 2000 lossless", HTJ2K),
    uid.HTJ2KLosslessRPCL: Syntax("High-Throughput JPEG 2000 lossless RPCL", HTJ2K),
    uid.HTJ2K: Syntax("High-Throughput JPEG 2000", HTJ2K, lossy=True),
}
"""Transfer syntax UID -> what it is and which decoder reads it (PS3.5 A.4). What is not here is not read."""


def decode(frame: bytes, coding: str, samples: int, *, ybr: bool = False) -> Values:
    """Decode one codestream to [H,W] or [H,W,3], integers of 8 or 16 bits, signed where the stream says so.

    `ybr`: the three samples of a JPEG are luma and chroma and become red, green and blue. Raises `RuntimeError` (the codec's
    own), `ValueError` or `MemoryError`. Decoders allocate what the stream's header states: it must have been checked.
    """
    if coding == JPEG:
        if samples == 1:
            return imagecodecs.jpeg8_decode(frame)
        return imagecodecs.jpeg8_decode(frame, colorspace="YCBCR" if ybr else "RGB", outcolorspace="RGB")
    if coding == JPEG_LS:
        return imagecodecs.jpegls_decode(frame)
    return imagecodecs.jpeg2k_decode(frame, planar=False)


def without_overlays(raw: Values, stored: int, high: int, *, signed: bool) -> Values:
    """Take the bits high ... high - stored + 1 of native values and give them their sign (PS3.5 8.1.1).

    Old files keep overlays in the other bits. `raw`: integers in the machine's byte order; the result is wide enough.
    """
    bits = raw.dtype.itemsize * 8
    if bits == stored:
        return raw
    unsigned = raw.view(f"u{raw.dtype.itemsize}") >> (high + 1 - stored)
    values = (unsigned & (2**stored - 1)).astype(np.int64 if bits > 16 else np.int32)
    return _with_sign(values, stored) if signed else values


def as_stored(decoded: Values, *, precision: int, stored: int, signed: bool, lossy: bool) -> Values:
    """Make decoded samples of `precision` bits the stored values that a header of `stored` bits, signed or not, speaks of.

    Codecs without negative numbers (JPEG, JPEG-LS, and JPEG 2000 by some writers) carry them as two's complement in their
    `precision`. Bits above `stored` are no part of a value (PS3.5 8.1.1); but where a lossy codec went beyond the range, by
    rounding, the end of the range is what was meant.
    """
    has_sign = decoded.dtype.kind == "i"
    if precision <= stored and has_sign == signed:
        return decoded
    values = decoded.astype(np.int32)
    if lossy:
        if signed and not has_sign:
            values = _with_sign(values & (2**precision - 1), precision)
        low = -(2 ** (stored - 1)) if signed or has_sign else 0
        values = np.clip(values, low, 2 ** (stored - 1) - 1 if low else 2**stored - 1)
        return values if signed else values & (2**stored - 1)
    width = min(precision, stored)
    values &= 2**width - 1
    return _with_sign(values, width) if signed else values


def _with_sign(values: Values, bits: int) -> Values:
    """Read unsigned values below 2^bits as two's complement."""
    sign = 2 ** (bits - 1)
    extended: Values = (values ^ sign) - sign
    return extended


def to_rgb(ybr: Values, bits: int) -> Values:
    """Turn YBR_FULL [H,W,3] of `bits` bits into red, green and blue in the same range (PS3.3 C.7.6.3.1.2)."""
    middle, top = 2.0 ** (bits - 1), 2.0**bits - 1
    luma, blue, red = (ybr[..., sample].astype(np.float32) for sample in range(3))
    blue -= middle
    red -= middle
    colours = (luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue)
    return np.stack([np.clip(np.floor(colour + 0.5), 0, top).astype(ybr.dtype) for colour in colours], axis=-1)
