"""Links of pages: what is followed, and where it leads."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.registry.links import BadLink, FileLink, filename_of, fragment_hashes, named_hashes, resolved

BASE = "https://h.example:8443/simple/demo/"
SHA = "a" * 64


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("../../p/a-1.whl#sha256=x", "https://h.example:8443/p/a-1.whl"),
        ("/a-1.whl", "https://h.example:8443/a-1.whl"),
        (" \n a-1.whl \t", BASE + "a-1.whl"),
        ("//other.example/a-1.whl", "https://other.example/a-1.whl"),
        ("HTTP://O.example:80/a-1.whl", "HTTP://O.example:80/a-1.whl"),
        ("a b+é.whl", BASE + "a%20b+%C3%A9.whl"),
        ("https://u:p@f.example/a-1.whl", "https://u:p@f.example/a-1.whl"),
        ("https://ghp_0123456789abcdef@f.example/a.whl", "https://ghp_0123456789abcdef@f.example/a.whl"),
        # Whoever wrote the page does not choose whom a person is asked about.
        ("https://good.example@evil.example/a-1.whl", "https://evil.example/a-1.whl"),
        ("https://f.example/a-1.whl?sig=a%2Fb&c=d", "https://f.example/a-1.whl?sig=a%2Fb&c=d"),
        ("../../../../../a-1.whl", "https://h.example:8443/a-1.whl"),
    ],
)
def test_a_link(href: str, url: str) -> None:
    assert resolved(BASE, href)[0] == url


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)//a-1.whl",
        "JaVaScRiPt:a-1.whl",
        "file:///etc/a-1.whl",
        "data:text/html,a-1.whl",
        "ftp://h.example/a-1.whl",
        "git+ssh://h.example/a-1.whl",
        "https://h.example/a\x001.whl",
        "https://h.ex\nample/a-1.whl",
        "java\tscript:a-1.whl",
        "https:\\\\evil.example\\a-1.whl",
        "https://h.example:99999/a%0d%0aHost:x/a-1.whl",
        "https://exämple.example/a-1.whl",
        "https://u:p/w@h.example/a-1.whl",
        "https://[::1/a-1.whl",
        "https:///a-1.whl",
    ],
)
def test_a_link_that_nobody_should_follow(href: str) -> None:
    with pytest.raises(BadLink) as caught:
        resolved(BASE, href)
    assert "p/w" not in str(caught.value)


def test_only_a_page_of_this_machine_leads_to_its_files() -> None:
    assert resolved("file:///x/index.html", "sub/a-1.whl", local=True)[0] == "file:///x/sub/a-1.whl"
    assert resolved("file:///x/index.html", "https://h.example/a-1.whl", local=True)[0] == "https://h.example/a-1.whl"


PIECES = ["../", "./", "..", "/", ".", "a", "b-1.0.whl", "?", "q=/../x", ";", "//", "e.x", "%41", "...", "~", "@", "#f"]
BASES = [BASE, "https://h/", "https://h/a/b/c?x=/y/z", "https://h/a/../b/", "https://h/a//b/", "https://h/a/b;p/c"]


@given(st.sampled_from(BASES), st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join))
def test_the_short_way_ends_where_the_standard_library_ends(base: str, href: str) -> None:
    try:
        url, fragment = resolved(base, href)
    except BadLink:
        return
    assert url + ("#" + fragment if fragment else "") == urljoin(base, href).removesuffix("#")


@given(st.text(max_size=40))
def test_any_text_is_a_link_or_none(href: str) -> None:
    try:
        url, _ = resolved(BASE, href)
    except BadLink:
        return
    assert url.lower().startswith(("https://", "http://"))
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/a-1%2B2.whl?x=/y.whl", "a-1+2.whl"),
        ("https://h/a%2F..%2Fb.whl", ""),
        ("https://h/a/%2E%2E", ""),
        ("https://h/a/", ""),
        ("https://h/a%5Cb.whl", ""),
        ("https://h/a%E2%80%AEb.whl", ""),
    ],
)
def test_the_name_of_a_file(url: str, name: str) -> None:
    assert filename_of(url) == name


def test_hashes() -> None:
    assert fragment_hashes(f"egg=x&sha256={SHA.upper()}&subdirectory=s&md5={'0' * 32}") == (
        ("sha256", SHA),
        ("md5", "0" * 32),
    )
    assert named_hashes([("sha256", SHA), ("blake2b_256", "b" * 64)]) == (("sha256", SHA), ("blake2b_256", "b" * 64))


@pytest.mark.parametrize("fragment", ["sha256=abc", "sha256=", f"sha256={'g' * 64}", f"md5={'0' * 64}"])
def test_a_digest_that_nothing_can_have(fragment: str) -> None:
    with pytest.raises(BadLink):
        fragment_hashes(fragment)
    with pytest.raises(BadLink):
        name, _, value = fragment.partition("=")
        named_hashes([(name, value)])


def test_nothing_shows_the_secrets_of_a_link() -> None:
    link = FileLink("a-1.whl", "https://u:sekrit@h.example/a-1.whl?sig=sekrit&x=1")
    assert link.shown == "https://h.example/a-1.whl?sig=****&x=1"
    assert "sekrit" not in repr(link)
