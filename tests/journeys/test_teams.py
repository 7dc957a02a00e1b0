"""Teams on one host: `credential.<url>.*` with a path decides as it does in git, though helpers hear no path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import Helper, on_path, resolved, run
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.servers.git_http import GitHttpServer, Realm, Redirect
from tests.servers.repositories import make_repository
from tests.support import BIN


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    """a's and b's repositories: each team's account is 404 at the other one."""
    for name in ("a/one", "a/two", "b/one"):
        make_repository(tmp_path / f"root/{name}.git")
    realms = [Realm(f"/{team}/", [(team, "p")], wrong=404) for team in ("a", "b")]
    with GitHttpServer(tmp_path / "root", realms=realms) as running:
        yield running


def configure(home: Path, text: str) -> None:
    (home / ".gitconfig").write_text(text)


def test_each_team_has_a_helper_of_its_own(server: GitHttpServer, home: Path) -> None:
    helpers = {team: Helper(home / "bin", team, f"username={team}", "password=p") for team in ("a", "b")}
    configure(home, "".join(f'[credential "{server.url}/{team}"]\n helper = {team}\n' for team in helpers))
    urls = [f"git+{server.url}/{name}.git" for name in ("a/one", "b/one", "a/two")]
    found = resolved(*urls, env={"PATH": on_path(home / "bin")})
    assert [one["credential"]["username"] for one in found] == ["a", "b", "a"]
    # Asked once for each team, without a path, and told once.
    assert [helper.calls for helper in helpers.values()] == [["get", "store username=a"], ["get", "store username=b"]]
    assert b"path=" not in helpers["a"].inputs.read_bytes()
    assert (None, 404) not in server.exchanges


def test_the_user_of_a_team_chooses_the_account(server: GitHttpServer, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login a password p\nmachine 127.0.0.1 login b password p\n")
    (home / ".netrc").chmod(0o600)
    configure(home, "".join(f'[credential "{server.url}/{team}"]\n username = {team}\n' for team in ("a", "b")))
    found = resolved(f"git+{server.url}/b/one.git")
    assert found[0]["credential"] == {"source": "netrc", "username": "b"}
    # A name that is configured is no token: it is not tried without a password.
    assert server.exchanges == [(None, 401), ("b:p", 200)]
    token = run("token", f"{server.url}/b/one.git")
    assert (token.returncode, token.stdout) == (0, b"p\n")


def test_a_user_for_all_urls_leaves_netrc_alone(server: GitHttpServer, home: Path) -> None:
    """As git: libcurl reads it, who knows nothing of `credential.username`."""
    (home / ".netrc").write_text("machine 127.0.0.1 login b password p\n")
    (home / ".netrc").chmod(0o600)
    helper = Helper(home / "bin", "x", "password=p")
    configure(home, "[credential]\n username = a\n helper = x\n")
    found = resolved(f"git+{server.url}/b/one.git", env={"PATH": on_path(home / "bin")})
    assert found[0]["credential"] == {"source": "netrc", "username": "b"}
    (home / ".netrc").unlink()
    found = resolved(f"git+{server.url}/a/one.git", env={"PATH": on_path(home / "bin")})
    assert found[0]["credential"] == {"source": "other helpers", "username": "a"}
    assert helper.calls == ["get username=a", "store username=a"]


def test_the_person_is_asked_for_the_token_of_the_configured_user(server: GitHttpServer, home: Path) -> None:
    configure(home, f'[credential "{server.url}/a"]\n username = a\n')
    words = [str(BIN / "git-helper"), "resolve", f"git+{server.url}/a/one.git"]
    with PseudoTerminal(words, env={"GIT_HELPER_STORE": "file"}, columns=100) as terminal:
        terminal.expect("Token for ")
        terminal.send(b"p" + ENTER)
        assert terminal.wait() == 0
        assert b"User name" not in terminal.shown
    assert server.exchanges == [(None, 401), ("a:p", 200)]


@pytest.mark.parametrize("use_path", [False, True])
def test_a_redirect_is_the_team_that_it_leads_to(server: GitHttpServer, home: Path, use_path: bool) -> None:
    """As git: http.c derives the credential anew from where the answer came from."""
    server.redirects = [Redirect("/old/", f"{server.url}/b/")]
    helper = Helper(home / "bin", "b", "username=b", "password=p")
    configure(home, f'[credential "{server.url}/b"]\n helper = b\n useHttpPath = {str(use_path).lower()}\n')
    (found,) = resolved(f"git+{server.url}/old/one.git", env={"PATH": on_path(home / "bin")})
    assert found["credential"] == {"source": "other helpers", "username": "b"}
    assert (b"\npath=b/one.git\n" in helper.inputs.read_bytes()) is use_path
    assert b"path=old" not in helper.inputs.read_bytes()
