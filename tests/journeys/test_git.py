"""Real git, against a real `git http-backend`, with our real executable as its helper."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.protocol.git import OURS
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import make_repository
from tests.support import BIN

CANARY = "canary-p@ss:wörd"
_OTHER = """#!/bin/sh
# A helper that says its own answer, if it has one, and writes down what it was asked.
here=$(dirname "$0")
{ echo "operation=$1"; cat; echo; } >> "$here/$(basename "$0").log"
if test "$1" = get && test -f "$here/answer"; then cat "$here/answer"; fi
"""
_RECORDER = """#!/bin/sh
# Writes down with what it was started, then is the real program.
{{ printf '%s\\n' "$0" "$@"; cat /proc/self/cmdline | tr '\\0' '\\n'; env; }} >> '{log}'
exec '{real}' "$@"
"""


class Desk:
    """A person's machine: git set up to use us, and the programs that they run."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home = home
        self.folder = folder
        self.programs = folder / "programs"
        self.programs.mkdir()
        path = os.pathsep.join([str(self.programs), str(BIN), os.environ["PATH"]])
        self.environ = {**os.environ, "PATH": path, "GIT_TERMINAL_PROMPT": "0", "GIT_HELPER_STORE": "file"}

    def run(self, *words: str | Path, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            words,
            input=stdin.encode(),
            env={**self.environ, **extra},
            capture_output=True,
            check=False,
            timeout=60,
            start_new_session=True,
        )

    def git(self, *words: str | Path, **extra: str) -> subprocess.CompletedProcess[bytes]:
        return self.run("git", *words, **extra)

    def use(self, *helpers: str) -> None:
        """Sets credential.helper for everything."""
        for helper in helpers:
            assert self.git("config", "--global", "--add", "credential.helper", helper).returncode == 0

    def clone(self, url: str, name: str = "clone", **extra: str) -> subprocess.CompletedProcess[bytes]:
        return self.git("clone", "--quiet", url, self.folder / name, **extra)

    def login(self, url: str, user: str, token: str, **extra: str) -> None:
        done = self.run("git-helper", "login", url, "-u", user, "--with-token", stdin=token + "\n", **extra)
        assert done.returncode == 0, done.stderr

    def keep(self, url: str, user: str, token: str) -> None:
        """What `login` does for a whole host, without the start of a whole command and without asking the server."""
        protocol, _, host = url.partition("://")
        text = f"protocol={protocol}\nhost={host}\nusername={user}\npassword={token}\n"
        done = self.run("git-credential-git-helper", "store", stdin=text)
        assert (done.returncode, done.stderr) == (0, b"")

    def get(self, url: str) -> dict[str, str]:
        """What our helper answers for the URL; git sends no path unless credential.useHttpPath is set."""
        answer = self.run("git-credential-git-helper", "get", stdin=f"url={url}\n").stdout.decode()
        return dict(line.partition("=")[::2] for line in answer.split("\n")[:-1])

    def helper(self, name: str, answer: str | None = None) -> Path:
        """Installs a helper of the person's own; returns the log of what it is asked."""
        folder = self.folder / name
        folder.mkdir()
        program = folder / f"git-credential-{name}"
        program.write_text(_OTHER)
        program.chmod(0o755)
        if answer is not None:
            (folder / "answer").write_text(answer)
        self.environ["PATH"] = os.pathsep.join([str(folder), self.environ["PATH"]])
        return folder / f"git-credential-{name}.log"

    def operations(self, log: Path) -> list[str]:
        """The operations in a helper's log."""
        lines = log.read_text().split("\n") if log.exists() else []
        return [line.partition("=")[2] for line in lines if line.startswith("operation=")]


@pytest.fixture
def desk(home: Path, tmp_path: Path) -> Desk:
    made = Desk(home, tmp_path)
    made.use("git-helper")
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """team/demo.git for alice, other/demo.git for bob, and one realm for the rest."""
    for team in ("team", "other"):
        make_repository(tmp_path / f"root/{team}/demo.git", commits=2)
    realms = [Realm("/team", [("alice", CANARY)]), Realm("/other", [("bob", "pass-b")])]
    with GitHttpServer(tmp_path / "root", realms=realms) as running:
        yield running


def forms(secret: str) -> list[bytes]:
    """How a secret may be written: plain, and inside a Basic header."""
    return [secret.encode(), base64.b64encode(f"alice:{secret}".encode())]


def leaks(secret: str, folder: Path, *but: str) -> list[Path]:
    """The files below `folder` that hold the secret, except those with the given names."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name not in but and any(form in path.read_bytes() for form in forms(secret))
    ]


def test_a_private_repository_is_cloned_and_pulled(desk: Desk, server: GitHttpServer) -> None:
    url = server.url_for("team/demo.git")
    refused = desk.clone(url)
    assert refused.returncode == 128
    assert b"could not read Username" in refused.stderr
    desk.login(url, "alice", CANARY)
    server.forget()
    assert desk.clone(url).stderr == b""
    assert server.exchanges[:2] == [(None, 401), (f"alice:{CANARY}", 200)]
    assert desk.git("-C", desk.folder / "clone", "pull", "--quiet").stderr == b""


def test_a_pushed_commit_arrives(desk: Desk, server: GitHttpServer) -> None:
    url = server.url_for("team/demo.git")
    desk.keep(server.url, "alice", CANARY)
    clone = desk.folder / "clone"
    assert desk.clone(url).returncode == 0
    assert desk.git("-C", clone, "commit", "--quiet", "--allow-empty", "-m", "new").returncode == 0
    pushed = desk.git("-C", clone, "push", "--quiet")
    assert (pushed.returncode, pushed.stderr) == (0, b"")
    ours = desk.git("-C", clone, "rev-parse", "HEAD").stdout
    assert desk.git("-C", desk.folder / "root/team/demo.git", "rev-parse", "main").stdout == ours


def test_the_secret_is_nowhere_but_in_the_store(desk: Desk, server: GitHttpServer) -> None:
    url = server.url_for("team/demo.git")
    recorded = desk.folder / "started"
    for name in ("git", "sh"):
        program = desk.programs / name
        real = subprocess.run(["which", name], capture_output=True, check=True).stdout.decode().strip()
        program.write_text(_RECORDER.format(log=recorded, real=real))
        program.chmod(0o755)
    desk.login(url, "alice", CANARY, GIT_TRACE="1")
    traced = desk.clone(url, GIT_TRACE="1", GIT_CURL_VERBOSE="1", GIT_TRACE_SETUP="1")
    assert traced.returncode == 0
    assert b"git-credential-git-helper" in traced.stderr
    assert b"clone" in recorded.read_bytes()
    assert b"credential-cache" in recorded.read_bytes(), "login tells git's cache, by a child"
    assert not [form for form in forms(CANARY) if form in traced.stderr + traced.stdout + recorded.read_bytes()]
    assert CANARY not in (desk.folder / "clone/.git/config").read_text()
    assert leaks(CANARY, desk.folder) == []
    assert [path.name for path in leaks(CANARY, desk.home)] == ["credentials"]


def test_two_repositories_of_one_host_have_a_credential_each(desk: Desk, server: GitHttpServer) -> None:
    desk.git("config", "--global", "credential.useHttpPath", "true")
    desk.login(server.url_for("team/demo.git"), "alice", CANARY)
    desk.login(server.url_for("other/demo.git"), "bob", "pass-b")
    server.forget()
    assert desk.clone(server.url_for("team/demo.git"), "a").stderr == b""
    assert desk.clone(server.url_for("other/demo.git"), "b").stderr == b""
    assert {exchange for exchange in server.exchanges if exchange[0]} == {(f"alice:{CANARY}", 200), ("bob:pass-b", 200)}
    assert desk.get(server.url_for("attacker/x.git")) == {}, "a third repository gets neither"


def test_two_users_of_one_host(desk: Desk, server: GitHttpServer) -> None:
    desk.keep(server.url, "alice", CANARY)
    desk.keep(server.url, "bob", "pass-b")
    server.forget()
    assert desk.clone(server.url_for("team/demo.git", "alice"), "a").stderr == b""
    assert desk.clone(server.url_for("other/demo.git", "bob"), "b").stderr == b""
    assert desk.clone(server.url_for("other/demo.git", "carol"), "c").returncode == 128
    # Where the URL names a user, curl tries an empty password of its own first.
    secrets = {secret for secret, _ in server.exchanges if secret is not None and not secret.endswith(":")}
    assert secrets == {f"alice:{CANARY}", "bob:pass-b"}


def test_a_refused_password_is_forgotten_and_only_that(desk: Desk, server: GitHttpServer) -> None:
    team, alice, bob = (server.url_for(*words) for words in (("team/demo.git", "alice"), ("", "alice"), ("", "bob")))
    desk.keep(server.url, "alice", "outdated")
    desk.keep(server.url, "bob", "pass-b")
    assert desk.get(alice)["password"] == "outdated"
    refused = desk.clone(team)
    assert refused.returncode == 128
    assert b"Authentication failed" in refused.stderr
    assert desk.get(alice) == {}
    assert desk.get(bob)["password"] == "pass-b"
    desk.login(team, "alice", CANARY)
    assert desk.clone(team).stderr == b""
    assert desk.get(alice)["password"] == CANARY


def test_what_git_learnt_from_the_url_is_kept_without_the_url(desk: Desk, server: GitHttpServer) -> None:
    assert desk.clone(server.url_for("team/demo.git", "alice", CANARY), "first").returncode == 0
    assert desk.clone(server.url_for("team/demo.git"), "second").stderr == b""


def test_a_helper_before_us_answers_and_we_stay_silent(desk: Desk, server: GitHttpServer) -> None:
    desk.git("config", "--global", "--unset-all", "credential.helper")
    log = desk.helper("before", f"username=alice\npassword={CANARY}\n")
    desk.use("before", "git-helper")
    assert desk.clone(server.url_for("team/demo.git")).stderr == b""
    assert desk.operations(log) == ["get", "store"]


def test_a_helper_behind_us_answers_what_we_do_not_know(desk: Desk, server: GitHttpServer) -> None:
    log = desk.helper("behind", f"username=alice\npassword={CANARY}\n")
    desk.use("behind")
    assert desk.clone(server.url_for("team/demo.git"), "a").stderr == b""
    assert desk.operations(log) == ["get", "store"]
    assert desk.clone(server.url_for("team/demo.git"), "b").stderr == b""
    assert desk.operations(log) == ["get", "store", "store"], "git told us as well, so we know it now"


def test_a_helper_behind_us_is_told_what_we_knew(desk: Desk, server: GitHttpServer) -> None:
    desk.keep(server.url, "alice", CANARY)
    log = desk.helper("behind", "username=mallory\npassword=x\n")
    desk.use("behind")
    assert desk.clone(server.url_for("team/demo.git")).stderr == b""
    assert desk.operations(log) == ["store"]


def test_helpers_around_us_forget_with_us(desk: Desk, server: GitHttpServer) -> None:
    desk.keep(server.url, "alice", "outdated")
    log = desk.helper("behind")
    desk.use("behind")
    assert desk.clone(server.url_for("team/demo.git")).returncode == 128
    assert desk.operations(log) == ["erase"]
    assert desk.get(server.url) == {}


def test_us_twice_in_the_configuration_is_harmless(desk: Desk, server: GitHttpServer) -> None:
    desk.use("git-helper", f"!{BIN}/git-helper", str(BIN / "git-credential-git-helper"))
    assert desk.clone(server.url_for("team/demo.git")).returncode == 128
    desk.keep(server.url, "alice", CANARY)
    assert desk.clone(server.url_for("team/demo.git")).stderr == b""
    assert desk.run("git-helper", "token", server.url).stdout.decode() == CANARY + "\n"


@pytest.mark.parametrize(
    "value",
    ["git-helper", OURS, f"!'{BIN}/git-helper' --store file", f"{BIN}/git-credential-git-helper", f"{BIN}/git-helper"],
)
def test_every_way_of_naming_us(home: Path, tmp_path: Path, server: GitHttpServer, value: str) -> None:
    desk = Desk(home, tmp_path)
    desk.use(value)
    desk.keep(server.url, "alice", CANARY)
    assert desk.clone(server.url_for("team/demo.git")).stderr == b""


@pytest.mark.parametrize("source", ["variable", "netrc", "ci"])
def test_sources_without_a_store_are_enough(desk: Desk, server: GitHttpServer, source: str) -> None:
    user = {"variable": "git", "netrc": "alice", "ci": "gitlab-ci-token"}[source]
    server.realms = [Realm("/", [(user, CANARY)])]
    extra = {}
    if source == "variable":
        extra = {f"GIT_HELPER_TOKEN_127_0_0_1_{server.port}": CANARY}
    elif source == "netrc":
        (desk.home / ".netrc").write_text(f"machine 127.0.0.1 login alice password {CANARY}\n")
    else:
        extra = {"CI_JOB_TOKEN": CANARY, "CI_SERVER_HOST": "127.0.0.1", "CI_SERVER_PORT": str(server.port)}
    done = desk.clone(server.url_for("team/demo.git"), **extra)
    assert (done.returncode, done.stderr) == (0, b"")
    assert leaks(CANARY, desk.home, ".netrc") == [], "what is read each time is not copied into the store"


def test_submodules_fetched_at_once(desk: Desk, server: GitHttpServer) -> None:
    """Several of our processes answer one git."""
    server.realms = [Realm("/", [("alice", CANARY)])]
    desk.keep(server.url, "alice", CANARY)
    top = desk.folder / "top"
    assert desk.clone(server.url_for("team/demo.git"), "top").returncode == 0
    for name in ("one", "two", "three"):
        url = server.url_for("other/demo.git")
        assert desk.git("-C", top, "submodule", "add", "--quiet", url, name).returncode == 0
    desk.git("-C", top, "commit", "--quiet", "-m", "submodules")
    assert desk.git("-C", top, "push", "--quiet").returncode == 0
    done = desk.git(
        "clone", "--quiet", "--recurse-submodules", "--jobs=3", server.url_for("team/demo.git"), desk.folder / "all"
    )
    assert done.returncode == 0, done.stderr
    assert (desk.folder / "all/three/README.md").exists()
    assert desk.get(server.url)["password"] == CANARY
