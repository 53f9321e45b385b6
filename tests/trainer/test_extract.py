"""Drawings and tables as files: whole, readable by others, with the figures of the evaluation and no patient's name."""

import csv
import io
import itertools
import json
import math
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image as Pillow
from sklearn.metrics import roc_auc_score

from trainer import cli, extract, plots, runs
from trainer.errors import ConfigError, RunError
from trainer.results import Evaluation, Prediction

from .judged_files import FINDINGS, judged_run


@pytest.fixture(scope="module", params=["multi-class", "multi-label"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> runs.Run:
    return judged_run(tmp_path_factory.mktemp(request.param), request.param)


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_drawings_are_whole_files(run: runs.Run, tmp_path: Path) -> None:
    made = extract.run(run.folder, tmp_path / "out", kinds=("png", "svg"))
    exclusive = Evaluation.load(run.evaluation("validation")).confusion is not None
    stems = {path.stem for path in made}
    assert any(stem.startswith("first-val-curves") for stem in stems)
    assert ("first-val-confusion" in stems) is exclusive
    assert len([stem for stem in stems if "calibration" in stem]) == 3
    for path in made:
        if path.suffix == ".png":
            with Pillow.open(path) as picture:
                picture.load()
                assert min(picture.size) > 500
        else:
            assert ElementTree.fromstring(path.read_bytes()).tag.endswith("svg")
            assert not any(scheme in path.read_text("utf-8") for scheme in ('href="http', "url(http"))


def test_the_table_holds_every_figure_with_its_interval(run: runs.Run, tmp_path: Path) -> None:
    (path,) = extract.run(run.folder, tmp_path, kinds=("csv",))
    evaluation = Evaluation.load(run.evaluation("validation"))
    found = {(row["group"], row["finding"], row["figure"]): row for row in rows(path)}
    for name, figure in evaluation.metrics.items():
        row = found["all", "", name]
        for key, value in (("value", figure.value), ("low", figure.low), ("high", figure.high)):
            assert (row[key] == "") if math.isnan(value) else float(row[key]) == pytest.approx(value, rel=1e-5)
        assert (row["run"], row["part"], row["images"], row["patients"]) == ("first", "validation", "30", "15")
    for name, result in evaluation.findings.items():
        (tn, fp), (fn, tp) = result.matrix
        cells = ("true_negatives", "false_positives", "false_negatives", "true_positives")
        assert [int(found["all", name, cell]["value"]) for cell in cells] == [tn, fp, fn, tp]
        area = found["all", name, "auroc"]["value"]
        assert (area == "") if math.isnan(result.auroc.value) else float(area) == pytest.approx(result.auroc.value, rel=1e-5)
    assert {group for group, _, _ in found if group.startswith("sex")} == {"sex: F", "sex: M"}
    assert any(group.startswith("baseline: ") for group, _, _ in found)


def test_the_table_of_images_gives_the_same_figures_to_others(run: runs.Run, tmp_path: Path) -> None:
    (path,) = extract.run(run.folder, tmp_path, kinds=("predictions",))
    found, evaluation = rows(path), Evaluation.load(run.evaluation("validation"))
    assert [int(row["image"]) for row in found] == Prediction.load(run.predictions("validation")).ids.tolist()
    assert "path" not in found[0]
    assert "clinic" not in path.read_text("utf-8-sig")
    for name, result in evaluation.findings.items():
        stated = [row for row in found if row[f"{name}: truth"]]
        y = [int(row[f"{name}: truth"]) for row in stated]
        called = [int(row[f"{name}: called"]) for row in stated]
        (_, fp), (fn, tp) = result.matrix
        assert [
            sum(c and t for t, c in zip(y, called, strict=True)),
            sum(c and not t for t, c in zip(y, called, strict=True)),
        ] == [tp, fp]
        assert sum(t and not c for t, c in zip(y, called, strict=True)) == fn
        if 0 < sum(y) < len(y):
            area = roc_auc_score(y, [float(row[f"{name}: probability"]) for row in stated])
            assert area == pytest.approx(result.auroc.value, abs=1e-4)


def test_paths_stand_in_it_only_if_asked_for(run: runs.Run, tmp_path: Path) -> None:
    (path,) = extract.run(run.folder, tmp_path, kinds=("predictions",), paths=True)
    assert all(Path(row["path"]).is_file() for row in rows(path))


def test_hostile_names_stay_text(run: runs.Run) -> None:
    assert extract._safe("=cmd()") == "'=cmd()"
    figure = plots.confusion_figure(["$x^2$ {", "<b>&"], [[1, 0], [0, 0]])
    text = ElementTree.fromstring(plots.as_file(figure, "svg"))
    assert text.tag.endswith("svg")


def test_names_in_any_script_are_drawn_without_a_fuss(tmp_path: Path) -> None:
    names = FINDINGS["multi-label"]
    run = judged_run(tmp_path, "multi-label")
    text = run.evaluation("validation").read_text("utf-8").replace(names[0], "肺炎")
    run.evaluation("validation").write_text(text, encoding="utf-8")
    kept = Prediction.load(run.predictions("validation"))
    Prediction(kept.ids, ("肺炎", *names[1:]), kept.probabilities, kept.targets, kept.patients, kept.task).save(
        run.predictions("validation")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = extract.run(run.folder, tmp_path / "out", kinds=("png",))
    assert len(made) == len(set(made)) == 4


def test_again_replaces_what_was_written(run: runs.Run, tmp_path: Path) -> None:
    first = extract.run(run.folder, tmp_path, kinds=("csv",))
    first[0].write_text("old")
    assert extract.run(run.folder, tmp_path, kinds=("csv",)) == first
    assert first[0].read_text("utf-8-sig").startswith("run,part,")
    assert len(list(tmp_path.glob("*.csv"))) == 1


def test_progress_ends_at_the_end(run: runs.Run, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    made = extract.run(run.folder, tmp_path, kinds=("csv", "predictions"), progress=lambda *step: steps.append(step))
    assert steps[-1] == (len(made), len(made)) == (2, 2)


def test_what_is_missing_is_told(run: runs.Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not been judged on the test part"):
        extract.run(run.folder, tmp_path, on="test")
    with pytest.raises(ConfigError, match="no 'pgn'") as error:
        extract.run(run.folder, tmp_path, kinds=("pgn",))
    assert "png" in error.value.remedy


def test_in_a_terminal(run: runs.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["extract", str(run.folder), "--out", str(tmp_path), "--kind", "csv"]
    assert cli.main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [Path(name).name for name in said["files"]] == ["first-val-figures.csv"]
    assert cli.main(words) == 0
    assert "first-val-figures.csv" in capsys.readouterr().out
    assert cli.main([*words, "--on", "test"]) == 2


def test_many_findings_are_divided_among_drawings(tmp_path: Path) -> None:
    run = judged_run(tmp_path, "multi-label")
    kept = Prediction.load(run.predictions("validation"))
    names = tuple(f"F{n}" for n in range(14))
    wide = np.tile(kept.probabilities[:, :1], 14), np.tile(kept.targets[:, :1], 14)
    many = Prediction(kept.ids, names, *wide, kept.patients, kept.task)
    from trainer import drawings, judgement

    evaluation = judgement.evaluate(many, dict.fromkeys(names, 0.5), draws=2)
    found = [name for name, _ in itertools.islice(drawings.files(evaluation, many, ["svg"]), 4)]
    assert found == ["curves-1.svg", "curves-2.svg", "curves-3.svg", "calibration-1-F0.svg"]
