"""Refs and packs over SSH, from OpenSSH's own server: every version of the protocol, and what goes wrong on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Oid, Reference, UnsupportedObjectFormat, choose
from git_helper.errors import GitHelperError, NotFound, Refused, Unreachable, UsageError
from git_helper.git.http_answers import RepositoryNotFound
from git_helper.git.pkt_line import NotGit
from git_helper.git.ssh.repository import SshRepository
from tests.git.downloads import download
from tests.git.packs import checked_out, snapshot
from tests.git.ssh.served import Client
from tests.servers.isolated import environment, git
from tests.servers.repositories import make_repository, resolve
from tests.servers.sshd import USER, Keys, Sshd, public

StartSshd = Callable[..., Sshd]

VERSIONS = {
    "version 2": {},
    "version 1": {"SetEnv": "SHLVL=2 GIT_PROTOCOL=version=1"},
    "version 0": {"AcceptEnv": "NOTHING"},
}


@pytest.fixture(params=list(VERSIONS))
def spoken(
    request: pytest.FixtureRequest, start_sshd: StartSshd, home: Path, keys: Keys, bare: Path
) -> Iterator[SshRepository]:
    """demo.git on a server of each version of git's protocol."""
    server = start_sshd(**VERSIONS[request.param])
    with Client(home) as client:
        introduce(client, keys, server)
        yield client.repository(url_of(server, bare))


def introduce(client: Client, keys: Keys, *servers: Sshd) -> None:
    """`client` knows the servers and has the key `user`."""
    client.knows(*(f"[127.0.0.1]:{server.port} {public(keys.key('host'))}" for server in servers))
    client.configure("Host *", f"IdentityFile {keys.key('user')}")


def url_of(server: Sshd, path: Path | str, host: str = "127.0.0.1") -> str:
    """The URL of a repository."""
    return f"git+ssh://{USER}@{host}:{server.port}{path}"


def script(path: Path, *lines: str) -> str:
    """A shell script."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


# ---------------------------------------------------------------------- what git's protocol gives


@pytest.mark.parametrize("rev", [None, "main", "feature/slash", "twin", "v1.0.0", "refs/tags/twin"])
def test_a_reference_is_what_git_takes_it_for(spoken: SshRepository, bare: Path, rev: str | None) -> None:
    reference = Reference.parse(rev)
    choice = choose(reference, spoken.ls_refs(reference.ref_prefixes()))
    expected = "refs/heads/twin" if rev == "twin" else rev or "HEAD"
    assert choice.commit.hex == resolve(bare, f"{expected}^{{commit}}")


@pytest.mark.parametrize("rev", ["main", "v1.0.0", "main~2"])
def test_a_tree_is_what_git_checks_out(spoken: SshRepository, bare: Path, tmp_path: Path, rev: str) -> None:
    spoken.ls_refs(["refs/heads/"])
    download(spoken, Oid(resolve(bare, rev)), tmp_path / "new")
    assert snapshot(tmp_path / "new") == checked_out(bare, rev, tmp_path / "git")


def test_a_short_name_is_found_in_the_history(spoken: SshRepository, bare: Path) -> None:
    wanted = resolve(bare, "main~2")
    assert [oid.hex for oid in spoken.commits(wanted[:9])] == [wanted]
    assert spoken.commits("0" * 12) == []


def test_a_commit_that_no_ref_reaches(spoken: SshRepository, bare: Path, tmp_path: Path) -> None:
    lonely = (bare.parent / "lonely").read_text()
    try:
        download(spoken, Oid(lonely), tmp_path / "new")
    except GitHelperError as error:  # before version 2 the server gives only what is advertised
        assert isinstance(error, NotFound | Refused)
        assert not (tmp_path / "new").exists()
    else:
        assert snapshot(tmp_path / "new") == checked_out(bare, lonely, tmp_path / "git")


def test_an_object_that_nobody_has(spoken: SshRepository, tmp_path: Path) -> None:
    with pytest.raises(GitHelperError, match="1111111"):
        download(spoken, Oid("1" * 40), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_empty_repository(client: Client, sshd: Sshd, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", "--template=", tmp_path / "empty.git", env=environment(tmp_path))
    assert client.repository(url_of(sshd, tmp_path / "empty.git")).ls_refs(["refs/heads/"]).refs == ()


def test_a_repository_of_sha256(client: Client, sshd: Sshd, tmp_path: Path) -> None:
    path = make_repository(tmp_path / "new.git", object_format="sha256")
    with pytest.raises(UnsupportedObjectFormat):
        client.repository(url_of(sshd, path)).ls_refs(["refs/heads/"])


@pytest.mark.parametrize("name", ["größe", "a%20b", "plus+", "bang!", "a&b", "dollar$HOME", "semi;id", "star*", "(x)"])
def test_a_strange_path(client: Client, sshd: Sshd, tmp_path: Path, name: str) -> None:
    path = make_repository(tmp_path / name.replace("%20", " ") / "demo.git", 2)
    refs = client.repository(url_of(sshd, f"{tmp_path}/{name}/demo.git")).ls_refs(["refs/heads/main"])
    assert refs.refs[0].oid.hex == resolve(path, "main")


def test_a_path_in_the_home_folder(client: Client, sshd: Sshd) -> None:
    with pytest.raises(RepositoryNotFound) as caught:
        client.repository(url_of(sshd, "/~/there-is-no-such-repository.git")).ls_refs([""])
    assert "~/there-is-no-such-repository.git" in caught.value.message


# ---------------------------------------------------------------------- conversations and connections


def test_one_conversation_for_refs_and_packs(client: Client, sshd: Sshd, bare: Path, tmp_path: Path) -> None:
    repository = client.repository(url_of(sshd, bare))
    repository.ls_refs(["refs/heads/"])
    for rev in ("main", "develop", "v1.0.0"):
        download(repository, Oid(resolve(bare, rev)), tmp_path / rev)
    assert sshd.connections == 1
    assert sshd.log.count("Starting session: command") == 1


def test_a_conversation_goes_on_for_whoever_asks_next(client: Client, sshd: Sshd, bare: Path, tmp_path: Path) -> None:
    for rev in ("main", "develop"):
        client.repository(url_of(sshd, bare)).ls_refs(["refs/heads/"])
        download(client.repository(url_of(sshd, bare)), Oid(resolve(bare, rev)), tmp_path / rev)
    assert sshd.log.count("Starting session: command") == 1
    sshd.kill_sessions()
    assert client.repository(url_of(sshd, bare)).ls_refs(["refs/heads/"]).refs
    assert sshd.connections == 2


def test_one_connection_for_several_repositories(client: Client, sshd: Sshd, bare: Path, tmp_path: Path) -> None:
    other = make_repository(tmp_path / "other.git", 3)
    first, second = client.repository(url_of(sshd, bare)), client.repository(url_of(sshd, other))
    assert {ref.oid.hex for ref in first.ls_refs(["refs/heads/main"])} == {resolve(bare, "main")}
    assert {ref.oid.hex for ref in second.ls_refs(["refs/heads/main"])} == {resolve(other, "main")}
    assert {ref.oid.hex for ref in first.ls_refs(["refs/tags/first"])} == {resolve(bare, "first")}
    assert sshd.connections == 1


def test_many_repositories_at_once(client: Client, sshd: Sshd, bare: Path) -> None:
    wanted = resolve(bare, "main")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: client.repository(url_of(sshd, bare)).ls_refs(["refs/heads/main"]), range(40)))
    assert {ref.oid.hex for refs in found for ref in refs} == {wanted}
    assert sshd.connections <= 4


@pytest.mark.parametrize("most", [1, 2])
def test_a_server_that_allows_few_channels(
    start_sshd: StartSshd, home: Path, keys: Keys, bare: Path, most: int
) -> None:
    server = start_sshd(MaxSessions=str(most))
    with Client(home) as client:
        introduce(client, keys, server)
        repositories = [client.repository(url_of(server, bare)) for _ in range(4)]
        found = [{ref.oid.hex for ref in repository.ls_refs(["refs/heads/main"])} for repository in repositories]
        found += [{ref.oid.hex for ref in repository.ls_refs(["refs/heads/main"])} for repository in repositories]
    assert found == [{resolve(bare, "main")}] * 8


def test_a_connection_that_died_meanwhile(client: Client, sshd: Sshd, bare: Path) -> None:
    repository = client.repository(url_of(sshd, bare))
    before = repository.ls_refs(["refs/heads/"]).refs
    sshd.kill_sessions()
    assert repository.ls_refs(["refs/heads/"]).refs == before
    assert sshd.connections == 2


def test_nothing_is_left_after_fifty_connections(sshd: Sshd, home: Path, keys: Keys, bare: Path) -> None:
    def once(fetch: bool) -> None:
        with Client(home) as client:
            introduce(client, keys, sshd)
            repository = client.repository(url_of(sshd, bare))
            repository.ls_refs(["refs/heads/"])
            if fetch:
                repository.fetch(Oid(resolve(bare, "main")), lambda _: None)

    once(True)
    threads, files = threading.active_count(), open_files()
    for number in range(50):
        once(number % 10 == 0)
    sshd.wait_for_end()
    assert (threading.active_count(), open_files()) == (threads, files)
    assert sshd.living() == 0


@pytest.mark.parametrize("wrong", ["host key", "user key", "port", "command"])
def test_nothing_is_left_after_failures(
    sshd: Sshd, home: Path, keys: Keys, bare: Path, tmp_path: Path, wrong: str
) -> None:
    def once() -> None:
        with Client(home, connect=2) as client:
            client.knows(
                f"[127.0.0.1]:{sshd.port} {public(keys.key('other' if wrong == 'host key' else 'host'))}",
            )
            client.configure("Host *", f"IdentityFile {keys.key('other' if wrong == 'user key' else 'user')}")
            if wrong == "port":
                client.configure("Host *", f"ProxyCommand cat; echo {sshd.port} >&2")
            path = tmp_path / "none.git" if wrong == "command" else bare
            with pytest.raises((Refused, Unreachable, NotFound)):
                client.repository(url_of(sshd, path)).ls_refs(["refs/heads/"])

    once()
    threads, files = threading.active_count(), open_files()
    for _ in range(5):
        once()
    sshd.wait_for_end()
    assert (threading.active_count(), open_files()) == (threads, files)


def open_files() -> int:
    """The number of this process's open files, where the system tells."""
    folder = "/proc/self/fd"
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0


# ---------------------------------------------------------------------- what goes wrong


def test_a_repository_that_is_not_there(client: Client, sshd: Sshd, tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFound) as caught:
        client.repository(url_of(sshd, tmp_path / "none.git")).ls_refs(["refs/heads/"])
    assert "does not appear to be a git repository" in caught.value.message


@pytest.mark.parametrize(
    ("lines", "kind", "said"),
    [
        (["echo Welcome!", 'exec sh -c "$SSH_ORIGINAL_COMMAND"'], NotGit, "not of git's protocol"),
        (["echo 'ERROR: Repository not found.' >&2", "exit 1"], RepositoryNotFound, "Repository not found"),
        (["echo 'You are not allowed to read this' >&2", "exit 1"], Refused, "not allowed"),
        (["printf '0027ERR access denied or no such thing!'"], GitHelperError, "access denied"),
        (["printf '\\033[31mred\\033]0;title\\007' >&2", "exit 3"], Unreachable, "%1B[31mred"),
        (["exit 127"], Unreachable, "no 'git-upload-pack' on the server"),
        (["exit 0"], Unreachable, "nothing at all"),
        (["kill -9 $$"], Unreachable, "nothing at all"),
        (["printf '00zz'"], NotGit, "not of git's protocol"),
        (["printf '000eversion 2'"], Unreachable, "ended in the middle"),
    ],
)
def test_what_a_server_says_instead(
    start_sshd: StartSshd,
    home: Path,
    keys: Keys,
    bare: Path,
    tmp_path: Path,
    lines: list[str],
    kind: type[GitHelperError],
    said: str,
) -> None:
    server = start_sshd(ForceCommand=script(tmp_path / "forced", *lines))
    with Client(home) as client:
        introduce(client, keys, server)
        with pytest.raises(kind) as caught:
            client.repository(url_of(server, bare)).ls_refs(["refs/heads/"])
    assert said in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("size", [9_000_000])
def test_a_server_that_writes_much_to_stderr(
    start_sshd: StartSshd, home: Path, keys: Keys, bare: Path, tmp_path: Path, size: int
) -> None:
    noise = f"head -c {size} /dev/zero | tr '\\0' x | fold -w 99 >&2"
    server = start_sshd(ForceCommand=script(tmp_path / "noisy", noise, 'exec sh -c "$SSH_ORIGINAL_COMMAND"'))
    with Client(home) as client:
        introduce(client, keys, server)
        download(client.repository(url_of(server, bare)), Oid(resolve(bare, "main")), tmp_path / "new")
    assert (tmp_path / "new/README.md").is_file()


def test_a_server_that_stalls_before_it_says_anything(
    start_sshd: StartSshd, home: Path, keys: Keys, bare: Path
) -> None:
    server = start_sshd(ForceCommand="sleep 60")
    with Client(home, idle=0.5) as client:
        introduce(client, keys, server)
        begun = time.monotonic()
        with pytest.raises(Unreachable, match=r"nothing came for 0\.5 seconds") as caught:
            client.repository(url_of(server, bare)).ls_refs(["refs/heads/"])
    assert "--timeout" in (caught.value.hint or "")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("event", ["killed", "stopped"])
def test_a_server_that_ends_in_the_middle_of_a_pack(
    sshd: Sshd, home: Path, keys: Keys, large: Path, tmp_path: Path, event: str
) -> None:
    with Client(home, idle=1) as client:
        introduce(client, keys, sshd)
        repository = client.repository(url_of(sshd, large))
        received = 0

        def feed(data: bytes) -> None:
            nonlocal received
            if not received:
                sshd.signal_sessions(signal.SIGKILL if event == "killed" else signal.SIGSTOP)
            received += len(data)

        with pytest.raises(Unreachable) as caught:
            repository.fetch(Oid(resolve(large, "main")), feed)
        assert ("broke" if event == "killed" else "nothing came for 1 seconds") in caught.value.message
        assert 0 < received < 12_000_000
        with pytest.raises(Unreachable):
            sshd.signal_sessions(signal.SIGKILL)
            download(_Broken(repository, sshd), Oid(resolve(large, "main")), tmp_path / "new")
    assert not (tmp_path / "new").exists()


class _Broken:
    """A repository whose server is killed while it sends."""

    def __init__(self, repository: SshRepository, server: Sshd) -> None:
        self._repository = repository
        self._server = server

    def fetch(self, oid: Oid, feed: Callable[[bytes], None], depth: int | None = 1) -> None:
        """See Repository."""

        def kill(data: bytes) -> None:
            self._server.signal_sessions(signal.SIGKILL)
            feed(data)

        self._repository.fetch(oid, kill, depth)


@pytest.mark.parametrize(
    "url",
    [
        "ssh://good.example/it's.git",
        "ssh://good.example/it%27s.git",
        "ssh://good.example/a%22b.git",
        "ssh://good.example/`id`.git",
        "ssh://good.example/%2Dx/y.git",
        "ssh://u$(id)@good.example/x.git",
        "ssh://u;id@good.example/x.git",
    ],
)
def test_a_url_that_is_refused_before_anything_is_started(client: Client, url: str) -> None:
    client.configure("Host *", "ProxyCommand touch %d/started; cat")
    with pytest.raises(UsageError):
        client.repository(url).ls_refs(["refs/heads/"])
    assert not (client.home / "started").exists()


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=id/x.git",
        "ssh://-oProxyCommand=id@good.example/x.git",
        "ssh://git:password@good.example/x.git",
        "ssh://good.example/-oProxyCommand=id",
        "ssh://good.example/x%0Ay.git",
        "ssh://good.example/x%00y.git",
        "ssh://good.example%0a/x.git",
        "ssh://",
    ],
)
def test_a_url_that_no_parser_of_ours_takes(url: str) -> None:
    with pytest.raises(UsageError):
        GitUrl.parse(url)


def test_a_pack_of_some_size_is_whole(client: Client, sshd: Sshd, large: Path, tmp_path: Path) -> None:
    repository = client.repository(url_of(sshd, large))
    download(repository, Oid(resolve(large, "main")), tmp_path / "new")
    assert snapshot(tmp_path / "new") == checked_out(large, "main", tmp_path / "git")


def test_no_word_of_paramiko_reaches_stderr(
    client: Client, sshd: Sshd, bare: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    repository = client.repository(url_of(sshd, bare))
    repository.ls_refs(["refs/heads/"])
    sshd.kill_sessions()
    client.configure("Host *", "Ciphers 3des-cbc")
    with pytest.raises(Unreachable):
        repository.ls_refs(["refs/heads/"])
    assert capfd.readouterr() == ("", "")
