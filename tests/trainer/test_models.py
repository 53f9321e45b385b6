"""Classifiers: shapes, stages, preprocessing, and what is taken from weights files."""

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainer import backbones, models, weights
from trainer.backbones import BACKBONES
from trainer.errors import ConfigError, StorageError, WeightsError
from trainer.vision import torchvision

LIGHT = ("cxr_small", "squeezenet1_0", "squeezenet1_1", "googlenet", "resnet18", "densenet121", "mobilenet_v2")
LIGHT += ("mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0")
LARGE = ("alexnet", "vgg16", "convnext_tiny", "resnet50", "resnet50v2", "xception", "resnet50v2_xception")
HEADS = {"resnet18": "fc.", "googlenet": "fc.", "densenet121": "classifier.", "mobilenet_v2": "classifier.1."}
HEADS |= {"mobilenet_v3_small": "classifier.3.", "efficientnet_b0": "classifier.1.", "squeezenet1_1": "classifier.1."}


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    yield
    torch.set_num_threads(threads)


def skeleton(name: str, findings: int = 3) -> models.Classifier:
    with torch.device("meta"):
        return models.build(name, findings)


def torchvision_net(name: str) -> nn.Module:
    more = {"aux_logits": False, "init_weights": True} if name == "googlenet" else {}
    return torchvision.models.get_model(name, weights=None, **more).eval()


def state_file(folder: Path, state: dict[str, torch.Tensor], name: str = "weights.safetensors") -> Path:
    path = folder / name
    safetensors.torch.save_file({key: value.contiguous().clone() for key, value in state.items()}, path)
    return path


# --- the registry


def test_every_backbone_of_the_plan_is_there() -> None:
    planned = "alexnet squeezenet1_0 squeezenet1_1 vgg16 googlenet resnet18 resnet50 densenet121 mobilenet_v2"
    planned += " mobilenet_v3_small mobilenet_v3_large efficientnet_b0 convnext_tiny cxr_small"
    planned += " resnet50v2 xception resnet50v2_xception darkcovidnet scattering"
    assert set(BACKBONES) == set(planned.split())
    assert all(row.name == name and row.help.endswith(".") for name, row in BACKBONES.items())


@pytest.mark.parametrize("name", BACKBONES)
def test_the_row_says_what_the_network_is(name: str) -> None:
    net, row = skeleton(name), BACKBONES[name]
    count = sum(parameter.numel() for part in (net.body, net.neck) for parameter in part.parameters())
    assert count / 1e6 == pytest.approx(row.parameters_millions, abs=0.006)
    features = net.features(torch.zeros(2, 1, 128, 128, device="meta"))
    assert features.shape[:1] == (2,)
    assert features.shape[2] == features.shape[3] > 1
    assert net(torch.zeros(2, 1, 128, 128, device="meta")).shape == (2, 3)


@pytest.mark.parametrize("name", BACKBONES)
def test_the_stages_hold_every_parameter_and_every_norm_once(name: str) -> None:
    net = skeleton(name)
    parted = [module for stage in net.stages() for top in stage for module in top.modules()]
    held = [id(p) for module in parted for p in module.parameters(recurse=False)]
    assert sorted(held) == sorted(id(p) for p in net.backbone_parameters())
    parted += [module for new in net.backbone.new for module in net.body.get_submodule(new).modules()]
    norms = {id(m) for m in (*net.body.modules(), *net.neck.modules()) if isinstance(m, nn.BatchNorm2d)}
    assert norms <= {id(module) for module in parted}


@pytest.mark.parametrize("name", BACKBONES)
def test_the_stages_run_from_the_input_to_the_head(name: str) -> None:
    net = skeleton(name)
    order = [id(p) for p in net.backbone_parameters()]
    firsts = [min(order.index(id(p)) for m in stage for p in m.parameters()) for stage in net.stages()]
    assert firsts == sorted(firsts)
    assert firsts[0] == 0


@pytest.mark.parametrize("name", [n for n in BACKBONES if n not in LARGE])
def test_the_smallest_image_trains(name: str) -> None:
    net = models.build(name, 2).train()
    side = BACKBONES[name].smallest
    net(torch.rand(2, 1, side, side)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


@pytest.mark.parametrize("name", LARGE)
def test_the_smallest_image_passes_a_large_network(name: str) -> None:
    side = BACKBONES[name].smallest
    assert skeleton(name).eval()(torch.zeros(2, 1, side, side, device="meta")).shape == (2, 3)


def test_check_speaks_of_names_and_sizes() -> None:
    models.check("alexnet", 63)
    with pytest.raises(ConfigError, match=r"too small for alexnet.*at least 63 px"):
        models.check("alexnet", 62)
    with pytest.raises(ConfigError, match="Did you mean resnet18"):
        models.check("resnet-18")
    with pytest.raises(ConfigError, match="at least one finding"):
        models.build("cxr_small", 0)


# --- pooling


@given(h=st.integers(1, 19), w=st.integers(1, 19), side=st.integers(1, 9), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_average_pool_is_torchs_adaptive_pool(h: int, w: int, side: int, seed: int) -> None:
    x = torch.rand(2, 3, h, w, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(backbones.AveragePool(side)(x), nn.AdaptiveAvgPool2d(side)(x))


def test_mean_and_max() -> None:
    x = torch.tensor([[[[0.0, 4.0], [2.0, 2.0]]]])
    assert backbones.MeanAndMax()(x).tolist() == [[2.0, 4.0]]


# --- forward


@pytest.mark.parametrize("name", ["cxr_small", "squeezenet1_1", "googlenet"])
def test_bytes_and_floats_are_the_same_image(name: str) -> None:
    net = models.build(name, 3).eval()
    pixels = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    logits = net(pixels)
    assert logits.shape == (2, 3)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, net(pixels.float() / 255))


def test_mean_grey_is_zero_for_the_network() -> None:
    net = models.build("resnet18", 2)
    seen = []
    net.body.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    grey = torch.full((1, 1, 32, 32), 0.485)
    net.eval()(grey)
    assert seen[0].shape == (1, 3, 32, 32)
    assert seen[0][:, 0].abs().max() == 0
    assert seen[0][0, 1, 0, 0].item() == pytest.approx((0.485 - 0.456) / 0.224)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_logits_are_float32_in_any_precision(name: str) -> None:
    net = models.build(name, 2).eval().to(memory_format=torch.channels_last)
    pixels = torch.randint(0, 256, (2, 1, 64, 64), dtype=torch.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        assert net(pixels).dtype == torch.float32
    assert net.to(torch.bfloat16)(pixels).dtype == torch.float32


@pytest.mark.parametrize("name", [n for n in HEADS if n != "squeezenet1_1"])
def test_body_and_neck_compute_what_torchvision_computes(name: str) -> None:
    peer, net = torchvision_net(name), models.build(name, 1000).eval()
    state = peer.state_dict()
    body = {key: state[key] for key in net.body.state_dict()}
    net.body.load_state_dict(body)
    net.neck.load_state_dict({key: state[key] for key in net.neck.state_dict()})
    net.head[1].weight.data = state[f"{HEADS[name]}weight"]
    net.head[1].bias.data = state[f"{HEADS[name]}bias"]
    grey = torch.rand(2, 1, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(net(grey), peer((grey - net.mean) / net.std), rtol=1e-4, atol=1e-4)


def test_alexnet_computes_what_torchvision_computes() -> None:
    peer, net = torchvision_net("alexnet"), models.build("alexnet", 1000).eval()
    state = peer.state_dict()
    net.body.load_state_dict({key: state[key] for key in net.body.state_dict()})
    net.neck.load_state_dict({key: state[key] for key in net.neck.state_dict()})
    net.head[1].load_state_dict({"weight": state["classifier.6.weight"], "bias": state["classifier.6.bias"]})
    grey = torch.rand(1, 1, 256, 256)  # a side at which its pooling does not divide
    with torch.inference_mode():
        torch.testing.assert_close(net(grey), peer((grey - net.mean) / net.std), rtol=1e-4, atol=1e-5)


def test_the_same_seed_builds_the_same_classifier() -> None:
    def built(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in models.build("cxr_small", 2).parameters()])

    assert torch.equal(built(3), built(3))
    assert not torch.equal(built(3), built(4))


def test_the_dropout_that_was_asked_for_is_there() -> None:
    with torch.device("meta"):
        net = models.build("vgg16", 2, dropout=0.35)
    assert [m.p for m in net.modules() if isinstance(m, nn.Dropout)] == [0.35, 0.35]  # none doubled before the head


# --- freezing


def test_head_only_moves_nothing_but_the_head() -> None:
    net = models.build("resnet18", 2).train()
    net.unfreeze(0)
    before = copy.deepcopy(net.state_dict())
    optimiser = torch.optim.SGD(net.parameters(), lr=1.0)
    net(torch.rand(4, 1, 64, 64)).square().sum().backward()
    optimiser.step()
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"head.1.weight", "head.1.bias"}


def test_the_last_stages_learn_and_the_others_stand_still() -> None:
    net = models.build("resnet18", 2)
    net.unfreeze(2)
    net.train()
    assert not net.body.bn1.training
    assert not net.body.layer2[0].bn1.training
    assert net.body.layer3[0].bn1.training
    learning = {name.split(".")[1] for name, p in net.named_parameters() if p.requires_grad and name.startswith("body")}
    assert learning == {"layer3", "layer4"}


def test_unfreezing_counts_to_everything_and_back() -> None:
    net = models.build("mobilenet_v3_small", 2).train()
    for stages, frozen in ((None, 0), (0, 5), (1, 4), (5, 0), (99, 0)):
        net.unfreeze(stages)
        free = [all(p.requires_grad for m in stage for p in m.parameters()) for stage in net.stages()]
        assert free == [False] * frozen + [True] * (5 - frozen)
        norm = net.body.features[0][1]
        assert norm.training is (frozen == 0)
        assert all(p.requires_grad for p in net.head_parameters())


def test_a_frozen_copy_is_frozen_too() -> None:
    net = models.build("cxr_small", 2)
    net.unfreeze(0)
    twin = copy.deepcopy(net).train()
    assert not any(m.training for m in twin.body.modules() if isinstance(m, nn.BatchNorm2d))
    twin.unfreeze(None)
    assert not net.train().body.stem[1].training


# --- weights


def test_none_leaves_everything_at_random() -> None:
    net = models.build("cxr_small", 2)
    before = copy.deepcopy(net.state_dict())
    loaded = models.initialise(net, "none")
    assert (loaded.taken, loaded.left, loaded.missing) == (0, (), ())
    assert loaded.words() == "All weights start at random."
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize("name", HEADS)
def test_a_whole_torchvision_file_fills_the_backbone(tmp_path: Path, name: str) -> None:
    state = torchvision_net(name).state_dict()
    net = models.build(name, 3)
    loaded = models.initialise(net, str(state_file(tmp_path, state)))
    assert loaded.missing == ()
    assert set(loaded.left) == {f"{HEADS[name]}weight", f"{HEADS[name]}bias"}
    assert loaded.taken == len(state) - 2
    assert all(torch.equal(value, state[key]) for key, value in net.body.state_dict().items())
    assert all(torch.equal(value, state[key]) for key, value in net.neck.state_dict().items())


def test_a_part_of_a_file_is_taken_with_a_report(tmp_path: Path) -> None:
    state = {key: value for key, value in torchvision_net("resnet18").state_dict().items() if key.startswith("layer1.")}
    loaded = models.initialise(models.build("resnet18", 3), str(state_file(tmp_path, state)))
    assert loaded.taken == len(state)
    assert "conv1.weight" in loaded.missing
    assert not any("num_batches_tracked" in name for name in loaded.missing)
    assert "stay random (" in loaded.words()
    assert loaded.source == "weights.safetensors"


def test_norms_whose_statistics_a_file_lacks_are_told_where_they_are_to_be_kept(tmp_path: Path) -> None:
    state = torchvision_net("resnet18").state_dict()
    net = models.build("resnet18", 3)
    assert models.initialise(net, str(state_file(tmp_path, state))).unmeasured(net.backbone) == ""
    less = {key: value for key, value in state.items() if not key.startswith("layer4.1.bn2.running")}
    told = models.initialise(net, str(state_file(tmp_path, less))).unmeasured(net.backbone)
    assert told.startswith("weights.safetensors has no mean and variance for 1 batch norm (layer4.1.bn2.running_mean), which")
    assert models.initialise(net, "none").unmeasured(net.backbone) == ""


def test_our_own_checkpoint_starts_another_classifier(tmp_path: Path) -> None:
    first, second = models.build("cxr_small", 4), models.build("cxr_small", 4)
    loaded = models.initialise(second, str(state_file(tmp_path, first.state_dict())))
    assert loaded.missing == ()
    assert loaded.left == ("head.1.bias", "head.1.weight")  # the findings may be others, even where their number is the same
    assert torch.equal(first.body.stem[0].weight, second.body.stem[0].weight)
    assert not torch.equal(first.head[1].weight, second.head[1].weight)


def test_the_old_names_of_densenet_are_understood(tmp_path: Path) -> None:
    state = torchvision_net("densenet121").state_dict()
    old = {}
    for key, value in state.items():
        if key.endswith("num_batches_tracked"):
            continue
        for part in ("norm", "conv"):
            for number in "12":
                key = key.replace(f".{part}{number}.", f".{part}.{number}.") if ".denselayer" in key else key
        old[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    net = models.build("densenet121", 3)
    loaded = models.initialise(net, str(state_file(tmp_path, old)))
    assert loaded.missing == ()
    assert len(loaded.left) == 2
    key = "features.denseblock4.denselayer16.conv2.weight"
    assert torch.equal(net.body.state_dict()[key], state[key])


def test_weights_of_another_backbone_name_it_and_change_nothing(tmp_path: Path) -> None:
    path = state_file(tmp_path, torchvision_net("squeezenet1_1").state_dict())
    net = models.build("squeezenet1_0", 3)
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(WeightsError, match=r"another network than squeezenet1_0: .*They fit squeezenet1_1\."):
        models.initialise(net, str(path))
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


DEEPER = {"resnet18": "resnet34", "resnet50": "resnet101", "efficientnet_b0": "efficientnet_b1"}


@pytest.mark.parametrize("name", DEEPER)
def test_weights_of_a_deeper_network_are_refused(tmp_path: Path, name: str) -> None:
    """Every name of ours is in the file and has our shape; but these layers never stood behind one another."""
    with torch.device("meta"):
        state = torchvision.models.get_model(DEEPER[name], weights=None).state_dict()
    path = state_file(tmp_path, {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in state.items()})
    net = skeleton(name)
    assert set(net.body.state_dict()) <= set(state)
    with pytest.raises(WeightsError, match=rf"another network than {name}, which has no .+ more") as caught:
        models.initialise(net, str(path))
    assert "They fit" not in caught.value.remedy


def test_what_counts_the_work_of_a_network_is_no_deeper_network(tmp_path: Path) -> None:
    """Profilers leave numbers of their own between the weights; heads and auxiliary heads are no part of the backbone."""
    state = torchvision_net("resnet18").state_dict() | {
        "layer1.0.conv1.total_ops": torch.zeros(1),
        "aux.0.weight": torch.ones(2, 2),
    }
    loaded = models.initialise(models.build("resnet18", 2), str(state_file(tmp_path, state)))
    assert loaded.missing == ()
    assert set(loaded.left) == {"layer1.0.conv1.total_ops", "aux.0.weight", "fc.weight", "fc.bias"}


def test_half_a_network_is_not_named_as_fitting(tmp_path: Path) -> None:
    state = torchvision_net("resnet50").state_dict()
    half = {key: value for key, value in state.items() if not key.startswith(("layer3.", "layer4."))}
    with pytest.raises(WeightsError, match="another network than resnet18") as caught:
        models.initialise(models.build("resnet18", 2), str(state_file(tmp_path, half)))
    assert caught.value.remedy.startswith("Choose a file")


def test_a_file_without_one_fitting_name_says_what_it_holds(tmp_path: Path) -> None:
    path = state_file(tmp_path, {"encoder.patch.weight": torch.ones(3), "encoder.cls": torch.ones(2), "x": torch.ones(1)})
    with pytest.raises(WeightsError) as caught:
        models.initialise(models.build("cxr_small", 3), str(path))
    assert "encoder.cls, encoder.patch.weight and 1 more" in str(caught.value)
    assert "are expected" in str(caught.value)


def test_a_file_of_another_family_names_the_one_it_fits(tmp_path: Path) -> None:
    path = state_file(tmp_path, torchvision_net("resnet18").state_dict())
    with pytest.raises(WeightsError, match=r"Nothing in the weights file fits cxr_small.*They fit resnet18\."):
        models.initialise(models.build("cxr_small", 3), str(path))


def test_quantised_integers_are_no_weights(tmp_path: Path) -> None:
    state = {key: (value * 9).to(torch.int8) for key, value in models.build("cxr_small", 1).body.state_dict().items()}
    state["scale"] = torch.ones(1)
    with pytest.raises(WeightsError, match="another network"):
        models.initialise(models.build("cxr_small", 1), str(state_file(tmp_path, state)))


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    state = models.build("cxr_small", 1).body.state_dict()
    state["stem.0.weight"][0, 0, 0, 0] = float("nan")
    with pytest.raises(WeightsError, match=r"no numbers \(stem\.0\.weight\)"):
        models.initialise(models.build("cxr_small", 1), str(state_file(tmp_path, state)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        models.initialise(models.build("cxr_small", 1), str(tmp_path / "gone.safetensors"))


def test_imagenet_goes_through_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = state_file(tmp_path, torchvision_net("squeezenet1_1").state_dict())
    asked = []
    monkeypatch.setattr(weights, "imagenet", lambda name, progress: asked.append((name, progress)) or path)
    loaded = models.initialise(models.build("squeezenet1_1", 2), "imagenet")
    assert asked == [("squeezenet1_1", None)]
    assert loaded.source == "ImageNet"
    assert loaded.taken == 50


def test_there_is_no_imagenet_for_our_own_network() -> None:
    with pytest.raises(WeightsError, match=r"no ImageNet weights.*cxr_small"):
        models.initialise(models.build("cxr_small", 2), "imagenet")


@pytest.mark.parametrize(
    ("file", "name", "left"),
    [
        ("squeezenet1_1_imagenet_features", "squeezenet1_1", 0),
        ("squeezenet1_0_imagenet_deepcompressed", "squeezenet1_0", 2),
        ("mobilenet_v2_imagenet_dequantised", "mobilenet_v2", 2),
    ],
)
def test_real_files_fill_their_backbone(shared_data: Path, file: str, name: str, left: int) -> None:
    path = shared_data / "weights" / f"{file}.safetensors"
    net = models.build(name, 3).eval()
    loaded = models.initialise(net, str(path))
    assert loaded.missing == ()
    assert len(loaded.left) == left
    assert loaded.taken == len(weights.load(path)) - left
    with torch.inference_mode():
        features = net.features(torch.rand(1, 1, 128, 128))
    assert torch.isfinite(features).all()
    assert 0.01 < features.std() < 100


# --- our own network


def test_cxr_small_is_small_and_sees_finely() -> None:
    net = skeleton("cxr_small")
    assert sum(p.numel() for p in net.parameters()) < 130_000
    assert net.features(torch.zeros(1, 1, 128, 128, device="meta")).shape[2:] == (16, 16)


def test_cxr_small_learns_where_a_spot_is() -> None:
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    pixels = 0.5 + 0.05 * torch.randn(96, 1, 64, 64, generator=generator)
    truth = torch.arange(96) % 2
    for image, yes in zip(pixels, truth, strict=True):
        row, column = (int(v) for v in torch.randint(8, 48, (2,), generator=generator))
        image[0, row : row + 8, column : column + 8] += 0.25 if yes else 0.0
    net = models.build("cxr_small", 2).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(6):
        for rows in torch.randperm(64, generator=generator).split(16):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(pixels[rows]), truth[rows]).backward()
            optimiser.step()
    with torch.inference_mode():
        right = (net.eval()(pixels[64:]).argmax(1) == truth[64:]).float().mean()
    assert right > 0.9


def test_each_place_of_the_small_networks_map_lies_over_the_middle_of_what_it_sees() -> None:
    torch.manual_seed(0)
    body = models.build("cxr_small", 2).eval().body
    pixels = torch.rand(1, 1, 256, 256, requires_grad=True)
    body(pixels)[0, :, 16, 16].sum().backward()
    assert pixels.grad is not None
    seen = torch.nonzero(pixels.grad[0, 0].abs().sum(0)).flatten()
    assert (seen.min() + seen.max()).item() / 2 == 16 * 8 + 3.5


@pytest.mark.parametrize(
    ("weights", "meant"), [("imagnet", "Did you mean imagenet"), ("", "Choose imagenet, none"), ("non", "none")]
)
def test_a_mistyped_name_of_weights_is_no_missing_file(weights: str, meant: str) -> None:
    with pytest.raises(WeightsError, match=meant):
        models.initialise(models.build("cxr_small", 2), weights)


@pytest.mark.parametrize("name", ["cxr_small", "scattering", "squeezenet1_1"])
def test_a_mirrored_network_says_the_mean_of_both_images_and_says_it_of_both(name: str) -> None:
    pixels = torch.randint(0, 256, (3, 1, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    plain, mirrored = models.build(name, 2).eval(), models.build(name, 2, mirrored=True).eval()
    mirrored.load_state_dict(plain.state_dict())
    with torch.no_grad():
        mean = (plain(pixels) + plain(pixels.flip(-1))) / 2
        torch.testing.assert_close(mirrored(pixels), mean)
        torch.testing.assert_close(mirrored(pixels.flip(-1)), mean)
        assert not torch.equal(mean, plain(pixels))
        torch.testing.assert_close(mirrored.train().features(pixels), plain.train().features(pixels))
