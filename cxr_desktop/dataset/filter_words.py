"""The conditions of a choice in words, and the choice without one of them."""

from dataclasses import replace

from cxr_desktop.dataset.shown_images import Choice
from trainer.records import GONE, NO, NOT_STATED, YES, Filter

ANSWERS = {YES: "yes", NO: "no", NOT_STATED: "not stated"}
FACETS = {"view": "View", "sex": "Sex", "source": "Source", "patient": "Patient", "part_given": "Part as delivered"}
UNKNOWN = "unknown"
NO_PART = "in no part"


def conditions(choice: Choice) -> list[tuple[str, str]]:
    """Key and words of each condition, in the order in which they are shown."""
    where = choice.where
    found = [("wanted", choice.words or "Images chosen elsewhere")] if choice.wanted is not None else []
    found += [(f"finding:{name}", f"{name}: {ANSWERS[answer]}") for name, answer in where.findings.items()]
    if where.part:
        found.append(("part", f"Part: {part_words(where.part)}"))
    for key, name in FACETS.items():
        if (value := getattr(where, key)) is not None:
            found.append((key, f"{name}: {value or UNKNOWN}"))
    if where.flag:
        found.append(("flag", f"Flag: {where.flag}"))
    if where.excluded is not False and choice.wanted is None:
        found.append(("excluded", "Excluded images only" if where.excluded else "Excluded images too"))
    if where.text:
        found.append(("text", f"Text: {where.text}"))
    return found


def part_words(part: str) -> str:
    """Name of a part as it is shown."""
    return NO_PART if part == "none" else part


def without(where: Filter, key: str) -> Filter:
    """The filter without a condition (any key of `conditions` but "wanted")."""
    if key.startswith("finding:"):
        name = key.removeprefix("finding:")
        return replace(where, findings={other: answer for other, answer in where.findings.items() if other != name})
    if key == "flag":
        return flagged(where, "")
    if key == "excluded":
        return replace(where, excluded=False)
    return replace(where, **{key: None if key in FACETS else ""})


def answered(where: Filter, finding: str, answer: int | None) -> Filter:
    """The filter with another answer to a finding; None: any."""
    findings = {name: value for name, value in where.findings.items() if name != finding}
    return replace(where, findings=findings if answer is None else findings | {finding: answer})


def flagged(where: Filter, flag: str) -> Filter:
    """The filter with another flag; images that are gone are shown only where they are asked for."""
    gone = None if flag == GONE or (where.gone is None and where.flag != GONE) else False
    return replace(where, flag=flag, gone=gone)
