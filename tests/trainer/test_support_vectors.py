"""A support vector machine as a network's head: solved as scikit-learn does, honest about new patients, kept in its file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from trainer import (
    bagging,
    checkpoints,
    config,
    explain,
    idle,
    imbalance,
    judgement,
    models,
    once,
    predict,
    recipes,
    results,
    runs,
    solving,
    train,
)
from trainer.blocks import Places
from trainer.catalog import Catalog
from trainer.errors import ConfigError, Stopped, WeightsError
from trainer.machines import SupportVectors

GROUPS = (6, 24)
SOLVED = {
    "model.head": "support-vectors", "model.mirror": "averaged", "schedule.epochs": 1, "schedule.head_only": 1,
    "optimiser.lr": 3e-4, "schedule.warmup": config.get(config.TrainConfig(), "schedule.warmup"),
}  # fmt: skip


def clouds(count: int = 90, findings: int = 3, seed: int = 2) -> tuple[torch.Tensor, np.ndarray]:
    """Vectors [N,2,F] around one place for each finding, and which it is, int64 [N]."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, findings, count)
    places = rng.normal(size=(findings, sum(GROUPS)))
    found = places[which][:, None] + rng.normal(size=(count, 2, sum(GROUPS))) * 1.5
    return torch.from_numpy((found * np.logspace(-2, 2, sum(GROUPS)) + 3).astype(np.float32)), which


def hot(which: np.ndarray, findings: int = 3) -> np.ndarray:
    return np.eye(findings, dtype=np.int8)[which]


def solved(vectors: torch.Tensor, targets: np.ndarray, *, pairs: bool = True, **other: Any) -> SupportVectors:  # noqa: ANN401
    made = SupportVectors(targets.shape[1], pairs=pairs, groups=GROUPS)
    cost = other.get("cost", np.ones(targets.shape))
    solving.solve(made, vectors, targets, cost, other.get("patients", np.arange(len(targets))))
    return made


def margins_of(machine: SupportVectors, vectors: torch.Tensor) -> np.ndarray:
    """What each machine says before the logistic curve, by scikit-learn's kernel, from what stands in it."""
    stand = machine.placed(vectors).double().numpy()
    centres = (machine.centres.float() * machine.share).double().numpy()
    return rbf_kernel(stand, centres, float(machine.gamma)) @ machine.weights.double().numpy().T + machine.bias.numpy()


def test_every_pair_is_parted_as_libsvm_parts_it() -> None:
    vectors, which = clouds()
    machine = solved(vectors, hot(which))
    every = vectors.reshape(-1, sum(GROUPS)).double().numpy()
    standard = (vectors.double().mean(1).numpy() - every.mean(0)) / every.std(0)
    stand = standard * np.repeat([n**-0.5 for n in GROUPS], GROUPS)
    squares = ((stand[:, None] - stand) ** 2).sum(2)
    assert float(machine.gamma) == pytest.approx(1 / np.median(squares[np.triu_indices(len(stand), 1)]), rel=1e-3)
    kernel = rbf_kernel(stand, gamma=float(machine.gamma))
    ours = margins_of(machine, vectors.mean(1))
    for column, (first, second) in enumerate(machine.pairs):
        rows = np.flatnonzero((which == first) | (which == second))
        peer = SVC(C=solving.COST, kernel="precomputed").fit(kernel[np.ix_(rows, rows)], which[rows] == first)
        np.testing.assert_allclose(ours[:, column], peer.decision_function(kernel[:, rows]), atol=0.02)


def test_logits_are_the_products_of_the_pairs_probabilities() -> None:
    vectors, which = clouds()
    machine = solved(vectors, hot(which))
    t = machine.slope.numpy() * margins_of(machine, vectors[:, 0]) + machine.offset.numpy()
    p = 1 / (1 + np.exp(-t))  # of 0 against 1, 0 against 2, 1 against 2
    product = np.stack([p[:, 0] * p[:, 1], (1 - p[:, 0]) * p[:, 2], (1 - p[:, 1]) * (1 - p[:, 2])], axis=1)
    expected = product / product.sum(1, keepdims=True)
    np.testing.assert_allclose(machine(vectors[:, 0]).softmax(1).numpy(), expected, atol=1e-4)


def test_a_certain_finding_has_a_gradient_for_its_heat_map() -> None:
    vectors, which = clouds()
    machine = solved(vectors, hot(which))
    sure = vectors[:, 0][machine(vectors[:, 0]).softmax(1).amax(1) > 0.9].requires_grad_(True)
    logits = machine(sure)
    torch.testing.assert_close(logits.sum(1), torch.zeros(len(sure)), atol=1e-4, rtol=0)
    (flat,) = torch.autograd.grad(logits.softmax(1).log().amax(1).sum(), sure, retain_graph=True)
    (found,) = torch.autograd.grad(logits.amax(1).sum(), sure)
    assert (found.norm(dim=1) / flat.norm(dim=1)).median() > 5


def test_of_two_findings_the_probability_is_the_machines_own() -> None:
    vectors, which = clouds(findings=2)
    machine = solved(vectors, hot(which, 2))
    t = machine.slope.numpy() * margins_of(machine, vectors[:, 1]) + machine.offset.numpy()
    np.testing.assert_allclose(machine(vectors[:, 1]).softmax(1)[:, 0].numpy(), 1 / (1 + np.exp(-t[:, 0])), atol=1e-4)


class Given(ClassifierMixin, BaseEstimator):
    """Says the margins that it is given."""

    classes_ = np.array([False, True])

    def fit(self, x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Given":
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def decision_function(self, x: np.ndarray) -> np.ndarray:
        return x[:, 0]

    def predict(self, x: np.ndarray) -> np.ndarray:
        return x[:, 0] > 0


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear to accept sample_weight")
@pytest.mark.parametrize(("shift", "weighted"), [(0.0, False), (2.0, False), (0.5, True), (30.0, False)])
def test_platts_curve_is_scikit_learns(shift: float, weighted: bool) -> None:
    rng = np.random.default_rng(4)
    answers = rng.random(80) < 0.3
    margins = rng.normal(size=80) + shift * np.where(answers, 1.0, -1.0)
    cost = rng.uniform(0.5, 2, 80) if weighted else np.ones(80)
    with np.errstate(all="ignore"):
        peer = CalibratedClassifierCV(FrozenEstimator(Given()), method="sigmoid").fit(
            margins[:, None], answers, sample_weight=cost if weighted else None
        )
    at = np.linspace(-3, 3, 13)
    expected = peer.predict_proba(at[:, None])[:, 1]
    slope, offset = solving.platt(margins, answers, cost)
    np.testing.assert_allclose(1 / (1 + np.exp(-(slope * at + offset))), expected, atol=2e-3)


def test_probabilities_of_new_images_are_about_right() -> None:
    """Far from training images nothing is certain, and what is said with 0.8 is right in four of five."""
    vectors, which = clouds(2000, seed=5)
    machine = solved(vectors[:400], hot(which[:400]))
    said = machine(vectors[400:, 0]).softmax(1).numpy()
    right = said.argmax(1) == which[400:]
    assert said.max(1).mean() == pytest.approx(right.mean(), abs=0.05)
    assert machine(torch.full((1, sum(GROUPS)), 1e6)).softmax(1).max() < 0.9


def test_an_image_is_never_judged_by_a_machine_that_knows_its_patient() -> None:
    rng = np.random.default_rng(1)
    patients, asked = rng.integers(0, 30, 120), np.arange(0, 120, 2)
    answers = rng.random(120) < 0.2
    folds = solving._folds(answers, asked, patients)
    assert len(folds) == len(asked)
    assert set(folds) == set(range(solving.FOLDS))
    for patient in set(patients[asked]):
        assert len(set(folds[patients[asked] == patient])) == 1
    dealt = {folds[place] for place, row in enumerate(asked) if answers[row]}
    assert len(dealt) == solving.FOLDS, "each part has some with a yes"


def test_copies_of_a_patient_do_not_make_it_surer() -> None:
    """Each image five times, a third with a wrong answer: judged by machines that know its copies, each seems certain."""
    vectors, which = clouds(120, findings=2, seed=8)
    which = np.where(np.arange(120) % 3 == 0, 1 - which, which)
    times = np.repeat(np.arange(120), 5)
    knowing = solved(vectors[times], hot(which[times], 2))
    honest = solved(vectors[times], hot(which[times], 2), patients=times)
    assert float(honest.slope) < float(knowing.slope) / 2


def test_findings_by_themselves_leave_out_what_is_not_stated() -> None:
    vectors, which = clouds(findings=2)
    targets = hot(which, 2)
    hidden = np.arange(len(targets)) % 3 == 0
    targets[hidden, 1] = -1
    machine = solved(vectors, targets, pairs=False)
    assert machine(vectors[:, 0]).shape == (90, 2)
    alone = solved(vectors[~hidden], targets[~hidden, 1:], pairs=False)
    agree = (machine(vectors[:, 0])[:, 1] > 0) == (alone(vectors[:, 0])[:, 0] > 0)
    assert agree.float().mean() > 0.95  # not the same: columns are standardised over all images
    assert (machine(vectors[:, 0]) > 0).numpy()[~hidden, 1].mean() == pytest.approx(targets[~hidden, 1].mean(), abs=0.1)


def test_what_a_mistake_costs_moves_the_border() -> None:
    vectors, which = clouds(300, findings=2, seed=6)
    dear = np.where(which == 0, 20.0, 0.05)[:, None] * np.ones(2)
    plain, moved = solved(vectors, hot(which, 2)), solved(vectors, hot(which, 2), cost=dear)
    new = clouds(600, findings=2, seed=6)[0][300:, 0]
    assert (moved(new).argmax(1) == 0).float().mean() > (plain(new).argmax(1) == 0).float().mean() + 0.05


@pytest.mark.filterwarnings("error")
def test_too_little_to_learn_from_is_answered_without_certainty() -> None:
    vectors, which = clouds(12)
    nothing = solved(vectors, np.zeros((12, 3), np.int8))
    assert torch.equal(nothing(vectors[:, 0]), nothing(vectors[:, 0])[:1].expand(12, 3))
    only = solved(vectors, hot(np.zeros(12, int)))
    assert (only(vectors[:, 0]).argmax(1) == 0).all()
    assert only(vectors[:, 0]).softmax(1).max() < 0.999
    one = solved(vectors[:1], hot(which[:1]))
    assert torch.isfinite(one(vectors[:, 0])).all()
    same = vectors.clone()
    same[:, :, 3] = 7.0  # a column that never changes
    machine = solved(same, hot(which))
    same[:, :, 3] = 7.1
    assert torch.isfinite(machine(same[:, 0])).all()


@pytest.mark.parametrize("method", ["none", "class-weights", "oversampling", "undersampling", "weighted-sampler"])
@pytest.mark.parametrize("task", ["multi-class", "multi-label"])
def test_what_mistakes_cost_is_what_an_epoch_would_show(method: str, task: str) -> None:
    targets = hot(np.repeat([0, 1, 2], [40, 8, 2]))
    how = config.Imbalance(method=method)
    cost, shown = imbalance.costs(targets, task, how), imbalance.shown(targets, task, how)
    yes, no = (cost * (targets == 1)).sum(0), (cost * (targets == 0)).sum(0)
    share = yes / yes.sum() if task == "multi-class" else yes / (yes + no)
    np.testing.assert_allclose(share, shown.loss_share, atol=1e-9)


def test_places_are_the_means_of_sixteenths() -> None:
    maps = torch.randn(2, 3, 8, 12)
    found = Places()(maps)
    assert found.shape == (2, 3 * 18)
    expected = maps.reshape(2, 3, 4, 2, 4, 3).mean((3, 5)).flatten(1)
    torch.testing.assert_close(found[:, 6:], expected)


def test_a_network_comes_back_from_its_file_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    settings = {"model.head": "support-vectors", "model.features": "places"}
    network = models.build("squeezenet1_1", 3, features="places", head="support-vectors").eval()
    unsolved = network(torch.rand(2, 1, 64, 64)).softmax(1)
    torch.testing.assert_close(unsolved, torch.full((2, 3), 1 / 3))
    pixels = torch.randint(0, 256, (9, 1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        vectors = torch.stack([network.vectors(pixels), network.vectors(pixels.flip(3))], 1)
    solving.solve(network.head, vectors, hot(np.arange(9) % 3), np.ones((9, 3)), np.arange(9))
    header = checkpoints.Header("squeezenet1_1", ("A", "B", "C"), "multi-class", 64, "pad", 0.0, 1, settings=settings)
    checkpoints.save(tmp_path / "a.safetensors", network, header)
    again, _ = checkpoints.load(tmp_path / "a.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(again(pixels), network(pixels), rtol=0, atol=0)
    network.head.centres = network.head.centres[:, :5].contiguous()
    checkpoints.save(tmp_path / "b.safetensors", network, header)
    with pytest.raises(WeightsError, match="does not fit its own description"):
        checkpoints.load(tmp_path / "b.safetensors")


def test_heat_maps_follow_the_gradient_of_its_logits() -> None:
    torch.manual_seed(3)
    network = models.build("squeezenet1_1", 3, features="places", head="support-vectors").eval()
    pixels = torch.rand(12, 1, 96, 96)
    with torch.no_grad():
        vectors = network.vectors(pixels)[:, None]
    solving.solve(network.head, vectors, hot(np.arange(12) % 3), np.ones((12, 3)), np.arange(12))
    new = torch.rand(1, 1, 96, 96)
    activation = network.features(new).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network.classify(activation)[0, 1], activation)
    # Against the difference of two answers: nothing in the machine breaks the gradient.
    direction, step = torch.randn_like(activation) * activation.detach(), 1e-2
    with torch.no_grad():
        ends = [network.classify(activation + sign * step * direction)[0, 1].double() for sign in (1, -1)]
    assert float(ends[0] - ends[1]) / (2 * step) == pytest.approx(float((gradient * direction).sum()), rel=0.05, abs=1e-4)
    expected = torch.relu((gradient.mean((2, 3), keepdim=True) * activation).sum(1)).detach().numpy()[0]
    np.testing.assert_allclose(explain.heatmap(network, new, ("A", "B", "C"), "B").values, expected, atol=1e-6)


@pytest.fixture
def machine(tiny: config.TrainConfig) -> config.TrainConfig:
    return config.changed(tiny, SOLVED)


def test_a_run_solves_once_and_its_file_says_what_it_said(project: Path, machine: config.TrainConfig) -> None:
    made = train.run(project, machine, name="once")
    assert (made.status, made.epochs, made.best_epoch, made.precision) == ("finished", 1, 1, "fp32")
    events = runs.find(made.run).events()
    assert [event["kind"] for event in events if event["kind"] in ("batch", "epoch")] == ["batch", "epoch"]
    started = next(event for event in events if event["kind"] == "started")
    assert started["batch"] == started["images_per_step"] == started["images"]["train"]
    held = next(event["text"] for event in events if "support vectors" in event.get("text", ""))
    saved = safetensors.torch.load_file(made.run / "best.safetensors")["head.centres"]
    assert held.startswith(f"The network's file holds the features of {len(saved)} training images")
    (told,) = judgement._notes_of_split(runs.find(made.run), "validation")
    assert told.startswith("Thresholds were chosen on these images")
    epoch = next(event for event in events if event["kind"] == "epoch")
    assert 0 < epoch["train_loss"] < 2
    kept = results.Prediction.load(made.run / "predictions-val.npz")
    classifier, header = checkpoints.load(made.run / "best.safetensors")
    assert header.head == "support-vectors"
    with Catalog.open(project) as catalog:
        again = predict.on_catalog(classifier, header, catalog, kept.ids)
    np.testing.assert_allclose(again.probabilities, kept.probabilities, atol=1e-5)
    np.testing.assert_allclose(kept.probabilities.sum(1), 1, atol=1e-6)


def test_images_are_changed_by_nothing_but_a_mirror(project: Path, machine: config.TrainConfig) -> None:
    """Vectors are of the images as they are, also where other settings stayed as another recipe had them."""
    one = train.run(project, machine, name="one")
    other = config.changed(machine, {"augment.rotation": 20, "augment.mixup": 0.4, "optimiser.lr": 0.1, "seed": 1})
    two = train.run(project, other, name="two")
    found = [checkpoints.load(made.run / "best.safetensors")[0].state_dict() for made in (one, two)]
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items() if name.startswith("head"))


def test_findings_that_do_not_exclude_each_other_are_solved_too(project: Path, machine: config.TrainConfig) -> None:
    made = train.run(project, config.changed(machine, {"task.kind": "multi-label", "model.mirror": "off"}), name="labels")
    kept = results.Prediction.load(made.run / "predictions-val.npz")
    assert kept.task == "multi-label"
    assert ((kept.probabilities > 0) & (kept.probabilities < 1)).all()


def test_stopped_before_it_is_solved_it_is_solved_when_resumed(
    project: Path, machine: config.TrainConfig, tmp_path: Path
) -> None:
    torch.manual_seed(77)
    safetensors.torch.save_file(models.build("cxr_small", 2).body.state_dict(), tmp_path / "body.safetensors")
    machine = config.changed(machine, {"model.weights": str(tmp_path / "body.safetensors")})
    whole = train.run(project, machine, name="whole")
    stopped = train.run(project, machine, name="stopped", stop=lambda: True)
    assert stopped.status == "stopped"

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train.run(project, config.changed(machine, {"model.size": 96}), name="early", progress=stop)
    assert train.resume(project / "runs" / "early").status == "finished"
    assert train.resume(stopped.run).status == "finished"
    found = [checkpoints.load(made.run / "last.safetensors")[0].state_dict() for made in (whole, stopped)]
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


def test_two_processes_solve_what_one_solves(project: Path, machine: config.TrainConfig) -> None:
    one = train.run(project, machine, name="one")
    two = train.run(project, config.changed(machine, {"compute.devices": 2}), name="two")
    found = [checkpoints.load(made.run / "last.safetensors")[0].state_dict() for made in (one, two)]
    assert all(torch.equal(value, found[1][name]) for name, value in found[0].items())


@pytest.mark.parametrize(
    ("values", "where", "words"),
    [
        ({"schedule.epochs": 3}, "schedule.epochs", "solved once"),
        ({"schedule.head_only": 0}, "schedule.head_only", "Set Epochs and Head only to 1"),
        ({"model.backbone": "darkcovidnet"}, "model.head", "no vector"),
        ({"model.backbone": "resnet50v2_xception"}, "model.head", "would stay random"),
    ],
)
def test_what_cannot_be_solved_is_refused_before_anything_is_made(
    project: Path, machine: config.TrainConfig, values: dict[str, object], where: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as found:
        train.run(project, config.changed(machine, values), name="no")
    assert found.value.where == where
    assert not (project / "runs" / "no").exists()


def test_more_images_than_can_be_solved_for_are_refused(
    project: Path, machine: config.TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "MOST", 5)
    with pytest.raises(ConfigError, match="at most 5 images, and there are") as found:
        train.run(project, machine, name="many")
    assert "recipe all-stages" in found.value.remedy
    assert not (project / "runs").exists()


def test_a_bag_of_seeds_is_refused_and_one_of_folds_is_not(project: Path, machine: config.TrainConfig) -> None:
    with pytest.raises(ConfigError, match="one network several times"):
        bagging.run(project, machine, members=2, name="same")
    assert not (project / "bags").exists()
    assert bagging.run(project, machine, folds=3, name="cv").status == "finished"


def test_settings_of_steps_are_told_to_change_nothing() -> None:
    settings = recipes.load("support-vectors").settings
    assert idle.told(settings) == ()
    changed = config.changed(settings, {"optimiser.lr": 0.1, "loss.smoothing": 0.1, "augment.rotation": 10})
    (told,) = idle.told(changed)
    assert told == (
        "A support vector machine is solved, not trained in steps, so that nothing comes of: Learning rate, Label smoothing, "
        "Rotation."
    )
    assert "stays so" in " ".join(idle.told(config.changed(settings, {"model.weights": "none"})))
    assert "mirror images" in " ".join(idle.told(config.changed(settings, {"augment.flip": 0})))
