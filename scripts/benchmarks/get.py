"""`get`: what git waits for

Starting up is everything here, so the base is the bare interpreter, and a console script that does nothing, installed the
same way, is what no program in Python can be faster than.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from git_helper.core import record
from git_helper.core.credential import Account, Credential
from git_helper.secret import Secret
from git_helper.stores.choice import Choice
from git_helper.stores.credential_file import FOOTER, HEADER
from scripts.benchmarks._harness import Bench, Runner, ended
from scripts.benchmarks._peers import ACCOUNT, ANSWER, HOST, REQUEST, helpers, program, run
from scripts.benchmarks._subject import INSTRUCTIONS, MEMORY, Goal, Subject
from tests.servers.secret_service import running

PYTHON = "python -I -S"
NOTHING = "do-nothing script"
ONE = "file store, 1 account"
LIGHT = (
    Goal(1.45, PYTHON, number="S1"),
    Goal(1.10, NOTHING, number="S1"),
    Goal(1.05, NOTHING, INSTRUCTIONS, number="S1"),
    Goal(12, None, MEMORY),
)
WITH_USER = REQUEST + b"username=ada\n"
OTHERS = 9_999
ALONE = "git, its cache alone"
SAME = 1.05
"""Once; the rest is noise."""


def measure(bench: Bench) -> None:
    """Everything in one table, so that every ratio is of one run."""
    with contextlib.ExitStack() as stack:
        peers = stack.enter_context(helpers(bench, bench.environ("peers")))
        keyring = stack.enter_context(_keyring(bench))
        bench.compare([*_starts(bench), *_answers(bench), *keyring, *peers], base=PYTHON)


def _starts(bench: Bench) -> list[Subject]:
    """What it costs to start at all."""
    environ = bench.environ("starts")
    python = bench.installation.program("python")
    return [
        Subject(PYTHON, [python, "-I", "-S", "-c", "pass"], environ, REQUEST, b""),
        Subject(NOTHING, [bench.installation.program("do-nothing")], environ, REQUEST, b""),
    ]


def _answers(bench: Bench) -> list[Subject]:
    """Our answers that need no OS keyring."""
    helper = bench.installation.program("git-credential-git-helper")
    get = [helper, "get"]
    one = bench.environ("one")
    _fill(Path(one["XDG_DATA_HOME"]), 0)
    many = bench.environ("many")
    _fill(Path(many["XDG_DATA_HOME"]), OTHERS)
    variable = bench.environ("variable", GIT_HELPER_TOKEN_GOOD_EXAMPLE=ANSWER.decode())
    netrc = bench.environ("netrc")
    (bench.folder / "netrc" / ".netrc").write_bytes(b"machine %s login ada password %s\n" % (HOST, ANSWER))
    empty = bench.environ("empty")
    askable = {name: value for name, value in empty.items() if name != "GIT_TERMINAL_PROMPT"}
    grown = Goal(1.3, ONE, number="S12"), Goal(1.3, ONE, INSTRUCTIONS, number="S12")
    return [
        Subject(ONE, get, one, REQUEST, ANSWER, LIGHT),
        Subject(f"file store, {OTHERS + 1:,} accounts", get, many, REQUEST, ANSWER, grown),
        Subject("variable", get, variable, REQUEST, ANSWER, LIGHT),
        Subject("no match", get, empty, REQUEST, b"", LIGHT),
        Subject("no match, user known, prompts off", get, empty, WITH_USER, b"", LIGHT),
        Subject("no match, user known, no terminal", get, askable, WITH_USER, b"", LIGHT),
        Subject("netrc", get, netrc, REQUEST, ANSWER, (Goal(2.3, PYTHON),)),
    ]


def _fill(data: Path, others: int) -> None:
    """A file store with the account that is asked for behind `others` ones, where a search finds it last."""
    hosts = [b"host-%d.example" % number for number in range(others)] + [HOST]
    accounts = [Account(b"https", host, None, Credential(b"ada", Secret(ANSWER))) for host in hosts]
    folder = data / "git-helper"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "credentials").write_bytes(HEADER + record.dump(accounts) + FOOTER)
    (folder / "store").write_bytes(Choice("file").dump())


@contextlib.contextmanager
def _keyring(bench: Bench) -> Iterator[list[Subject]]:
    """Who reads the OS keyring, on a private one."""
    missing = [name for name in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(name) is None]
    if missing:
        bench.skip("the OS keyring", f"'{missing[0]}' is not installed")
        yield []
        return
    folder = bench.folder / "keyring"
    environ = bench.environ("keyring")
    with running(folder) as service:
        environ |= service.environment
        helper, cli = map(bench.installation.program, ("git-credential-git-helper", "keyring"))
        failure = run([helper, "--store", "keyring", "store"], environ, ACCOUNT)
        failure = failure or run([cli, "set", HOST.decode(), "ada"], environ, ANSWER)
        if failure:
            raise RuntimeError(failure)
        theirs = "keyring get"
        subjects = [
            Subject(
                "OS keyring",
                [helper, "get"],
                environ,
                REQUEST,
                ANSWER,
                (Goal(0.8, theirs, number="S2"),),
                counted=False,
            ),
            Subject(theirs, [cli, "get", HOST.decode(), "ada"], environ, b"", ANSWER, counted=False),
        ]
        libsecret = program("git-credential-libsecret")
        if libsecret is None:
            bench.skip("git-credential-libsecret", "not installed")
        elif failure := run([libsecret, "store"], environ, ACCOUNT):
            bench.skip(os.path.basename(libsecret), failure)
        else:
            subjects.append(Subject(os.path.basename(libsecret), [libsecret, "get"], environ, REQUEST, ANSWER))
        with _again(bench, service.environment) as again:
            yield [*subjects, *again]


@contextlib.contextmanager
def _again(bench: Bench, keyring: Mapping[str, str]) -> Iterator[list[Subject]]:
    """git, the second time it needs an account: `configure` lets its own cache answer before us."""
    git, helper = shutil.which("git") or "git", bench.installation.program("git-helper")
    ways = {
        "git, after `configure`": [helper, "configure", "--store", "keyring"],
        ALONE: [git, "config", "--global", "credential.helper", "cache"],
    }
    with contextlib.ExitStack() as stack:
        subjects = []
        for number, (name, words) in enumerate(ways.items()):
            environ = {**bench.environ(f"again{number}"), **keyring}
            if failure := run(words, environ):
                raise RuntimeError(failure)
            # Without pipes, which the daemon of the cache would keep.
            Runner(bench.folder).prove(Subject(name, [git, "credential", "approve"], environ, ACCOUNT, b""))
            stack.enter_context(ended([git, "credential-cache", "exit"], environ))
            goals = () if name == ALONE else (Goal(SAME, ALONE, number="S3"),)
            command = [git, "credential", "fill"]
            subjects.append(Subject(name, command, environ, REQUEST, ANSWER, goals, counted=False))
        yield subjects
