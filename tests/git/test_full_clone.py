"""Clones against git's own, from servers of every kind; and what is left when something goes wrong: nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_helper.core.reference import RefNotFound, UnsupportedObjectFormat
from git_helper.errors import GitHelperError, NotFound, Refused, Unreachable, UsageError
from git_helper.git.http_answers import RepositoryNotFound
from git_helper.git.pack_errors import DamagedPack, Limits, TooBig, UnsafeTree
from git_helper.git.pkt_line import NotGit
from tests.git.clones import clone, facts, is_sound, left_behind, whole_text
from tests.git.packs import BLOB, COMMIT, EXECUTABLE, FILE, FOLDER, SYMLINK, TREE, commit, object_id, tree
from tests.git.served import Version1Server, dulwich_server
from tests.net.asked import Sources, basic
from tests.servers.git_http import Fault, GitHttpServer, Realm, Redirect
from tests.servers.isolated import git
from tests.servers.repositories import Entry, Executable, Symlink, make_repository, resolve
from tests.support import ROOT

CANARY = "c4n4ry-t0k3n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A server's folder with demo.git."""
    make_repository(tmp_path / "root/demo.git", 12)
    return tmp_path / "root"


@pytest.fixture
def server(root: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(root) as running:
        yield running


def history(path: Path, env: dict[str, str]) -> Path:
    """Merges, renames, a folder that becomes a file, two thousand files, nested tags and tags of trees and blobs."""
    make_repository(path, 3, {f"many/{n % 50:02}/{n:04}.txt": f"{n}\n" * (n % 40) for n in range(2000)})
    work = path.parent.parent / "work"
    git("clone", "-q", path, work, env=env)
    numbers = random.Random(3)
    for step in range(12):
        git("-C", work, "checkout", "-q", "-b", f"topic-{step}", env=env)
        lines = [f"line {numbers.random()}" for _ in range(2000)]
        (work / "long.txt").write_text("\n".join(lines[: 1000 + step]) if step % 3 else "\n".join(lines))
        (work / f"topic {step}.txt").write_text("x" * step)
        git("-C", work, "mv", "history.txt", "moved.txt", env=env) if step == 1 else None
        git("-C", work, "add", "-A", env=env)
        git("-C", work, "commit", "-qm", f"topic {step}", env=env)
        git("-C", work, "checkout", "-q", "main", env=env)
        (work / "main.txt").write_text(f"{step}")
        git("-C", work, "add", "-A", env=env)
        git("-C", work, "commit", "-qm", f"main {step}", env=env)
        git("-C", work, "merge", "-q", "--no-ff", "-m", f"merge {step}", f"topic-{step}", env=env)
    git("-C", work, "rm", "-rq", "many/07", env=env)
    (work / "many/07").write_text("a file now")
    os.symlink("../main.txt", work / "many/link")
    git("-C", work, "add", "-A", env=env)
    git("-C", work, "commit", "-qm", "last", env=env)
    git("-C", work, "tag", "-am", "one", "one", env=env)
    git("-C", work, "tag", "-am", "of a tag", "of-a-tag", "one", env=env)
    git("-C", work, "tag", "of-a-tree", "HEAD^{tree}", env=env)
    git("-C", work, "tag", "-am", "of a blob", "of-a-blob", "HEAD:main.txt", env=env)
    git("-C", work, "push", "-q", path, "--all", env=env)
    git("-C", work, "push", "-q", path, "--tags", env=env)
    return path


def large(count: int = 5000) -> dict[str, Entry]:
    """Files of every mode, with names that git has to quote."""
    files: dict[str, Entry] = {f"src/{n % 70:02}/{n}.py": f"print({n})\n" for n in range(count)}
    files |= {"bin/run": Executable("#!/bin/sh\n"), "lnk": Symlink("src/01"), "ünïcode/x y\t": "tab? no, a blank\n"}
    files.pop("ünïcode/x y\t")
    return files | {"ünïcode/x y": b"\x00\xff binary \r\n", ".gitattributes": "*.py text eol=crlf\n", "empty": ""}


# ------------------------------------------------------------------ as git does it


@pytest.mark.parametrize("options", ["", "--bare", "--depth=1", "--depth=3", "--depth=1 --bare", "--depth=1000"])
@pytest.mark.parametrize("branch", [None, "develop", "feature/slash", "v1.0.0", "first"])
def test_a_clone_is_what_git_makes(
    server: GitHttpServer, place: Path, env: dict[str, str], options: str, branch: str | None
) -> None:
    words = options.split()
    chosen = ["--branch", branch] if branch else []
    url = f"{server.url}/demo.git"
    git("clone", "-q", *words, *chosen, url, place / "theirs", env=env)
    depth = next((int(word[8:]) for word in words if word.startswith("--depth=")), None)
    done = clone(url, place / "ours", branch, depth=depth, bare="--bare" in words)
    assert facts(place / "ours", env) == facts(place / "theirs", env)
    assert is_sound(place / "ours", env)
    assert done.commit is not None
    assert done.commit.hex == resolve(place / "ours")
    assert left_behind(place) == ["ours", "theirs"]


@pytest.mark.parametrize("kind", ["history", "large", "one branch"])
def test_other_histories_too(root: Path, place: Path, env: dict[str, str], kind: str) -> None:
    path = root / "other.git"
    if kind == "history":
        history(path, env)
    else:
        make_repository(path, 2 if kind == "large" else 400, large() if kind == "large" else None)
    for packing in (("--window=50", "--depth=50"), ("--window=0",)):
        git("-C", path, "repack", "-adfq", *packing, env=env)
        with GitHttpServer(root) as server:
            for name in ("ours", "theirs"):
                if (place / name).exists():
                    subprocess.run(["rm", "-rf", str(place / name)], check=True)
            git("-c", "core.autocrlf=false", "clone", "-q", f"{server.url}/other.git", place / "theirs", env=env)
            clone(f"{server.url}/other.git", place / "ours")
        ours, theirs = facts(place / "ours", env), facts(place / "theirs", env)
        assert {name: value for name, value in ours.items() if theirs[name] != value} == {}
        assert is_sound(place / "ours", env)


@pytest.mark.parametrize("version", ["version 1", "version 0", "dulwich"])
@pytest.mark.parametrize(("rev", "depth"), [(None, None), ("v1.0.0", None), (None, 2)])
def test_old_servers_too(
    root: Path, place: Path, env: dict[str, str], version: str, rev: str | None, depth: int | None
) -> None:
    kind = Version1Server if version == "version 1" else GitHttpServer
    with GitHttpServer(root) as server:
        chosen = (["--branch", rev] if rev else []) + (["--depth", str(depth)] if depth else [])
        git("clone", "-q", *chosen, f"{server.url}/demo.git", place / "theirs", env=env)
    if version == "dulwich":
        with dulwich_server(root / "demo.git") as url:
            clone(url, place / "ours", rev, depth=depth)
    else:
        with kind(root, protocol_v2=False) as server:
            clone(f"{server.url}/demo.git", place / "ours", rev, depth=depth)
    ours, theirs = facts(place / "ours", env), facts(place / "theirs", env)
    if version == "dulwich" and depth:
        # It knows no include-tag.
        for one in (ours, theirs):
            one.update({"refs": None, "peeled": None, "objects": None, "log": None})
    assert {name for name in ours if ours[name] != theirs[name]} <= {"config"}
    assert is_sound(place / "ours", env)


@pytest.mark.parametrize("depth", [None, 1])
def test_a_commit_is_checked_out_detached(
    server: GitHttpServer, root: Path, place: Path, env: dict[str, str], depth: int | None
) -> None:
    oid = resolve(root / "demo.git", "main~4")
    done = clone(f"{server.url}/demo.git", place / "x", oid, depth=depth)
    assert (done.branch, (place / "x/.git/HEAD").read_text()) == (None, f"{oid}\n")
    assert git("-C", place / "x", "status", "--porcelain", env=env).stdout == b""
    assert is_sound(place / "x", env)
    count = git("-C", place / "x", "rev-list", "--count", "HEAD", env=env).stdout
    assert count == (b"1\n" if depth else b"8\n")


def test_a_commit_that_no_branch_reaches(server: GitHttpServer, root: Path, place: Path, env: dict[str, str]) -> None:
    bare = root / "demo.git"
    lonely = git("-C", bare, "commit-tree", "main^{tree}", "-m", "lonely", env=env).stdout.strip().decode()
    clone(f"{server.url}/demo.git", place / "x", lonely)
    assert resolve(place / "x") == lonely
    git("-C", bare, "update-ref", "refs/pull/1/head", lonely, env=env)
    clone(f"{server.url}/demo.git", place / "y", "refs/pull/1/head")
    assert resolve(place / "y") == lonely


def test_a_short_hash(server: GitHttpServer, root: Path, place: Path) -> None:
    oid = resolve(root / "demo.git", "main~7")
    clone(f"{server.url}/demo.git", place / "x", oid[:9])
    assert resolve(place / "x") == oid


@pytest.mark.parametrize("rev", ["no-such", "0" * 40, "abcdef123", "refs/heads/no"])
@pytest.mark.parametrize("protocol_v2", [True, False])
def test_what_is_not_there(root: Path, place: Path, rev: str, protocol_v2: bool) -> None:
    with GitHttpServer(root, protocol_v2=protocol_v2) as server, pytest.raises(NotFound) as caught:
        clone(f"{server.url}/demo.git", place / "x", rev)
    assert rev in caught.value.message
    assert left_behind(place) == []


@pytest.mark.parametrize("bare", [True, False])
def test_an_empty_repository(root: Path, place: Path, env: dict[str, str], bare: bool) -> None:
    git("init", "-q", "--bare", "--initial-branch=trunk", root / "empty.git", env=env)
    with GitHttpServer(root) as server:
        url = f"{server.url}/empty.git"
        git("clone", "-q", *(["--bare"] if bare else []), url, place / "theirs", env=env)
        done = clone(url, place / "ours", bare=bare)
        with pytest.raises(RefNotFound):
            clone(url, place / "other", "main")
    ours, theirs = facts_of_nothing(place / "ours", env), facts_of_nothing(place / "theirs", env)
    assert ours == theirs
    assert done.commit is None
    assert "empty" in done.warnings[0]
    assert left_behind(place) == ["ours", "theirs"]


def facts_of_nothing(repository: Path, env: dict[str, str]) -> list[bytes]:
    commands = (["config", "--local", "--list"], ["for-each-ref"], ["symbolic-ref", "HEAD"], ["count-objects", "-v"])
    return [git("-C", repository, *words, env=env).stdout for words in commands]


def test_a_default_branch_that_is_not_there(root: Path, place: Path, env: dict[str, str]) -> None:
    git("-C", root / "demo.git", "symbolic-ref", "HEAD", "refs/heads/gone", env=env)
    with GitHttpServer(root) as server:
        done = clone(f"{server.url}/demo.git", place / "x")
        assert "default branch" in done.warnings[0]
        assert git("-C", place / "x", "checkout", "-q", "main", env=env).returncode == 0
    assert (place / "x/README.md").exists()


@pytest.mark.parametrize("name", ["demo.git", "empty.git"])
def test_a_default_branch_that_is_not_there_at_some_depth(
    root: Path, place: Path, env: dict[str, str], name: str
) -> None:
    git("init", "-q", "--bare", root / "empty.git", env=env)
    git("-C", root / name, "symbolic-ref", "HEAD", "refs/heads/gone", env=env)
    with GitHttpServer(root) as server:
        git("clone", "-q", "--depth=1", f"{server.url}/{name}", place / "theirs", env=env)
        done = clone(f"{server.url}/{name}", place / "ours", depth=1)
    assert facts_of_nothing(place / "ours", env) == facts_of_nothing(place / "theirs", env)
    assert (done.commit, len(done.warnings)) == (None, 1)


def test_a_detached_head(root: Path, place: Path, env: dict[str, str]) -> None:
    git("-C", root / "demo.git", "update-ref", "--no-deref", "HEAD", "main~5", env=env)
    with GitHttpServer(root) as server:
        git("clone", "-q", f"{server.url}/demo.git", place / "theirs", env=env)
        clone(f"{server.url}/demo.git", place / "ours")
    assert facts(place / "ours", env) == facts(place / "theirs", env)


# ------------------------------------------------------------------ git goes on with it


def test_git_goes_on(root: Path, place: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, config={"http.receivepack": "true"}) as server:
        clone(f"{server.url}/demo.git", place / "x")
        clone(f"{server.url}/demo.git", place / "y", depth=2)
        (place / "x/new").write_text("new")
        for words in (["add", "-A"], ["commit", "-qm", "new"], ["push", "-q"], ["gc", "-q"], ["fetch", "-q"]):
            git("-C", place / "x", *words, env=env)
        git("-C", place / "y", "pull", "-q", "--ff-only", env=env)
        git("-C", place / "y", "fetch", "-q", "--unshallow", env=env)
    assert (place / "y/new").read_text() == "new"
    assert git("-C", place / "y", "rev-list", "--count", "HEAD", env=env).stdout == b"13\n"
    assert is_sound(place / "x", env)
    assert is_sound(place / "y", env)


def test_git_need_not_read_the_files_again(server: GitHttpServer, place: Path, env: dict[str, str]) -> None:
    clone(f"{server.url}/demo.git", place / "x")
    index = (place / "x/.git/index").read_bytes()
    done = git("-C", place / "x", "diff-files", "--quiet", env=env, check=False)
    assert done.returncode == 0  # diff-files believes the index only, it refreshes nothing
    assert (place / "x/.git/index").read_bytes() == index


def test_the_umask_counts(server: GitHttpServer, place: Path) -> None:
    before = os.umask(0o027)
    try:
        clone(f"{server.url}/demo.git", place / "x")
    finally:
        os.umask(before)
    modes = {
        name: (place / "x" / name).stat().st_mode & 0o777 for name in ("README.md", "tool.sh", ".git", ".git/config")
    }
    assert modes == {"README.md": 0o640, "tool.sh": 0o750, ".git": 0o750, ".git/config": 0o640}


# ------------------------------------------------------------------ credentials


def test_no_secret_is_kept(root: Path, place: Path, env: dict[str, str]) -> None:
    sources = Sources(basic("alice", CANARY))
    with GitHttpServer(root, realms=[Realm("/", [("alice", CANARY)])]) as server:
        clone(f"{server.url}/demo.git", place / "asked", credentials=sources)
        clone(f"http://alice:{CANARY}@{server.url[7:]}/demo.git", place / "given")
        with pytest.raises(Refused):
            clone(f"http://alice:{CANARY}x@{server.url[7:]}/demo.git", place / "wrong")
        requests = len(server.requests)
        url = git("-C", place / "given", "remote", "get-url", "origin", env=env).stdout
        assert url == f"{server.url}/demo.git\n".encode()
    assert len(sources.wanted) == 1, "one question for a clone"
    assert requests < 12
    assert CANARY.encode() not in whole_text(place)
    assert b"alice" not in whole_text(place)
    assert left_behind(place) == ["asked", "given"]


def test_a_redirect_is_followed_to_another_server(root: Path, place: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root, realms=[Realm("/", [("bob", "b")])]) as there:
        with GitHttpServer(root, redirects=[Redirect("/old", there.url)]) as here:
            sources = Sources(basic("bob", "b"))
            clone(f"http://alice:{CANARY}@{here.url[7:]}/old/demo.git", place / "x", credentials=sources)
            url = git("-C", place / "x", "remote", "get-url", "origin", env=env).stdout
            assert url == f"{here.url}/old/demo.git\n".encode()
        assert {request.path for request in there.requests if request.method == "POST"} == {"/demo.git/git-upload-pack"}
        assert not any(CANARY in str(request.header_lines) for request in there.requests)
    assert is_sound(place / "x", env)


# ------------------------------------------------------------------ when it goes wrong


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=404), RepositoryNotFound),
        (Fault(status=403), Refused),
        (Fault(status=500), NotGit),
        (Fault(status=503), Unreachable),
        (Fault(status=200, content_type="text/html", body=b"<html>log in"), NotGit),
        (Fault(suffix="info/refs", method="GET", drop_after=40), Unreachable),
        (Fault(method="POST", drop_after=300), Unreachable),
        (Fault(method="POST", drop_after=1500, reset=True), Unreachable),
        (Fault(method="POST", stall_after=700), Unreachable),
    ],
)
def test_a_bad_server_leaves_nothing(root: Path, place: Path, fault: Fault, error: type[GitHelperError]) -> None:
    with GitHttpServer(root, faults=[fault]) as server:
        with pytest.raises(error):
            clone(f"{server.url}/demo.git", place / "deep/x", timeout=1)
        assert left_behind(place) == []
        server.release()
        server.faults.clear()
        clone(f"{server.url}/demo.git", place / "deep/x")
    assert left_behind(place / "deep") == ["x"]


def test_a_server_of_files_only(root: Path, place: Path, env: dict[str, str]) -> None:
    git("-C", root / "demo.git", "update-server-info", env=env)
    body = (root / "demo.git/info/refs").read_bytes()
    fault = Fault(suffix="info/refs", status=200, content_type="text/plain", body=body)
    with GitHttpServer(root, faults=[fault]) as server, pytest.raises(NotGit, match="dumb"):
        clone(f"{server.url}/demo.git", place / "x")
    assert left_behind(place) == []


def test_sha256_is_refused(root: Path, place: Path) -> None:
    make_repository(root / "new.git", object_format="sha256")
    with GitHttpServer(root) as server, pytest.raises(UnsupportedObjectFormat, match=r"'http.*/new\.git'"):
        clone(f"{server.url}/new.git", place / "x")
    assert left_behind(place) == []


def test_a_folder_that_is_there(server: GitHttpServer, place: Path, env: dict[str, str]) -> None:
    (place / "full").mkdir()
    (place / "full/mine").touch()
    (place / "file").touch()
    (place / "empty").mkdir()
    os.symlink("empty", place / "link")
    for name in ("full", "file"):
        with pytest.raises(UsageError, match="there"):
            clone(f"{server.url}/demo.git", place / name)
    clone(f"{server.url}/demo.git", place / "link")
    assert (place / "link").is_symlink()
    assert is_sound(place / "empty", env)
    assert left_behind(place) == ["empty", "file", "full", "link"]
    assert left_behind(place / "full") == ["mine"]


def test_the_folder_one_is_in_stays_the_same(
    server: GitHttpServer, place: Path, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "here").mkdir()
    monkeypatch.chdir(place / "here")
    before = os.stat(".").st_ino
    clone(f"{server.url}/demo.git", Path("."))
    assert os.stat(place / "here").st_ino == before
    assert is_sound(place / "here", env)
    assert git("-C", place / "here", "status", "--porcelain", env=env).stdout == b""
    assert left_behind(place) == ["here"]


def test_hostile_trees_leave_nothing(root: Path, place: Path, env: dict[str, str]) -> None:
    blob = object_id(BLOB, b"evil")
    below = tree((FILE, b"config", blob))
    names = [
        b"..",
        b".git",
        b".GIT",
        b"git~1",
        b".git ",
        b".git::$INDEX_ALLOCATION",
        ".g\u200cit".encode(),
        b"a\\..\\b",
    ]
    roots = [tree((FILE, name, blob)) for name in names]
    roots += [tree((FOLDER, b".git", object_id(TREE, below))), tree((SYMLINK, b".gitmodules", blob))]
    roots += [tree((SYMLINK, b"a", blob), (FOLDER, b"a", object_id(TREE, below)))]
    roots += [tree((FILE, b"x", blob), (EXECUTABLE, b"x", blob)), tree((b"100644", b"a/b", blob))]
    for number, content in enumerate(roots):
        path = root / f"evil{number}.git"
        git("init", "-q", "--bare", "--initial-branch=main", path, env=env)
        for kind, what in ((BLOB, b"evil"), (TREE, below), (TREE, content)):
            name = {BLOB: "blob", TREE: "tree"}[kind]
            git("-C", path, "hash-object", "-t", name, "-w", "--stdin", "--literally", env=env, stdin=what)
        made = commit(object_id(TREE, content))
        git("-C", path, "hash-object", "-t", "commit", "-w", "--stdin", env=env, stdin=made)
        git("-C", path, "update-ref", "refs/heads/main", object_id(COMMIT, made).hex(), env=env)
    with GitHttpServer(root) as server:
        for number in range(len(roots)):
            with pytest.raises(UnsafeTree):
                clone(f"{server.url}/evil{number}.git", place / "x")
            assert left_behind(place) == [], roots[number]


def test_limits(server: GitHttpServer, place: Path) -> None:
    for limits in (Limits(objects=5), Limits(object_size=20), Limits(written=30), Limits(paths=3)):
        with pytest.raises(TooBig):
            clone(f"{server.url}/demo.git", place / "x", limits=limits)
    assert left_behind(place) == []


def test_a_server_that_lacks_an_object(root: Path, place: Path) -> None:
    blob = resolve(root / "demo.git", "main~6:history.txt")
    (root / "demo.git/objects" / blob[:2] / blob[2:]).unlink()
    with GitHttpServer(root) as server, pytest.raises((DamagedPack, Unreachable, Refused)):
        clone(f"{server.url}/demo.git", place / "x")
    assert left_behind(place) == []


# ------------------------------------------------------------------ kills


def start(url: str, destination: Path) -> subprocess.Popen[bytes]:
    words = f"from pathlib import Path; from tests.git.clones import clone; clone({url!r}, Path({str(destination)!r}))"
    return subprocess.Popen([sys.executable, "-c", words], cwd=ROOT, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_killed_clone_is_no_clone(root: Path, place: Path, env: dict[str, str], number: int) -> None:
    with GitHttpServer(root, faults=[Fault(method="POST", stall_after=900, times=2)]) as server:
        url = f"{server.url}/demo.git"
        process = start(url, place / "x")
        limit = time.monotonic() + 30
        while not list(place.glob(".x.tmp-*/scratch*/incoming.pack")) and time.monotonic() < limit:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(30) != 0
        assert not (place / "x").exists()
        if number != signal.SIGKILL:
            assert left_behind(place) == []
        server.release()
        clone(url, place / "x")
    assert left_behind(place) == ["x"]
    assert is_sound(place / "x", env)


def test_kills_at_any_moment(root: Path, place: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root) as server:
        url = f"{server.url}/demo.git"
        for step in range(12):
            process = start(url, place / "x")
            try:
                process.wait(0.2 + step * 0.06)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if (place / "x").exists():
                assert is_sound(place / "x", env)
                assert git("-C", place / "x", "status", "--porcelain", env=env).stdout == b""
                subprocess.run(["rm", "-rf", str(place / "x")], check=True)
        clone(url, place / "x")
    assert left_behind(place) == ["x"]


def test_a_full_disk(root: Path, place: Path) -> None:
    """A limit on the size of files stands in for it: the error is another one, what must be cleaned up is the same."""
    make_repository(root / "big.git", 2, {"big": random.Random(1).randbytes(300_000)})
    words = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        "from pathlib import Path; from tests.git.clones import clone; from git_helper.errors import GitHelperError\n"
        "try: clone({!r}, Path({!r}))\n"
        "except GitHelperError as error: print(error.message)"
    )
    with GitHttpServer(root) as server:
        program = words.format(f"{server.url}/big.git", str(place / "x"))
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=60)
    assert b"cannot write" in done.stdout
    assert left_behind(place) == []


def test_one_of_many_wins(root: Path, place: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root) as server:
        processes = [start(f"{server.url}/demo.git", place / "x") for _ in range(4)]
        codes = sorted(process.wait(60) for process in processes)
    assert codes[0] == 0
    assert codes.count(0) == 1, "the others are told that it is there"
    assert is_sound(place / "x", env)
    assert left_behind(place) == ["x"]


def test_memory_stays_small(root: Path, place: Path, env: dict[str, str]) -> None:
    """A blob of 40 MB, and the same with a few bytes changed, packed as a delta: neither is ever held in memory."""
    first = bytearray(random.Random(5).randbytes(40 << 20))
    work = root / "work"
    git("init", "-q", work, env=env)
    for number in range(2):
        first[1000 * number : 1000 * number + 3] = b"new"
        (work / "big").write_bytes(first)
        git("-C", work, "add", "big", env=env)
        git("-C", work, "commit", "-qm", f"{number}", env=env)
    git("clone", "-q", "--bare", work, root / "big.git", env=env)
    git("-C", root / "big.git", "repack", "-adfq", env=env)
    words = (
        "import resource; from pathlib import Path; from tests.git.clones import clone;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; clone({!r}, Path({!r}));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    with GitHttpServer(root) as server:
        program = words.format(f"{server.url}/big.git", str(place / "x"))
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=100)
    assert int(done.stdout) < 36 << 10
    assert (place / "x/big").read_bytes() == bytes(first)
    assert is_sound(place / "x", env)


class Counting:
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.packs: list[tuple[int, int, int]] = []
        self.seen: set[str] = set()
        self.text = b""

    def pack(self, name: str, received: int, done: int, total: int) -> None:
        self.packs.append((received, done, total))
        self.seen.add(name)

    def files(self, name: str, done: int, total: int) -> None:
        self.seen.add(f"{name} files")

    def lfs(self, name: str, size: int) -> None:
        self.seen.add(f"{name} lfs")

    def message(self, name: str, text: bytes) -> None:
        self.text += text


def test_it_can_be_watched(server: GitHttpServer, place: Path) -> None:
    watch = Counting()
    clone(f"{server.url}/demo.git", place / "x", watch=watch)
    assert watch.seen == {"demo.git", "demo.git files"}
    received, done, total = watch.packs[-1]
    assert received > 1000
    assert done == total > 30
    assert b"objects" in watch.text
