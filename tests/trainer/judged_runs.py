"""Runs for the tests, as train and evaluate leave them but with a random network, and their reports read as a page."""

import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow

from trainer import checkpoints, config, evaluate, files, images, models, predict, report, runs
from trainer.catalog import Catalog, Entry, Filter
from trainer.results import Prediction

HOSTILE = '<script>alert("1")</script> $x^2$ & {{ 7 * 7 }}'
FINDINGS = {"multi-class": ("Normal", HOSTILE, "Lung/Opacity"), "multi-label": ("Effusion", HOSTILE, "Rare")}
PATIENT = "DOE-JANE"
VOID = ("meta", "link", "br", "img", "input", "hr", "base", "embed", "source", "col", "wbr")


class Page(HTMLParser):
    """The tags of a page with their attributes, its visible text, and whether every tag is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag not in ("b", "i", "span", "code"):
            self.words.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def written(run: runs.Run) -> Page:
    """Make the report and read it."""
    return Page(report.run(run.folder).read_text(encoding="utf-8"))


def drawn_project(folder: Path, task: str) -> Path:
    """48 images of 24 patients whose names stand in the files' names; findings differ in brightness."""
    names, random = FINDINGS[task], np.random.default_rng(0)
    source = folder / "source"
    entries = []
    for n in range(48):
        k = n % 3
        name = f"{PATIENT}-{n:02d}.png"
        size = (40, 60) if n % 2 else (60, 40)
        pixels = np.clip(random.normal(60 + 60 * k, 25, size), 0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Pillow.fromarray(pixels).save(buffer, "PNG")
        files.write_bytes(source / name, buffer.getvalue())
        labels = {one: int(i == k) for i, one in enumerate(names)}
        if task == "multi-label":
            labels = {names[0]: int(k > 0), names[1]: int(k > 1)} | ({names[2]: 0} if n % 4 == 0 else {})
        entries.append(
            Entry(
                path=name,
                digest=files.digest(buffer.getvalue()),
                bytes=len(buffer.getvalue()),
                modified=1,
                width=size[1],
                height=size[0],
                patient=f"{PATIENT}-{n // 2}" if n < 44 else "",
                view="PA" if n % 3 else "AP",
                sex="F" if n % 2 else "M",
                age=float(20 + n),
                source=HOSTILE,
                labels=labels,
            )
        )
    with Catalog.create(folder / "lungs.cxr") as catalog:
        catalog.store(source, entries, findings=names)
        catalog.set_excluded(catalog.ids(Filter(text=f"{PATIENT}-45")), True)
        return catalog.project


def drawn_run(folder: Path, task: str) -> runs.Run:
    """A run as train and evaluate leave it, made by the same writers; the network is random."""
    project, names = drawn_project(folder, task), FINDINGS[task]
    with Catalog.open(project) as catalog:
        ids = catalog.ids(Filter(excluded=None), order="id")
        parts = {"train": ids[:20], "validation": ids[20:32], "test": ids[32:46]}
        settings = config.changed(config.TrainConfig(), {"task.kind": task, "model.backbone": "cxr_small", "model.size": 32})
        split = {"name": "split", "digest": "abc123", "rule": "by patient", "seed": 4, "folds": 0, "fold": None}
        about = {
            "recipe": "quick",
            "findings": list(names),
            "config": config.to_dict(settings),
            "split": {name: split[name] for name in ("name", "digest", "rule")},
            "versions": {"trainer": "0.1", "torch": "2"},
            "seed": 3,
            "command": ["train", "lungs.cxr"],
            "created": 1_700_000_000.0,
        }
        frozen = {**split, "parts": {name: part.tolist() for name, part in parts.items()}, "warnings": ["Rare is rare."]}
        run = runs.create(project, "first", about, frozen)
        history(run)
        header = network(run, names, task)
        member = predict.member(run.best, torch.device("cpu"))
        for part in ("validation", "test"):
            present = np.intersect1d(parts[part], catalog.ids())
            predict.on_catalog(member.classifier, header, catalog, present).save(run.predictions(part))
    judge(run, "validation")
    judge(run, "test")
    return run


def network(run: runs.Run, names: tuple[str, ...], task: str, *, fit: str = "pad") -> checkpoints.Header:
    torch.manual_seed(5)
    classifier = models.build("cxr_small", len(names))
    header = checkpoints.Header(
        backbone="cxr_small",
        findings=names,
        task=task,
        size=32,
        fit=fit,
        dropout=0.0,
        pipeline=images.PIPELINE,
        epoch=2,
        split_digest="abc123",
    )
    checkpoints.save(run.best, classifier, header)
    return header


def history(run: runs.Run) -> None:
    steps = {"epochs": 3, "steps_per_epoch": 2, "batch": 10, "threads": 1}
    run.append("started", epoch=0, step=0, device="cpu", device_name="Some CPU", precision="fp32", images={}, **steps)
    run.append("note", text=f"2 train images were left out, the first: /data/{PATIENT}.png (The file is empty).")
    for epoch in (1, 2, 3):
        run.append("batch", epoch=epoch, step=2 * epoch, images=20, loss=1.0, lr=1e-3, images_per_second=50.0)
        metrics = {"macro_f1": None if epoch == 1 else 0.3, "accuracy": 0.4}
        losses = {"train_loss": 1 / epoch, "validation_loss": 2 / epoch}
        run.append("epoch", epoch=epoch, step=2 * epoch, metrics=metrics, best=epoch == 2, lr=1e-3, seconds=5.0, **losses)
    run.append("finished", epochs=3, epoch=3)


def judge(run: runs.Run, part: str) -> None:
    validation, own = (Prediction.load(run.predictions(name)) for name in ("validation", part))
    thresholds = evaluate.choose_thresholds(validation)
    opened = int(part == "test")
    evaluate.evaluate(own, thresholds, run=run.name, part=part, test_openings=opened, draws=40).save(run.evaluation(part))
