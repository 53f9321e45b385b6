"""What the tests of the Review page share: a second network, files of several kinds, and a drop as a real drag makes it."""

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.trainer import dicom_files
from trainer import bags, checkpoints
from trainer.bags import Bag

PATIENT = "DOE-JANE-19450508"


def second_run(run: Path, name: str = "second", findings: Sequence[str] = (), *, seed: int = 3) -> Path:
    """A copy of a run whose weights are a little different; `findings` (as many) give it another task."""
    copy = run.parent / name
    shutil.copytree(run, copy)
    classifier, header = checkpoints.load(copy / "best.safetensors")
    torch.manual_seed(seed)
    with torch.no_grad():
        for weights in classifier.parameters():
            weights.mul_(1 + 0.2 * torch.randn_like(weights))
    header = dataclasses.replace(header, run=name, findings=tuple(findings) or header.findings)
    checkpoints.save(copy / "best.safetensors", classifier, header)
    return copy


def bag_of(run: Path, name: str = "pair", kind: str = bags.SEEDS) -> Bag:
    """A bag of two trained members, copies of a run of which one is a little different, beside the run."""
    project = run.parent.parent
    members = bags.planned(name, [1, 2], ["s", "s"])
    bag = bags.create(project, name, bags.Plan(kind, "quick", {}, members, 0.0))
    for member in members:
        copy = second_run(run, member.run, seed=member.seed)
        about = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        (copy / "config.json").write_text(json.dumps({**about, "bag": {"name": name, "member": member.number}}))
    return bag


def folder_of_files(folder: Path) -> list[Path]:
    """A PNG, a DICOM file of a known patient, and a PNG that breaks off, in this order by name."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    good, dicom, bad = folder / "a-good.png", folder / "b-other.dcm", folder / "c-damaged.png"
    Pillow.fromarray(random.integers(0, 256, (60, 40), np.uint8)).save(good)
    stored = random.integers(0, 4096, (50, 70), np.uint16)
    names = {"PatientID": PATIENT, "PatientName": "Doe^Jane", "ViewPosition": "LL", "Modality": "DX"}
    dicom.write_bytes(dicom_files.file(stored, BodyPartExamined="CHEST", **names))
    bad.write_bytes(good.read_bytes()[:200])
    return [good, dicom, bad]


def drop(widget: QWidget, paths: Sequence[Path]) -> bool:
    """Drag files over a widget and let go; whether it wanted them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at, action, button, key = (
        QPoint(50, 50),
        Qt.DropAction.CopyAction,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter = QDragEnterEvent(at, action, data, button, key)
    QApplication.sendEvent(widget, enter)
    if enter.isAccepted():
        QApplication.sendEvent(widget, QDropEvent(QPointF(at), action, data, button, key))
    return enter.isAccepted()
