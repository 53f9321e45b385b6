"""Paths written in a table -> files of a source folder. What is not certain is told, never guessed."""

import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

_SAME = "several rows mean the same file"
_PLAIN = re.compile(r"[^\s\\/.:][^\\/:]*(?:/[^\\/.:][^\\/:]*)*")
_FIRST = 20  # paths of which one will be there even if only a part of a dataset is
_MANY = 100
"""Files of one name in folders that fit equally well, above which none of them is looked at more closely."""


@dataclass(frozen=True)
class Joined:
    """For each path asked, in order: `files` has its file or "", and `doubts` why it has none although one may be meant."""

    files: tuple[str, ...]
    doubts: tuple[str, ...]


def composed(text: str) -> str:
    """The same text in the form (NFC) in which equal letters are equal: files of a Mac spell "ü" as "u" and its dots."""
    return unicodedata.normalize("NFC", text)


def joined(asked: Sequence[str], paths: Iterable[str], *, root: str, beside: str = "") -> Joined:
    """Find the file that each table path means.

    First the exact path from `root` (absolute, with forward slashes) or from `beside`, the table's folder as seen from it, then
    the exact path without the first folders of all table paths, where the dataset's own folder is called otherwise. Among the
    files left over then the one of the same name whose folders agree farthest from the end, whatever the case, and last the
    one with the same name before its extension (tables often leave it out or name that of the original).
    With every other path that file must agree less far: a table may name many more images than there are.
    Several that fit equally, and several paths that mean the same file, are doubts; so is a path out of the source.
    Accented letters are the same however they are spelled.
    """
    known = set(paths)
    accented = {path for path in known if not path.isascii()}
    spelled = {composed(path): path for path in accented}
    if len(spelled) < len(accented):  # two files that differ in nothing else
        return _joined(asked, known, root, beside)
    found = _joined(list(map(composed, asked)), (known - accented) | spelled.keys(), composed(root), composed(beside))
    return Joined(tuple(spelled.get(file, file) for file in found.files), found.doubts)


def _joined(asked: Sequence[str], known: Set[str], root: str, beside: str) -> Joined:
    files, doubts = ["" for _ in asked], ["" for _ in asked]
    foreign: dict[str, int] = {}
    again: list[tuple[int, int]] = []
    for place, text in enumerate(asked):
        path = normal(text, root)
        other = normal(text, root, beside) if beside else path
        exact = path if path in known else other if other in known else None
        if exact is not None:
            files[place] = exact
        elif path is None and other is None:
            doubts[place] = "its path leads out of the source folder"
        else:
            path = path or other or ""
            if (first := foreign.setdefault(path, place)) != place:
                again.append((place, first))
    exactly = {file for file in files if file}
    shifted = _shifted(foreign, known - exactly, beside)
    for path, file in shifted.items():
        files[foreign.pop(path)] = file
    exactly |= set(shifted.values())
    for path, file, doubt in _by_name(foreign, exactly, known - exactly):
        files[foreign[path]], doubts[foreign[path]] = file, doubt
    for place, first in again:
        files[place], doubts[place] = files[first], doubts[first]
    return Joined(tuple(files), tuple(doubts))


def _shifted(foreign: Collection[str], left: Collection[str], beside: str) -> dict[str, str]:
    """File of each path that is there when the same number of outer folders is cut off; several paths of one file have none."""
    inner = f"{beside}/" if beside else ""
    steps = [
        (outer, cut)
        for path in list(foreign)[:_FIRST]
        for cut in range(1, path.count("/"))
        for outer in dict.fromkeys(("", inner))
        if outer + path.split("/", cut)[-1] in left
    ]
    if not steps:
        return {}
    outer, cut = steps[0]
    found = {path: outer + path.split("/", cut)[-1] for path in foreign if path.count("/") > cut}
    times = Counter(found.values())
    return {path: file for path, file in found.items() if file in left and times[file] == 1}


def normal(text: str, root: str, beside: str = "") -> str | None:
    """Write a table path as a path from the source: slashes, drive letters, "." and ".." resolved; None leads out of it."""
    if _PLAIN.fullmatch(text):
        return f"{beside}/{text}" if beside else text
    path = re.sub(r"^[A-Za-z]:", "", text.replace("\\", "/"))
    if path.startswith("/"):
        path = path.removeprefix(re.sub(r"^[A-Za-z]:", "", root).rstrip("/") + "/").lstrip("/")
    elif beside:
        path = posixpath.join(beside, path)
    path = posixpath.normpath(path)
    return None if path == ".." or path.startswith("../") else path


@dataclass(frozen=True, slots=True)
class _Match:
    """The file that a path may mean, or several that fit equally well; how many folders agree, and all paths of that name."""

    files: tuple[str, ...]
    depth: int
    rivals: "_Folder"


def _by_name(foreign: Collection[str], exactly: Collection[str], left: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """File or doubt of those of the `foreign` paths that may mean one of the files `left`; `exactly` are paths with a file."""
    if not foreign or not left:
        return
    asked = _named([*foreign, *exactly], (_itself, _bare))
    found: dict[str, _Match] = {}
    missing: Collection[str] = foreign
    taken: dict[str, str] = {}
    for key, tries in ((_itself, (_itself,)), (_stem, (_itself, _bare))):
        names = _named(sorted(left), (key,)) if missing else {}
        others = []
        for path in missing:
            name = _name(path)
            word = next((word for word in (make(name) for make in tries) if word in names), "")
            if not word:
                others.append(path)
                continue
            same, rivals = names[word], asked[word]
            if isinstance(same, str) and isinstance(rivals, str) and taken.setdefault(same, path) == path:
                continue  # the only file and the only path of this name
            files = _Folder([same]) if isinstance(same, str) else same
            found[path] = _nearest(path, files, _Folder([rivals]) if isinstance(rivals, str) else rivals)
        missing = others
    yield from _resolved(found, taken)


def _resolved(found: Mapping[str, _Match], taken: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """File and doubt of each path: of several that mean a file, that one gets it which agrees farthest with it."""
    best: dict[str, list[str]] = {}
    for path, match in found.items():
        if len(match.files) == 1:
            claimants = best.setdefault(match.files[0], [])
            if not claimants or found[claimants[0]].depth < match.depth:
                claimants[:] = [path]
            elif found[claimants[0]].depth == match.depth:
                claimants.append(path)
    for path, match in found.items():
        file = match.files[0]
        if len(match.files) > 1:
            # Files that other paths fit better are not meant.
            free = any(one not in best or found[best[one][0]].depth <= match.depth for one in match.files)
            if free and not _many_agree(match):
                yield path, "", f"several files have its name: {file}, {match.files[1]}"
        elif file in taken or (path in best[file] and len(best[file]) > 1):
            yield path, "", _SAME
        elif path in best[file] and not _many_agree(match):
            yield path, file, ""
    yield from ((path, "", _SAME) if file in best else (path, file, "") for file, path in taken.items())


def _many_agree(match: _Match) -> bool:
    """Whether more than one path agrees with the file of a match as far as the match does."""
    same = match.rivals
    for depth, folder in enumerate(_above(match.files[0])[: match.depth], 1):
        if len(same.files) < 2:
            break
        same = same.inner(depth).get(folder, _NONE)
    return len(same.files) > 1


def _named(paths: Iterable[str], makes: Sequence[Callable[[str], str]]) -> dict[str, "str | _Folder"]:
    """Paths by words that are made of their names: the path itself where it is the only one."""
    names: dict[str, str | _Folder] = {}
    for path in paths:
        name = _name(path)
        for word in {make(name) for make in makes}:
            same = names.setdefault(word, path)
            if isinstance(same, _Folder):
                same.files.append(path)
            elif same is not path:
                names[word] = _Folder([same, path])
    return names


def _itself(name: str) -> str:
    return name


def _name(path: str) -> str:
    return path.rpartition("/")[2].casefold()


def _stem(name: str) -> str:
    """A file's name before its extension."""
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name


def _bare(name: str) -> str:
    """A table's name before what looks like an extension; that of "1.2.840.7" is none."""
    stem, _, end = name.rpartition(".")
    return stem if stem and 3 <= len(end) <= 5 and end.isascii() and end.isalpha() else name


def _above(path: str) -> list[str]:
    """Folders in lower case, the innermost first."""
    return path.casefold().split("/")[-2::-1]


def _agreement(path: str, other: str) -> int:
    """How many folders agree, counted from the files upwards."""
    pairs = zip(_above(path), _above(other), strict=False)
    return next((depth for depth, (a, b) in enumerate(pairs) if a != b), min(path.count("/"), other.count("/")))


class _Folder:
    """Paths of one name; when they are asked for, by the folder above them, and so on upwards: there may be very many."""

    __slots__ = ("_inner", "files")

    def __init__(self, files: list[str]) -> None:
        self.files = files
        self._inner: dict[str, _Folder] | None = None

    def inner(self, depth: int) -> Mapping[str, "_Folder"]:
        """The same paths by the name of the folder `depth` steps above them."""
        if self._inner is None:
            self._inner = {}
            for path in self.files:
                folders = _above(path)
                if depth <= len(folders):
                    self._inner.setdefault(folders[depth - 1], _Folder([])).files.append(path)
        return self._inner


def _nearest(path: str, same: _Folder, rivals: _Folder) -> _Match:
    """Of files with the right name, those whose folders agree farthest from the end, and among these, in case too."""
    reached = 0
    for depth, folder in enumerate(_above(path), 1):
        if len(same.files) == 1 or folder not in (inner := same.inner(depth)):
            break
        same, reached = inner[folder], depth
    if len(same.files) == 1:
        return _Match((same.files[0],), _agreement(path, same.files[0]), rivals)
    name = path.rpartition("/")[2]
    exact = [file for file in same.files if file.rpartition("/")[2] == name] if len(same.files) <= _MANY else []
    return _Match(tuple(exact if len(exact) == 1 else same.files[:_MANY]), reached, rivals)


_NONE = _Folder([])
