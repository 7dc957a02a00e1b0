"""A person at a terminal resolves and downloads what needs a token, and is asked by us while the progress runs."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import CANARY, configure, leaks, program, run
from tests.pseudo_terminal import CTRL_C, ENTER, PseudoTerminal
from tests.servers.git_http import Fault, GitHttpServer, Realm
from tests.servers.repositories import make_repository
from tests.servers.repositories import resolve as commit_of
from tests.support import BIN, ROOT

screen: Callable[[str], list[str]] = runpy.run_path(str(ROOT / "scripts/_demo_screen.py"))["screen"]
PANEL = "git-helper ─"
KEYS = CANARY.encode() + ENTER
WRONG = b"wrong" + ENTER


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """alice's private repositories a.git to d.git, and open/e.git for everybody."""
    for name in ("a", "b", "c", "d", "open/e"):
        make_repository(tmp_path / f"root/{name}.git", 2, {"name": name})
    with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("alice", CANARY)])], public=["/open"]) as running:
        yield running


class Terminal(PseudoTerminal):
    """Our command on a terminal; stdout is a file."""

    def __init__(self, folder: Path, *words: str | Path, env: dict[str, str] | None = None, **options: Any) -> None:
        self.stdout = folder / "stdout"
        env = {"GIT_HELPER_STORE": "file", **(env or {})}
        super().__init__([BIN / "git-helper", *words], stdout=self.stdout, env=env, cwd=folder, columns=100, **options)

    def expect_question(self, text: str) -> None:
        """Waits for `Token for …: ` or `User name for …: `; all that was drawn of progress is gone by then."""
        self.expect(text.partition(" for ")[0] + " for ")
        self.expect("\x1b[0m: ")
        lines = seen(self)
        assert lines[-1].startswith(text), lines
        assert not [line for line in lines if "objects" in line or "━" in line or line.startswith("resolving")]

    def answer(self, text: str, keys: bytes) -> None:
        self.expect_question(text)
        self.send(keys)


def seen(terminal: PseudoTerminal) -> list[str]:
    """The lines on the screen."""
    return [line for line in screen(terminal.shown.decode()) if line]


def text(terminal: PseudoTerminal) -> str:
    """Everything that was shown, without control codes."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.shown.decode())


def user_url(server: GitHttpServer, name: str = "a") -> str:
    return "git+" + server.url_for(f"{name}.git", "alice")


@pytest.mark.parametrize("words", [("resolve",), ("login", "--no-check")], ids=lambda words: words[0])
@pytest.mark.parametrize(("color", "coloured"), [("never", False), ("always", True)])
def test_the_option_for_colours_counts_more_than_the_variable(
    server: GitHttpServer, tmp_path: Path, words: tuple[str, ...], color: str, coloured: bool
) -> None:
    env = {"TERM": "xterm", **({"NO_COLOR": "1"} if coloured else {})}
    with Terminal(tmp_path, *words, user_url(server), "--color", color, env=env) as terminal:
        terminal.answer("Token for ", KEYS)
        assert terminal.wait() == 0
        assert (re.search(rb"\x1b\[[0-9;]*3[1-8]", terminal.shown) is not None) is coloured


def test_asked_once_accepted_and_remembered(server: GitHttpServer, tmp_path: Path) -> None:
    words = ["download", "-d", "out", user_url(server)]
    with Terminal(tmp_path, *words) as terminal:
        terminal.expect("needs a token")
        terminal.expect_question("Token for alice@127.0.0.1")
        assert not terminal.echoes()
        assert b"resolving" in terminal.shown  # the progress had begun
        assert "git-helper download needs a token" in text(terminal)
        terminal.send(KEYS)
        assert terminal.wait() == 0
        assert terminal.echoes()
        assert b"****" in terminal.shown
        assert not leaks(terminal.shown, CANARY)
        assert text(terminal).count(PANEL) == 1
    commit = commit_of(tmp_path / "root/a.git")
    assert terminal.stdout.read_text() == f"{tmp_path}/out/a-{commit[:12]}\n"
    assert run("resolve", user_url(server, "b"), env={"CI": "1"}).returncode == 0
    # Without a name in the URL too.
    assert run("resolve", f"git+{server.url}/c.git", env={"CI": "1"}).returncode == 0


def test_the_name_is_asked_for_too_where_the_url_has_none(server: GitHttpServer, tmp_path: Path) -> None:
    with Terminal(tmp_path, "resolve", "--format", "json", f"git+{server.url}/a.git") as terminal:
        terminal.answer("User name for 127.0.0.1", b"alice" + ENTER)
        terminal.answer("Token for alice@127.0.0.1", KEYS)
        assert terminal.wait() == 0
    (found,) = json.loads(terminal.stdout.read_text())
    assert found["credential"] == {"source": "person", "username": "alice"}


def test_one_question_for_each_origin(server: GitHttpServer, tmp_path: Path) -> None:
    with GitHttpServer(tmp_path / "root", host="127.0.0.2", realms=server.realms) as other:
        words = [f"git+{one.url}/{name}.git" for name in "abcd" for one in (server, other)]
        with Terminal(tmp_path, "resolve", *words, user_url(server, "open/e")) as terminal:
            for _ in range(2):
                terminal.answer("User name for 127.0.0.", b"alice" + ENTER)
                # The name and its token belong together, whoever else waits to ask.
                terminal.answer("Token for alice@127.0.0.", KEYS)
            assert terminal.wait() == 0
            assert text(terminal).count(PANEL) == 2
    assert len(terminal.stdout.read_text().split("\n")) == 10


def test_refused_once_then_right(server: GitHttpServer, tmp_path: Path) -> None:
    with Terminal(tmp_path, "resolve", user_url(server)) as terminal:
        terminal.answer("Token for alice", WRONG)
        terminal.expect("The server refused that one")
        terminal.answer("Token for alice", KEYS)
        assert terminal.wait() == 0
    assert ("alice:wrong", 401) in server.exchanges
    assert run("resolve", user_url(server), env={"CI": "1"}).returncode == 0


def test_refused_twice_is_refused(server: GitHttpServer, tmp_path: Path) -> None:
    with Terminal(tmp_path, "resolve", user_url(server), user_url(server, "b")) as terminal:
        terminal.answer("Token for alice", WRONG)
        terminal.answer("Token for alice", b"more" + WRONG)
        assert terminal.wait() == 4
        assert b"the server refused every credential for 'alice'" in terminal.shown
        assert text(terminal).count("Token for alice") == 2
        assert text(terminal).count("error:") == 1
    assert terminal.stdout.read_bytes() == b""
    assert run("resolve", user_url(server), env={"CI": "1"}).returncode == 3


@pytest.mark.parametrize("keys", [CTRL_C, b"half" + CTRL_C, ENTER, b"\x04"])
def test_who_cancels_one_question_ends_the_command(server: GitHttpServer, tmp_path: Path, keys: bytes) -> None:
    with GitHttpServer(tmp_path / "root", host="127.0.0.2", realms=server.realms) as other:
        words = [user_url(server), "git+" + other.url_for("b.git", "alice"), user_url(server, "open/e")]
        with Terminal(tmp_path, "download", "-d", "out", *words) as terminal:
            terminal.answer("Token for alice", keys)
            assert terminal.wait() == 130
            assert terminal.echoes()
            assert text(terminal).count("Token for") == 1
            assert b"Traceback" not in terminal.shown
            assert seen(terminal)[-1].startswith("git-helper: error: cancelled")
            assert b"resolving" not in terminal.shown.rpartition(b"Token for ")[2]
    assert terminal.stdout.read_bytes() == b""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(server: GitHttpServer, tmp_path: Path, number: signal.Signals) -> None:
    with Terminal(tmp_path, "download", "-d", "out", user_url(server)) as terminal:
        terminal.expect_question("Token for alice")
        os.kill(terminal.process.pid, number)
        assert terminal.wait() in (-number, 128 + number)
        assert terminal.echoes()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("by", [CTRL_C, signal.SIGTERM])
def test_an_end_while_a_server_is_silent(server: GitHttpServer, tmp_path: Path, by: bytes | signal.Signals) -> None:
    server.faults = [Fault(stall_after=0)]
    with Terminal(tmp_path, "resolve", user_url(server)) as terminal:
        server.wait_for(lambda requests: bool(requests), 30)
        terminal.expect("resolving")
        start = time.monotonic()
        if isinstance(by, bytes):
            terminal.send(by)
        else:
            os.kill(terminal.process.pid, by)
        assert terminal.wait() == (130 if by == CTRL_C else 143)
        assert time.monotonic() - start < 8
        assert terminal.shown.rpartition(b"\x1b[?25")[2].startswith(b"h")  # the cursor is there again
        assert b"Traceback" not in terminal.shown
        assert [line for line in seen(terminal) if "resolving" in line] == []


@pytest.mark.parametrize("stderr", [False, True])
@pytest.mark.parametrize("stdin", [{"closed_stdin": True}, {"stdin": b"not this\n"}])
def test_only_the_terminal_is_used(server: GitHttpServer, tmp_path: Path, stdin: dict[str, Any], stderr: bool) -> None:
    errors = tmp_path / "stderr"
    with Terminal(tmp_path, "resolve", user_url(server), **stdin, stderr=errors if stderr else None) as terminal:
        terminal.answer("Token for alice", KEYS)
        assert terminal.wait() == 0
    assert terminal.stdout.read_text() == f"git+{server.url}/a.git@{commit_of(tmp_path / 'root/a.git')}\n"
    assert not stderr or errors.read_bytes() == b""


@pytest.mark.parametrize("why", ["--no-input", "GIT_HELPER_NO_INPUT", "CI", "GIT_TERMINAL_PROMPT", "no terminal"])
def test_where_nobody_may_be_asked(server: GitHttpServer, tmp_path: Path, why: str) -> None:
    env = {why: "0" if why == "GIT_TERMINAL_PROMPT" else "1"} if why.isupper() else {}
    words = ["resolve", *(["--no-input"] if why == "--no-input" else []), user_url(server)]
    if why == "no terminal":
        done = run(*words, env=env)
        code, shown, stdout = done.returncode, done.stderr, done.stdout
    else:
        with Terminal(tmp_path, *words, env=env) as terminal:
            code, shown = terminal.wait(), terminal.shown
            stdout = terminal.stdout.read_bytes()
    assert (code, stdout) == (3, b"")
    assert b"Token for" not in shown
    assert f"git-helper login http://{server.netloc} --username alice".encode() in b" ".join(shown.split())
    # From the last refusal to the end less than a second passes; starting Python is not what this is about.
    assert server.requests
    assert [status for _, status in server.exchanges] == [401, 401]


def test_the_refusal_ends_the_command_at_once(server: GitHttpServer) -> None:
    words: list[str | Path] = [BIN / "git-helper", "resolve", "--no-input", user_url(server)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        server.wait_for(lambda requests: len(requests) == 2 and requests[-1].status == 401, 30)
        start = time.monotonic()
        assert b"git-helper login" in process.communicate(timeout=20)[1]
    assert time.monotonic() - start < 3  # a second on an idle machine
    assert process.returncode == 3


@pytest.mark.parametrize("name", ["GIT_ASKPASS", "SSH_ASKPASS", "core.askPass"])
def test_an_askpass_program_is_asked_instead(server: GitHttpServer, tmp_path: Path, name: str) -> None:
    script = f"""#!/bin/sh
echo "$1" >>'{tmp_path}/asked'
case "$1" in User*) echo alice;; *) echo '{CANARY}';; esac
"""
    path = program(tmp_path, "ask", script)
    env: dict[str, str] = {}
    if name == "core.askPass":
        configure((name, str(path)))
    else:
        env[name] = str(path)
    with Terminal(tmp_path, "resolve", f"git+{server.url}/a.git", f"git+{server.url}/b.git", env=env) as terminal:
        assert terminal.wait() == 0
        assert PANEL not in text(terminal)
    asked = (tmp_path / "asked").read_text()
    assert f"Username for 'http://{server.netloc}': " in asked
    assert f"Password for 'http://alice@{server.netloc}': " in asked
    assert asked.count("Username") == asked.count("Password") == 1


def test_foreign_words_on_the_screen_are_inert(server: GitHttpServer, tmp_path: Path) -> None:
    with Terminal(tmp_path, "resolve", "git+" + server.url_for("a.git", "a[red]x[/red]")) as terminal:
        terminal.expect_question("Token for a%5bred%5dx%5b%2fred%5d@127.0.0.1")
        terminal.send(CTRL_C)
        assert terminal.wait() == 130
    with Terminal(tmp_path, "resolve", "git+" + server.url_for("a.git", "a\x1b[31mx")) as terminal:
        assert terminal.wait() == 2
        assert b"\x1b[31m" not in terminal.shown
