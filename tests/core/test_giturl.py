"""Git URLs: parts, masks, and that no reader can take one for another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.reference import RefKind
from git_helper.secret import Secret

# A marker that no escape, mask or other part of the URL contains by chance.
SECRETS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x2FFF, exclude_categories=["C", "Z"]), max_size=12
).map(lambda text: f"zQ{text}Qz")


def test_parts() -> None:
    url = GitUrl.parse("git+HTTPS://u%40x:p%40ss@Good.Example:8443/o/r.git@feature%2Fx#egg=e&subdirectory=a//b/")
    assert (url.scheme, url.host, url.port, url.path) == ("https", "good.example", 8443, "/o/r.git")
    assert (url.username, url.user, url.password) == ("u@x", Secret(b"u@x"), Secret(b"p@ss"))
    assert (url.rev, url.reference.kind, url.subdirectory) == ("feature/x", RefKind.BRANCH_OR_TAG, "a/b")
    assert url.clone_url.reveal() == b"https://u%40x:p%40ss@good.example:8443/o/r.git"
    assert str(url) == "git+https://u%40x:****@good.example:8443/o/r.git@feature/x#egg=e&subdirectory=a//b/"


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ("git+https://ghp_x@h/r", "git+https://****@h/r"),
        ("git+https://ghp_x:x-oauth-basic@h/r", "git+https://****:****@h/r"),
        ("git+https://abc:x-oauth-basic@h/r", "git+https://****:****@h/r"),
        ("git+https://glpat-x:pw@h/r", "git+https://****:****@h/r"),
        ("git+https://gith%75b:pw@h/r", "git+https://gith%75b:****@h/r"),
        ("git+https://%67hp_x:pw@h/r", "git+https://****:****@h/r"),
        ("git+https://git@h/r", "git+https://git@h/r"),
        ("https://git@h/r", "https://****@h/r"),
        ("git+ssh://bob@h/r", "git+ssh://****@h/r"),
        ("git+https://tok:@h/r", "git+https://****@h/r"),
        ("git+https://:@h/r", "git+https://h/r"),
        ("git+https://@h/r", "git+https://h/r"),
        ("git+ssh://git:@h/r", "git+ssh://git@h/r"),
        ("git+ssh://:@h/r", "git+ssh://h/r"),
        ("git+https://h/r@v1+x", "git+https://h/r@v1%2Bx"),
        ("git+https://h/%7Eu/ü", "git+https://h/%7Eu/%C3%BC"),
        ("git+https://h/r#token=x&egg=e", "git+https://h/r#token=****&egg=e"),
    ],
)
def test_display(text: str, display: str) -> None:
    assert GitUrl.parse(text).display == display


def test_a_user_with_the_shape_of_a_token_is_a_secret_and_no_name() -> None:
    url = GitUrl.parse("git+https://ghp_x@h/r")
    assert (url.username, url.user_is_token, url.user) == (None, True, Secret(b"ghp_x"))
    assert GitUrl.parse("git+https://bob@h/r").username == "bob"
    assert GitUrl.parse("git+https://h/r").user is None


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("git+https://u:p@h/r.git@v1", "https://h/r.git"),
        ("git+ssh://git@h:22/r.git", "ssh://git@h:22/r.git"),
        ("git+ssh://bob@h/r.git", "ssh://bob@h/r.git"),
        ("git+ssh://ghp_x@h/r.git", "ssh://h/r.git"),
        ("git+https://[0:0::1]:1/r.git", "https://[::1]:1/r.git"),
        ("git+https://h/a/./b/../r.git", "https://h/a/r.git"),
        ("git+https://h/a/%2E%2e/r.git", "https://h/r.git"),
        ("git+file://localhost/a/../r.git", "file:///r.git"),
        ("git+ssh://h/a/../r.git", "ssh://h/a/../r.git"),
    ],
)
def test_safe_url(text: str, safe: str) -> None:
    assert GitUrl.parse(text).safe_url == safe


def test_remote_path() -> None:
    assert GitUrl.parse("ssh://git@h/~user/r%20x").remote_path == "~user/r x"
    assert GitUrl.parse("ssh://git@h/org/r").remote_path == "/org/r"
    assert GitUrl.parse("https://h/~user/r").remote_path == "/~user/r"


def test_direct_url() -> None:
    url = GitUrl.parse("git+https://u:p@h/a/gpkg.git@same#subdirectory=x")
    assert url.direct_url("c" * 40) == {
        "url": "https://h/a/gpkg.git",
        "vcs_info": {"vcs": "git", "commit_id": "c" * 40, "requested_revision": "same"},
        "subdirectory": "x",
    }
    assert GitUrl.parse("git+ssh://git@h/a/gpkg.git").direct_url("c" * 40) == {
        "url": "ssh://git@h/a/gpkg.git",
        "vcs_info": {"vcs": "git", "commit_id": "c" * 40},
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("git+https://u:p@h/r.git", "https://h/r/", True),
        ("git+https://h/r.git@v1#egg=x", "git+https://h:443/r", True),
        ("git+https://GitHub.com/O/R", "https://github.com/o/r.git", True),
        ("git+https://h/%41", "git+https://h/A", True),
        ("git+https://h/a%2Fb", "git+https://h/a/b", False),
        ("git+https://h/A", "git+https://h/a", False),
        ("git+https://h:8443/a", "git+https://h/a", False),
        ("git+http://h/a", "git+https://h/a", False),
        ("git+https://github.com.evil.example/O/r", "git+https://github.com.evil.example/o/r", False),
    ],
)
def test_identity(one: str, other: str, same: bool) -> None:
    assert (GitUrl.parse(one).identity() == GitUrl.parse(other).identity()) is same


@pytest.mark.parametrize(
    ("text", "pinned"),
    [
        ("git+https://u:p@h/r.git@v1#subdirectory=x", "git+https://h/r.git@{c}#subdirectory=x"),
        # With an `@` behind it, a colon in the path could be that of a userinfo.
        ("git+https://h/a:b/r.git", "git+https://h/a%3Ab/r.git@{c}"),
        ("git+ssh://git@h/r:", "git+ssh://git@h/r%3A@{c}"),
        ("git+https://[::1]/[::1]", "git+https://[::1]/[%3A%3A1]@{c}"),
        ("https://p.example/https://h:1/r.git@v1", "git+https://p.example/https://h:1/r.git@{c}"),
    ],
)
def test_what_is_pinned_is_read_again(text: str, pinned: str) -> None:
    url = GitUrl.parse(text)
    assert url.pinned("1" * 40) == pinned.replace("{c}", "1" * 40)
    again = GitUrl.parse(url.pinned("1" * 40))
    assert (again.identity(), again.rev, again.fragment) == (url.identity(), "1" * 40, url.fragment)


def test_no_url() -> None:
    with pytest.raises(ParseError) as caught:
        GitUrl.parse("org/repo")
    assert caught.value.error == "invalid-url"
    assert caught.value.exit_code == 2


@settings(deadline=None)
@given(SECRETS, st.sampled_from(["{0}", "u:{0}", ":{0}", "{0}:x-oauth-basic", "ghp_{0}"]), st.sampled_from(["", "@v1"]))
def test_a_secret_is_shown_nowhere(secret: str, form: str, rev: str) -> None:
    # A colon would make the first half of a token a user name.
    secret = secret if form == "u:{0}" else secret.replace(":", "")
    text = f"git+https://{form.format(secret)}@h/r.git{rev}"
    try:
        url = GitUrl.parse(text)
    except ParseError as error:
        shown = [error.message, str(error.hint), repr(error), str(error.details)]
    else:
        shown = [url.display, repr(url), str(url), url.safe_url, url.masked_clone_url, url.identity(), url.pinned("c")]
        shown.append(str(url.direct_url("c")))
    for text in shown:
        assert "zQ" not in text
        assert "Qz" not in text


@settings(deadline=None)
@given(
    st.sampled_from(["https", "http", "ssh", "file"]),
    st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["u:p@:/%", "tok:", "%zz", "git"])),
    st.one_of(st.none(), st.integers(1, 65535)),
    st.text(min_size=1, max_size=12),
)
def test_a_clone_url_means_the_same_when_it_is_parsed_again(
    scheme: str, userinfo: str | None, port: int | None, path: str
) -> None:
    host = "" if scheme == "file" else "h" + (f":{port}" if port else "")
    text = f"{scheme}://" + ("" if userinfo is None else f"{userinfo}@") + f"{host}/{path}"
    try:
        first = GitUrl.parse(text)
    except ParseError:
        return
    clone_url = first.clone_url.reveal().decode()
    again = GitUrl.parse(clone_url)
    assert (again.authority, again.path) == (first.authority, first.path)
    assert again.clone_url == first.clone_url
    assert GitUrl.parse(first.safe_url).identity() == first.identity()
    at_commit = GitUrl.parse(first.pinned("1" * 40))
    assert (at_commit.identity(), at_commit.rev) == (first.identity(), "1" * 40)
