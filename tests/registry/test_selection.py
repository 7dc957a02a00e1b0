"""Which file of a page is taken."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from packaging.tags import sys_tags

from git_helper.errors import UsageError
from git_helper.registry.file_place import safe_filename
from git_helper.registry.selection import Pin, best

NATIVE = next(str(tag) for tag in sys_tags())


@dataclass(frozen=True)
class Link:
    filename: str
    requires_python: str | None = None
    hashes: tuple[tuple[str, str], ...] = ()


def chosen(*names: str | Link, specifier: str = "==1.0", hashes: tuple[tuple[str, str], ...] = ()) -> str | None:
    links = [Link(name) if isinstance(name, str) else name for name in names]
    pin = Pin.of(specifier)
    assert pin is not None
    found = best("My.Pkg", pin, links, "3.12.1", hashes)
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


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("==1.0", "my_pkg-1.0+local.2.tar.gz"),
        ("==1.0.0", "my_pkg-1.0+local.2.tar.gz"),
        ("===1.0", "my_pkg-1.0-py3-none-any.whl"),
        ("==1.0+local.1", "my_pkg-1.0+local.1-py3-none-any.whl"),
        ("==1.0+other", None),
    ],
)
def test_a_local_label_is_ignored_unless_it_is_asked_for(specifier: str, expected: str | None) -> None:
    names = [f"my_pkg-1.0{label}-py3-none-any.whl" for label in ("", "+local.1")]
    assert chosen(*names, "my_pkg-1.0+local.2.tar.gz", "my_pkg-1.1+local.3.tar.gz", specifier=specifier) == expected


def test_a_file_with_a_wanted_digest_comes_first() -> None:
    good, bad = ("sha256", "aa"), ("sha256", "bb")
    wheel, source = Link("my_pkg-1.0-py3-none-any.whl", None, (bad,)), Link("my_pkg-1.0.tar.gz", None, (good,))
    unknown = Link("my_pkg-1.0.zip", None, (("md5", "cc"),))
    assert chosen(wheel, source, hashes=(good,)) == source.filename
    assert chosen(wheel, unknown, hashes=(good,)) == unknown.filename
    assert chosen(wheel, source, hashes=(good, bad)) == wheel.filename
    assert chosen(wheel, hashes=(good,)) == wheel.filename  # it is refused when its digest is checked
    assert chosen(wheel, source) == wheel.filename


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
