"""What can go wrong on purpose, and that nothing of a server is left behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.servers.git_http import Fault, GitHttpServer, Realm
from tests.servers.isolated import git
from tests.servers.repositories import make_repository, random_files
from tests.support import ROOT

REPOSITORY = "team/demo.git"


def clone(server: GitHttpServer, target: Path, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return git("clone", "--quiet", server.url_for(REPOSITORY, "alice", "secret"), target, env=env, check=False)


@pytest.mark.parametrize("status", [500, 503])
def test_a_status_instead_of_an_answer(root: Path, tmp_path: Path, env: dict[str, str], status: int) -> None:
    with GitHttpServer(root, faults=[Fault(status=status, times=1)]) as server:
        assert str(status).encode() in clone(server, tmp_path / "c", env).stderr
        assert clone(server, tmp_path / "c", env).returncode == 0
        assert [request.status for request in server.requests][:2] == [status, 200]


def test_a_fault_for_those_who_are_in(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    fault = Fault(status=500, authenticated=True)
    with GitHttpServer(root, realms=[Realm("/", [("alice", "secret")])], faults=[fault]) as server:
        clone(server, tmp_path / "c", env)
        assert server.exchanges == [(None, 401), ("alice:secret", 500)]


def test_a_wrong_content_type(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    fault = Fault(suffix="/info/refs", content_type="text/html")
    with GitHttpServer(root, faults=[fault]) as server:
        done = clone(server, tmp_path / "c", env)
        assert done.returncode == 128
        assert b"text/html" in done.stderr or b"not valid" in done.stderr


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("count", [0, 100_000])
def test_the_connection_is_cut(tmp_path: Path, env: dict[str, str], count: int, reset: bool) -> None:
    make_repository(tmp_path / "root" / REPOSITORY, files=random_files(10, 40_000))
    fault = Fault(suffix="/git-upload-pack", drop_after=count, reset=reset, times=2)
    with GitHttpServer(tmp_path / "root", faults=[fault], protocol_v2=False) as server:
        assert clone(server, tmp_path / "c", env).returncode == 128
        assert server.requests[-1].sent == count
        assert not (tmp_path / "c").exists()


def test_an_answer_waits_until_it_is_released(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    fault = Fault(suffix="/git-upload-pack", stall_after=10)
    with GitHttpServer(root, faults=[fault]) as server:
        done: list[int] = []
        thread = threading.Thread(target=lambda: done.append(clone(server, tmp_path / "c", env).returncode))
        thread.start()
        server.wait_for(lambda requests: bool(requests) and requests[-1].sent >= 10 and requests[-1].method == "POST")
        assert done == []
        server.release()
        thread.join(20)
        assert done == [0]


def test_an_answer_waits_for_a_while(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, faults=[Fault(suffix="/info/refs", stall_after=0, stall=0.3)]) as server:
        start = time.monotonic()
        assert clone(server, tmp_path / "c", env).returncode == 0
        assert time.monotonic() - start >= 0.3


LEAKS = """
import os, socket, sys, tempfile, threading
from pathlib import Path
from tests.servers.git_http import Fault, GitHttpServer
from tests.servers.isolated import environment, git
from tests.servers.repositories import make_repository, random_files, resolve

def handles():
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []

with tempfile.TemporaryDirectory() as folder:
    root = Path(folder)
    make_repository(root / "big.git", files=random_files(40, 100_000))
    request = f"0032want {resolve(root / 'big.git')}\\n00000009done\\n".encode()
    before = handles()
    with GitHttpServer(root, faults=[Fault(prefix="/stalled", stall_after=0)]) as server:
        # Three clients: one still connected, one that reads nothing of a big pack, one that leaves.
        idle, deaf, gone = (socket.create_connection((server.host, server.port)) for _ in range(3))
        head = b"POST /big.git/git-upload-pack HTTP/1.1\\r\\nContent-Type: application/x-git-upload-pack-request\\r\\n"
        for client in (deaf, gone):
            client.sendall(head + b"Content-Length: %d\\r\\n\\r\\n" % len(request) + request)
        gone.recv(1000)
        gone.close()
        server.wait_for(lambda requests: len(requests) == 2 and all(request.sent for request in requests))
        idle.sendall(b"GET /stalled HTTP/1.1\\r\\n\\r\\n")
        server.wait_for(lambda requests: len(requests) == 3)
    idle.close()
    deaf.close()
    assert threading.active_count() == 1, threading.enumerate()
    assert handles() == before, (before, handles())
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        print("nothing left")
"""


def test_nothing_is_left_behind(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", LEAKS],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"nothing left\n", b"")
