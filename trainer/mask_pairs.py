"""Masks drawn over radiographs -> the images that they belong to, by name, and what each shows."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

_KINDS = (
    (r"left[\W_]*(lung)?[\W_]*masks?", "left lung"),
    (r"right[\W_]*(lung)?[\W_]*masks?", "right lung"),
    (r"infection|lesion", "lesion"),
    (r"lungs?", "lung"),
)

_MASK = re.compile(
    r"[_\- ]((lungs?|left|right|infection|lesion)[_\- ]?)*(masks?|seg|segmentation)([_\- ]?(left|right|lungs?|l|r|\d{1,2}))?$"
    r"|^masks?[_\-](?=.)"
)
"""What makes the name of a mask out of that of its image."""
_NAMED = (
    (r"left|[_\- ]l$", "left lung"),
    (r"right|[_\- ]r$", "right lung"),
    (r"infection|lesion", "lesion"),
    (r"lung", "lung"),
)
"""What that may say of what the mask shows."""


def paired(
    images: Iterable[str],
    masks: Iterable[str],
    *,
    findings: Collection[str] = (),
    apart: Collection[str] = (),
    other: str = "mask",
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Image path -> its masks, each with its kind ("lung", "left lung", "right lung", "lesion" or `other`) and path; sorted.

    The image is the one of the same name ("x.png" or "x_mask.png" belong to "x.jpg"); of several that one with which the mask
    shares most folder names, and none if that is not clear. A mask in a folder called like one of the `findings` is a lesion.
    `apart` are names of folders that hold different images (parts, findings): a mask in one is of no image in another.
    """
    wanted = {mask: _names(mask) for mask in masks}
    every = {name for names in wanted.values() for name in names}
    candidates: defaultdict[str, list[str]] = defaultdict(list)
    for image in images if wanted else ():
        if (name := _stem(image)) in every:
            candidates[name].append(image)
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    names = {finding.casefold() for finding in findings}
    telling = {name.casefold() for name in apart}
    for mask, called in wanted.items():
        same = next((candidates[name] for name in called if name in candidates), [])
        if image := _nearest(mask, [image for image in same if _may_be(mask, image, telling)]):
            found[image].append((_kind(mask, names, other), mask))
    return {image: tuple(sorted(pairs)) for image, pairs in found.items()}


def _stem(path: str) -> str:
    name = path.rpartition("/")[2].casefold()
    return name.rpartition(".")[0] or name


def _names(mask: str) -> tuple[str, ...]:
    """Names that the image of a mask may have, the longest first: "x_lung_mask" may be of "x_lung", and of "x"."""
    stem = _stem(mask)
    return tuple(dict.fromkeys((stem, re.sub(r"[_\- ]mask$", "", stem), _MASK.sub("", stem))))


def _may_be(mask: str, image: str, telling: Collection[str]) -> bool:
    """Whether nothing in their folders says that a mask and an image do not belong together."""
    said, of_it = ({folder for folder in path.casefold().split("/")[:-1] if folder in telling} for path in (mask, image))
    return said <= of_it or said >= of_it


def _nearest(mask: str, same: list[str]) -> str:
    if len(same) < 2:
        return same[0] if same else ""
    folders = Counter(mask.casefold().split("/")[:-1])
    shared = sorted(((folders & Counter(image.casefold().split("/")[:-1])).total(), image) for image in same)
    return shared[-1][1] if shared[-1][0] > shared[-2][0] else ""


def _kind(mask: str, findings: Collection[str], other: str) -> str:
    """What a mask shows, as its own name says, or the innermost folder that says something, from the folder of masks on."""
    if own := _MASK.search(_stem(mask)):
        for pattern, kind in _NAMED:
            if re.search(pattern, own[0]):
                return kind
    folders = mask.casefold().split("/")[:-1]
    outermost = next((place for place, folder in enumerate(folders) if "mask" in folder), len(folders))
    for folder in reversed(folders[outermost:]):
        if folder in findings:
            return "lesion"
        for pattern, kind in _KINDS:
            if re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", folder):
                return kind
    return other


def counted(masks: Mapping[str, tuple[tuple[str, str], ...]]) -> str:
    """How many images have masks of which kinds, in words; "" if none has."""
    kinds = Counter(kind for pairs in masks.values() for kind in dict.fromkeys(kind for kind, _ in pairs))
    return ", ".join(f"{kind} masks of {count} images" for kind, count in sorted(kinds.items()))
