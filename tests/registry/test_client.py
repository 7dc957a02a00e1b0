"""A command's registries: its sources in their order, what it says, and what it keeps of what a person typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from keyring.core import load_keyring

from git_helper.core.indexes import Index
from git_helper.errors import GitHelperError, NoCredential, Refused
from tests.commands import CANARY, everything_below, leaks
from tests.core.cases import cases
from tests.net.asked import guarded
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.registry.world import PipKeyring, World
from tests.servers.rules import Realm
from tests.support import ROOT

SECRET = "s3cret"


@pytest.fixture
def url(world: World) -> str:
    """An index that only u may read."""
    world.ports["9101"].script = guarded(Realm("/s/", [("u", SECRET)]))
    return world.ports.here("http://localhost:9101/s/")


def variable(host: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in host.upper())


# Sources


def test_the_order_of_sources(world: World, url: str) -> None:
    """Each is put before those that are there already, and is the only one whose answer is sent."""
    host = url.split("/")[2]
    world.options["keyring-provider"] = ["subprocess"]

    def ci_token() -> None:
        world.setenv("GITLAB_TOKEN", "ci token")
        world.setenv("GITLAB_HOST", f"http://{host}")

    steps: list[tuple[str, Callable[[], object]]] = [
        ("ci token", ci_token),
        ("keyring provider", lambda: world.keep_in_keyring({f"{host}|u": "keyring provider"})),
        ("file", lambda: world.store(f"http://{host}/", "u", "file")),
        ("netrc", lambda: world.write_netrc('machine localhost login u password "netrc"')),
        ("variable", lambda: world.setenv(f"GIT_HELPER_TOKEN_{variable(host)}", "variable")),
    ]
    for name, put in steps:
        put()
        outcome = world.get(world.client(Index.parse(url)), url)
        assert isinstance(outcome, Refused)
        assert outcome.message.endswith(f"from: {name}")
    sent = [pair.partition(":")[2] for pair in world.ports.sent("9101") if pair is not None]
    assert sent == [name for name, _ in steps]


def test_nobody_has_one(world: World, url: str) -> None:
    world.options["keyring-provider"] = ["subprocess"]
    world.keep_in_keyring({})
    secret = url.replace("http://", f"http://u:{CANARY[:4]}@").replace("/s/", "/s/?token=" + CANARY[:4])
    world.ports["9101"].script = guarded(Realm("/", [("u", SECRET)]))
    outcome = world.get(world.client(Index.parse(url + "?token=hidden")), url)
    assert isinstance(outcome, NoCredential)
    assert outcome.message == (
        f"no credential for '{url}?token=****' (the server answered 401); "
        "asked: variable, netrc, file, keyring provider, ci token"
    )
    assert outcome.hint == f"store one: git-helper login {url.removesuffix('/s/')}"
    refused = world.get(world.client(), secret)
    assert isinstance(refused, Refused)
    assert CANARY[:4] not in f"{refused} {refused.hint}"


def test_git_helpers_and_askpass_programs_are_for_git(world: World, url: str) -> None:
    del world.options["no-input"]
    called = world.home / "called"
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        world.setenv(name, f"touch {called}")
    (world.home / ".gitconfig").write_text(f'[credential]\n\thelper = "!touch {called};"\n')
    assert isinstance(world.get(world.client(Index.parse(url)), url), NoCredential)
    assert not called.exists()


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        ({"/": "top", "/s/": "index", "/s/simple/": "deep", "/t/": "other"}, "index"),
        ({"/s/": "index", "/": "top"}, "index"),
        ({"/": "top", "/t/": "other"}, "top"),
        ({"/si/": "other", "/t/": "other"}, None),
    ],
)
def test_the_store_by_the_longest_path(world: World, url: str, stored: Mapping[str, str], sent: str | None) -> None:
    for path, password in stored.items():
        world.store(url.removesuffix("/s/") + path, "u", password)
    world.get(world.client(Index.parse(url)), url + "pkg/")
    assert world.ports.sent("9101") == [None] + ([] if sent is None else [f"u:{sent}"])


def test_a_user_in_the_url_chooses_among_several(world: World, url: str) -> None:
    for user, password in (("u", SECRET), ("v", "pv")):
        world.store(url, user, password)
    named = url.replace("://", "://u@")
    assert world.get(world.client(Index.parse(named)), url) == 200
    assert world.ports.sent("9101") == [f"u:{SECRET}"]


def test_several_accounts_with_a_404_are_named_as_asked(world: World, url: str) -> None:
    world.ports["9101"].script = lambda request: (404, {}, b"")
    for user in ("u", "v"):
        world.store(url, user, "x")
    with world.client(Index.parse(url)).get(url) as response:
        assert (response.status, response.asked) == (404, ("variable", "netrc", "file"))


def test_over_plain_http_only_what_was_meant_for_it(world: World, url: str) -> None:
    """A proxy stands in for a host that is not on loopback."""
    proxy = world.ports["9101"]
    proxy.script = lambda request: (200, {}, b"") if request.authorization else (401, {}, b"")
    world.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    plain = "http://plain.example/s/"
    world.options["keyring-provider"] = ["subprocess"]
    world.keep_in_keyring({"plain.example|u": "keyring"})
    world.write_netrc("machine plain.example login u password netrc")
    world.setenv("GIT_HELPER_TOKEN_PLAIN_EXAMPLE", "variable")
    world.store("https://plain.example/", "u", "for https")
    assert isinstance(world.get(world.client(Index.parse(plain)), plain), NoCredential)
    assert (world.calls, proxy.authorizations) == ([], [])
    world.store("http://plain.example/", "u", "for http")
    assert world.get(world.client(Index.parse(plain)), plain) == 200
    world.options["allow-http"] = ["plain.example"]
    assert world.get(world.client(Index.parse(plain)), plain) == 200
    carried = plain.replace("://", "://x:y@")
    assert world.get(world.client(Index.parse(carried)), plain) == 200
    sent = [pair.partition(":")[2] for pair, _ in proxy.exchanges if pair is not None]
    assert sent == ["for http", "variable", "y"]


def test_a_missing_keyring_program_is_said_once_and_skipped(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(world.home))
    world.options["keyring-provider"] = ["subprocess"]
    client = world.client(Index.parse(url))
    for path in ("a/", "b/"):
        assert isinstance(world.get(client, url + path), NoCredential)
    (warning,) = [one for one in world.warnings if one.startswith("keyring provider")]
    assert "pip install keyring" in warning


@pytest.mark.usefixtures("chosen")
def test_nobody_knocks_at_a_keyring_unasked(world: World, url: str) -> None:
    world.keep_in_keyring({f"{url}|u": SECRET})
    keyring.set_keyring(load_keyring("tests.registry.world.PipKeyring"))
    assert isinstance(world.get(world.client(Index.parse(url)), url), NoCredential)
    assert world.calls == []
    world.options["keyring-provider"] = ["import"]
    assert world.get(world.client(Index.parse(url)), url) == 200
    assert world.calls == []


def test_many_threads_call_the_keyring_once(world: World, url: str) -> None:
    world.options["keyring-provider"] = ["subprocess"]
    world.keep_in_keyring({f"{url}|u": SECRET})
    client = world.client(Index.parse(url.replace("://", "://u@")))
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda number: world.get(client, f"{url}{number}/"), range(16)))
    assert outcomes == [200] * 16
    assert world.calls == [["get", url, "u"]]
    assert world.ports.sent("9101") == [f"u:{SECRET}"] * 16


def test_the_secret_is_in_no_argument_and_no_file(world: World, url: str) -> None:
    world.options["keyring-provider"] = ["subprocess"]
    world.keep_in_keyring({})
    world.setenv("GIT_HELPER_INDEX_LAB_PASSWORD", CANARY)
    index = Index.parse(
        url, "lab", environ={"GIT_HELPER_INDEX_LAB_PASSWORD": CANARY, "GIT_HELPER_INDEX_LAB_USERNAME": "u"}
    )
    other = Index.parse(url.replace("/s/", "/t/"))
    world.ports["9101"].script = guarded(Realm("/", [("nobody", "x")]))
    outcomes = [world.get(world.client(index, other), where) for where in (url, other.bare)]
    assert all(isinstance(outcome, GitHelperError) for outcome in outcomes)
    said = "\n".join([*map(str, outcomes), *world.warnings, json.dumps(world.calls), json.dumps(world.environments)])
    assert leaks(said.encode() + everything_below(world.home), CANARY) == []


def test_what_a_source_gave_is_not_copied(world: World, url: str) -> None:
    world.write_netrc(f"machine localhost login u password {SECRET}")
    assert world.get(world.client(Index.parse(url)), url) == 200
    assert world.house().store("file").accounts() == []


# The person


@pytest.mark.parametrize("case", [case for case in cases("keyring") if case.values[0]["id"] == "KEY-019"])
def test_what_a_person_typed_is_kept_where_pip_finds_it(
    case: Mapping[str, Mapping[str, str]], world: World, url: str
) -> None:
    expected = case["expected"]
    user, _, password = case["input"]["prompted"].partition(":")
    world.ports["9101"].script = guarded(Realm("/s/", [(user, password)]))
    world.keep_in_keyring({})
    env = {"GIT_HELPER_KEYRING_PROVIDER": case["input"]["provider"], "PYTHONPATH": str(ROOT)}
    assert world.get(world.client(Index.parse(url.replace("/s/", "/t/"))), url.replace("/s/", "/t/")) == 200
    with asking(world, url, env) as terminal:
        terminal.expect("remembered once it was accepted")
        assert expected["save_offered"]
        terminal.expect(": ")
        terminal.send(user.encode() + ENTER)
        terminal.expect("Token for ")
        terminal.send(b"typo" + ENTER)
        terminal.expect("User name for ")
        assert json.loads(PipKeyring.path().read_text()) == {}, "saved only after status < 400"
        terminal.send(user.encode() + ENTER)
        terminal.expect("Once more")
        terminal.expect("Token for ")
        terminal.send(password.encode() + ENTER)
        assert terminal.wait() == 0
    service = world.ports.here(expected["service"])
    assert json.loads(PipKeyring.path().read_text()) == {PipKeyring.key(service, user): password}
    assert world.house().store("file").accounts() == []
    world.options["keyring-provider"] = ["subprocess"]
    assert world.get(world.client(Index.parse(url)), url) == 200
    assert ["get", service, "--mode", "creds"] in world.calls


def test_what_a_person_typed_replaces_what_was_refused(world: World, url: str) -> None:
    world.store(url, "old", "expired")
    with asking(world, url, {}) as terminal:
        terminal.expect("User name for ")
        terminal.send(b"u" + ENTER)
        terminal.expect("Token for ")
        terminal.send(SECRET.encode() + ENTER)
        assert terminal.wait() == 0
    accounts = world.house().store("file").accounts()
    assert [(one.path, one.username) for one in accounts] == [(b"s", b"u")]
    assert world.ports.sent("9101") == [None, "old:expired", f"u:{SECRET}"]
    assert world.get(world.client(Index.parse(url)), url) == 200


def test_a_second_user_of_the_host_is_kept_for_the_index_alone(world: World, url: str) -> None:
    """Else the next search would find two of them."""
    world.ports["9101"].script = guarded(Realm("/s/", [("u", SECRET)]), Realm("/t/", [("v", SECRET)]))
    world.store(url.removesuffix("s/"), "v", SECRET)
    with asking(world, url, {}) as terminal:
        for question, answer in (("User name for ", b"u"), ("Token for ", SECRET.encode())):
            terminal.expect(question)
            terminal.send(answer + ENTER)
        assert terminal.wait() == 0
    accounts = world.house().store("file").accounts()
    assert {(one.path, one.username) for one in accounts} == {(b"s", b"u"), (None, b"v")}
    indexes = [Index.parse(url), Index.parse(url.replace("/s/", "/t/"))]
    client = world.client(*indexes)
    assert [world.get(client, index.bare) for index in indexes] == [200, 200]


def asking(world: World, url: str, env: Mapping[str, str]) -> PseudoTerminal:
    words: list[str | Path] = [sys.executable, Path(__file__).with_name("person.py"), url]
    return PseudoTerminal(words, env={"PYTHONPATH": str(ROOT), **env}, stdout=world.home / "stdout", columns=100)
