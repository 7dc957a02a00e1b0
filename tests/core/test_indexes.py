"""Indexes: what belongs to one, what its URL and its variables say, and what they are called for people and keyrings."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.credential import Origin
from git_helper.core.indexes import CredentialsWithNever, Index, Userinfo, named, path_segments, place, realm
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import UsageError
from git_helper.secret import Secret

CANARY = "c4n4ry"


def origin_of(url: PlainUrl) -> Origin:
    origin = Origin.parse(url.scheme.encode(), url.authority.netloc.encode())
    assert origin is not None
    return origin


def covers(index: str, url: str, kind: str = "index") -> bool:
    parsed = PlainUrl.parse(url)
    return Index.parse(index, kind=kind).covers(origin_of(parsed), parsed.path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("index", "root"),
    [
        ("https://h/simple/", "https://h/"),
        ("https://h/simple", "https://h/"),
        ("https://h/+simple/", "https://h/"),
        ("https://h/a/b/simple/", "https://h/a/b/"),
        ("https://h/a/simple/b/", "https://h/a/simple/b/"),
        ("https://h/simples/", "https://h/simples/"),
        ("https://h/Simple/", "https://h/Simple/"),
        ("https://h", "https://h/"),
        ("https://u:p@H.:443/s?x=1#y", "https://h/s/"),
        ("http://[::1]:8080/s", "http://[::1]:8080/s/"),
    ],
)
def test_the_root_is_where_pages_and_files_are(index: str, root: str) -> None:
    assert root_of(Index.parse(index)) == root


@pytest.mark.parametrize(
    ("page", "root"), [("https://h/fl/links.html", "https://h/fl/"), ("https://h/fl/simple/", "https://h/fl/simple/")]
)
def test_of_a_find_links_page_the_folder(page: str, root: str) -> None:
    assert root_of(Index.parse(page, kind="find-links")) == root


def root_of(index: Index) -> str:
    """Whose pages and files belong to the index, as a URL."""
    return "/".join([str(index.origin), *index.segments, ""])


@pytest.mark.parametrize(
    ("index", "url", "expected"),
    [
        ("https://h/simple/", "https://h/files/x.whl", True),
        ("https://h/a/simple/", "https://h/a/files/x.whl", True),
        ("https://h/a/simple/", "https://h/ab/files/x.whl", False),
        ("https://h/a/simple/", "https://h/A/x.whl", False),
        ("https://h/a/simple/", "https://h/a/../b/x.whl", False),
        ("https://h/a/simple/", "https://h/a/%2e%2E/b/x.whl", False),
        ("https://h/a/simple/", "https://h/b/../a/x.whl", True),
        ("https://h/a/simple/", "https://h//a//x.whl", True),
        ("https://h/%61/simple/", "https://h/a/x.whl", True),
        ("https://h/a%2Fb/simple/", "https://h/a/b/x.whl", False),
        ("https://h/simple/", "https://h:443/x.whl", True),
        ("https://h/simple/", "https://H./x.whl", True),
        ("https://h/simple/", "http://h/x.whl", False),
        ("https://h/simple/", "https://h:8443/x.whl", False),
        ("https://h/simple/", "https://h.evil.example/x.whl", False),
    ],
)
def test_what_belongs_to_it(index: str, url: str, expected: bool) -> None:
    assert covers(index, url) is expected


@pytest.mark.parametrize(
    ("url", "name", "environ", "username", "password"),
    [
        ("https://h/", "lab", {"GIT_HELPER_INDEX_LAB_USERNAME": "u", "GIT_HELPER_INDEX_LAB_PASSWORD": "p"}, b"u", b"p"),
        ("https://h/", "lab", {"UV_INDEX_LAB_USERNAME": "u", "UV_INDEX_LAB_PASSWORD": "p"}, b"u", b"p"),
        ("https://h/", "my-lab.x", {"UV_INDEX_MY_LAB_X_USERNAME": "u"}, b"u", None),
        ("https://h/", "lab", {"UV_INDEX_LAB_PASSWORD": "p"}, None, b"p"),
        ("https://h/", "lab", {"GIT_HELPER_INDEX_LAB_USERNAME": "u", "UV_INDEX_LAB_PASSWORD": "p"}, b"u", None),
        ("https://h/", "lab", {"UV_INDEX_LAB_USERNAME": "", "UV_INDEX_LAB_PASSWORD": ""}, None, None),
        ("https://h/", None, {"UV_INDEX_LAB_PASSWORD": "p", "UV_INDEX__PASSWORD": "p"}, None, None),
        ("https://u@h/", "lab", {"UV_INDEX_LAB_PASSWORD": "p"}, b"u", b"p"),
        ("https://u@h/", "lab", {"UV_INDEX_LAB_USERNAME": "v", "UV_INDEX_LAB_PASSWORD": "p"}, b"u", None),
        ("https://u:own@h/", "lab", {"UV_INDEX_LAB_USERNAME": "u", "UV_INDEX_LAB_PASSWORD": "p"}, b"u", b"own"),
        ("https://u:@h/", "lab", {"UV_INDEX_LAB_PASSWORD": "p"}, b"u", b""),
        ("https://:p@h/", "lab", {"UV_INDEX_LAB_USERNAME": "u"}, b"u", b"p"),
        ("https://us%40er:p%2Fw%3Ad%25%C3%A9@h/", None, {}, b"us@er", "p/w:d%é".encode()),
    ],
)
def test_userinfo_and_variables(
    url: str, name: str | None, environ: Mapping[str, str], username: bytes | None, password: bytes | None
) -> None:
    found = Index.parse(url, name, environ=environ).userinfo
    assert (found.username, found.password) == (username, None if password is None else Secret(password))


def test_never_takes_no_credential() -> None:
    assert Index.parse("https://h/", authenticate="never").userinfo == Userinfo()
    for url, environ in (
        (f"https://u:{CANARY}@h/", {}),
        (f"https://{CANARY}@h/", {}),
        ("https://h/", {"UV_INDEX_LAB_PASSWORD": CANARY}),
    ):
        with pytest.raises(CredentialsWithNever) as caught:
            Index.parse(url, "lab", authenticate="never", environ=environ)
        assert caught.value.error == "credentials-with-never"
        assert CANARY not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("url", "service"),
    [
        ("https://u:p@h/simple/", "https://h/simple/"),
        ("HTTPS://u@H:443/simple", "HTTPS://H:443/simple"),
        ("http://h:1/s/?x=1#y", "http://h:1/s/?x=1"),
        ("http://h:1/s/?token=x&x=1", "http://h:1/s/"),
    ],
)
def test_its_name_for_a_keyring_is_as_given(url: str, service: str) -> None:
    assert Index.parse(url).service == service


@pytest.mark.parametrize("url", ["file:///simple/", "ftp://h/", "h/simple", "", "https://u:p/w@h/"])
def test_what_is_no_index(url: str) -> None:
    with pytest.raises(UsageError):
        Index.parse(url)


def test_secrets_are_not_shown() -> None:
    index = Index.parse(
        f"https://u:{CANARY}@h/simple/?token={CANARY}", "lab", environ={"UV_INDEX_LAB_PASSWORD": CANARY}
    )
    assert index.shown == "https://h/simple/?token=****"
    assert CANARY not in f"{index.userinfo!r} {place([index], index.origin, '/')!r}"
    with pytest.raises(ParseError) as caught:
        Index.parse(f"https://u:{CANARY}/x@h/")
    assert CANARY not in str(caught.value)


def test_the_place_of_a_url() -> None:
    outer, inner = Index.parse("https://a:1@h/simple/"), Index.parse("https://h/deep/simple/", authenticate="always")
    at = place([outer, inner], outer.origin, "/deep/x.whl")
    assert (at.service, at.segments, at.path, at.authenticate) == (inner.url, ("deep",), b"deep/simple", "always")
    assert (at.userinfo, at.neighbour) == (Userinfo(), outer.userinfo)
    at = place([outer, inner], outer.origin, "/x.whl")
    assert (at.service, at.neighbour) == ("https://h/simple/", None)
    at = place([inner], outer.origin, "/files/%C3%BC/x.whl")
    assert (at.service, at.segments, at.path) == (None, ("files", "ü"), "files/ü".encode())
    assert place([outer], realm(Origin(b"http", b"h", 80)), "/x").neighbour is None


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "%2e", "%2E%2e", "a%2Fb"])))
def test_no_path_leaves_its_root(parts: list[str]) -> None:
    assert not {"..", ".", ""} & set(path_segments("/" + "/".join(parts)))


@pytest.mark.parametrize(
    ("text", "name", "url"),
    [
        ("https://h/simple/", None, "https://h/simple/"),
        ("lab=https://u:p@h/", "lab", "https://u:p@h/"),
        ("my-lab.x_1=HTTP://h/?a=b", "my-lab.x_1", "HTTP://h/?a=b"),
        ("https://h/?a=https://x/", None, "https://h/?a=https://x/"),
        ("a b=https://h/", None, "a b=https://h/"),
        ("=https://h/", None, "=https://h/"),
        ("lab=h/simple", None, "lab=h/simple"),
        ("u:lab=https://h/", None, "u:lab=https://h/"),
    ],
)
def test_the_name_in_front_of_a_url(text: str, name: str | None, url: str) -> None:
    assert named(text) == (name, url)
