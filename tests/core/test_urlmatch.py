"""git's URL matching, each row asked of the real git as well."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from git_helper.core import urlmatch
from git_helper.core.credential import Description
from tests.support import needs

PATTERNS = (
    # Full URLs.
    "https://example.com",
    "https://example.com/",
    "HTTPS://EXAMPLE.COM",
    "http://example.com",
    "https://example.com:443",
    "https://example.com:0443/",
    "https://example.com:8443",
    "https://example.com:99999",
    "https://example.com.",
    "https://bob@example.com",
    "https://b%6Fb@example.com",
    "https://@example.com",
    "https://bob:secret@example.com",
    "https://example.com/org",
    "https://example.com/org/",
    "https://example.com/or",
    "https://example.com/%6Frg",
    "https://example.com/x/../org",
    "https://example.com/../org",
    "https://example.com/./org/repo.git",
    "https://example.com/%zz",
    "https://example.com?q",
    "https://example.com/a%20b",
    "https://example.com/a b",
    # Wildcards stand for one whole label, in full URLs only.
    "https://*.com",
    "https://*.example.com",
    "https://*",
    "https://*.*",
    "https://ex*.com",
    "*.example.com",
    # Partial URLs: every part that is there is equal.
    "example.com",
    "EXAMPLE.com",
    "example.com:443",
    "example.com/org",
    "example.com/org/repo.git",
    "bob@example.com",
    "bob@",
    "bob:ignored@example.com",
    "https://",
    "http://",
    "/org",
    "/org/repo.git",
    "//org/repo.git/",
    "https:///org/repo.git",
    "exampl%65.com",
    "exampl%65.com:443",
    "/a%20b:c",
    "/a:%62c",
    "/%0aorg",
    "/a%00b",
    "",
    "?q",
    "com",
)
REQUESTS = (
    ("https", "example.com", None, None),
    ("https", "example.com", "org/repo.git", None),
    ("https", "example.com", "org", "bob"),
    ("https", "EXAMPLE.com", "organisation", "alice"),
    ("HTTPS", "example.com:443", "org/", ""),
    ("https", "example.com:8443", None, "bob"),
    ("http", "example.com:80", "a b", "b/ob"),
    ("https", "a.example.com", None, None),
    ("https", "b.a.example.com", "a b:c", None),
    ("https", "example.com", "a:bc", None),
    ("https", "example.com", "?q", None),
    ("https", "exa_mple.com", "org?q=1", None),
    ("ftp", "[::1]", "org/repo.git", None),
    ("cert", "", "org/repo.git", None),
)


def as_bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def matched_by_git(home: Path, request: tuple[str, str, str | None, str | None]) -> list[str]:
    log = home / "log"
    log.touch()
    lines = ["[credential]\n\tuseHttpPath = true\n"]
    for number, pattern in enumerate(PATTERNS):
        lines.append(f'[credential "{pattern}"]\n\thelper = "!echo {number} >>{log}; :"\n')
    (home / ".gitconfig").write_text("".join(lines))
    keys = ("protocol", "host", "path", "username")
    stdin = "".join(f"{key}={value}\n" for key, value in zip(keys, request, strict=True) if value is not None)
    subprocess.run(
        [needs("git"), "credential", "fill"],
        input=stdin.encode(),
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
        cwd=home,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return [PATTERNS[int(number)] for number in log.read_text().split()]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_the_same_patterns_apply_as_in_git(home: Path, request_: tuple[str, str, str | None, str | None]) -> None:
    protocol, host, path, username = request_
    wanted = Description(protocol.encode(), host.encode(), as_bytes(path), as_bytes(username))
    ours = [pattern for pattern in PATTERNS if urlmatch.applies(pattern.encode(), wanted)]
    assert ours == matched_by_git(home, request_)
    assert ours  # the empty pattern at least: git did run helpers


def test_the_table_has_matches_and_misses_for_every_kind_of_pattern() -> None:
    wanted = Description(b"https", b"example.com", b"org/repo.git", b"bob")

    def applies(pattern: bytes) -> bool:
        return urlmatch.applies(pattern, wanted)

    assert all(map(applies, (b"https://example.com/org", b"https://*.com", b"bob@example.com", b"/org/repo.git", b"")))
    for pattern in (b"https://example.com/or", b"https://ex*.com", b"alice@", b"/org", b"example.com:443", b"com"):
        assert not applies(pattern)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("https://example.com/org", "https://example.com"),
        ("https://example.com", "https://*.com"),
        ("https://bob@example.com/org", "https://example.com/org"),
        ("https://example.com/org", "https://bob@example.com"),
    ],
)
def test_the_more_specific_pattern_ranks_higher(better: str, worse: str) -> None:
    url = b"https://bob@example.com/org/repo.git"
    high, low = urlmatch.match_text(url, better.encode()), urlmatch.match_text(url, worse.encode())
    assert high is not None
    assert low is not None
    assert high > low > urlmatch.LOWEST


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        (b"HTTPS://Example.COM:443/%7ea/./b/../c?x=%2f", (b"https", None, b"example.com", b"", b"/~a/c?x=%2F")),
        (b"http://u%40:p@h:080", (b"http", b"u%40", b"h", b"", b"/")),
        (b"file:///tmp/x", (b"file", None, b"", b"", b"/tmp/x")),
        (b"https://[::1]:8443/", (b"https", None, b"[::1]", b"8443", b"/")),
    ],
)
def test_normal_form(url: bytes, normal: tuple[bytes, bytes | None, bytes, bytes, bytes]) -> None:
    assert urlmatch.normalized(url) == normal


@pytest.mark.parametrize(
    "url",
    b"|example.com|://h|1x://h|https://|https://:80|https://h:0|https://h:65536|https://h:x|https://h/%|https://h/.."
    b"|https://*.h|https://h%41|https://%zz@h|file://:1/".split(b"|"),
)
def test_what_git_calls_invalid_has_no_normal_form(url: bytes) -> None:
    assert urlmatch.normalized(url) is None
