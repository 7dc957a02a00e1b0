"""`url.<base>.insteadOf`: the longest prefix wins, and what belongs to the requirement stays."""

from __future__ import annotations

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.instead_of import instead_of
from git_helper.core.parse_error import ParseError

RULES = [
    ("https://h/", "ssh://git@h/"),
    ("https://h/org/", "https://mirror.example/org/"),
    ("https://scp.example/", "git@scp.example:"),
    ("https://nowhere.example/", "rsync://x/"),
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("git+https://h/a/r.git@v1", "git+ssh://git@h/a/r.git@v1"),
        ("git+https://h/org/r.git@v1#subdirectory=s", "git+https://mirror.example/org/r.git@v1#subdirectory=s"),
        ("https://scp.example/o/r.git", "ssh://git@scp.example/o/r.git"),
        ("git+https://other.example/r.git", "git+https://other.example/r.git"),
        ("git+https://h.example/r.git", "git+https://h.example/r.git"),
        ("git+https://u@h/a/r.git", "git+https://u@h/a/r.git"),
    ],
)
def test_the_longest_prefix_wins(before: str, after: str) -> None:
    found = instead_of(GitUrl.parse(before), RULES)
    expected = GitUrl.parse(after)
    assert (found.clone_url, found.reference, found.subdirectory) == (
        expected.clone_url,
        expected.reference,
        expected.subdirectory,
    )


def test_a_base_that_is_no_place_is_an_error() -> None:
    with pytest.raises(ParseError):
        instead_of(GitUrl.parse("git+https://nowhere.example/r.git"), RULES)


def test_no_rule_changes_nothing() -> None:
    url = GitUrl.parse("git+https://h/a.git")
    assert instead_of(url, []) is url
    assert instead_of(url, [("", "https://evil.example/")]) is url
