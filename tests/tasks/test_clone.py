"""What a clone is asked for: the URL, the folder that git would choose, and options that make no sense together."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.reference import Oid
from git_helper.errors import UsageError
from git_helper.git.clone_options import Cloned, Options
from git_helper.tasks.clone import clone, folder_name
from tests.servers.git_http import GitHttpServer
from tests.servers.isolated import environment, git
from tests.servers.repositories import make_repository


class Remembering:
    """A transport that only keeps what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[GitUrl, str, Options]] = []

    def clone(self, url: GitUrl, destination: str, options: Options) -> Cloned:
        self.asked.append((url, destination, options))
        return Cloned(destination, Oid("1" * 40), "refs/heads/main", ())


def test_everything_reaches_the_transport() -> None:
    transport = Remembering()
    clone("git+https://good.example/a/b.git@v1", None, transport, depth=3, recurse_submodules=True, lfs=False)
    clone("https://good.example/a/b", "there", transport, revision="feature/x", bare=True, recurse_submodules=True)
    (url, folder, first), (_, other, second) = transport.asked
    assert (url.safe_url, folder, other) == ("https://good.example/a/b.git", "b", "there")
    assert (first.reference.rev, first.depth, first.bare, first.recurse_submodules, first.lfs) == (
        "v1",
        3,
        False,
        True,
        False,
    )
    assert (second.reference.rev, second.depth, second.bare, second.lfs) == ("feature/x", None, True, True)
    assert not second.recurse_submodules, "there are no files to put them in"


@pytest.mark.parametrize(
    "path",
    [
        "/a/repo.git",
        "/a/repo",
        "/repo.git/",
        "/a/repo/.git",
        "/a/repo.git//",
        "/repo.bundle",
        "/a%20b.git",
        "/a.git.git",
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_the_folder_is_the_one_git_chooses(tmp_path: Path, home: Path, path: str, bare: bool) -> None:
    make_repository(tmp_path / "root/x.git", 2)
    env = environment(home)
    (tmp_path / "place").mkdir()
    with GitHttpServer(tmp_path / "root") as server:
        # Whatever the path, it is the one repository.
        rewrite = f"url.{server.url}/x.git.insteadOf=https://good.example{path}"
        words = ["--bare"] if bare else []
        git("-c", rewrite, "clone", "-q", *words, f"https://good.example{path}", env=env, cwd=tmp_path / "place")
    [theirs] = [found.name for found in (tmp_path / "place").iterdir()]
    assert folder_name(GitUrl.parse(f"https://good.example{path}"), bare=bare) == theirs


@pytest.mark.parametrize("path", ["/.git", "/.git/", "/.GIT/"])
def test_no_folder_can_be_guessed(path: str) -> None:
    with pytest.raises(UsageError, match="guess"):
        folder_name(GitUrl.parse(f"https://good.example{path}"))


@pytest.mark.parametrize("depth", [0, -1, 1 << 31])
def test_a_depth_is_a_number_of_commits(depth: int) -> None:
    transport = Remembering()
    with pytest.raises(UsageError, match="--depth"):
        clone("https://good.example/a", None, transport, depth=depth)
    assert transport.asked == []


def test_two_revisions_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="two revisions"):
        clone("https://good.example/a@v1", None, Remembering(), revision="v2")


@pytest.mark.parametrize("revision", ["-x", "a..b", "main~1", "", "a\x1bb"])
def test_a_bad_revision_ends_before_any_request(revision: str) -> None:
    transport = Remembering()
    with pytest.raises(UsageError) as caught:
        clone("https://good.example/a", None, transport, revision=revision)
    assert "\x1b" not in caught.value.message
    assert transport.asked == []


def test_a_bad_url_ends_before_any_request() -> None:
    with pytest.raises(ParseError):
        clone("git@good.example:a/b", None, Remembering())
