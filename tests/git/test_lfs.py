"""Git LFS: pointers become files, verified, with the credentials of the server; or it is said that they did not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.errors import GitHelperError, NotFound, Refused, Unreachable
from git_helper.git.lfs import DamagedLfsObject, LfsClient
from git_helper.git.lfs_files import LfsAttributes
from git_helper.git.lfs_objects import object_path
from git_helper.net.message import Request, Response
from tests.git.clones import clone, is_sound, left_behind, whole_text
from tests.net.asked import Sources, basic
from tests.servers.git_http import Realm
from tests.servers.isolated import git
from tests.servers.lfs import CONTENTS, LfsServer, oid, pointer
from tests.servers.repositories import Entry, Executable, make_repository

CANARY = "c4n4ry-t0k3n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """demo.git: three pointers to two objects, and one that no attribute makes one."""
    first, second, third = CONTENTS
    files: dict[str, Entry] = {
        ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        "data/.gitattributes": "keep.bin -filter\nbig filter=lfs\n",
        "a.bin": pointer(first),
        "data/run.bin": Executable(pointer(first)),
        "data/big": pointer(second),
        "data/keep.bin": pointer(third),
        "plain.bin": "no pointer at all",
    }
    make_repository(tmp_path / "root/demo.git", 3, files)
    return tmp_path / "root"


def test_the_files_are_fetched(root: Path, place: Path, env: dict[str, str]) -> None:
    with LfsServer(root) as server:
        done = clone(f"{server.url}/demo.git", place / "x")
    assert done.warnings == ()
    assert server.batches == [sorted([oid(CONTENTS[0]), oid(CONTENTS[1])], key=server.batches[0].index)]
    assert (place / "x/a.bin").read_bytes() == (place / "x/data/run.bin").read_bytes() == CONTENTS[0]
    assert (place / "x/data/run.bin").stat().st_mode & 0o111
    assert not (place / "x/a.bin").stat().st_mode & 0o111
    assert (place / "x/data/big").read_bytes() == CONTENTS[1]
    assert (place / "x/data/keep.bin").read_text() == pointer(CONTENTS[2])
    assert Path(object_path(str(place / "x/.git/lfs/objects"), oid(CONTENTS[1]))).read_bytes() == CONTENTS[1]
    assert git("-C", place / "x", "status", "--porcelain", env=env).stdout == b""
    assert git("-C", place / "x", "diff-files", "--quiet", env=env, check=False).returncode == 0
    assert is_sound(place / "x", env)


def test_the_pointers_can_stay(root: Path, place: Path, env: dict[str, str]) -> None:
    with LfsServer(root) as server:
        done = clone(f"{server.url}/demo.git", place / "x", lfs=False)
    assert server.batches == []
    assert "3 files are pointers of Git LFS" in done.warnings[0]
    assert (place / "x/a.bin").read_text() == pointer(CONTENTS[0])
    assert git("-C", place / "x", "status", "--porcelain", env=env).stdout == b""


def test_a_private_server_is_asked_once(root: Path, place: Path) -> None:
    sources = Sources(basic("alice", CANARY))
    with LfsServer(root, realms=[Realm("/demo.git", [("alice", CANARY)])]) as server:
        clone(f"{server.url}/demo.git", place / "x", credentials=sources)
        clone(f"http://alice:{CANARY}@{server.url[7:]}/demo.git", place / "y")
    assert len(sources.wanted) == 1
    assert CANARY.encode() not in whole_text(place)


def test_another_host_gets_no_credential_of_ours(root: Path, place: Path) -> None:
    with LfsServer(root) as storage, LfsServer(root, realms=[Realm("/", [("alice", CANARY)])]) as server:
        server.change = lambda one: json.loads(
            json.dumps(one).replace(f"{server.url}/objects", f"{storage.url}/objects")
        )
        clone(f"http://alice:{CANARY}@{server.url[7:]}/demo.git", place / "x")
        assert len(storage.requests) == 2
        assert not any(request.authorization for request in storage.requests)


def without_actions(one: dict[str, object]) -> object:
    return {"oid": one["oid"], "size": one["size"]}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (without_actions, Unreachable),
        (lambda one: {**one, "error": {"code": 404, "message": "gone"}}, NotFound),
        (lambda one: {**one, "oid": "0" * 64}, NotFound),
        (lambda one: "text", Unreachable),
        (lambda one: {**one, "actions": {"download": {"href": "file:///etc/passwd"}}}, Unreachable),
        (lambda one: {**one, "actions": {"download": {"href": "/nowhere"}}}, NotFound),
        (lambda one: {**one, "actions": {"download": {"href": ["x"], "header": "y"}}}, Unreachable),
    ],
)
def test_answers_that_are_of_no_use(
    root: Path, place: Path, change: Callable[[dict[str, object]], object], error: type[GitHelperError]
) -> None:
    with LfsServer(root) as server, pytest.raises(error) as caught:
        server.change = change
        clone(f"{server.url}/demo.git", place / "x")
    assert "\x1b" not in caught.value.message
    assert left_behind(place) == []


@pytest.mark.parametrize("content", [b"", b"short", CONTENTS[0] + b"more", CONTENTS[0].replace(b"first", b"worst")])
def test_another_content_is_noticed(root: Path, place: Path, content: bytes) -> None:
    with LfsServer(root) as server, pytest.raises((DamagedLfsObject, Unreachable)):
        server.served = {**server.served, oid(CONTENTS[0]): content}
        clone(f"{server.url}/demo.git", place / "x")
    assert left_behind(place) == []


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (403, Refused), (500, Unreachable)])
def test_a_server_without_lfs(root: Path, place: Path, status: int, error: type[GitHelperError]) -> None:
    with LfsServer(root) as server, pytest.raises(error) as caught:
        server.status = status
        clone(f"{server.url}/demo.git", place / "x")
    assert status == 500 or "GIT_LFS_SKIP_SMUDGE" in (caught.value.hint or "")
    assert left_behind(place) == []


def test_many_objects_are_asked_for_in_portions(root: Path, place: Path) -> None:
    contents = [f"content {number}".encode() for number in range(230)]
    files: dict[str, Entry] = {f"{number}.bin": pointer(content) for number, content in enumerate(contents)}
    make_repository(root / "many.git", 2, {".gitattributes": "*.bin filter=lfs\n", **files})
    with LfsServer(root) as server:
        server.served = {oid(content): content for content in contents}
        clone(f"{server.url}/many.git", place / "x")
    assert [len(batch) for batch in server.batches] == [100, 100, 30]
    assert [(place / f"x/{number}.bin").read_bytes() for number in range(230)] == contents


def test_the_api_may_be_elsewhere(root: Path, place: Path) -> None:
    with LfsServer(root) as storage:
        text = f"[lfs]\n\turl = {storage.url}/other.git/info/lfs/\n"
        files: dict[str, Entry] = {
            ".lfsconfig": text,
            "a.bin": pointer(CONTENTS[0]),
            ".gitattributes": "*.bin filter=lfs\n",
        }
        make_repository(root / "else.git", 2, files)
        with LfsServer(root) as server:
            clone(f"{server.url}/else.git", place / "x")
        assert (len(storage.batches), server.batches) == (1, [])
    assert (place / "x/a.bin").read_bytes() == CONTENTS[0]


@pytest.mark.parametrize("scheme", ["https", "ssh"])
def test_an_unsafe_api_of_a_safe_repository_is_refused(scheme: str) -> None:
    """Whoever may push could have everybody send requests, and a credential with them, in clear."""
    url = GitUrl.parse(f"git+{scheme}://me@good.example/demo.git")
    with pytest.raises(Refused, match=r"'https?://|'ssh://") as caught:
        LfsClient(Never(), url, "http://user:hidden@good.example/demo.git/info/lfs")
    assert "hidden" not in str(caught.value)
    LfsClient(Never(), url, "https://other.example/lfs")
    LfsClient(Never(), GitUrl.parse("git+http://good.example/demo.git"), "http://other.example/lfs")


class Never:
    def send(self, request: Request) -> Response:
        raise AssertionError(request)


def test_attributes(tmp_path: Path, env: dict[str, str]) -> None:
    """As git sees them."""
    git("init", "-q", tmp_path, env=env)
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / ".gitattributes").write_text(
        "*.bin filter=lfs\n/a/*.dat filter=lfs\n**/deep/* filter=lfs\n# *.txt filter=lfs\n"
    )
    (tmp_path / "a/.gitattributes").write_text("no.bin !filter\nb/*.txt filter=lfs\n")
    (tmp_path / "a/b/.gitattributes").write_text("other.txt filter=other\n")
    paths = [
        "x.bin",
        "a/x.bin",
        "a/no.bin",
        "a/b/no.bin",
        "a/x.dat",
        "x.dat",
        "a/b/x.txt",
        "a/b/other.txt",
        "q/deep/z",
        "x.txt",
    ]
    said = git("-C", tmp_path, "check-attr", "filter", "--", *paths, env=env).stdout.decode().rstrip("\n").split("\n")
    attributes = LfsAttributes(str(tmp_path).encode())
    assert [attributes.is_tracked(path.encode()) for path in paths] == [line.endswith(": lfs") for line in said]
