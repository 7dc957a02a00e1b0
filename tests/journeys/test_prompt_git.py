"""A person clones with the real git and is asked by us, on a real pseudo-terminal."""

from __future__ import annotations

import base64
import os
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pseudo_terminal import CTRL_C, CTRL_D, ENTER, PseudoTerminal
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository
from tests.support import BIN, needs, run_helper

SECRET = "canary-Qx7"
PANEL = "git-helper ─"
HELPER = "git-helper --store file"
# Where the URL names a user, curl tries an empty password before git asks for one.
UNKNOWN = {(None, 401), ("alice:", 401)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """alice's private repository team/demo.git."""
    make_repository(tmp_path / "root/team/demo.git")
    with GitHttpServer(tmp_path / "root", realms=[Realm("/", [("alice", SECRET)])]) as server:
        yield server


@pytest.fixture(autouse=True)
def configured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git uses our helper, with the file store."""
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "dumb")
    configure("credential.helper", HELPER)


def configure(name: str, value: str) -> None:
    subprocess.run([needs("git"), "config", "--global", name, value], check=True)


class Clone(PseudoTerminal):
    """`git clone` of the server's repository as alice, on a terminal; its stdout in a file unless said otherwise."""

    def __init__(self, server: GitHttpServer, folder: Path, user: str = "alice", **options: Any) -> None:
        self.target = folder / "clone"
        self.stdout = folder / "stdout"
        url = server.url_for("team/demo.git", user)
        super().__init__([needs("git"), "clone", url, self.target], stdout=self.stdout, **options)

    def answer(self, keys: bytes, user: str = "alice") -> None:
        """Waits for our prompt and types."""
        self.expect(PANEL)
        self.expect(f"Token for {user}@127.0.0.1:")
        # The port, then the colon that ends the prompt.
        self.expect(": ")
        assert not self.echoes()
        self.send(keys)


def stored(server: GitHttpServer, user: str = "alice") -> bytes:
    """What our helper answers now, where nobody can be asked."""
    question = f"protocol=http\nhost={server.netloc}\nusername={user}\n"
    return run_helper("--store", "file", "get", stdin=question.encode()).stdout


def written_below(*folders: Path) -> bytes:
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return b"\n".join(path.read_bytes() for path in files)


def test_a_token_that_the_server_takes_is_remembered(server: GitHttpServer, tmp_path: Path) -> None:
    with Clone(server, tmp_path) as clone:
        clone.answer(SECRET.encode() + ENTER)
        assert clone.wait() == 0
        assert clone.echoes()
        assert b"git clone" in clone.shown
        assert server.url.encode() in clone.shown
        assert SECRET.encode() not in clone.shown
        assert clone.stdout.read_bytes() == b""
    assert f"password={SECRET}\n".encode() in stored(server)
    assert SECRET.encode() not in written_below(tmp_path / "clone")

    again = subprocess.run(
        [needs("git"), "clone", server.url_for("team/demo.git", "alice"), tmp_path / "again"],
        capture_output=True,
        start_new_session=True,
        timeout=30,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert server.requests[-1].user == "alice"


def test_a_token_that_the_server_refuses_is_not(server: GitHttpServer, tmp_path: Path) -> None:
    with Clone(server, tmp_path) as clone:
        clone.answer(b"wrong" + ENTER)
        clone.expect("Authentication failed")
        assert clone.wait() == 128
        assert clone.shown.count(PANEL.encode()) == 1
    assert stored(server) == b""
    assert [exchange for exchange in server.exchanges if exchange not in UNKNOWN] == [("alice:wrong", 401)]


@pytest.mark.parametrize("keys", [CTRL_C, b"half" + CTRL_C])
def test_ctrl_c_ends_git(server: GitHttpServer, tmp_path: Path, keys: bytes) -> None:
    with Clone(server, tmp_path) as clone:
        clone.answer(keys)
        assert clone.wait() != 0
        assert clone.echoes()
        assert b"Password for" not in clone.shown
        assert not clone.target.exists()
    assert stored(server) == b""
    assert set(server.exchanges) <= UNKNOWN


@pytest.mark.parametrize("keys", [CTRL_D, ENTER])
def test_no_answer_tells_git_to_quit(server: GitHttpServer, tmp_path: Path, keys: bytes) -> None:
    with Clone(server, tmp_path) as clone:
        clone.answer(keys)
        clone.expect("told us to quit")
        assert clone.wait() == 128
        assert clone.echoes()
        assert b"Password for" not in clone.shown
        assert b"Traceback" not in clone.shown
    assert stored(server) == b""


def test_a_long_token(server: GitHttpServer, tmp_path: Path) -> None:
    token = base64.b64encode(bytes(at % 251 for at in range(6144))).decode()
    server.realms = [Realm("/", [("alice", token)])]
    with Clone(server, tmp_path) as clone:
        clone.answer(token.encode())
        clone.expect("*" * 32)
        clone.send(ENTER)
        assert clone.wait() == 0
        assert token[:40].encode() not in clone.shown
    assert f"password={token}\n".encode() in stored(server)


@pytest.mark.parametrize("stderr", [False, True])
@pytest.mark.parametrize("stdin", [{"closed_stdin": True}, {"stdin": b"not this\n"}])
def test_only_the_terminal_is_used(server: GitHttpServer, tmp_path: Path, stdin: dict[str, Any], stderr: bool) -> None:
    errors = tmp_path / "stderr"
    with Clone(server, tmp_path, **stdin, stderr=errors if stderr else None) as clone:
        clone.answer(SECRET.encode() + ENTER)
        assert clone.wait() == 0
    assert clone.stdout.read_bytes() == b""
    assert not stderr or PANEL.encode() not in errors.read_bytes()


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("a\x1b[2KUsername for good", "a%1b%5b2KUsername%20for%20good"),
        ("[red]bold[/red]", "%5bred%5dbold%5b%2fred%5d"),
    ],
)
def test_a_hostile_user_is_inert(server: GitHttpServer, tmp_path: Path, user: str, shown: str) -> None:
    server.realms = [Realm("/", [(user, SECRET)])]
    with Clone(server, tmp_path, user, columns=200, env={"TERM": "xterm-256color"}) as clone:
        clone.expect(shown)
        clone.expect("Token for ")
        clone.send(SECRET.encode() + ENTER)
        assert clone.wait() == 0
        ours = clone.shown.partition(PANEL.encode())[2].partition(b"*")[0]
        assert b"\x1b[2K" not in ours
        assert user.encode() not in ours


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("host", "[red]good.example[/red]", "https://[red]good.example[%2fred]"),
        ("host", "x\x1b]0;title\x07", "https://x%1b]0%3btitle%07"),
        ("username", "a\x1b[2K", "a%1b%5b2K"),
        ("path", "[bold]p\x1b[2K", "%5bbold%5dp%1b%5b2K"),
    ],
)
def test_hostile_requests_are_inert(tmp_path: Path, field: str, value: str, shown: str) -> None:
    attributes = {"protocol": "https", "host": "good.example", "username": "alice", field: value}
    request = "".join(f"{name}={value}\n" for name, value in attributes.items()).encode()
    output = tmp_path / "out"
    words: list[str | Path] = [BIN / "git-credential-git-helper", "get"]
    with PseudoTerminal(words, stdin=request, stdout=output, columns=200, env={"TERM": "xterm-256color"}) as terminal:
        terminal.expect(shown)
        terminal.expect("Token for ")
        terminal.send(SECRET.encode() + ENTER)
        assert terminal.wait() == 0
        assert value.encode() not in terminal.shown
    assert f"password={SECRET}\n".encode() in output.read_bytes()


def test_a_carriage_return_is_not_even_shown(tmp_path: Path) -> None:
    request = b"protocol=https\nhost=good.example\nusername=a\x1b[2K\rUsername for good\n"
    output = tmp_path / "out"
    with PseudoTerminal([BIN / "git-credential-git-helper", "get"], stdin=request, stdout=output) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown == b""
    assert output.read_bytes() == b""


@pytest.fixture
def askpass(tmp_path: Path) -> str:
    """An askpass program that knows the secret."""
    program = tmp_path / "askpass"
    program.write_text(f"#!/bin/sh\necho '{SECRET}'\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("name", ["GIT_ASKPASS", "SSH_ASKPASS", "core.askPass"])
def test_an_askpass_program_goes_before_us(server: GitHttpServer, tmp_path: Path, askpass: str, name: str) -> None:
    env = {}
    if name == "core.askPass":
        configure(name, askpass)
    else:
        env[name] = askpass
    with Clone(server, tmp_path, env=env) as clone:
        assert clone.wait() == 0
        assert PANEL.encode() not in clone.shown


def test_an_empty_askpass_means_the_terminal(server: GitHttpServer, tmp_path: Path, askpass: str) -> None:
    with Clone(server, tmp_path, env={"GIT_ASKPASS": "", "SSH_ASKPASS": askpass}) as clone:
        clone.answer(SECRET.encode() + ENTER)
        assert clone.wait() == 0


def test_git_may_not_ask_and_so_may_we_not(server: GitHttpServer, tmp_path: Path) -> None:
    with Clone(server, tmp_path, env={"GIT_TERMINAL_PROMPT": "0"}) as clone:
        assert clone.wait() == 128
        assert PANEL.encode() not in clone.shown
        assert b"terminal prompts disabled" in clone.shown


@pytest.mark.parametrize("why", ["CI", "--no-input", "GIT_HELPER_NO_INPUT", "no user"])
def test_where_we_are_silent_git_goes_on(server: GitHttpServer, tmp_path: Path, why: str) -> None:
    if why == "--no-input":
        configure("credential.helper", HELPER + " --no-input")
    env = {why: "1"} if why.isupper() else {}
    with Clone(server, tmp_path, user="" if why == "no user" else "alice", env=env) as clone:
        if why == "no user":
            clone.expect("Username for ")
            clone.send(b"alice" + ENTER)
        clone.expect("Password for ")
        clone.send(SECRET.encode() + ENTER)
        assert clone.wait() == 0
        assert PANEL.encode() not in clone.shown


def test_git_itself_is_told_not_to_ask(server: GitHttpServer, tmp_path: Path) -> None:
    # git 2.47 and newer give up here, older ones do not know the setting and ask.
    configure("credential.interactive", "false")
    with Clone(server, tmp_path) as clone:
        clone.expect("assword")
        clone.send(CTRL_C)
        assert clone.wait() != 0
        assert PANEL.encode() not in clone.shown


def test_without_a_terminal_nothing_hangs(server: GitHttpServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [needs("git"), "clone", server.url_for("team/demo.git", "alice"), tmp_path / "clone"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 128
    assert b"could not read Password" in done.stderr
    assert b"git-helper" not in done.stderr


def test_the_url_of_the_clone_keeps_no_secret(server: GitHttpServer, tmp_path: Path) -> None:
    with Clone(server, tmp_path) as clone:
        clone.answer(SECRET.encode() + ENTER)
        assert clone.wait() == 0
    config = (clone.target / ".git/config").read_text()
    assert urllib.parse.quote(SECRET) not in config
    assert server.netloc in config
