"""What is said of weights before a training starts: it must agree with what the training then does."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trainer import downloads, files, weights
from trainer.architectures import BACKBONES
from trainer.errors import WeightsError
from trainer.vision import torchvision

# Behind our own imports, since it imports torchvision, and that goes through our door first.
timm = pytest.importorskip("timm")

PRETRAINED = [row for row in BACKBONES.values() if row.file]
OF_TIMM = {"resnet50v2": "resnetv2_50", "xception": "legacy_xception"}


@pytest.mark.parametrize("row", [row for row in PRETRAINED if row.name not in OF_TIMM], ids=lambda row: row.name)
def test_the_table_says_what_torchvision_says(row: BACKBONES) -> None:  # type: ignore[valid-type]
    theirs = torchvision.models.get_model_weights(row.name)[weights.EDITION]
    assert row.file == weights.address(row.name).rpartition("/")[2]
    assert row.megabytes == pytest.approx(theirs.meta["_file_size"], abs=0.06)


@pytest.mark.parametrize("name", OF_TIMM)
def test_the_table_says_what_timm_says(name: str) -> None:
    row, theirs = BACKBONES[name], timm.get_pretrained_cfg(OF_TIMM[name])
    assert theirs is not None
    assert (row.mean, row.std) == (theirs.mean, theirs.std)
    assert weights.address(name) == row.address
    assert row.address.endswith(f"/{row.file}")
    assert len(weights._expected(Path(row.file))) >= 8  # a checksum in its name
    assert theirs.url in ("", row.address)
    # timm has moved its own weights to another server since; edition a1h of both is one, as its older versions say.
    assert theirs.url or theirs.tag.startswith("a1h")
    stored = sum(value.nbytes for value in timm.create_model(OF_TIMM[name]).state_dict().values())
    assert row.megabytes == pytest.approx(stored / 2**20, abs=0.15)


def test_what_is_offered_says_size_source_and_terms() -> None:
    assert downloads.offer(BACKBONES["squeezenet1_1"]).startswith("ImageNet weights: 5 MB (torchvision, BSD 3); ")
    assert downloads.offer(BACKBONES["resnet50v2_xception"]).startswith("ImageNet weights: 185 MB (timm, Apache 2.0); ")
    assert downloads.offer(BACKBONES["darkcovidnet"]) == "There are no ImageNet weights for it: it learns from scratch."
    for row in BACKBONES.values():
        assert ("research" in downloads.offer(row)) == row.pretrained


def test_a_file_of_another_kind_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "weights.txt").write_text("x")
    with pytest.raises(WeightsError, match=r"weights.txt is no weights file") as refused:
        downloads.words("resnet18", str(tmp_path / "weights.txt"))
    assert ".safetensors" in refused.value.remedy


def test_networks_from_scratch_have_no_imagenet_weights() -> None:
    assert [name for name, row in BACKBONES.items() if not row.pretrained] == ["cxr_small", "scattering", "darkcovidnet"]


def test_what_is_missing_of_a_network_that_joins_two_is_told_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    assert "downloaded once, 185 MB" in downloads.words("resnet50v2_xception", "imagenet")
    files.write_bytes(downloads.folder() / BACKBONES["resnet50v2"].file, b"weights")
    assert "downloaded once, 87 MB" in downloads.words("resnet50v2_xception", "imagenet")
    files.write_bytes(downloads.torch_folder() / BACKBONES["xception"].file, b"weights")
    assert "are on this computer" in downloads.words("resnet50v2_xception", "imagenet")


@pytest.mark.parametrize(
    "variables", [{}, {"TORCH_HOME": "a/b"}, {"XDG_CACHE_HOME": "c"}, {"TORCH_HOME": "a", "XDG_CACHE_HOME": "c"}]
)
def test_torchs_folder_is_found_where_torch_has_it(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    assert downloads.torch_folder() == Path(torch.hub.get_dir()) / "checkpoints"


def test_missing_weights_are_told_with_their_size() -> None:
    told = downloads.words("squeezenet1_1", "imagenet")
    assert "not on this computer" in told
    assert "downloaded once, 5 MB" in told
    assert "Without internet" in told
    assert "528 MB" in downloads.words("vgg16", "imagenet")


@pytest.mark.parametrize("place", [downloads.folder, downloads.torch_folder])
def test_weights_that_are_there_are_told(place: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    assert callable(place)
    files.write_bytes(place() / BACKBONES["resnet18"].file, b"weights")
    assert downloads.words("resnet18", "imagenet") == "The ImageNet weights of resnet18 are on this computer."
    assert "not on this computer" in downloads.words("resnet50", "imagenet")


def test_random_weights_and_files_are_told(tmp_path: Path) -> None:
    assert "at random" in downloads.words("vgg16", "none")
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"x")
    assert "starts from mine.safetensors" in downloads.words("vgg16", str(path))


@pytest.mark.parametrize(
    ("backbone", "chosen", "what"),
    [
        ("cxr_small", "imagenet", "no ImageNet weights for cxr_small"),
        ("darkcovidnet", "imagenet", "no ImageNet weights for darkcovidnet"),
        ("vgg16", "nowhere.pth", "no weights file 'nowhere.pth'"),
        ("vgg16", "", "no weights file ''"),
        ("vgg16", ".", "no weights file"),
    ],
)
def test_what_cannot_work_is_refused_with_a_remedy(backbone: str, chosen: str, what: str) -> None:
    with pytest.raises(WeightsError, match=what) as caught:
        downloads.words(backbone, chosen)
    assert "Choose" in caught.value.remedy


def test_neither_table_nor_words_need_torch() -> None:
    absent = "('torch', 'torchvision', 'timm', 'PySide6')"
    code = f"import sys, trainer.downloads, trainer.outlook; print([n for n in {absent} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
