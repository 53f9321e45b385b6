"""Arrays -> drawings as SVG text that stands in an HTML page by itself. Pure functions; the same input gives the same bytes.

No name of a finding is drawn: names stand in the page, where they wrap and any script can be read. Lines differ in colour
(Okabe & Ito 2008, safe for any colour vision), in dashes and in markers, so that they can be told apart on grey paper.
"""

import html
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from trainer.metrics import Calibration

Floats = NDArray[np.float64]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00")
DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = ("-", (0, (5, 2)), (0, (7, 2, 1, 2)), (0, (1, 1)), (0, (9, 3)), "-")
MARKERS = ("o", "s", "D", "^", "v", "*")
_SIZES = (7, 6.5, 6.5, 7.5, 7.5, 11)  # points; of equal weight to the eye
TOGETHER = len(COLOURS)
"""As many lines can be told apart in one drawing."""

_WIDE = 180 / 25.4  # inches: the text width of A4 with margins of 15 mm
_INK, _QUIET, _GRID = "#222222", "#666666", "#dddddd"
_TEXT, _SMALL = 9.0, 8.0  # points


@dataclass(frozen=True, eq=False)
class History:
    """A training, epoch by epoch: `epochs` [E]; losses and the chosen `metric` float64 [E] (nan: not defined).

    `rate_epochs` and `rates` float64 [R] are the learning rate over the time in epochs; `best` is the epoch that was kept.
    """

    epochs: Floats
    train_loss: Floats
    validation_loss: Floats
    metric: Floats
    rate_epochs: Floats
    rates: Floats
    best: int | None
    metric_label: str


@dataclass(frozen=True, eq=False)
class Curve:
    """One finding at every threshold, and at the chosen one.

    `fpr`, `tpr`, `precision` and `recall` are float64 arrays as `curves.Sweep` gives them; `prevalence` is the share of yes and
    the points are the figures at the operating point (nan: not defined, and then nothing is drawn).
    """

    fpr: Floats
    tpr: Floats
    precision: Floats
    recall: Floats
    prevalence: float
    sensitivity: float
    specificity: float
    precision_there: float


def training(history: History, name: str, alt: str) -> str:
    """Draw losses, the chosen metric and the learning rate, side by side, the best epoch marked. Returns SVG."""
    figure, (loss, metric, rate) = _figure(_WIDE, 2.3, 3)
    shown = "" if len(history.epochs) > 40 else "o"
    loss.plot(history.epochs, history.train_loss, color=COLOURS[0], marker=shown, ms=3, label="training")
    dashes = {"ls": DASHES[1], "marker": shown and "s"}
    loss.plot(history.epochs, history.validation_loss, color=COLOURS[1], ms=3, label="validation", **dashes)
    loss.legend(fontsize=_SMALL, frameon=False)
    metric.plot(history.epochs, history.metric, color=COLOURS[2], marker=shown, ms=3)
    power = math.floor(math.log10(top)) if (top := float(history.rates.max(initial=0))) > 0 else 0
    rate.plot(history.rate_epochs, history.rates / 10.0**power, color=COLOURS[4])
    rate.set_ylim(bottom=0)
    titles = "Loss", f"{history.metric_label} on validation", f"Learning rate, in 1e{power}"
    for axes, title in zip((loss, metric, rate), titles, strict=True):
        axes.set_title(title, fontsize=_TEXT, loc="left", color=_INK)
        axes.set_xlabel("epoch", fontsize=_SMALL)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    _mark_best(history, loss, metric)
    return _svg(figure, name, alt)


def _mark_best(history: History, loss: Axes, metric: Axes) -> None:
    if history.best is None:
        return
    for axes, values in ((loss, history.validation_loss), (metric, history.metric)):
        axes.axvline(history.best, color=_QUIET, lw=0.8, ls=":")
        there = history.epochs == history.best
        axes.plot(history.epochs[there], values[there], ls="", marker="*", ms=11, color=_INK)


def roc_and_precision_recall(curves: Sequence[Curve], name: str, alt: str) -> str:
    """Draw the ROC and precision-recall curves of at most `TOGETHER` findings, their operating points marked. Returns SVG."""
    return _svg(curves_figure(curves), name, alt)


def curves_figure(curves: Sequence[Curve], labels: Sequence[str] = ()) -> Figure:
    """The drawing of `roc_and_precision_recall`; with a legend below where there are `labels`, for a file by itself."""
    figure, (roc, pr) = _figure(_WIDE, 3.55 + 0.19 * len(labels), 2)
    roc.plot([0, 1], [0, 1], color=_QUIET, lw=1, ls=":")
    roc.text(0.62, 0.56, "chance", fontsize=_SMALL, color=_QUIET, rotation=45, ha="center", va="center")
    for place, curve in enumerate(curves):
        look = {"color": COLOURS[place], "ls": DASHES[place], "lw": 1.6}
        point = {"color": COLOURS[place], "ls": "", "zorder": 4, **_marker(place)}
        if np.isfinite(curve.fpr).all() and np.isfinite(curve.tpr).all():
            roc.plot(curve.fpr, curve.tpr, **look)
            roc.plot(1 - curve.specificity, curve.sensitivity, **point)
        if np.isfinite(curve.recall).all():
            pr.plot(curve.recall, curve.precision, drawstyle="steps-post", **look)
            pr.axhline(curve.prevalence, color=COLOURS[place], lw=0.9, ls=(0, (1, 2)))
            pr.plot(curve.sensitivity, curve.precision_there, **point)
    _unit_square(roc, "ROC", "1 - specificity (false alarms)", "sensitivity (found)")
    _unit_square(pr, "Precision and recall", "recall = sensitivity (found)", "precision (alarms that are right)")
    if labels:
        _legend(figure, labels)
    return figure


def _legend(figure: Figure, labels: Sequence[str]) -> None:
    """The names below the drawing, as they are written: no sign in them is mathematics."""
    lines = [Line2D([], [], color=COLOURS[i], ls=DASHES[i], lw=1.6, **_marker(i)) for i in range(len(labels))]
    legend = figure.legend(lines, labels, loc="outside lower left", fontsize=_SMALL, frameon=False, handlelength=4)
    for text in legend.get_texts():
        text.set_parse_math(False)


def calibration(measured: Calibration, name: str, alt: str) -> str:
    """Draw predicted probability against the share that had the finding, and below how many images. Returns SVG."""
    return _svg(calibration_figure(measured), name, alt)


def calibration_figure(measured: Calibration, title: str = "") -> Figure:
    """The drawing of `calibration`, with a title where it is a file by itself."""
    figure, (plot, bars) = _figure(2.75, 2.95, 2, vertical=True, ratios=(4, 1))
    if title:
        figure.suptitle(title, fontsize=_TEXT, color=_INK, parse_math=False)
    plot.plot([0, 1], [0, 1], color=_QUIET, lw=1, ls=":")
    used = measured.count > 0
    plot.plot(measured.probability[used], measured.share[used], color=COLOURS[0], marker="o", ms=4.5, lw=1.4)
    _unit_square(plot, "", "", "share with the finding")
    plot.tick_params(labelbottom=False)
    bins = len(measured.count)
    edges = np.arange(bins) / bins
    bars.bar(edges, measured.count, width=0.92 / bins, align="edge", color="#bbbbbb", edgecolor=_QUIET, lw=0.5)
    bars.set_xlim(-0.02, 1.02)
    bars.set_xlabel("predicted probability", fontsize=_SMALL)
    bars.set_ylabel("images", fontsize=_SMALL)
    bars.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=2))
    return figure


def confusion_figure(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Figure:
    """A confusion matrix with its counts: truth down, prediction across; the shade is the share of the row."""
    matrix = np.asarray(counts, dtype=np.float64)
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros_like(matrix), where=totals > 0)
    side = max(2.4, 0.55 * len(names) + 1.6)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.add_subplot()
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        ink = "white" if shares[row, column] > 0.55 else _INK
        axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=ink, fontsize=_SMALL)
    places = range(len(names))
    for axis, words in ((axes.xaxis, "prediction"), (axes.yaxis, "truth")):
        axis.set_ticks(places, labels=names, fontsize=_SMALL, parse_math=False)
        axis.set_label_text(words, fontsize=_SMALL, color=_INK)
    axes.tick_params(axis="x", rotation=30, rotation_mode="xtick")
    bar = figure.colorbar(drawn, shrink=0.8)
    bar.set_label("share of the truth", fontsize=_SMALL)
    bar.ax.tick_params(labelsize=_SMALL)
    return figure


def as_file(figure: Figure, kind: str) -> bytes:
    """A drawing as the content of a "png" (300 dots per inch) or "svg" file by itself."""
    buffer = io.BytesIO()
    if kind == "png":
        FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=300, facecolor="white")
    else:
        FigureCanvasSVG(figure).print_figure(buffer, format="svg", facecolor="white", metadata={"Date": None})
    return buffer.getvalue()


def swatch(number: int, name: str) -> str:
    """Draw the line and the marker of one finding, for a legend in the page. Returns SVG."""
    figure = Figure(figsize=(0.5, 0.16))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    place = number % TOGETHER
    axes.plot([0, 1], [0, 0], color=COLOURS[place], ls=DASHES[place], lw=1.6)
    axes.plot(0.5, 0, color=COLOURS[place], **_marker(place))
    return _svg(figure, name, "")


def _marker(place: int) -> dict[str, Any]:
    return {"marker": MARKERS[place], "ms": _SIZES[place], "mec": "white", "mew": 1.0}


def colour_bar(colours: str, top: float, name: str, alt: str) -> str:
    """Draw the scale of a matplotlib colour map from 0 to `top`. Returns SVG."""
    figure = Figure(figsize=(3.4, 0.55), layout="constrained")
    axes = figure.add_subplot()
    strip = colormaps[colours](np.linspace(0, 1, 256))[None, :, :3]
    axes.imshow(strip, aspect="auto", extent=(0, top, 0, 1), interpolation="nearest")
    axes.set_yticks([])
    axes.tick_params(labelsize=_SMALL, colors=_INK)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.set_xlabel("evidence, in the network's own unit", fontsize=_SMALL, color=_INK)
    return _svg(figure, name, alt)


def _figure(
    width: float, height: float, count: int, *, vertical: bool = False, ratios: Sequence[float] | None = None
) -> tuple[Figure, NDArray[np.object_]]:
    """A figure in inches with `count` axes in a row or a column."""
    figure = Figure(figsize=(width, height), layout="constrained")
    rows, columns = (count, 1) if vertical else (1, count)
    grid = {"height_ratios": ratios} if ratios else None
    axes: NDArray[np.object_] = figure.subplots(rows, columns, gridspec_kw=grid)
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(_QUIET)
        one.tick_params(labelsize=_SMALL, colors=_INK, length=3)
        one.grid(color=_GRID, lw=0.6)
        one.set_axisbelow(True)
        one.margins(x=0.04)
    return figure, axes


def _unit_square(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    ticks = np.linspace(0, 1, 6)
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.set_title(title, fontsize=_TEXT, loc="left", color=_INK)
    axes.set_xlabel(across, fontsize=_SMALL, color=_INK)
    axes.set_ylabel(up, fontsize=_SMALL, color=_INK)


def _svg(figure: Figure, name: str, alt: str) -> str:
    """SVG for the inside of a page: no header, no metadata, no address; ids begin with `name`, `alt` says what it shows."""
    buffer = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    text = buffer.getvalue().decode("utf-8")
    text = text[text.index("<svg") :].replace("xlink:href", "href")
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    width, height = (float(length) * 72 for length in figure.get_size_inches())
    said = f'role="img" aria-label="{html.escape(alt)}"' if alt else 'aria-hidden="true"'
    box = f'viewBox="0 0 {width:.4g} {height:.4g}" width="{math.ceil(width)}pt" height="{math.ceil(height)}pt"'
    text = re.sub(r"<svg[^>]*>", f"<svg {box} {said}>".replace("\\", r"\\"), text, count=1)
    return _own_ids(text, name).strip()


def _own_ids(text: str, name: str) -> str:
    """matplotlib's ids are drawn at random; those that are pointed to are numbered instead, the others left out."""
    numbers: dict[str, str] = {}
    for found in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text):
        numbers.setdefault("".join(found), f"{name}-{len(numbers)}")
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{numbers[m[1]]}"' if m[1] in numbers else "", text)
    text = re.sub(r'href="#([^"]+)"', lambda m: f'href="#{numbers[m[1]]}"', text)
    return re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{numbers[m[1]]})", text)
