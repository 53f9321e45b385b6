"""Words of a table -> yes, no or not stated: trees of findings, spellings, uncertain answers, several readers, no finding."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from trainer.policies import ALL, ANY, NO_WORD, YES_WORD, Policies
from trainer.records import NO, UNSTATED, YES

Labels = Mapping[str, int]
"""Stated findings of one image or row; many rows share one object, so it is never changed."""

_ANSWERS = dict.fromkeys(("1", "yes", "y", "true", "positive", "pos", "present"), YES) | dict.fromkeys(
    ("0", "no", "n", "false", "negative", "neg", "absent"), NO
)
_UNCERTAIN = frozenset({"-1", "uncertain", "u"})
_NO_FINDING = frozenset({"nofinding", "nofindings"})


def listed(names: Iterable[frozenset[str]], findings: Sequence[str]) -> list[Labels]:
    """Answers of images that list their findings: those yes, all others no; an image that lists none states nothing.

    In a tree of findings ("Pneumonia/Viral") what stands above a finding is yes too, and what stands below it not stated.
    """
    known: dict[frozenset[str], Labels] = {frozenset(): {}}
    found = []
    for listing in names:
        if listing not in known:
            known[listing] = {name: answer for name in findings if (answer := _answer(name, listing)) is not None}
        found.append(known[listing])
    return found


def _answer(finding: str, listing: frozenset[str]) -> int | None:
    if any(name == finding or name.startswith(f"{finding}/") for name in listing):
        return YES
    return None if any(finding.startswith(f"{name}/") for name in listing) else NO


def spellings(names: Iterable[str], notes: list[str]) -> dict[str, str]:
    """Each spelling -> the most frequent one that differs from it in case only."""
    counts = Counter(names)
    first: dict[str, str] = {}
    for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if first.setdefault(name.casefold(), name) != name:
            notes.append(f"'{name}' is taken for '{first[name.casefold()]}'")
    return {name: first[name.casefold()] for name in counts}


def is_answers(cells: Iterable[str], *, all_blank: bool = False) -> bool:
    """Whether cells hold nothing but yes, no, uncertain and blanks, with one yes or no at least unless `all_blank` will do."""
    values = {_number(cell) for cell in set(cells)}
    return values <= _UNCERTAIN | UNSTATED | _ANSWERS.keys() and (all_blank or bool(values & _ANSWERS.keys()))


def has_uncertain(cells: Iterable[str]) -> bool:
    """Whether an answer is uncertain, so that the policy matters."""
    return any(_number(cell) in _UNCERTAIN for cell in set(cells))


@lru_cache(4096)
def _number(cell: str) -> str:
    """Lower case, and 1.0 as 1."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", cell.casefold())


def answered(columns: Mapping[str, Sequence[str]], policies: Policies, notes: list[str]) -> list[Labels]:
    """Rows of one column per finding: yes, no, or not stated (blank; uncertain unless the policy says otherwise).

    Two columns of one finding are one: yes where one of them says so.
    """
    uncertain = {YES_WORD: YES, NO_WORD: NO}.get(policies.uncertain)
    words = _ANSWERS | (dict.fromkeys(_UNCERTAIN, uncertain) if uncertain is not None else {})
    rows = list(zip(*columns.values(), strict=True))
    names = tuple(columns)
    known: dict[tuple[str, ...], Labels] = {}
    odd: Counter[str] = Counter()
    for cells, count in Counter(rows).items():
        stated: dict[str, int] = {}
        for name, cell in zip(names, map(_number, cells), strict=True):
            if cell in words:
                stated[name] = words[cell]
            elif cell not in _UNCERTAIN | UNSTATED:
                odd[f"'{cell}' in the column '{name}'"] += count
        known[cells] = stated
    for what, count in odd.most_common(3):
        notes.append(f"{what} is neither yes nor no; it counts as not stated ({count} rows)")
    return [known[cells] for cells in rows]


def united(rows: Sequence[Labels]) -> Labels:
    """Several rows of one reader (a box each) as one: yes in any is yes, and no only what no row leaves open."""
    if len(rows) == 1:
        return rows[0]
    names = dict.fromkeys(name for row in rows for name in row)
    answers = {name: [row.get(name) for row in rows] for name in names}
    return {name: YES if YES in said else NO for name, said in answers.items() if YES in said or None not in said}


def both(first: Labels, second: Labels) -> Labels:
    """What two tables state of one image; where they differ, the first counts."""
    return {**second, **first} if first and second else first or second


def voted(readers: Sequence[Labels], policies: Policies) -> Labels:
    """Several readers of one image as one, by the policy; who does not state a finding has no vote on it."""
    if len(readers) == 1:
        return readers[0]
    found: dict[str, int] = {}
    for name in dict.fromkeys(name for reader in readers for name in reader):
        votes = [reader[name] for reader in readers if name in reader]
        yes = votes.count(YES)
        if policies.readers == ANY:
            found[name] = YES if yes else NO
        elif policies.readers == ALL:
            if yes == len(readers) or NO in votes:
                found[name] = NO if NO in votes else YES
        elif 2 * yes != len(votes):
            found[name] = YES if 2 * yes > len(votes) else NO
    return found


def no_findings(findings: Iterable[str], also: Sequence[str] = ()) -> tuple[str, ...]:
    """Those of the findings that say that there is none of the others: "No Finding" in any spelling, and those in `also`."""
    own = {name.casefold() for name in also}
    return tuple(name for name in findings if re.sub(r"[\W_]", "", name.casefold()) in _NO_FINDING or name.casefold() in own)


def all_no(rows: Iterable[Labels], findings: Sequence[str], none: Sequence[str]) -> list[Labels]:
    """Rows without the findings `none`: where one of these is yes, all others are no that the row does not say yes to."""
    others = [name for name in findings if name not in none]
    known: dict[int, tuple[Labels, Labels]] = {}
    found = []
    for row in rows:
        if id(row) not in known:
            kept = {name: answer for name, answer in row.items() if name not in none}
            if any(row.get(name) == YES for name in none):
                kept = {name: YES if kept.get(name) == YES else NO for name in others}
            known[id(row)] = (row, kept)  # the row is held too, so that its id stays its own
        found.append(known[id(row)][1])
    return found
