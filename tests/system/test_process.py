"""Children with limits."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from git_helper.errors import StoreError, Timeout
from git_helper.system import process
from tests.support import ROOT

SH = "/bin/sh"
ENVIRON = {"PATH": os.defpath}


def sh(script: str, stdin: bytes = b"", timeout: float = 30, limit: int = process.OUTPUT_LIMIT) -> process.Finished:
    return process.run([SH, "-c", script], stdin, timeout, ENVIRON, limit)


def is_alive(pid: int) -> bool:
    # A killed orphan may wait to be reaped by whoever adopted it: a zombie does not run.
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_bytes_go_in_and_come_out_as_they_are() -> None:
    data = bytes(range(256)) * 1000
    done = sh("cat; echo oops >&2; exit 3", data)
    assert done == process.Finished(3, data, b"oops\n")


def test_more_than_a_pipe_holds_goes_both_ways_at_once() -> None:
    data = b"x" * 900_000
    assert sh("cat", data).stdout == data


def test_a_child_may_ignore_its_input() -> None:
    assert sh("exec <&-; echo done", b"x" * 500_000).stdout == b"done\n"


def test_a_child_gets_only_the_environment_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "1")
    assert sh("echo ${CANARY-unset}").stdout == b"unset\n"


def test_a_child_has_no_terminal_and_a_session_of_its_own() -> None:
    script = "import os; print(os.getsid(0) == os.getpid())\ntry: open('/dev/tty')\nexcept OSError: print('none')"
    assert process.run([sys.executable, "-c", script], b"", 30, ENVIRON).stdout == b"True\nnone\n"


def test_the_folder_can_be_chosen(tmp_path: Path) -> None:
    done = process.run([SH, "-c", "pwd -P"], b"", 30, ENVIRON, folder=str(tmp_path))
    assert done.stdout == os.fsencode(tmp_path.resolve()) + b"\n"


def test_stderr_can_go_to_ours(capfd: pytest.CaptureFixture[str]) -> None:
    done = process.run([SH, "-c", "echo hello >&2"], b"", 30, ENVIRON, pass_stderr=True)
    assert done.stderr == b""
    assert capfd.readouterr().err == "hello\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_after_the_time_limit_the_child_and_its_children_are_gone(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(Timeout, match=r"'sh': no answer in 0\.5 seconds"):
        sh(f"trap '' TERM; (trap '' TERM; sleep 60) & echo $! $$ >{pids}; wait; sleep 60", timeout=0.5)
    assert not any(is_alive(int(pid)) for pid in pids.read_text().split())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_over_the_output_limit_the_child_is_gone(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with pytest.raises(StoreError, match="more than 1000 bytes"):
        sh(f"echo $$ >{pid}; exec yes", limit=1000)
    assert not is_alive(int(pid.read_text()))


def test_exactly_the_limit_is_allowed() -> None:
    assert len(sh("head -c 1000 /dev/zero", limit=1000).stdout) == 1000


def test_of_a_flood_on_stderr_the_beginning_is_kept() -> None:
    done = sh("head -c 300000 /dev/zero >&2; echo ok", limit=1000)
    assert (done.stdout, len(done.stderr)) == (b"ok\n", 1000)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_daemon_that_keeps_the_pipe_open_holds_nobody_up_and_lives_on(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    start = time.monotonic()
    done = sh(f"sleep 20 & echo $! >{pid}; echo answer")
    try:
        assert done == process.Finished(0, b"answer\n", b"")
        assert time.monotonic() - start < 10
        assert is_alive(int(pid.read_text()))
    finally:
        os.kill(int(pid.read_text()), 9)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(StoreError, match="cannot run 'nothing': No such file"):
        process.run(["/nowhere/nothing", "secret-argument"], b"", 1, ENVIRON)


def test_a_nul_in_an_argument_is_a_clean_error() -> None:
    with pytest.raises(StoreError, match="cannot run 'sh'"):
        process.run([SH, "a\0b"], b"", 1, ENVIRON)


def test_a_signal_shows_as_a_negative_code() -> None:
    assert sh("kill -9 $$").code == -9


def test_children_know_none_of_our_secrets() -> None:
    kept = {"PATH": "/bin", "HOME": "/h", "GIT_CONFIG_COUNT": "0"}
    secret = ("GIT_HELPER_TOKEN_X", "GIT_HELPER_INDEX_X_PASSWORD", "UV_INDEX_X_PASSWORD", "GIT_TRACE_CURL")
    assert process.for_children(kept | dict.fromkeys(secret, "c4n4ry")) == kept


def test_no_child_outlives_a_command_whose_threads_are_left_behind(tmp_path: Path) -> None:
    script = (
        "import os, sys, threading, time\n"
        "from git_helper import __main__\n"
        "from git_helper.system import process\n"
        "words = ['/bin/sh', '-c', 'echo $$ > pid; exec sleep 60']\n"
        "threading.Thread(target=process.run, args=(words, b'', 60, os.environ), daemon=True).start()\n"
        "while not os.path.exists('pid') or not os.path.getsize('pid'): time.sleep(0.01)\n"
        "__main__._leave_in_order()\n"
        "os._exit(0)\n"
    )
    environ = {**ENVIRON, "PYTHONPATH": str(ROOT)}
    assert process.run([sys.executable, "-c", script], b"", 30, environ, folder=str(tmp_path)).code == 0
    pid, deadline = int((tmp_path / "pid").read_text()), time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)
