"""Which networks can be chosen, and what is said of them, without torch."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from trainer import evaluate, offers, runs
from trainer.errors import RunError, TrainerError, WeightsError
from trainer.model_card import read_header
from trainer.offers import Offer


def test_a_run_is_offered_with_what_chose_its_epoch(trained: Path) -> None:
    offer = offers.of_path(trained)
    header = read_header(trained / "best.safetensors")
    assert (offer.path, offer.name, offer.header) == (trained, "first", header)
    assert offer.figure == f"Macro F1 {header.value:.3f} on validation"
    assert offer.words().startswith(f"cxr_small, {header.size} px, ")
    assert offer.words().endswith(f"multi-class: {', '.join(header.findings)}")


def test_an_evaluated_run_has_an_interval(trained: Path) -> None:
    found = evaluate.run(trained, on="val").metrics["macro_f1"]
    assert offers.of_path(trained).figure == f"Macro F1 {found.value:.3f} ({found.low:.3f} to {found.high:.3f}) on validation"


def test_a_checkpoint_by_itself_is_offered_by_its_own_header(trained: Path, tmp_path: Path) -> None:
    alone = tmp_path / "sent by mail.safetensors"
    shutil.copy(trained / "best.safetensors", alone)
    offer = offers.of_path(alone)
    assert (offer.path, offer.name) == (alone, "sent by mail")
    assert offer.figure.startswith("Macro F1 ")
    assert offers.of_path(trained / "best.safetensors").name == "first"


def test_a_project_stands_for_its_newest_run(trained: Path) -> None:
    assert offers.of_path(trained.parent.parent).path == trained


def test_what_cannot_be_offered_is_told(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run"):
        offers.of_path(tmp_path)
    (tmp_path / "no.safetensors").write_bytes(b"no network")
    with pytest.raises(WeightsError, match="not a checkpoint"):
        offers.of_path(tmp_path / "no.safetensors")
    (trained / "best.safetensors").unlink()
    with pytest.raises(RunError, match="no trained network yet"):
        offers.of_path(trained)


def test_of_all_runs_those_with_a_sound_network_are_offered(trained: Path) -> None:
    for name in ("untrained", "damaged"):
        shutil.copytree(trained, trained.parent / name)
    (trained.parent / "untrained" / "best.safetensors").unlink()
    (trained.parent / "damaged" / "best.safetensors").write_bytes(b"")
    assert [offer.name for offer in offers.of_runs(runs.every(trained.parent.parent))] == ["first"]


def test_a_damaged_evaluation_is_told_and_the_run_left_out(trained: Path) -> None:
    runs.Run(trained).evaluation("validation").write_text(json.dumps({"run": 1}))
    with pytest.raises(TrainerError, match="no evaluation"):
        offers.of_path(trained)
    assert offers.of_runs([runs.Run(trained)]) == []


def test_networks_that_do_not_fit_are_named(trained: Path) -> None:
    one = offers.of_path(trained)
    other = Offer(Path("x"), "other", dataclasses.replace(one.header, findings=("Cardiomegaly",)), "")
    task = Offer(Path("y"), "task", dataclasses.replace(one.header, task="multi-label"), "")
    assert offers.clash([one, one]) == offers.clash([one]) == offers.clash([]) == ""
    assert offers.clash([one, other]).startswith("first and other tell different findings apart")
    assert "task" in offers.clash([one, task])


def test_no_torch_is_needed() -> None:
    code = "import sys; from trainer import lookup, offers, picks, suitability, verdicts; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
