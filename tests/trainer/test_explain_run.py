"""`explain` on files: an overlay each, without data of the patient; bad files told one by one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainer import examples, explain, images, predict
from trainer.errors import DataError
from trainer.headers import Facts


def _files(drawn: Path) -> list[Path]:
    return sorted((drawn / "images").rglob("*.png"))[:3]


def test_each_file_gets_an_overlay_of_its_most_probable_finding(trained: Path, drawn: Path, tmp_path: Path) -> None:
    rows = explain.run(trained, _files(drawn), tmp_path / "maps", device="cpu")
    _, found = predict.run([trained], _files(drawn), device="cpu")
    for row, one in zip(rows, found, strict=True):
        assert row["probability"] == pytest.approx(one.probabilities.max(), abs=1e-5)
        with Image.open(row["overlay"]) as picture:
            assert picture.mode == "RGB"
            assert picture.info == {}
            assert picture.width > picture.height


def test_a_chosen_finding_is_explained_in_every_file(trained: Path, drawn: Path, tmp_path: Path) -> None:
    rows = explain.run(trained, [drawn / "images"], tmp_path, finding="Pleural effusion", device="cpu")
    assert len(rows) == 48
    assert {row["finding"] for row in rows} == {"Pleural effusion"}


def test_nothing_is_overwritten(trained: Path, drawn: Path, tmp_path: Path) -> None:
    first = explain.run(trained, _files(drawn)[:1], tmp_path, device="cpu")[0]["overlay"]
    second = explain.run(trained, _files(drawn)[:1], tmp_path, device="cpu")[0]["overlay"]
    assert first != second
    assert np.array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))


def test_a_bad_file_is_told_and_the_others_go_on(trained: Path, drawn: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    rows = explain.run(trained, [bad, *_files(drawn)], tmp_path / "maps", device="cpu")
    assert "error" in rows[0]
    assert all(Path(row["overlay"]).is_file() for row in rows[1:])


def test_an_unknown_finding_is_refused_before_anything_is_written(trained: Path, drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean Normal"):
        explain.run(trained, _files(drawn), tmp_path / "maps", finding="Normall")
    assert not (tmp_path / "maps").exists()


def test_all_findings_of_an_image_are_explained_in_one_pass_as_each_by_itself(trained: Path, drawn: Path) -> None:
    member = predict.opened([trained], device="cpu")[0]
    image = images.read(_files(drawn)[0])
    together = explain.of_image(member, image)
    square = torch.from_numpy(images.to_square(image.pixels, member.header.size, member.header.fit)[None, None])
    assert len(together) == len(member.header.findings)
    for name, values in zip(member.header.findings, together, strict=True):
        alone = explain.heatmap(member.classifier, square, member.header.findings, name)
        np.testing.assert_allclose(values, alone.values, atol=1e-7)


def test_a_report_frames_what_a_network_that_crops_was_shown(trained: Path) -> None:
    member = predict.opened([trained], device="cpu")[0]
    cropping = replace(member, header=replace(member.header, fit="crop"))
    pixels = np.random.default_rng(1).random((48, 80), dtype=np.float32)
    image = images.Image(pixels, Facts("PNG", 80, 48, 8, "L"))
    finding = member.header.findings[0]
    assert examples._look([member], image, finding).part == (0, 0, 80, 48)
    assert examples._look([cropping], image, finding).part == (16, 0, 64, 48)
    assert examples._look([cropping, member], image, finding).part == (0, 0, 80, 48)
