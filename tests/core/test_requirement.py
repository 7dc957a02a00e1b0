"""What one requirement means: the cases of url-parse, and rules around them."""

from __future__ import annotations

import json
import re
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.redaction import redact
from git_helper.core.requirement import Requirement, describe, url_span
from git_helper.core.requirements_file import scan
from git_helper.core.url_text import with_authority
from git_helper.secret import visible
from tests.core.cases import cases
from tests.core.rows import gives_away

URL = "git+https://host/org/repo.git"
WORDS = (
    "git+ https ssh file :// : / @ # ; ? & = [ ] % %0a %2F .. ~ - host good.example name pkg 12 egg subdirectory main "
    "refs/ v1 .git .whl u p python_version>'3' == , \\ ${A} \u2028 é"
)
PIECES = st.sampled_from([*re.split(" ", WORDS), " ", "\t", "\n", " @ ", " ; ", " # "])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=14).map("".join))


@pytest.mark.parametrize("case", cases("url-parse"))
def test_case(case: dict[str, Any]) -> None:
    expected = dict(case["expected"])
    hidden = expected.pop("must_not_contain", [])
    hint = expected.pop("hint", None) or ""
    described: dict[str, Any] = describe(case["input"], reveal=True)
    assert {key: described.get(key) for key in expected} == expected
    assert hint in (described.get("hint") or "")
    assert not [text for text in hidden if text in json.dumps(described)]
    if not described["ok"]:
        start, end = described["span"]
        assert 0 <= start <= end <= len(case["input"])


@pytest.mark.parametrize("case", cases("url-parse"))
def test_case_shows_no_password_unless_it_is_revealed(case: dict[str, Any]) -> None:
    described = describe(case["input"])
    password = case["expected"].get("password")
    assert described.get("password") == ("****" if password else None)
    for secret in filter(None, (password, "tok" if "tok@" in case["input"] else None)):
        assert not gives_away(secret, described, case)


def error_of(text: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        Requirement.parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("git+https:///x", "missing-host"),
        ("git+https://u:p@:443/x", "missing-host"),
        ("git+https://host", "invalid-path"),
        ("git+https://host/@scope/repo.git", "ambiguous-revision"),
        ("git+https://host/r.git@", "invalid-revision"),
        ("git+https://host/r.git@-x", "invalid-revision"),
        ("git+https://host/r.git@a..b", "invalid-revision"),
        ("git+https://host/.", "invalid-path"),
        ("git+https:host/r.git", "invalid-url"),
        ("name @ https:/host/x.whl", "invalid-url"),
        ("git+host/org/repo.git", "invalid-url"),
        ("name @ git+./folder", "invalid-url"),
        ("git+https://host/r.git#egg=x@v1", "invalid-fragment"),
        ("git+https://host/r.git@a%0ab", "invalid-url"),
        ("git+https://host/r.git@%ff", "invalid-revision"),
        ("git+https://host/%0ahost=evil/r.git", "invalid-url"),
        ("git+https://host%0d%0ahost=good.example/r.git", "invalid-url"),
        ("git+https://u%00:p@host/r.git", "invalid-url"),
        ("git+https://u:p%E2%80%A8@host/r.git", "invalid-url"),
        ("git+https://host/r\u2028.git", "invalid-url"),
        ("git+https://host/r\ud800.git", "invalid-url"),
        ("git+https://host/r.git\nname", "invalid-url"),
        ("git+https://host:99999/r.git", "invalid-port"),
        ("git+https://host:0/r.git", "invalid-port"),
        ("git+https://hóst/r.git", "invalid-host"),
        ("git+https://ho%73t/r.git", "invalid-host"),
        ("git+https://[::1/r.git", "invalid-host"),
        ("git+https://a..b/r.git", "invalid-host"),
        ("git+https://good.example\\@evil.example/r.git", "ambiguous-authority"),
        ("git+https://good.example\\evil/r.git", "invalid-url"),
        ("git+https://user/name:pw@host/r.git", "ambiguous-authority"),
        ("git+https://u:p?x@host/r.git", "ambiguous-authority"),
        ("git+https://proxy.example/https://u:p@host/r.git", "ambiguous-authority"),
        ("git+ssh://git:pw@host/r.git", "ssh-password"),
        ("git+ssh://-oProxyCommand=x@host/r.git", "invalid-user"),
        ("git+ssh://host/-oProxyCommand=x", "invalid-path"),
        ("git+ssh://host/%2Dx", "invalid-path"),
        ("git+file://host/r.git", "invalid-host"),
        ("git+git://host/r.git", "unsupported-scheme"),
        ("git://host/r.git", "unsupported-scheme"),
        ("ftp://host/x.whl", "unsupported-scheme"),
        ("svn+https://host/r", "unsupported-vcs"),
        ("host.example:org/repo.git", "scp-form"),
        ("name @ git@host:org/repo.git", "scp-form"),
        ("name@git@host:org/repo.git@v1 ; python_version > '3'", "scp-form"),
        ("git@host:org/repo.git ; python_version > '3'", "scp-form"),
        ("name@user@host", "invalid-requirement"),
        ("user:pw ; x@host:path", "invalid-requirement"),
        ("ext::sh", "unsupported-scheme"),
        ("name @ git+ext::sh", "unsupported-scheme"),
        ("git+file:/", "invalid-path"),
        ("user:pw@host/x", "invalid-requirement"),
        ("https://github.com/org/repo", "missing-git-prefix"),
        ("name @ https://host/x.whl;python_version>'3'", "invalid-requirement"),
        ("name @ git+https://host/r.git ; python_version >", "invalid-requirement"),
        ("name @ git+https://host/r.git junk", "invalid-requirement"),
        ("name @", "invalid-requirement"),
        ("", "invalid-requirement"),
        (f"{URL}@main#subdirectory=%2e%2e/x", "subdirectory-escapes"),
        (f"{URL}@main#subdirectory=a&subdirectory=b", "invalid-subdirectory"),
        ("(" * 3000, "invalid-requirement"),
        ("name ; " + "(" * 3000, "invalid-requirement"),
    ],
)
def test_unusable(text: str, error: str) -> None:
    assert error_of(text).error == error


@pytest.mark.parametrize(
    "text",
    [
        "pkg @ git+https://u:p/sekrit@h/r.git",
        "git+https://u:/sekrit@h/r.git",
        "https://u:/sekrit@h/x.whl",
        "git+https://u:sekrit",
        "git+https://sekrit/w@h/r.git",
        "git+https://u:p#sekrit@h/r.git",
        "git+https://u:p sekrit@h/r.git",
        "https://u:sekrit @h/r.whl",
        "https://u:sekrit # x@h/r.whl",
        "u:sekrit@host/x",
        "name @ u:sekrit@host/x",
        "//u:sekrit@host/x",
        "u:/sekrit@host/x",
        "name @ u:/sekrit@host/x",
        "git@host:o/https://u:sekrit@host/x",
        "git+https://ghp_sekrit0123456789abcdef",
        "user:sekrit ; x@host:path",
        "sekrit::x@host:path",
        "git+u:sekrit@host/x",
        "git+https//u:sekrit@host/x",
        "ssh://u:sekrit@host/x",
        "ssh://u:sekrit/x@host:org/r",
        "git+https://p@sekrit.x/y@host/r.git",
        "name==1 @ git+https://u:sekrit@h/r.git",
        "git+https://u:sekrit@h/r.git?x=1",
        "https://h\x00/x.whl?token=sekrit",
    ],
)
def test_an_error_shows_no_part_of_a_password(text: str) -> None:
    assert "sekrit" not in json.dumps(error_of(text).described())


def test_an_error_shows_a_url_that_surely_has_no_password() -> None:
    assert "'git+https://good.example/r.git@main~1'" in error_of("git+https://good.example/r.git@main~1").message


def test_missing_slashes_are_no_scp_form() -> None:
    assert error_of("git+https:host/r.git").hint == "write 'git+https://' and then the host"


def test_spans_point_into_the_argument() -> None:
    text = "  name @ git+ftp://host/r.git"
    start, end = error_of(text).span
    assert text[start:end] == "ftp"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("requests", "name"),
        ("https://host/x.whl", "url"),
        ("name @ file:///x/y", "url"),
        ("./folder", "url"),
        ("name @ ../x", "url"),
        ("x-1.0.tar.gz", "url"),
        ("C:/x/y", "url"),
        (r"name @ c:\x\y.whl", "url"),
        ("GIT+HTTPS://host/r", "git"),
        ("ssh://git@host/r", "git"),
        ("file:///x/y.git", "git"),
        ("git+file:/x/y", "git"),
        ("https://github.com/org/repo.git", "git"),
        ("https://github.com/org/repo/archive/v1.zip", "url"),
        ("https://github.com/org/v1.zip", "url"),
    ],
)
def test_kind(text: str, kind: str) -> None:
    assert describe(text)["kind"] == kind


def test_every_object_has_the_same_fields() -> None:
    fields = {tuple(describe(text)) for text in (URL, "https://host/x.whl", "requests>=2", "./folder")}
    assert [sorted(names) for names in fields] == [sorted(describe(URL))]


def test_name_extras_and_marker() -> None:
    described = describe('Name_1[b, a] @ git+https://host/r.git@v1 ; python_version>"3" # note')
    assert (described["name"], described["extras"], described["marker"]) == ("Name_1", ["b", "a"], 'python_version>"3"')
    assert describe("git+https://host/r.git@v1[dev] ; python_version > '3'")["extras"] == ["dev"]
    assert describe("name@git+https://host/r.git# note")["path"] == "/r.git"
    assert describe("requests[socks]>=2 ; python_version > '3' # x")["display"] == "requests[socks]>=2"


def test_pinned() -> None:
    text = "name[a,b] @ git+https://u:p@host/r.git@v1#subdirectory=x ; python_version > '3'"
    assert Requirement.parse(text).pinned("0" * 40) == (
        "name[a,b] @ git+https://host/r.git@" + "0" * 40 + "#subdirectory=x ; python_version > '3'"
    )
    assert Requirement.parse("https://host/r.git[a]").pinned("1" * 40) == "git+https://host/r.git@" + "1" * 40 + "[a]"
    with pytest.raises(ValueError, match="only a Git requirement"):
        Requirement.parse("requests").pinned("1" * 40)


def test_artefact() -> None:
    target = Requirement.parse("p @ https://u:p@H:443/a%20b.whl?token=x&y=1#SHA256=no&sha256=AA").target
    assert isinstance(target, PlainUrl)
    assert target.hashes == (("sha256", "aa"),)
    assert target.filename == "a b.whl"
    assert target.base.reveal() == b"https://h/a%20b.whl?token=x&y=1"
    assert target.safe_url == "https://h/a%20b.whl?token=****&y=1"
    assert str(target) == "https://u:****@H:443/a%20b.whl?token=****&y=1#SHA256=no&sha256=AA"
    assert "x&y" not in repr(target)


@settings(deadline=None)
@given(TEXTS)
def test_nothing_but_a_parse_error_is_raised(text: str) -> None:
    described: dict[str, Any] = describe(text)
    if described["ok"]:
        assert described["kind"] in ("git", "url", "name")
    else:
        start, end = described["span"]
        assert 0 <= start <= end <= len(text)
    shown = str(described["display" if described["ok"] else "message"])
    assert visible(shown) == shown


@settings(deadline=None)
@given(TEXTS)
def test_the_span_of_the_url_is_what_was_parsed(text: str) -> None:
    try:
        target = Requirement.parse(text).target
    except ParseError:
        return
    span = url_span(text)
    if isinstance(target, GitUrl):
        assert span is not None
        assert GitUrl.parse(with_authority(text[slice(*span)])) == target


LONG = {
    "letters": "a" * 65536,
    "extras": "x[" + "a," * 32768,
    "blanks": "git+https://h/r" + " " * 65536 + "x",
    "schemes": "a://" * 16384,
    "nested scheme": "https://h/" + "a-" * 32768 + "://x:@",
    "at": "a@" * 32768,
    "colons": "a:" * 32768,
    "escapes": "git+https://u:" + "%41" * 20000 + "@h/r",
    "markers": "a @ https://h/x" + ";(" * 32768,
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_take_no_square_time(name: str) -> None:
    before = process_time()
    described = describe(LONG[name])
    redact(LONG[name])
    scan(LONG[name], {})
    assert process_time() - before < 10
    assert "ok" in described
