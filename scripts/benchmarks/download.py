"""`download`: the tree of one commit

Cold, and from the cache. Beside it are git and the installers, which do other work, too: `git clone` keeps a repository, uv
reads the project's metadata, pip packs the tree into an archive.
"""

from __future__ import annotations

from pathlib import Path

from scripts.benchmarks._fetchers import CACHED, FULL, GIT, OURS, PIP, POETRY, UV, Wanted, git_clone, installers, ours
from scripts.benchmarks._harness import Bench
from scripts.benchmarks._materials import source_files, tree_repository
from scripts.benchmarks._remote import Remote, places, serving
from scripts.benchmarks._subject import TIME, Goal, Subject
from tests.servers.repositories import python_project, resolve

ONE = "1 file"
SIZES, LARGEST = (1_000, 5_000), 50_000
MOST, FEW = 7, 3
_MANY = 10_000
"""From so many files on there are fewer rounds, and no slow peers."""
_SMALL = 2_000
"""Below so many files, what it costs to start is counted apart."""


def measure(bench: Bench) -> None:
    """One table for each size and each place to write to; the slow peers only in the first place.

    Then without the server's share: its answers come from memory.
    """
    sizes = SIZES if bench.quick else (*SIZES, LARGEST)
    root = bench.folder / "repositories"
    commits = {
        count: resolve(tree_repository(root / f"{count}.git", {**python_project(), **source_files(count)}))
        for count in (0, *sizes)
    }
    with serving(root) as remote, places(bench.folder) as found:
        for number, (kind, folder) in enumerate(found):
            for count in sizes:
                bench.note(f"{count:,} files, written to {kind}:")
                place = folder / f"{count}-files"
                place.mkdir()
                slow = number == 0 and count < _MANY
                peers = _slow(bench, _wanted(remote, commits, count, place)) if slow else []
                limit = 0.95 if kind == "tmpfs" else 1.0
                subjects = _subjects(bench, remote, commits, count, place, limit, slow=slow) + peers
                bench.compare(subjects, base=GIT, most=MOST if count < _MANY else FEW)
    with serving(root, replay=True) as remote, places(bench.folder) as found:
        kind, folder = found[0]
        for count in sizes:
            bench.note(f"{count:,} files, written to {kind}, the server's answer replayed:")
            place = folder / f"{count}-files-replayed"
            place.mkdir()
            subjects = _subjects(bench, remote, commits, count, place, 0.80, slow=False)
            bench.compare(subjects, base=GIT, most=MOST if count < _MANY else FEW)


def _wanted(remote: Remote, commits: dict[int, str], count: int, place: Path) -> Wanted:
    return Wanted(f"{remote.url}/{count}.git", commits[count], "greeting.py", place)


def _subjects(
    bench: Bench, remote: Remote, commits: dict[int, str], count: int, place: Path, limit: float, *, slow: bool
) -> list[Subject]:
    first, git_first, cached_first = f"{OURS}, {ONE}", f"{GIT}, {ONE}", f"{CACHED}, {ONE}"
    small = count < _SMALL
    goals = (
        Goal(limit, GIT, TIME, (first, git_first) if small else None),
        *(Goal(1 / factor, name) for name, factor in ((UV, 5), (PIP, 4), (POETRY, 10)) if slow),
    )
    warm = (Goal(0.25, GIT, TIME, (cached_first, git_first) if small else None),)
    many, none = (_wanted(remote, commits, number, place) for number in (count, 0))
    return [
        ours(bench, many, OURS, goals),
        ours(bench, none, first),
        ours(bench, many, CACHED, warm, cached=True),
        ours(bench, none, cached_first, cached=True),
        git_clone(bench, many, GIT, "--depth", "1"),
        git_clone(bench, none, git_first, "--depth", "1"),
    ]


def _slow(bench: Bench, wanted: Wanted) -> list[Subject]:
    return [git_clone(bench, wanted, FULL), *installers(bench, wanted)]
