"""tests/cases of registries (http-auth, netrc, keyring, cache, redirect): a whole command's house against real servers."""

from __future__ import annotations

import re

import pytest

from git_helper.core.indexes import Index, Wanted, path_segments
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import GitHelperError
from git_helper.secret import Secret
from git_helper.system.environment import environment
from git_helper.tasks.resolve import slug
from git_helper.wiring.registries import RegistrySources
from tests.core.cases import cases
from tests.net.redirecting import Redirecting
from tests.registry.rehearsal import Case, Rehearsal
from tests.registry.world import World, origin_of


def is_of_named_registry(case: Case) -> bool:
    """Whether a row tells what users are called at a registry that is not of this machine (the how-to pages)."""
    url = case["input"].get("index_url", "")
    return url.startswith("https://") and "localhost" not in url and "user" in case["expected"]


def is_conversation(case: Case) -> bool:
    """Whether a row is about requests; the others have tests of their own below, or elsewhere."""
    given = case["input"]
    names = ("index_url", "index", "indexes", "extra_index_url", "find_links", "requirement")
    is_of_here = any(host in str(given).lower() for host in ("localhost", "127.0.0.1", "[::1]"))
    return is_of_here and any(name in given for name in names)


ROWS = [case for area in ("http-auth", "netrc", "keyring", "cache") for case in cases(area)]


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("case", [case for case in ROWS if is_conversation(case.values[0])])
def test_case(case: Case, world: World) -> None:
    rehearsal = Rehearsal(case, world)
    rehearsal.run()
    assert rehearsal.check()


@pytest.mark.parametrize("case", [case for case in ROWS if is_of_named_registry(case.values[0])])
def test_what_users_are_called(case: Case, world: World) -> None:
    """The user name of the URL narrows the keyring's answer; `${PAT}` is the password."""
    text, expected = case["input"]["index_url"].replace("${", "").replace("}", ""), case["expected"]
    index = Index.parse(text, environ=environment())
    user = index.userinfo.username or b""
    assert expected["user"] in (user.decode(), "any non-empty")
    assert user
    if "password" in expected:
        assert index.userinfo.password == Secret(expected["password"].encode())
    elif "keyring" in case.get("setup", {}):
        world.keep_in_keyring({f"{index.service}|{user.decode()}": "token", f"{index.service}|another": "x"})
        world.options["keyring-provider"] = ["subprocess"]
        wanted = Wanted(b"https", index.origin.authority().encode(), index.path, user, index.service)
        found = RegistrySources(world.house(), None).credentials.first(wanted)
        assert found.candidate is not None
        assert (found.candidate.source, found.candidate.credential.password) == ("keyring provider", Secret(b"token"))
        assert world.calls == [["get", index.service, expected["user"]]]


@pytest.mark.parametrize("case", [case for case in cases("cache") if "stored" in case.values[0]["input"]])
def test_a_page_covers_whole_segments(case: Case) -> None:
    request = case["input"]["request"]
    # `simple` itself is dropped from an index's root, so a find-links page stands for a plain prefix.
    page = Index.parse(case["input"]["stored"], kind="find-links")
    assert page.covers(origin_of(request), PlainUrl.parse(request).path) is case["expected"]["match"]


@pytest.mark.parametrize("case", [case for case in cases("cache") if "same_index" in case.values[0]["expected"]])
def test_files_beside_the_pages_belong_to_the_index(case: Case) -> None:
    index, file = Index.parse(case["input"]["index"]), PlainUrl.parse(case["input"]["file"])
    assert index.covers(origin_of(case["input"]["file"]), file.path) is case["expected"]["same_index"]
    folder = re.sub(r"/\+?simple/?$", "/", PlainUrl.parse(case["input"]["index"]).path)
    assert index.segments == path_segments(folder)


@pytest.mark.parametrize("where", ["index_url", "requirement"])
@pytest.mark.parametrize("case", cases("redirect"))
def test_redirect(case: Case, world: World, where: str) -> None:
    """What an index carries is its own, what the URL of a file carries is the request's: neither goes elsewhere."""
    given, expected, ports = case["input"], case["expected"], world.ports
    start = given.get("from", "http://u:p@localhost:9101/s/")
    port = re.findall(r":(\d+)/", start)[0]
    rehearsal = Rehearsal({**case, "input": {**given, where: start}}, world, port)
    redirecting = Redirecting(given, ports, ports[port].script)
    rehearsal.run()
    outcome = rehearsal.outcomes[-1]
    ends = redirecting.ends()
    rehearsal.check("auth_sent", "final_auth", "error", "ok", "must_not_contain")
    assert ports.sent(port)[0] == ("u:p" if "u:p@" in start else None)
    if redirecting.is_insecure or "error" in expected:
        assert isinstance(outcome, GitHelperError)
        assert ends == []
        assert slug(outcome) == expected.get("error", "insecure-redirect")
        for text in expected.get("must_not_contain", ()):
            assert text not in f"{outcome} {outcome.hint}"
        return
    assert expected.get("ok", True) is (outcome == 200), outcome
    if "auth_sent" in expected:
        assert set(ends) == {expected["auth_sent"]}
    if "final_auth" in expected:
        assert ends[-1] == expected["final_auth"]
