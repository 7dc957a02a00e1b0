"""Git LFS of a repository behind SSH: git-lfs-authenticate on a real sshd, the objects over HTTPS."""

from __future__ import annotations

import base64
import json
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from git_helper.core.giturl import GitUrl
from git_helper.errors import GitHelperError, NotFound, Refused, Unreachable
from git_helper.git.lfs_objects import object_path
from git_helper.git.lfs_pointer import LfsPointer
from git_helper.git.ssh.lfs_authenticate import SshLfs, authenticate
from tests.git.ssh.served import Client
from tests.net.asked import Sources, basic, session
from tests.servers.git_http import Realm
from tests.servers.lfs import CONTENTS, LfsServer, oid
from tests.servers.sshd import USER, Keys, Sshd, public

StartSshd = Callable[..., Sshd]

TOKEN = "c4n4ry-t0k3n"
OPENS = f"Basic {base64.b64encode(f'alice:{TOKEN}'.encode()).decode()}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the server's shell finds its programs first."""
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


@pytest.fixture
def server(start_sshd: StartSshd, folder: Path) -> Sshd:
    return start_sshd(SetEnv=f"SHLVL=2 PATH={folder}:/usr/bin:/bin")


@pytest.fixture
def client(home: Path, keys: Keys, server: Sshd) -> Iterator[Client]:
    with Client(home) as found:
        found.knows(f"[127.0.0.1]:{server.port} {public(keys.key('host'))}")
        found.configure("Host *", f"IdentityFile {keys.key('user')}")
        yield found


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def api(tmp_path: Path, authority: trustme.CA) -> Iterator[LfsServer]:
    """An API that opens for alice only."""
    (tmp_path / "root").mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    one = LfsServer(tmp_path / "root", realms=[Realm("/team/", [("alice", TOKEN)])])
    one.tls = context
    with one:
        yield one


def says(folder: Path, *lines: str) -> None:
    """Makes git-lfs-authenticate, which also writes down how it was called."""
    program = folder / "git-lfs-authenticate"
    program.write_text("\n".join(["#!/bin/sh", f'printf "%s|" "$@" >>{folder}/asked', *lines, ""]))
    program.chmod(0o755)


def answers(folder: Path, content: object) -> None:
    """Has it print this."""
    (folder / "answer").write_text(json.dumps(content))
    says(folder, f"cat {folder}/answer")


def url_of(server: Sshd, path: str = "/team/demo.git") -> GitUrl:
    return GitUrl.parse(f"git+ssh://{USER}@127.0.0.1:{server.port}{path}")


def fetch(client: Client, url: GitUrl, authority: trustme.CA, into: Path, sources: Sources | None = None) -> None:
    """The first two contents."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    pointers = [LfsPointer(oid(content), len(content)) for content in CONTENTS[:2]]
    with session(sources, context_for=lambda _: context) as one:
        SshLfs(client.connections, one, url).fetch(pointers, str(into))


def test_the_server_says_where_and_with_what(
    client: Client, server: Sshd, folder: Path, api: LfsServer, authority: trustme.CA, tmp_path: Path
) -> None:
    endpoint = f"{api.url}/team/demo.git/info/lfs"
    answers(folder, {"href": endpoint, "header": {"Authorization": OPENS}, "expires_in": 60})
    own = Sources(basic("mallory", "other"))
    fetch(client, url_of(server), authority, tmp_path / "objects", own)
    for content in CONTENTS[:2]:
        assert Path(object_path(str(tmp_path / "objects"), oid(content))).read_bytes() == content
    assert (folder / "asked").read_text() == "/team/demo.git|download|"
    assert own.wanted == [], "what the server gave opens the door; nobody of ours is asked"
    by_path = {request.path: request.headers.get("authorization") for request in api.requests}
    assert by_path.pop("/team/demo.git/info/lfs/objects/batch") == OPENS
    assert set(by_path.values()) == {None}, "objects have addresses and headers of their own"


def test_without_a_header_our_own_credentials_open_it(
    client: Client, server: Sshd, folder: Path, api: LfsServer, authority: trustme.CA, tmp_path: Path
) -> None:
    answers(folder, {"href": f"{api.url}/team/demo.git/info/lfs"})
    own = Sources(basic("alice", TOKEN))
    fetch(client, url_of(server), authority, tmp_path / "objects", own)
    assert Path(object_path(str(tmp_path / "objects"), oid(CONTENTS[0]))).exists()
    assert own.wanted


def test_what_the_server_gave_is_refused(
    client: Client, server: Sshd, folder: Path, api: LfsServer, authority: trustme.CA, tmp_path: Path
) -> None:
    answers(folder, {"href": f"{api.url}/team/demo.git/info/lfs", "header": {"authorization": OPENS + "x"}})
    with pytest.raises(Refused) as caught:
        fetch(client, url_of(server), authority, tmp_path / "objects")
    assert TOKEN not in caught.value.message
    assert OPENS not in caught.value.message


def test_it_is_not_asked_when_nothing_is_missing(
    client: Client, server: Sshd, folder: Path, authority: trustme.CA, tmp_path: Path
) -> None:
    answers(folder, {})
    for content in CONTENTS[:2]:
        path = Path(object_path(str(tmp_path), oid(content)))
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    fetch(client, url_of(server), authority, tmp_path)
    assert server.connections == 0


@pytest.mark.parametrize(
    ("path", "asked", "endpoint"),
    [
        ("/team/demo.git", "/team/demo.git|download|", "https://127.0.0.1/team/demo.git/info/lfs"),
        ("/team/demo", "/team/demo|download|", "https://127.0.0.1/team/demo.git/info/lfs"),
        ("/a b/$HOME!.git", "/a b/$HOME!.git|download|", "https://127.0.0.1/a%20b/%24HOME%21.git/info/lfs"),
    ],
)
def test_where_it_is_when_the_server_does_not_say(
    client: Client, server: Sshd, folder: Path, path: str, asked: str, endpoint: str
) -> None:
    answers(folder, {"header": {"Authorization": OPENS}})
    access = authenticate(client.connections, url_of(server, path.replace(" ", "%20")))
    assert (access.endpoint, access.headers) == (endpoint, {"Authorization": OPENS})
    assert (folder / "asked").read_text() == asked
    assert TOKEN not in repr(access)
    assert OPENS not in repr(access)


@pytest.mark.parametrize(
    ("lines", "error", "reason"),
    [
        (["echo 'Invalid LFS operation' >&2", "exit 1"], Refused, "Invalid LFS operation"),
        (["exit 3"], Refused, "git-lfs-authenticate ended with 3"),
        (["echo Welcome"], Unreachable, "it is no JSON"),
        (["echo '[1]'"], Unreachable, "it is no object of JSON"),
        (["echo '{\"header\": [1]}'"], Unreachable, "it is no object of JSON"),
        (['echo \'{"header": {"a": "x\\\\r\\\\ny"}}\''], Unreachable, "a header field in it is none"),
        (['echo \'{"header": {"a b": "x"}}\''], Unreachable, "a header field in it is none"),
        (["head -c 2000000 /dev/zero"], Unreachable, "it is too long"),
        (['echo \'{"href": "http://good.example/x"}\''], Refused, "less safe than SSH"),
        (['echo \'{"href": "file:///etc/passwd"}\''], Refused, "less safe than SSH"),
    ],
)
def test_what_is_no_answer(
    client: Client, server: Sshd, folder: Path, lines: list[str], error: type[GitHelperError], reason: str
) -> None:
    says(folder, *lines)
    with pytest.raises(error) as caught:
        authenticate(client.connections, url_of(server))
    assert reason in caught.value.message
    assert "GIT_LFS_SKIP_SMUDGE" in (caught.value.hint or "")


def test_a_server_without_it(client: Client, server: Sshd) -> None:
    with pytest.raises(NotFound, match="its server has no 'git-lfs-authenticate'"):
        authenticate(client.connections, url_of(server))


def test_it_shares_the_connection_of_the_repository(client: Client, server: Sshd, folder: Path, bare: Path) -> None:
    answers(folder, {})
    client.repository(f"git+ssh://{USER}@127.0.0.1:{server.port}{bare}").ls_refs(["refs/heads/"])
    authenticate(client.connections, url_of(server, str(bare)))
    assert server.connections == 1
    client.connections.close()
    assert os.path.exists(folder / "asked")
    server.wait_for_end()
