"""`download` of many small dependencies

The requirements are pins or branches; the cache is empty (cold) or has every commit (warm). `uv pip compile` prints pins
like `resolve`, and with a warm cache writes nothing; `uv pip install --target` puts what `download` would into a folder.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.benchmarks._fetchers import program, uv_compile
from scripts.benchmarks._harness import Bench
from scripts.benchmarks._materials import small_projects
from scripts.benchmarks._remote import places, serving
from scripts.benchmarks._subject import Goal, Subject
from tests.servers.repositories import resolve

MOST = 5
COUNT, QUICK = 100, 20
KINDS = {"warm, pins": ("v", 0.5), "warm, branches": ("b", 0.4), "cold": ("v", 0.2)}
XARGS = "xargs -P4 git clone --depth 1"
INSTALL = "uv pip install --target, warm, pins"


def measure(bench: Bench) -> None:
    """All in one table."""
    root = bench.folder / "repositories"
    names = small_projects(root, QUICK if bench.quick else COUNT)
    with serving(root) as remote, places(bench.folder) as found:
        kind, place = found[0]
        bench.note(f"{len(names)} dependencies, written to {kind}:")
        pins = [f"{name} @ git+{remote.url}/{name}.git@{resolve(root / f'{name}.git')}" for name in names]
        branches = [f"{name} @ git+{remote.url}/{name}.git@main" for name in names]
        subjects = []
        for title, (letter, limit) in KINDS.items():
            stdin = "\n".join(pins if letter == "v" else branches).encode() + b"\n"
            subjects += _pair(bench, place / title.replace(", ", "-"), title, stdin, limit)
        subjects += _resolve(bench, place / "resolve", pins)
        subjects += _install(bench, place, place / "warm-pins")
        out = place / "xargs"
        lines = "".join(f"{remote.url}/{name}.git {out / name}\n" for name in names).encode()
        words = [program("xargs"), "-P4", "-L1", "git", "clone", "--quiet", "--depth", "1"]
        environ = bench.environ("git", TMPDIR=str(place))
        last = out / names[-1] / "backend.py"
        subjects.append(Subject(XARGS, words, environ, lines, counted=False, fresh=(out,), makes=last))
        bench.compare(subjects, base=XARGS, most=MOST)


def _pair(bench: Bench, folder: Path, title: str, stdin: bytes, limit: float) -> list[Subject]:
    """Ours and uv."""
    folder.mkdir()
    listed = folder / "requirements.txt"
    listed.write_bytes(stdin)
    out, cache, theirs = folder / "out", folder / "cache", folder / "uv-cache"
    words = [bench.installation.program("git-helper"), "download", "-r", str(listed), "-d", str(out)]
    others = {"cold": (Goal(0.6, XARGS, number="S7"),), "warm, pins": (Goal(limit, INSTALL, number="S7"),)}
    goals = (Goal(limit, f"uv pip compile, {title}", number="S7"), *others.get(title, ()))
    cold = title == "cold"
    subjects = [
        Subject(
            f"git-helper download, {title}",
            [*words, "--cache-dir", str(cache), "--no-input"],
            bench.environ("ours", TMPDIR=str(folder)),
            expects=b"greeting000-",
            goals=goals,
            counted=False,
            fresh=(out, cache) if cold else (out,),
        )
    ]
    uv = uv_compile(bench, theirs)
    if uv is not None:
        environ = bench.environ("uv", TMPDIR=str(folder))
        fresh = (theirs,) if cold else ()
        name = f"uv pip compile, {title}"
        subjects.append(Subject(name, uv, environ, stdin, b"greeting000 @", counted=False, fresh=fresh))
    return subjects


def _resolve(bench: Bench, folder: Path, pins: list[str]) -> list[Subject]:
    """What `uv pip compile` does with pins."""
    folder.mkdir()
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(pins) + "\n")
    words = [bench.installation.program("git-helper"), "resolve", "-r", str(listed), "--no-input"]
    environ = bench.environ("ours", TMPDIR=str(folder))
    goals = (Goal(0.5, "uv pip compile, warm, pins", number="S7"),)
    return [Subject("git-helper resolve, pins", words, environ, b"", b"greeting000 @", goals, counted=False)]


def _install(bench: Bench, place: Path, listed: Path) -> list[Subject]:
    """uv again, from its cache into a folder."""
    uv = shutil.which("uv")
    if uv is None:
        return []
    out, cache = place / "uv-target", place / "uv-target-cache"
    python = bench.installation.program("python")
    words = [uv, "pip", "install", "--quiet", "--no-config", "--no-deps", "--python", python, "--cache-dir", str(cache)]
    command = [*words, "--target", str(out), "-r", str(listed / "requirements.txt")]
    environ = bench.environ("uv", TMPDIR=str(place))
    return [Subject(INSTALL, command, environ, counted=False, fresh=(out,), makes=out / "greeting000.py")]
