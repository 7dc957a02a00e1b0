"""Which setting decides about roots, client certificate and verification of each server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from git_helper.core.credential import Origin
from git_helper.core.given import Given, Provenance
from git_helper.core.insecure_host import InsecureHost
from git_helper.core.trust import Named, Roots, Trust, TrustSettings
from git_helper.errors import UsageError
from tests.core import insecure_rows
from tests.core.cases import cases


@dataclass(frozen=True)
class Somewhere:
    """A server, as `Target` is one."""

    origin: Origin
    configured_url: str
    leads_to: str | None = None


def at(url: str) -> Somewhere:
    scheme, _, rest = url.partition("://")
    origin = Origin.parse(scheme.encode(), rest.partition("/")[0].rpartition("@")[2].encode())
    assert origin is not None
    return Somewhere(origin, url)


HERE = at("https://localhost:9443/s/")


@dataclass
class Everything:
    """Options, environment and git's configuration, which asks no URL but `for_url`."""

    options: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    git: Mapping[str, str] = field(default_factory=dict)

    def trust(self, server: Somewhere = HERE) -> Trust:
        settings = TrustSettings(self._given, self.environ, lambda variable, url: self.git.get(variable), "/home/alice")
        return settings.trust_for(server)

    def _given(self, name: str, url: str) -> Sequence[Given]:
        return [Given(value, Provenance("option", f"--{name}")) for value in self.options.get(name, ())]


# A redirect needs servers: tests/net/test_tls_cases.py.
INSECURE = [case for case in cases("insecure-host") if " -> " not in case.values[0]["input"]["url"]]


@pytest.mark.parametrize("case", INSECURE)
def test_insecure_host(case: Mapping[str, Any]) -> None:
    row, expected = case["input"], case["expected"]
    if "error" in expected:
        with pytest.raises(UsageError) as caught:
            insecure_rows.hosts(row)
        # A variable is named together with what is wrong with it; only a word is an error of its own.
        slug = expected["error"] if insecure_rows.environ(row) else getattr(caught.value, "error", None)
        assert slug == expected["error"]
        assert caught.value.message.startswith("cannot use ")
        return
    server = at(row["url"].removeprefix("git+"))
    trust = Everything({"allow-insecure-host": insecure_rows.hosts(row)}).trust(server)
    # Of http there is nothing to verify; what turns verification off for it is no exception, but nothing.
    assert trust.verify is (expected["verify"] or server.origin.scheme == b"http")
    assert (trust.because is None) is trust.verify
    assert expected.get("warn", "") in " ".join(trust.warnings)


Layer = tuple[dict[str, Any], dict[str, str], dict[str, str]]


def together(layers: Sequence[Layer]) -> Everything:
    options, environ, git = ({key: value for one in layers for key, value in one[part].items()} for part in range(3))
    return Everything(options, environ, git)


FIRST: dict[str, Layer] = {
    "--cert": ({"cert": ["/own.pem"]}, {}, {}),
    "GIT_SSL_CAINFO": ({}, {"GIT_SSL_CAINFO": "/git.pem"}, {}),
    "SSL_CERT_FILE": ({}, {"SSL_CERT_FILE": "/ssl.pem"}, {}),
    "http.sslCAInfo": ({}, {}, {"sslCAInfo": "/config.pem"}),
    "--native-tls": ({"native-tls": [True]}, {}, {}),
}


@pytest.mark.parametrize("number", range(len(FIRST)), ids=list(FIRST))
def test_the_first_that_names_roots_has_them_all(number: int) -> None:
    name, rest = list(FIRST)[number], list(FIRST.values())[number:]
    roots = together(rest).trust().roots
    assert roots.setting == name
    assert roots.kind == ("native" if name == "--native-tls" else "files")
    assert len(roots.named) == (name != "--native-tls")


def test_mozilla_where_nothing_is_said() -> None:
    assert Everything().trust() == Trust(True, Roots("bundled"), None)
    assert Everything().trust().roots.setting == "default"
    empty = {
        "SSL_CERT_FILE": "",
        "SSL_CERT_DIR": "",
        "GIT_SSL_CAINFO": "",
        "GIT_SSL_NO_VERIFY": "",
        "SSL_CLIENT_CERT": "",
    }
    assert Everything({"native-tls": [False]}, empty, {"sslCAInfo": "", "sslCert": ""}).trust() == Trust()


def test_files_and_folders_of_one_place_are_taken_together() -> None:
    both = {"SSL_CERT_FILE": "/a.pem", "SSL_CERT_DIR": "/b::/c:"}
    roots = Everything(environ=both).trust().roots
    assert [one.path for one in roots.files] == ["/a.pem"]
    assert [one.path for one in roots.folders] == ["/b", "/c"]
    assert roots.setting == "SSL_CERT_FILE and SSL_CERT_DIR"
    git = Everything(environ={"GIT_SSL_CAPATH": "/d:e", "GIT_SSL_CAINFO": "/f"}).trust().roots
    assert [one.path for one in git.named] == ["/f", "/d:e"], "git has one folder"
    config = Everything(git={"sslCAPath": "~/certs", "sslCAInfo": "~"}).trust().roots
    assert [one.path for one in config.named] == ["/home/alice", "/home/alice/certs"]


@pytest.mark.parametrize("folders", [":", "::"])
def test_a_list_without_a_folder_trusts_nobody(folders: str) -> None:
    assert Everything(environ={"SSL_CERT_DIR": folders}).trust().roots.kind == "files"


@pytest.mark.parametrize(
    ("git", "environ", "verify", "because"),
    [
        ({}, {}, True, None),
        ({"sslVerify": "false"}, {}, False, "http.sslVerify"),
        ({"sslVerify": "0"}, {}, False, "http.sslVerify"),
        ({"sslVerify": ""}, {}, False, "http.sslVerify"),
        ({"sslVerify": "true"}, {}, True, None),
        ({"sslVerify": "true"}, {"GIT_SSL_NO_VERIFY": "1"}, False, "GIT_SSL_NO_VERIFY"),
        ({}, {"GIT_SSL_NO_VERIFY": "Yes"}, False, "GIT_SSL_NO_VERIFY"),
        ({}, {"GIT_SSL_NO_VERIFY": "false"}, True, None),
        ({}, {"GIT_SSL_NO_VERIFY": "0"}, True, None),
        ({"sslVerify": "false"}, {"GIT_SSL_NO_VERIFY": "false"}, False, "http.sslVerify"),
    ],
)
def test_what_turns_verification_off(
    git: dict[str, str], environ: dict[str, str], verify: bool, because: str | None
) -> None:
    trust = Everything(git=git, environ=environ).trust()
    assert (trust.verify, trust.because) == (verify, because)
    assert trust.warnings == (() if verify else (f"the certificate of 'localhost:9443' is not verified ({because})",))


@pytest.mark.parametrize("variable", ["GIT_SSL_NO_VERIFY", "http.sslVerify"])
def test_neither_yes_nor_no(variable: str) -> None:
    unclear = Everything(git={"sslVerify": "maybe"}) if "." in variable else Everything(environ={variable: "maybe"})
    with pytest.raises(UsageError, match=rf"'{variable}': expected a .*not 'maybe'"):
        unclear.trust()


def test_the_wildcard_and_http_are_warned_of() -> None:
    hosts = [InsecureHost.parse(text) for text in ("*", "http://good.example", "other.example")]
    trust = Everything({"allow-insecure-host": hosts}).trust()
    assert trust.because == "--allow-insecure-host: *"
    assert len(trust.warnings) == 3
    assert "wildcard '*' of --allow-insecure-host" in trust.warnings[0]
    assert "'http://good.example' of --allow-insecure-host has no effect: http needs no exception" in trust.warnings[1]


CLIENT: dict[str, Layer] = {
    "--client-cert": ({"client-cert": ["/own.pem,/own.key"]}, {}, {}),
    "GIT_SSL_CERT": ({}, {"GIT_SSL_CERT": "/git.pem", "GIT_SSL_KEY": "/git.key"}, {}),
    "SSL_CLIENT_CERT": ({}, {"SSL_CLIENT_CERT": "/ssl.pem"}, {}),
    "http.sslCert": ({}, {}, {"sslCert": "/config.pem", "sslKey": "/config.key"}),
}


@pytest.mark.parametrize(
    ("number", "key"), [(0, "/own.key"), (1, "/git.key"), (2, None), (3, "/config.key")], ids=list(CLIENT)
)
def test_the_first_that_names_a_client_certificate(number: int, key: str | None) -> None:
    client = together(list(CLIENT.values())[number:]).trust().client
    assert client is not None
    assert client.certificate.setting == list(CLIENT)[number]
    assert (None if client.key is None else client.key.path) == key


def test_the_key_of_git_is_found_by_itself() -> None:
    found = (
        Everything(environ={"GIT_SSL_KEY": "/env.key"}, git={"sslCert": "/c.pem", "sslKey": "/c.key"}).trust().client
    )
    assert found is not None
    assert found.key == Named("/env.key", "GIT_SSL_KEY")
    assert Everything(environ={"GIT_SSL_KEY": "/env.key"}).trust().client is None


def test_equal_trust_is_one_trust_whatever_says_so() -> None:
    one = Everything({"cert": ["/a.pem"]}).trust()
    other = Everything(environ={"SSL_CERT_FILE": "/a.pem"}).trust()
    assert one == other
    assert hash(one) == hash(other)
    assert one != Everything(environ={"SSL_CERT_FILE": "/b.pem"}).trust()
    assert one != Everything({"cert": ["/a.pem"], "client-cert": ["/c.pem"]}).trust()


def test_without_verification_roots_make_no_difference() -> None:
    first = Everything(environ={"GIT_SSL_NO_VERIFY": "1", "SSL_CERT_FILE": "/a.pem"}).trust()
    assert first == Everything(environ={"GIT_SSL_NO_VERIFY": "1"}).trust(at("https://good.example/"))


def test_git_is_asked_for_the_url_with_its_user() -> None:
    asked = []

    def git_http(variable: str, url: str) -> str | None:
        asked.append(url)
        return None

    TrustSettings(git_http=git_http).trust_for(at("https://alice@good.example/team/"))
    assert set(asked) == {"https://alice@good.example/team/"}
