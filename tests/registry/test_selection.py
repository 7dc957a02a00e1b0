"""Which file of a page is taken."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from packaging.tags import sys_tags

from git_helper.errors import UsageError
from git_helper.registry.file_place import safe_filename
from git_helper.registry.selection import best

NATIVE = next(str(tag) for tag in sys_tags())


@dataclass(frozen=True)
class Link:
    filename: str
    requires_python: str | None = None


def chosen(*names: str | Link, version: str = "1.0", project: str = "My.Pkg") -> str | None:
    links = [Link(name) if isinstance(name, str) else name for name in names]
    found = best(project, version, links, "3.12.1")
    return None if found is None else found.filename


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["my_pkg-1.0.tar.gz", "my_pkg-1.0-py3-none-any.whl"], "my_pkg-1.0-py3-none-any.whl"),
        (["my_pkg-1.0-py3-none-any.whl", f"my_pkg-1.0-{NATIVE}.whl"], f"my_pkg-1.0-{NATIVE}.whl"),
        (["my_pkg-1.0-1-py3-none-any.whl", "my_pkg-1.0-2-py3-none-any.whl"], "my_pkg-1.0-2-py3-none-any.whl"),
        (["my_pkg-1.0-2-py3-none-any.whl", "my_pkg-1.0-10a-py3-none-any.whl"], "my_pkg-1.0-10a-py3-none-any.whl"),
        (["my_pkg-1.0-cp26-cp26m-win32.whl", "my_pkg-1.0.tar.gz"], "my_pkg-1.0.tar.gz"),
        (["my_pkg-1.0-cp26-cp26m-win32.whl"], None),
        (["my_pkg-1.1.tar.gz", "other-1.0.tar.gz", "my_pkg-1.0.exe", "my_pkg-1.0.whl", "index.html"], None),
        (["My.Pkg-1.0.zip"], "My.Pkg-1.0.zip"),
        (["my_pkg-1.0.0-py3-none-any.whl"], "my_pkg-1.0.0-py3-none-any.whl"),
        ([], None),
    ],
)
def test_the_best_one(names: list[str], expected: str | None) -> None:
    assert chosen(*names) == expected


def test_python_counts() -> None:
    old, new = Link("my_pkg-1.0-py3-none-any.whl", "<3.10"), Link("my_pkg-1.0.tar.gz", ">=3.10")
    assert chosen(old, new) == "my_pkg-1.0.tar.gz"
    assert chosen(old) is None
    assert chosen(Link("my_pkg-1.0.tar.gz", "three")) == "my_pkg-1.0.tar.gz"


@pytest.mark.parametrize("name", ["pkg-1.0.tar.gz", "a b.whl", "é.zip", "comma.whl"])
def test_safe_names(name: str) -> None:
    assert safe_filename(name, "url") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a\\b",
        "a\nb",
        "con",
        "NUL.txt",
        "com1.whl",
        "x.",
        "x ",
        "a:b",
        "x" * 300,
        "a\0",
    ],
)
def test_unsafe_names(name: str) -> None:
    with pytest.raises(UsageError, match="cannot download 'url'"):
        safe_filename(name, "url")
