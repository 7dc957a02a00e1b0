"""The front hall: which door a command line takes, and that nothing leaves it but words and an exit code."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from git_helper.__main__ import main, operation_of
from tests.support import BIN, run_helper

HELPER = "/usr/bin/git-credential-git-helper"
PROGRAM = "/usr/bin/git-helper"


@pytest.mark.parametrize(
    ("program", "words", "operation"),
    [
        *((program, [word], word) for program in (HELPER, PROGRAM) for word in ("get", "store", "erase", "capability")),
        (HELPER, ["--store", "file", "get"], "get"),
        (PROGRAM, ["--store", "file", "get"], "get"),
        (PROGRAM, ["--no-input", "get"], "get"),
        (HELPER, ["frobnicate"], "frobnicate"),
        (HELPER, ["--store", "file", "frobnicate"], "frobnicate"),
        (HELPER, ["login"], "login"),
        (PROGRAM, ["frobnicate"], None),
        (PROGRAM, ["login", "get"], None),
        (PROGRAM, ["login", "--with-token", "get"], None),
        (PROGRAM, ["get", "--help"], None),
        (HELPER, ["get", "--help"], None),
        (HELPER, ["--version"], None),
        (HELPER, [], None),
        (PROGRAM, [], None),
    ],
)
def test_which_door(program: str, words: list[str], operation: str | None) -> None:
    assert operation_of(program, words) == operation


def entered(words: list[str], stdin: bytes = b"", program: str = HELPER) -> tuple[int, bytes, str]:
    stdout, stderr = io.BytesIO(), io.StringIO()
    return main(program, words, io.BytesIO(stdin), stdout, stderr), stdout.getvalue(), stderr.getvalue()


def test_a_whole_conversation_on_given_streams(home: Path) -> None:
    ask = b"protocol=https\nhost=good.example\n"
    assert entered(["--store", "file", "store"], ask + b"username=a\npassword=p\n") == (0, b"", "")
    assert entered(["get"], ask) == (0, b"username=a\npassword=p\n", "")
    assert entered(["erase"], ask) == (0, b"", "")
    assert entered(["get"], ask) == (0, b"", "")


@pytest.mark.parametrize("words", [["frobnicate"], ["--store", "file", "frobnicate"], ["login"], ["GET"], [""]])
def test_unknown_operations_are_ignored_in_silence(words: list[str]) -> None:
    assert entered(words, b"protocol=https\nhost=good.example\n\n") == (0, b"", "")


@pytest.mark.parametrize(
    "words", [["--store", "nowhere", "get"], ["--no-such", "get"], ["get", "get"], ["--store", "get"]]
)
def test_a_wrong_option_in_the_configuration_is_said(words: list[str]) -> None:
    code, stdout, stderr = entered(words)
    assert (code, stdout) == (2, b"")
    assert stderr.startswith("git-helper: error: ")


def test_who_is_run_by_another_helper_of_ours_is_silent() -> None:
    request = b"protocol=https\nhost=good.example\n"
    token = {"GIT_HELPER_TOKEN_GOOD_EXAMPLE": "t"}
    assert run_helper("get", stdin=request, env=token).stdout == b"username=git\npassword=t\n"
    done = run_helper("get", stdin=request, env={**token, "GIT_HELPER_CHAIN": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


class Closed(io.RawIOBase):
    """A pipe whose reader has gone."""

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        raise BrokenPipeError


class Cut(io.BytesIO):
    """A stream on which a person pressed Ctrl-C."""

    def readline(self, size: int | None = -1, /) -> bytes:
        raise KeyboardInterrupt


class Failing(io.BytesIO):
    """A stream that fails with something that should not happen."""

    def readline(self, size: int | None = -1, /) -> bytes:
        raise ZeroDivisionError("canary")


def test_a_reader_who_left_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_HELPER_TOKEN_GOOD_EXAMPLE", "t")
    stderr = io.StringIO()
    request = io.BytesIO(b"protocol=https\nhost=good.example\n")
    assert main(HELPER, ["get"], request, io.BufferedWriter(Closed(), 1), stderr) == 0
    assert stderr.getvalue() == ""


def test_ctrl_c_ends_in_silence() -> None:
    stderr = io.StringIO()
    assert main(HELPER, ["get"], Cut(), io.BytesIO(), stderr) == 130
    assert stderr.getvalue() == ""


def test_a_bug_is_one_line_and_a_file_without_values(home: Path) -> None:
    stderr = io.StringIO()
    assert main(HELPER, ["get"], Failing(), io.BytesIO(), stderr) == 1
    (report,) = (home / ".local/share/git-helper").glob("bug-*.txt")
    assert "ZeroDivisionError" in report.read_text()
    assert str(report) in stderr.getvalue()
    assert "canary" not in report.read_text() + stderr.getvalue()
    assert "Traceback" not in stderr.getvalue()


@pytest.mark.parametrize("name", ["git-credential-git-helper", "git-helper"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_closed_are_empty_ones(name: str, closed: str) -> None:
    """`sh` closes the streams; Python would have none at all."""
    done = subprocess.run(
        ["sh", "-c", f'"$0" get {closed}', str(BIN / name)], input=b"", capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_pipe_that_nobody_reads_makes_no_noise() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [BIN / "git-credential-git-helper", "get"],
            input=b"protocol=https\nhost=good.example\n",
            env={**os.environ, "GIT_HELPER_TOKEN_GOOD_EXAMPLE": "t"},
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("operation", ["get", "capability"])
def test_an_operation_has_a_help_page(operation: str) -> None:
    done = run_helper(operation, "--help", name="git-helper")
    assert done.returncode == 0
    assert f"git-helper {operation}".encode() in done.stdout
    assert done.stderr == b""


def test_without_words_there_is_help() -> None:
    for name in ("git-helper", "git-credential-git-helper"):
        done = run_helper(name=name)
        assert done.returncode == 0
        assert b"login" in done.stdout


@pytest.mark.parametrize("words", [["frobnicate"], ["get", "more"], ["login"], ["--no-such"], ["list", "--no-such"]])
def test_what_is_no_command_is_one_line_and_exit_code_2(words: list[str]) -> None:
    done = run_helper(*words, name="git-helper")
    assert done.returncode == 2
    assert done.stderr.startswith(b"git-helper: error: ")
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


def test_git_finds_us_by_both_names() -> None:
    path = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    for words in (["helper", "--version"], ["credential-git-helper", "capability"]):
        done = subprocess.run(["git", *words], env={**os.environ, **path}, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith((b"git-helper ", b"version 0\n"))


_LEAVING = """
import atexit, sys, threading, time
import git_helper.__main__ as hall

class Farewell:
    def __del__(self):
        print("the interpreter said farewell")

stays = Farewell()
threading.Thread(target=time.sleep, args=(60,)).start()

def main(*words):
    atexit.register(print, "tidied up")
    print("the answer")
    {end}

hall.main = main
sys.argv = ["git-helper", "parse"]
hall.run()
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [("return 3", 3), ("raise SystemExit(143)", 143), ("raise SystemExit", 0), ("raise SystemExit('why')", 1)],
)
def test_the_process_tidies_up_and_ends_before_libraries_say_farewell(end: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LEAVING.format(end=end)], capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout.split(b"\n")) == (code, [b"the answer", b"tidied up", b""])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["--version"], ["--help"], ["parse", "git+https://h.example/x"]])
def test_an_answer_that_cannot_be_written_is_a_failure(words: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BIN / "git-helper", *words], stdout=full, stderr=subprocess.PIPE, timeout=30, check=False
        )
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"no space left on device" in done.stderr
