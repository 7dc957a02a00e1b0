"""tests/cases, as far as a case is about certificates: tls, insecure-host, the ssl rows of git-config, with real servers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from git_helper.errors import Unreachable, UsageError
from git_helper.net.session import Request
from git_helper.net.target import Target
from git_helper.system.git_config import GitConfig
from tests.core.cases import cases
from tests.net.asked import session
from tests.net.trusting import GitHttp, contexts, encrypted, server_context
from tests.servers.recording import RecordingServer

Case = Mapping[str, Any]
# TLS-015 is a value of an option, which is read elsewhere (tests/cli); the last two are in test_tls_hosts.py.
ELSEWHERE = ("TLS-015", "INS-024", "INS-025")
UNTRUSTED = {
    "unknown-issuer": "unknown authority",
    "hostname-mismatch": "is for another host",
    "bad-cert-file": "cannot read the certificates in",
    "bad-client-cert": "cannot use the client certificate",
}


class Lab:
    """What the cases call the lab: an authority, a server for all, one for members, and files by their names there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority = trustme.CA(organization_name="Lab Root CA", organization_unit_name="Lab Root CA")
        member = authority.issue_cert("client.example", common_name="client")
        key, certificate = member.private_key_pem.bytes(), member.cert_chain_pems[0].bytes()
        self.files = {
            "ca.pem": authority.cert_pem.bytes(),
            "other.pem": trustme.CA().cert_pem.bytes(),
            "client.pem": certificate + key,
            "client.crt": certificate,
            "client.key": key,
            "reversed.pem": key + certificate,
            "locked.pem": certificate + encrypted(key),
            "anyname/anyname.pem": authority.cert_pem.bytes(),
            "empty/": None,
        }
        for name, content in self.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            if content is None:
                (folder / name).mkdir()
            else:
                (folder / name).write_bytes(content)
        everyone = server_context(authority.issue_cert("localhost"))
        members = server_context(authority.issue_cert("localhost"))
        authority.configure_trust(members)
        members.verify_mode = ssl.CERT_REQUIRED
        self.everyone, self.members = RecordingServer(tls=everyone), RecordingServer(tls=members)

    def path(self, said: str) -> str:
        """Where what a case names is."""
        known = {
            "<dir>": "empty",
            "<empty dir>": "empty",
            "dir with anyname.pem (not c_rehash'ed)": "anyname",
            "<dir with ca>": "anyname",
            "client.pem (cert then key)": "client.pem",
            "key then cert": "reversed.pem",
            "encrypted key": "locked.pem",
        }
        name = known.get(said, said)
        return name if name.startswith("/") else str(self.folder / name)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    with made.everyone, made.members:
        yield made


@pytest.mark.parametrize("case", cases("tls", *ELSEWHERE))
def test_tls(case: Case, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    given, expected = case["input"], case["expected"]
    native = "--native-tls" in given.get("args", ()) or given.get("env", {}).get("UV_NATIVE_TLS") == "true"
    environ = {name: lab.path(value) for name, value in given.get("env", {}).items() if name != "UV_NATIVE_TLS"}
    wants_client = "client" in case.get("setup", {}).get("server", "")
    if wants_client or "host" in given:
        environ["SSL_CERT_FILE"] = lab.path("ca.pem")
    server = lab.members if wants_client else lab.everyone
    warnings: list[str] = []
    context_for = contexts(environ, native_tls=native, warnings=warnings)
    if given.get("url") == "public host with a public CA":
        made = context_for(Target.parse("https://good.example/"))
        assert [names["subject"][-1][0][1] for names in made.get_ca_certs()] == ["Lab Root CA"]
        return
    url = f"https://{given.get('host', 'localhost')}:{server.port}/"
    if expected.get("roots") == "system":
        made = context_for(Target.parse(url))
        assert type(made).__module__.startswith("truststore")
        return
    with session(context_for=context_for) as one:
        if expected["ok"]:
            assert one.send(Request("GET", url)).status == 200
            return
        with pytest.raises((Unreachable, UsageError)) as caught:
            one.send(Request("GET", url))
    assert lab.everyone.requests == lab.members.requests == []
    assert UNTRUSTED.get(expected.get("error", ""), "there is no certificate in") in caught.value.message
    for word in expected.get("hint", "").split(" / ") if "hint" in expected else ():
        assert word in (caught.value.hint or "")


# The words are read in tests/core/test_trust.py; these open a door, or leave it closed.
DOORS = [
    case
    for case in cases("insecure-host", *ELSEWHERE)
    if "verify" in case.values[0]["expected"] and isinstance(case.values[0]["input"]["allow_insecure_host"], list)
]


@pytest.mark.parametrize("case", DOORS)
def test_insecure_host(case: Case, lab: Lab) -> None:
    port = str(lab.everyone.port)
    hosts = [
        word.replace("9443", port) if isinstance(word, str) else word | {"port": lab.everyone.port}
        for word in case["input"]["allow_insecure_host"]
    ]
    warnings: list[str] = []
    with session(context_for=contexts(insecure=hosts, warnings=warnings)) as one:
        if case["expected"]["verify"]:
            with pytest.raises(Unreachable, match="unknown authority"):
                one.send(Request("GET", f"https://localhost:{port}/s/"))
        else:
            assert one.send(Request("GET", f"https://localhost:{port}/s/")).status == 200
    assert any("is not verified" in text for text in warnings) is not case["expected"]["verify"]
    assert case["expected"].get("warn", "") in " ".join(warnings)


def of_git(config: str, folder: Path) -> GitHttp:
    """`http.*` as git reads it."""
    (folder / "config").write_text(config)
    read = GitConfig.read(
        {"GIT_CONFIG_GLOBAL": str(folder / "config"), "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/bin:/bin"}
    )

    def git_http(variable: str, url: str) -> str | None:
        found = read.for_url("http", variable, url)
        return None if not found else "true" if found[-1].value is None else found[-1].value

    return git_http


GIT_CASES = [case for case in cases("git-config") if "ssl" in str(case.values[0]).lower()]


@pytest.mark.parametrize("case", GIT_CASES)
def test_git_config(case: Case, lab: Lab, tmp_path: Path) -> None:
    given, expected = case["input"], case["expected"]
    here = {"9243": str(lab.everyone.port), "9246": str(lab.members.port)}
    config, url = given["gitconfig"], given["url"]
    for port, real in here.items():
        config, url = config.replace(port, real), url.replace(port, real)
    for name in ("ca.pem", "client.crt", "client.key", "client.pem"):
        config = config.replace(f"= {name}", f"= {lab.path(name)}")
    environ = dict(case.get("setup", {}).get("env", {}))
    if "sslC" in config and "sslCAInfo" not in config:
        environ["SSL_CERT_FILE"] = lab.path("ca.pem")
    works = expected.get("ok", not expected.get("verify", False))
    with session(context_for=contexts(environ, of_git(config, tmp_path))) as one:
        if works:
            assert one.send(Request("GET", url)).status == 200
        else:
            with pytest.raises((Unreachable, UsageError)):
                one.send(Request("GET", url))


def test_every_case_was_found() -> None:
    assert len(GIT_CASES) >= 7
    assert len(cases("tls")) >= 15
