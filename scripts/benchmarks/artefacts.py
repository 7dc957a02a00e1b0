"""`download` of files from a package registry

One private index, nothing cached; the far way is one of 20 ms, there and back, through a relay. uv has no download: its
nearest is `uv pip install --target`, which unpacks the wheels, too. pip fetches one file after the other.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from scripts.benchmarks._harness import Bench, BrokenSubjectError, Runner
from scripts.benchmarks._index_serving import PASSWORD, USER, IndexRemote, name, serving_index
from scripts.benchmarks._remote import places
from scripts.benchmarks._subject import Goal, Subject

FILES, SIZE = 50, 1_000_000
FEW = 20
ROUND_TRIP = 0.02
OURS, UV, PIP = "git-helper download", "uv pip install --target", "pip download"
MOST = 10


def measure(bench: Bench) -> None:
    """Requests as the server counts them, then wall time, on each kind of disk."""
    size = SIZE // 10 if bench.quick else SIZE
    with serving_index(FILES, size, 0, ROUND_TRIP) as remote, places(bench.folder) as found:
        _requests(bench, remote)
        for kind, place in found:
            bench.note(f"{FILES} files of {size:,} bytes over {ROUND_TRIP * 1000:g} ms, written to {kind}:")
            subjects = _subjects(bench, remote.far, place, FILES)
            bench.compare(subjects, base=OURS, most=MOST)


def _requests(bench: Bench, remote: IndexRemote) -> None:
    """All of them, pages and files, for 20 projects."""
    found: dict[str, tuple[int, int]] = {}
    for subject in _subjects(bench, remote.url, bench.folder, FEW):
        remote.seen()
        try:
            Runner(bench.folder).prove(subject)
        except BrokenSubjectError as error:
            bench.skip(subject.name, str(error))
            continue
        seen = remote.seen()
        found[subject.name] = len(seen), sum(one.status == 401 for one in seen)
    figures = "; ".join(
        f"{one}: {asked} requests, {refused} of them refused" for one, (asked, refused) in found.items()
    )
    ours = found.pop(OURS)
    met = all(ours[0] <= asked and ours[1] <= refused for asked, refused in found.values())
    bench.check(f"Pages and files of {FEW} projects: {figures} (goal: not more)", met)


def _subjects(bench: Bench, url: str, place: Path, count: int) -> list[Subject]:
    """Each with a folder and a cache of its own below `place`."""
    host = url.removeprefix("http://")
    listed = bench.folder / f"{count}.txt"
    listed.write_text("".join(f"{name(number)}==1.0\n" for number in range(count)))
    words = ["--index-url", f"http://{USER}:{PASSWORD}@{host}/simple/", "-r", str(listed)]
    last = name(count - 1)
    return [_ours(bench, place, words, last), *_uv(bench, place, words, last), _pip(bench, place, words, last)]


def _ours(bench: Bench, place: Path, words: Sequence[str], last: str) -> Subject:
    out, cache = place / "ours-out", place / "ours-cache"
    command = [bench.installation.program("git-helper"), "download", *words, "-d", str(out), "--cache-dir", str(cache)]
    goals = (Goal(1.0, UV), Goal(0.5, PIP))
    makes = out / f"{last}-1.0-py3-none-any.whl"
    return _subject(bench, OURS, [*command, "--no-input"], goals, (out, cache), makes)


def _uv(bench: Bench, place: Path, words: Sequence[str], last: str) -> list[Subject]:
    uv = shutil.which("uv")
    if uv is None:
        bench.skip("uv", "not installed")
        return []
    out, cache = place / "uv-out", place / "uv-cache"
    command = [uv, "pip", "install", "--quiet", "--no-config", "--no-deps", *words, "--target", str(out)]
    command += ["--python", bench.installation.program("python"), "--cache-dir", str(cache)]
    return [_subject(bench, UV, command, (), (out, cache), out / f"{last}.py")]


def _pip(bench: Bench, place: Path, words: Sequence[str], last: str) -> Subject:
    out = place / "pip-out"
    command = [
        bench.installation.program("python"),
        "-m",
        "pip",
        "download",
        "-qq",
        "--no-deps",
        "--no-cache-dir",
        *words,
    ]
    command += ["--disable-pip-version-check", "--no-input", "-d", str(out)]
    return _subject(bench, PIP, command, (), (out,), out / f"{last}-1.0-py3-none-any.whl")


def _subject(
    bench: Bench, title: str, command: list[str], goals: tuple[Goal, ...], fresh: tuple[Path, ...], makes: Path
) -> Subject:
    environ = bench.environ(
        title.partition(" ")[0],
        NETRC=str(bench.folder / "netrc"),
        PIP_CONFIG_FILE=os.devnull,
        TMPDIR=str(makes.parent.parent),
    )
    return Subject(title, command, environ, counted=False, goals=goals, fresh=fresh, makes=makes)
