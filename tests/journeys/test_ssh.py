"""git+ssh through the executable, with a real sshd and without an ssh program."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import leaks, program
from tests.pseudo_terminal import PseudoTerminal
from tests.servers.isolated import environment, git
from tests.servers.repositories import make_repository, resolve
from tests.servers.sshd import USER, Keys, Sshd, fingerprint, public
from tests.support import BIN, needs, run_helper


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "served/tool.git", 4)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


@pytest.fixture
def server(tmp_path: Path, keys: Keys) -> Iterator[Sshd]:
    authorized = [public(keys.key("mine")), public(keys.key("locked", passphrase="open"))]
    with Sshd(tmp_path / "sshd", [keys.key("host")], authorized) as one:
        yield one


def trust(home: Path, server: Sshd, keys: Keys, *, key: str = "mine", known: bool = True) -> None:
    """~/.ssh with an alias for the server, its host key if it is known, and the identity to use."""
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    identity = keys.key(key, passphrase="open" if key == "locked" else "")
    lines = f"Port {server.port}\n User {USER}\n IdentityFile {identity}\n IdentitiesOnly yes\n"
    (folder / "config").write_text(f"Host work\n HostName 127.0.0.1\n {lines}")
    (folder / "config").chmod(0o600)
    if known:
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {public(keys.key('host'))}\n")


def run(*words: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return run_helper(*words, name="git-helper", cwd=cwd, env={"GIT_SSH_COMMAND": None, "PATH": "/nowhere", **environ})


def test_resolve_and_download_by_an_alias(
    home: Path, server: Sshd, keys: Keys, repository: Path, tmp_path: Path
) -> None:
    trust(home, server, keys)
    url = f"git+ssh://work{repository}@main"
    done = run("resolve", url, "--format", "json")
    (found,) = json.loads(done.stdout)
    assert found["commit"] == resolve(repository, "main")
    done = run("download", url, "-d", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (Path(done.stdout.decode().strip()) / "README.md").is_file()


def test_clone_is_one_that_git_goes_on_with(
    home: Path, server: Sshd, keys: Keys, repository: Path, tmp_path: Path
) -> None:
    trust(home, server, keys)
    done = run("clone", f"ssh://work{repository}", "clone", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    env = environment(home)
    git("-C", tmp_path / "clone", "fsck", "--strict", env=env)
    assert git("-C", tmp_path / "clone", "status", "--porcelain", env=env).stdout == b""
    assert git("-C", tmp_path / "clone", "rev-parse", "HEAD", env=env).stdout.decode().strip() == resolve(repository)


def test_an_unknown_host_is_refused_without_a_person(home: Path, server: Sshd, keys: Keys, repository: Path) -> None:
    trust(home, server, keys, known=False)
    done = run("resolve", f"git+ssh://work{repository}")
    assert done.returncode != 0
    assert b"SHA256:" in done.stderr
    assert b"Traceback" not in done.stderr
    assert not (home / ".ssh/known_hosts").exists()


def test_a_changed_key_is_always_refused(home: Path, server: Sshd, keys: Keys, repository: Path) -> None:
    trust(home, server, keys, known=False)
    known = home / ".ssh/known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {public(keys.key('other'))}\n")
    with (home / ".ssh/config").open("a") as file:
        file.write(" StrictHostKeyChecking no\n")
    done = run("resolve", f"git+ssh://work{repository}")
    assert done.returncode != 0
    assert b"cannot trust" in done.stderr
    assert str(known).encode() in done.stderr


def test_the_person_is_asked_for_host_and_passphrase(home: Path, server: Sshd, keys: Keys, repository: Path) -> None:
    trust(home, server, keys, key="locked", known=False)
    words: list[str | Path] = [BIN / "git-helper", "resolve", f"git+ssh://work{repository}@main"]
    with PseudoTerminal(words, env={"PATH": "/nowhere"}) as terminal:
        terminal.expect("has the fingerprint SHA256:")
        terminal.expect("[yes/no] ")
        terminal.send(b"yes\r")
        terminal.expect("Passphrase for the key")
        terminal.send(b"open\r")
        terminal.expect(resolve(repository, "main"))
    found = [needs("ssh-keygen"), "-F", f"[127.0.0.1]:{server.port}", "-f", str(home / ".ssh/known_hosts")]
    assert subprocess.run(found, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "url", ["git+ssh://-oProxyCommand=id/x", "git+ssh://git:secret@good.example/x", "git+ssh://git@good.example/a%0ab"]
)
def test_what_could_be_an_option_or_shows_a_secret_is_refused(url: str) -> None:
    done = run("resolve", url)
    assert done.returncode == 2
    assert b"secret" not in done.stderr


@pytest.mark.parametrize("way", ["GIT_SSH", "GIT_SSH_COMMAND", "ProxyCommand", "Match exec"])
def test_what_it_runs_knows_no_tokens_of_ours(home: Path, tmp_path: Path, way: str) -> None:
    seen = tmp_path / "seen"
    script = program(tmp_path, "ssh", f"#!/bin/sh\nenv >>'{seen}'\nexit 1\n")
    (home / ".ssh").mkdir(mode=0o700)
    config = {"ProxyCommand": f"ProxyCommand {script}\n", "Match exec": f'Match exec "{script}"\n'}
    (home / ".ssh/config").write_text(config.get(way, ""))
    tokens = {"GIT_HELPER_TOKEN_GOOD_EXAMPLE": "t0ken-1", "UV_INDEX_INNER_PASSWORD": "t0ken-2"}
    ways = {way: str(script)} if way not in config else {}
    url = "git+ssh://git@127.0.0.1:1/x.git"
    done = run("resolve", url, cwd=tmp_path, PATH="/usr/bin:/bin", **tokens, **ways)
    assert done.returncode == 5
    assert b"HOME=" in seen.read_bytes()
    assert not leaks(seen.read_bytes(), "t0ken-1", "t0ken-2")


def test_a_trace_tells_how_it_got_there(home: Path, server: Sshd, keys: Keys, repository: Path, tmp_path: Path) -> None:
    trust(home, server, keys)
    config = home / ".ssh/config"
    mine, other = str(keys.key("mine")), str(keys.key("other"))
    config.write_text(config.read_text().replace(" IdentityFile", f" IdentityFile {other}\n IdentityFile"))
    done = run("resolve", f"git+ssh://work{repository}@main", "--trace", str(tmp_path / "trace"))
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in (tmp_path / "trace").read_text().splitlines()]
    events = {one["event"]: one for one in said}
    assert [one["event"] for one in said if one["event"] in ("connect", "handshake", "host key", "channel")] == [
        "connect", "handshake", "host key", "channel"
    ]  # fmt: skip
    assert (events["connect"]["address"], events["connect"]["port"]) == ("127.0.0.1", server.port)
    assert "OpenSSH" in events["handshake"]["server"]
    found = events["host key"]
    assert (found["outcome"], found["file"], found["line"]) == ("trusted", str(home / ".ssh/known_hosts"), 1)
    assert found["fingerprint"] == fingerprint(keys.key("host"))
    logins = [(one["identity"], one["outcome"]) for one in said if one["event"] == "login"]
    assert logins == [(other, "refused"), (mine, "goes on"), (mine, "accepted")]
    assert events["channel"]["command"] == f"git-upload-pack '{repository}'"


@pytest.mark.parametrize("command", ["resolve", "download"])
def test_what_speaks_http_is_not_loaded(
    home: Path, server: Sshd, keys: Keys, repository: Path, tmp_path: Path, command: str
) -> None:
    trust(home, server, keys)
    done = run(command, f"git+ssh://work{repository}@main", cwd=tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if "|" in line}
    assert "paramiko.transport" in loaded
    assert not loaded & {"urllib3", "ssl", "http.client", "dulwich"}
