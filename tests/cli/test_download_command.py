"""`download` through the real executable: what git would check out, whole or not at all, and from the cache when there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from git_helper.git.pack_reader import MANY
from tests.commands import CANARY, cache_of, demo_files, download, everything_below, run
from tests.git.packs import checked_out, snapshot
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.repositories import Executable, Symlink, default_files, make_repository
from tests.servers.repositories import resolve as commit_of
from tests.support import BIN

# ---------------------------------------------------------------------- what comes out


def test_it_is_what_git_checks_out(server: GitHttpServer, root: Path, tmp_path: Path) -> None:
    files = default_files() | {"deep/er/x": Executable(b"\0\r\n"), "deep/link": Symlink("../nowhere"), "empty": b""}
    repository = make_repository(root / "all.git", 3, files)
    url = f"git+{server.url}/all.git"
    paths = download(f"{url}@v1.0.0", f"two @ {url}@develop", f"{url}@v1.0.0", into=tmp_path / "new/out")
    assert [path.name for path in paths] == [
        f"all-{commit_of(repository, 'v1.0.0^{commit}')[:12]}",
        f"two-{commit_of(repository, 'develop')[:12]}",
        paths[0].name,
    ]
    for path, revision in zip(paths, ("v1.0.0", "develop"), strict=False):
        assert snapshot(path) == checked_out(repository, revision, tmp_path / f"by-git-{revision}")
    # The same commit once, whoever asks for it; one question about all revisions.
    assert len(server.requests) == 3


def test_one_that_is_large_enough_for_a_second_process(server: GitHttpServer, root: Path, tmp_path: Path) -> None:
    files = {f"src/{n % 40}/{n}.py": f"print({n})\n" * (n % 60) for n in range(MANY)} | default_files()
    repository = make_repository(
        root / "many.git", 2, {**files, "bin/run": Executable("#!/bin/sh\n"), "l": Symlink("x")}
    )
    requirement = f"git+{server.url}/many.git@{commit_of(repository)}"
    (path,), (again,) = (download(requirement, into=tmp_path / name) for name in ("out", "from-cache"))
    assert snapshot(path) == snapshot(again) == checked_out(repository, "main", tmp_path / "by-git")
    assert len(server.requests) == 1


def test_the_json(server: GitHttpServer, root: Path, tmp_path: Path) -> None:
    commit = commit_of(root / "demo.git")
    words = [f"demo @ git+{server.url}/demo.git#subdirectory=docs/b", f"git+{server.url}/none.git", "requests"]
    done = run("download", "--json", "-d", "out", *words, cwd=tmp_path)
    assert done.returncode == 6
    found = json.loads(done.stdout)
    tree = str(tmp_path / f"out/demo-{commit[:12]}")
    assert (found[0]["path"], found[0]["tree"], found[0]["commit"]) == (f"{tree}/docs/b", tree, commit)
    assert os.listdir(found[0]["path"]) == ["c.txt"]
    assert found[1]["error"] == "repository-not-found"
    assert found[2]["error"] == "download-failed"
    assert "no index is named" in found[2]["message"]


def test_names_in_a_file_are_the_installer_s(server: GitHttpServer, tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text(f"requests\nother==1.0\ndemo @ git+{server.url}/demo.git\n")
    (path,) = download("-r", tmp_path / "r.txt", into=tmp_path / "out")
    assert (path / "greeting.py").is_file()


@pytest.mark.parametrize("subdirectory", ["none", "docs/a.txt", "away", "inside/away", "%2e%2e", "loop"])
def test_a_subdirectory_that_is_none_or_elsewhere(
    server: GitHttpServer, root: Path, tmp_path: Path, subdirectory: str
) -> None:
    links = {
        "away": Symlink("../../root"),
        "inside/away": Symlink("/"),
        "loop": Symlink("loop"),
        "fine": Symlink("docs"),
    }
    make_repository(root / "links.git", 2, {**demo_files(), **links})
    url = f"git+{server.url}/links.git"
    done = run("download", "-d", tmp_path / "out", f"{url}#subdirectory={subdirectory}", f"{url}#subdirectory=fine")
    assert done.returncode == (2 if "%" in subdirectory else 6)
    (path,) = done.stdout.decode().split()
    assert (Path(path) / "a.txt").is_file()


@pytest.mark.parametrize(
    ("name", "folder"),
    [("demo.git", "demo-"), ("..git", "repository-"), ("-rf.git", "rf-"), ("%C3%A9%20x.git", "_C3_A9_20x-")],
)
def test_no_name_of_a_repository_is_dangerous(
    server: GitHttpServer, root: Path, tmp_path: Path, name: str, folder: str
) -> None:
    target = root / name.replace("%C3%A9%20", "\u00e9 ")
    if not target.exists():
        target.symlink_to("demo.git")
    (path,) = download(f"git+{server.url}/{name}", into=tmp_path / "out")
    assert path.parent == tmp_path / "out"
    assert path.name == folder + commit_of(root / "demo.git")[:12]


@pytest.mark.parametrize("there", ["file", "link", "empty", "full"])
def test_what_is_at_the_destination_already(server: GitHttpServer, root: Path, tmp_path: Path, there: str) -> None:
    path = tmp_path / f"out/demo-{commit_of(root / 'demo.git')[:12]}"
    path.parent.mkdir()
    if there == "file":
        path.write_text("mine")
    elif there == "link":
        path.symlink_to("/")
    else:
        path.mkdir()
    if there == "full":
        (path / "mine").write_text("mine")
    done = run("download", "-d", tmp_path / "out", f"git+{server.url}/demo.git")
    if there in ("file", "link"):
        assert done.returncode == 2
        assert b"a file of this name is there" in done.stderr
        assert path.is_symlink() or path.read_text() == "mine"
    else:
        assert done.returncode == 0
        assert sorted(os.listdir(path))[0] == ("mine" if there == "full" else "backend.py")
    assert os.listdir(tmp_path / "out") == [path.name]


def test_only_a_folder_that_can_be_written(server: GitHttpServer, home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file/out", Path("/proc/none/out")):
        done = run("download", "-d", folder, f"git+{server.url}/demo.git")
        assert done.returncode == 1
        assert f"cannot write '{folder}".encode() in done.stderr
    done = run("download", "-d", tmp_path / "out", "--cache-dir", "/proc/none", f"git+{server.url}/demo.git")
    assert (done.returncode, b"--cache-dir" in done.stderr) == (1, True)
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------------- the cache


def test_a_known_commit_costs_no_request(server: GitHttpServer, root: Path, home: Path, tmp_path: Path) -> None:
    server.realms = [Realm("/", [("me", CANARY)])]
    commit = commit_of(root / "demo.git", "v1.0.0^{commit}")
    url = f"git+{server.url_for('demo.git', 'me', CANARY)}"
    (first,) = download(f"{url}@v1.0.0", into=tmp_path / "first")
    server.forget()
    (second,) = download(f"{url}@{commit}", into=tmp_path / "second")
    (third,) = download("--offline", f"git+{server.url}/demo.git@{commit}", into=tmp_path / "third")
    assert server.requests == []
    assert snapshot(first) == snapshot(second) == snapshot(third)
    # Whoever edits a copy does not edit the cache.
    (first / "greeting.py").write_text("changed")
    (fourth,) = download(f"{url}@{commit}", into=tmp_path / "fourth")
    assert snapshot(fourth) == snapshot(second)


def test_the_cache_is_for_its_owner_and_holds_no_secret(
    server: GitHttpServer, root: Path, home: Path, tmp_path: Path
) -> None:
    server.realms = [Realm("/", [("me", CANARY)])]
    (tmp_path / "shared").mkdir(mode=0o777)
    url = f"git+{server.url_for('demo.git', 'me', CANARY)}"
    download(url, into=tmp_path / "out")
    download("--cache-dir", tmp_path / "shared", url, into=tmp_path / "more")
    for folder in (cache_of(home), cache_of(home) / "git-v1", tmp_path / "shared/git-v1"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    content = everything_below(cache_of(home), tmp_path / "shared", tmp_path / "out")
    assert not [text for text in (CANARY, "c4n4ry", f"127.0.0.1:{server.port}") if text.encode() in content]


def test_sixteen_processes_fetch_one_repository_once(server: GitHttpServer, noise: Path, tmp_path: Path) -> None:
    requirement = f"git+{server.url}/noise.git@{commit_of(noise)}"
    processes = [
        subprocess.Popen(
            [BIN / "git-helper", "download", "-d", tmp_path / f"out{number % 4}", requirement],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for number in range(16)
    ]
    paths = [process.communicate(timeout=100)[0].decode().strip() for process in processes]
    assert [process.returncode for process in processes] == [0] * 16
    assert len(server.requests) == 1
    expected = checked_out(noise, "main", tmp_path / "by-git")
    assert len(set(paths)) == 4
    assert all(snapshot(Path(path)) == expected for path in set(paths))
    assert all(os.listdir(tmp_path / f"out{number}") == [Path(paths[number]).name] for number in range(4))


def test_many_at_once(server: GitHttpServer, root: Path, tmp_path: Path) -> None:
    for number in range(6):
        make_repository(root / f"r{number}.git", 2, {"number": str(number)})
    paths = download(*[f"git+{server.url}/r{number}.git" for number in range(6)], into=tmp_path / "out")
    assert [(path / "number").read_text() for path in paths] == [str(number) for number in range(6)]
