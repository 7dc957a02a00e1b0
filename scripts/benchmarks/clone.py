"""`clone`: the full history

The server's process is apart, but it shares the machine's cores with those that are measured.
"""

from __future__ import annotations

from pathlib import Path

from scripts.benchmarks._fetchers import program
from scripts.benchmarks._harness import Bench
from scripts.benchmarks._materials import history_repository, packed_size, tree_repository
from scripts.benchmarks._remote import places, serving
from scripts.benchmarks._subject import TIME, Goal, Subject
from tests.servers.repositories import python_project

OURS, GIT, DULWICH = "git-helper clone", "git clone", "dulwich.porcelain.clone"
OBJECTS, MANY, QUICK = 40_000, 400_000, 8_000
MOST, FEW = 5, 2
_STARTS = {OURS: f"{OURS}, 1 file", GIT: f"{GIT}, 1 file"}
_DULWICH = "import sys; from dulwich import porcelain; porcelain.clone(sys.argv[1], sys.argv[2])"


def measure(bench: Bench) -> None:
    """One table for each size and each place to write to; the large one only in the first place."""
    sizes = (QUICK,) if bench.quick else (OBJECTS, MANY)
    root = bench.folder / "repositories"
    packed = {size: packed_size(history_repository(root / f"{size}.git", size)) for size in sizes}
    tree_repository(root / "1.git", python_project())
    with serving(root) as remote, places(bench.folder) as found:
        for size, (kind, place) in [(size, where) for size in sizes for where in found]:
            if size == MANY and place != found[0][1]:
                continue
            objects, length = packed[size]
            title = f"{objects:,} objects, {length / 1e6:.0f} MB, written to {kind}"
            subjects = _subjects(bench, remote.url, size, place)
            bench.compare(subjects, base=GIT, most=FEW if size == MANY else MOST, title=title)


def _subjects(bench: Bench, url: str, size: int, place: Path) -> list[Subject]:
    """What was asked for is whole commands; only where they take a moment does start-up count apart."""
    commands = {
        OURS: [bench.installation.program("git-helper"), "clone", "--no-input"],
        GIT: [program("git"), "clone", "--quiet"],
        DULWICH: [bench.installation.program("python"), "-c", _DULWICH],
    }
    goal = Goal(1.5, GIT, TIME, (_STARTS[OURS], _STARTS[GIT]), 1.0 if size == QUICK else 0.0, "S9")

    def subject(name: str, repository: int, title: str, goals: tuple[Goal, ...] = ()) -> Subject:
        out = place / "".join(char for char in title if char.isalnum())
        command = [*commands[name], f"{url}/{repository}.git", str(out)]
        environ = bench.environ(name.replace(" ", "-"), TMPDIR=str(place))
        makes = out / ("src" if repository == size else "greeting.py")
        return Subject(title, command, environ, goals=goals, counted=False, fresh=(out,), makes=makes)

    subjects = [subject(OURS, size, OURS, (goal,)), subject(GIT, size, GIT)]
    if size != MANY:  # it takes minutes
        subjects.append(subject(DULWICH, size, DULWICH))
    return [*subjects, *(subject(name, 1, title) for name, title in _STARTS.items())]
