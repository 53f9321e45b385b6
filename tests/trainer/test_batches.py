"""The cache of decoded squares: decoded once, safe when torn, and never the wrong image behind a digest."""

from pathlib import Path

import numpy as np
import pytest

from trainer import batches, files, images, shards
from trainer.errors import Stopped

SIZE = 32


@pytest.fixture
def sources(drawn: Path) -> list[tuple[Path, str]]:
    paths = sorted((drawn / "images").rglob("*.png"))[:12]
    return [(path, files.digest(path.read_bytes())) for path in paths]


def _cached(sources: list[tuple[Path, str]], folder: Path, **more: object) -> batches.Cache:
    return batches.cached(sources, size=SIZE, fit="stretch", folder=folder, **more)  # type: ignore[arg-type]


def _expected(sources: list[tuple[Path, str]]) -> np.ndarray:
    return np.stack([images.to_square(images.read(path).pixels, SIZE, "stretch") for path, _ in sources])


@pytest.mark.parametrize("memory", [None, 0], ids=["in memory", "on disk"])
def test_squares_are_those_of_the_one_pipeline(sources: list[tuple[Path, str]], tmp_path: Path, memory: int | None) -> None:
    cache = _cached(sources, tmp_path, memory=memory)
    assert (cache.rows.whole is None) == (memory == 0)
    rows = np.array([3, 0, 11])
    taken = cache.take(rows)
    assert taken.dtype == np.uint8
    np.testing.assert_array_equal(taken[:, 0], _expected(sources)[rows])


def test_nothing_is_decoded_twice(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    assert _cached(sources, tmp_path).decoded == 12
    assert _cached(sources, tmp_path).decoded == 0
    assert _cached(sources[:5], tmp_path).decoded == 0


def test_the_cache_serves_after_the_images_have_gone(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    expected = _expected(sources)
    _cached(sources, tmp_path)
    moved = [(tmp_path / "gone" / path.name, digest) for path, digest in sources]
    np.testing.assert_array_equal(_cached(moved, tmp_path).take(np.arange(12))[:, 0], expected)


def test_another_size_has_its_own_cache(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    _cached(sources, tmp_path)
    other = batches.cached(sources, size=48, fit="pad", folder=tmp_path)
    assert other.take(np.array([0])).shape == (1, 1, 48, 48)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"32-stretch-v{images.PIPELINE}", f"48-pad-v{images.PIPELINE}"]


def test_a_file_that_changed_since_its_import_is_left_out(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    path = tmp_path / "changed.png"
    path.write_bytes(sources[1][0].read_bytes())
    sources[0] = (path, sources[0][1])
    cache = _cached(sources, tmp_path / "cache")
    assert cache.readable.tolist() == [False] + [True] * 11
    assert cache.failures == ((path, "the file has changed since it was imported"),)


def test_unreadable_files_are_left_out_with_a_reason(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(sources[0][0].read_bytes()[:200])
    sources[0] = (broken, files.digest(broken.read_bytes()))
    sources[1] = (tmp_path / "missing.png", "0" * 40)
    cache = _cached(sources, tmp_path / "cache")
    assert cache.readable.tolist() == [False, False] + [True] * 10
    assert [path.name for path, _ in cache.failures] == ["broken.png", "missing.png"]
    assert all(why for _, why in cache.failures)
    kept = cache.only(cache.readable)
    np.testing.assert_array_equal(kept.take(np.arange(10))[:, 0], _expected(sources[2:]))


@pytest.mark.parametrize("ending", [".npy", ".json"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY torn"])
def test_a_torn_shard_is_decoded_again(sources: list[tuple[Path, str]], tmp_path: Path, ending: str, content: bytes) -> None:
    _cached(sources, tmp_path)
    (shard,) = tmp_path.rglob(f"*{ending}")
    shard.write_bytes(content)
    cache = _cached(sources, tmp_path)
    assert cache.decoded == 12
    np.testing.assert_array_equal(cache.take(np.arange(12))[:, 0], _expected(sources))


def test_the_same_content_twice_is_decoded_once(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    cache = _cached([sources[0], sources[0]], tmp_path)
    assert cache.decoded == 1
    np.testing.assert_array_equal(*cache.take(np.array([0, 1]))[:, 0])


def test_of_exact_copies_one_that_is_there_is_enough(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    path, digest = sources[0]
    other = tmp_path / "changed.png"
    other.write_bytes(b"another image")
    cache = _cached([(tmp_path / "gone.png", digest), (other, digest), (path, digest)], tmp_path / "cache")
    assert cache.readable.all()
    assert (cache.failures, cache.damaged) == ((), frozenset())
    lost = _cached([(tmp_path / "gone.png", digest), (other, digest)], tmp_path / "other cache")
    assert not lost.readable.any()
    assert lost.failures == ((tmp_path / "gone.png", "There is no such file or folder"),)
    assert lost.damaged == frozenset()


def test_only_a_content_that_cannot_be_decoded_is_damaged(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(sources[0][0].read_bytes()[:200])
    digest = files.digest(broken.read_bytes())
    cache = _cached([(broken, digest), (tmp_path / "missing.png", "0" * 40), sources[1]], tmp_path / "cache")
    assert cache.damaged == {digest}
    assert cache.only(cache.readable).damaged == {digest}


def test_stopping_keeps_what_was_written_and_leaves_nothing_half(
    sources: list[tuple[Path, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD", 4)

    def stop(done: int, total: int) -> None:
        if done == 6:
            raise Stopped

    with pytest.raises(Stopped):
        _cached(sources, tmp_path, progress=stop)
    assert {p.suffix for p in tmp_path.rglob("*.*") if p.is_file()} == {".npy", ".json"}
    assert _cached(sources, tmp_path).decoded == 8


def test_progress_counts_to_the_end(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    _cached(sources, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 12) for n in range(1, 13)]


def test_other_sizes_make_room_when_the_limit_is_reached(
    sources: list[tuple[Path, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cached(sources, tmp_path)
    monkeypatch.setattr(shards, "LIMIT", 1)
    batches.cached(sources, size=48, fit="stretch", folder=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [f"48-stretch-v{images.PIPELINE}"]


def test_chunks_cover_everything_once() -> None:
    pieces = list(batches.chunks(np.arange(10), 4))
    assert [len(piece) for piece in pieces] == [4, 4, 2]
    assert np.concatenate(pieces).tolist() == list(range(10))


def test_an_empty_list_gives_an_empty_cache(tmp_path: Path) -> None:
    assert _cached([], tmp_path).take(np.array([], np.int64)).shape == (0, 1, SIZE, SIZE)


def test_who_must_not_write_reads_what_another_decoded(sources: list[tuple[Path, str]], tmp_path: Path) -> None:
    assert not _cached(sources, tmp_path / "new", decode=False).readable.any()
    assert not (tmp_path / "new").exists()
    _cached(sources[:7], tmp_path)
    before = sorted(tmp_path.rglob("*"))
    cache = _cached(sources, tmp_path, decode=False)
    assert cache.readable.tolist() == [True] * 7 + [False] * 5
    np.testing.assert_array_equal(cache.take(np.arange(7))[:, 0], _expected(sources[:7]))
    assert sorted(tmp_path.rglob("*")) == before
