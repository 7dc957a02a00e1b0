"""A clone whose pyproject.toml names a proxy and vouches for it: what it gets of the person's credentials is nothing."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from tests.commands import CANARY, configure, leaks, run
from tests.net.tunnel import TunnelProxy
from tests.servers.http_message import Request, Response
from tests.servers.recording import RecordingServer

HOST = "good.example"
INDEX = ("index", f"https://{HOST}/simple/")
GIT = ("resolve", f"git+https://{HOST}/team/tool.git")


def listening(request: Request) -> Response:
    """Takes whatever password it is told."""
    if request.authorization is None:
        return Response(401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    return Response(200, {"Content-Type": "text/html"}, '<a href="demo/">demo</a>')


class Clone:
    """A folder with a pyproject.toml; its author runs a proxy that leads to a false HOST wherever one wants to go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST, "localhost").configure_cert(tls)
        self.authority = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority)
        self.false, self.plain = RecordingServer(listening, tls=tls), RecordingServer(listening)
        false = self.false

        class Proxy(TunnelProxy):
            def _connect(self, host: str, port: int) -> socket.socket:
                return super()._connect(false.host, false.port)

        self.proxy = Proxy()

    def says(self, *lines: str) -> None:
        """What its pyproject.toml says."""
        (self.folder / "pyproject.toml").write_text("\n".join(["[tool.git-helper]", *lines]) + "\n")

    def heard(self) -> list[str | None]:
        """The Authorization of each request to its author."""
        return [request.authorization for server in (self.false, self.plain) for request in server.requests]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clone]:
    made = Clone(tmp_path / "clone")
    monkeypatch.chdir(made.folder)
    with made.false, made.plain, made.proxy:
        yield made


def netrc(home: Path, host: str = HOST) -> None:
    (home / ".netrc").write_text(f"machine {host} login ada password {CANARY}\n")


THIS_MACHINE = "0.0.0.0"  # noqa: S104 (leads here, but is no name of this machine that is trusted more than others)
INSECURE = f'allow-insecure-host = ["{HOST}"]'
VOUCHES = [
    ("git-helper", 'cert = "ca.pem"'),
    ("git-helper", INSECURE),
    ("git-helper", 'allow-insecure-host = ["*"]'),
    ("uv", INSECURE),
]


@pytest.mark.parametrize("words", [INDEX, GIT])
@pytest.mark.parametrize(("table", "vouches"), VOUCHES)
def test_no_source_is_told(clone: Clone, home: Path, table: str, vouches: str, words: tuple[str, ...]) -> None:
    clone.says(f'proxy = "{clone.proxy.url}"', "[tool.uv]" if table == "uv" else "", vouches)
    netrc(home)
    done = run(*words)
    assert done.returncode == 3
    said = done.stderr.decode()
    assert f"cannot send a credential to 'https://{HOST}': only {clone.folder / 'pyproject.toml'}:" in said
    assert f"[tool.{table}]" in said
    assert "; no credential goes there\n" in said
    assert clone.heard() == [None], "it was asked once, and not told anything"
    assert not leaks(done.stdout + done.stderr, CANARY)


@pytest.mark.parametrize("way", ["URL", "variable", "extraHeader", "login"])
def test_no_way_leads_there(clone: Clone, way: str) -> None:
    clone.says(f'proxy = "{clone.proxy.url}"', 'cert = "ca.pem"')
    env: Mapping[str, str] = {"GIT_HELPER_TOKEN_GOOD_EXAMPLE": "plain-t0ken"} if way == "variable" else {}
    words: tuple[str, ...] = GIT
    stdin = b""
    if way == "URL":
        words = ("resolve", f"git+https://ada:plain-t0ken@{HOST}/team/tool.git")
    if way == "extraHeader":
        configure((f"http.https://{HOST}.extraHeader", "Authorization: Bearer plain-t0ken"))
    if way == "login":
        words, stdin = ("login", f"https://{HOST}", "-u", "ada", "--with-token"), b"plain-t0ken"
    done = run(*words, env=env, stdin=stdin)
    assert done.returncode == 3
    assert b"cannot send a credential to 'https://good.example'" in done.stderr
    assert set(clone.heard()) <= {None}
    assert not leaks(done.stdout + done.stderr, "plain-t0ken")


def test_who_needs_no_credential_is_served(clone: Clone) -> None:
    clone.false.script = lambda request: Response(200, {"Content-Type": "text/html"}, '<a href="demo/">demo</a>')
    clone.says(f'proxy = "{clone.proxy.url}"', 'cert = "ca.pem"')
    done = run(*INDEX)
    assert (done.returncode, done.stdout) == (0, b"demo\n")
    where = f"{clone.folder / 'pyproject.toml'}:3 [tool.git-helper]"
    assert f"'{clone.authority}' decides whether '{HOST}' is trusted ({where})" in done.stderr.decode()


def test_settings_say_so(clone: Clone) -> None:
    clone.says('cert = "ca.pem"')
    (rule,) = [
        rule
        for rule in json.loads(run("settings", "--json", f"https://{HOST}/").stdout)["url"]["rules"]
        if rule["name"] == "credentials"
    ]
    where = f"{clone.folder / 'pyproject.toml'}:2 [tool.git-helper]"
    assert (rule["value"], rule["because"]) == ("not sent", f"only {where} names the authorities that vouch for it")


def test_plain_http_through_its_proxy(clone: Clone) -> None:
    clone.says(f'proxy = "{clone.plain.url}"')
    url = f"http://{HOST}/simple/"
    done = run("index", url.replace("//", f"//ada:{quote(CANARY, safe='')}@"))
    assert done.returncode == 3
    assert b"names the proxy, which could read it" in done.stderr
    assert clone.heard() == []


def test_its_proxy_cannot_pretend_to_be_this_machine(clone: Clone, home: Path) -> None:
    clone.says(f'proxy = "{clone.proxy.url}"', 'cert = "ca.pem"')
    netrc(home, "localhost")
    done = run("index", "https://localhost/simple/")
    assert done.returncode == 3
    assert set(clone.heard()) == {None}


@pytest.mark.parametrize("vouches", ['cert = "ca.pem"', f'allow-insecure-host = ["{THIS_MACHINE}"]'])
@pytest.mark.parametrize("way", ["netrc", "URL"])
def test_a_proxy_that_only_it_vouches_for_hears_no_login(clone: Clone, home: Path, way: str, vouches: str) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(THIS_MACHINE).configure_cert(tls)
    authority.cert_pem.write_to_path(clone.authority)
    netrc(home, THIS_MACHINE)
    secret = quote(CANARY, safe="")
    with TunnelProxy(f"ada:{CANARY}", tls=tls) as proxy:
        url = f"https://{f'ada:{secret}@' if way == 'URL' else ''}{THIS_MACHINE}:{proxy.port}"
        for told in (False, True):
            clone.says("" if told else vouches)
            words = ["--cert", str(clone.authority)] if told else []
            done = run("index", f"http://{HOST}/simple/", *words, env={"http_proxy": url})
            assert set(proxy.logins) - {None} == ({f"ada:{CANARY}"} if told else set())
            if not told:
                assert done.returncode == 3, done.stderr.decode()
                assert (
                    f"cannot send a credential to 'https://{THIS_MACHINE}:{proxy.port}': only" in done.stderr.decode()
                )


@pytest.mark.parametrize("way", ["this machine", "option", "variable", "git"])
def test_who_agrees_is_asked_nothing_more(clone: Clone, home: Path, way: str) -> None:
    clone.says(f'allow-insecure-host = ["{HOST}", "localhost"]')
    host = "localhost" if way == "this machine" else HOST
    netrc(home, host)
    port = clone.false.port if way == "this machine" else 443
    words = ["--allow-insecure-host", HOST] if way == "option" else []
    env = {"UV_INSECURE_HOST": HOST} if way == "variable" else {}
    if way == "git":
        configure(("gitHelper.allowInsecureHost", HOST))
    proxy = [] if way == "this machine" else ["--proxy", clone.proxy.url]
    done = run("index", f"https://{host}:{port}/simple/", *words, *proxy, env=env)
    assert (done.returncode, done.stdout) == (0, b"demo\n"), done.stderr.decode()
    assert b"no credential goes there" not in done.stderr
    assert len([word for word in clone.heard() if word is not None]) == 1


def test_the_hint_of_a_certificate_works(clone: Clone, home: Path) -> None:
    clone.says('cert = "ca.pem"')
    netrc(home)
    words = (*INDEX, "--proxy", clone.proxy.url)
    said = run(*words).stderr.decode()
    hint = said.rpartition("say it yourself: ")[2].split()
    assert hint == ["--cert", str(clone.authority)]
    assert run(*words, *hint).returncode == 0
