"""With --json each verb prints one object for programs, with the keys that the documentation promises."""

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import TINY_OPTIONS, Terminal


def _object(terminal: Terminal, *words: object) -> Any:  # noqa: ANN401 - whatever json holds
    said = terminal(*words, "--json")
    assert said.code == 0, said.err
    assert len(said.out.splitlines()) == 1
    return json.loads(said.out)


def test_import(terminal: Terminal, world: Path) -> None:
    found = _object(terminal, "import", "new", "drawn")
    assert {"taken", "unchanged", "refused", "unmatched", "findings", "patients"} <= found.keys()
    assert found["taken"] == 24
    assert found["refused"] == []
    assert sum(found["findings"].values()) == 24
    again = _object(terminal, "import", "new.cxr", "drawn")
    assert (again["taken"], again["unchanged"]) == (0, 24)


def test_train_and_resume(terminal: Terminal, world: Path) -> None:
    found = _object(terminal, "train", "lungs.cxr", *TINY_OPTIONS, "--run", "second")
    keys = {"run", "status", "epochs", "best_epoch", "best_metric", "seconds", "images_per_second", "device", "precision"}
    assert keys <= found.keys()
    assert (found["status"], found["epochs"], found["device"], found["precision"]) == ("finished", 1, "cpu", "fp32")


def test_evaluate(terminal: Terminal, world: Path) -> None:
    found = _object(terminal, "evaluate", "lungs.cxr/runs/first", "--on", "test")
    assert found["run"] == "first"
    assert found["part"] == "test"
    assert found["test_openings"] == 1
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "hamming", "exact_match"):
        assert found["metrics"][name].keys() == {"value", "low", "high"}
    for finding in found["findings"].values():
        (tn, fp), (fn, tp) = finding["matrix"]
        assert tn + fp + fn + tp == found["images"]
        assert 0 <= finding["threshold"] <= 1
        assert {"sensitivity", "specificity", "precision", "f1", "auroc", "auprc"} <= finding.keys()
    assert sum(map(sum, found["confusion"]["counts"])) == found["images"]
    assert found["baselines"]
    assert found["warnings"]
    assert _object(terminal, "evaluate", "lungs.cxr/runs/first", "--on", "test")["test_openings"] == 2
    assert _object(terminal, "evaluate", "lungs.cxr/runs/first")["part"] == "validation"


def test_evaluate_on_another_project(terminal: Terminal, world: Path) -> None:
    _object(terminal, "phantom", "other", "--images", 12, "--size", 64, "--seed", 9, "--classes", "Normal", "Tuberculosis")
    _object(terminal, "import", "other.cxr", "other")
    found = _object(terminal, "evaluate", "lungs.cxr/runs/first", "--on", "other.cxr")
    assert found["part"] == "external: other"
    assert found["images"] == 12


def test_predict_and_explain(terminal: Terminal, world: Path) -> None:
    found = _object(terminal, "predict", "lungs.cxr/runs/first", "drawn/images/Normal")
    assert len(found["images"]) == len(list((world / "drawn/images/Normal").iterdir()))
    for one in found["images"]:
        assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert one["probabilities"][one["top_finding"]] == max(one["probabilities"].values())
    made = _object(terminal, "explain", "lungs.cxr/runs/first", "drawn/images/Normal", "--out", "maps")
    assert all(Path(one["overlay"]).is_file() for one in made["images"])


@pytest.mark.parametrize("verb", ["show", "split"])
def test_show_and_split(terminal: Terminal, world: Path, verb: str) -> None:
    found = _object(terminal, verb, "lungs.cxr")
    if verb == "show":
        assert found["images"] == 24
        assert found["runs"][0]["state"] == "finished"
    else:
        assert sum(part["images"] for part in found["splits"][0]["parts"].values()) == 24


def test_watch_and_report(terminal: Terminal, world: Path) -> None:
    assert _object(terminal, "watch", "lungs.cxr/runs/first")["status"] == "finished"
    assert Path(_object(terminal, "report", "lungs.cxr/runs/first")["report"]).is_file()


def test_a_refusal_is_an_object_too(terminal: Terminal, world: Path) -> None:
    said = terminal("evaluate", "lungs.cxr/runs/frist", "--json")
    assert said.code == 2
    assert json.loads(said.out)["error"]["remedy"] == "Did you mean first?"
