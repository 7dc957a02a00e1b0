"""A second interpreter of ours: what it sees, what goes in and out, and that it never stays behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from git_helper.git import pack_worker
from git_helper.system.second_process import SecondProcess, command
from tests.support import ROOT
from tests.system.test_process import is_alive

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="there is no posix_spawn here")


@contextlib.contextmanager
def python(code: str) -> Iterator[SecondProcess]:
    process = SecondProcess([sys.executable, "-I", "-S", "-c", code])
    try:
        yield process
    finally:
        process.close()


def everything(process: SecondProcess, data: bytes = b"") -> bytes:
    """All that it says to `data`."""
    rest, said = memoryview(data), b""
    while rest:
        taken, piece = process.talk(rest)
        rest, said = rest[taken:], said + (piece or b"")
        if piece == b"":
            return said
    while piece := process.hear():
        said += piece
    return said


def test_more_than_the_pipes_hold_goes_both_ways_at_once() -> None:
    data = os.urandom(9 << 20)
    with python(
        "import os\nwhile data := os.read(0, 70_000):\n while data: data = data[os.write(1, data):]"
    ) as process:
        assert everything(process, data) == data


def test_it_sees_no_environment_no_terminal_and_no_group_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_HELPER_TOKEN_GOOD", "s3cret")
    code = "import os\nprint(sorted(set(os.environ) - {'LC_CTYPE'}), os.getpgid(0) == os.getpid(), os.isatty(2))"
    with python(code) as process:
        assert everything(process) == b"[] True False\n"


def test_none_of_our_descriptors_is_open_in_it() -> None:
    read, write = os.pipe()
    with python(
        f"import os\nfor number in ({read}, {write}):\n  try: os.fstat(number); print('open')\n  except OSError: pass"
    ) as process:
        assert everything(process) == b""
    os.close(read)
    os.close(write)


def test_words_that_cannot_run_are_an_error_and_leave_nothing_open() -> None:
    before = os.listdir("/proc/self/fd") if sys.platform == "linux" else []
    with pytest.raises(OSError, match="No such file"):
        SecondProcess(["/nonexistent/python"])
    assert (os.listdir("/proc/self/fd") if sys.platform == "linux" else []) == before


def test_one_that_reads_no_more_is_heard_to_the_end() -> None:
    with python("import os\nos.write(1, b'enough'); os.close(0)") as process:
        assert everything(process, bytes(8 << 20)) == b"enough"


def test_close_ends_it_whatever_it_is_doing() -> None:
    with python("import os, time\nos.write(1, b'%d' % os.getpid())\ntime.sleep(600)") as process:
        said = None
        while said is None:
            _, said = process.talk(memoryview(b""))
        pid = int(said)
        assert is_alive(pid)
    assert not is_alive(pid)


def test_it_ends_when_we_are_killed() -> None:
    code = (
        "import time\nfrom git_helper.system.second_process import SecondProcess, command\n"
        f"process = SecondProcess(command({pack_worker.__name__!r}))\nprint(process._pid, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_its_words_name_our_modules_and_nothing_else() -> None:
    words = command("git_helper.git.pack_worker")
    assert words[:3] == [sys.executable, "-I", "-S"]
    assert all(os.path.isabs(word) for word in words[words.index("git_helper.git.pack_worker") + 1 :])
