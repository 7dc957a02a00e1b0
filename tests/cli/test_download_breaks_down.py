"""Whatever breaks, and whenever, the destination is whole or absent, nothing is left behind, and the next run works."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from git_helper.git.pack_reader import MANY
from git_helper.git.stored_tree import StoredTree
from tests.commands import cache_of, download, run
from tests.git.packs import checked_out, snapshot
from tests.servers.git_http import Fault, GitHttpServer
from tests.servers.http_message import Request, Response
from tests.servers.repositories import make_repository, random_files
from tests.servers.repositories import resolve as commit_of
from tests.support import BIN, needs

KILLS = 24


def nothing_below(*folders: Path) -> bool:
    """Whether no file is there, hidden ones included; empty cache folders do not count."""
    return not [path for folder in folders for path in folder.rglob("*") if not path.is_dir()]


class Spoiler(GitHttpServer):
    """Changes one byte of the pack."""

    place = 100

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        if not isinstance(response.body, bytes | str):
            with closing(response.body) as blocks:  # type: ignore[type-var]
                body = bytearray(b"".join(blocks))
            body[self.place + (body.index(b"PACK") if self.place >= 0 else 0)] ^= 0x10
            return Response(response.status, response.headers, bytes(body))
        return response


def test_a_corrupt_answer_at_many_places(root: Path, home: Path, tmp_path: Path) -> None:
    commit = commit_of(root / "demo.git")
    with Spoiler(root) as server:
        for place in (2, 6, 10, 13, 60, 400, -12):
            server.place = place
            done = run("download", "-d", tmp_path / "out", f"git+{server.url}/demo.git@{commit}")
            assert done.returncode in (1, 4, 5), (place, done.stderr)
            assert done.stdout == b""
            assert nothing_below(cache_of(home))
            assert not (tmp_path / "out").exists()


def test_a_connection_that_is_cut_at_many_places(
    server: GitHttpServer, noise: Path, home: Path, tmp_path: Path
) -> None:
    requirement = f"git+{server.url}/noise.git@{commit_of(noise)}"
    for number, place in enumerate((0, 50, 400_000, 1_490_000)):
        server.faults = [Fault(drop_after=place, reset=number % 2 == 1)]
        done = run("download", "-d", tmp_path / "out", requirement)
        assert done.returncode == 5, (place, done.stderr)
        assert nothing_below(cache_of(home))
        assert not (tmp_path / "out").exists()
    server.faults = []
    (path,) = download(requirement, into=tmp_path / "out")
    assert snapshot(path) == checked_out(noise, "main", tmp_path / "by-git")


@pytest.mark.parametrize("place", [0, 60, 300_000])
def test_a_server_that_falls_silent(server: GitHttpServer, noise: Path, home: Path, tmp_path: Path, place: int) -> None:
    server.faults = [Fault(stall_after=place)]
    start = time.monotonic()
    requirement = f"git+{server.url}/noise.git@{commit_of(noise)}"
    done = run("download", "--timeout", "1", "-d", tmp_path / "out", requirement)
    assert time.monotonic() - start < 20
    assert done.returncode == 5
    assert b"1 second" in done.stderr
    assert b"--timeout" in done.stderr
    assert nothing_below(cache_of(home))
    assert not (tmp_path / "out").exists()


def test_a_full_disk(server: GitHttpServer, noise: Path, home: Path, tmp_path: Path) -> None:
    make_repository(server.root / "big.git", 2, random_files(1, 3_000_000))

    def download_limited(name: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [BIN / "git-helper", "download", "-d", tmp_path / "out", f"git+{server.url}/{name}.git"],
            capture_output=True,
            check=False,
            timeout=60,
            # SIGXFSZ is ignored by Python, so that write(2) fails.
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
        )

    done = download_limited("big")
    assert done.returncode == 1
    assert b"file too large" in done.stderr
    assert b"Traceback" not in done.stderr
    assert nothing_below(cache_of(home), tmp_path / "out")
    (path,) = download(f"git+{server.url}/big.git", into=tmp_path / "out")
    assert snapshot(path) == checked_out(server.root / "big.git", "main", tmp_path / "by-git")


def test_no_space_left(server: GitHttpServer, noise: Path, home: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        [needs("mount"), "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount")
    try:
        requirement = f"git+{server.url}/noise.git"
        for folder, cache in ((small, tmp_path), (tmp_path, small)):
            done = run("download", "-d", folder / "out", "--cache-dir", cache / "cache", requirement)
            assert done.returncode == 1
            assert b"no space left on device" in done.stderr
            assert nothing_below(small, tmp_path / "out")
    finally:
        subprocess.run([needs("umount"), small], check=True)


def started(words: Sequence[str | Path]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [BIN / "git-helper", "download", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_the_server_is_silent(
    server: GitHttpServer, noise: Path, home: Path, tmp_path: Path, number: signal.Signals, many: bool
) -> None:
    server.faults = [Fault(stall_after=150_000)]
    if many:  # objects, so that there is a second process
        content = {str(number): random.Random(number).randbytes(90) for number in range(MANY)}
        noise = make_repository(server.root / "many.git", 2, content)
    with started(["-d", tmp_path / "out/deep", f"git+{server.url}/{noise.name}@{commit_of(noise)}"]) as process:
        server.wait_for(lambda requests: bool(requests) and requests[-1].sent >= 150_000, 30)
        os.kill(process.pid, number)
        start = time.monotonic()
        said = process.communicate(timeout=20)[1]
    assert time.monotonic() - start < 10
    assert process.returncode == (130 if number == signal.SIGINT else 128 + number)
    assert b"Traceback" not in said
    assert nothing_below(cache_of(home), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_kills_at_random_moments(server: GitHttpServer, noise: Path, home: Path, tmp_path: Path) -> None:
    """Eight rounds of three processes at once: they are killed, and so may be those that clean up behind them."""
    moments = random.Random(4)
    words = [f"git+{server.url}/noise.git@{commit_of(noise)}", f"git+{server.url}/demo.git"]
    expected = {
        name: checked_out(server.root / f"{name}.git", "main", tmp_path / f"git-{name}") for name in ("noise", "demo")
    }
    for turn in range(KILLS // 3):
        server.faults = [Fault("/noise.git", stall_after=moments.randrange(1_400_000), stall=0.3)]
        processes = [started(["-d", tmp_path / f"out{number}", *words]) for number in range(3)]
        time.sleep(moments.uniform(0.4, 1.6))
        for number, process in enumerate(processes):
            process.send_signal(signal.SIGTERM if (turn + number) % 3 == 0 else signal.SIGKILL)
            process.communicate(timeout=20)
        for place in cache_of(home).glob("git-v1/*/[!.]*.tree"):
            written = tmp_path / f"stored{turn}" / place.name
            written.mkdir(parents=True)
            with StoredTree(str(place)) as stored:
                stored.write(str(written))
        for path in [*tmp_path.glob("out*/*"), *tmp_path.glob("stored*/*")]:
            if not path.name.startswith("."):
                name = "noise" if (path / "data").exists() else "demo"
                assert snapshot(path) == expected[name], "half a tree is visible"
    server.faults = []
    for number in range(3):
        paths = download(*words, into=tmp_path / f"out{number}")
        assert [snapshot(path) for path in paths] == list(expected.values())
        assert sorted(os.listdir(tmp_path / f"out{number}")) == sorted(path.name for path in paths)
    left = [path.name for path in cache_of(home).rglob(".*") if ".tmp-" in path.name or ".lock" in path.name]
    assert left == []
