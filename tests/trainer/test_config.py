"""Settings: declared once, refused early, the same after a round trip."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from trainer import config
from trainer.config import TrainConfig
from trainer.errors import ConfigError

NUMBERS = [s for s in config.settings() if s.kind in (int, float)]
CHOICES = [s for s in config.settings() if s.choices]


def test_every_setting_explains_itself() -> None:
    for item in config.settings():
        assert item.label, item.key
        assert item.help.endswith("."), item.key
        assert item.label[0].isupper(), item.key


@pytest.mark.parametrize("item", NUMBERS, ids=lambda item: item.key)
def test_every_number_has_limits_that_hold_its_default(item: config.Setting) -> None:
    assert item.low is not None
    assert item.high is not None
    assert item.low <= item.default <= item.high


@pytest.mark.parametrize("item", CHOICES, ids=lambda item: item.key)
def test_every_default_is_a_choice(item: config.Setting) -> None:
    assert item.default in item.choices


def test_keys_are_unique_and_reachable() -> None:
    keys = [item.key for item in config.settings()]
    assert len(keys) == len(set(keys))
    for item in config.settings():
        assert config.get(TrainConfig(), item.key) == item.default


def test_text_is_converted() -> None:
    changed = config.changed(
        TrainConfig(), {"optimiser.lr": "1e-3", "schedule.epochs": "20", "task.findings": "A, B", "model.backbone": "alexnet"}
    )
    assert changed.optimiser.lr == 0.001
    assert changed.schedule.epochs == 20
    assert changed.task.findings == ("A", "B")
    assert changed.model.backbone == "alexnet"


def test_the_original_stays_as_it_was() -> None:
    original = TrainConfig()
    config.changed(original, {"seed": 7})
    assert original == TrainConfig()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("optimizer.lr", 1, "Did you mean optimiser.lr?"),
        ("lr", 1, "There is"),
        ("optimiser.lr", "fast", "takes a number, not 'fast'"),
        ("optimiser.lr", -1, "Choose between 1e-07 and 10"),
        ("optimiser.lr", "nan", "outside its limits"),
        ("optimiser.lr", "inf", "outside its limits"),
        ("schedule.epochs", "1.5", "takes a whole number"),
        ("schedule.epochs", "inf", "takes a whole number"),
        ("schedule.epochs", True, "takes a whole number"),
        ("schedule.epochs", 0, "Choose between 1 and 10000"),
        ("imbalance.method", "class-weight", "Did you mean class-weights?"),
        ("task.kind", "multiclass", "Did you mean multi-class?"),
        ("model.backbone", 3, "takes a word"),
    ],
)
def test_a_wrong_key_or_value_is_refused_with_a_remedy(key: str, value: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.changed(TrainConfig(), {key: value})
    assert words in str(caught.value)
    assert caught.value.remedy


def test_assignments_are_split_at_the_first_sign() -> None:
    assert config.parsed(["model.weights=a=b.pth", " seed = 3 "]) == {"model.weights": "a=b.pth", "seed": "3"}


@pytest.mark.parametrize("text", ["seed", "=3", ""])
def test_an_assignment_without_its_parts_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="key=value"):
        config.parsed([text])


def test_only_differences_are_listed() -> None:
    assert config.to_dict(TrainConfig(), only_changed=True) == {}
    assert config.to_dict(config.changed(TrainConfig(), {"seed": 2}), only_changed=True) == {"seed": 2}


def test_nested_tables_are_read() -> None:
    found = config.from_tables({"seed": 4, "optimiser": {"lr": 1e-4}})
    assert (found.seed, found.optimiser.lr) == (4, 1e-4)
    with pytest.raises(ConfigError, match="Did you mean optimiser"):
        config.from_tables({"optimizer": {"name": "sgd"}})


@st.composite
def _values(draw: st.DrawFn) -> dict[str, object]:
    found: dict[str, object] = {}
    for item in draw(st.lists(st.sampled_from(list(config.settings())), unique_by=lambda s: s.key)):
        if item.choices:
            found[item.key] = draw(st.sampled_from(item.choices))
        elif item.kind is int:
            found[item.key] = draw(st.integers(math.ceil(item.low or 0), math.floor(item.high or 0)))
        elif item.kind is float:
            found[item.key] = draw(st.floats(item.low, item.high))
    return found


@limits(deadline=None, max_examples=50)
@given(_values())
def test_what_is_written_is_read_back(values: dict[str, object]) -> None:
    made = config.changed(TrainConfig(), values)
    assert config.changed(TrainConfig(), config.to_dict(made)) == made
    assert config.changed(TrainConfig(), config.to_dict(made, only_changed=True)) == made
    as_text = {key: str(value) for key, value in values.items()}
    assert config.changed(TrainConfig(), as_text) == made


@limits(deadline=None, max_examples=50)
@given(_values(), _values())
def test_differences_are_what_makes_one_configuration_of_another(first: dict[str, object], second: dict[str, object]) -> None:
    start, wanted = config.changed(TrainConfig(), first), config.changed(TrainConfig(), second)
    found = config.differences(wanted, start)
    assert config.changed(start, found) == wanted
    assert config.changed(start, config.parsed(config.assignments(found))) == wanted
    assert all(config.get(wanted, key) != config.get(start, key) for key in found)


def test_findings_survive_as_an_assignment() -> None:
    chosen = config.changed(TrainConfig(), {"task.findings": ["Covid-19", "No finding"], "model.weights": "a=b,c.pth"})
    told = config.assignments(config.differences(chosen, TrainConfig()))
    assert told == ["task.findings=Covid-19,No finding", "model.weights=a=b,c.pth"]
    assert config.changed(TrainConfig(), config.parsed(told)) == chosen


def test_every_setting_stands_in_a_section() -> None:
    sections = list(dict.fromkeys(item.section for item in config.settings()))
    assert sections[0] == "Task"
    assert sections[-1] == "General"
    by_part = {item.key.rpartition(".")[0]: item.section for item in config.settings()}
    assert len(set(by_part.values())) == len(by_part)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("0.25", (0.25,)),
        ("0.25, 0.5,0", (0.25, 0.5, 0.0)),
        ([0.25, 0.5], (0.25, 0.5)),
        (0.25, (0.25,)),
        (0, (0.0,)),
        ("", (0.0,)),
    ],
)
def test_several_numbers_come_as_text_as_a_list_or_as_one_number(given: object, expected: tuple[float, ...]) -> None:
    """Runs of versions that knew one number only stored it as a number."""
    made = config.changed(TrainConfig(), {"loss.alpha": given})
    assert made.loss.alpha == expected
    assert config.changed(TrainConfig(), config.to_dict(made)) == made
    assert config.of_run({"loss.alpha": 0.25}).loss.alpha == (0.25,)


@pytest.mark.parametrize("given", ["0.25,2", "0.25,abc", [0.25, None], True, "nan", [[0.25]]])
def test_a_wrong_number_among_several_is_refused(given: object) -> None:
    with pytest.raises(ConfigError):
        config.changed(TrainConfig(), {"loss.alpha": given})


def test_a_level_of_augmentation_is_its_numbers_and_nothing_else() -> None:
    made = config.changed(TrainConfig(), {"augment.level": "medium", "augment.rotation": 5})
    assert (made.augment.rotation, made.augment.zoom) == (5, config.LEVELS["medium"]["zoom"])
    assert "augment.level" not in config.to_dict(made)
    assert (
        config.from_tables({"augment": {"level": "strong", "mixup": 0.4}}).augment.rotation
        == config.LEVELS["strong"]["rotation"]
    )
    with pytest.raises(ConfigError, match="Did you mean medium"):
        config.changed(TrainConfig(), {"augment.level": "medum"})
    with pytest.raises(ConfigError, match=r"Did you mean augment\.level"):
        config.changed(TrainConfig(), {"augment.levl": "medium"})


@pytest.mark.parametrize("name", list(config.LEVELS))
def test_levels_are_found_again_by_their_numbers(name: str) -> None:
    made = config.changed(TrainConfig(), {"augment.level": name})
    assert config.level_of(made.augment) == name
    assert config.level_of(config.changed(made, {"augment.mixup": 0.4}).augment) == name
    assert config.level_of(config.changed(made, {"augment.rotation": 3}).augment) == ""


def test_levels_rise_and_the_default_is_light() -> None:
    assert config.level_of(TrainConfig().augment) == "light"
    assert not any(config.LEVELS["none"].values())
    for weaker, stronger in itertools.pairwise(config.LEVELS.values()):
        assert all(stronger[key] >= weaker[key] for key in weaker)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("lr", "optimiser.lr?"),
        ("epochs", "schedule.epochs?"),
        ("learning_rate", "optimiser.lr?"),
        ("optimiser.lerning_rate", "optimiser.lr?"),
        ("Horizontal flip", "augment.flip?"),
        ("beta", "one of imbalance.beta, choice.beta?"),
        ("ema", "optimiser.average?"),
        ("focal", "one of loss.name, loss.gamma, loss.alpha?"),
        ("level", "one of task.level, augment.level?"),
    ],
)
def test_a_setting_is_found_by_its_name_its_label_or_what_it_is_about(key: str, meant: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.changed(TrainConfig(), {key: 1})
    assert refused.value.remedy == f"Did you mean {meant}"


def test_a_key_that_resembles_nothing_does_not_bring_all_settings() -> None:
    for key in ("xyz", ""):
        with pytest.raises(ConfigError) as refused:
            config.changed(TrainConfig(), {key: 1})
        assert "recipes --settings" in refused.value.remedy


def test_a_decimal_comma_is_understood_as_a_slip() -> None:
    with pytest.raises(ConfigError, match=r"For example: optimiser\.lr=0\.001"):
        config.changed(TrainConfig(), {"optimiser.lr": "0,001"})
    with pytest.raises(ConfigError, match="no level of augmentation"):
        config.changed(TrainConfig(), {"augment.level": ["medium"]})
