"""How long a filtered and sorted view of a large catalog takes, beside one plain SQL query for the same ids.

    python benchmarks/catalog_ids.py [--images 1000000]

All run on the same file in the same process; the best of five is printed, with the processor time of that run in brackets
(on a busy machine the rest went to other programs). The aim is 0.3 s at 1,000,000 images.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from trainer.catalog import FILE, NO, YES, Catalog, Entry, Filter, Split

SHOWN = "excluded = 0 AND id NOT IN (SELECT image FROM flags WHERE flag = 'gone')"
LABEL = "SELECT image FROM labels JOIN findings ON findings.id = finding WHERE name = 'COVID-19' AND value = 1"
PART = "SELECT image FROM split_images WHERE part = 'train'"
CASES: dict[str, tuple[Filter, str, str]] = {
    "all, by path": (Filter(), "path", f"{SHOWN} ORDER BY folder, path"),
    "view PA, by path": (Filter(view="PA"), "path", f"{SHOWN} AND view = 'PA' ORDER BY folder, path"),
    "finding yes, by path": (Filter({"COVID-19": YES}), "path", f"{SHOWN} AND id IN ({LABEL}) ORDER BY folder, path"),
    "finding yes and PA, by patient": (
        Filter({"COVID-19": YES}, view="PA"),
        "patient",
        f"{SHOWN} AND view = 'PA' AND id IN ({LABEL}) ORDER BY patient, id",
    ),
    "part train, by path": (Filter(part="train"), "path", f"{SHOWN} AND id IN ({PART}) ORDER BY folder, path"),
    "text in the path, by path": (
        Filter(text="s_004/"),
        "path",
        f"{SHOWN} AND path LIKE '%s\\_004/%' ESCAPE '\\' ORDER BY folder, path",
    ),
}


def entries(count: int) -> Iterator[Entry]:
    """Made-up images: three findings, four images a patient, two views, a scattered order of names."""
    names = ("COVID-19", "Normal", "Pneumonia")
    for i in range(count):
        yield Entry(
            path=f"images_{i % 12:03d}/{i * 7919 % count:08d}_000.png",
            digest=f"{i:040x}",
            bytes=400_000,
            modified=1_600_000_000_000_000_000 + i,
            width=1024,
            height=1024,
            patient=f"{i // 4:08d}",
            view=("PA", "AP", "")[i % 3],
            sex="FM"[i % 2],
            age=float(i % 90),
            source="made up",
            labels={name: YES if k == i % 7 % 3 else NO for k, name in enumerate(names)},
        )


def best(run: Callable[[], object], rounds: int = 5) -> str:
    """Seconds of the fastest of some runs, and the processor's share of them (the rest went to other programs)."""
    times = []
    for _ in range(rounds):
        start, busy = time.perf_counter(), time.process_time()
        run()
        times.append((time.perf_counter() - start, time.process_time() - busy))
    return "{:8.3f} s ({:.3f})".format(*min(times))


def fresh(catalog: Catalog, where: Filter, order: str) -> np.ndarray:
    """The first call after a change, when the order is not known yet."""
    catalog._orders.clear()
    return catalog.ids(where, order)


def plain(connection: sqlite3.Connection, condition: str) -> np.ndarray:
    """The peer: one query, its rows to an array."""
    return np.array([row[0] for row in connection.execute(f"SELECT id FROM images WHERE {condition}")], dtype=np.int64)


def main() -> None:
    """Fill a catalog, then time each case both ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000_000)
    count = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder, Catalog.create(Path(folder) / "large.cxr") as catalog:
        start = time.perf_counter()
        catalog.store(Path(folder) / "source", list(entries(count)), findings=("COVID-19", "Normal", "Pneumonia"))
        ids = catalog.ids(order="id")
        catalog.save_split(Split("s", {"train": ids[: count * 7 // 10], "test": ids[count * 7 // 10 :]}, 1, "", 0, None, ""))
        file = catalog.project / FILE
        print(f"{count:,} images stored in {time.perf_counter() - start:.1f} s, {file.stat().st_size / 1e6:.0f} MB")
        peer = sqlite3.connect(file)
        print(f"{'view':31} {'images':>9} {'first catalog.ids':>18} {'again':>18} {'one query':>18}")
        for name, (where, order, condition) in CASES.items():
            assert np.array_equal(catalog.ids(where, order), plain(peer, condition)), name
            first = best(lambda w=where, o=order: fresh(catalog, w, o))
            again = best(lambda w=where, o=order: catalog.ids(w, o))
            theirs = best(lambda c=condition: plain(peer, c), 3)
            print(f"{name:31} {len(catalog.ids(where, order)):9,} {first} {again} {theirs}")
        peer.close()
        print(f"{'labels, three findings':31} {count:9,} {best(lambda: catalog.labels(ids, catalog.findings()), 2)}")
        page = ids[:: max(1, count // 200)][:200]
        print(f"{'200 records':31} {len(page):9,} {best(lambda: catalog.records(page))}")
        print(f"{'counts for show':31} {count:9,} {best(catalog.counts, 1)}")


if __name__ == "__main__":
    main()
