"""`clone`: the full history

The server's process is apart, but it shares the machine's cores with those that are measured.
"""

from __future__ import annotations

from scripts.benchmarks._fetchers import program
from scripts.benchmarks._harness import Bench
from scripts.benchmarks._materials import history_repository
from scripts.benchmarks._remote import places, serving
from scripts.benchmarks._subject import Goal, Subject

OURS, GIT, DULWICH = "git-helper clone", "git clone", "dulwich.porcelain.clone"
OBJECTS, MANY, QUICK = 40_000, 400_000, 8_000
MOST, FEW = 5, 2
_DULWICH = "import sys; from dulwich import porcelain; porcelain.clone(sys.argv[1], sys.argv[2])"


def measure(bench: Bench) -> None:
    """One table for each size and each place to write to; the large one only in the first place."""
    sizes = (QUICK,) if bench.quick else (OBJECTS, MANY)
    root = bench.folder / "repositories"
    root.mkdir()
    for objects in sizes:
        history_repository(root / f"history{objects}.git", objects)
    commands = {
        OURS: [bench.installation.program("git-helper"), "clone", "--no-input"],
        GIT: [program("git"), "clone", "--quiet"],
        DULWICH: [bench.installation.program("python"), "-c", _DULWICH],
    }
    goals = {OURS: (Goal(1.5, GIT),)}
    with serving(root) as remote, places(bench.folder) as found:
        for objects, (kind, place) in [(size, where) for size in sizes for where in found]:
            if objects == MANY and place != found[0][1]:
                continue
            bench.note(f"{objects:,} objects, written to {kind}:")
            subjects = []
            for number, (name, words) in enumerate(commands.items()):
                if objects == MANY and name == DULWICH:
                    continue  # it takes minutes
                out = place / f"clone{number}"
                environ = bench.environ(f"home{number}", TMPDIR=str(place))
                subjects.append(
                    Subject(
                        name,
                        [*words, f"{remote.url}/history{objects}.git", str(out)],
                        environ,
                        goals=goals.get(name, ()),
                        counted=False,
                        fresh=(out,),
                        makes=out / "src",
                    )
                )
            bench.compare(subjects, base=GIT, most=FEW if objects == MANY else MOST)
