"""Submodules: as git clones them, with credentials that stay where they belong, and hostile `.gitmodules` refused."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.instead_of import instead_of
from git_helper.errors import NotFound, UsageError
from git_helper.git.pack_errors import UnsafeTree
from git_helper.git.submodules import Submodule, UnsafeSubmodule, parse_gitmodules, refuse_nested, submodule_url
from tests.git.clones import clone, facts, is_sound, left_behind, whole_text
from tests.net.asked import Sources, basic
from tests.servers.git_http import GitHttpServer, Realm
from tests.servers.isolated import git
from tests.servers.repositories import Entry, Gitlink, make_repository, resolve

CANARY = "c4n4ry-t0k3n"


def modules(*entries: tuple[str, str, str]) -> str:
    """`.gitmodules` of (name, path, url)."""
    return "".join(f'[submodule "{name}"]\n\tpath = {path}\n\turl = {url}\n' for name, path, url in entries)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """top.git has mid.git in deps/mid, which has leaf.git in leaf, and leaf.git once more at an older commit."""
    root = tmp_path / "root"
    leaf = make_repository(root / "team/leaf.git", 5)
    inner: dict[str, Entry] = {
        ".gitmodules": modules(("leaf", "leaf", "../leaf.git")),
        "leaf": Gitlink(resolve(leaf, "main~2")),
    }
    mid = make_repository(root / "team/mid.git", 3, inner)
    outer: dict[str, Entry] = {
        ".gitmodules": modules(
            ("deps/middle", "deps/mid", "../../team/mid.git"), ("leaf", "x y", "../.././team/leaf.git/")
        ),
        "deps/mid": Gitlink(resolve(mid)),
        "x y": Gitlink(resolve(leaf, "main~3")),
    }
    make_repository(root / "apps/top.git", 2, outer)
    return root


@pytest.fixture
def server(root: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(root) as running:
        yield running


def test_they_are_what_git_makes(root: Path, place: Path, env: dict[str, str]) -> None:
    with GitHttpServer(root) as server:
        url = f"{server.url}/apps/top.git"
        git("clone", "-q", "--recurse-submodules", url, place / "theirs", env=env)
        clone(url, place / "ours", recurse_submodules=True)
        for name in (".", "deps/mid", "deps/mid/leaf", "x y"):
            ours, theirs = facts(place / "ours" / name, env), facts(place / "theirs" / name, env)
            assert {key: value for key, value in ours.items() if theirs[key] != value} == {}, name
            assert is_sound(place / "ours" / name, env)
            if name != ".":
                assert (place / "ours" / name / ".git").read_bytes() == (place / "theirs" / name / ".git").read_bytes()
        update = git("-C", place / "ours", "submodule", "update", "--init", "--recursive", env=env)
        assert update.stdout == b""
        status = [
            git("-C", place / name, "submodule", "status", "--recursive", env=env).stdout for name in ("ours", "theirs")
        ]
    assert status[0] == status[1]
    assert left_behind(place) == ["ours", "theirs"]


@pytest.mark.parametrize("update", ["none", "rebase"])
def test_how_they_are_updated_is_noted(root: Path, place: Path, env: dict[str, str], update: str) -> None:
    """With `none` git leaves out even one that is not there."""
    name = "gone" if update == "none" else "leaf"
    text = modules(("one", "one", f"../../team/{name}.git")) + f"\tupdate = {update}\n"
    leaf = Gitlink(resolve(root / "team/leaf.git"))
    make_repository(root / "b/with.git", 2, {".gitmodules": text, "one": leaf})
    with GitHttpServer(root) as server:
        url = f"{server.url}/b/with.git"
        git("clone", "-q", "--recurse-submodules", url, place / "theirs", env=env)
        clone(url, place / "ours", recurse_submodules=True)
    assert facts(place / "ours", env) == facts(place / "theirs", env)
    assert (place / "ours/one/.git").exists() is (update != "none")


def test_only_on_demand(server: GitHttpServer, place: Path) -> None:
    clone(f"{server.url}/apps/top.git", place / "x")
    assert list((place / "x/deps/mid").iterdir()) == []
    assert not (place / "x/.git/modules").exists()
    assert not any("/team/" in request.path for request in server.requests)


def test_what_the_url_carries_goes_to_the_same_server_only(root: Path, place: Path) -> None:
    leaf = Gitlink(resolve(root / "team/leaf.git"))
    with (
        GitHttpServer(root, realms=[Realm("/", [("carol", "c")])]) as elsewhere,
        GitHttpServer(root, realms=[Realm("/", [("alice", CANARY)])]) as server,
    ):
        text = modules(("leaf", "leaf", "../../team/leaf.git"), ("other", "other", f"{elsewhere.url}/team/leaf.git"))
        make_repository(root / "b/with.git", 2, {".gitmodules": text, "leaf": leaf, "other": leaf})
        url = f"http://alice:{CANARY}@{server.url[7:]}/b/with.git"
        sources = Sources(basic("carol", "c"))
        clone(url, place / "x", credentials=sources, recurse_submodules=True)
        assert {wanted.host for wanted in sources.wanted} == {elsewhere.url[7:].encode()}, "each origin is asked for"
        assert not any(CANARY in str(request.header_lines) for request in elsewhere.requests)
        assert f"{server.url}/team/leaf.git".encode() in (place / "x/.git/config").read_bytes()
    assert CANARY.encode() not in whole_text(place)
    assert b"alice" not in whole_text(place)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (modules(("../../evil", "s", "../team/leaf.git")), UnsafeSubmodule),
        (modules(("a/../../b", "s", "../team/leaf.git")), UnsafeSubmodule),
        (modules(("x\\\\..\\\\..\\\\b", "s", "../team/leaf.git")), UnsafeSubmodule),
        (modules((".git", "s", "../team/leaf.git")), UnsafeTree),
        (modules(("a/.GIT /b", "s", "../team/leaf.git")), UnsafeTree),
        (modules(("git~1", "s", "../team/leaf.git")), UnsafeTree),
        (modules(("/abs", "s", "../team/leaf.git")), UnsafeSubmodule),
        (modules(("s", "s", "-u./payload")), UnsafeSubmodule),
        (modules(("s", "s", "ext::sh -c evil")), UnsafeSubmodule),
        (modules(("s", "s", "file:///etc")), UnsafeSubmodule),
        (modules(("s", "s", "/etc")), UnsafeSubmodule),
        (modules(("s", "s", "../../../../../x.git")), UnsafeSubmodule),
        (modules(("s", "s", "https://good.example/x%0ahost=evil.example/y.git")), UnsafeSubmodule),
        (modules(("s", "s", '"../team/leaf.git\\n"')), UnsafeSubmodule),
        (modules(("other", "elsewhere", "../team/leaf.git")), UnsafeSubmodule),
        ("[submodule", UsageError),
        ("x" * (1 << 20) + "\n" * 10, UsageError),
    ],
)
def test_a_hostile_file_leaves_nothing(root: Path, place: Path, text: str, error: type[Exception]) -> None:
    entries: dict[str, Entry] = {".gitmodules": text, "s": Gitlink(resolve(root / "team/leaf.git"))}
    make_repository(root / "evil.git", 2, entries)
    with GitHttpServer(root) as server, pytest.raises(error):
        clone(f"{server.url}/evil.git", place / "x", recurse_submodules=True)
    assert left_behind(place) == []


def test_no_file_of_ours_is_included(root: Path, place: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text(modules(("s", "s", "../team/leaf.git")))
    text = f"[include]\n\tpath = {tmp_path / 'other'}\n"
    make_repository(root / "evil.git", 2, {".gitmodules": text, "s": Gitlink(resolve(root / "team/leaf.git"))})
    with GitHttpServer(root) as server, pytest.raises(UnsafeSubmodule, match="does not say where"):
        clone(f"{server.url}/evil.git", place / "x", recurse_submodules=True)


def test_a_commit_that_is_not_there(root: Path, place: Path) -> None:
    text = modules(("s", "s", "../team/leaf.git"))
    make_repository(root / "gone.git", 2, {".gitmodules": text, "s": Gitlink("1" * 40)})
    with GitHttpServer(root) as server, pytest.raises(NotFound, match="1111"):
        clone(f"{server.url}/gone.git", place / "x", recurse_submodules=True)
    assert left_behind(place) == []


def test_a_repository_inside_another_is_refused() -> None:
    one, two = (Submodule(name, name, "u") for name in (b"a", b"A/modules/x"))
    with pytest.raises(UnsafeSubmodule, match="inside"):
        refuse_nested([two, one])
    refuse_nested([one, Submodule(b"ab", b"ab", "u")])


def test_parsing() -> None:
    text = b"""# comment
[submodule "one"]
    path = libs/one/
    url = "../one.git"  ; comment
    branch = x
    update = !touch /tmp/owned
[Submodule "two \\"quoted\\""]
    url = https://good.example/two.git
    path = two
    update = none
[submodule "no path"]
    url = x
[other "x"]
    path = p
    url = u
"""
    assert parse_gitmodules(text) == {
        b"libs/one": Submodule(b"one", b"libs/one", "../one.git"),
        b"two": Submodule(b'two "quoted"', b"two", "https://good.example/two.git", "none"),
    }


@pytest.mark.parametrize(
    "relative", ["../leaf.git", "./sub.git", "../../a/./b.git", "../leaf.git/", "./../leaf", "../../../x/../y.git"]
)
@pytest.mark.parametrize(
    "base", ["https://good.example/a/b/c.git", "https://good.example/a/b/c/", "ssh://git@good.example/a/b/c"]
)
def test_relative_urls_are_joined_as_git_does(tmp_path: Path, env: dict[str, str], base: str, relative: str) -> None:
    """`git submodule init` writes what it made of the URL."""
    git("init", "-q", tmp_path / "r", env=env)
    git("-C", tmp_path / "r", "remote", "add", "origin", base, env=env)
    (tmp_path / "r/.gitmodules").write_text(modules(("s", "s", relative)))
    index = f"160000,{'1' * 40},s"
    git("-C", tmp_path / "r", "update-index", "--add", "--cacheinfo", index, env=env)
    git("-C", tmp_path / "r", "submodule", "init", env=env)
    theirs = git("-C", tmp_path / "r", "config", "submodule.s.url", env=env).stdout.decode().rstrip("\n")
    ours = submodule_url(Submodule(b"s", b"s", relative), GitUrl.parse(base))
    # Servers see dots in the middle of a path resolved in either case; we send what they will see.
    assert ours.safe_url == GitUrl.parse(theirs).safe_url


@pytest.mark.parametrize("relative", ["../leaf.git", "./sub", "../../x.git"])
@pytest.mark.parametrize("base", ["git@good.example:a/b/c.git", "good.example:b/c", "git@good.example:/a/b.git"])
def test_relative_urls_of_the_scp_form_too(tmp_path: Path, env: dict[str, str], base: str, relative: str) -> None:
    git("init", "-q", tmp_path / "r", env=env)
    git("-C", tmp_path / "r", "remote", "add", "origin", base, env=env)
    (tmp_path / "r/.gitmodules").write_text(modules(("s", "s", relative)))
    git("-C", tmp_path / "r", "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},s", env=env)
    git("-C", tmp_path / "r", "submodule", "init", env=env)
    theirs = git("-C", tmp_path / "r", "config", "submodule.s.url", env=env).stdout.decode().rstrip("\n")
    parent = submodule_url(Submodule(b"p", b"p", base), GitUrl.parse("https://other.example/x"))
    assert submodule_url(Submodule(b"s", b"s", relative), parent).scp_form == theirs


@pytest.mark.parametrize(
    ("text", "url", "path"),
    [
        ("git@good.example:org/r.git", "ssh://git@good.example/org/r.git", "org/r.git"),
        ("good.example:/srv/r.git", "ssh://good.example/srv/r.git", "/srv/r.git"),
        ("good.example:~bob/r", "ssh://good.example/~bob/r", "~bob/r"),
        ("git@[::1]:a b@c", "ssh://git@[::1]/a%20b%40c", "a b@c"),
        ("git@good.example:a%20b", "ssh://git@good.example/a%2520b", "a%20b"),
    ],
)
def test_the_scp_form_is_ssh(text: str, url: str, path: str) -> None:
    """git-clone(1), "GIT URLS": the path is as written, and below the home folder unless it begins with `/`."""
    found = submodule_url(Submodule(b"s", b"s", text), GitUrl.parse(f"https://alice:{CANARY}@good.example/a"))
    assert (found.safe_url, found.remote_path, found.password) == (url, path, None)


def test_a_token_in_the_scp_form_is_not_written_down() -> None:
    token = "ghp_" + "s3kr1t" * 6
    parent = GitUrl.parse(f"ssh://{token}@good.example/a")
    for text in (f"{token}@good.example:org/r.git", "good.example:org/r.git"):
        found = submodule_url(Submodule(b"s", b"s", text), parent)
        assert (found.scp_form, found.remote_path) == ("good.example:org/r.git", "org/r.git")
        assert found.user is not None
        assert "s3kr1t" not in found.safe_url + repr(found)


@pytest.mark.parametrize(
    "text", ["C:/x", "ext::sh", "user:pass@good.example/x", "-oX@h:x", "git@-h:x", "git@h:", "a/b:c"]
)
def test_what_only_looks_like_the_scp_form(text: str) -> None:
    with pytest.raises(UnsafeSubmodule) as caught:
        submodule_url(Submodule(b"s", b"s", text), GitUrl.parse("https://good.example/a"))
    assert "pass" not in caught.value.message


def test_instead_of_knows_the_scp_form() -> None:
    rules = [("git@good.example:", "https://mirror.example/"), ("ssh://git@good.example/", "https://other.example/")]
    for text, place in (
        ("git@good.example:org/@r b.git", "https://mirror.example/org/%40r%20b.git"),
        ("ssh://git@good.example/org/r.git", "https://other.example/org/r.git"),
    ):
        url = submodule_url(Submodule(b"s", b"s", text), GitUrl.parse("https://good.example/a"))
        assert instead_of(url, rules).safe_url == place


def test_another_origin_gets_nothing() -> None:
    parent = GitUrl.parse(f"https://alice:{CANARY}@good.example/a/b.git")
    for url in ("https://good.example:444/x.git", "http://good.example/x.git", "https://evil.good.example/x.git"):
        assert submodule_url(Submodule(b"s", b"s", url), parent).userinfo is None
    same = submodule_url(Submodule(b"s", b"s", "https://GOOD.example:443/x@y.git"), parent)
    assert (same.userinfo, same.path, same.rev) == (parent.userinfo, "/x%40y.git", None)
    own = submodule_url(Submodule(b"s", b"s", "https://bob@good.example/x.git"), parent)
    assert own.username == "bob"


def test_git_can_update_them(root: Path, place: Path, env: dict[str, str]) -> None:
    text = modules(("leaf", "leaf", "../team/leaf.git"))
    make_repository(
        root / "app.git", 2, {".gitmodules": text, "leaf": Gitlink(resolve(root / "team/leaf.git", "main~1"))}
    )
    with GitHttpServer(root) as server:
        clone(f"{server.url}/app.git", place / "x", recurse_submodules=True)
        subprocess.run(["rm", "-rf", str(place / "x/leaf")], check=True)
        (place / "x/leaf").mkdir()
        git("-C", place / "x", "submodule", "update", "--remote", "--recursive", env=env)
    assert resolve(place / "x/leaf") == resolve(root / "team/leaf.git")
