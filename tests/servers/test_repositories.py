"""The repositories that tests are made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.isolated import git
from tests.servers.repositories import Entry, Gitlink, make_repository, python_project, resolve


def test_a_repository_is_the_same_everywhere(tmp_path: Path) -> None:
    one = make_repository(tmp_path / "deep/one.git")
    other = make_repository(tmp_path / "other.git")
    assert resolve(one, "v1.1.0") == resolve(other, "v1.1.0") == "0e6aa4a28574e513968fd5f15c1dd3edea2cb026"
    assert resolve(one) == resolve(one, "main") == resolve(one, "v1.1.0^{commit}")


def test_it_has_what_its_documentation_says(tmp_path: Path, env: dict[str, str]) -> None:
    bare = make_repository(tmp_path / "demo.git", commits=5)
    git("-C", bare, "fsck", "--strict", "--no-dangling", env=env)
    assert git("-C", bare, "symbolic-ref", "HEAD", env=env).stdout == b"refs/heads/main\n"
    listing = git("-C", bare, "for-each-ref", "--format=%(refname) %(objecttype)", env=env).stdout.decode()
    assert listing.split("\n")[:-1] == [
        "refs/heads/develop commit",
        "refs/heads/feature/slash commit",
        "refs/heads/main commit",
        "refs/heads/twin commit",
        "refs/tags/first commit",
        "refs/tags/twin commit",
        "refs/tags/v1.0.0 tag",
        "refs/tags/v1.1.0 tag",
    ]
    assert resolve(bare, "v1.0.0^{commit}") == resolve(bare, "main~1") == resolve(bare, "develop~1")
    assert resolve(bare, "first") == resolve(bare, "feature/slash") == resolve(bare, "main~4")
    assert resolve(bare, "refs/heads/twin") != resolve(bare, "refs/tags/twin")
    modes = git("-C", bare, "-c", "core.quotePath=false", "ls-tree", "main", env=env).stdout.decode()
    assert {line.split("\t")[1]: line[:6] for line in modes.split("\n")[:-1]} == {
        ".gitattributes": "100644",
        "README.md": "100644",
        "docs": "040000",
        "history.txt": "100644",
        "latest": "120000",
        "packages": "040000",
        "tool.sh": "100755",
    }
    assert git("-C", bare, "show", "main:history.txt", env=env).stdout.count(b"\n") == 5


def test_files_and_the_object_format_can_be_chosen(tmp_path: Path, env: dict[str, str]) -> None:
    files: dict[str, Entry] = {'odd "name".txt': b"\0\xff", "sub": Gitlink("1" * 64)}
    bare = make_repository(tmp_path / "demo.git", 2, files, object_format="sha256")
    assert len(resolve(bare)) == 64
    assert git("-C", bare, "show", 'main:odd "name".txt', env=env).stdout == b"\0\xff"
    assert git("-C", bare, "ls-tree", "main", "sub", env=env).stdout.startswith(b"160000 commit")


def test_a_history_has_two_commits_at_least(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 commits"):
        make_repository(tmp_path / "demo.git", commits=1)


def test_the_python_project_can_be_installed_without_a_network(tmp_path: Path) -> None:
    for name, content in python_project("folder", "hello", "2.5").items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        assert isinstance(content, str)
        path.write_text(content)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", tmp_path / "site", tmp_path / "folder"], check=True, capture_output=True)
    shown = subprocess.run(
        [sys.executable, "-c", "import hello; print(hello.VERSION)"],
        cwd=tmp_path / "site",
        capture_output=True,
        check=True,
    )
    assert shown.stdout.strip() == b"2.5"
