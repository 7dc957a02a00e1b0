"""The Git server, asked by the real git."""

from __future__ import annotations

import gzip
import http.client
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from tests.servers.git_http import GitHttpServer, Realm, Redirect
from tests.servers.isolated import git
from tests.servers.repositories import make_repository, random_files, resolve

REPOSITORY = "team/demo.git"
PRIVATE = [Realm("/", [("alice", "p@ss:wörd")])]
OPEN = {"http.receivepack": "true"}


def clone(url: str, target: Path, env: dict[str, str], *config: str) -> subprocess.CompletedProcess[bytes]:
    options = [word for setting in config for word in ("-c", setting)]
    return git(*options, "clone", "--quiet", url, target, env=env, check=False)


def commit(clone_path: Path, env: dict[str, str], content: bytes = b"new\n") -> str:
    (clone_path / "new.txt").write_bytes(content)
    git("-C", clone_path, "add", "new.txt", env=env)
    git("-C", clone_path, "commit", "--quiet", "--message=new", env=env)
    return git("-C", clone_path, "rev-parse", "HEAD", env=env).stdout.decode().strip()


def test_a_public_repository_is_cloned_without_any_credential(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root) as server:
        assert clone(server.url_for(REPOSITORY), tmp_path / "c", env).returncode == 0
        assert (tmp_path / "c/tool.sh").stat().st_mode & 0o111
        assert {request.status for request in server.requests} == {200}
        assert server.authorizations == []


def test_credentials_in_the_url_open_a_private_repository(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=PRIVATE) as server:
        assert clone(server.url_for(REPOSITORY, "alice", "p@ss:wörd"), tmp_path / "c", env).returncode == 0
        assert server.exchanges[:2] == [(None, 401), ("alice:p@ss:wörd", 200)]
        assert server.requests[-1].user == "alice"
        assert server.requests[-1].sent > 1000


def test_without_a_credential_git_is_challenged_and_gives_up(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=PRIVATE) as server:
        done = clone(server.url_for(REPOSITORY), tmp_path / "c", env)
        assert done.returncode == 128
        assert b"could not read Username" in done.stderr
        assert server.exchanges == [(None, 401)]


def test_a_wrong_secret_is_refused(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=PRIVATE) as server:
        done = clone(server.url_for(REPOSITORY, "alice", "wrong"), tmp_path / "c", env)
        assert b"Authentication failed" in done.stderr
        assert server.exchanges == [(None, 401), ("alice:wrong", 401)]


@pytest.mark.parametrize(("deny", "message"), [(403, b"403"), (404, b"not found")])
def test_a_server_may_hide_what_is_private(
    root: Path, tmp_path: Path, env: dict[str, str], deny: int, message: bytes
) -> None:
    realm = Realm("/team", [("alice", "secret")], deny=deny)
    with GitHttpServer(root, realms=[realm]) as server:
        done = clone(server.url_for(REPOSITORY), tmp_path / "c", env)
        assert done.returncode == 128
        assert message in done.stderr
        header = "http.extraHeader=Authorization: Basic YWxpY2U6c2VjcmV0"  # alice:secret
        assert clone(server.url_for(REPOSITORY), tmp_path / "d", env, header).returncode == 0
        assert server.exchanges[:2] == [(None, deny), ("alice:secret", 200)]


def test_a_wrong_credential_may_get_another_status_than_none(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=[Realm("/", [("alice", "secret")], wrong=403)]) as server:
        clone(server.url_for(REPOSITORY, "alice", "old"), tmp_path / "c", env)
        assert server.exchanges == [(None, 401), ("alice:old", 403)]


def test_bearer_tokens(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=[Realm("/", [("ci", "t0ken")], scheme="Bearer")]) as server:
        url = server.url_for(REPOSITORY)
        assert clone(url, tmp_path / "c", env, "http.extraHeader=Authorization: Bearer t0ken").returncode == 0
        assert {request.bearer for request in server.requests} == {"t0ken"}
        assert {request.user for request in server.requests} == {"ci"}
        assert clone(url, tmp_path / "d", env, "http.extraHeader=Authorization: Bearer wrong").returncode == 128


def test_challenges_are_sent_as_they_are_given(root: Path) -> None:
    challenges = ('Basic realm="one"', 'Bearer realm="two", scope="repo"')
    with GitHttpServer(root, realms=[Realm("/", challenges=challenges)]) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.request("GET", f"/{REPOSITORY}/info/refs?service=git-upload-pack")
        response = connection.getresponse()
        assert response.status == 401
        assert response.headers.get_all("WWW-Authenticate") == list(challenges)
        connection.close()


def test_the_longest_prefix_decides(tmp_path: Path, env: dict[str, str]) -> None:
    for name in ("one.git", "open/two.git", "open/closed/three.git", "opened.git"):
        make_repository(tmp_path / "root" / name, 2)
    realms = [Realm("/", [("a", "1")]), Realm("/open/closed", [("b", "2")])]
    with GitHttpServer(tmp_path / "root", realms=realms, public=["/open/"]) as server:
        codes = {
            (name, user): clone(server.url_for(name, user, secret), tmp_path / f"{user}{name}", env).returncode
            for name in ("one.git", "open/two.git", "open/closed/three.git", "opened.git")
            for user, secret in (("a", "1"), ("b", "2"))
        }
    allowed = {key for key, code in codes.items() if code == 0}
    assert allowed == {
        ("one.git", "a"),
        ("opened.git", "a"),
        ("open/two.git", "a"),
        ("open/two.git", "b"),
        ("open/closed/three.git", "b"),
    }


def test_push_with_a_credential(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=PRIVATE) as server:
        clone(server.url_for(REPOSITORY, "alice", "p@ss:wörd"), tmp_path / "c", env)
        head = commit(tmp_path / "c", env)
        git("-C", tmp_path / "c", "push", "--quiet", "origin", "main", env=env)
        assert resolve(root / REPOSITORY, "main") == head
        assert server.requests[-1].path == f"/{REPOSITORY}/git-receive-pack"


def test_readers_may_not_push(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    realm = Realm("/", [("alice", "1"), ("rita", "2")], writers=["alice"])
    before = resolve(root / REPOSITORY, "main")
    with GitHttpServer(root, realms=[realm]) as server:
        clone(server.url_for(REPOSITORY, "rita", "2"), tmp_path / "c", env)
        commit(tmp_path / "c", env)
        done = git("-C", tmp_path / "c", "push", "origin", "main", env=env, check=False)
        assert done.returncode != 0
        assert server.requests[-1].status == 403
    assert resolve(root / REPOSITORY, "main") == before


def test_nobody_pushes_to_a_public_repository_unless_it_is_configured(
    root: Path, tmp_path: Path, env: dict[str, str]
) -> None:
    with GitHttpServer(root) as closed, GitHttpServer(root, config=OPEN) as open_server:
        clone(closed.url_for(REPOSITORY), tmp_path / "c", env)
        head = commit(tmp_path / "c", env)
        assert git("-C", tmp_path / "c", "push", "origin", "main", env=env, check=False).returncode != 0
        git("-C", tmp_path / "c", "push", open_server.url_for(REPOSITORY), "main", env=env)
    assert resolve(root / REPOSITORY, "main") == head


def test_a_push_in_chunks(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    content = next(value for value in random_files(1, 300_000).values() if isinstance(value, bytes))
    with GitHttpServer(root, config=OPEN) as server:
        clone(server.url_for(REPOSITORY), tmp_path / "c", env)
        head = commit(tmp_path / "c", env, content)
        git("-c", "http.postBuffer=65536", "-C", tmp_path / "c", "push", "origin", "main", env=env)
        chunked = [request for request in server.requests if request.headers.get("transfer-encoding") == "chunked"]
        assert max(request.received for request in chunked) > 300_000
    assert resolve(root / REPOSITORY, "main") == head


def test_a_request_body_may_be_compressed_and_the_connection_stays_open(root: Path) -> None:
    packets = b"0014command=ls-refs\n" + b"0016object-format=sha1" + b"0001" + b"001aref-prefix refs/heads/" + b"0000"
    headers = {
        "Content-Type": "application/x-git-upload-pack-request",
        "Content-Encoding": "gzip",
        "Git-Protocol": "version=2",
    }
    with GitHttpServer(root) as server:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        answers = []
        for chunked in (False, True):
            body = gzip.compress(packets)
            connection.request(
                "POST",
                f"/{REPOSITORY}/git-upload-pack",
                iter([body[:9], body[9:]]) if chunked else body,
                headers,
                encode_chunked=chunked,
            )
            answers.append(connection.getresponse().read())
        connection.close()
        assert resolve(root / REPOSITORY, "main").encode() + b" refs/heads/main" in answers[0]
        assert answers[0] == answers[1]
        assert [request.headers.get("transfer-encoding") for request in server.requests] == [None, "chunked"]
        assert {request.connection for request in server.requests} == {1}


def test_git_compresses_the_wishes_of_a_long_fetch(tmp_path: Path, env: dict[str, str]) -> None:
    bare = make_repository(tmp_path / "root/long.git", commits=40)
    with GitHttpServer(tmp_path / "root") as server:
        clone(server.url_for("long.git"), tmp_path / "c", env)
        git("-C", bare, "branch", "more", "main~1", env=env)
        for number in range(60):
            git("-C", tmp_path / "c", "commit", "--quiet", "--allow-empty", f"--message={number}", env=env)
        git("-C", bare, "fast-import", "--quiet", env=env, stdin=_one_more_commit(bare))
        git("-C", tmp_path / "c", "fetch", "--quiet", env=env)
        assert "gzip" in {request.headers.get("content-encoding") for request in server.requests}
    fetched = git("-C", tmp_path / "c", "rev-parse", "origin/more", env=env).stdout.decode().strip()
    assert fetched == resolve(bare, "more")


def _one_more_commit(bare: Path) -> bytes:
    head = (
        f"commit refs/heads/more\ncommitter Ada <ada@good.example> 1800000000 +0000\ndata 1\nx\nfrom {resolve(bare)}\n"
    )
    return head.encode() + b"M 100644 inline more.txt\ndata 4\nmore\n"


@pytest.mark.parametrize("version_2", [True, False])
def test_protocol_versions(root: Path, tmp_path: Path, env: dict[str, str], version_2: bool) -> None:
    with GitHttpServer(root, protocol_v2=version_2) as server:
        trace = {**env, "GIT_TRACE_PACKET": str(tmp_path / "trace")}
        assert clone(server.url_for(REPOSITORY), tmp_path / "c", trace).returncode == 0
    assert (b"command=ls-refs" in (tmp_path / "trace").read_bytes()) is version_2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_leads_to_another_server(root: Path, tmp_path: Path, env: dict[str, str], status: int) -> None:
    with GitHttpServer(root, host="127.0.0.2") as there:
        moved = Redirect("/old", there.url_for("team"), status)
        with GitHttpServer(root, redirects=[moved]) as here:
            assert clone(here.url_for("old/demo.git"), tmp_path / "c", env).returncode == 0
            assert [(request.path, request.status) for request in here.requests] == [
                ("/old/demo.git/info/refs", status)
            ]
            assert there.requests[0].query == "service=git-upload-pack"


def test_many_clones_at_once(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=PRIVATE) as server:
        url = server.url_for(REPOSITORY, "alice", "p@ss:wörd")
        with ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda number: clone(url, tmp_path / str(number), env), range(24)))
        assert [result.returncode for result in done] == [0] * 24
        assert len(server.requests) == 24 * 4


def test_https_with_a_private_authority(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with GitHttpServer(root, realms=PRIVATE, tls=context) as server:
        url = server.url_for(REPOSITORY, "alice", "p@ss:wörd")
        assert url.startswith("https://")
        assert clone(url, tmp_path / "c", env).returncode == 128
        assert clone(url, tmp_path / "d", env, f"http.sslCAInfo={tmp_path / 'ca.pem'}").returncode == 0


def test_a_missing_repository_is_404(root: Path, tmp_path: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root) as server:
        assert b"not found" in clone(server.url_for("team/none.git"), tmp_path / "c", env).stderr
        assert [request.status for request in server.requests] == [404]
