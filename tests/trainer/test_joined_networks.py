"""ResNet50V2, Xception and both together: timm's numbers, timm's weights, and what learns when."""

import copy
import functools
import hashlib
import http.server
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from trainer import config, downloads, files, learner, models, weights
from trainer.errors import WeightsError

# Behind our own imports, since it imports torchvision, and that goes through our door first.
timm = pytest.importorskip("timm")

THEIRS = {"resnet50v2": ("resnetv2_50", "head.fc"), "xception": ("legacy_xception", "fc")}
HALVES = {"resnet50v2": "stem.conv.weight", "xception": "conv1.weight"}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(5)


def saved(path: Path, state: dict[str, torch.Tensor]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file({name: value.contiguous() for name, value in state.items()}, path)
    return str(path)


def part_of(name: str) -> dict[str, torch.Tensor]:
    """A few of the tensors of timm's file, with values that are easily known again."""
    with torch.device("meta"):
        state = timm.create_model(THEIRS[name][0]).state_dict()
    first, last = HALVES[name], "norm.weight" if name == "resnet50v2" else "bn4.weight"
    return {first: torch.full(state[first].shape, 0.25), last: torch.full(state[last].shape, 0.75)}


@pytest.mark.parametrize("name", THEIRS)
def test_timms_file_fills_the_network_and_gives_timms_numbers(tmp_path: Path, name: str) -> None:
    theirs, last = THEIRS[name]
    peer = timm.create_model(theirs).eval()
    for module in peer.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    state = peer.state_dict()
    # Some copies of Xception's file have its 1x1 convolutions as matrices.
    stored = {key: value.flatten(1) if ".pointwise." in key else value for key, value in state.items()}
    net = models.build(name, 1000).eval()
    loaded = models.initialise(net, saved(tmp_path / "a.safetensors", stored))
    assert loaded.missing == ()
    assert set(loaded.left) == {f"{last}.weight", f"{last}.bias"}
    net.head[1].weight.data = state[f"{last}.weight"].flatten(1)
    net.head[1].bias.data = state[f"{last}.bias"]
    grey = torch.rand(1, 1, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(net(grey), peer((grey.expand(-1, 3, -1, -1) - 0.5) / 0.5), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", HALVES)
def test_a_file_of_one_half_starts_that_half(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path / "half.safetensors", part_of(name))
    with torch.device("meta"):
        net = models.build("resnet50v2_xception", 2)
    loaded = models.initialise(net, path)
    assert loaded.taken == 2
    assert loaded.source == "half.safetensors"
    assert f"{name}.{HALVES[name]}" not in loaded.missing
    assert "convolution.conv1.weight" in loaded.missing


def test_the_whole_file_of_one_half_starts_that_half_and_its_head_stays_behind(tmp_path: Path) -> None:
    with torch.device("meta"):
        state = timm.create_model("resnetv2_50").state_dict()
        deeper = timm.create_model("resnetv2_101").state_dict()
        net = models.build("resnet50v2_xception", 2)
    zeros = {name: torch.zeros(value.shape, dtype=value.dtype) for name, value in state.items()}
    loaded = models.initialise(net, saved(tmp_path / "half.safetensors", zeros))
    assert loaded.left == ("resnet50v2.head.fc.bias", "resnet50v2.head.fc.weight")
    assert loaded.taken == len(state) - 2
    zeros = {name: torch.zeros(value.shape, dtype=value.dtype) for name, value in deeper.items()}
    for name in ("resnet50v2", "resnet50v2_xception"):
        with torch.device("meta"):
            other = models.build(name, 2)
        with pytest.raises(WeightsError, match=r"another network than|Nothing in the weights file fits"):
            models.initialise(other, saved(tmp_path / "deeper.safetensors", zeros))


# --- ImageNet weights: two files, downloaded once


class Shelf(http.server.BaseHTTPRequestHandler):
    """Serves the files of the folder that its server names."""

    def do_GET(self) -> None:
        content = (self.server.folder / Path(self.path).name).read_bytes()  # type: ignore[attr-defined]
        self.server.asked.append(Path(self.path).name)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Nothing: the test's output is not a log."""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Small files in the place of timm's, at an address of this computer; yields the names that were asked for."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    names = {}
    for half in HALVES:
        path = Path(saved(tmp_path / "shelf" / half, part_of(half)))
        names[half] = f"{half}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth"
        path.rename(path.with_name(names[half]))
    with http.server.HTTPServer(("127.0.0.1", 0), Shelf) as running:
        running.folder, running.asked = tmp_path / "shelf", []  # type: ignore[attr-defined]
        root = f"http://127.0.0.1:{running.server_port}"
        monkeypatch.setattr(weights, "address", lambda backbone: f"{root}/{names[backbone]}")
        thread = threading.Thread(target=functools.partial(running.serve_forever, poll_interval=0.01))
        thread.start()
        yield running.asked  # type: ignore[attr-defined]
        running.shutdown()
        thread.join()


def test_both_halves_are_downloaded_once_and_laid_in_place(served: list[str]) -> None:
    told: list[tuple[int, int]] = []
    net = models.build("resnet50v2_xception", 2)
    loaded = models.initialise(net, "imagenet", progress=lambda done, total: told.append((done, total)))
    assert (loaded.source, loaded.taken) == ("ImageNet", 4)
    with torch.device("meta"):
        models.initialise(models.build("resnet50v2_xception", 2), "imagenet")
    assert [name.partition("-")[0] for name in served] == ["resnet50v2", "xception"]  # the second time asked for nothing
    assert told[-1][0] == told[-1][1] > 0
    assert {path.name for path in downloads.folder().iterdir()} == set(served)
    state = net.body.state_dict()
    assert all(bool((state[f"{half}.{name}"] == 0.25).all()) for half, name in HALVES.items())
    assert bool((state["xception.bn4.weight"] == 0.75).all())


def test_without_internet_the_missing_file_and_its_place_are_named(served: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_bytes(downloads.folder() / "nothing.pth", b"x")
    with http.server.HTTPServer(("127.0.0.1", 0), Shelf) as unused:
        url = f"http://127.0.0.1:{unused.server_port}/xception-01234567.pth"
    whole = weights.address("resnet50v2")
    monkeypatch.setattr(weights, "address", lambda backbone: url if backbone == "xception" else whole)
    with torch.device("meta"):
        net = models.build("resnet50v2_xception", 2)
    with pytest.raises(WeightsError, match="cannot be downloaded") as caught:
        models.initialise(net, "imagenet")
    assert str(downloads.folder() / "xception-01234567.pth") in caught.value.remedy


# --- what learns when


def settings(name: str, **values: object) -> config.TrainConfig:
    plain = {"model.backbone": name, "optimiser.name": "sgd", "optimiser.lr": 1e-3, "augment.flip": 0}
    return config.changed(config.TrainConfig(), {**plain, **values})


def learning(name: str, stages: int, device: str) -> learner.Learner:
    """A learner whose backbone stands still until epoch 2."""
    chosen = settings(name, **{"schedule.head_only": 2, "schedule.stages": stages, "schedule.warmup": 0})
    with torch.device(device):
        net = models.build(name, 2)
    return learner.Learner(net, chosen, weights=None, steps_per_epoch=1, device=torch.device(device), precision="fp32")


@pytest.mark.parametrize("name", ["googlenet", "squeezenet1_0", "squeezenet1_1"])
def test_the_backbone_stands_still_until_its_epoch(name: str) -> None:
    one = learning(name, 0, "cpu")
    targets = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    batch = (torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8), targets, torch.ones(2, 2, dtype=torch.bool))
    states = [copy.deepcopy(one.classifier.state_dict())]
    for step in (1, 2):
        one.step(*batch, epoch=step, step=step)
        states.append(copy.deepcopy(one.classifier.state_dict()))
    moved = [{key for key in old if not torch.equal(old[key], new[key])} for old, new in itertools.pairwise(states)]
    assert moved[0] == {"head.1.weight", "head.1.bias"}  # and no running statistics
    assert all(any(key.startswith(part) for key in moved[1]) for part in ("head.", "body."))


@pytest.mark.parametrize(
    ("name", "stages"), [("alexnet", 0), ("alexnet", 1), ("vgg16", 0), ("vgg16", 2), ("resnet50v2_xception", 1)]
)
def test_large_networks_thaw_in_the_same_way(name: str, stages: int) -> None:
    """Without numbers, to spare time: which weights get a gradient, and which modules are in training mode."""
    one = learning(name, stages, "meta")
    net = one.classifier
    head = {id(parameter) for parameter in net.head_parameters()}
    for epoch, thawed in ((1, []), (2, net.stages()[-stages:])):
        one.thaw(epoch)
        net.zero_grad(set_to_none=True)
        net.train()(torch.zeros(2, 1, 64, 64, device="meta")).sum().backward()
        free = head | {id(parameter) for stage in thawed for module in stage for parameter in module.parameters()}
        assert all((parameter.grad is not None) is (id(parameter) in free) for parameter in net.parameters())
        for stage in net.stages():
            assert all(module.training is (stage in thawed) for module in stage)


def test_the_new_blocks_learn_at_the_rate_of_the_head() -> None:
    with torch.device("meta"):
        net = models.build("resnet50v2_xception", 2)
    groups = learner._optimiser(net, settings("resnet50v2_xception", **{"schedule.backbone_lr": 0.1})).param_groups
    share = {id(parameter): group["share"] for group in groups for parameter in group["params"]}
    shares = {name: share[id(parameter)] for name, parameter in net.named_parameters()}
    assert {shares[name] for name in shares if name.startswith(("head.", "body.convolution.", "body.identity"))} == {1.0}
    assert {shares[name] for name in shares if name.startswith(("body.resnet50v2.", "body.xception."))} == {0.1}
    assert len(share) == len(shares)


def test_stages_are_those_of_both_halves() -> None:
    with torch.device("meta"):
        net = models.build("resnet50v2_xception", 2)
    net.unfreeze(1)
    learning = {".".join(name.split(".")[:4]) for name, p in net.named_parameters() if p.requires_grad and "norm" not in name}
    assert "body.resnet50v2.stages.3" in learning
    assert "body.resnet50v2.stages.2" not in learning
    assert any(name.startswith("body.xception.block12") for name in learning)
    assert not any(name.startswith("body.xception.block11") for name in learning)
    assert any(name.startswith("body.identity3") for name in learning)
