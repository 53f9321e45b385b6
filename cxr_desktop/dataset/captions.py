"""What is known of an image in a few words: for captions, cells and tooltips. No Qt."""

from collections.abc import Mapping

from trainer.records import NO, YES, Record


def findings(labels: Mapping[str, int]) -> str:
    """Findings that are there, by the last word of their path in the tree; else how much is known not to be there."""
    there = [leaf(name) for name, answer in labels.items() if answer == YES]
    absent = [leaf(name) for name, answer in labels.items() if answer == NO]
    if there or not absent:
        return ", ".join(there) or "not stated"
    return f"{absent[0]}: no" if len(absent) == 1 else f"{len(absent)} stated, all no"


def leaf(finding: str) -> str:
    """Last word of a finding's path in the tree."""
    return finding.rpartition("/")[2]


def answers(labels: Mapping[str, int]) -> str:
    """All answers, yes first."""
    words = {YES: "yes", NO: "no"}
    stated = sorted(labels.items(), key=lambda item: -item[1])
    return "; ".join(f"{name}: {words[answer]}" for name, answer in stated) or "no finding is stated"


def marks(record: Record) -> tuple[str, ...]:
    """What sets the image apart: excluded, and its flags."""
    return (("excluded",) if record.excluded else ()) + record.flags


def age(record: Record) -> str:
    """Years without a needless decimal; "" where unknown."""
    return "" if record.age is None else f"{record.age:g}"


def pixels(record: Record) -> str:
    """Width x height."""
    return f"{record.width} × {record.height}"


def person(record: Record) -> str:
    """Patient and view in one line."""
    patient = record.patient or "patient unknown"
    return " · ".join(word for word in (patient, record.view) if word)


def everything(record: Record, part: str) -> str:
    """A tooltip: several lines of plain text."""
    who = ", ".join(
        word for word in (record.patient or "patient unknown", record.sex, age(record) and f"{age(record)} years") if word
    )
    rows = [
        record.path.name,
        answers(record.labels),
        who,
        ", ".join(word for word in (record.view, part, record.source, pixels(record)) if word),
        ", ".join(marks(record)),
    ]
    return "\n".join(row for row in rows if row)
