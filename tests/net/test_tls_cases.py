"""tests/cases, as far as a case is about certificates: tls and insecure-host, with real servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from truststore import SSLContext as System

from git_helper.core.insecure_host import InsecureHost
from git_helper.errors import GitHelperError, Unreachable, UsageError
from git_helper.net.session import Request
from git_helper.net.target import Target
from tests.core import insecure_rows
from tests.core.cases import cases
from tests.net.asked import session
from tests.net.lab import Lab, of_git
from tests.net.trusting import contexts
from tests.servers.recording import RecordingServer

Case = Mapping[str, Any]
SAID = {
    "unknown-issuer": "unknown authority|self-signed",
    "self-signed": "self-signed",
    "hostname-mismatch": "is for another host",
    "expired": "expired",
    "certificate-expired": "expired",
    "not-yet-valid": "not valid (yet|before)",
    "bad-cert-file": "cannot read the certificates in|there is no certificate in",
    "bad-client-cert": "cannot use the client certificate",
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def lab(tmp_path: Path, stack: ExitStack) -> Lab:
    return Lab(tmp_path, stack)


def expect_message(expected: Mapping[str, Any], error: GitHelperError) -> None:
    slug = str(expected.get("error", "bad-cert-file" if "trusts_defaults" in expected else ""))
    pattern = re.escape(slug) if " " in slug else SAID.get(slug, "")
    assert re.search(pattern, error.message), error.message
    assert error.exit_code == expected.get("exit", 2 if isinstance(error, UsageError) else 5)
    for word in str(expected.get("hint", "")).split(" / "):
        assert word in (error.hint or "")


@pytest.mark.parametrize("case", cases("tls"))
def test_tls(case: Case, lab: Lab, tmp_path: Path) -> None:
    given, expected = dict(case["input"]), case["expected"]
    warnings: list[str] = []
    said = str(case.get("setup", {}).get("server", ""))
    server = lab.server(f"{said} {given.get('cert', '')}", str(given.get("cert_san", "")))
    # Where the authority is not what a case is about, it is known.
    variables = {"SSL_CERT_FILE": "ca.pem"} if "client" in said or "cert_san" in given or "cert" in given else {}
    given["env"] = {**variables, **given.get("env", {})}
    is_public = "public" in str(given.get("url", ""))
    url = "https://good.example/" if is_public else f"https://{given.get('host', 'localhost')}:{server.port}/"
    git = (
        of_git(given["gitconfig"].replace("= ca.pem", f"= {lab.path('ca.pem')}"), tmp_path)
        if "gitconfig" in given
        else None
    )
    try:
        context_for, trust = lab.contexts(given, warnings, git)
        roots = trust.trust_for(Target.parse(url)).roots
    except UsageError as error:
        assert not expected.get("ok", False)
        expect_message(expected, error)
        return
    if "roots" in expected:
        name = {"system": "native", "mozilla": "bundled"}.get(expected["roots"], expected["roots"])
        assert name in (roots.kind, *roots.setting.split(" and "))
        assert isinstance(context_for(Target.parse(url)), System) is (roots.kind == "native")
    if "ok" not in expected and "error" not in expected:
        return
    if is_public:
        # Not to be asked here: whom would it be trusted by?
        names = str(context_for(Target.parse(url)).get_ca_certs())
        assert ("Lab Root CA" in names) is not expected["ok"]
        assert ("Mozilla" in names or "DigiCert" in names) is expected["ok"]
        return
    with session(context_for=context_for) as one:
        if expected.get("ok", False):
            assert one.send(Request("GET", url)).status == 200
            return
        with pytest.raises((Unreachable, UsageError)) as caught:
            one.send(Request("GET", url))
    assert server.requests == []
    expect_message(expected, caught.value)


HERE = re.compile(r"(localhost|127\.0\.0\.1|\[::1\]):(\d{4,5})", re.IGNORECASE)


class Places:
    """A server for each port that a case names; `here` puts the real ports into what it says."""

    def __init__(self, lab: Lab, row: Mapping[str, Any]) -> None:
        self._lab = lab
        self._host = "::1" if "[::1]" in row["url"] else "127.0.0.1"
        self.servers: dict[str, RecordingServer] = {}
        self.first, self.then = (self.url(url) for url in f"{row['url']} -> 302 ".split(" -> 302 ")[:2])

    def url(self, text: str) -> str:
        """A URL of a case; what it says of it in brackets is for readers."""
        text = text.split(" (")[0].strip().removeprefix("git+")
        return HERE.sub(lambda found: f"{found[1]}:{self._server(found[2]).port}", text)

    def _server(self, port: str) -> RecordingServer:
        if port not in self.servers:
            self.servers[port] = self._lab.server("", host=self._host)
        return self.servers[port]

    def word(self, written: str | Mapping[str, object]) -> str | Mapping[str, object]:
        """A host of a case."""
        real = {port: server.port for port, server in self.servers.items()}
        if not isinstance(written, str):
            return (
                {**written, "port": real.get(str(written["port"]), written["port"])} if "port" in written else written
            )
        return re.sub(r"(?<=:)\d{4,5}\b", lambda found: str(real.get(found[0], found[0])), written)


# Words that cannot be used are read in tests/core/test_trust.py; these open a door, or leave it closed.
DOORS = [case for case in cases("insecure-host") if "error" not in case.values[0]["expected"]]


@pytest.mark.parametrize("case", DOORS)
def test_insecure_host(case: Case, lab: Lab) -> None:
    row, expected = case["input"], case["expected"]
    places, warnings = Places(lab, row), list[str]()
    assert places.servers or HERE.search(row["url"]) is None
    if not places.servers or not places.first.startswith("https:"):
        return  # nothing that could be served here: tests/core/test_trust.py
    words = [places.word(one) for one in insecure_rows.written(row)]
    others = {**row, "allow_insecure_host": [], "args": []}
    variables = {name: str(places.word(text)) for name, text in insecure_rows.environ(row).items()}
    hosts = [InsecureHost.parse(word) for word in words] + insecure_rows.hosts({**others, "env": variables})
    # `(verified)` of a case: by an authority that is known.
    known: dict[str, Any] = {"cert": lab.path("ca.pem")} if expected.get("first") == "verified" else {}
    with session(context_for=contexts(insecure=[str(one) for one in hosts], warnings=warnings, **known)) as one:
        if "first" in expected:
            expect_hops(places, expected, known, one.send, warnings)
        elif expected["verify"]:
            with pytest.raises(Unreachable, match="unknown authority"):
                one.send(Request("GET", places.first))
        else:
            assert one.send(Request("GET", places.first)).status == 200
    if "verify" in expected:
        assert any("is not verified" in text for text in warnings) is not expected["verify"]
    assert str(expected.get("warn", "")) in " ".join(warnings)


def expect_hops(places: Places, expected: Case, known: Mapping[str, str], send: Any, warnings: list[str]) -> None:
    start, end = list(places.servers.values())[:2]
    start.script = lambda request: (302, {"Location": places.then}, b"")
    fails = "fails" in expected["target"]
    if fails:
        with pytest.raises(Unreachable, match="cannot trust"):
            send(Request("GET", places.first))
    else:
        assert send(Request("GET", places.first)).status == 200
    assert (len(start.requests), len(end.requests)) == (1, 0 if fails else 1)
    for url, said in ((places.first, expected["first"]), (places.then, expected["target"])):
        shown = url.split("//")[1].split("/")[0]
        assert any(f"'{shown}' is not verified" in text for text in warnings) is said.startswith("unverified")


def test_every_case_was_found() -> None:
    assert len(cases("tls")) >= 15
    assert len(DOORS) >= 13
