"""The one order of sources: variable, netrc, store, CI token, the other Git credential helpers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.protocol.git import OURS
from tests.support import BIN, run_helper

ORDER = ["variable", "netrc", "store", "ci token", "other helpers"]
USERS = {"variable": "git", "netrc": "n", "store": "s", "ci token": "gitlab-ci-token", "other helpers": "o"}
REQUEST = b"protocol=https\nhost=good.example\n"


def furnish(source: str, home: Path, environ: dict[str, str]) -> None:
    """Puts the secret `from-<source>` into the source."""
    secret = f"from-{source.replace(' ', '-')}"
    if source == "variable":
        environ["GIT_HELPER_TOKEN_GOOD_EXAMPLE"] = secret
    elif source == "netrc":
        (home / ".netrc").write_text(f"machine good.example login n password {secret}\n")
    elif source == "store":
        text = REQUEST + f"username=s\npassword={secret}\n".encode()
        assert run_helper("--store", "file", "store", stdin=text).returncode == 0
    elif source == "ci token":
        environ |= {"CI_JOB_TOKEN": secret, "CI_SERVER_HOST": "good.example"}
    else:
        # Behind us in git's list; it must hear nothing of our own tokens.
        helper = f'!f() {{ test -z "$GIT_HELPER_TOKEN_GOOD_EXAMPLE" && echo username=o && echo password={secret}; }}; f'
        config = ["git", "config", "--global", "--add", "credential.helper"]
        for value in (OURS, helper):
            subprocess.run([*config, value], check=True)


def environment(home: Path, sources: list[str]) -> dict[str, str]:
    environ = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "GIT_TERMINAL_PROMPT": "0"}
    for source in reversed(sources):
        furnish(source, home, environ)
    return environ


def asked_by_git(environ: dict[str, str]) -> dict[str, str]:
    done = subprocess.run(
        ["git", "credential", "fill"], input=REQUEST, env={**os.environ, **environ}, capture_output=True, check=False
    )
    assert done.stderr == b""
    return dict(line.partition("=")[::2] for line in done.stdout.decode().split("\n")[:-1])


@pytest.mark.parametrize("first", range(len(ORDER)), ids=ORDER)
def test_the_order_for_git(home: Path, first: int) -> None:
    environ = environment(home, ORDER[first:])
    answer = asked_by_git(environ)
    assert answer["password"] == f"from-{ORDER[first].replace(' ', '-')}"
    assert answer["username"] == USERS[ORDER[first]]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=ORDER)
def test_the_order_for_our_own_commands(home: Path, first: int) -> None:
    environ = environment(home, ORDER[first:])
    done = run_helper("token", "https://good.example", name="git-helper", env=dict(environ))
    assert done.stdout.decode() == f"from-{ORDER[first].replace(' ', '-')}\n"
    assert (done.returncode, done.stderr) == (0, b"")


def test_without_any_the_sources_are_listed_in_their_order(home: Path) -> None:
    done = run_helper("token", "https://good.example", name="git-helper")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"asked: variable, netrc, file, ci token, other helpers" in done.stderr
    assert b"hint: store one: git-helper login https://good.example" in done.stderr


def test_a_user_name_narrows_every_source(home: Path) -> None:
    environ = environment(home, ORDER[1:])
    for source in ORDER[1:-1]:
        text = REQUEST + f"username={USERS[source]}\n".encode()
        done = run_helper("get", stdin=text, env=dict(environ))
        assert done.stdout.endswith(f"password=from-{source.replace(' ', '-')}\n".encode())
    assert run_helper("get", stdin=REQUEST + b"username=nobody\n", env={"CI": "1", **environ}).stdout == b""


def test_a_user_name_learnt_on_the_way_narrows_later_sources(home: Path) -> None:
    (home / ".netrc").write_text("machine good.example login bob\n")
    for user in (b"bob", b"alice"):
        text = REQUEST + b"username=" + user + b"\npassword=p-" + user + b"\n"
        run_helper("--store", "file", "store", stdin=text)
    assert run_helper("get", stdin=REQUEST).stdout == b"username=bob\npassword=p-bob\n"


def test_a_broken_source_is_said_and_skipped(home: Path) -> None:
    environ = environment(home, ["store"])
    (home / ".netrc").write_text("machine good.example\ngarbage\n")
    done = run_helper("get", stdin=REQUEST, env=dict(environ))
    assert (done.returncode, done.stdout) == (0, b"username=s\npassword=from-store\n")
    assert done.stderr.startswith(b"git-helper: warning: netrc: cannot read '")
    assert b"line 2" in done.stderr
