"""tests/cases, as far as a case is about what goes over HTTP: git-auth, redirect, cache."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from git_helper.core.credential import Description, Origin
from git_helper.core.giturl import GitUrl
from git_helper.core.indexes import path_segments, realm
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import GitHelperError, NoCredential, Refused
from git_helper.net.registry_memory import RealmCache
from git_helper.net.remembered import Known, Remembered
from git_helper.net.session import Request, Session
from git_helper.net.target import BadRedirect, Target
from tests.core.cases import cases
from tests.net.asked import Sources, basic, guarded, session
from tests.net.ports import Ports
from tests.net.redirecting import Redirecting
from tests.servers.rules import Realm

# Rows that need no more than what is tested here: one URL of Git over HTTP, helpers and netrc that answer as they should.
ONE_URL = re.compile(r"git\+http://(?!host/)\S+( -> 302 \S+)?")
KNOWN_SETUP = {"server", "helper", "netrc", "env", "tty"}
GIT_AUTH = [
    case
    for case in cases("git-auth")
    if ONE_URL.fullmatch(case.values[0]["input"]) and set(case.values[0].get("setup", {})) <= KNOWN_SETUP
]
Case = Mapping[str, Any]


@pytest.fixture
def ports() -> Iterator[Ports]:
    with ExitStack() as stack:
        yield Ports(stack)


def realms(setup: Mapping[str, Any]) -> list[Realm]:
    rules = setup.get("server", {})
    return [
        Realm(prefix, [tuple(pair.split(":", 1)) for pair in rule["creds"]], deny=rule.get("deny", 401))
        for prefix, rule in (rules.items() if isinstance(rules, dict) else ())
        if "creds" in rule
    ]


def sources_of(setup: Mapping[str, Any]) -> Sources:
    """Helpers and netrc files as sources; how those are read is tested elsewhere."""
    known = [basic(user, password, "helper") for user, password in setup.get("helper", {}).items()]
    if "netrc" in setup or "NETRC" in setup.get("env", {}):
        text = re.search(r"login (\S+) password (\S+)", setup.get("netrc", ""))
        user, password = text.groups() if text else ("u", "p")
        known.insert(0, basic(user, password, "netrc"))
    return Sources(*known)


def fetch(one: Session, url: str) -> int:
    """One request for a URL as people write it."""
    parsed = GitUrl.parse(url) if url.startswith("git+") else PlainUrl.parse(url)
    info = parsed.userinfo
    clean = f"{parsed.scheme}://{parsed.authority.netloc}{parsed.path}"
    user = None if info is None or info.user is None else info.user.reveal()
    with one.send(Request("GET", clean, username=user, password=None if info is None else info.password)) as response:
        response.read()
        return response.status


@pytest.mark.parametrize("case", GIT_AUTH)
def test_git_auth(case: Case, ports: Ports) -> None:
    expected, setup = case["expected"], case.get("setup", {})
    url, _, location = case["input"].partition(" -> 302 ")
    server = ports["9201"]
    server.script = guarded(*realms(setup))
    if location:
        server.script = lambda request: (302, {"Location": ports.here(location)}, b"")
        pair = str(setup.get("server", "")).rpartition(" ")[2].partition(":")[::2]
        ports["9202"].script = guarded(Realm("/", [pair]))
    sources = sources_of(setup)
    status = None
    with session(sources) as one:
        try:
            status = fetch(one, ports.here(url))
        except GitHelperError as error:
            wanted = {"authentication-required": NoCredential, "refused": Refused}
            assert isinstance(error, wanted[expected["error"]])
            assert sources.questions == 0
    if expected.get("error") == "repository-not-found":
        assert status == 404
    if expected.get("ok"):
        assert status == 200
    if {"final_auth", "auth_sent"} & set(expected):
        assert ports.sent("9201")[-1] == expected.get("final_auth", expected.get("auth_sent", [None])[-1])
    if expected.get("helper_calls") == [] and "helper" in setup and "netrc" not in setup:
        assert sources.wanted == []
    if "auth_sent_to_9202" in expected:
        assert set(ports.sent("9202")) == {expected["auth_sent_to_9202"]}


@pytest.mark.parametrize("case", [case for case in cases("redirect") if not case.values[0].get("setup")])
def test_redirect(case: Case, ports: Ports) -> None:
    """What a URL carries, without sources; with them it is tests/registry."""
    given, expected = case["input"], case["expected"]
    redirecting = Redirecting(given, ports)
    with session(context_for=ports.trust) as one:
        if redirecting.is_insecure or "error" in expected:
            with pytest.raises(BadRedirect) as caught:
                fetch(one, redirecting.start)
            assert caught.value.error == expected.get("error", "insecure-redirect")
            for text in expected.get("must_not_contain", ()):
                assert text not in f"{caught.value} {caught.value.hint}"
        else:
            assert fetch(one, redirecting.start) == 200
    ends = redirecting.ends()
    assert bool(ends) is not (redirecting.is_insecure or "error" in expected)
    # A user name alone is tried bare first with Git's servers.
    assert set(ends) <= {expected.get("auth_sent"), None}
    if str(redirecting.location).count(":") != 2 or "@" not in str(redirecting.location):
        assert set(ends) <= {expected.get("auth_sent")}


@pytest.mark.parametrize("case", [case for case in cases("cache") if case.values[0]["id"] in ("CAC-001", "CAC-002")])
def test_what_the_index_url_carries(case: Case, ports: Ports) -> None:
    with session() as one:
        for url in (case["input"]["index_url"], case["input"]["link"]):
            assert fetch(one, ports.here(url)) == 200
    port = case["input"]["link"].partition("localhost:")[2][:4]
    assert ports.sent(port)[-1] == case["expected"].get("final_auth", case["expected"].get("auth_sent"))


@pytest.mark.parametrize("case", [case for case in cases("cache") if "realm_a" in case.values[0]["input"]])
def test_realms(case: Case) -> None:
    one, other = (realm(Target.parse(case["input"][name]).origin) for name in ("realm_a", "realm_b"))
    assert (one == other) is case["expected"]["equal"]


@pytest.mark.parametrize("case", [case for case in cases("cache") if "stored" in case.values[0]["input"]])
def test_whole_segments(case: Case) -> None:
    remembered, stored = RealmCache(), Known(basic("stored", "x"), Description(b"https", b"h"))
    place, request = (Target.parse(case["input"][name]) for name in ("stored", "request"))
    remembered.add(place.origin, path_segments(place.path), stored)
    remembered.add(place.origin, ("elsewhere",), Known(basic("newer", "x"), Description(b"https", b"h")))
    found = remembered.find(request.origin, None, path_segments(request.path))
    assert (found is not None and found[0] is stored) is case["expected"]["match"]
    assert (found is not None and found[1]) is case["expected"]["match"]


@pytest.mark.parametrize(("request_path", "is_match"), [("/simpleevil/x", False), ("/simple/anyio", True)])
def test_git_remembers_whole_segments_too(request_path: str, is_match: bool) -> None:
    origin, wanted = Origin(b"https", b"h", 443), Description(b"https", b"h")
    remembered, stored = Remembered(), Known(basic("stored", "x"), wanted)
    remembered.add(origin, stored, "/simple")
    remembered.add(origin, Known(basic("newer", "x"), wanted), "/elsewhere/")
    assert (remembered.find(origin, wanted, request_path) is stored) is is_match


def test_cac_008_the_longest_prefix_wins(ports: Ports) -> None:
    ports["9101"].script = guarded(Realm("/", [("root", "r")]), Realm("/deep/", [("d", "d")]))
    with session() as one:
        for url in ("root:r@localhost:9101/", "d:d@localhost:9101/deep/", "localhost:9101/deep/x", "localhost:9101/y"):
            assert fetch(one, ports.here("http://" + url)) == 200
    assert ports.sent("9101") == ["root:r", "d:d", "d:d", "root:r"]


def test_cac_015_nothing_is_remembered_across_runs(ports: Ports) -> None:
    ports["9101"].script = guarded(Realm("/", [("u", "p")]))
    sources = Sources(person=[basic("u", "p", "person")])
    for _ in range(2):
        with session(sources) as one:
            assert fetch(one, ports.here("http://localhost:9101/s/")) == 200
    assert sources.questions == 2


@pytest.mark.parametrize(("status", "remembered"), [(200, True), (204, True), (404, False), (500, False), (403, False)])
def test_cac_017_only_what_worked_is_remembered(ports: Ports, status: int, remembered: bool) -> None:
    with session() as one:
        ports["9101"].script = lambda request: (status, {}, b"")
        fetch(one, ports.here("http://u:p@localhost:9101/s/"))
        fetch(one, ports.here("http://localhost:9101/s/"))
    assert ports.sent("9101") == ["u:p", "u:p" if remembered else None]
