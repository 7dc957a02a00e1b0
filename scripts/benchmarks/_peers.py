"""Other credential helpers, each prepared to answer (or to say that it has nothing) as quickly as it can."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts.benchmarks._harness import Bench, ended
from scripts.benchmarks._subject import Subject

HOST = b"good.example"
REQUEST = b"protocol=https\nhost=%s\n" % HOST
ACCOUNT = REQUEST + b"username=ada\npassword=a-secret-of-ada\n"
ANSWER = b"a-secret-of-ada"


def run(command: Sequence[str], environ: Mapping[str, str], stdin: bytes = b"") -> str | None:
    """Runs a command of the preparation; None, or why it failed."""
    done = subprocess.run(command, env=dict(environ), input=stdin, capture_output=True, timeout=60, check=False)
    if done.returncode == 0:
        return None
    return (
        f"'{' '.join(command[:3])}' ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-200:]}"
    )


@contextlib.contextmanager
def helpers(bench: Bench, environ: Mapping[str, str]) -> Iterator[list[Subject]]:
    """The peers that need no OS keyring; those that are not installed are noted."""
    with contextlib.ExitStack() as stack:
        subjects = []
        for make in (_store, _cache, _oauth, _gh, _pass, _uv):
            made = make(bench.folder, dict(environ), stack)
            if isinstance(made, Subject):
                subjects.append(made)
            else:
                bench.skip(*made)
        typer = bench.installation.program("typer-get")
        subjects.append(Subject("a Typer command", [typer, "get"], environ, REQUEST, b"secret", counted=False))
        yield subjects


Made = Subject | tuple[str, str]
"""A subject, or its name and why there is none."""


def program(name: str) -> str | None:
    """An executable on PATH or among git's own."""
    said = subprocess.run(["git", "--exec-path"], capture_output=True, check=False).stdout.decode().strip()
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), said]))


def _missing(name: str) -> tuple[str, str]:
    return name, "not installed"


def _store(folder: Path, environ: dict[str, str], _: contextlib.ExitStack) -> Made:
    found = program("git-credential-store")
    if found is None:
        return _missing("git-credential-store")
    command = [found, f"--file={folder / 'git-credentials'}"]
    failure = run([*command, "store"], environ, ACCOUNT)
    return (
        ("git-credential-store", failure)
        if failure
        else Subject(os.path.basename(found), [*command, "get"], environ, REQUEST, ANSWER)
    )


def _cache(folder: Path, environ: dict[str, str], stack: contextlib.ExitStack) -> Made:
    found = program("git-credential-cache")
    if found is None:
        return _missing("git-credential-cache")
    sockets = folder / "cache"
    sockets.mkdir(mode=0o700)
    command = [found, f"--socket={sockets / 'socket'}"]
    # The daemon keeps the pipe of what started it, so it must not be started with one.
    with (folder / "account").open("wb+") as account:
        account.write(ACCOUNT)
        account.seek(0)
        quiet = subprocess.DEVNULL
        words = [*command, "store"]
        subprocess.run(words, env=environ, stdin=account, stdout=quiet, stderr=quiet, timeout=60, check=False)
    stack.enter_context(ended([*command, "exit"], environ))
    return Subject(os.path.basename(found), [*command, "get"], environ, REQUEST, ANSWER)


def _oauth(_folder: Path, environ: dict[str, str], _: contextlib.ExitStack) -> Made:
    found = program("git-credential-oauth")
    if found is None:
        return _missing("git-credential-oauth")
    return Subject(
        f"{os.path.basename(found)}, host unknown to it", [found, "get"], environ, REQUEST, b"", counted=False
    )


def _gh(folder: Path, environ: dict[str, str], _: contextlib.ExitStack) -> Made:
    found = program("gh")
    if found is None:
        return _missing("gh auth git-credential")
    environ |= {"GH_TOKEN": ANSWER.decode(), "GH_CONFIG_DIR": str(folder / "gh")}
    request = b"protocol=https\nhost=github.com\n"
    return Subject(
        "gh auth git-credential", [found, "auth", "git-credential", "get"], environ, request, ANSWER, counted=False
    )


def _pass(folder: Path, environ: dict[str, str], _: contextlib.ExitStack) -> Made:
    found = program("pass-git-helper")
    if found is None:
        return _missing("pass-git-helper")
    mapping = folder / "pass.ini"
    mapping.write_text("[evil.example]\ntarget=evil\n")
    # It answers by starting `pass` and gpg; without an entry there is only its own start.
    command = [found, "-m", str(mapping), "get"]
    return Subject("pass-git-helper, host unknown to it", command, environ, REQUEST, None, counted=False)


def _uv(folder: Path, environ: dict[str, str], _: contextlib.ExitStack) -> Made:
    found = program("uv")
    if found is None:
        return _missing("uv auth token")
    environ |= {"UV_CREDENTIALS_DIR": str(folder / "uv"), "UV_NO_CONFIG": "1", "UV_OFFLINE": "1"}
    url = f"https://{HOST.decode()}"
    failure = run([found, "auth", "login", url, "--token", ANSWER.decode()], environ)
    if failure:
        return "uv auth token", failure
    return Subject("uv auth token", [found, "auth", "token", url], environ, b"", ANSWER, counted=False)
