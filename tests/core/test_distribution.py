"""Names of projects and files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.distribution import (
    belongs_to,
    checked_project,
    is_distribution,
    is_project_name,
    normalized,
    project_url,
)
from git_helper.errors import UsageError
from tests.core.cases import cases


@pytest.mark.parametrize("case", cases("requirements"))
def test_case(case: dict[str, Any]) -> None:
    expected = case["expected"]
    if "project_url" in expected:
        assert project_url(expected["index_url"], "pkg") == expected["project_url"]


@pytest.mark.parametrize(
    ("index", "url"),
    [
        ("https://H.example/simple", "https://h.example/simple/my-pkg/"),
        ("https://u:p@h.example:443/simple///", "https://h.example/simple/my-pkg/"),
        ("https://h.example", "https://h.example/my-pkg/"),
        ("https://h.example/a%2Fb/?sig=x%26y#frag", "https://h.example/a%2Fb/my-pkg/?sig=x%26y"),
        ("http://[::1]:8080/+simple/", "http://[::1]:8080/+simple/my-pkg/"),
    ],
)
def test_where_an_index_lists_the_files(index: str, url: str) -> None:
    assert project_url(index, "My.._Pkg") == url


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "a-", "a b", "a" * 300, "é", "a%2fb"])
def test_what_is_no_name_reaches_no_url(name: str) -> None:
    assert not is_project_name(name)
    with pytest.raises(UsageError, match="no project's name"):
        checked_project(name)


def test_a_url_that_is_no_name_shows_no_password() -> None:
    with pytest.raises(UsageError) as caught:
        checked_project("https:/u:sekrit@h/x")
    assert "sekrit" not in caught.value.message


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True))
def test_a_name_is_normalized_once(name: str) -> None:
    assert is_project_name(name)
    assert normalized(normalized(name)) == normalized(name)
    assert normalized(name.upper().replace("-", "_")) == normalized(name)


@pytest.mark.parametrize(
    ("filename", "project"),
    [
        ("Foo_Bar-1.0-py3-none-any.whl", "foo-bar"),
        ("foo-bar-1.0.tar.gz", "foo-bar"),
        ("foo.bar-1!2.0.zip", "foo-bar"),
        ("foo-1.0-py3.11.egg", "foo"),
        ("FOO-2-BAR-3.0.tar.bz2", "foo-2-bar"),
    ],
)
def test_a_file_of_a_project(filename: str, project: str) -> None:
    assert is_distribution(filename)
    assert belongs_to(filename, project)


@pytest.mark.parametrize(
    ("filename", "project"),
    [
        ("foo_bar-1.0-py3-none-any.whl", "foo"),
        ("foo-bar-1.0.tar.gz", "foo"),
        ("foo-bar-1.0.tar.gz", "bar"),
        ("foobar-1.0.tar.gz", "foo"),
        ("foo.tar.gz", "foo"),
    ],
)
def test_a_file_of_another_one(filename: str, project: str) -> None:
    assert not belongs_to(filename, project)


@pytest.mark.parametrize("filename", [".whl", "a.whl.metadata", "a.tar.gz.asc", "index.html", "a.exe", ""])
def test_what_cannot_be_installed(filename: str) -> None:
    assert not is_distribution(filename)
