"""The colours of heat maps, and how one is laid over a radiograph: for the screen, without torch and matplotlib.

The map is *inferno* (Nathaniel J. Smith and Stefan van der Walt, 2015; released as CC0). It rises evenly in lightness, so that
it reads the same with any colour vision and on grey paper.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from trainer.geometry import Part

FRAMED = "the network saw only what is in the frame"
"""What a frame means, of a radiograph from which a square was cut out."""
_STEPS = bytes.fromhex(
    "0060001f038d0095005304c100d800930635012a00de07ea018a013309df01f701920bfd027301f90e1e02fc0269103f039502e01265043d035d148d"
    "04f603e016b905bf046718ea069a04f31b1e078905811d58088c06111f9709a506a321da0ad1073424220c0307c326710d38085028c50e7308d92b1d"
    "0fb4095e2d7a10fb09db2fdd12490a513244139e0aba34af14fb0b18371d16600b68398d17ce0bab3bff19440be13e701ac40c0940e11c4c0c22434e"
    "1ddd0c2e45b71f770c2b481821190c1b4a7122c20bff4cbe24730bd64efd26290ba4512c27e60b68534929a60b2655512b690ae157432d2e0a99591d"
    "2ef50a535adf30bc0a105c87328209d55e16344709a25f8c360a097b60e937cb0960622e398a0952635c3b46095264743cff096065773eb6097c6666"
    "406a09a76743421b09e0680f43ca0a2668ca45770a7a697747210ad86a1548c90b3f6aa64a6f0baf6b2b4c140c276ba54db60ca56c144f580d296c79"
    "50f80db16cd452960e3e6d2754340ece6d7155d00f606db3576c0ff46dee5907108b6e225aa111226e4f5c3b11ba6e765dd412536e975f6d12ec6eb1"
    "610613856ec6629e141e6ed6643614b86ee065ce15506ee5676515e86ee468fd16806edf6a9417176ed56c2c17ae6ec66dc318446eb26f5b18d96e9a"
    "70f3196e6e7d728a1a026e5b74221a966e3575ba1b296e0a77521bbb6ddb78ea1c4d6da77a821cde6d6f7c1b1d6f6d327db31dff6cf17f4c1e906cab"
    "80e41f1f6c61827d1faf6c128416203f6bbf85af20ce6b678748215e6b0b88e021ee6aaa8a79227d6a458c12230e69db8dab239e696d8f43242f68fa"
    "90db24c16883927325536807940b25e6678795a3267a6702973a270e667998d027a465eb9a67283b65599bfc28d364c29d92296d64279f262a086387"
    "a0ba2aa462e3a24d2b43623aa3df2be3618da5712c8560dca7012d2a6026a8902dd05f6caa1f2e795eaeabac2f245debad372fd25d25aec230835c5a"
    "b04b31365b8cb1d231ed5ab9b35832a659e2b4dc33635908b65f34235829b7df34e65747b95e35ad5661badb36775578bc553745548bbdcd3818539a"
    "bf4338ee52a6c0b639c851afc2273aa650b5c3953b884fb8c5013c6f4eb7c6693d5b4db4c7cf3e4a4cadc9323f3f4ba4ca9140384a98cbee4136498a"
    "cd4742384879ce9c43404766cfee444c4650d13c455d4538d2874673441ed3ce478e4302d51148ae41e4d65049d340c4d78a4afd3fa2d8c14c2d3e7e"
    "d9f34d613d59db214e9a3c31dc4b4fd83b09dd70511b39dfde91526338b3dfad53b03786e0c455023657e1d656583527e2e457b333f6e3ec591332c3"
    "e4f05a78318fe5ef5be13059e6e95d4f2f22e7dd5ec12deae8cd60382cb0e9b761b32b75ea9c63322a38eb7c64b528faec57663c27bbed2c67c72679"
    "edfc69562537eec76ae923f2ef8c6c8022acf04c6e1a2164f1076fb8201bf1bc71591ecff26b72fe1d82f31674a61c34f3ba76511ae3f45a77ff1991"
    "f4f379b0183ef5887b6516e9f6167d1c1594f6a07ed6143ef723809312e8f7a182521194f81a84151041f88d85d90ef1f8fb87a00da7f963896a0c63"
    "f9c58b360b2bfa228d0409fffa798ed408f1faca90a7080afb16927c074cfb5c945206b8fb9d962b0650fbd898060616fc0d99e3060bfc3d9bc10632"
    "fc669da1068dfc8a9f83071ffca9a16707eafcc1a34c08f0fcd4a5330a36fce1a71b0babfce8a9050d3ffce9aaf10eeffce4acde10b5fcdaaecc128f"
    "fcc9b0bb147afcb3b2ac1675fc97b49e187ffc75b6901a97fc4db8841cbbfc1fba791eecfbebbc6f2129fbb2be662372fb72c05e25c7fb2dc2562828"
    "fae2c44f2a96fa92c6482d11fa3cc8412f98f9e1ca3b322ef981cc3534d2f91bce2e3785f8b1d0283a48f843d2213d1af7d1d4193ffef75bd61042f4"
    "f6e2d80645fdf667d9f94919f5ebdbeb4c4af56eddda4f92f4f2dfc652f0f47ae1ae5664f405e39159f3f398e56e5d99f333e7456159f2dce9146531"
    "f295eada6921f261ec956d26f246ee45713ff247efe97566f267f17e7997f2abf3067dcef314f47e8203f3a4f5e88632f45bf7448a55f538f8938e67"
    "f638f9d59269f75bfb0d9653f89dfc3a9a26f9fcfd5f9de3fb74fe7da18afd04ff94a519"
)
TABLE: NDArray[np.float32] = (np.frombuffer(_STEPS, ">u2").reshape(256, 3) / 65535).astype(np.float32)
"""Red, green, blue in 0..1 of 256 steps, dark to light: float32 [256, 3]."""
TABLE.flags.writeable = False


def blended(grey: NDArray[np.floating], values: NDArray[np.floating], *, top: float, opacity: float) -> NDArray[np.uint8]:
    """Lay a heat map over grey values 0..1, both [H,W] -> uint8 RGB [H,W,3].

    A pixel is covered by `opacity` (0..1) times its share of `top`, the value of the brightest colour. Where the map is zero,
    or `top` is, the radiograph is untouched.
    """
    share = shares(values, top)
    alpha = share[..., None] * opacity
    base = np.clip(grey, 0, 1)[..., None] * (1 - alpha)
    picture: NDArray[np.uint8] = np.rint((base + TABLE[steps(share)] * alpha) * 255).astype(np.uint8)
    return picture


def whole(shape: tuple[int, ...], part: Part) -> bool:
    """Whether a part is all of a picture of `shape` (H, W, ...), so that no frame is drawn."""
    return part == (0, 0, shape[1], shape[0])


def framed(picture: NDArray[np.uint8], part: Part) -> NDArray[np.uint8]:
    """A picture uint8 RGB [H,W,3] with a dashed frame, black and white, on the inner side of a part of it; not around all."""
    if whole(picture.shape, part):
        return picture
    left, top, right, bottom = part
    thick = max(1, round(min(picture.shape[:2]) / 300))
    rows, columns = np.ogrid[top:bottom, left:right]
    edge = np.minimum(np.minimum(rows - top, bottom - 1 - rows), np.minimum(columns - left, right - 1 - columns)) < thick
    dashes = np.where((rows + columns) // (5 * thick) % 2 == 0, 255, 0)
    drawn = picture.copy()
    drawn[top:bottom, left:right][edge] = dashes[edge][:, None]
    return drawn


def shares(values: NDArray[np.floating], top: float) -> NDArray[np.float64]:
    """The values as shares of `top`, clipped to 0..1; all 0 where `top` is not above 0."""
    if top <= 0:
        return np.zeros(values.shape)
    return cast("NDArray[np.float64]", np.clip(values, 0, top).astype(np.float64) / top)


def steps(share: NDArray[np.floating]) -> NDArray[np.intp]:
    """The row of `TABLE` for each share in 0..1."""
    return cast("NDArray[np.intp]", np.minimum((share * len(TABLE)).astype(np.intp), len(TABLE) - 1))
