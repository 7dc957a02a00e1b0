"""`resolve`: one reference over HTTPS

The repository has 1,000 references of pull requests, which are no business of who asks for a branch. The long way is one
of 40 ms, there and back, through a relay.
"""

from __future__ import annotations

from pathlib import Path

from scripts.benchmarks._fetchers import program
from scripts.benchmarks._harness import Bench, Runner
from scripts.benchmarks._remote import Remote, serving
from scripts.benchmarks._subject import TIME, Goal, Subject
from tests.servers.isolated import environment, git
from tests.servers.repositories import make_repository, resolve

OURS, GIT = "git-helper resolve", "git ls-remote"
FAR = ", 40 ms"
PULLS = 1_000
MOST = 15
_DULWICH = "import sys; from dulwich import porcelain; print(dict(porcelain.ls_remote(sys.argv[1]).refs))"


def measure(bench: Bench) -> None:
    """Requests and bytes as the server counts them, then the times in one table."""
    root = bench.folder / "repositories"
    path = make_repository(root / "demo.git")
    commit = resolve(path, "main")
    lines = "".join(f"create refs/pull/{number}/head {commit}\n" for number in range(PULLS))
    git("-C", path, "update-ref", "--stdin", env=environment(path), stdin=lines.encode())
    git("-C", path, "pack-refs", "--all", env=environment(path))
    authority = bench.folder / "authority.pem"
    with serving(root, authority=authority, round_trip=0.04) as remote:
        near = _subjects(bench, remote.url, commit.encode(), authority)
        assert remote.far is not None
        far = _subjects(bench, remote.far, commit.encode(), authority, FAR)
        for subject in near[:2]:
            _count(bench, remote, subject)
        bench.compare([*near, *far], base=f"{GIT}{FAR}", most=MOST)


def _subjects(bench: Bench, url: str, commit: bytes, authority: Path, suffix: str = "") -> list[Subject]:
    url = f"{url}/demo.git"
    environ = bench.environ("all", SSL_CERT_FILE=str(authority), GIT_SSL_CAINFO=str(authority))
    python = bench.installation.program("python")
    ours = [bench.installation.program("git-helper"), "resolve", f"demo @ git+{url}@main", "--no-input"]
    goals = (Goal(0.75, f"{GIT}{FAR}", TIME, (OURS, GIT), 1.0, "S4"),) if suffix else ()
    words = {
        f"{OURS}{suffix}": ours,
        f"{GIT}{suffix}": [program("git"), "ls-remote", url, "refs/heads/main"],
    }
    subjects = [
        Subject(name, command, environ, b"", commit, goals if name.startswith(OURS) else (), counted=False)
        for name, command in words.items()
    ]
    if not suffix:
        name = "dulwich.porcelain.ls_remote"
        subjects.append(Subject(name, [python, "-c", _DULWICH, url], environ, b"", commit, counted=False))
    return subjects


def _count(bench: Bench, remote: Remote, subject: Subject) -> None:
    remote.seen()
    Runner(bench.folder).prove(subject)
    seen = remote.seen()
    figures = f"{subject.name}: {seen.requests} request(s), {seen.received} bytes there, {seen.sent:,} bytes back"
    if subject.name == OURS:
        bench.check(f"{figures} (goal: 1 request, 1,024 bytes)", seen.requests == 1 and seen.sent <= 1024, "S4")
    else:
        bench.note(figures)
