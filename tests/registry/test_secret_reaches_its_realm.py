"""Safety promise 1: a secret goes to its own realm only, by whatever way another one is reached.

A proxy plays every host over plain http, so that look-alikes and all ports can be tried; real servers play the rest.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import keyring
import pytest
from keyring.core import load_keyring

from git_helper.core.indexes import Index
from git_helper.registry.client import Client
from tests.commands import CANARY, leaks
from tests.net.ports import Ports
from tests.net.tunnel import TunnelProxy
from tests.registry.world import World
from tests.servers.http_message import Request, Response
from tests.servers.recording import RecordingServer

HOME = "good.example"
PAIR = f"u:{CANARY}"
# Other realms than http://good.example, some of which look like it.
OTHERS = (
    "evil.example",
    "good.example:8080",
    "good.example:443",
    "good.example.evil.example",
    "evilgood.example",
    "www.good.example",
    "example",
    "xn--good-example-9hb.evil.example",
    "127.0.0.1:8080",
    "[::1]:8080",
)


class Everyone:
    """The proxy's script: `/go` at the secret's host leads to `location`; others answer `status`, but page to `location`."""

    def __init__(self) -> None:
        self.status = 200
        self.location = ""
        self.needs = 401

    def __call__(self, request: Request) -> Response:
        place = urlsplit(request.target)
        if place.netloc.lower() == HOME:
            if request.user_password != PAIR:
                return Response(self.needs, {"WWW-Authenticate": 'Basic realm="x"'})
            return Response(302, {"Location": self.location}) if place.path.endswith("/go") else Response(200)
        if place.path.endswith("/back"):
            return Response(302, {"Location": f"http://{HOME}/s/end"})
        if place.path.endswith("/on"):
            return Response(307, {"Location": "/s/end"})
        return Response(self.status, {"WWW-Authenticate": 'Basic realm="y"'} if self.status == 401 else {})


def by_url(world: World) -> list[Index]:
    return [Index.parse(f"http://u:{CANARY.replace('/', '%2F').replace('+', '%2B')}@{HOME}/s/simple/")]


def by_find_links(world: World) -> list[Index]:
    return [Index.parse(by_url(world)[0].url, kind="find-links"), Index.parse(f"http://{HOME}/s/simple/")]


def by_index_variable(world: World) -> list[Index]:
    environ = {
        "GIT_HELPER_INDEX_LAB_USERNAME": "u",
        "UV_INDEX_LAB_PASSWORD": "x",
        "GIT_HELPER_INDEX_LAB_PASSWORD": CANARY,
    }
    return [Index.parse(f"http://{HOME}/s/simple/", "lab", environ=environ)]


def by_store(world: World) -> list[Index]:
    world.store(f"http://{HOME}/s/", "u", CANARY)
    return [Index.parse(f"http://{HOME}/s/simple/")]


def by_variable(world: World) -> list[Index]:
    world.setenv("GIT_HELPER_TOKEN_GOOD_EXAMPLE", CANARY)
    world.setenv("GIT_HELPER_USERNAME_GOOD_EXAMPLE", "u")
    return allowed(world)


def by_netrc(world: World) -> list[Index]:
    world.write_netrc(f'machine {HOME} login u password "{CANARY}"')
    return allowed(world)


def by_keyring(world: World) -> list[Index]:
    world.options["keyring-provider"] = ["import"]  # in our process: the program takes its time, hundreds of times
    world.keep_in_keyring({f"http://{HOME}/s/simple/|u": CANARY})
    keyring.set_keyring(load_keyring("tests.registry.world.PipKeyring"))
    return allowed(world)


def allowed(world: World) -> list[Index]:
    """Whoever is asked, plain http is no reason to keep silent."""
    world.options["allow-http"] = [name.partition(":")[0] for name in (HOME, *OTHERS) if "[" not in name]
    return [Index.parse(f"http://{HOME}/s/simple/")]


SOURCES = [by_url, by_find_links, by_index_variable, by_store, by_variable, by_netrc, by_keyring]


def ways(other: str) -> Iterator[tuple[str, str]]:
    """What is fetched, and where `/go` leads: a redirect there, on from there, there and back, a link, a find-links page."""
    for path in ("/x.whl", "/s/simple/", "/s/on", "/s/back", "/x.whl?token=signed"):
        yield f"http://{HOME}/s/simple/go", f"http://{other}{path}"
        yield f"http://{other}{path}", ""
    yield f"http://{HOME}/s/simple/go", f"//{other}/s/x.whl"
    yield f"http://{HOME}/s/simple/go", f"http://v:w@{other}/s/on"
    yield f"http://{HOME}/s/simple/go", f"http://{HOME}@{other}/s/x.whl"
    yield f"http://{other}@{HOME}/s/simple/go", f"http://{other}/s/x.whl"


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("other", OTHERS)
def test_over_plain_http(source: Callable[[World], list[Index]], other: str, world: World) -> None:
    everyone = Everyone()
    with RecordingServer(everyone) as proxy:
        world.setenv("http_proxy", proxy.url)
        indexes = [*source(world), Index.parse(f"http://{other}/simple/", kind="find-links")]
        client = world.client(*indexes)
        for status in (200, 401, 404):
            everyone.status, everyone.needs = status, 401 if status == 200 else status
            for url, location in ways(other):
                everyone.location = location
                outcome = world.get(client, url)
                assert CANARY not in str(outcome)
        if by_netrc is source and urlsplit("http://" + other).hostname == HOME:
            return  # a netrc knows no ports
        check(proxy, HOME)
        if not proxy.requests:
            raise AssertionError("nobody was asked")


def check(proxy: RecordingServer, home: str) -> None:
    """The secret was sent, and to its realm alone; by nothing but its header."""
    reached = {urlsplit(one.target).netloc for one in proxy.requests if leaks(str(one.header_lines).encode(), CANARY)}
    assert reached == {home}
    assert not any(leaks(one.target.encode(), CANARY) for one in proxy.requests)
    assert not any("proxy-authorization" in one.headers for one in proxy.requests)


def test_upper_case_and_the_last_dot_are_the_same_realm(world: World) -> None:
    with RecordingServer(Everyone()) as proxy:
        world.setenv("http_proxy", proxy.url)
        client = world.client(*by_url(world))
        for host in ("GOOD.example", "good.example.", "good.example:80"):
            assert client.get(f"http://{host}/s/simple/x").status == 200
        assert [pair for pair, _ in proxy.exchanges] == [PAIR] * 3


@contextmanager
def two_servers(world: World, ports: Ports) -> Iterator[tuple[RecordingServer, RecordingServer, Client]]:
    """One that speaks TLS and has the secret, one that does not, and a client that trusts the first."""
    authority = world.home / "authority.pem"
    ports.authority.cert_pem.write_to_path(str(authority))
    world.options["cert"] = [str(authority)]
    with ExitStack() as stack:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ports.authority.issue_cert("localhost").configure_cert(tls)
        safe = stack.enter_context(RecordingServer(tls=tls))
        plain = stack.enter_context(RecordingServer())
        index = Index.parse(f"https://u:{CANARY.replace('/', '%2F')}@localhost:{safe.port}/s/")
        yield safe, plain, world.client(index)


@pytest.mark.parametrize("proxied", [False, True])
def test_from_https_to_elsewhere(world: World, ports: Ports, proxied: bool) -> None:
    with ExitStack() as stack:
        safe, plain, client = stack.enter_context(two_servers(world, ports))
        proxy = stack.enter_context(TunnelProxy())
        if proxied:
            world.setenv("https_proxy", proxy.url)
        base = f"https://localhost:{safe.port}/s/"
        for location in (f"http://localhost:{plain.port}/x", f"http://127.0.0.1:{plain.port}/x", "/t/x"):
            safe.script = lambda request, to=location: (
                (302, {"Location": to}, b"") if request.path == "/s/go" else (200, {}, b"")
            )
            world.get(client, base + "go")
        world.get(client, f"http://localhost:{plain.port}/s/")
        world.get(client, f"http://localhost:{safe.port}/s/")
        assert plain.authorizations == []
        assert {pair for pair, _ in safe.exchanges} == {PAIR}
        assert bool(proxy.heads) is proxied
        assert not leaks(b"".join(proxy.heads), CANARY)
