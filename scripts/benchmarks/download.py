"""`download`: the tree of one commit

Cold, and from the cache. Beside it are git and the installers, which do other work, too: `git clone` keeps a repository, uv
reads the project's metadata, pip packs the tree into an archive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from scripts.benchmarks._fetchers import CACHED, FULL, GIT, OURS, PIP, POETRY, UV, Wanted, git_clone, installers, ours
from scripts.benchmarks._harness import Bench
from scripts.benchmarks._materials import packed_size, source_files, tree_repository
from scripts.benchmarks._remote import Remote, places, serving
from scripts.benchmarks._subject import TIME, Goal, Subject
from tests.servers.repositories import python_project, resolve

ONE = "1 file"
SIZES, LARGEST = {1_000: 3_000, 5_000: 10_000}, {50_000: 2}
"""Files, and the commits of their history; to pack a long one of the largest would take minutes."""
MOST, FEW, SLOW = 7, 3, 2
_MANY = 10_000
"""From so many files on there are fewer rounds, no slow peers, and whole commands only."""
_APART_BELOW = 1.0


@dataclass(frozen=True)
class Tree:
    """So many files, the commit that has them, and a sentence about its repository."""

    count: int
    commit: str
    history: str

    @property
    def large(self) -> bool:
        """Whether to leave out what is for the small ones."""
        return self.count >= _MANY


def measure(bench: Bench) -> None:
    """One table for each size and each place to write to; the slow peers only in the first place.

    Then without the server's share: its answers come from memory.
    """
    root = bench.folder / "repositories"
    one = _tree(root, 0, 2)
    trees = [_tree(root, *size) for size in (SIZES if bench.quick else SIZES | LARGEST).items()]
    bench.note(
        f"Start-up apart: less the time that the same command needs for {ONE}. Goals S5 and S8 count that, where "
        f"`{GIT}` needs less than {_APART_BELOW:g} second; whole commands elsewhere, and from {_MANY:,} files on."
    )
    with serving(root) as remote, places(bench.folder) as found:
        for number, (kind, folder) in enumerate(found):
            for tree in trees:
                place = folder / f"{tree.count}-files"
                place.mkdir()
                limit = 0.95 if kind == "tmpfs" else 1.0
                slow = number == 0 and not tree.large
                subjects = _subjects(bench, remote, (tree, one), place, limit, slow=slow)
                _compare(bench, tree, kind, subjects)
    with serving(root, replay=True) as remote, places(bench.folder) as found:
        kind, folder = found[0]
        for tree in trees:
            place = folder / f"{tree.count}-files-replayed"
            place.mkdir()
            subjects = _subjects(bench, remote, (tree, one), place, 0.80, slow=False)
            _compare(bench, tree, f"{kind}, the server's answer replayed", subjects)


def _compare(bench: Bench, tree: Tree, where: str, subjects: list[Subject]) -> None:
    peers = f" Peers that fetch more: {SLOW} rounds." if any(one.most for one in subjects) else ""
    bench.note(tree.history + peers)
    title = f"{tree.count:,} files, written to {where}"
    bench.compare(subjects, base=GIT, most=FEW if tree.large else MOST, title=title)


def _tree(root: Path, count: int, commits: int) -> Tree:
    path = tree_repository(root / f"{count}.git", {**python_project(), **source_files(count)}, commits)
    objects, size = packed_size(path)
    history = f"The repository with {count:,} files has {commits:,} commits, {objects:,} objects, {size / 1e6:.1f} MB."
    return Tree(count, resolve(path), history)


def _subjects(
    bench: Bench, remote: Remote, trees: tuple[Tree, Tree], place: Path, limit: float, *, slow: bool
) -> list[Subject]:
    """trees: the one that is measured, and one for start-up."""
    many, one = (Wanted(f"{remote.url}/{tree.count}.git", tree.commit, "greeting.py", place) for tree in trees)
    if trees[0].large:
        cold, warm = Goal(limit, GIT, number="S5"), Goal(0.25, GIT, number="S8")
        starts = []
    else:
        first, cached_first, git_first = (f"{name}, {ONE}" for name in (OURS, CACHED, GIT))
        cold = Goal(limit, GIT, TIME, (first, git_first), _APART_BELOW, "S5")
        warm = Goal(0.25, GIT, TIME, (cached_first, git_first), _APART_BELOW, "S8")
        starts = [
            ours(bench, one, first),
            ours(bench, one, cached_first, cached=True),
            git_clone(bench, one, git_first, "--depth", "1"),
        ]
    peers = _peers(bench, many) if slow else []
    faster = [Goal(1 / factor, name, number="S6") for name, factor in ((UV, 5), (PIP, 4), (POETRY, 10)) if slow]
    return [
        ours(bench, many, OURS, (cold, *faster)),
        ours(bench, many, CACHED, (warm,), cached=True),
        git_clone(bench, many, GIT, "--depth", "1"),
        *starts,
        *peers,
    ]


def _peers(bench: Bench, wanted: Wanted) -> list[Subject]:
    """Who fetches the history, too, and takes its time."""
    return [replace(peer, most=SLOW) for peer in (git_clone(bench, wanted, FULL), *installers(bench, wanted))]
