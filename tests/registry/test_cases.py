"""tests/cases of registries (http-auth, netrc, keyring, cache, redirect): a whole command's house against real servers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from git_helper.core.indexes import Index
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import GitHelperError, UsageError
from git_helper.system.environment import environment
from tests.core.cases import cases
from tests.net.asked import guarded
from tests.registry.world import World, origin_of
from tests.servers.rules import Realm

Case = Mapping[str, Any]
# Not about a conversation: what users are called at two registries (the how-to pages), and what people type (below).
NO_REQUEST = ("HTTP-031", "HTTP-033", "KEY-019")
EXIT = {"missing-credentials": 3, "ambiguous-credentials": 3, "credentials-with-never": 2}


class Rehearsal:
    """One row: what it sets up, its requests, and what came of them."""

    def __init__(self, case: Case, world: World) -> None:
        self.given, self.setup, self.expected = case["input"], case.get("setup", {}), case["expected"]
        self.world = world
        self.outcomes: list[int | GitHelperError] = []
        self._prepare()

    def _prepare(self) -> None:
        world, ports = self.world, self.world.ports
        first = self.given.get("extra_index_url", self.given.get("index_url", "localhost:9101/"))
        ports.here(first)
        self.port = re.findall(r":(\d+)/", first)[0]
        ports[self.port].script = guarded(*_realms(self.setup.get("server", {})))
        for name, value in self.given.get("env", {}).items():
            world.setenv(f"GIT_HELPER_{name}" if name.startswith("INDEX_") else name, value)
        netrc = self.given.get("netrc", self.setup.get("netrc"))
        if netrc is not None:
            world.write_netrc(netrc, int(self.given.get("mode", "0600"), 8))
        for url, value in self.setup.get("store", {}).items():
            place, blank, user = ports.here(url).partition(" ")
            world.store(place, *((user, value) if blank else value.split(":", 1)))
        if isinstance(self.setup.get("keyring"), dict):
            world.keep_in_keyring({ports.here(name): value for name, value in self.setup["keyring"].items()})
        words = self.given.get("args", [])
        for name, value in zip(words[::2], words[1::2], strict=True):
            world.options[name.removeprefix("--")] = [value]
        # Rows with a keyring that do not say how it is asked mean the program.
        if "args" not in self.given and "env" not in self.given and "keyring" in self.setup:
            world.options["keyring-provider"] = ["subprocess"]

    def indexes(self) -> list[Index]:
        found = []
        for name in ("extra_index_url", "index_url", "find_links"):
            if name in self.given:
                kind: Any = "find-links" if name == "find_links" else "index"
                found.append(self._index(self.given[name], kind=kind))
        if "index" in self.given:
            index = self.given["index"]
            found.append(self._index(index["url"], index.get("name"), authenticate=index.get("authenticate", "auto")))
        found += [self._index(url, name) for name, url in self.given.get("indexes", ())]
        return found

    def _index(self, url: str, name: str | None = None, **more: Any) -> Index:
        return Index.parse(self.world.ports.here(url), name, environ=environment(), **more)

    def run(self) -> None:
        try:
            indexes = self.indexes()
            client = self.world.client(*indexes)
        except GitHelperError as error:
            self.outcomes.append(error)
            return
        direct = self.given.get("requirement", self.given.get("link"))
        urls = [index.bare for index in indexes]
        if direct is not None:
            url = self.world.ports.here(direct.rpartition(" ")[2])
            urls = [url] if "requirement" in self.given else [*urls, url]
        self.outcomes = [self.world.get(client, url) for url in urls]

    @property
    def errors(self) -> list[GitHelperError]:
        return [one for one in self.outcomes if isinstance(one, GitHelperError)]

    def check(self) -> None:
        expected, ports = self.expected, self.world.ports
        exchanges = ports[self.port].exchanges
        if "ok" in expected:
            assert all(outcome == 200 for outcome in self.outcomes) is expected["ok"], self.outcomes
        if "sequence" in expected:
            assert [list(one) for one in exchanges] == expected["sequence"]
        for name, value in expected.items():
            check = getattr(self, f"_check_{name}", None)
            if check is not None:
                check(value)

    def _check_status_shown(self, status: int) -> None:
        assert str(status) in self.errors[0].message

    def _check_error(self, slug: str) -> None:
        (error,) = self.errors
        if slug in EXIT:
            assert (getattr(error, "error", ""), error.exit_code) == (slug, EXIT[slug])
        else:
            assert isinstance(error, UsageError)
            assert all(word in f"{error.message} {error.hint}" for word in ("disabled", "subprocess"))

    def _check_exit(self, code: int) -> None:
        assert self.errors[0].exit_code == code

    def _check_hint(self, text: str) -> None:
        assert text in (self.errors[0].hint or "")

    def _check_found(self, pair: str | None) -> None:
        sent = [one for one in self.world.ports.sent(self.port) if one is not None]
        assert sent == ([] if pair is None else [pair])

    def _check_warn(self, text: str) -> None:
        assert [text in warning for warning in self.world.warnings] == [True]

    def _check_auth_sent(self, pair: str | None) -> None:
        assert set(self.world.ports.sent("9102")) == {pair}

    _check_auth_sent_to_9102 = _check_auth_sent

    def _check_final_auth(self, pair: str) -> None:
        assert self.world.ports.sent(self.port)[-1] == pair

    def _check_password_sent(self, password: str) -> None:
        assert (self.world.ports.sent(self.port)[-1] or "").partition(":")[2] == password

    def _check_deep(self, pair: str) -> None:
        assert self.world.ports.sent(self.port)[-1] == pair

    def _check_keyring_calls(self, calls: Sequence[Sequence[str]]) -> None:
        assert self.world.calls == [[self.world.ports.here(word) for word in words] for words in calls]

    def _check_stdin(self, name: str) -> None:
        assert self.world.calls
        assert set(self.world.stdins) == {(name, "")}


def _realms(rules: Mapping[str, Any] | str) -> list[Realm]:
    if isinstance(rules, str):  # "/deep/ needs d:d"
        prefix, _, pair = rules.partition(" needs ")
        rules = {prefix: {"creds": [pair]}}
    return [
        Realm(prefix, [tuple(pair.split(":", 1)) for pair in rule["creds"]], deny=rule.get("deny", 401))
        for prefix, rule in rules.items()
        if "creds" in rule
    ]


REQUESTS = [case for case in cases("cache") if case.values[0]["id"] in ("CAC-001", "CAC-002", "CAC-008")]
REQUESTS += [*cases("http-auth", *NO_REQUEST), *cases("netrc"), *cases("keyring", *NO_REQUEST)]


@pytest.mark.parametrize("case", REQUESTS)
def test_case(case: Case, world: World) -> None:
    rehearsal = Rehearsal(case, world)
    rehearsal.run()
    rehearsal.check()


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
    assert index.root() == "https://h/"


@pytest.mark.parametrize("case", cases("redirect"))
def test_redirect(case: Case, world: World) -> None:
    given, expected, ports = case["input"], case["expected"], world.ports
    start = ports.here(given.get("from", "http://u:p@localhost:9101/s/"))
    location = given["to"] if "to" in given else given["location"]
    port = (given.get("from") or "localhost:9101").partition("localhost:")[2][:4]
    headers = {} if location is None else {"Location": ports.here(location)}
    ports[port].script = lambda request: (302, headers, b"")
    authority = world.home / "authority.pem"
    ports.authority.cert_pem.write_to_path(str(authority))
    world.options["cert"] = [str(authority)]
    index = Index.parse(start)
    outcome = world.get(world.client(index), index.bare)
    insecure = start.startswith("https:") and str(location).startswith("http:")
    others = [pair for name in ("9101", "9102") if name != port for pair in ports.sent(name)]
    assert ports.sent(port) == ["u:p"]
    if insecure or "error" in expected:
        assert isinstance(outcome, GitHelperError)
        assert others == []
        for text in expected.get("must_not_contain", ()):
            assert text not in f"{outcome} {outcome.hint}"
    else:
        assert outcome == 200
        assert others == [expected["auth_sent"]]
