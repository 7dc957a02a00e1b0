"""tests/cases/git-config: what git's configuration, as git itself reads it, makes of one URL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from git_helper.core.credential import Description
from git_helper.core.giturl import GitUrl
from git_helper.core.http_rules import HttpRules
from git_helper.core.instead_of import instead_of
from git_helper.core.remotes import remote_setting
from git_helper.core.transports import check_transport
from git_helper.core.trust import TrustSettings
from git_helper.errors import GitHelperError, Unreachable, UsageError
from git_helper.net.pools import RedirectRefused
from git_helper.net.proxy import proxies
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.system.git_config import GitConfig
from tests.core.cases import cases
from tests.net.asked import no_tls, session
from tests.net.lab import Lab
from tests.net.ports import Ports
from tests.net.trusting import contexts
from tests.servers.isolated import environment
from tests.servers.recording import RecordingServer

Case = Mapping[str, Any]
_FILE = re.compile(r"(ssl\w+\s*=\s*)([\w.-]+\.(?:pem|crt|key|der|p12))", re.IGNORECASE)
_MINE = re.compile(r"ssl(cert|key)\b", re.IGNORECASE)


class Configured:
    """The configuration and the variables of a case, with real servers for the ports that its URL names."""

    def __init__(self, case: Case, folder: Path, stack: ExitStack) -> None:
        row, self.expected = case["input"], case["expected"]
        self.lab = Lab(folder, stack)
        found = re.search(r"localhost:(\d{4,5})", row["url"])
        self.server: RecordingServer | None = None
        config, self.url = str(row.get("gitconfig", "")), str(row["url"]).removeprefix("git+")
        if found is not None:
            wants = "client" if "sslcert" in str(case).lower() or "peer_cn" in self.expected else ""
            self.server = self.lab.server(wants if self.url.startswith("https:") else "plain")
            here = f":{self.server.port}"
            config, self.url = (text.replace(f":{found[1]}", here) for text in (config, self.url))
        config = _FILE.sub(lambda one: one[1] + self.lab.path(one[2], mine=bool(_MINE.match(one[1]))), config)
        (folder / ".gitconfig").write_text(config)
        given = {**case.get("setup", {}).get("env", {}), **row.get("env", {})}
        self.environ = self.lab.environ(given)
        extra = {name: value for name, value in self.environ.items() if name.startswith("GIT_CONFIG")}
        self.git = GitConfig.read(environment(folder, **extra))
        known = {"ssl_cert_file", "git_ssl_cainfo", "sslcainfo", "sslcapath", "git_ssl_capath"}
        self.names_roots = any(name in f"{config} {list(given)}".lower() for name in known)

    def http(self, variable: str, url: str) -> str | None:
        found = self.git.for_url("http", variable, url)
        return None if not found else "true" if found[-1].value is None else found[-1].value

    def setting(self, key: str) -> str | None:
        found = [entry for entry in self.git.entries if entry.key == key]
        return found[-1].value or "" if found else None

    def rules(self) -> HttpRules:
        url = Target.parse(self.url).configured_url
        return HttpRules.of(
            lambda variable: [entry.value for entry in self.git.for_url("http", variable, url)], self.environ
        )

    @property
    def wanted(self) -> Description:
        url = GitUrl.parse(self.url)
        path, user = url.path.lstrip("/").encode(), None if url.userinfo is None else url.userinfo.user
        return Description(
            url.scheme.encode(), url.authority.netloc.encode(), path, None if user is None else user.reveal()
        )


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.mark.parametrize("case", cases("git-config"))
def test_git_config(case: Case, tmp_path: Path, stack: ExitStack) -> None:
    if " -> " in case["input"]["url"]:
        follow(case, tmp_path, stack)
        return
    one = Configured(case, tmp_path, stack)
    checks = [check for name, check in CHECKS.items() if name in one.expected]
    assert checks, f"nothing is known of {list(one.expected)}"
    for check in checks:
        check(one)


def follow(case: Case, folder: Path, stack: ExitStack) -> None:
    """What is said for one place stays there, wherever it redirects to."""
    ports = Ports(stack)
    start, location = (ports.here(url.strip()) for url in re.split(r" -> (?:30\d )?", case["input"]["url"])[:2])
    (folder / ".gitconfig").write_text(ports.here(case["input"].get("gitconfig", "")))
    config = GitConfig.read(environment(folder))

    def rules(target: Target) -> HttpRules:
        at_start = target.origin == Target.parse(start).origin
        return HttpRules.of(
            lambda variable: [
                entry.value
                for entry in config.for_url("http", variable, target.configured_url)
                if at_start or entry.url is not None
            ],
            {},
        )

    near, far = (ports[name] for name in ports.names()[:2])
    near.script = lambda request: (302, {"Location": location}, b"")
    with session(context_for=ports.trust, rules_for=rules) as client:
        if case["expected"].get("error") == "redirect-refused":
            with pytest.raises(RedirectRefused):
                client.send(Request("GET", start))
            assert far.requests == []
            return
        assert client.send(Request("GET", start)).status == 200
    for name, _ in rules(Target.parse(start)).extra_headers:
        assert name.lower() in near.requests[0].headers
        assert name.lower() not in far.requests[0].headers


def check_verify(one: Configured) -> None:
    trust = TrustSettings(environ=one.environ, git_http=one.http).trust_for(Target.parse(one.url))
    assert trust.verify is one.expected["verify"]
    if one.server is not None and not one.names_roots:
        with session(context_for=contexts(one.environ, one.http)) as client:
            if one.expected["verify"]:
                with pytest.raises(Unreachable, match="unknown authority"):
                    client.send(Request("GET", one.url))
            else:
                assert client.send(Request("GET", one.url)).status == 200


def check_ok(one: Configured) -> None:
    assert one.server is not None
    known = {} if one.names_roots else {"SSL_CERT_FILE": one.lab.path("ca.pem")}
    with session(context_for=contexts(known | one.environ, one.http), timeout=5) as client:
        if one.expected.get("ok", "error" not in one.expected):
            assert client.send(Request("GET", one.url)).status == 200
            return
        with pytest.raises((Unreachable, UsageError)):
            client.send(Request("GET", one.url))
    assert one.server.requests == []


def check_headers(one: Configured) -> None:
    shown = [f"{name}: {value.reveal().decode()}" for name, value in one.rules().extra_headers if value is not None]
    assert shown == one.expected.get("headers", one.expected.get("headers_sent"))


def check_redirect(one: Configured) -> None:
    """What comes of a redirect to another place of the same server."""
    rules, expected = (
        one.rules(),
        one.expected.get("redirect", one.expected.get("follow_redirects", one.expected.get("followed", True))),
    )
    follows = {"followed": True, "refused": False, "initial": True, "false": False, "true": True}.get(
        str(expected).lower()
    )
    answers = [(302, {"Location": "/there"}, b""), (200, {}, b"")]
    server = RecordingServer(lambda request: answers[request.path == "/there"])
    with server, session(context_for=no_tls, rules_for=lambda target: rules) as client:
        if one.expected.get("error") == "redirect-refused" or follows is False:
            with pytest.raises(RedirectRefused) as caught:
                client.send(Request("GET", server.url + "/r"))
            assert caught.value.error == "redirect-refused"
        else:
            assert client.send(Request("GET", server.url + "/r")).status == 200


def check_place(one: Configured) -> None:
    place = instead_of(GitUrl.parse(one.url), one.git.replacements())
    assert place.scheme == one.expected.get("transport", place.scheme)
    wanted = one.expected.get("url", one.expected.get("rewritten"))
    assert wanted in (None, place.clone_url.reveal().decode())


def check_proxy(one: Configured) -> None:
    remotes = [
        (entry.url or "", entry.variable, entry.value or "") for entry in one.git.entries if entry.section == "remote"
    ]
    proxy_for = proxies(one.environ, one.http, lambda url, variable: remote_setting(remotes, url, variable, "origin"))
    found = proxy_for(Target.parse(one.url))
    assert (found is not None) is bool(one.expected.get("proxied", one.expected.get("proxy")))
    wanted = [one.expected.get("proxy"), one.expected.get("proxied")]
    for url in (text for text in wanted if isinstance(text, str) and "://" in text):
        assert found is not None
        assert found.url == url.rstrip("/")


def check_helpers(one: Configured) -> None:
    found = [entry.value for entry in one.git.helpers_for(one.wanted)]
    assert found == one.expected.get("helpers", one.expected.get("helper"))


def check_username(one: Configured) -> None:
    found = one.git.credential_settings(one.wanted).username
    assert (None if found is None else os.fsdecode(found)) == one.expected["username"]


def check_path(one: Configured) -> None:
    sent = one.expected.get("path_sent", one.expected.get("use_http_path"))
    path = one.git.scoped(one.wanted).path
    assert path == (sent.encode() if isinstance(sent, str) else one.wanted.path if sent else None)


def check_error(one: Configured) -> None:
    slug = one.expected["error"]
    if slug == "redirect-refused":
        check_redirect(one)
    elif slug == "transport-not-allowed":
        with pytest.raises(GitHelperError) as caught:
            check_allowed(one)
        assert getattr(caught.value, "error", None) == slug
    elif "ok" not in one.expected and "verify" not in one.expected:
        check_ok(one)


def check_allowed(one: Configured) -> None:
    place = instead_of(GitUrl.parse(one.url), one.git.replacements())
    check_transport(place.scheme, one.url, one.setting, one.environ)


CHECKS = {
    "verify": check_verify,
    "ok": check_ok,
    "peer_cn": check_ok,
    "headers": check_headers,
    "headers_sent": check_headers,
    "transport": check_place,
    "url": check_place,
    "rewritten": check_place,
    "redirect": check_redirect,
    "follow_redirects": check_redirect,
    "followed": check_redirect,
    "proxied": check_proxy,
    "proxy": check_proxy,
    "helpers": check_helpers,
    "helper": check_helpers,
    "username": check_username,
    "path_sent": check_path,
    "use_http_path": check_path,
    "allowed": check_allowed,
    "error": check_error,
}


def test_every_case_was_found() -> None:
    assert len(cases("git-config")) >= 11
