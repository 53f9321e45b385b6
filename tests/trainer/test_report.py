"""The report: one page that stands by itself, shows what was found, escapes everything and names no patient."""

import base64
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as Pillow

from trainer import report, runs
from trainer.results import Evaluation

from .judged_runs import HOSTILE, PATIENT, Page, drawn_run


@dataclass(frozen=True)
class Made:
    folder: Path
    page: str


@pytest.fixture(scope="module", params=["multi-class", "multi-label"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp(request.param)
    run = drawn_run(folder, request.param)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Made(folder, report.run(run.folder).read_text(encoding="utf-8"))


def test_the_page_needs_nothing_from_elsewhere(made: Made) -> None:
    page = Page(made.page)
    assert not re.search(r"https?:|//[a-z]+\.|@import|@font-face", made.page)
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base", "form"} == set()
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "srcset", "data", "poster", "action", "background"):
            value = attributes.get(name)
            assert value is None or re.match(r"#|data:image/(jpeg|png);base64,", value), (tag, name, value)
        assert "url(" not in (attributes.get("style") or "")
    assert set(re.findall(r"url\((.)", made.page)) <= {"#"}
    assert len(made.page) < 4_000_000


def test_ids_are_unique_and_links_lead_somewhere(made: Made) -> None:
    page = Page(made.page)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.tags:
        target = attributes.get("href") or ""
        assert tag not in ("a", "use") or target[1:] in ids
    assert set(re.findall(r"url\(#([^)]+)\)", made.page)) <= set(ids)


def test_hostile_names_are_text(made: Made) -> None:
    assert "<script" not in made.page.lower()
    assert HOSTILE in Page(made.page).text  # as it stands: neither run, nor rendered, nor mathematics


def test_no_patient_is_named(made: Made) -> None:
    assert PATIENT not in made.page
    assert "2 train images were left out (the run's events.jsonl says which and why)." in Page(made.page).text


def test_pictures_are_whole_and_described(made: Made) -> None:
    found = [attributes for tag, attributes in Page(made.page).tags if tag == "img"]
    assert found
    assert len(found) <= 2 * 30
    for attributes in found:
        assert attributes["alt"]
        content = base64.b64decode((attributes["src"] or "").partition(",")[2])
        with Pillow.open(io.BytesIO(content)) as picture:
            picture.load()
            assert picture.size == (int(attributes["width"] or 0), int(attributes["height"] or 0))
            assert max(picture.size) <= 320


def test_every_drawing_says_what_it_shows_or_is_hidden(made: Made) -> None:
    for tag, attributes in Page(made.page).tags:
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true"


def test_sections_stand_in_order_with_the_disclaimer_first(made: Made) -> None:
    text = Page(made.page).text
    places = [text.index(f"How to read this: {start}") for start in ("the network learns", "the loss", "beside each")]
    assert places == sorted(places)
    titles = re.findall(r"<h2>(.*?)</h2>", made.page)
    assert titles == ["1 Data", "2 Configuration", "3 Training", "4 Evaluation", "5 Examples", "6 Limits"]
    assert text.index("For teaching and research, not for diagnosis.") < text.index("This network looks at")


def test_the_summary_shows_the_test_part_with_intervals_and_baselines(made: Made) -> None:
    run = runs.find(made.folder / "lungs.cxr")
    found = Evaluation.load(run.evaluation("test"))
    summary = Page(re.findall(r'<section class="box".*?</section>', made.page, re.DOTALL)[0]).text
    figure = found.metrics["macro_auroc"]
    assert f"Macro AUROC {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})" in summary
    assert "judged on the test part: 13 images" in summary  # one of 14 is excluded
    assert "has been opened once" in summary
    assert all(f"Baseline: {name}" in summary for name, base in found.baselines.items() if "macro_f1" in base.metrics)


def test_all_warnings_are_told_once(made: Made) -> None:
    box = Page(re.findall(r'<section class="warnings".*?</section>', made.page, re.DOTALL)[0]).text
    run = runs.find(made.folder / "lungs.cxr")
    told = {text for part in ("validation", "test") for text in Evaluation.load(run.evaluation(part)).warnings}
    assert told
    for text in {*told, "Rare is rare."}:
        assert box.count(" ".join(text.split())) == 1


def test_data_are_counted_by_part_with_patients_and_what_was_left_out(made: Made) -> None:
    text = Page(made.page).text
    assert "all images 20 (10 patients) 12 (6 patients) 13 (6 patients, 1 of unknown)" in text
    assert "2 images: in no part of the split." in text
    assert "1 image of test: excluded or gone since the split was made." in text
    assert "Rule by patient Seed 4 Digest abc123" in text
    assert "View: AP" in text
    assert "Sex: F" in text
    if "Task multi-label" in text:
        assert "Rare 0 · 15 not stated 0 · 9 not stated" in text


def test_figures_that_are_not_defined_say_so_and_why(made: Made) -> None:
    text = Page(made.page).text
    assert not re.search(r"\bnan\b", text)
    if "Task multi-label" in text:  # one of its findings occurs nowhere
        assert "not defined: no image with the finding" in text
        assert "not defined: it needs images with and without the finding" in text


def test_matrices_stand_truth_down_prediction_across(made: Made) -> None:
    run = runs.find(made.folder / "lungs.cxr")
    found = Evaluation.load(run.evaluation("test"))
    tables = [Page(table).text for table in re.findall(r'<table class="matrix">.*?</table>', made.page, re.DOTALL)]
    for result in found.findings.values():
        (tn, fp), (fn, tp) = result.matrix

        def shown(row: tuple[int, int]) -> str:
            return " ".join(f"{n} {100 * n / sum(row):.0f} %" if sum(row) else f"{n} –" for n in row)

        wanted = f"prediction truth not called called without it {shown((tn, fp))} with it {shown((fn, tp))}"
        assert wanted in tables
    if found.confusion:
        rows = [f"{' '.join(map(str, row))} {sum(row)}" for row in found.confusion.counts]
        counts = [" ".join(re.sub(r"\d+ %|–", "", table).split()) for table in tables]
        assert any(all(row in table for row in rows) for table in counts)


def test_validation_says_that_it_flatters(made: Made) -> None:
    assert "These figures flatter. The epoch and the thresholds were chosen on these very images" in Page(made.page).text


def test_the_same_run_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    path = report.run(made.folder / "lungs.cxr", out=tmp_path / "again.html")
    assert path.read_text(encoding="utf-8") == made.page
