"""Programs that put the tree of one commit on disk: ours, git, and installers as far as they can be made only to fetch."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks._harness import Bench
from scripts.benchmarks._subject import Goal, Subject

OURS = "git-helper download"
CACHED = "git-helper download, cached"
GIT = "git clone --depth 1"
FULL = "git clone"
UV = "uv pip compile, cold cache"
PIP = "pip download"
POETRY = "Poetry's Git.clone"
DULWICH = "dulwich.porcelain.clone(depth=1)"
_DULWICH = "import sys; from dulwich import porcelain; porcelain.clone(sys.argv[1], sys.argv[2], depth=1)"
_POETRY = """\
import sys
from pathlib import Path
from poetry.vcs.git import Git
Git.clone(sys.argv[1], name="tree", revision=sys.argv[2], source_root=Path(sys.argv[3]))
"""


@dataclass(frozen=True)
class Wanted:
    """A commit of the repository at `url`, which is a Python project 'greeting', and a file in it; where to write to."""

    url: str
    commit: str
    file: str
    place: Path

    @property
    def requirement(self) -> str:
        """For installers."""
        return f"greeting @ git+{self.url}@{self.commit}"


def ours(bench: Bench, wanted: Wanted, name: str, goals: tuple[Goal, ...] = (), *, cached: bool = False) -> Subject:
    """Our command. cached: from a cache that the first run, which is not timed, has filled."""
    out, cache = _folder(wanted, name), _folder(wanted, f"cache of {name}")
    words = [bench.installation.program("git-helper"), "download", wanted.requirement, "-d", str(out)]
    makes = out / f"greeting-{wanted.commit[:12]}" / wanted.file
    return Subject(
        name,
        [*words, "--cache-dir", str(cache), "--no-input"],
        bench.environ("ours", TMPDIR=str(wanted.place)),
        goals=goals,
        counted=False,
        fresh=(out,) if cached else (out, cache),
        makes=makes,
    )


def git_clone(bench: Bench, wanted: Wanted, name: str, *options: str) -> Subject:
    """git itself; the commit is the last of the default branch."""
    out = _folder(wanted, name)
    words = [program("git"), "clone", "--quiet", *options, wanted.url, str(out)]
    environ = bench.environ("git", TMPDIR=str(wanted.place))
    return Subject(name, words, environ, counted=False, fresh=(out,), makes=out / wanted.file)


def installers(bench: Bench, wanted: Wanted) -> list[Subject]:
    """Those that are installed; the others are noted."""
    return [*_uv(bench, wanted), _pip(bench, wanted), *_poetry(bench, wanted), _dulwich(bench, wanted)]


def program(name: str) -> str:
    """Where it is on PATH. RuntimeError when it is not."""
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"'{name}' is not installed")
    return found


def uv_compile(bench: Bench, cache: Path) -> list[str] | None:
    """uv, reading requirements on stdin: it fetches and checks out, but builds nothing. None, noted, without uv."""
    found = shutil.which("uv")
    if found is None:
        bench.skip("uv", "not installed")
        return None
    python = bench.installation.program("python")
    words = [found, "pip", "compile", "--quiet", "--no-config", "--no-deps", "--no-header", "--no-annotate"]
    return [*words, "--python", python, "--cache-dir", str(cache), "-"]


def _folder(wanted: Wanted, name: str) -> Path:
    """A folder of the subject's own."""
    return wanted.place / "".join(char if char.isalnum() else "-" for char in name)


def _uv(bench: Bench, wanted: Wanted) -> list[Subject]:
    cache = _folder(wanted, UV)
    words = uv_compile(bench, cache)
    if words is None:
        return []
    environ = bench.environ("uv", TMPDIR=str(wanted.place))
    stdin, commit = wanted.requirement.encode(), wanted.commit.encode()
    makes = cache / "git-v*" / "checkouts" / "*" / "*" / wanted.file
    return [Subject(UV, words, environ, stdin, commit, counted=False, fresh=(cache,), makes=makes)]


def _pip(bench: Bench, wanted: Wanted) -> Subject:
    out = _folder(wanted, PIP)
    options = ["-qq", "--no-deps", "--no-build-isolation", "--no-cache-dir", "--disable-pip-version-check"]
    words = [bench.installation.program("python"), "-m", "pip", "download", *options, "-d", str(out)]
    environ = bench.environ("pip", TMPDIR=str(wanted.place), PIP_CONFIG_FILE=os.devnull)
    makes = out / "greeting-1.0.0.zip"
    return Subject(PIP, [*words, wanted.requirement], environ, counted=False, fresh=(out,), makes=makes)


def _poetry(bench: Bench, wanted: Wanted) -> list[Subject]:
    found = shutil.which("poetry")
    if found is None:
        bench.skip("Poetry", "not installed")
        return []
    # The interpreter that its script names is the one that can import it.
    with open(found, "rb") as script:
        first = script.readline()
    python = os.fsdecode(first[2:].strip()) if first.startswith(b"#!/") else ""
    if not os.access(python, os.X_OK):
        bench.skip("Poetry", f"'{found}' does not name its interpreter")
        return []
    out = _folder(wanted, POETRY)
    words = [python, "-c", _POETRY, wanted.url, wanted.commit, str(out)]
    environ = bench.environ("poetry", TMPDIR=str(wanted.place))
    return [Subject(POETRY, words, environ, counted=False, fresh=(out,), makes=out / "tree" / wanted.file)]


def _dulwich(bench: Bench, wanted: Wanted) -> Subject:
    out = _folder(wanted, DULWICH)
    words = [bench.installation.program("python"), "-c", _DULWICH, wanted.url, str(out)]
    environ = bench.environ("dulwich", TMPDIR=str(wanted.place))
    return Subject(DULWICH, words, environ, counted=False, fresh=(out,), makes=out / wanted.file)
