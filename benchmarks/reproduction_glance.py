"""The first table of the page: what was published, and what stands here for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Line:
    """One published figure, and the works that stand for it: `metric` of the whole, or of one `finding`."""

    system: str
    figure: str
    published: str
    works: tuple[str, ...]
    metric: str
    finding: str = ""
    coarse: bool = False


COVID = "COVID-19"
FROM_SCRATCH = ("darkcovidnet", "scratch", "scattering", "committee-from-scratch")
PRETRAINED = ("quick", "all-stages", "support-vectors", "committee")
"""Networks that are judged by DarkCovidNet's protocol."""
LINES = (
    Line("A", "COVID-19 F1, BCE", "0.81 (VGG16), 0.76 (ResNet18)", ("A-bce", "A-quick-bce"), "f1", COVID),
    Line("A", "COVID-19 F1, focal loss", "0.90 (VGG16), 0.88 (ResNet18)", ("A-focal", "A-quick-focal"), "f1", COVID),
    Line("A", "Hamming loss", "0.0429", ("A-focal", "A-quick-focal"), "hamming"),
    Line(
        "B",
        "coarse macro F1",
        "recall 0.2 / 1 / 0.5 on a handful of images",
        tuple(
            f"{recipe}-{way}"
            for recipe in ("B", "B-quick")
            for way in ("none", "oversampling", "undersampling", "class-weights")
        ),
        "macro_f1",
        coarse=True,
    ),
    Line("C", "COVID-19 F1", "0.93 to 0.95", ("C-neither", "C-sampler", "C-mixup", "C-both", "C-bag"), "f1", COVID),
    Line("D", "accuracy", "0.95", ("D-concatenation", "D-quick"), "accuracy"),
    Line("D", "macro F1", "0.951", ("D-concatenation", "D-quick"), "macro_f1"),
    *(
        Line(
            "DarkCovidNet",
            f"accuracy, three findings, divided by {by}",
            published,
            tuple(mask.format(work) for work in (*FROM_SCRATCH, *PRETRAINED)),
            "accuracy",
        )
        for by, published, mask in (
            ("images, reported where validated", "0.8702", "as-published-{}"),
            ("images", "not published", "{}-images"),
            ("patients", "not published", "{}-patients"),
        )
    ),
    Line("DarkCovidNet", "accuracy, two findings, divided by images", "0.9808", ("darkcovidnet-two-images",), "accuracy"),
)
HEAD = """## At a glance

| system | figure | published | here |
|---|---|---|---|"""


def table(results: Results) -> str:
    """The lines of which at least one work is done, and what size and file type alone score on the data of DarkCovidNet."""
    rows = []
    for line in LINES:
        found = [f"`{key}` {figure(_value(results[key], line))}" for key in line.works if key in results]
        if found:
            rows.append(f"| {line.system} | {line.figure} | {line.published} | {'; '.join(found)} |")
    if shortcut := results.get("shortcut-darkcovid"):
        for by in sorted({one["divided"] for one in shortcut["scores"]}):
            best = max((one for one in shortcut["scores"] if one["divided"] == by), key=lambda one: one["accuracy"])
            what = f"accuracy of size, shape and file type alone, divided by {by}"
            rows.append(
                f"| DarkCovidNet | {what} | not published | {best['accuracy']:.3f} ({best['model']}, {best['files']}) |"
            )
    return "\n".join([HEAD, *rows, ""]) if rows else ""


def figure(one: Mapping[str, Any] | None) -> str:
    """A figure with its interval."""
    if not one or one["value"] is None:
        return ""
    ends = "" if one["low"] is None else f" ({one['low']:.3f} to {one['high']:.3f})"
    return f"{one['value']:.3f}{ends}"


def whole(judged: Mapping[str, Any]) -> Mapping[str, Any]:
    """The evaluation of a run, or of a bag as a whole."""
    found: Mapping[str, Any] = judged.get("evaluation", judged)
    return found


def _value(result: Mapping[str, Any], line: Line) -> Mapping[str, Any] | None:
    if pooled := result.get("pooled"):
        value: Mapping[str, Any] | None = pooled.get(line.metric)
        return value
    judged = whole(result["coarse"] if line.coarse else result["judged"])
    found: Mapping[str, Any] | None = (judged["findings"][line.finding] if line.finding else judged["metrics"]).get(line.metric)
    return found
