"""`resolve` through the real executable against real servers: what it prints, what it asks, how it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import CANARY, resolved, run
from tests.git.served import Version1Server, dulwich_server
from tests.servers.git_http import Fault, GitHttpServer, Realm
from tests.servers.http_message import Request, Response, plain
from tests.servers.index import IndexServer
from tests.servers.repositories import make_repository
from tests.servers.repositories import resolve as commit_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A server's folder with team/demo.git and team/other.git."""
    make_repository(tmp_path / "root/team/demo.git", 3, {"a": "a"})
    make_repository(tmp_path / "root/team/other.git", 2, {"b": "b"})
    return tmp_path / "root"


@pytest.fixture
def server(root: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(root) as running:
        yield running


FILE = """\
# what we need\r
--index-url http://me:{canary}@{index}/simple/

demo[extra] @ git+{url}/team/demo.git@v1.0.0 ; python_version > "3"  # pinned some day
\tgit+{url_with_user}/team/demo.git#subdirectory=x&egg=demo \\
   --hash=sha256:{hash}
requests >= 2 ; python_version > "3"
wheel @ http://me:{canary}@{index}/files/w/w-1.0-py3-none-any.whl#sha256={hash}
-c constraints.txt
ssh @ git+ssh://git@good.example/o/r.git@{forty}
"""
PINNED = """\
# what we need\r
--index-url http://{index}/simple/

demo[extra] @ git+{url}/team/demo.git@{tag} ; python_version > "3"  # pinned some day
\tgit+{url}/team/demo.git@{main}#subdirectory=x&egg=demo \\
   --hash=sha256:{hash}
requests >= 2 ; python_version > "3"
wheel @ http://{index}/files/w/w-1.0-py3-none-any.whl#sha256={hash}
-c constraints.txt
ssh @ git+ssh://git@good.example/o/r.git@{forty}
"""


@pytest.fixture
def index() -> Iterator[IndexServer]:
    """An index that only `me` may read."""
    files = {"w": {"w-1.0-py3-none-any.whl": b"a wheel"}}
    with IndexServer(files, [Realm("/", [("me", CANARY)])]) as running:
        yield running


def fields(server: GitHttpServer, root: Path, index: IndexServer) -> dict[str, str]:
    demo = root / "team/demo.git"
    return {
        "index": index.netloc,
        "url": server.url,
        "url_with_user": server.url_for("", "me", CANARY).rstrip("/"),
        "canary": CANARY.replace("/", "%2F"),
        "hash": "0" * 64,
        "forty": "f" * 40,
        "tag": commit_of(demo, "v1.0.0^{commit}"),
        "main": commit_of(demo),
    }


def test_requirements_are_written_back_with_only_the_urls_changed(
    server: GitHttpServer, root: Path, tmp_path: Path, index: IndexServer
) -> None:
    server.realms = [Realm("/team/none", [("me", CANARY)])]
    known = fields(server, root, index)
    (tmp_path / "requirements.txt").write_bytes(FILE.format(**known).encode())
    (tmp_path / "constraints.txt").write_text("urllib3 < 3\n")
    words = ["resolve", "-q", "--format", "requirements", "-r", "requirements.txt"]
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    sent = (f"me:{CANARY}", 200)
    assert sorted(index.exchanges) == [sent, sent]
    assert done.stdout == PINNED.format(**known).encode()
    # The two users are asked for separately, and each only once.
    assert len(server.requests) == 2

    (tmp_path / "requirements.txt").write_bytes(done.stdout)
    server.forget()
    again = run(*words, "--offline", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    # An index that cannot be had is an error; the file is written nevertheless.
    without = run(*words, cwd=tmp_path)
    assert (without.returncode, without.stdout) == (3, done.stdout)
    assert server.requests == []


def test_the_text_is_one_requirement_on_each_line(server: GitHttpServer, root: Path, index: IndexServer) -> None:
    known = fields(server, root, index)
    url = index.url_for("files/w/w-1.0-py3-none-any.whl", "me", CANARY)
    words = [
        f"demo[b, a] @ git+{known['url']}/team/demo.git@first ; python_version>'3'",
        f"git+{known['url_with_user']}/team/other.git/@twin#egg=x",
        "requests[security]>=2;python_version>'3'",
        "./a/folder",
        f"w @ {url}",
    ]
    done = run("resolve", *words)
    demo, other = (root / f"team/{name}.git" for name in ("demo", "other"))
    assert done.stdout.decode().split("\n") == [
        f"demo[b,a] @ git+{server.url}/team/demo.git@{commit_of(demo, 'first')} ; python_version>'3'",
        f"git+{server.url}/team/other.git/@{commit_of(other, 'refs/heads/twin')}#egg=x",
        "requests[security]>=2;python_version>'3'",
        "./a/folder",
        f"w @ {index.url}/files/w/w-1.0-py3-none-any.whl",
        "",
    ]
    assert done.returncode == 0
    assert f"{index.url}/files/w/w-1.0-py3-none-any.whl: 200, 7B, credential from: URL" in done.stderr.decode()
    assert done.stderr.decode().count("'twin' is a branch and a tag") == 1
    assert run("resolve", "-q", words[1]).stderr == b""


def test_the_json(server: GitHttpServer, root: Path) -> None:
    server.realms = [Realm("/", [("me", CANARY)])]
    url, demo = f"{server.url}/team/demo.git", root / "team/demo.git"
    words = [f"demo @ git+{server.url_for('team/demo.git', 'me', CANARY)}@v1.1.0#subdirectory=a/b", "requests>=2"]
    commit = commit_of(demo, "v1.1.0^{commit}")
    done = run("resolve", "--format", "json", *words)
    git = {
        "name": "demo",
        "kind": "git",
        "url": url,
        "commit": commit,
        "requested_revision": "v1.1.0",
        "subdirectory": "a/b",
        "resolved_ref": "refs/tags/v1.1.0",
        "pinned": f"demo @ git+{url}@{commit}#subdirectory=a/b",
        "direct_url": {
            "url": url,
            "vcs_info": {"vcs": "git", "commit_id": commit, "requested_revision": "v1.1.0"},
            "subdirectory": "a/b",
        },
        "credential": {"source": "URL", "username": "me"},
        "cached": False,
    }
    expected = [git, {"name": "requests", "kind": "name", "url": "requests>=2"}]
    assert done.stdout.decode() == json.dumps(expected, indent=2) + "\n"


def test_one_failure_stops_no_other_and_the_worst_code_wins(server: GitHttpServer, root: Path) -> None:
    server.realms = [Realm("/private", [("me", CANARY)])]
    server.faults = [Fault("/forbidden", status=403, body=b"not for you\n")]
    names = ("team/demo.git@nowhere", "private/a.git", "forbidden/a.git", "hidden/a.git", "team/demo.git@main")
    words = [f"git+{server.url}/{name}" for name in names] + ["git+https://h/%0a", "git+http://127.0.0.1:1/a.git"]
    found = resolved(*words)
    assert [one.get("error") for one in found] == [
        "ref-not-found",
        "authentication-required",
        "refused",
        "repository-not-found",
        None,
        "invalid-url",
        "unreachable",
    ]
    assert found[4]["commit"] == commit_of(root / "team/demo.git")
    assert found[0]["message"].startswith(f"cannot find 'nowhere' in '{server.url}/team/demo.git': ")
    assert all(one["message"] and set(one) == {"kind", "url", "error", "message", "hint"} for one in found[:4])
    done = run("resolve", *words)
    assert done.stdout.decode() == f"{found[4]['pinned']}\n"
    assert done.returncode == 6
    assert done.stderr.decode().count("git-helper: error: ") == 6
    written = run("resolve", "--format", "requirements", words[0], words[4])
    assert (written.returncode, written.stdout) == (6, b"")  # half a file would be taken for a whole one


def test_one_error_is_said_once(server: GitHttpServer) -> None:
    done = run("resolve", *[f"name{number} @ git+{server.url}/none.git@v{number}" for number in range(5)])
    assert done.stderr.decode().count("error:") == 1
    assert done.returncode == 6


class Meeting(GitHttpServer):
    """Answers when as many requests are waiting as `barrier` wants."""

    barrier = threading.Barrier(1)

    def answer(self, request: Request) -> Response:
        self.barrier.wait(20)
        return super().answer(request)


def test_repositories_are_asked_at_once_and_each_one_time(root: Path) -> None:
    with Meeting(root) as server:
        server.barrier = threading.Barrier(2)
        revisions = ("main", "develop", "v1.0.0", "refs/tags/first", "feature/slash")
        names = ("team/demo.git", "team/other.git")
        found = resolved(*[f"git+{server.url}/{name}@{rev}" for rev in revisions for name in names])
        assert [one["resolved_ref"].rpartition("/")[2] for one in found[::2]] == [
            rev.split("/")[-1] for rev in revisions
        ]
        assert sorted(request.path for request in server.requests) == [f"/{name}/git-upload-pack" for name in names]
    assert len({one["commit"] for one in found}) > 4


def test_an_old_server(root: Path) -> None:
    known = {rev: commit_of(root / "team/demo.git", f"{rev}^{{commit}}") for rev in ("HEAD", "develop", "v1.0.0")}
    with (
        GitHttpServer(root, protocol_v2=False) as v0,
        Version1Server(root) as v1,
        dulwich_server(root / "team/demo.git") as other,
    ):
        for url in (f"{v0.url}/team/demo.git", f"{v1.url}/team/demo.git", other):
            found = resolved(*[f"git+{url}@{rev}" for rev in known])
            assert [one.get("commit") for one in found] == list(known.values()), url


def test_a_short_hash_of_the_history(server: GitHttpServer, root: Path) -> None:
    commit = commit_of(root / "team/demo.git", "main~1")
    (found,) = resolved(f"git+{server.url}/team/demo.git@{commit[:9].upper()}")
    assert (found["commit"], found["resolved_ref"]) == (commit, None)


def test_nested_files(server: GitHttpServer, root: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text(f"-r sub/b.txt\ngit+{server.url}/team/demo.git\n")
    (tmp_path / "sub/b.txt").write_text(f"-r ../a.txt\n-c c.txt\ngit+{server.url}/team/other.git@main\n")
    (tmp_path / "sub/c.txt").write_text("one < 2\n")
    (tmp_path / "bad.txt").write_text(f"ok\ngit+{server.url}/team/demo.git@main~1\n\n-r http://127.0.0.1:1/x.txt\n")
    done = run("resolve", "-r", "a.txt", cwd=tmp_path)
    main, other = (commit_of(root / f"team/{name}.git") for name in ("demo", "other"))
    assert done.stdout.decode().split("\n")[:-1] == [
        f"git+{server.url}/team/other.git@{other}",
        f"git+{server.url}/team/demo.git@{main}",
    ]
    done = run("resolve", "-r", "bad.txt", cwd=tmp_path)
    assert done.stderr.startswith(b"git-helper: error: cannot reach 'http://127.0.0.1:1/x.txt'")
    assert b"named in line 4 of 'bad.txt'" in done.stderr
    (tmp_path / "bad.txt").write_text(f"ok\ngit+{server.url}/team/demo.git@main~1\n")
    done = run("resolve", "-r", "bad.txt", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"ok\n")
    assert b"line 2 of 'bad.txt'" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "nothing to do"),
        (["--format", "xml", "a"], 2, "unknown --format 'xml'"),
        (["-r", "none.txt"], 6, "cannot find the requirements file 'none.txt'"),
        (["-r", "."], 2, "cannot read '.'"),
        (["-r", "latin-1.txt"], 2, "line 2 is not UTF-8"),
        (["--offline", "git+https://good.example/r.git"], 5, "--offline"),
        (["git+file:///tmp/r.git"], 2, "'file' is not supported"),
    ],
)
def test_it_cannot(tmp_path: Path, words: list[str], code: int, says: str) -> None:
    (tmp_path / "latin-1.txt").write_bytes(b"a\nb # \xe9\n")
    done = run("resolve", *words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.stdout == b""
    assert says in done.stderr.decode()
    assert done.stderr.startswith(b"git-helper: error: ")


def test_files_in_files_are_written_in_their_place(server: GitHttpServer, root: Path, tmp_path: Path) -> None:
    demo, other = (f"git+{server.url}/team/{name}.git" for name in ("demo", "other"))
    (tmp_path / "a.txt").write_text(f"# a\n-r b.txt -r \\\n  c.txt\n-c limits.txt\n{demo}")
    (tmp_path / "b.txt").write_text(f"# b\n-r a.txt\n{other} # note")
    (tmp_path / "c.txt").write_text("-c limits.txt\ntwo\n")
    (tmp_path / "limits.txt").write_text(f"{other}@develop\n")
    (tmp_path / "d.txt").write_text("d\n")
    done = run("resolve", "--format", "requirements", "-r", "a.txt", "-r", "c.txt", "-r", "d.txt", "one", cwd=tmp_path)
    main = {name: commit_of(root / f"team/{name}.git") for name in ("demo", "other")}
    lines = ["one", "# a", "# b", f"{other}@{main['other']} # note", "-c limits.txt", "two"]
    assert done.stdout.decode().split("\n") == [*lines, "-c limits.txt", f"{demo}@{main['demo']}", "d", ""]


def test_files_indexes_and_pages_in_json(index: IndexServer, tmp_path: Path) -> None:
    index.answers["/gone/"] = plain(404)
    (tmp_path / "links").mkdir()
    wheel = f"{index.url}/files/w/w-1.0-py3-none-any.whl"
    lines = [
        f"w @ {wheel}?token=sekrit#md5={'0' * 32} --hash=sha256:{'A' * 64} --hash=sha512:{'b' * 128}",
        f"-i {index.url_for('simple/', 'me', CANARY)} -f links",
        f"--extra-index-url {index.url}/gone/",
        f"-f {index.url}/links/",
        "requests>=2",
    ]
    (tmp_path / "r.txt").write_text("\n".join(lines))
    found = resolved("-r", "r.txt", cwd=tmp_path)
    us = {"source": "URL", "username": "me"}
    assert found[:3] == [
        {
            "name": "w",
            "kind": "url",
            "url": f"{wheel}?token=****",
            "status": 200,
            "size": 7,
            "hashes": {"sha256": "a" * 64, "sha512": "b" * 128, "md5": "0" * 32},
            "credential": us,
        },
        {"name": "requests", "kind": "name", "url": "requests>=2"},
        {"kind": "index", "url": index.index_url, "status": 200, "credential": us},
    ]
    gone = found[3]
    assert set(gone) == {"kind", "url", "error", "message", "hint"}
    assert (gone["kind"], gone["url"], gone["error"]) == ("index", f"{index.url}/gone/", "not-found")
    assert found[4:] == [
        {"kind": "find-links", "url": str(tmp_path / "links"), "status": None, "credential": None},
        {"kind": "find-links", "url": f"{index.url}/links/", "status": 200, "credential": us},
    ]
    offline = resolved("--offline", "-r", "r.txt", cwd=tmp_path)
    assert [one.get("status") for one in offline] == [None] * 6


def test_what_is_configured_counts_only_for_names(index: IndexServer) -> None:
    env = {"PIP_INDEX_URL": index.url_for("simple/", "me", CANARY)}
    commit = f"git+{index.url}/none.git@{'f' * 40}"
    assert [one["kind"] for one in resolved(commit, env=env)] == ["git"]
    assert index.requests == []
    assert [one["kind"] for one in resolved(commit, "w", env=env)] == ["git", "name", "index"]
    # Its credential lets us in to a file of the same origin all the same.
    (one,) = resolved(f"{index.url}/simple/w/w-1.0-py3-none-any.whl", env=env)
    assert one["error"] == "not-found"
    assert index.exchanges[-1] == (f"me:{CANARY}", 404)


def test_requirements_from_a_server(index: IndexServer, tmp_path: Path) -> None:
    index.answers["/r/all.txt"] = Response(
        200, {"Content-Type": "text/plain"}, f"# all\n-r sub.txt\nw @ {index.url}/w.zip\n"
    )
    index.answers["/r/sub.txt"] = Response(200, {"Content-Type": "text/plain"}, "requests<3 # ${HOME}\n-c limits.txt\n")
    index.answers["/r/limits.txt"] = Response(200, {}, "urllib3<3\n")
    index.answers["/w.zip"] = Response(200, {}, b"zip")
    index.answers["/login"] = Response(200, {"Content-Type": "text/html"}, "<!doctype html><form>")
    url = index.url_for("r/all.txt", "me", CANARY)
    done = run("resolve", "-q", "--format", "requirements", "-r", url)
    assert done.stdout.decode() == f"# all\nrequests<3 # ${{HOME}}\n-c limits.txt\nw @ {index.url}/w.zip\n"
    assert (done.returncode, done.stderr) == (0, b"")
    assert index.exchanges == [(f"me:{CANARY}", 200)] * 4
    (tmp_path / "r.txt").write_text(f"-r {index.url_for('login', 'me', CANARY)}\n")
    done = run("resolve", "-r", "r.txt", cwd=tmp_path)
    assert done.returncode == 2
    assert f"cannot read '{index.url}/login' as a requirements file: it is a web page" in done.stderr.decode()


def test_the_credential_of_a_file_on_a_server_goes_to_no_other(index: IndexServer) -> None:
    with IndexServer({}, [Realm("/", [("me", CANARY)], deny=403)]) as other:
        text = f"-r {other.url}/b.txt\n-i {other.url}/simple/\nx @ {other.url}/x.zip\n"
        index.answers["/a.txt"] = Response(200, {"Content-Type": "text/plain"}, text)
        done = run("resolve", "-r", index.url_for("a.txt", "me", CANARY))
        assert done.returncode == 4
        assert other.authorizations == []
        assert other.requests


def test_a_configuration_of_git_that_cannot_be_read_is_named_with_its_line(home: Path) -> None:
    (home / ".gitconfig").write_text("[user]\n name = x\n[broken\n")
    done = run("resolve", "git+https://good.example/r.git")
    assert done.returncode == 2
    said = done.stderr.decode()
    assert f"'{home}/.gitconfig': line 3 is not written as git wants it" in said
    assert "hint: mend line 3 in an editor" in said
