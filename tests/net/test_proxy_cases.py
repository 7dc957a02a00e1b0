"""tests/cases/proxy with real proxies and servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from git_helper.core.command_settings import CommandSettings
from git_helper.core.given import of_environment, of_options
from git_helper.core.remotes import remote_setting
from git_helper.errors import GitHelperError, NoCredential, Refused, Unreachable, UsageError
from git_helper.net.proxy import Proxy, proxies
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.system.git_config import GitConfig
from tests.core.cases import cases
from tests.net.asked import Sources, session
from tests.net.ports import Ports
from tests.net.tunnel import SocksProxy, TunnelProxy
from tests.servers.isolated import environment

Case = Mapping[str, Any]
_ANY_PORT = re.compile(r":(9\d{3})\b")
FIRST = "http://127.0.0.1:9301"


class Place:
    """The servers and proxies of a case. A proxy for each port that a setting names; all else is a server."""

    def __init__(self, case: Case, folder: Path, stack: ExitStack) -> None:
        row, setup = case["input"], case.get("setup", {})
        self.login = str(setup.get("proxy_auth") or "") or _login(str(setup.get("proxy", ""))) or None
        self.socks: set[str] = set(re.findall(r"socks\w*://[^/\s]*?:(9\d{3})", str(row)))
        self.proxies: dict[str, TunnelProxy | SocksProxy] = {}
        self._stack = stack
        self._ports = Ports(stack)
        self.url = self._ports.here(str(row["url"]).removeprefix("git+"))
        (folder / ".gitconfig").write_text(self._text(str(row.get("gitconfig", ""))))
        self.config = GitConfig.read(environment(folder))
        given = dict(row.get("env", {}))
        if "gitconfig" in row and not any(name.lower().endswith("_proxy") for name in given):
            given["all_proxy"] = FIRST  # so that an empty one of git's is seen to be one
        self.environ = {
            name: self._no_proxy(text) if "no_proxy" in name.lower() else self._text(text)
            for name, text in given.items()
        }
        words = [self._text(word) for word in row.get("args", ())]
        options = {flag[2:]: [word] for flag, word in pairwise(words) if flag == "--proxy"}
        self._settings = CommandSettings(of_options(options), of_environment(self.environ))
        self._remotes = [
            (entry.url or "", entry.variable, entry.value or "")
            for entry in self.config.entries
            if entry.section == "remote"
        ]
        self._choose = proxies(self.environ, self._git, self._of_remote, self._own)

    def proxy_for(self, target: Target) -> Proxy | None:
        """Git URLs and others have the same rules; only `git` of a case says that it is one."""
        return self._choose(target)

    def trust(self, target: Target) -> Any:
        return self._ports.trust(target)

    def requests(self) -> int:
        """How many reached the server."""
        return sum(len(self._ports[name].requests) for name in self._ports.names())

    def _git(self, variable: str, url: str) -> str | None:
        found = self.config.for_url("http", variable, url)
        return found[-1].value or "" if found else None

    def _of_remote(self, url: str, variable: str) -> tuple[str, str] | None:
        return remote_setting(self._remotes, url, variable, "origin")

    def _own(self, url: str) -> tuple[str, str] | None:
        given = self._settings.given("proxy", url)
        return (str(given[-1].provenance), str(given[-1].value)) if given else None

    def _no_proxy(self, text: str) -> str:
        return re.sub(r"(?<=:)9\d{3}\b", lambda found: str(self._ports[found[0]].port), text)

    def _text(self, text: str) -> str:
        return _ANY_PORT.sub(lambda found: f":{self._proxy(found[1]).port}", text)

    def _proxy(self, name: str) -> TunnelProxy | SocksProxy:
        if name in self._ports.names():
            return self._ports[name]  # type: ignore[return-value]
        if name not in self.proxies:
            made: TunnelProxy | SocksProxy = SocksProxy(self.login) if name in self.socks else TunnelProxy(self.login)
            self._stack.enter_context(made)
            self.proxies[name] = made
        return self.proxies[name]


def _login(url: str) -> str:
    parts = urlsplit(url)
    return "" if parts.username is None else f"{parts.username}:{parts.password or ''}"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.mark.parametrize("case", cases("proxy"))
def test_proxy(case: Case, tmp_path: Path, stack: ExitStack) -> None:
    place, expected = Place(case, tmp_path, stack), case["expected"]
    with session(Sources(), context_for=place.trust, proxy_for=place.proxy_for, proxy_sources=Sources()) as one:
        if "error" in expected:
            with pytest.raises(GitHelperError) as caught:
                one.send(Request("GET", place.url)).read()
            expect_failure(str(expected["error"]), caught.value)
            assert place.requests() == 0
            return
        assert one.send(Request("GET", place.url)).status == 200
    went = {name: _asked(proxy) for name, proxy in place.proxies.items() if _asked(proxy)}
    proxied = expected.get("proxied", True)
    assert len(went) == (1 if proxied else 0)
    assert bool(place.requests()) is (not proxied or place.url.startswith("https:") or bool(place.socks & set(went)))
    if proxied == "CONNECT":
        assert all(line.startswith("CONNECT ") for lines in went.values() for line in lines)
    named = _ANY_PORT.search(str(proxied)) or _ANY_PORT.search(str(expected.get("proxy", "")))
    if named is not None:
        assert list(went) == [named[1]]
    if "proxy_auth" in expected:
        (proxy,) = place.proxies.values()
        logins = proxy.logins if isinstance(proxy, TunnelProxy) else proxy.users
        assert logins[-1] == expected["proxy_auth"]


def _asked(proxy: TunnelProxy | SocksProxy) -> list[str]:
    return proxy.lines if isinstance(proxy, TunnelProxy) else proxy.places


def expect_failure(slug: str, error: GitHelperError) -> None:
    if "scheme" in slug or slug.startswith("invalid-proxy"):
        assert isinstance(error, UsageError)
        assert error.message.startswith("cannot use the proxy of '")
    elif "unreachable" in slug:
        assert isinstance(error, Unreachable)
        assert error.message.startswith("cannot reach the proxy '")
    elif "auth" in slug or "credential" in slug:
        assert isinstance(error, (NoCredential, Refused))
        assert "the proxy '" in error.message
    else:
        assert error.exit_code in (2, 3, 4, 5)


def test_every_case_was_found() -> None:
    assert len(cases("proxy")) >= 13
