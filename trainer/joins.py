"""Paths written in a table -> files of a source folder. What is not certain is told, never guessed."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Joined:
    """For each path asked, in order: `files` has its file or "", and `doubts` why it has none although one may be meant."""

    files: tuple[str, ...]
    doubts: tuple[str, ...]


def joined(asked: Sequence[str], paths: Iterable[str], *, root: str, beside: str = "") -> Joined:
    """Find the file that each table path means.

    First the exact path from `root` (absolute, with forward slashes) or from `beside`, the table's folder as seen from it.
    Among the files left over then the one of the same name whose folders agree farthest from the end, whatever the case,
    and last the one with the same name before its extension (tables often leave it out or name that of the original).
    Several that fit equally, and several paths that mean the same file, are doubts; so is a path out of the source.
    """
    known = set(paths)
    files, doubts = ["" for _ in asked], ["" for _ in asked]
    foreign: list[tuple[int, str]] = []
    for place, text in enumerate(asked):
        inside = [path for path in (normal(text, root), normal(text, root, beside)) if path is not None]
        exact = next((path for path in inside if path in known), "")
        if exact:
            files[place] = exact
        elif not inside:
            doubts[place] = "its path leads out of the source folder"
        else:
            foreign.append((place, inside[0]))
    left = known.difference(files)
    for place, (file, doubt) in _by_name(foreign, left).items():
        files[place], doubts[place] = file, doubt
    return Joined(tuple(files), tuple(doubts))


def normal(text: str, root: str, beside: str = "") -> str | None:
    """Write a table path as a path from the source: slashes, drive letters, "." and ".." resolved; None leads out of it."""
    path = re.sub(r"^[A-Za-z]:", "", text.replace("\\", "/"))
    if path.startswith("/"):
        path = path.removeprefix(re.sub(r"^[A-Za-z]:", "", root).rstrip("/") + "/").lstrip("/")
    elif beside:
        path = posixpath.join(beside, path)
    path = posixpath.normpath(path)
    return None if path == ".." or path.startswith("../") else path


def _by_name(foreign: Sequence[tuple[int, str]], left: Iterable[str]) -> dict[int, tuple[str, str]]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    stems: defaultdict[str, list[str]] = defaultdict(list)
    for path in left:
        low = PurePosixPath(path.casefold())
        names[low.name].append(path)
        stems[low.stem].append(path)
    found: dict[int, tuple[str, str]] = {}
    claims: defaultdict[str, set[str]] = defaultdict(set)
    for place, path in foreign:
        name = PurePosixPath(path.casefold()).name
        bare = re.sub(r"\.[a-z]{3,5}$", "", name)
        file, doubt = _nearest(path, names.get(name) or stems.get(name) or stems.get(bare) or [])
        found[place] = (file, doubt)
        claims[file].add(path)
    return {
        place: ("", "several rows mean the same file") if file and len(claims[file]) > 1 else (file, doubt)
        for place, (file, doubt) in found.items()
    }


def _nearest(path: str, candidates: Sequence[str]) -> tuple[str, str]:
    """Of files with the right name, the one whose folders agree farthest from the end, and among those, in case too."""
    if len(candidates) < 2:
        return (candidates[0] if candidates else ""), ""
    folders = path.split("/")[:-1]

    def agreement(candidate: str) -> tuple[int, int]:
        others = candidate.split("/")[:-1]
        pairs = list(zip(reversed(folders), reversed(others), strict=False))
        depth = next((place for place, (a, b) in enumerate(pairs) if a.casefold() != b.casefold()), len(pairs))
        return depth, int(candidate.split("/")[-1] == path.split("/")[-1])

    ranked = sorted(candidates, key=agreement, reverse=True)
    if agreement(ranked[0]) > agreement(ranked[1]):
        return ranked[0], ""
    return "", f"several files have its name: {ranked[0]}, {ranked[1]}"
