"""Results: what is saved is what is loaded, what is damaged is refused in words, and nothing in a file can run."""

import io
import json
import math
import random
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import results
from trainer.errors import DataError, StorageError
from trainer.results import Baseline, Confusion, Evaluation, Figure, FindingResult, Prediction, Subgroup

QUICK = settings(deadline=None, max_examples=25)
NAN = float("nan")


def prediction(images: int = 3, **changes: Any) -> Prediction:  # noqa: ANN401
    values: dict[str, Any] = {
        "ids": np.arange(images, dtype=np.int64) * 7,
        "findings": ("Normal", "Pneumonia/Viral/COVID-19"),
        "probabilities": np.random.default_rng(0).random((images, 2)).astype(np.float32),
        "targets": np.random.default_rng(1).integers(-1, 2, (images, 2)).astype(np.int8),
        "patients": tuple(f"pätient {i // 2}" if i else "" for i in range(images)),
        "task": "multi-label",
        "view": tuple("PA" for _ in range(images)),
    }
    return Prediction(**(values | changes))


def finding(value: float = 0.5) -> FindingResult:
    figure = Figure(value, NAN, 0.9)
    return FindingResult(
        threshold=0.4,
        matrix=((5, 1), (0, 3)),
        calibration_error=NAN,
        positives=3,
        negatives=6,
        not_stated=2,
        positive_patients=2,
        **dict.fromkeys(results.FIGURES, figure),
    )


def evaluation(**changes: Any) -> Evaluation:  # noqa: ANN401
    values: dict[str, Any] = {
        "run": "2026-11-20 first",
        "part": "test",
        "task": "multi-class",
        "images": 9,
        "patients": None,
        "metrics": {"accuracy": Figure(0.8, 0.7, 0.9), "macro_f1": Figure(NAN)},
        "findings": {"Normal": finding(), "Pneumonia": finding(NAN)},
        "confusion": Confusion(("Normal", "Pneumonia"), ((5, 1), (0, 3))),
        "baselines": {"always Normal": Baseline("Normal", "training labels", {"accuracy": 0.6, "macro_f1": NAN})},
        "subgroups": (Subgroup("view", "PA", 9, 4, {"accuracy": Figure(1.0)}, {"Normal": {"auroc": Figure(NAN)}}),),
        "test_openings": 2,
        "warnings": ("Die Patienten – unbekannt",),
    }
    return Evaluation(**(values | changes))


def same(a: Prediction, b: Prediction) -> bool:
    arrays = ("ids", "probabilities", "targets")
    texts = ("findings", "patients", "task", *results.COLUMNS)
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) and getattr(a, name).dtype == getattr(b, name).dtype
        for name in arrays
    ) and all(getattr(a, name) == getattr(b, name) for name in texts)


# --- predictions


@QUICK
@given(
    st.integers(0, 6),
    st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=6, max_size=6),
    st.sampled_from(results.TASKS),
)
def test_a_prediction_comes_back_as_it_was(images: int, names: list[str], task: str) -> None:
    original = prediction(images, patients=tuple(names[:images]), source=tuple(names[:images]), task=task)
    with tempfile.TemporaryDirectory() as folder:
        original.save(Path(folder) / "p.npz")
        assert same(Prediction.load(Path(folder) / "p.npz"), original)
        assert [file.name for file in Path(folder).iterdir()] == ["p.npz"]


def test_the_same_prediction_gives_the_same_bytes(tmp_path: Path) -> None:
    prediction().save(tmp_path / "a.npz")
    prediction().save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_truth_is_the_one_finding_that_is_yes() -> None:
    targets = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [-1, 1], [-1, -1]], np.int8)
    assert prediction(6, targets=targets).truth().tolist() == [0, 1, -1, -1, 1, -1]


def test_some_images_only() -> None:
    whole = prediction(5)
    some = whole.take(np.array([3, 1]))
    assert some.ids.tolist() == [21, 7]
    assert some.patients == (whole.patients[3], whole.patients[1])
    assert (len(some.view), some.sex) == (2, ())
    np.testing.assert_array_equal(some.probabilities, whole.probabilities[[3, 1]])
    assert len(whole.take(np.array([], dtype=int)).ids) == 0


def test_patients_are_counted_where_they_are_known() -> None:
    assert prediction(4, patients=("a", "", "a", "b")).known_patients() == 2
    assert prediction(2, patients=("", "")).known_patients() is None


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"ids": np.arange(3, dtype=np.int32)}, "ids"),
        ({"findings": ("A", "A")}, "findings"),
        ({"findings": ()}, "findings"),
        ({"findings": ("A",)}, "probabilities"),
        ({"probabilities": np.zeros((3, 2))}, "probabilities"),
        ({"probabilities": np.full((3, 2), 1.5, np.float32)}, "probabilities"),
        ({"probabilities": np.full((3, 2), NAN, np.float32)}, "probabilities"),
        ({"targets": np.full((3, 2), 2, np.int8)}, "targets"),
        ({"targets": np.zeros((2, 2), np.int8)}, "targets"),
        ({"targets": np.zeros((3, 2), np.int64)}, "targets"),
        ({"patients": ("a",)}, "patients"),
        ({"view": ("PA",)}, "columns"),
        ({"task": "both"}, "task"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        prediction(3, **changes)


def rewritten(path: Path, **changes: Any) -> None:  # noqa: ANN401
    """Replace arrays in an .npz file, pickle allowed."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    arrays = {name: value for name, value in (arrays | changes).items() if value is not None}
    np.savez(path, **arrays)


class Evil:
    """Raises where it is unpickled."""

    def __reduce__(self) -> Any:  # noqa: ANN401
        return (exec, ("raise SystemExit('code ran')",))


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": np.array([Evil(), 1, 2], dtype=object)},
        {"patients": np.array([Evil(), 1, 2], dtype=object)},
        {"ids": None},
        {"task": None},
        {"format": np.int64(99)},
        {"format": np.zeros(3)},
        {"probabilities": np.zeros((3, 2), np.complex64)},
        {"targets": np.zeros((3, 2), np.float32)},
        {"patients": np.zeros(3)},
        {"patients": np.array([["a"], ["b"], ["c"]])},
        {"findings": np.array(["A", "B", "C"])},
        {"task": np.array("neither")},
    ],
)
def test_a_prediction_with_wrong_content_is_refused_in_words(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "predictions.npz"
    prediction().save(path)
    rewritten(path, **changes)
    with pytest.raises(DataError) as refused:
        Prediction.load(path)
    assert refused.value.what
    assert refused.value.where == str(path)
    assert refused.value.remedy


def test_a_damaged_file_is_refused_in_words_whatever_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    original = prediction(20)
    original.save(path)
    whole, dice = path.read_bytes(), random.Random(0)
    damaged = [b"", b"PK", b"\x93NUMPY", b"not a zip file" * 9, *(whole[:length] for length in range(1, len(whole), 97))]
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            content[dice.randrange(len(content))] = dice.randrange(256)
        damaged.append(bytes(content))
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            Prediction.load(path)
        except DataError as error:
            refused += error.where == str(path)
    assert refused > 200  # the rest hit bytes that nothing reads


def test_a_header_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    """An array whose header says 10^15 numbers must not take the memory for them."""
    path, header = tmp_path / "p.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**15,)})  # type: ignore[arg-type]
    prediction().save(path)
    with zipfile.ZipFile(path) as source:
        content = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as changed:
        for name, data in (content | {"probabilities.npy": header.getvalue()}).items():
            changed.writestr(name, data)
    with pytest.raises(DataError):
        Prediction.load(path)


def test_a_missing_file_is_a_matter_of_storage(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        Prediction.load(tmp_path / "absent.npz")
    with pytest.raises(StorageError):
        Evaluation.load(tmp_path / "absent.json")


def test_an_interrupted_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "predictions.npz"
    prediction(3).save(path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(StorageError, match="full"):
        prediction(4).save(path)
    assert len(Prediction.load(path).ids) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["predictions.npz"]


# --- evaluations


def test_an_evaluation_comes_back_as_it_was(tmp_path: Path) -> None:
    for original in (evaluation(), evaluation(confusion=None, patients=4, subgroups=(), warnings=())):
        original.save(tmp_path / "e.json")
        loaded = Evaluation.load(tmp_path / "e.json")
        assert loaded == original
        assert hash(loaded) == hash(original)
        assert type(loaded.findings["Normal"].matrix) is tuple


def test_not_defined_is_null_in_the_file_and_equals_itself(tmp_path: Path) -> None:
    evaluation().save(tmp_path / "e.json")
    stored = json.loads((tmp_path / "e.json").read_text("utf-8"))
    assert stored["metrics"]["macro_f1"] == {"value": None, "low": None, "high": None}
    assert stored["findings"]["Normal"]["sensitivity"] == {"value": 0.5, "low": None, "high": 0.9}
    assert stored["findings"]["Normal"]["calibration_error"] is None
    assert math.isnan(Evaluation.load(tmp_path / "e.json").metrics["macro_f1"].value)
    assert Figure(NAN) == Figure(float("nan"))
    assert Figure(0.5) != Figure(NAN)
    assert Figure(0.5) != 0.5


def test_the_keys_are_those_that_the_design_promises() -> None:
    stored = evaluation().to_json()
    assert {
        "run",
        "part",
        "images",
        "patients",
        "metrics",
        "findings",
        "confusion",
        "baselines",
        "test_openings",
        "warnings",
    } <= set(stored)
    promised = {"threshold", "matrix", "sensitivity", "specificity", "precision", "f1", "auroc", "auprc"}
    assert promised <= set(stored["findings"]["Normal"])
    assert stored["findings"]["Normal"]["matrix"] == [[5, 1], [0, 3]]
    assert stored["confusion"] == {"findings": ["Normal", "Pneumonia"], "counts": [[5, 1], [0, 3]]}
    json.dumps(stored, allow_nan=False)


def paths_into(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """The way to every value inside a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(way for key, part in inner for way in paths_into(part, (*before, key)))]


@pytest.mark.parametrize("wrong", [True, "text", [[]], {"a": {}}, 1.5])
def test_a_value_of_another_kind_anywhere_is_refused_or_harmless(wrong: object) -> None:
    whole = json.dumps(evaluation().to_json())
    refused = 0
    for way in paths_into(json.loads(whole))[1:]:
        stored = json.loads(whole)
        place = stored
        for key in way[:-1]:
            place = place[key]
        place[way[-1]] = wrong
        try:
            Evaluation.from_json(stored)
        except DataError as error:
            refused += bool(error.remedy)
    assert refused > 20


@pytest.mark.parametrize("key", [*evaluation().to_json()])
def test_a_missing_key_is_refused_and_the_file_is_named(tmp_path: Path, key: str) -> None:
    stored = evaluation().to_json()
    del stored[key]
    (tmp_path / "e.json").write_text(json.dumps(stored), "utf-8")
    with pytest.raises(DataError, match=key) as refused:
        Evaluation.load(tmp_path / "e.json")
    assert refused.value.where == str(tmp_path / "e.json")


def test_keys_of_later_versions_are_passed_over() -> None:
    stored = evaluation().to_json() | {"new": 1}
    assert Evaluation.from_json(stored) == evaluation()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"run": 1}'])
def test_what_is_no_evaluation_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.json").write_bytes(content)
    with pytest.raises(DataError):
        Evaluation.load(tmp_path / "e.json")
