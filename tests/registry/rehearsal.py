"""A row of tests/cases about registries, set up and played: what it says of servers and sources becomes real ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keyring
from keyring.core import load_keyring

from git_helper.core.indexes import Index
from git_helper.errors import GitHelperError, UsageError
from git_helper.registry.asking import accepted
from git_helper.registry.client import Client
from git_helper.system.environment import environment
from git_helper.tasks.resolve import slug
from tests.registry.world import World
from tests.servers.http_message import Request, Response
from tests.servers.rules import Realm

Case = Mapping[str, Any]
EXIT = {"missing-credentials": 3, "ambiguous-credentials": 3, "credentials-with-never": 2}
URLS = ("extra_index_url", "index_url", "find_links")
DIRECT = ("requirement", "link", "links", "file", "files")
_PORT = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)")
_RULE = re.compile(r"^(?:https?://)?(?:localhost:)?(\d{4})?(/.*)?$")
_NEEDS = re.compile(r"(\S+) needs (\S+?)(?:[,;] |$)")


class Rehearsal:
    """One row: what it sets up, its requests, and what came of them. `port`: of the server it is about."""

    def __init__(self, case: Case, world: World, port: str | None = None) -> None:
        self.given, self.setup, self.expected = case["input"], case.get("setup", {}), case["expected"]
        self.world = world
        self.outcomes: list[int | GitHelperError] = []
        self.last: list[str | None] = []
        self.by_index: dict[str, list[str | None]] = {}
        ports = [port for text in _texts(self.given) for port in _PORT.findall(text)]
        self.port = port or ("9101" if "9101" in ports or not ports else ports[0])
        self._servers()
        self._sources()
        self._options()

    # ------------------------------------------------------------------ what it sets up

    def _servers(self) -> None:
        ports = self.world.ports
        for text in _texts(self.given):
            ports.here(text)
        for port, rules in _by_port(self.setup.get("server", {}), self.port).items():
            ports[port].script = answering(rules, ports.here)
        if any(text.startswith("https://") for text in _texts(self.given)):
            authority = self.world.home / "authority.pem"
            ports.authority.cert_pem.write_to_path(str(authority))
            self.world.options["cert"] = [str(authority)]

    def _sources(self) -> None:
        world = self.world
        netrc = self.given.get("netrc", self.setup.get("netrc"))
        if netrc is not None:
            name = str(self.given.get("path", self.setup.get("path", "~/.netrc")))
            mode = int(str(self.given.get("mode", self.setup.get("mode", "0600"))), 8)
            world.write_netrc(world.ports.here(netrc), mode, name.removeprefix("~").lstrip("/"))
        store = self.given.get("store", self.setup.get("store", {}))
        for url, value in store.items():
            place, blank, user = world.ports.here(url).partition(" ")
            world.store(place, *((user, value) if blank else value.split(":", 1)))
        for name, value in {**self.setup.get("env", {}), **self.given.get("env", {})}.items():
            if name == "NETRC" and self.given.get("path", "").startswith("/"):
                value = str(world.home) + value
            world.setenv(f"GIT_HELPER_{name}" if name.startswith("INDEX_") else name, world.ports.here(value))

    def _options(self) -> None:
        world, options = self.world, self.world.options
        words = [part for word in self.given.get("args", ()) for part in str(word).split("=", 1)]
        while words:
            name = words.pop(0).removeprefix("--")
            options[name] = [words.pop(0) if words and not words[0].startswith("--") else "1"]
        kept = self.setup.get("keyring", self.given.get("keyring"))
        # Rows with a keyring that do not say how it is asked mean the program.
        if kept is not None and not {"args", "env"} & set(self.given):
            options["keyring-provider"] = [self.given.get("provider", "subprocess")]
        if isinstance(kept, dict):
            world.keep_in_keyring({world.ports.here(name): value for name, value in kept.items()})
        elif kept in ("missing", "not installed", "absent"):
            world.setenv("PATH", str(world.home))
        elif kept is not None:
            world.keep_in_keyring({}, "keyring.backends.fail.Keyring")
        if self.given.get("keyring_hangs"):
            world.keep_in_keyring({}, "tests.contracts.memory_keyring.HangingKeyring")
            options["timeout"] = ["1"]
        if options.get("keyring-provider") == ["import"]:
            keyring.set_keyring(load_keyring("tests.registry.world.PipKeyring"))

    # ------------------------------------------------------------------ what it does

    def indexes(self) -> list[Index]:
        found = []
        for name in URLS:
            urls = self.given.get(name, ())
            for url in [urls] if isinstance(urls, str) else urls:
                kind: Any = "find-links" if name == "find_links" else "index"
                found.append(self._index(url, kind=kind))
        if "index" in self.given:
            index = self.given["index"]
            more = {"authenticate": index.get("authenticate", "auto")}
            found.append(self._index(index["url"], index.get("name"), **more))
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
        direct = [self.given[name] for name in DIRECT if name in self.given]
        urls = [one for found in direct for one in ([found] if isinstance(found, str) else found)]
        if "requirement" not in self.given:
            for index in indexes:
                self._get(client, index.bare)
                self.by_index[index.name or index.kind] = self.last
        for url in urls:
            self._get(client, self.world.ports.here(url.rpartition(" ")[2]))

    def _get(self, client: Client, url: str) -> None:
        port = next(name for name in self.world.ports.names() if f":{self.world.ports[name].port}/" in url)
        before = len(self.world.ports.sent(port))
        try:
            with client.get(url) as response:
                self.outcomes.append(accepted(response, url.rpartition("@")[2]).status)
                response.read()
        except GitHelperError as error:
            self.outcomes.append(error)
        self.last = self.world.ports.sent(port)[before:]

    @property
    def errors(self) -> list[GitHelperError]:
        return [one for one in self.outcomes if isinstance(one, GitHelperError)]

    # ------------------------------------------------------------------ what it expects

    def check(self, *without: str) -> list[str]:
        """All that is expected but for the keys in `without`; the keys that were looked at."""
        ports = self.world.ports
        checked = []
        for name, value in self.expected.items():
            if name in without:
                continue
            checked.append(name)
            check = getattr(self, f"_check_{name}", None)
            where = re.fullmatch(r"(sequence|auth_sent|final_auth)(?:_to|_at)?_(\d+)", name)
            if check is not None:
                check(value)
            elif where is not None and where[1] == "sequence":
                assert [list(one) for one in ports[where[2]].exchanges] == value
            elif where is not None:
                assert set(ports.sent(where[2])) <= {value}
                assert value is None or ports.sent(where[2])
            elif name in self.by_index:
                assert self.by_index[name][-1] == value
            else:
                checked.remove(name)
        return checked

    def _check_ok(self, is_ok: bool) -> None:
        assert all(outcome == 200 for outcome in self.outcomes) is is_ok, self.outcomes

    def _check_sequence(self, exchanges: Sequence[Sequence[Any]]) -> None:
        assert [list(one) for one in self.world.ports[self.port].exchanges] == exchanges

    def _check_status_shown(self, status: int) -> None:
        assert str(status) in self.errors[0].message

    def _check_error(self, text: str) -> None:
        (error,) = self.errors
        if text in EXIT:
            assert (slug(error), error.exit_code) == (text, EXIT[text])
        elif text.startswith("invalid value"):
            assert isinstance(error, UsageError)
            assert all(word in f"{error.message} {error.hint}" for word in ("disabled", "subprocess"))

    def _check_exit(self, code: int) -> None:
        assert self.errors[0].exit_code == code

    def _check_hint(self, text: str) -> None:
        assert text in (self.errors[0].hint or "")

    def _check_must_not_contain(self, texts: Iterable[str]) -> None:
        said = [*self.world.warnings, *(f"{error} {error.hint}" for error in self.errors)]
        assert not [text for text in texts if text in " ".join(said)]

    def _check_found(self, pair: str | None) -> None:
        sent = [one for one in self.world.ports.sent(self.port) if one is not None]
        assert sent == ([] if pair is None else [pair])

    def _check_warn(self, text: str) -> None:
        assert [text in warning for warning in self.world.warnings] == [True]

    def _check_auth_sent(self, pair: str | None) -> None:
        assert set(self.last) == {pair} or (pair is None and not self.last)

    def _check_final_auth(self, pair: str | None) -> None:
        assert self.world.ports.sent(self.port)[-1] == pair

    def _check_password_sent(self, password: str) -> None:
        assert (self.world.ports.sent(self.port)[-1] or "").partition(":")[2] == password

    def _check_user(self, user: str) -> None:
        sent = (self.world.ports.sent(self.port)[-1] or "").partition(":")[0]
        assert sent == user or (user == "any non-empty" and sent)

    def _check_requests(self, count: int) -> None:
        assert len(self.world.ports.sent(self.port)) == count

    def _check_keyring_calls(self, calls: Sequence[Sequence[str]] | int) -> None:
        if isinstance(calls, int):
            assert len(self.world.calls) == calls
            return
        assert self.world.calls == [[self.world.ports.here(word) for word in words] for words in calls]

    def _check_stdin(self, name: str) -> None:
        assert self.world.calls
        assert set(self.world.stdins) == {(name, "")}


# ---------------------------------------------------------------------- servers


def _texts(value: Any) -> Iterator[str]:
    """Every text in a row's input."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)


def _by_port(rules: Mapping[str, Any] | str, port: str) -> dict[str, dict[str, Any]]:
    """Rules by port and path: `{"/s/": …}`, `{"9102/t/": …}`, `{"9102": {"/t/": …}}`, "/deep/ needs d:d"."""
    if isinstance(rules, str):
        rules = {where: {"creds": [pair]} for where, pair in _NEEDS.findall(rules)}
    found: dict[str, dict[str, Any]] = {port: {}}
    for where, rule in rules.items():
        match = _RULE.match(where)
        assert match is not None, f"unknown place of a server: {where}"
        paths = found.setdefault(match[1] or port, {})
        nested = match[2] is None and any(name.startswith("/") for name in rule)
        paths.update(rule if nested else {match[2] or "/": rule})
    return found


def answering(rules: Mapping[str, Mapping[str, Any]], here: Any = str) -> Any:
    """A script: the rule of the longest prefix decides who is let in (`creds`, `deny`), and then what comes: `status`,
    `redirect`. Without a rule, everybody gets 200."""

    def answer(request: Request) -> Response:
        prefix = max((one for one in rules if request.path.startswith(one)), key=len, default=None)
        rule = rules[prefix] if prefix is not None else {}
        if "creds" in rule:
            pairs = [tuple(pair.split(":", 1)) for pair in rule["creds"]]
            realm = Realm(prefix or "/", pairs, deny=rule.get("deny", 401), wrong=rule.get("wrong"))
            if realm.admit(request) is None:
                return realm.refuse(request)
        location = rule.get("redirect", rule.get("location"))
        if location is not None:
            return Response(rule.get("status", 302), {"Location": here(location)})
        return Response(rule.get("status", 200), body=b"in")

    return answer
