"""Proxies and git's rules for requests as a person meets them: real commands, real proxies, a terminal for the password."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.commands import CANARY, configure, leaks, run
from tests.net.trusting import server_context
from tests.net.tunnel import TunnelProxy
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.servers.git_http import GitHttpServer, Realm, Redirect
from tests.servers.isolated import environment
from tests.servers.real_proxies import microsocks, tinyproxy
from tests.servers.recording import RecordingServer
from tests.servers.repositories import Gitlink, make_repository, resolve
from tests.support import BIN

PASSWORD = "let-me-in"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        make_repository(tmp_path / f"root/{name}.git", 2, {"name": name})
    return tmp_path / "root"


@pytest.fixture
def server(root: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(root) as running:
        yield running


def wish(server: GitHttpServer, name: str = "a") -> str:
    return f"{name} @ git+{server.scheme}://localhost:{server.port}/{name}.git@main"


def clone_url(server: GitHttpServer) -> str:
    return f"{server.scheme}://localhost:{server.port}/a.git"


def nobody_is_there() -> str:
    return "http://127.0.0.1:9"


@pytest.mark.parametrize("way", ["--proxy", "GIT_HELPER_PROXY", "http_proxy", "ALL_PROXY", "git", "git url", "ours"])
def test_wherever_it_is_said(way: str, server: GitHttpServer, tmp_path: Path) -> None:
    with tinyproxy(tmp_path / "proxy", "ada", PASSWORD) as proxy:
        url = f"http://ada:{PASSWORD}@{proxy.netloc}"
        key = {"git": "http.proxy", "git url": f"http.{clone_url(server)}.proxy", "ours": "gitHelper.proxy"}.get(way)
        if key is not None:
            configure((key, url))
        options = [way, url] if way.startswith("--") else []
        env = {way: url} if key is None and not options else {}
        done = run("resolve", *options, wish(server), env=env)
        assert (done.returncode, done.stderr) == (0, b"")
        assert f"localhost:{server.port}" in proxy.log
    assert server.requests
    assert all("(tinyproxy/" in request.headers["via"] for request in server.requests)
    assert not any("proxy-authorization" in request.headers for request in server.requests)


def test_the_nearest_one_counts_and_an_empty_one_is_none(server: GitHttpServer, tmp_path: Path) -> None:
    """Whoever is asked wrongly fails, because nobody listens there."""
    broken = {"http_proxy": nobody_is_there()}
    done = run("resolve", wish(server), env=broken)
    assert done.returncode == 5
    assert b"cannot reach the proxy 'http://127.0.0.1:9' on the way to 'http://localhost" in done.stderr
    configure(("http.proxy", ""))
    assert run("resolve", wish(server), env=broken).returncode == 0
    configure(("http.proxy", nobody_is_there()))
    assert run("resolve", wish(server)).returncode == 5
    assert run("resolve", "--proxy", "", wish(server)).returncode == 0
    assert run("resolve", wish(server), env={"no_proxy": "localhost"}).returncode == 0


def test_the_remote_that_a_clone_makes(server: GitHttpServer, tmp_path: Path) -> None:
    configure(("remote.origin.proxy", nobody_is_there()), ("http.proxy", ""))
    done = run("clone", clone_url(server), tmp_path / "clone")
    assert (done.returncode, b"cannot reach the proxy 'http://127.0.0.1:9'" in done.stderr) == (5, True)
    assert run("resolve", wish(server)).returncode == 0, "a requirement is no remote"


def test_the_remote_that_has_the_url(server: GitHttpServer, tmp_path: Path) -> None:
    configure(("remote.up.url", f"http://ada@localhost:{server.port}/a"), ("remote.up.proxy", nobody_is_there()))
    assert run("resolve", wish(server, "a")).returncode == 5
    assert run("resolve", wish(server, "b")).returncode == 0


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_socks(scheme: str, server: GitHttpServer, tmp_path: Path) -> None:
    with microsocks(tmp_path / "proxy", "ada", PASSWORD) as proxy:
        good = run("resolve", "--proxy", f"{scheme}://ada:{PASSWORD}@{proxy.netloc}", wish(server))
        assert (good.returncode, good.stderr) == (0, b"")
        bad = run(
            "resolve", "--proxy", f"{scheme}://ada:{CANARY}@{proxy.netloc}".replace("/Tok", "%2FTok"), wish(server)
        )
    assert bad.returncode == 4
    assert (
        f"the proxy '{scheme}://{proxy.netloc}' refused the user name and password of '--proxy'" in bad.stderr.decode()
    )
    assert leaks(bad.stderr + bad.stdout, CANARY) == []


def test_https_by_a_tunnel(root: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    realm = Realm("/", [("alice", CANARY)])
    with TunnelProxy(f"ada:{PASSWORD}") as proxy:
        with GitHttpServer(root, realms=[realm], tls=server_context(authority.issue_cert("localhost"))) as server:
            (Path.home() / ".netrc").write_text(f"machine localhost login alice password {CANARY}\n")
            env = {"https_proxy": f"http://ada:{PASSWORD}@127.0.0.1:{proxy.port}"}
            done = run("resolve", "--cert", tmp_path / "ca.pem", wish(server), env=env)
            assert (done.returncode, done.stderr) == (0, b"")
        assert set(proxy.lines) == {f"CONNECT localhost:{server.port}"}
        assert leaks(b"".join(proxy.heads), CANARY) == []


def test_a_login_that_was_stored_serves_us_and_git(server: GitHttpServer, tmp_path: Path) -> None:
    """git asks for the password of a proxy only when its URL names the user."""
    with tinyproxy(tmp_path / "proxy", "ada", PASSWORD) as proxy:
        url = f"http://{proxy.netloc}"
        refused = run("resolve", "--no-input", wish(server), env={"http_proxy": url})
        assert refused.returncode == 3
        assert f"hint: store one: git-helper login --no-check {url}" in refused.stderr.decode()
        words = ["login", "--no-check", "--with-token", "--username", "ada", url]
        assert run(*words, stdin=PASSWORD.encode()).returncode == 0
        done = run("resolve", "--no-input", wish(server), env={"http_proxy": url})
        assert (done.returncode, done.stderr) == (0, b"")
        configure(("credential.helper", f"{BIN / 'git-credential-git-helper'} --store file"))
        configure(("http.proxy", f"http://ada@{proxy.netloc}"))
        env = environment(Path.home())
        listed = subprocess.run(["git", "ls-remote", clone_url(server)], env=env, capture_output=True, check=False)
        assert listed.returncode == 0, listed.stderr.decode()


def test_the_person_is_asked_once_for_all_requests_and_it_is_kept(server: GitHttpServer, tmp_path: Path) -> None:
    with tinyproxy(tmp_path / "proxy", "ada", PASSWORD) as proxy:
        env = {"http_proxy": f"http://{proxy.netloc}", "GIT_HELPER_STORE": "file"}
        words = [str(BIN / "git-helper"), "resolve", wish(server, "a"), wish(server, "b")]
        with PseudoTerminal(words, env=env, stdout=tmp_path / "stdout", columns=100) as terminal:
            terminal.expect("Proxy user name for ")
            terminal.expect(proxy.netloc)
            terminal.send(b"ada" + ENTER)
            terminal.expect("Proxy password for ")
            assert b"It goes to this proxy only" in terminal.shown
            terminal.send(PASSWORD.encode() + ENTER)
            assert terminal.wait() == 0
            assert PASSWORD.encode() not in terminal.shown
        assert len((tmp_path / "stdout").read_text().splitlines()) == 2
        again = run("resolve", "--no-input", wish(server), env=env)
        assert (again.returncode, again.stderr) == (0, b"")


def test_a_word_that_is_no_proxy(server: GitHttpServer) -> None:
    done = run("resolve", wish(server), env={"http_proxy": f"ftp://u:{CANARY}@h"})
    assert done.returncode == 2
    assert b"cannot use the proxy of 'http_proxy': 'ftp' is no kind of proxy" in done.stderr
    assert leaks(done.stderr, CANARY) == []
    assert server.requests == []


# ---------------------------------------------------------------- http.extraHeader, followRedirects, protocol.allow


def test_an_extra_header_stays_with_git_where_it_was_sent(root: Path) -> None:
    """What is said for every URL reaches no registry and nobody to whom a server redirects us."""
    secret = CANARY.replace("+", "")
    with RecordingServer() as index, GitHttpServer(root) as far:
        with GitHttpServer(root, redirects=[Redirect("/a.git", f"{far.url}/b.git")]) as near:
            configure(("http.extraHeader", f"X-Token: {secret}"), (f"http.{far.url}.extraHeader", "X-Far: 1"))
            done = run("resolve", f"a @ git+{near.url}/a.git@main", f"x @ {index.url}/x-1.0.tar.gz")
            assert done.returncode == 0, done.stderr.decode()
        assert {request.headers.get("x-token") for request in near.requests} == {secret}
        for server in (far, index):
            assert server.requests
            assert {request.headers.get("x-token") for request in server.requests} == {None}
        assert {request.headers.get("x-far") for request in far.requests} == {"1"}


def test_a_token_of_ci_in_an_extra_header_is_all_that_is_needed(root: Path) -> None:
    """As actions/checkout and Azure Pipelines leave it behind."""
    with GitHttpServer(root, realms=[Realm("/", [("x", "token")])]) as server:
        configure((f"http.{server.url}/.extraHeader", "AUTHORIZATION: basic eDp0b2tlbg=="))
        done = run("resolve", "--no-input", f"a @ git+{server.url}/a.git@main")
        assert (done.returncode, done.stderr) == (0, b"")
        assert {user for user, _ in server.exchanges} == {"x:token"}
        server.realms = [Realm("/", [("x", "another")])]
        done = run("resolve", "--no-input", f"a @ git+{server.url}/a.git@main")
    assert done.returncode == 4
    assert b"the server refused the Authorization of 'http.extraHeader'" in done.stderr
    assert b"eDp0b2tlbg" not in done.stderr


def test_redirects_that_are_refused(root: Path) -> None:
    with GitHttpServer(root) as far, GitHttpServer(root, redirects=[Redirect("/a.git", f"{far.url}/a.git")]) as near:
        configure(("http.followRedirects", "false"))
        done = run("resolve", "--format", "json", f"a @ git+{near.url}/a.git@main")
        assert (done.returncode, far.requests) == (5, [])
        assert json.loads(done.stdout)[0]["error"] == "redirect-refused"


@pytest.mark.parametrize("way", ["configuration", "environment"])
def test_a_redirect_is_nobody_s_own_choice(way: str, root: Path, tmp_path: Path) -> None:
    """`user` lets in what a person names, and not what a server names in turn; registries are not Git's affair."""
    with RecordingServer() as index, GitHttpServer(root) as far:
        index.script = lambda request: (302, {"Location": "/y"}, b"") if request.path != "/y" else (200, {}, b"")
        with GitHttpServer(root, redirects=[Redirect("/a.git", f"{far.url}/a.git")]) as near:
            env = {"GIT_ALLOW_PROTOCOL": "ssh"} if way == "environment" else {}
            configure(*[("protocol.http.allow", "user")] * (way == "configuration"))
            done = run("resolve", "--format", "json", f"a @ git+{near.url}/a.git@main", env=env)
            assert (done.returncode, far.requests) == (2, [])
            assert json.loads(done.stdout)[0]["error"] == "transport-not-allowed"
            assert bool(near.requests) is (way == "configuration")
        done = run("resolve", f"x @ {index.url}/x-1.0.tar.gz", env=env)
        assert (done.returncode, [request.path for request in index.requests][-1]) == (0, "/y"), done.stderr.decode()


@pytest.mark.parametrize("way", ["configuration", "environment"])
def test_a_transport_that_is_not_allowed(way: str, server: GitHttpServer, tmp_path: Path) -> None:
    env = {"GIT_ALLOW_PROTOCOL": "https:ssh"} if way == "environment" else {}
    if way == "configuration":
        configure(("protocol.allow", "never"), ("protocol.https.allow", "always"))
    done = run("resolve", "--format", "json", wish(server), env=env)
    assert (done.returncode, json.loads(done.stdout)[0]["error"]) == (2, "transport-not-allowed")
    done = run("clone", clone_url(server), tmp_path / "clone", env=env)
    assert (done.returncode, b"does not allow 'http'" in done.stderr) == (2, True)
    assert server.requests == []
    assert not (tmp_path / "clone").exists()


def test_a_transport_that_insteadof_leads_to(server: GitHttpServer) -> None:
    configure(
        (f"url.http://localhost:{server.port}/.insteadOf", "https://good.example/"), ("protocol.http.allow", "never")
    )
    done = run("resolve", "a @ git+https://good.example/a.git@main")
    assert (done.returncode, b"'protocol.http.allow' does not allow 'http'" in done.stderr) == (2, True)
    assert server.requests == []


@pytest.mark.parametrize("words", [["clone", "--recurse-submodules"], ["download"]])
def test_a_submodule_is_nobody_s_own_choice(
    words: list[str], server: GitHttpServer, root: Path, tmp_path: Path
) -> None:
    """`user` lets in what a person names, and not what a repository names in turn."""
    modules = f'[submodule "leaf"]\n\tpath = leaf\n\turl = {server.url}/b.git\n'
    make_repository(root / "top.git", 2, {".gitmodules": modules, "leaf": Gitlink(resolve(root / "b.git"))})
    url, place = f"{server.url}/top.git", tmp_path / "out"
    download = ["-d", str(place), f"git+{url}@main"]
    requirement = [url, str(place)] if words[0] == "clone" else download
    configure(("protocol.allow", "user"))
    done = run(*words, *requirement)
    assert (done.returncode, b"'protocol.allow (user)' does not allow 'http'" in done.stderr) == (2, True)
    assert not [request for request in server.requests if "/b.git" in request.path]
    configure(("protocol.http.allow", "always"))
    assert run(*words, *requirement).returncode == 0
