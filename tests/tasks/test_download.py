"""Where trees go and what is said about them; what fetches here only makes folders."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Choice, Oid
from git_helper.errors import Cancelled, GitHelperError, NotFound, Unreachable
from git_helper.registry.artefact import Fetched
from git_helper.system import files
from git_helper.tasks.download import WORKERS, Downloaded, Left, described, download
from git_helper.tasks.gather import Wanted, gather
from git_helper.tasks.resolve import Outcome

ONE, TWO = Oid("1" * 40), Oid("2" * 40)
URL = "git+https://good.example/team/demo.git"


class Disk:
    """Makes a folder with another in it for each tree."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.errors: dict[str, GitHelperError] = {}
        self.kept: set[str] = set()
        self.before: Callable[[], object] = lambda: None

    def fetch(self, url: GitUrl, commit: Oid, destination: str) -> None:
        self.fetched.append(os.path.basename(destination))
        self.before()
        if commit.hex in self.errors:
            raise self.errors[commit.hex]
        os.makedirs(os.path.join(destination, "sub"))

    def fetch_kept(self, url: GitUrl, commit: Oid, destination: str) -> bool:
        if commit.hex not in self.kept:
            return False
        self.fetch(url, commit, destination)
        return True


def nothing_else() -> NoReturn:
    raise AssertionError("only Git is wanted")


def outcome(text: str, commit: Oid | None = ONE) -> Outcome:
    (wanted,) = gather([text], (), files.read, os.environ).wanted
    return Outcome(wanted, None if commit is None else Choice(commit, None))


def downloaded(disk: Disk, folder: Path, *outcomes: Outcome) -> list[Downloaded]:
    return download(outcomes, str(folder), lambda: disk, nothing_else)


def test_each_tree_once_and_the_results_in_order(tmp_path: Path) -> None:
    disk = Disk()
    wanted = [outcome(URL), outcome(URL, TWO), outcome(f"{URL}#subdirectory=sub"), outcome(f"other @ {URL}")]
    done = downloaded(disk, tmp_path, *wanted)
    assert [os.path.relpath(one.path or "", tmp_path) for one in done] == [
        "demo-111111111111",
        "demo-222222222222",
        "demo-111111111111/sub",
        "other-111111111111",
    ]
    assert sorted(disk.fetched) == ["demo-111111111111", "demo-222222222222", "other-111111111111"]
    assert [one.exit_code for one in done] == [0] * 4


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.git", "b"),
        ("a/b.git/", "b"),
        ("..git", "repository"),
        ("-x", "x"),
        (".hidden", "hidden"),
        ("a%2F..%2Fb", "a_2F.._2Fb"),
        ("%C3%A9", "_C3_A9"),
        ("con:aux|nul", "con_aux_nul"),
    ],
)
def test_a_name_for_every_repository(tmp_path: Path, path: str, name: str) -> None:
    (done,) = downloaded(Disk(), tmp_path, outcome(f"git+https://good.example/{path}"))
    assert done.tree is not None
    assert os.path.dirname(done.tree) == str(tmp_path)
    assert os.path.basename(done.tree) == f"{name}-111111111111"


def test_a_failure_is_that_of_its_tree_alone(tmp_path: Path) -> None:
    disk = Disk()
    disk.errors[TWO.hex] = Unreachable("cut", "try again")
    failed = Outcome(outcome(URL).wanted, error=NotFound("no such ref"))
    done = downloaded(disk, tmp_path, outcome(URL), outcome(URL, TWO), failed)
    assert [one.exit_code for one in done] == [0, 5, 6]
    assert described(done[1], {"name": "x"}) == {
        "name": "x",
        "error": "download-failed",
        "message": "cut",
        "hint": "try again",
        "path": None,
    }
    assert described(done[0], {})["path"] == str(tmp_path / "demo-111111111111")


def test_a_folder_that_is_not_in_the_tree(tmp_path: Path) -> None:
    disk = Disk()
    disk.before = lambda: None
    (tmp_path / "demo-111111111111").mkdir()
    (tmp_path / "demo-111111111111/away").symlink_to("/")
    disk.fetch = lambda url, commit, destination: None  # type: ignore[method-assign]
    done = downloaded(disk, tmp_path, *[outcome(f"{URL}#subdirectory={name}") for name in ("none", "away", "away/tmp")])
    assert [type(one.error) for one in done] == [NotFound] * 3
    assert "'away'" in str(done[1].error)


def test_what_the_cache_has_is_taken_at_once(tmp_path: Path) -> None:
    """One that it cannot give after all is fetched as the others are."""
    disk = Disk()
    disk.kept = {ONE.hex}
    disk.errors[ONE.hex] = Unreachable("full disk")
    there = [replace(outcome(f"{name} @ {URL}", commit), cached=True) for name, commit in (("a", ONE), ("b", TWO))]
    done = downloaded(disk, tmp_path, *there, outcome(f"c @ {URL}", TWO))
    assert [one.exit_code for one in done] == [5, 0, 0]
    assert sorted(disk.fetched) == [f"a-{'1' * 12}", f"b-{'2' * 12}", f"c-{'2' * 12}"]
    disk.errors.clear()
    disk.fetched.clear()
    assert all(one.path for one in downloaded(disk, tmp_path / "new", *there))
    assert disk.fetched == [f"a-{'1' * 12}", f"b-{'2' * 12}"]


class Shelf:
    """Has every file but those of `errors`, and leaves names to the installer."""

    def __init__(self) -> None:
        self.errors: dict[str, GitHelperError] = {}

    def fetch(self, wanted: Wanted, folder: str) -> Fetched | Left:
        if wanted.text in self.errors:
            raise self.errors[wanted.text]
        if "://" not in wanted.text:
            return Left("its own business")
        return Fetched(os.path.join(folder, wanted.text.rpartition("/")[2]), 3, {"sha256": "00"})


def test_what_is_no_git_is_a_file(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.errors["b @ https://good.example/b.whl"] = NotFound("no such file")
    texts = ["a @ https://good.example/a.whl", "b @ https://good.example/b.whl", "requests"]
    wanted = [outcome(texts[0], None), outcome(URL), outcome(texts[1], None), outcome(texts[2], None)]
    done = download(wanted, str(tmp_path), Disk, lambda: shelf)
    assert [one.path and os.path.basename(one.path) for one in done] == ["a.whl", "demo-111111111111", None, None]
    assert [one.exit_code for one in done] == [0, 0, 6, 0]
    assert [one.note for one in done] == [None, None, None, "its own business"]
    found = described(done[0], {"kind": "url", "hashes": {}})
    assert (found["size"], found["hashes"], found["cached"]) == (3, {"sha256": "00"}, False)


def test_many_at_once(tmp_path: Path) -> None:
    disk, meeting = Disk(), threading.Barrier(WORKERS)
    disk.before = lambda: meeting.wait(20)
    wanted = [outcome(f"name{number} @ {URL}") for number in range(WORKERS)]
    assert all(one.path for one in downloaded(disk, tmp_path, *wanted))


def test_a_no_of_the_person_ends_it_all(tmp_path: Path) -> None:
    disk = Disk()
    disk.errors[ONE.hex] = Cancelled("cancelled")
    with pytest.raises(Cancelled):
        downloaded(disk, tmp_path, outcome(URL), outcome(URL, TWO))


def test_sigterm_ends_it_while_others_wait(tmp_path: Path) -> None:
    disk, waiting = Disk(), threading.Event()

    def be_ended() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        waiting.wait(20)

    disk.before = be_ended
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        downloaded(disk, tmp_path, outcome(URL))
    waiting.set()
    assert caught.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before
