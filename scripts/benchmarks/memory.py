"""Memory: the peak of each command

"Above" is above the same command with next to nothing to do, which has imported the same modules. With children, it is the
largest process.
"""

from __future__ import annotations

from pathlib import Path

from scripts.benchmarks._fetchers import GIT, OURS, Wanted, git_clone, ours, program
from scripts.benchmarks._harness import Bench
from scripts.benchmarks._materials import BLOB, large_file, small_projects, source_files, tree_repository
from scripts.benchmarks._remote import places, serving
from scripts.benchmarks._subject import ABOVE, Goal, Subject
from tests.servers.repositories import python_project, random_files, resolve

MIB = 1 << 20
FILES, DEPENDENCIES = 5_000, 100
BLOB_SIZE, BLOB_QUICK = 300 * MIB, 100 * MIB
CLONE_SIZE, CLONE_QUICK = 300 * MIB, 50 * MIB
PIECE = MIB // 4
MOST = 1
NOTHING, CLONE_NOTHING = f"{OURS}, 1 file", "git-helper clone, 1 file"


def measure(bench: Bench) -> None:
    """All in one table."""
    blob, whole = (BLOB_QUICK, CLONE_QUICK) if bench.quick else (BLOB_SIZE, CLONE_SIZE)
    root = bench.folder / "repositories"
    contents = {
        "one": python_project(),
        "files": {**python_project(), **source_files(FILES)},
        "blob": {**python_project(), **large_file(blob)},
        "whole": {**python_project(), **random_files(whole // PIECE, PIECE)},
    }
    commits = {name: resolve(tree_repository(root / f"{name}.git", files)) for name, files in contents.items()}
    names = small_projects(root, DEPENDENCIES)
    with serving(root) as remote, places(bench.folder) as found:
        kind, place = found[0]
        trees = {name: Wanted(f"{remote.url}/{name}.git", commits[name], "greeting.py", place) for name in commits}
        large = Wanted(trees["blob"].url, commits["blob"], BLOB, place)
        limit = (Goal(64, NOTHING, ABOVE, number="S11"),)
        size = f"a blob of {blob // MIB} MiB"
        listed = place / "requirements.txt"
        pins = (f"{name} @ git+{remote.url}/{name}.git@{resolve(root / f'{name}.git')}\n" for name in names)
        listed.write_text("".join(pins))
        subjects = [
            ours(bench, trees["one"], NOTHING),
            ours(bench, trees["files"], f"{OURS}, {FILES:,} files", limit),
            git_clone(bench, trees["files"], f"{GIT}, {FILES:,} files", "--depth", "1"),
            ours(bench, large, f"{OURS}, {size}", limit),
            git_clone(bench, large, f"{GIT}, {size}", "--depth", "1"),
            _many(bench, listed, place, limit),
            *_clones(bench, trees, whole // MIB, place),
        ]
        bench.compare(subjects, base=NOTHING, most=MOST, title=f"Written to {kind}")


def _many(bench: Bench, listed: Path, place: Path, goals: tuple[Goal, ...]) -> Subject:
    out, cache = place / "many", place / "many-cache"
    words = [bench.installation.program("git-helper"), "download", "-r", str(listed), "-d", str(out)]
    return Subject(
        f"{OURS}, {DEPENDENCIES} dependencies",
        [*words, "--cache-dir", str(cache), "--no-input"],
        bench.environ("ours", TMPDIR=str(place)),
        expects=b"greeting000-",
        goals=goals,
        counted=False,
        fresh=(out, cache),
    )


def _clones(bench: Bench, trees: dict[str, Wanted], size: int, place: Path) -> list[Subject]:
    def subject(name: str, words: list[str], tree: str, goals: tuple[Goal, ...] = ()) -> Subject:
        out = place / f"clone{abs(hash(name))}"
        command, environ = [*words, trees[tree].url, str(out)], bench.environ("clones", TMPDIR=str(place))
        return Subject(name, command, environ, goals=goals, counted=False, fresh=(out,), makes=out / "greeting.py")

    clone = [bench.installation.program("git-helper"), "clone", "--no-input"]
    return [
        subject(CLONE_NOTHING, clone, "one"),
        subject(f"git-helper clone, {size} MiB", clone, "whole", (Goal(250, CLONE_NOTHING, ABOVE, number="S11"),)),
        subject(f"git clone, {size} MiB", [program("git"), "clone", "--quiet"], "whole"),
    ]
