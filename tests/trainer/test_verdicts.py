"""What an ensemble says of files: the thresholds' rule, and the table that screen and terminal share."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer import metrics, verdicts
from trainer.verdicts import FilePrediction

NAMES = ("Normal", "Lobar pneumonia", 'Other, "so called"')


def _said(path: str, *values: float) -> FilePrediction:
    return FilePrediction(Path(path), np.array(values, np.float32), np.array(values, np.float32) / 10)


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@given(st.floats(0, 1, width=32), st.floats(0, 1))
def test_a_threshold_is_reached_by_the_rule_of_the_figures(probability: float, threshold: float) -> None:
    decided = metrics.decisions(np.array([[probability]], np.float32), [threshold])[0, 0]
    assert verdicts.reaches(probability, threshold) == decided


def test_the_threshold_itself_counts() -> None:
    assert verdicts.reaches(0.5, 0.5)
    assert not verdicts.reaches(np.nextafter(0.5, 0), 0.5)


def test_without_a_threshold_nothing_is_said() -> None:
    found = verdicts.above(NAMES, np.array([0.9, 0.2, 0.7], np.float32), {"Normal": 0.5, "Lobar pneumonia": 0.5})
    assert found == {"Normal": True, "Lobar pneumonia": False, 'Other, "so called"': None}


def test_the_thresholds_of_an_ensemble_are_means_where_all_have_one() -> None:
    each = [{"a": 0.2, "b": 0.5}, {"a": 0.4, "c": 0.9}]
    assert verdicts.mean_thresholds(each) == pytest.approx({"a": 0.3})
    assert verdicts.mean_thresholds([{"a": 0.25}]) == {"a": 0.25}
    assert verdicts.mean_thresholds([{"a": 0.25}, {}]) == {}
    assert verdicts.mean_thresholds([]) == {}


def test_the_table_has_a_row_for_each_file() -> None:
    text = verdicts.table(
        NAMES, [_said("a.png", 0.1, 0.7, 0.2), verdicts.refused(Path("b.png"), "The file is empty.")], spread=False
    )
    first, second = _rows(text)
    assert list(first) == ["path", "top_finding", *NAMES, "error"]
    assert (first["path"], first["top_finding"], first["error"]) == ("a.png", "Lobar pneumonia", "")
    assert [float(first[name]) for name in NAMES] == pytest.approx([0.1, 0.7, 0.2], abs=1e-6)
    assert (second["path"], second["top_finding"], second["error"]) == ("b.png", "", "The file is empty.")
    assert [second[name] for name in NAMES] == ["", "", ""]


def test_the_table_of_an_ensemble_has_the_spread_too() -> None:
    text = verdicts.table(NAMES, [_said("a.png", 0.1, 0.7, 0.2), verdicts.refused(Path("b.png"), "no")], spread=True)
    first, second = _rows(text)
    assert float(first["Lobar pneumonia (SD)"]) == pytest.approx(0.07, abs=1e-6)
    assert second["error"] == "no"
    assert second["Normal (SD)"] == ""


def test_a_refused_file_has_no_probabilities() -> None:
    refused = verdicts.refused(Path("b.png"), "The file is empty.")
    assert refused.probabilities.size == refused.spread.size == 0
    assert refused.error
