"""Refs and packs from real servers of every version of the protocol, and what those say that have none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_helper.core.reference import Oid, Reference, UnsupportedObjectFormat, choose
from git_helper.errors import NotFound, Refused, Unreachable
from git_helper.git.http_answers import RepositoryNotFound
from git_helper.git.pkt_line import NotGit, ServerError
from tests.git.downloads import Reports, download
from tests.git.packs import checked_out, snapshot
from tests.git.served import Version1Server, dulwich_server, opened, scripted, served
from tests.servers.git_http import Fault, GitHttpServer, Realm, Redirect
from tests.servers.http_message import Request, Response
from tests.servers.isolated import environment, git
from tests.servers.repositories import make_repository, resolve
from tests.support import ROOT

Server = Callable[[], GitHttpServer]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A server's folder with demo.git: five commits on main, and a commit that no ref reaches."""
    bare = make_repository(tmp_path / "root/demo.git", 5)
    env = environment(tmp_path)
    tree = git("-C", bare, "rev-parse", "main~3^{tree}", env=env).stdout.strip().decode()
    lonely = git("-C", bare, "commit-tree", tree, "-m", "lonely", env=env).stdout.strip().decode()
    (tmp_path / "lonely").write_text(lonely)
    return tmp_path / "root"


@pytest.fixture(params=["version 2", "version 1", "version 0", "dulwich"])
def url(request: pytest.FixtureRequest, root: Path) -> Iterator[str]:
    """demo.git on a server of each kind."""
    if request.param == "dulwich":
        with dulwich_server(root / "demo.git") as found:
            yield found
        return
    kind = Version1Server if request.param == "version 1" else GitHttpServer
    with kind(root, protocol_v2=request.param != "version 0") as server:
        yield f"{server.url}/demo.git"


@pytest.mark.parametrize(
    "rev", [None, "main", "develop", "feature/slash", "twin", "v1.0.0", "first", "refs/tags/twin", "HEAD"]
)
def test_a_reference_is_what_git_takes_it_for(url: str, root: Path, rev: str | None) -> None:
    reference = Reference.parse(rev)
    with opened(url) as repository:
        choice = choose(reference, repository.ls_refs(reference.ref_prefixes()))
    assert choice.commit.hex == resolve(
        root / "demo.git", f"{'refs/heads/twin' if rev == 'twin' else rev or 'HEAD'}^{{commit}}"
    )
    if rev in (None, "HEAD"):
        assert choice.ref == "refs/heads/main"


@pytest.mark.parametrize("rev", ["main", "v1.0.0", "main~2"])
def test_a_tree_is_what_git_checks_out(url: str, root: Path, tmp_path: Path, rev: str) -> None:
    oid = Oid(resolve(root / "demo.git", rev))
    with opened(url) as repository:
        download(repository, oid, tmp_path / "new")
    assert snapshot(tmp_path / "new") == checked_out(root / "demo.git", rev, tmp_path / "git")


def test_a_short_name_is_found_in_the_history(url: str, root: Path) -> None:
    wanted = resolve(root / "demo.git", "main~2")
    reference = Reference.parse(wanted[:9])
    with opened(url) as repository:
        refs = repository.ls_refs(reference.ref_prefixes())
        assert choose(reference, refs, repository.commits(wanted[:9])).commit.hex == wanted
        assert repository.commits("0" * 12) == []
        everything = {oid.hex for oid in repository.commits("")}
    listed = git("-C", root / "demo.git", "rev-list", "--all", env=environment(root)).stdout.decode()
    assert everything == set(listed.split("\n")) - {""}


def test_a_commit_that_is_nowhere(url: str, tmp_path: Path) -> None:
    with opened(url) as repository, pytest.raises((NotFound, ServerError)):
        download(repository, Oid("5" * 40), tmp_path / "x/new")
    assert not (tmp_path / "x").exists()


def test_a_commit_that_no_ref_reaches(root: Path, tmp_path: Path) -> None:
    oid = Oid((tmp_path / "lonely").read_text())
    with GitHttpServer(root) as server, opened(f"{server.url}/demo.git") as repository:
        download(repository, oid, tmp_path / "new")
    assert snapshot(tmp_path / "new") == checked_out(root / "demo.git", oid.hex, tmp_path / "git")


def test_one_small_request_for_a_reference(root: Path) -> None:
    with GitHttpServer(root) as server, opened(f"{server.url}/demo.git") as repository:
        repository.ls_refs(Reference.parse("main").ref_prefixes())
        (request,) = server.requests
    assert str(request) == "POST /demo.git/git-upload-pack -> 200"
    head = sum(len(name) + len(value) + 4 for name, value in request.header_lines)
    assert head + request.received + request.sent < 700


def test_one_request_for_a_pinned_commit(root: Path, tmp_path: Path) -> None:
    with GitHttpServer(root) as server, opened(f"{server.url}/demo.git") as repository:
        download(repository, Oid(resolve(root / "demo.git")), tmp_path / "new")
        assert [request.method for request in server.requests] == ["POST"]


# ---------------------------------------------------------------------- servers that give less


class StrictServer(GitHttpServer):
    """Gives only what its refs name, as some servers do: it answers any other want with an error."""

    def answer(self, request: Request) -> Response:
        if request.method == "POST":
            content = b"".join(request.body)
            if any(b"want " + oid.encode() in content for oid in self.forbidden):
                said = b"ERR upload-pack: not our ref"
                return Response(200, _RESULT, b"%04x%b" % (len(said) + 4, said))
            request.body = Again(content)  # type: ignore[assignment]
        return super().answer(request)

    forbidden: tuple[str, ...] = ()


class Again:
    """A request's body that was read before."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.received = len(content)
        self.ended = True
        self.awaited = False

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.content])


_RESULT = [("Content-Type", "application/x-git-upload-pack-result")]


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize("version_2", [True, False])
def test_a_commit_by_way_of_its_branch(root: Path, tmp_path: Path, filters: bool, version_2: bool) -> None:
    oid = resolve(root / "demo.git", "main~2")
    config = {"uploadpack.allowFilter": str(filters).lower()}
    with StrictServer(root, config=config, protocol_v2=version_2) as server:
        server.forbidden = (oid,)
        with opened(f"{server.url}/demo.git") as repository:
            told = Reports()
            download(repository, Oid(oid), tmp_path / "new", told)
            assert snapshot(tmp_path / "new") == checked_out(root / "demo.git", oid, tmp_path / "git")
            # With a filter the nearest tip (develop or v1.0.0, main's last but one) is fetched just so deep.
            _, objects, _ = told[-1]
            assert (objects < 20) == filters
            server.forbidden = (oid, "5" * 40)
            with pytest.raises(NotFound):
                download(repository, Oid("5" * 40), tmp_path / "none")


class FlatServer(GitHttpServer):
    """Knows no depth."""

    def answer(self, request: Request) -> Response:
        if request.method == "POST":
            content = b"".join(request.body)
            if b"deepen" in content:
                said = b"ERR shallow is not supported"
                return Response(200, _RESULT, b"%04x%b" % (len(said) + 4, said))
            request.body = Again(content)  # type: ignore[assignment]
        return super().answer(request)


@pytest.mark.parametrize("version_2", [True, False])
def test_without_depth_the_whole_history_comes(root: Path, tmp_path: Path, version_2: bool) -> None:
    with FlatServer(root, protocol_v2=version_2) as server, opened(f"{server.url}/demo.git") as repository:
        download(repository, Oid(resolve(root / "demo.git", "main~1")), tmp_path / "new")
    assert snapshot(tmp_path / "new") == checked_out(root / "demo.git", "main~1", tmp_path / "git")


# ---------------------------------------------------------------------- doors


def test_user_and_token_of_the_url(root: Path, tmp_path: Path) -> None:
    realms = [Realm("/", [("alice", "s3cr3t✓")])]
    with GitHttpServer(root, realms=realms) as server:
        with opened(server.url_for("demo.git", "alice", "s3cr3t✓")) as repository:
            refs = repository.ls_refs(["HEAD"])
            assert refs.credential is not None
            assert refs.credential.source == "URL"
            download(repository, refs.refs[0].oid, tmp_path / "new")
        assert server.exchanges == [("alice:s3cr3t✓", 200)] * 2
        with opened(server.url_for("demo.git", "alice", "wr0ng")) as repository, pytest.raises(Refused) as caught:
            repository.ls_refs(["HEAD"])
        assert "wr0ng" not in str(caught.value)


def test_a_repository_that_has_moved(root: Path, tmp_path: Path) -> None:
    with GitHttpServer(root, redirects=[Redirect("/old/name.git", "/demo.git", 301)]) as server:
        with opened(f"{server.url}/old/name.git") as repository:
            oid = choose(Reference.parse(None), repository.ls_refs(["HEAD"])).commit
            download(repository, oid, tmp_path / "new")
        assert [f"{request}" for request in server.requests] == [
            "POST /old/name.git/git-upload-pack -> 301",
            "GET /old/name.git/info/refs?service=git-upload-pack -> 301",
            "GET /demo.git/info/refs?service=git-upload-pack -> 200",
            "POST /demo.git/git-upload-pack -> 200",
            "POST /demo.git/git-upload-pack -> 200",
        ]


def test_a_name_and_password_stay_with_their_origin(root: Path) -> None:
    with GitHttpServer(root, host="127.0.0.2") as other:
        redirects = [Redirect("/", other.url)]
        with GitHttpServer(root, redirects=redirects) as server:
            with opened(server.url_for("demo.git", "alice", "s3cr3t")) as repository:
                assert repository.ls_refs(["HEAD"]).refs
            assert server.authorizations
            assert other.authorizations == []


def test_a_redirect_to_what_is_no_repository() -> None:
    def script(request: Request) -> Response:
        if request.path == "/elsewhere":
            return Response(200, [("Content-Type", KIND % "advertisement")], V2)
        return Response(302, [("Location", "/elsewhere")])

    with scripted(script) as repository, pytest.raises(NotGit, match="redirects to what is no repository"):
        repository.ls_refs(["HEAD"])


# ---------------------------------------------------------------------- answers that are not git's


def test_no_such_repository(root: Path) -> None:
    (case,) = [case for case in json.loads((ROOT / "tests/cases/git-auth.json").read_text()) if case["id"] == "GIT-014"]
    server = GitHttpServer(root, realms=[Realm("/", [("u", "p")], deny=404)])
    with served(server) as repository, pytest.raises(RepositoryNotFound) as caught:
        repository.ls_refs(["HEAD"])
    assert caught.value.hint == case["expected"]["hint"]
    assert caught.value.error == case["expected"]["error"]
    assert f"'{server.url}/demo.git'" in caught.value.message


def answer(status: int = 200, kind: str = "text/html", body: bytes = b"") -> Callable[[Request], Response]:
    return lambda request: Response(status, [("Content-Type", kind)] if kind else [], body)


DUMB = b"1" * 40 + b"\trefs/heads/main\n"
PACKET = b"%04x%b"
STRANGE = {
    "login page": (answer(body=b"<html>log in"), NotGit, "with a web page instead of Git"),
    "dumb": (answer(kind="text/plain", body=DUMB), NotGit, "'dumb' HTTP"),
    "dumb without type": (answer(kind="", body=DUMB), NotGit, "'dumb' HTTP"),
    "dumb and empty": (answer(kind="text/plain"), NotGit, "'dumb' HTTP"),
    "image": (answer(kind="image/png", body=b"\x89PNG"), NotGit, "answered with 'image/png'"),
    "teapot": (
        answer(418, "text/plain", b"I am a \x1b[31mteapot\nmore"),
        NotGit,
        r"answered 418 \(I am a %1B\[31mteapot\)",
    ),
    "forbidden": (answer(403, "text/plain", b"pay first\n"), Refused, r"refuses access to .* \(pay first\)"),
    "gone": (answer(410, "text/html"), RepositoryNotFound, "cannot find"),
    "busy": (answer(503), Unreachable, "answered 503"),
    "too many": (answer(429), Unreachable, "answered 429"),
    "broken": (answer(500), NotGit, "answered 500"),
}
KIND = "application/x-git-upload-pack-%s"


@pytest.mark.parametrize("name", STRANGE)
def test_strange_answers(name: str) -> None:
    script, error, message = STRANGE[name]
    with scripted(script) as repository:
        with pytest.raises(error, match=message):
            repository.ls_refs(["HEAD"])
        with pytest.raises(error, match=message):
            repository.fetch(Oid("1" * 40), lambda data: None)


def git_answer(post: bytes, get: bytes) -> Callable[[Request], Response]:
    def script(request: Request) -> Response:
        kind = "result" if request.method == "POST" else "advertisement"
        return Response(200, [("Content-Type", KIND % kind)], post if request.method == "POST" else get)

    return script


def line(text: bytes) -> bytes:
    return PACKET % (len(text) + 4, text)


V2 = line(b"version 2\n") + line(b"fetch=shallow\n") + b"0000"
WRONG_PACKETS = {
    "error": (line(b"ERR not \x1b[1mtoday, u:p@host\n"), V2, ServerError, r"says: not %1B\[1mtoday, u:\*\*\*\*@host"),
    "empty": (b"", V2, NotGit, "empty answer"),
    "cut length": (b"00", V2, Unreachable, "ended in the middle"),
    "cut packet": (b"0032" + b"1" * 20, V2, Unreachable, "ended in the middle"),
    "no flush": (line(b"1" * 40 + b" HEAD\n"), V2, Unreachable, "ended in the middle"),
    "no length": (b"hello world", V2, NotGit, "not of git's protocol"),
    "length 3": (b"0003", V2, NotGit, "not of git's protocol"),
    "too long": (b"fff5", V2, NotGit, "not of git's protocol"),
    "no name": (line(b"1" * 40), V2, NotGit, "cannot be read"),
    "no object": (line(b"xyz HEAD"), V2, NotGit, "no name"),
    "no refs in version 0": (b"", line(b"rubbish"), NotGit, "cannot be read"),
}


@pytest.mark.parametrize("name", WRONG_PACKETS)
def test_wrong_packets(name: str) -> None:
    post, get, error, message = WRONG_PACKETS[name]
    with scripted(git_answer(post, get)) as repository:
        with pytest.raises(error, match=message) as caught:
            repository.ls_refs(["HEAD"])
        assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["nothing", "error on band 3", "unknown band", "cut", "empty packet", "acknowledgments"]
)
def test_wrong_packs(name: str) -> None:
    head = line(b"packfile\n")
    answers = {
        "nothing": (b"0000", NotGit, "no pack"),
        "error on band 3": (head + line(b"\1PACK") + line(b"\3out of memory\n"), ServerError, "says: out of memory"),
        "unknown band": (head + line(b"\7what"), ServerError, "says"),
        "cut": (head + line(b"\1PACK"), Unreachable, "ended in the middle"),
        "empty packet": (head + b"0004", ServerError, "says: nothing"),
        "acknowledgments": (line(b"acknowledgments\n") + line(b"NAK\n") + b"0000", NotGit, "no pack"),
    }
    body, error, message = answers[name]
    with scripted(git_answer(body, V2)) as repository, pytest.raises(error, match=message):
        repository.fetch(Oid("1" * 40), lambda data: None)


def test_messages_of_the_server_are_passed_over(root: Path) -> None:
    """Nobody asks for them; a pack goes on around them."""
    parts = (b"packfile\n", b"\2one\ntw", b"\1PA", b"\2o\rthree\x1b[2J\n", b"\1CK", b"\2end")
    fed: list[bytes] = []
    with scripted(git_answer(b"".join(map(line, parts)) + b"0000", V2)) as repository:
        repository.fetch(Oid("1" * 40), fed.append)
    assert b"".join(fed) == b"PACK"


def test_sha256_is_refused_by_name(tmp_path: Path) -> None:
    make_repository(tmp_path / "root/demo.git", object_format="sha256")
    for version_2 in (True, False):
        with served(GitHttpServer(tmp_path / "root", protocol_v2=version_2)) as repository:
            with pytest.raises(UnsupportedObjectFormat, match=r"'http.*/demo\.git': .* SHA256"):
                repository.ls_refs(["HEAD"])
            with pytest.raises(UnsupportedObjectFormat, match=r"'http.*/demo\.git': .* SHA256"):
                repository.fetch(Oid("1" * 40), lambda data: None)


@pytest.mark.parametrize("version_2", [True, False])
def test_an_empty_repository(tmp_path: Path, version_2: bool) -> None:
    (tmp_path / "root").mkdir()
    git("init", "--quiet", "--bare", tmp_path / "root/demo.git", env=environment(tmp_path))
    with served(GitHttpServer(tmp_path / "root", protocol_v2=version_2)) as repository:
        assert repository.ls_refs(["HEAD"]).refs == ()
        assert repository.commits("1234567") == []
        with pytest.raises((NotFound, ServerError)):
            repository.fetch(Oid("1" * 40), lambda data: None)


@pytest.mark.parametrize("reset", [True, False])
def test_a_server_that_dies_in_the_middle(root: Path, tmp_path: Path, reset: bool) -> None:
    fault = Fault(suffix="/git-upload-pack", drop_after=300, reset=reset)
    oid = Oid(resolve(root / "demo.git"))
    with GitHttpServer(root, faults=[fault]) as server, opened(f"{server.url}/demo.git") as repository:
        with pytest.raises(Unreachable):
            download(repository, oid, tmp_path / "x/new")
        assert not (tmp_path / "x").exists()
        server.faults.clear()
        download(repository, oid, tmp_path / "x/new")
        assert (tmp_path / "x/new/README.md").is_file()
