"""The drawings of the report: whole, by themselves, the same each time, and true to their numbers."""

import re
import threading
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from trainer import metrics, plots
from trainer.curves import Sweep


def history(epochs: int = 5, best: int | None = 3, **changes: object) -> plots.History:
    numbers = np.arange(1.0, epochs + 1)
    values = {
        "epochs": numbers,
        "train_loss": 1 / numbers,
        "validation_loss": 1.2 / numbers,
        "metric": 1 - 1 / numbers,
        "rate_epochs": np.linspace(0, epochs, 40),
        "rates": np.linspace(3e-4, 0, 40),
        "best": best,
        "metric_label": "Macro F1",
    }
    return plots.History(**{**values, **changes})  # type: ignore[arg-type]


def curve(y: np.ndarray, p: np.ndarray, threshold: float = 0.5) -> plots.Curve:
    sweep = Sweep(y, p)
    fpr, tpr, _ = sweep.roc()
    precision, recall, _ = sweep.precision_recall()
    matrix = sweep.counts(threshold)
    figures = (float(f(matrix)) for f in (metrics.sensitivity, metrics.specificity, metrics.precision))
    return plots.Curve(fpr, tpr, precision, recall, float((y == 1).mean()), *figures)


def some(seed: int = 0, images: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random(images) < 0.4).astype(np.int8)
    return y, np.clip(random.normal(0.35 + 0.3 * y, 0.2), 0, 1)


def drawn(svg: str, tag: str, colour: str) -> int:
    """How many elements of a kind stand in a drawing with this colour: a `use` is a marker, a `path` a line or a bar."""
    return sum(colour.lower() in one.get("style", "") for one in ET.fromstring(svg).iter(tag))


def every() -> dict[str, str]:
    y, p = some()
    return {
        "training": plots.training(history(), "training", "Loss over epochs"),
        "curves": plots.roc_and_precision_recall([curve(*some(k)) for k in range(plots.TOGETHER)], "curves", "Curves"),
        "calibration": plots.calibration(metrics.calibration(y, p), "calibration", "Calibration"),
        "line": plots.swatch(2, "line"),
        "bar": plots.colour_bar("inferno", 2.5, "bar", "Scale"),
    }


def test_drawings_are_well_formed_and_need_nothing_from_elsewhere() -> None:
    for svg in every().values():
        root = ET.fromstring(svg)
        assert root.tag == "svg"
        assert not re.search(r"https?:|xmlns|<metadata|<style|<script|<!DOCTYPE|@import", svg)
        for target in re.findall(r'href="([^"]*)"', svg):
            assert target.startswith(("#", "data:image/png;base64,"))


def test_every_id_is_pointed_to_carries_the_name_and_stands_once_in_a_page() -> None:
    page = "".join(every().values())
    ids = re.findall(r' id="([^"]+)"', page)
    pointed = {"".join(found) for found in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)}
    assert ids
    assert len(ids) == len(set(ids))
    assert pointed == set(ids)
    assert {name.rsplit("-", 1)[0] for name in ids} <= set(every())


def test_the_same_input_gives_the_same_bytes_also_from_several_threads() -> None:
    expected = every()
    found: list[dict[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(every())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected, expected]


def test_what_a_drawing_says_to_a_screen_reader_is_escaped() -> None:
    svg = plots.training(history(), "training", 'a "quoted" <script>\\1 & more')
    assert 'aria-label="a &quot;quoted&quot; &lt;script&gt;\\1 &amp; more"' in svg
    assert ET.fromstring(svg).attrib["aria-label"] == 'a "quoted" <script>\\1 & more'
    assert ET.fromstring(plots.swatch(0, "a")).attrib["aria-hidden"] == "true"


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 1, "best": 1},
        {"epochs": 1, "best": None},
        {"epochs": 60, "best": 60},
        {"metric": np.full(5, np.nan), "best": 2},
        {"train_loss": np.array([1.0, np.nan, 0.5, np.nan, 0.2])},
        {"rates": np.zeros(40)},
        {"rates": np.empty(0), "rate_epochs": np.empty(0)},
        {"best": 9},
    ],
)
def test_trainings_of_any_length_with_gaps_can_be_drawn(changes: dict[str, object]) -> None:
    shown = history(**changes)  # type: ignore[arg-type]
    svg = plots.training(shown, "training", "x")
    few = len(shown.epochs) <= 40  # more are a line without markers
    for colour, values, legend in zip(
        plots.COLOURS, (shown.train_loss, shown.validation_loss, shown.metric), (1, 1, 0), strict=False
    ):
        assert drawn(svg, "use", colour) == few * (int(np.isfinite(values).sum()) + legend)
        assert drawn(svg, "path", colour) > 0


def test_the_best_epoch_is_marked_only_where_there_is_one() -> None:
    plain, marked = (len(plots.training(history(best=best), "t", "x")) for best in (None, 3))
    assert marked > plain


@pytest.mark.parametrize("label", [0, 1, -1])
def test_curves_that_are_not_defined_leave_an_empty_drawing_not_an_error(label: int) -> None:
    y, p = some()
    one = curve(np.full_like(y, label), p)
    empty = plots.roc_and_precision_recall([one], "curves", "x")
    assert len(empty) < len(plots.roc_and_precision_recall([curve(y, p)], "curves", "x"))
    ET.fromstring(empty)


def test_an_operating_point_that_is_not_defined_is_not_drawn() -> None:
    y, p = some()
    assert np.isnan(curve(y, p, threshold=1.1).precision_there)
    ET.fromstring(plots.roc_and_precision_recall([curve(y, p, threshold=1.1)], "curves", "x"))


def test_findings_differ_in_colour_dashes_and_markers() -> None:
    swatches = [plots.swatch(k, "s") for k in range(plots.TOGETHER)]
    assert len(set(swatches)) == plots.TOGETHER
    assert plots.swatch(plots.TOGETHER, "s") == swatches[0]
    assert len(set(plots.MARKERS)) == len(plots.DASHES) == len(plots.COLOURS) == plots.TOGETHER
    # Told apart without colour too: neighbours in lightness differ in their dashes, and all differ in their marker.
    lightness = [float(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722))) for colour in plots.COLOURS]
    assert max(lightness) < 0.75  # dark enough on white paper


def test_a_line_in_the_legend_looks_like_its_curve() -> None:
    y, p = some()
    drawn = plots.roc_and_precision_recall([curve(y, p), curve(y, 1 - p)], "curves", "x").lower()
    for k in range(2):
        assert plots.COLOURS[k].lower() in drawn
        assert plots.COLOURS[k].lower() in plots.swatch(k, "s").lower()


@pytest.mark.parametrize("bins", [1, 10])
def test_calibration_of_few_images_can_be_drawn(bins: int) -> None:
    y, p = np.array([1, 0, -1], np.int8), np.array([1.0, 0.0, 0.5])
    for start, points in ((0, min(bins, 2)), (2, 0)):  # the two that are stated, in one bin or in two; and none
        svg = plots.calibration(metrics.calibration(y[start:], p[start:], bins), "c", "x")
        assert drawn(svg, "use", plots.COLOURS[0]) == points
        assert drawn(svg, "path", "#bbbbbb") == bins


def test_the_scale_names_its_largest_value() -> None:
    small, large = (plots.colour_bar("inferno", top, "bar", "x") for top in (1e-6, 1e6))
    assert small != large
    assert "inferno" in colormaps


def test_many_points_make_no_large_drawing() -> None:
    y, p = some(images=20_000)
    assert len(plots.roc_and_precision_recall([curve(y, p)], "c", "x")) < 400_000
