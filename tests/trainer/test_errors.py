"""Errors say what, where and the remedy on one line."""

import os
import shlex
from pathlib import Path

import pytest

from trainer import errors


def test_a_sentence_holds_what_where_and_remedy() -> None:
    error = errors.DataError("The table is empty.", where="a.csv", remedy="Add rows.")
    assert str(error) == "The table is empty (a.csv). Add rows."


def test_where_and_remedy_may_be_left_out() -> None:
    assert str(errors.RunError("It is busy")) == "It is busy."


def test_a_sentence_stays_on_one_line_whatever_it_quotes() -> None:
    assert "\n" not in str(errors.ImageError("First\nsecond", where="a\nb"))


@pytest.mark.parametrize(
    "kind",
    [errors.ImageError, errors.DataError, errors.ConfigError, errors.WeightsError, errors.RunError, errors.StorageError],
)
def test_every_error_of_the_users_world_is_a_trainer_error(kind: type[errors.TrainerError]) -> None:
    assert issubclass(kind, errors.TrainerError)


def test_an_order_to_stop_is_no_error() -> None:
    assert not issubclass(errors.Stopped, errors.TrainerError)


@pytest.mark.parametrize(
    ("word", "known", "answer"),
    [
        ("resnet81", ["resnet18", "alexnet"], "Did you mean resnet18?"),
        ("Covid-19", ["COVID-19", "Normal"], "Did you mean COVID-19?"),
        ("ALEXNET", ["resnet18", "alexnet"], "Did you mean alexnet?"),
        ("zzz", ["b", "a"], "There is: a, b."),
        ("zzz", [], ""),
    ],
)
def test_the_nearest_known_word_is_offered(word: str, known: list[str], answer: str) -> None:
    assert errors.did_you_mean(word, known) == answer


def test_a_count_agrees_with_its_noun() -> None:
    assert errors.counted(1, "epoch") == "1 epoch"
    assert errors.counted(0, "epoch") == "0 epochs"
    assert errors.counted(2, "copy", "copies") == "2 copies"


@pytest.mark.skipif(os.name == "nt", reason="another shell quotes in another way")
def test_a_command_can_be_pasted_into_a_shell() -> None:
    line = errors.command_line("train", Path("my lungs.cxr"), "--set", "a=$b")
    assert shlex.split(line) == ["cxr-trainer", "train", "my lungs.cxr", "--set", "a=$b"]
    assert errors.command_line("show", "lungs.cxr") == "cxr-trainer show lungs.cxr"
