"""The script that reproduces published figures: its plumbing, its data, its arithmetic. The figures themselves take hours."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import f1_score, hamming_loss

from trainer import config, recipes, results, split
from trainer.architectures import BACKBONES
from trainer.catalog import Catalog

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - a module that stands outside of the packages
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import reproduction

    return reproduction


def _works(script: Any) -> list[Any]:  # noqa: ANN401
    return [work for works in script.PARTS.values() for work in works]


def _answers(counts: Any) -> tuple[list[int], list[int]]:  # noqa: ANN401
    """Truth and answer of each image of a 2x2 table."""
    return (
        [1] * (counts.tp + counts.fn) + [0] * (counts.fp + counts.tn),
        [1] * counts.tp + [0] * counts.fn + [1] * counts.fp + [0] * counts.tn,
    )


def test_the_published_tables_recomputed(script: Any) -> None:  # noqa: ANN401
    published = script.reproduction_text.published
    tables = published.a_tables()
    covid = tables["COVID-19"]
    assert (covid.tp, covid.fn, covid.fp, covid.tn) == (19, 9, 2, 598)
    for turned in (False, True):
        for name, one in published.a_tables(turned=turned).items():
            assert (one.tp + one.fn, one.tp + one.fn + one.fp + one.tn) == (published.A_POSITIVES[name], 628)
            assert one.f1 == pytest.approx(f1_score(*_answers(one)))
    truth, said = (np.concatenate(part) for part in zip(*map(_answers, tables.values()), strict=True))
    validation, train = published.a_hamming()
    assert validation == pytest.approx(hamming_loss(truth, said))
    assert (round(validation, 4), round(train, 4)) == (0.043, 0.0466)


def test_the_fault_of_the_axes_is_told(script: Any) -> None:  # noqa: ANN401
    published = script.reproduction_text.published
    text = "\n".join(published.a_lines())
    assert "| COVID-19 | 0.679 (0.493 to 0.821) | 0.905 | 0.776 | 0.997 |" in text
    assert "19 of 28" in text
    (told,) = published.d_lines()
    assert "F1 0.470" in told
    assert "mean 0.952" in told


def test_every_work_has_settings_that_the_program_knows(script: Any, tmp_path: Path) -> None:  # noqa: ANN401
    works = _works(script)
    assert len({work.key for work in works}) == len(works)
    for imagenet in (False, True):
        bench = script.Bench(Path("data"), tmp_path, tmp_path, quick=not imagenet, imagenet=imagenet)
        for work in works:
            if work.of:
                assert set(work.of) <= {one.key for one in works if one.divided == work.divided and not one.of}
                continue
            settings = config.changed(recipes.load(work.recipe).settings, config.parsed(bench.settings(work)))
            assert settings.model.backbone in BACKBONES
            assert settings.model.size >= BACKBONES[settings.model.backbone].smallest
            assert settings.schedule.epochs == 1 or imagenet
            assert settings.task.kind == ("multi-label" if work.key.startswith("A-") else "multi-class")
    assert {work.data for work in works} <= set(script.reproduction_data.SETS)
    sections = [part for part, _ in script.reproduction_text.SECTIONS]
    assert sections == list(script.PARTS)
    for part, works in script.PARTS.items():
        assert all(work.key.startswith(script.reproduction_text.OF_PART[part]) for work in works)


def test_with_imagenet_the_network_is_that_of_the_original(script: Any, tmp_path: Path) -> None:  # noqa: ANN401
    wanted = {"A-focal": "resnet18", "C-both": "alexnet", "D-concatenation": "resnet50v2_xception"}
    for work in _works(script):
        if work.key in wanted:
            own = script.Bench(Path("data"), tmp_path, tmp_path, quick=False, imagenet=True).settings(work)
            settings = config.changed(recipes.load(work.recipe).settings, config.parsed(own))
            assert (settings.model.backbone, settings.model.weights) == (wanted[work.key], "imagenet")


def test_an_unknown_part_is_refused(script: Any, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ANN401
    with pytest.raises(SystemExit):
        script.main(["E"])
    assert "there is no part E" in capsys.readouterr().err


def test_the_data_of_each_part(script: Any, shared_data: Path) -> None:  # noqa: ANN401
    data = script.reproduction_data
    counts = {name: Counter(row.label for row in make(shared_data)) for name, make in data.SETS.items()}
    assert counts["darkcovid"] == {"COVID-19": 125, "Normal": 500, "Pneumonia": 500}
    assert counts["thinned"] == {"COVID-19": 35, "Normal": 500, "Pneumonia": 250}
    assert round(35 / 785, 3) == round(28 / 628, 3) == 0.045
    assert counts["covid-or-not"] == {"COVID-19": 125, "Other": 1000}
    assert sum(counts["two-collections"].values()) == 1125 + 570
    assert {"Pneumonia/Viral/COVID-19", "Pneumonia/Fungal/Pneumocystis", "No Finding"} <= set(counts["tree"])
    rows = data.tree(shared_data)
    for label in counts["tree"]:
        assert len({row.patient for row in rows if row.label == label}) >= data.FEWEST_PATIENTS
        assert label.count("/") == 2 or label == "No Finding"
    assert len({row.file for row in rows}) == len(rows)
    few = data.rows_of("darkcovid", shared_data, quick=True)
    assert set(Counter(row.label for row in few).values()) == {data.QUICK}


@pytest.fixture
def rows(script: Any, tmp_path: Path) -> list[Any]:  # noqa: ANN401
    """24 images of two labels, which their shape tells apart; four images a patient."""
    made = []
    for number in range(24):
        wide = number % 2
        path = tmp_path / f"{number}.png"
        Image.new("L", (40 if wide else 20, 30), number * 10).save(path)
        made.append(script.reproduction_data.Row(path, f"finding {wide}", f"p{number // 4}", "PA", (100, 100, "L", "PNG")))
    return made


def test_images_and_table_are_laid_out_once(script: Any, rows: list[Any], tmp_path: Path) -> None:  # noqa: ANN401
    table = script.reproduction_data.laid_out(rows, tmp_path / "out" / "set")
    with table.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(line["label"], line["patient"]) for line in lines] == [(row.label, row.patient) for row in rows]
    assert all(
        (table.parent / line["path"]).read_bytes() == row.file.read_bytes() for line, row in zip(lines, rows, strict=True)
    )
    assert script.reproduction_data.laid_out([], tmp_path / "out" / "set") == table


def test_shape_alone_tells_apart_what_differs_in_shape_only(script: Any, rows: list[Any], monkeypatch: Any) -> None:  # noqa: ANN401
    import reproduction_shortcut as shortcut

    monkeypatch.setattr(shortcut, "TREES", 10)
    found = shortcut.scores(rows)
    assert {(one["files"], one["divided"]) for one in found} == {
        (files, divided) for files in ("as stored here", "of the originals") for divided in ("images", "patients")
    }
    for one in found:
        if one["files"] == "as stored here":
            assert one["accuracy"] == one["macro_f1"] == 1
        else:
            assert one["accuracy"] <= 0.7


def test_the_page_shows_what_was_judged(script: Any, run_folder: Path, tmp_path: Path) -> None:  # noqa: ANN401
    stored = json.loads((run_folder / "evaluation-val.json").read_text(encoding="utf-8"))
    work, short = script.PARTS["D"][0], script.reproduction_text.short
    kept = {
        "work": script.asdict(work),
        "settings": [short("model.weights=/a/b.safetensors"), "seed=2"],
        "quick": False,
        "imagenet": False,
    }
    folder = tmp_path / "results"
    script.keep(folder / "D-concatenation.json", {**kept, "judged": stored, "coarse": None, "seconds": 90})
    script.keep(folder / "C-both.json", {**kept, "quick": True})
    score = {"files": "x", "divided": "images", "model": "y", "accuracy": 0.5, "macro_f1": 0.25}
    script.keep(folder / "shortcut-darkcovid.json", {"quick": False, "images": 100, "scores": [score]})
    script.main(["--write", "--figures", str(folder), "--page", str(tmp_path / "page.md")])
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    accuracy = results.Evaluation.from_json(stored).metrics["accuracy"]
    assert f"| D-concatenation | {accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}) |" in page
    assert "with model.weights=b.safetensors, seed=2; one run, divided by patients, 15 % of the images" in page
    assert "to validate on; stand-in" in page
    assert "| darkcovid | x | images | y | 0.500 (0.404 to 0.596) | 0.250 |" in page
    assert f"| D | accuracy | 0.95 | `D-concatenation` {accuracy.value:.3f} (" in page
    assert "images | not published | 0.500 (y, x) |" in page
    (first, *_), counts = stored["confusion"]["findings"], stored["confusion"]["counts"]
    assert f"| D-concatenation | {first} | {counts[0][0] / sum(counts[0]):.3f} |" in page
    assert page.count("Not run yet.") == 4
    assert "0.870 (0.849 to 0.889)" in page


def test_the_published_protocol_validates_on_each_image_once(script: Any, project: Path) -> None:  # noqa: ANN401
    with Catalog.open(project) as catalog:
        folds = split.run(catalog, folds=3, val=0.2, name="folds3")
    for _ in range(2):  # made once, found the second time
        names = script.reproduction_protocol.made(project, "folds3", 3)
    assert names[0] == "as-published-fold1"
    assert script.reproduction_protocol.made(project, "folds3", 3, seed=2)[0] == "as-published-2-fold1"
    with Catalog.open(project) as catalog:
        made = [catalog.split(name).parts for name in names]
        assert catalog.active_split() == "folds3-fold1"
    everything = np.sort(np.concatenate(list(folds[0].parts.values())))
    assert all(set(parts) == {"train", "validation"} for parts in made)
    assert (np.sort(np.concatenate([parts["validation"] for parts in made])) == everything).all()
    assert all((np.sort(np.concatenate(list(parts.values()))) == everything).all() for parts in made)


def test_figures_of_the_published_protocol(script: Any, tmp_path: Path) -> None:  # noqa: ANN401
    counts = {"first": [[8, 2], [1, 9]], "second": [[5, 5], [0, 10]]}
    figures = script.reproduction_protocol.judged(
        lambda run: {"confusion": {"findings": ["a", "b"], "counts": counts[run.name]}}, [Path("first"), Path("second")]
    )
    assert figures["folds"] == [17 / 20, 15 / 20]
    assert figures["accuracy"]["value"] == 32 / 40
    assert figures["confusion"]["counts"] == [[13, 7], [1, 19]]
    work = next(work for work in script.PARTS["darkcovidnet"] if work.key == "as-published-scratch")
    kept = {"work": script.asdict(work), "settings": [], "quick": False, "imagenet": False, "pooled": figures}
    script.keep(tmp_path / "as-published-scratch.json", {**kept, "seconds": 60})
    script.main(["--write", "--figures", str(tmp_path), "--page", str(tmp_path / "page.md")])
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| scratch | 0.800 (0.652 to 0.895) (below 0.8702) | 0.850, 0.750 | not run | not run | 1 |" in page
    assert "| 0.8702 | `as-published-scratch` 0.800 (0.652 to 0.895) |" in page


def test_several_divisions_of_the_same_images_give_their_mean_and_the_interval_of_one(script: Any, tmp_path: Path) -> None:  # noqa: ANN401
    counts = {"1": [[4, 1], [1, 4]], "2": [[5, 0], [0, 5]], "3": [[3, 2], [0, 5]], "4": [[3, 2], [2, 3]]}
    figures = script.reproduction_protocol.judged(
        lambda run: {"confusion": {"findings": ["a", "b"], "counts": counts[run.name]}}, [Path(name) for name in counts], 2
    )
    assert figures["divisions"] == [18 / 20, 14 / 20]
    assert (figures["images"], figures["accuracy"]["value"]) == (20, pytest.approx(16 / 20))
    one = script.reproduction_protocol.judged(
        lambda run: {"confusion": {"findings": ["a", "b"], "counts": [[8, 2], [2, 8]]}}, [Path()]
    )
    assert [figures["accuracy"][end] for end in ("low", "high")] == pytest.approx(
        [one["accuracy"][end] for end in ("low", "high")]
    )
    work = script.replace(
        next(work for work in script.PARTS["darkcovidnet"] if work.key == "as-published-scratch"), divisions=2
    )
    kept = {"work": script.asdict(work), "settings": [], "quick": False, "imagenet": False, "pooled": figures}
    script.keep(tmp_path / "as-published-scratch.json", {**kept, "seconds": 60})
    script.main(["--write", "--figures", str(tmp_path), "--page", str(tmp_path / "page.md")])
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| scratch | 0.800 (0.584 to 0.919) (below 0.8702) | 0.900, 0.700 | not run | not run | 1 |" in page
    assert "5 folds, divided 2 times, a fifth of the images" in page


def test_figures_of_a_committee(script: Any) -> None:  # noqa: ANN401
    """Three images, two networks: the first is wrong of one, the second surer where it is right; their mean is right of all."""
    shared: dict[str, Any] = {
        "findings": ("a", "b"),
        "task": "multi-class",
        "targets": np.array([[1, 0], [0, 1], [0, 1]], np.int8),
        "patients": ("p", "q", "r"),
    }
    said = ([0.9, 0.6, 0.1], [0.6, 0.1, 0.3]), ([0.4, 0.2, 0.2], [0.8, 0.1, 0.2])
    for first, second in said:
        each = [
            results.Prediction(
                ids=np.arange(3),
                probabilities=np.stack([one, 1 - np.array(one)], 1).astype(np.float32),
                weights=str(one),
                **shared,
            )
            for one in (first, second)
        ]
        found = script.reproduction_protocol.averaged(each)
        assert found["accuracy"]["value"] == 1
        assert found["alone"] == pytest.approx((2 / 3 + 1) / 2)
        assert found["confusion"] == {"findings": ["a", "b"], "counts": [[1, 0], [0, 2]]}
        assert found["folds"] == []


def test_the_page_in_the_docs_is_made_from_the_figures_beside_it(script: Any, tmp_path: Path) -> None:  # noqa: ANN401
    script.main(["--write", "--page", str(tmp_path / "page.md")])
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == script.PAGE.read_text(encoding="utf-8")
    figures = [path.read_text(encoding="utf-8") for path in script.FIGURES.glob("*.json")]
    assert figures
    private = re.compile(r'[="]/|[A-Z]:\\|\.jpe?g|\.dcm')  # paths of a machine, files of images
    assert not any(private.search(text) for text in figures)
