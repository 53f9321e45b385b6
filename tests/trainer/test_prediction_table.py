"""Prediction files with chosen columns, by hand and through the terminal."""

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer import bags, cli, evaluate, model_card, predict, prediction_table
from trainer.errors import ConfigError, DataError
from trainer.prediction_table import Asked, Column, columns, stated, table
from trainer.verdicts import FilePrediction, refused

NAMES = ("Normal", "COVID-19", "Lung, other")
ONE = Asked(NAMES, "multi-class", {"Normal": 0.5, "COVID-19": 0.3, "Lung, other": 0.9})
SEVERAL = Asked(NAMES, "multi-label", {"Normal": 0.5, "COVID-19": 0.3, "Lung, other": 0.9})


def said(name: str, *p: float) -> FilePrediction:
    return FilePrediction(Path("films") / name, np.array(p, np.float32), np.full(len(p), 0.01, np.float32))


FILES = [said("b.png", 0.6, 0.3, 0.1), said("a.png", 0.2, 0.29, 0.95), refused(Path("films/c.png"), "The file is empty.")]
STATED = ["x/b.png", "a.png", "c.png"]


def read(asked: Asked, wanted: str) -> list[list[str]]:
    text = table(columns(wanted, asked.findings), asked, FILES, STATED)
    assert "\r" not in text
    return list(csv.reader(io.StringIO(text)))


def test_file_and_label_as_a_challenge_wants_them() -> None:
    assert read(ONE, "File,Label") == [["File", "Label"], ["x/b.png", "Normal"], ["a.png", "Lung, other"], ["c.png", ""]]
    assert read(ONE, "File,Label=COVID-19") == [["File", "Label"], ["x/b.png", "1"], ["a.png", "0"], ["c.png", ""]]


def test_several_findings_stand_beside_each_other() -> None:
    assert [row[0] for row in read(SEVERAL, "finding")] == ["finding", "Normal | COVID-19", "Lung, other", ""]


def test_every_content() -> None:
    rows = read(ONE, "A=name, B=stem, C=path, why=error, p=p(COVID-19), spread=sd(Normal), Normal")
    assert rows[0] == ["A", "B", "C", "why", "p", "spread", "Normal"]
    assert rows[1] == ["b.png", "b", str(Path("films/b.png")), "", "0.300000", "0.010000", "1"]
    assert rows[3] == ["c.png", "c", str(Path("films/c.png")), "The file is empty.", "", "", ""]
    assert columns("image,class", NAMES) == (Column("image", "file"), Column("class", "finding"))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("File,Label=COVID19", "Did you mean COVID-19"),
        ("p=p(Norml)", "Did you mean p"),
        ("", "There is"),
        ("=file", "no content"),
    ],
)
def test_what_is_not_known_is_refused(wanted: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        columns(wanted, NAMES)


def test_a_decision_needs_a_threshold() -> None:
    bare = Asked(NAMES, "multi-label", {"Normal": 0.5})
    with pytest.raises(DataError, match="no threshold yet for COVID-19, Lung, other"):
        table(columns("Label", NAMES), bare, FILES, STATED)
    with pytest.raises(DataError, match="for COVID-19"):
        table(columns("Label=COVID-19", NAMES), bare, FILES, STATED)
    most = Asked(NAMES, "multi-class", {})
    assert table(columns("Label", NAMES), most, FILES[:1], STATED[:1]) == "Label\nNormal\n"


def test_names_are_those_inside_the_folder_that_was_given(tmp_path: Path) -> None:
    (tmp_path / "films" / "inner").mkdir(parents=True)
    paths = [tmp_path / "films" / "inner" / "1.png", tmp_path / "films" / "2.png", tmp_path / "3.png"]
    assert stated(paths, [tmp_path / "films", tmp_path / "3.png"]) == ["inner/1.png", "2.png", "3.png"]


# Through the terminal


@pytest.fixture
def films(drawn: Path, tmp_path: Path) -> Path:
    """A folder without labels whose names are none that could be parts of a path."""
    folder = tmp_path / "films"
    folder.mkdir()
    for number, path in enumerate(sorted((drawn / "images").rglob("*.png"))[:4]):
        shutil.copy(path, folder / f"{number}, à {'éb'[number % 2]}.png")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_a_folder_without_labels(trained: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evaluate.run(trained, draws=2)
    out = tmp_path / "out.csv"
    words = ["predict", str(trained), str(films), "--csv", str(out), "--device", "cpu"]
    assert cli.main([*words, "--columns", "File,Label=Normal,p=p(Normal)"]) == 0
    found = rows(out)
    assert [row["File"] for row in found] == sorted(path.name for path in films.iterdir())
    level = model_card.read_header(trained / "best.safetensors").thresholds["Normal"]
    _, again = predict.run([trained], [films], device="cpu")
    for row, one in zip(found, again, strict=True):
        p = float(one.probabilities[one_of(trained, "Normal")])
        assert row["Label"] == str(int(p >= level))
        assert float(row["p"]) == pytest.approx(p, abs=1e-6)
    assert cli.main([*words[:3], "--columns", "File,Label"]) == 2
    assert "--csv OUT" in capsys.readouterr().err


def one_of(run: Path, name: str) -> int:
    return model_card.read_header(run / "best.safetensors").findings.index(name)


def test_the_order_is_that_of_a_list(trained: Path, films: Path, tmp_path: Path) -> None:
    names = sorted((path.name for path in films.iterdir()), reverse=True)[:3]
    (tmp_path / "list.txt").write_text("\n".join(names), encoding="utf-8")
    out = tmp_path / "out.csv"
    listed = ["--files-from", str(tmp_path / "list.txt"), "--csv", str(out), "--device", "cpu", "--columns", "File,Label"]
    assert cli.main(["predict", str(trained), str(films), *listed]) == 0
    assert [row["File"] for row in rows(out)] == names


def test_a_bag_is_asked_as_one(trained: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = trained.parent.parent
    plan = bags.Plan("seeds", "", {}, bags.planned("pair", [1, 2], ["a", "a"]), 0.0)
    bag = bags.create(project, "pair", plan)
    assert cli.main(["predict", str(bag.folder), str(films)]) == 2
    assert "No member of this bag is trained yet" in capsys.readouterr().err
    for member in plan.members:
        folder = Path(shutil.copytree(trained, project / "runs" / member.run))
        about = (folder / "config.json").read_text(encoding="utf-8")
        told = f'{{"bag": {{"name": "pair", "member": {member.number}}},{about.lstrip()[1:]}'
        (folder / "config.json").write_text(told, encoding="utf-8")
    (bag.folder / "thresholds.json").write_text(
        '{"thresholds": {"Normal": 0.0, "Lobar pneumonia": 1.0, "Pleural effusion": 1.0}, "origins": {}, "weights": ""}'
    )
    out = tmp_path / "out.csv"
    words = ["predict", str(bag.folder), str(films), "--csv", str(out), "--device", "cpu"]
    assert cli.main([*words, "--columns", "File,Label=Normal,other=Lobar pneumonia,sd=sd(Normal)"]) == 0
    assert {(row["Label"], row["other"], row["sd"]) for row in rows(out)} == {("1", "0", "0.000000")}
    assert prediction_table.columns("sd=sd(Normal)", ("Normal",))[0].content == "sd(Normal)"
