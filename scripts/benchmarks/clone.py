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
OBJECTS, QUICK = 40_000, 8_000
MOST = 5
_DULWICH = "import sys; from dulwich import porcelain; porcelain.clone(sys.argv[1], sys.argv[2])"


def measure(bench: Bench) -> None:
    """One table for each place to write to."""
    objects = QUICK if bench.quick else OBJECTS
    root = bench.folder / "repositories"
    root.mkdir()
    history_repository(root / "history.git", objects)
    commands = {
        OURS: [bench.installation.program("git-helper"), "clone", "--no-input"],
        GIT: [program("git"), "clone", "--quiet"],
        DULWICH: [bench.installation.program("python"), "-c", _DULWICH],
    }
    goals = {OURS: (Goal(1.5, GIT),)}
    with serving(root) as remote, places(bench.folder) as found:
        url = f"{remote.url}/history.git"
        for kind, place in found:
            bench.note(f"{objects:,} objects, written to {kind}:")
            subjects = []
            for number, (name, words) in enumerate(commands.items()):
                out = place / f"clone{number}"
                environ = bench.environ(f"home{number}", TMPDIR=str(place))
                subjects.append(
                    Subject(
                        name,
                        [*words, url, str(out)],
                        environ,
                        goals=goals.get(name, ()),
                        counted=False,
                        fresh=(out,),
                        makes=out / "src",
                    )
                )
            bench.compare(subjects, base=GIT, most=MOST)
