"""Growth: from few to many

What one more costs: the times of two sizes, their difference by the number of what came in between. It is linear when that
does not grow.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from scripts.benchmarks._fetchers import Wanted, ours
from scripts.benchmarks._harness import Bench, Runner
from scripts.benchmarks._materials import small_projects, source_files, tree_repository
from scripts.benchmarks._remote import Remote, places, serving
from scripts.benchmarks._subject import Subject
from tests.servers.repositories import python_project, resolve

REQUIREMENTS, FILES = (1, 10, 100, 1_000), (1_000, 10_000, 100_000)
QUICK_REQUIREMENTS, QUICK_FILES = (1, 10, 100), (100, 1_000, 5_000)
ROUNDS = 3
MOST = 1.5
"""The last slope by the one before; noise included."""
NOISE = 1.1
"""A step that makes no more of a time than this says nothing."""


def measure(bench: Bench) -> None:
    """Requirements first, then files."""
    root = bench.folder / "repositories"
    counts, sizes = (QUICK_REQUIREMENTS, QUICK_FILES) if bench.quick else (REQUIREMENTS, FILES)
    (name,) = small_projects(root, 1)
    pin = resolve(root / f"{name}.git")
    for number in range(1, counts[-1]):
        shutil.copytree(root / f"{name}.git", root / f"greeting{number:03}.git")
    commits = {
        count: resolve(tree_repository(root / f"{count}.git", {**python_project(), **source_files(count)}))
        for count in sizes
    }
    with serving(root, replay=True) as remote, places(bench.folder) as found:
        kind, place = found[0]
        bench.note(f"Written to {kind}, the server's answers replayed, medians of {ROUNDS}:")
        rows = {
            "resolve, pins": [_resolve(bench, remote, count, pin, place) for count in counts],
            "download of dependencies, cold": [_many(bench, remote, count, pin, place, cold=True) for count in counts],
            "download of dependencies, cached": [
                _many(bench, remote, count, pin, place, cold=False) for count in counts
            ],
        }
        for title, subjects in rows.items():
            _grow(bench, title, counts, subjects, "requirement")
        trees = [Wanted(f"{remote.url}/{count}.git", commits[count], "greeting.py", place) for count in sizes]
        for title, cached in (("download of files, cold", False), ("download of files, cached", True)):
            files = [ours(bench, tree, f"{title}, {tree.commit[:8]}", cached=cached) for tree in trees]
            _grow(bench, title, sizes, files, "file")


def _grow(bench: Bench, title: str, counts: tuple[int, ...], subjects: list[Subject], unit: str) -> None:
    runner = Runner(bench.folder)
    seconds = []
    for subject in subjects:
        runner.prove(subject)
        seconds.append(statistics.median(runner.timed(subject) for _ in range(ROUNDS)))
    times = ", ".join(f"{count:,}: {second * 1e3:,.0f} ms" for count, second in zip(counts, seconds, strict=True))
    steps = ", ".join(f"{slope * 1e6:,.0f}" for slope in _slopes(counts, seconds))
    goal = f"goal: linear, the last at most {MOST:g} times the one before"
    bench.check(f"{title}: {times}; {steps} µs for each {unit} more ({goal})", is_linear(counts, seconds), "S12")


def is_linear(counts: Sequence[int], seconds: Sequence[float]) -> bool | None:
    """Whether one more costs about the same in the last step as in the one before; None where noise hides that one."""
    *_, before, last = _slopes(counts, seconds)
    if last <= MOST * max(before, 0):
        return True
    *_, first, second, _ = seconds
    return None if second < first * NOISE else False


def _slopes(counts: Sequence[int], seconds: Sequence[float]) -> list[float]:
    points = zip(counts, seconds, strict=True)
    return [(late - soon) / (more - few) for (few, soon), (more, late) in pairwise(points)]


def _listed(remote: Remote, count: int, pin: str, folder: Path) -> Path:
    folder.mkdir()
    lines = [f"greeting{number:03} @ git+{remote.url}/greeting{number:03}.git@{pin}\n" for number in range(count)]
    (folder / "requirements.txt").write_text("".join(lines))
    return folder / "requirements.txt"


def _resolve(bench: Bench, remote: Remote, count: int, pin: str, place: Path) -> Subject:
    listed = _listed(remote, count, pin, place / f"resolve-{count}")
    words = [bench.installation.program("git-helper"), "resolve", "-r", str(listed), "--no-input"]
    return Subject(f"resolve {count}", words, bench.environ("ours"), b"", b"greeting000 @", counted=False)


def _many(bench: Bench, remote: Remote, count: int, pin: str, place: Path, *, cold: bool) -> Subject:
    folder = place / f"many-{count}-{'cold' if cold else 'cached'}"
    listed, out, cache = _listed(remote, count, pin, folder), folder / "out", folder / "cache"
    words = [bench.installation.program("git-helper"), "download", "-r", str(listed), "-d", str(out), "--no-input"]
    fresh = (out, cache) if cold else (out,)
    command = [*words, "--cache-dir", str(cache)]
    return Subject(
        f"download {count}", command, bench.environ("ours"), b"", b"greeting000-", counted=False, fresh=fresh
    )
