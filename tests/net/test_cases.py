"""tests/cases, as far as a case is about what goes over HTTP: git-auth, redirect, cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from git_helper.core.credential import Description, Origin
from git_helper.core.giturl import GitUrl
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import GitHelperError, NoCredential, Unreachable
from git_helper.net.remembered import Known, Remembered
from git_helper.net.session import Request, Session
from tests.core.cases import cases
from tests.net.asked import Sources, basic, guarded, session
from tests.net.ports import Ports
from tests.servers.rules import Realm

NOT_HTTP = ("GIT-015", "GIT-016", "GIT-017", "GIT-018", "GIT-019", "GIT-020", "GIT-023", "GIT-024")
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
        known.append(basic("u", "p", "netrc"))
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


@pytest.mark.parametrize("case", cases("git-auth", *NOT_HTTP))
def test_git_auth(case: Case, ports: Ports) -> None:
    expected, setup = case["expected"], case.get("setup", {})
    url, _, location = case["input"].partition(" -> 302 ")
    server = ports["9201"]
    server.script = guarded(*realms(setup))
    if location:
        server.script = lambda request: (302, {"Location": ports.here(location)}, b"")
        ports["9202"].script = guarded(Realm("/", [("u", "p")]))
    sources = sources_of(setup)
    status = None
    with session(sources) as one:
        try:
            status = fetch(one, ports.here(url))
        except GitHelperError as error:
            assert isinstance(error, NoCredential)
            assert expected.get("error") == "authentication-required"
            assert sources.questions == 0
    if expected.get("error") == "repository-not-found":
        assert status == 404
    if expected.get("ok"):
        assert status == 200
        assert ports.sent("9201")[-1] == expected.get("final_auth", expected.get("auth_sent", [None])[-1])
    if expected.get("helper_calls") == []:
        assert sources.wanted == []
    if "auth_sent_to_9202" in expected:
        assert set(ports.sent("9202")) == {expected["auth_sent_to_9202"]}


@pytest.mark.parametrize("case", cases("redirect"))
def test_redirect(case: Case, ports: Ports) -> None:
    given, expected = case["input"], case["expected"]
    start = ports.here(given.get("from", "http://u:p@localhost:9101/s/"))
    location = given["to"] if "to" in given else given["location"]
    headers = {} if location is None else {"Location": ports.here(location)}
    first, _, port = (given.get("from") or "localhost:9101").partition("localhost:")
    ports[port[:4]].script = lambda request: (302, headers, b"")
    insecure = first.startswith("https") and str(location).startswith("http://")
    with session(context_for=ports.trust) as one:
        if insecure or "error" in expected:
            with pytest.raises(Unreachable) as caught:
                fetch(one, start)
            for text in expected.get("must_not_contain", ()):
                assert text not in f"{caught.value} {caught.value.hint}"
            reason = getattr(caught.value.__cause__, "error", "")
            assert reason == {"ambiguous-authority": "ambiguous-authority"}.get(expected.get("error"), reason)
        else:
            assert fetch(one, start) == 200
    others = [pair for name in ("9101", "9102") if name != port[:4] for pair in ports.sent(name)]
    assert set(others) <= {expected.get("auth_sent")}
    assert bool(others) is not (insecure or "error" in expected)


@pytest.mark.parametrize("case", [case for case in cases("cache") if case.values[0]["id"] in ("CAC-001", "CAC-002")])
def test_what_the_index_url_carries(case: Case, ports: Ports) -> None:
    with session() as one:
        for url in (case["input"]["index_url"], case["input"]["link"]):
            assert fetch(one, ports.here(url)) == 200
    port = case["input"]["link"].partition("localhost:")[2][:4]
    assert ports.sent(port)[-1] == case["expected"].get("final_auth", case["expected"].get("auth_sent"))


@pytest.mark.parametrize("case", [case for case in cases("cache") if "realm_a" in case.values[0]["input"]])
def test_realms(case: Case) -> None:
    one, other = (case["input"][name].partition("://") for name in ("realm_a", "realm_b"))
    origins = [Origin.parse(scheme.encode(), host.encode()) for scheme, _, host in (one, other)]
    assert None not in origins
    assert (origins[0] == origins[1]) is case["expected"]["equal"]


@pytest.mark.parametrize("case", [case for case in cases("cache") if "stored" in case.values[0]["input"]])
def test_whole_segments(case: Case) -> None:
    origin, wanted = Origin(b"https", b"h", 443), Description(b"https", b"h")
    remembered, stored = Remembered(), Known(basic("stored", "x"), wanted)
    remembered.add(origin, stored, PlainUrl.parse(case["input"]["stored"]).path)
    remembered.add(origin, Known(basic("newer", "x"), wanted), "/elsewhere/")
    found = remembered.find(origin, wanted, PlainUrl.parse(case["input"]["request"]).path)
    assert (found is stored) is case["expected"]["match"]


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
