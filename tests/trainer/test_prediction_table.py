"""Prediction files with chosen columns, by hand and through the terminal."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer import bag_thresholds, bags, cli, evaluate, model_card, predict, prediction_table
from trainer.bag_results import Thresholds
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


def test_a_finding_with_a_comma_stands_in_quotation_marks() -> None:
    rows = read(ONE, 'File, "Label=Lung, other", "P=p(Lung, other)"')
    assert rows[:2] == [["File", "Label", "P"], ["x/b.png", "0", "0.100000"]]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("File,Label=COVID19", "Did you mean COVID-19"),
        ("p=p(Norml)", "Did you mean p"),
        ("", "nothing that a column can hold .*There is: file, name, .*of each finding .Normal, COVID-19, Lung, other."),
        ("=file", "nothing that a column can hold"),
        ("File;Label", "Columns are parted by commas"),
        ("Label,Label=COVID-19", "Two columns are called Label .*Label2=COVID-19"),
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
    levels = {"Normal": 0.0, "Lobar pneumonia": 1.0, "Pleural effusion": 1.0}
    bag_thresholds.keep(bag, Thresholds(levels, {}, bag_thresholds.weights(bag.trained().values())))
    out = tmp_path / "out.csv"
    words = ["predict", str(bag.folder), str(films), "--csv", str(out), "--device", "cpu"]
    assert cli.main([*words, "--columns", "File,Label=Normal,other=Lobar pneumonia,sd=sd(Normal)"]) == 0
    assert {(row["Label"], row["other"], row["sd"]) for row in rows(out)} == {("1", "0", "0.000000")}
    assert prediction_table.columns("sd=sd(Normal)", ("Normal",))[0].content == "sd(Normal)"


def test_names_of_a_list_stay_apart_in_the_table(trained: Path, films: Path, tmp_path: Path) -> None:
    """Two folders with a file of the same name: the rows carry the names of the list, not twice the same."""
    first = sorted(films.iterdir())[0]
    for inner in ("a", "b"):
        (films / inner).mkdir()
        shutil.copy(first, films / inner / "1.png")
    (tmp_path / "sample.csv").write_text("File,Label\nb/1.png,\na/1.png,\n")
    out = tmp_path / "out.csv"
    words = ["predict", str(trained), str(films), "--files-from", str(tmp_path / "sample.csv"), "--device", "cpu"]
    assert cli.main([*words, "--csv", str(out), "--columns", "File,Label"]) == 0
    assert [row["File"] for row in rows(out)] == ["b/1.png", "a/1.png"]


def test_the_table_is_printed_where_that_is_asked(
    trained: Path, films: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    evaluate.run(trained, draws=2)
    (films / "broken.png").write_text("text")
    assert cli.main(["predict", str(trained), str(films), "--csv", "-", "--columns", "File,error", "--device", "cpu"]) == 0
    said = capfdbinary.readouterr()
    found = list(csv.reader(said.out.decode("utf-8").splitlines()))
    assert found[0] == ["File", "error"]
    assert sorted(row[0] for row in found[1:]) == sorted(path.name for path in films.iterdir())
    assert b"Not read" in said.err


def test_a_name_that_is_not_utf8_stands_as_on_the_disk(
    trained: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = os.fsdecode(b"gr\xf6\xdfe.png")
    try:
        sorted(films.iterdir())[0].rename(films / name)
    except OSError:
        pytest.skip("the disk takes no such names")
    words = ["predict", str(trained), str(films), "--device", "cpu"]
    assert cli.main([*words, "--csv", str(tmp_path / "out.csv"), "--columns", "File,p(Normal)"]) == 0
    assert b"\ngr\xf6\xdfe.png,0." in (tmp_path / "out.csv").read_bytes()
    assert cli.main([*words, "--csv", str(tmp_path / "plain.csv")]) == 0
    capsys.readouterr()
    assert cli.main([*words, "--json"]) == 0
    assert name in [Path(one["path"]).name for one in json.loads(capsys.readouterr().out)["images"]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--csv", "films.png"], "written as a CSV file"),
        (["--csv", "table.xlsx"], "--csv table.csv"),
        (["--csv", "-", "--json"], "same place"),
        (["--csv", "list.txt", "--files-from", "list.txt"], "take the place of the list"),
    ],
)
def test_a_place_where_no_table_belongs_is_refused_first(
    trained: Path, films: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(films.iterdir())
    assert cli.main(["predict", str(trained), str(films), *words]) == 2
    assert told in capsys.readouterr().err
    assert sorted(films.iterdir()) == before


def test_what_a_user_must_know_of_the_files(
    trained: Path, films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = sorted(films.iterdir())[0]
    (films / "inner").mkdir()
    shutil.copy(first, films / "inner" / first.name)
    shutil.copy(first, films / "1_mask.png")
    project = str(trained.parent.parent)
    words = ["--csv", str(tmp_path / "out.csv"), "--columns", "File,p(Normal)", "--device", "cpu"]
    assert cli.main(["predict", project, str(films), str(films / "inner"), str(first), *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Predicted by" in said
    assert "the newest run of the project" in said
    assert "1 mask in the folders left out" in said
    assert "named more than once" in said
    assert cli.main(["predict", "nope", str(films)]) == 2
    assert "'nope' is not there" in capsys.readouterr().err
