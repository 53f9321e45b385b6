"""What `inspect` tells of files: facts, ranges, digest, steps; one that cannot be read says why and stops nothing."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from trainer import cli, inspection
from trainer.errors import DataError

from .dicom_files import RAMP, coded, file

WINDOWS = {"WindowCenter": [200, 800], "WindowWidth": [400, 1600], "VOILUTFunction": "LINEAR_EXACT"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.dcm").write_bytes(file(**WINDOWS, PatientID="P-1", PatientAge="061Y", PixelSpacing=[0.2, 0.2]))
    (tmp_path / "b.png").write_bytes(coded(np.array([[0, 255]], dtype=np.uint8), "PNG"))
    (tmp_path / "c.dcm").write_bytes(b"")
    return tmp_path


def test_a_dicom_file(folder: Path) -> None:
    found = inspection.of(folder / "a.dcm")
    said = found.to_json()
    assert said["digest"] == hashlib.sha1(RAMP.astype("<i4").tobytes()).hexdigest()
    assert (said["stored_min"], said["stored_max"], said["displayed_min"], said["displayed_max"]) == (0, 4095, 0, 1)
    assert (said["patient"], said["age"], said["spacing"], said["window"]) == ("P-1", 61, (0.2, 0.2), (200, 400))
    assert said["looks"] == ("window: centre 200, width 400", "window: centre 800, width 1600")
    rows = dict(found.rows())
    assert rows["Size"] == "3 x 2 pixels, 16 bits"
    assert rows["Windows offered"] == "window: centre 200, width 400; window: centre 800, width 1600"
    assert rows["Pixel"] == "0.2 x 0.2 mm (high, wide)"
    assert rows["Displayed"] == "0.000 to 1.000 of 0 (black) to 1 (white)"
    assert "Sex" not in rows


def test_a_folder_in_the_terminal_and_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(folder)]) == 0
    said = capsys.readouterr().out
    assert all(str(folder / name) in said for name in ("a.dcm", "b.png", "c.dcm"))
    assert "Not read: The file is empty" in said
    assert "To grey: 0 black, 255 white" in said
    assert cli.main(["inspect", str(folder), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [Path(one["path"]).name for one in files] == ["a.dcm", "b.png", "c.dcm"]
    assert files[1]["format"] == "PNG"
    assert set(files[2]) == {"path", "error"}


def test_nothing_to_read_and_nothing_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(folder / "c.dcm")]) == 2
    assert "None of 1 file could be read" in capsys.readouterr().err
    with pytest.raises(DataError, match="no such file"):
        list(inspection.run([folder / "nowhere"]))


def test_progress_counts_files(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    assert len(list(inspection.run([folder], lambda done, total: told.append((done, total))))) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
