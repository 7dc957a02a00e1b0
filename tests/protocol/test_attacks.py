"""The protocol's history of attacks (design page 3-protocol, section 10), each with the line that shows it.

Before each, `good.example` has a stored credential; afterwards it still has, and nobody else has seen it.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.chain import Chain
from git_helper.core.command_settings import CommandSettings
from git_helper.core.credential import Account, Credential, Description
from git_helper.core.given import of_options
from git_helper.errors import GitHelperError
from git_helper.secret import Secret
from git_helper.tasks import answer
from git_helper.wiring.commands import CommandHouse
from tests.contracts.openers import credential_file as file_store
from tests.protocol.git import OURS
from tests.servers.git_http import GitHttpServer, Realm, Redirect
from tests.servers.repositories import make_repository
from tests.support import BIN, run_helper

GOOD = b"protocol=https\nhost=good.example\n"
EVIL = b"protocol=https\nhost=evil.example"
CANARY = b"canary-secret"
LONG = b"x" * 65536


@pytest.fixture(autouse=True)
def stored(home: Path) -> Iterator[None]:
    """The credential that everybody is after; it outlives each test."""
    store = file_store()
    store.store(Account(b"https", b"good.example", None, Credential(b"alice", Secret(CANARY))))
    yield
    (found,) = store.find(Description(b"https", b"good.example"))
    assert (found.username, found.password) == (b"alice", Secret(CANARY))


def test_the_credential_can_be_had() -> None:
    assert helper("get", GOOD).stdout == b"username=alice\npassword=" + CANARY + b"\n"


def helper(operation: str, stdin: bytes, **environ: str) -> subprocess.CompletedProcess[bytes]:
    return run_helper("--store", "file", operation, stdin=stdin, env=environ)


# Requests that must get nothing, and as `erase` must forget nothing.
REQUESTS = [
    ("CVE-2020-5260 a second host", EVIL + b"\nhost=good.example\n"),
    ("CVE-2020-5260 a second host first", GOOD + b"host=evil.example\n"),
    ("CVE-2020-5260 a second protocol", b"protocol=http\n" + GOOD),
    ("CVE-2020-11008 no protocol", b"host=good.example\n"),
    ("CVE-2020-11008 no host", b"protocol=https\n"),
    ("CVE-2020-11008 empty host", b"protocol=https\nhost=\n"),
    ("CVE-2020-11008 empty protocol", b"protocol=\nhost=good.example\n"),
    ("CVE-2020-11008 nothing", b"\n"),
    ("CVE-2020-11008 cert without path", b"protocol=cert\nhost=\n"),
    ("CVE-2024-50349 controls in a user name", b"protocol=https\nhost=x\nusername=a\x1b[2K\rUsername for good\n"),
    ("CVE-2024-52006 a lone CR", EVIL + b"\rhost=good.example\n"),
    ("CVE-2024-50338 a lone CR before the good host", b"protocol=https\nhost=x\rhost=good.example\n"),
    ("gix-credentials 0.38.2 CR in the user name", GOOD + b"username=alice\rx\n"),
    ("gix-credentials 0.38.2 CR behind CR", GOOD[:-1] + b"\r\r\n"),
    *(
        (f"CVE-2025-23040 {char!a}", EVIL + char.encode() + b"host=good.example\n")
        for char in ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\0")
    ),
    ("CVE-2025-23040 NUL behind the host", GOOD[:-1] + b"\0.evil.example\n"),
    ("CVE-2024-53263 encoded CRLF in a URL", b"url=https://evil.example%0d%0ahost=good.example\n"),
    ("CVE-2024-53263 encoded LF in a URL", b"url=https://evil.example/%0ahost=good.example\n"),
    ("CVE-2024-53263 encoded LF in a URL's user", b"url=https://a%0ahost=good.example@evil.example\n"),
    ("CVE-2024-53263 a host behind a URL", b"url=https://evil.example\nhost=good.example\n"),
    ("CVE-2024-53263 encoded NUL in a URL", b"url=https://good.example%00.evil.example\n"),
    ("CVE-2026-48501 another host of the vendor", b"protocol=https\nhost=tuf-repo.good.example\n"),
    ("71201ab0e5 a host in a long header", EVIL + b"\nwwwauth[]=" + LONG + b"host=good.example\n"),
    ("vscode#320634 host as a label", b"protocol=https\nhost=good.example.attacker.example\n"),
    ("vscode#320634 host as an ending", b"protocol=https\nhost=evilgood.example\n"),
    ("vscode#320634 host as user", b"protocol=https\nhost=good.example@evil.example\n"),
    ("vscode#320634 host as password", b"protocol=https\nhost=evil.example:@good.example\n"),
    ("vscode#320634 trailing dot", b"protocol=https\nhost=good.example.\n"),
    ("vscode#320634 host in the path", EVIL + b"\npath=good.example\n"),
    ("vscode#320634 another port", b"protocol=https\nhost=good.example:8443\n"),
    ("vscode#320634 another protocol", b"protocol=http\nhost=good.example\n"),
    ("vscode#320634 a URL's user", b"url=https://good.example@evil.example\n"),
    ("vscode#320634 a URL's backslash", b"url=https://evil.example\\@good.example:99\n"),
    ("vscode#320634 a URL's query", b"url=https://evil.example?@good.example\n"),
    ("CVE-2025-66413 NTLM", EVIL + b"\nwwwauth[]=NTLM\nntlm=suppressed\n"),
    ("codex-security#208 another repository", GOOD + b"path=attacker/x\n"),
    ("netconf any host", EVIL + b"\n"),
    ("another user", GOOD + b"username=mallory\n"),
    ("a line that is none", GOOD + b"junk\n"),
    ("a line without key", GOOD + b"=junk\n"),
    ("patterns", b"protocol=https\nhost=*\n"),
    ("more patterns", b"protocol=*\nhost=*.example\n"),
]


@pytest.mark.parametrize("request_", [text for _, text in REQUESTS], ids=[name for name, _ in REQUESTS])
def test_nothing_is_given_and_nothing_forgotten(request_: bytes) -> None:
    for operation in ("get", "erase"):
        done = helper(operation, request_)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


STORES = [
    ("CVE-2020-5260", GOOD + b"host=evil.example\nusername=alice\npassword=stolen\n"),
    ("CVE-2024-52006", b"protocol=https\nhost=good.example\rx\nusername=alice\npassword=stolen\n"),
    ("CVE-2024-52006 in the password", GOOD + b"username=alice\npassword=stolen\rpassword=x\n"),
    ("CVE-2025-23040 NUL", GOOD + b"username=alice\0x\npassword=stolen\n"),
    ("CVE-2024-53263", b"url=https://alice:stolen@good.example%0a\n"),
]


@pytest.mark.parametrize("text", [text for _, text in STORES], ids=[name for name, _ in STORES])
def test_what_cannot_be_trusted_replaces_nothing(text: bytes) -> None:
    done = helper("store", text)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"git-helper: error: cannot store")
    assert b"stolen" not in done.stderr


@pytest.mark.parametrize(
    ("host", "environ"),
    [
        ("evil.example", {"GH_ENTERPRISE_TOKEN": "S"}),
        ("evil.example", {"GH_ENTERPRISE_TOKEN": "S", "GH_HOST": "ghe.example"}),
        ("evil.example", {"CODESPACES": "true", "GITHUB_TOKEN": "S"}),
        ("evil.example", {"CI_JOB_TOKEN": "S", "CI_SERVER_HOST": "gitlab.example"}),
        ("evil.example", {"GIT_HELPER_TOKEN_GOOD_EXAMPLE": "S"}),
        ("api.github.com", {"GITHUB_TOKEN": "S", "GH_TOKEN": "S"}),
        ("github.com.attacker.example", {"GITHUB_TOKEN": "S"}),
        ("evilgithub.com", {"GITHUB_TOKEN": "S"}),
        ("github.com@evil", {"GITHUB_TOKEN": "S"}),
        ("github.com.", {"GITHUB_TOKEN": "S"}),
        ("github.com:8443", {"GITHUB_TOKEN": "S"}),
    ],
)
def test_tokens_of_the_environment_stay_at_home(host: str, environ: dict[str, str]) -> None:
    """CVE-2024-53858, CVE-2026-48501, vscode#320634."""
    done = helper("get", f"protocol=https\nhost={host}\n".encode(), **environ)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_one_answer_is_not_used_again_for_another_host() -> None:
    """CVE-2024-45340, in one process."""

    def unexpected(source: str, error: GitHelperError) -> None:
        raise AssertionError(f"{source}: {error}")

    chain = CommandHouse(CommandSettings(of_options({"store": ["file"]})), unexpected, "test").chain_for_commands()
    assert next(chain.candidates(Description(b"https", b"good.example"))).credential.password == Secret(CANARY)
    for wanted in (Description(b"https", b"evil.example"), Description(b"http", b"good.example")):
        assert list(chain.candidates(wanted)) == []


@pytest.mark.parametrize("field", [b"host", b"username", b"password"])
def test_long_values_come_back_or_are_refused(field: bytes) -> None:
    """CVE-2025-48386 and the buffers of wincred."""
    fields = {b"protocol": b"https", b"host": b"long.example", b"username": b"alice", b"password": b"p", field: LONG}
    text = b"".join(b"%b=%b\n" % pair for pair in fields.items())
    assert helper("store", text).returncode == 0
    request = b"protocol=https\nhost=" + fields[b"host"] + b"\n"
    expected = b"username=%b\npassword=%b\n" % (fields[b"username"], fields[b"password"])
    assert helper("get", request).stdout == expected
    assert helper("get", request[:-2] + b"\n").stdout == b""


@pytest.mark.parametrize("size", [2 << 20, 10 << 20])
def test_absurd_messages_are_ignored(size: int) -> None:
    done = helper("get", GOOD + b"wwwauth[]=" + b"x" * size + b"\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_host_is_never_part_of_a_command_or_a_configuration_key(home: Path, tmp_path: Path) -> None:
    """GitDesktop#232."""
    host = b"good.example:443.helper=!touch pwned;#"
    for operation in ("get", "store", "erase"):
        text = b"protocol=https\nhost=" + host + b"\nusername=$(touch pwned)\npassword=`touch pwned`\n"
        done = run_helper("--store", "file", operation, stdin=text, cwd=tmp_path, env={"GIT_TERMINAL_PROMPT": "1"})
        assert (done.returncode, done.stderr) == (0, b"")
    for command in ("token", "logout"):
        assert run_helper(command, f"https://{host.decode()}", name="git-helper", cwd=tmp_path).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_program_called_git_in_the_current_folder_is_not_run(tmp_path: Path, home: Path) -> None:
    """CVE-2020-26233, CVE-2020-27955; the first `store` without a choice reads git's configuration."""
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\ntouch pwned\n")
    fake.chmod(0o755)
    text = b"protocol=https\nhost=other.example\nusername=a\npassword=p\n"
    done = run_helper("store", stdin=text, cwd=tmp_path, env={"PATH": f"{os.pathsep}{os.environ['PATH']}"})
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("host", ["../../x", "/etc/passwd", "..", "a/b", "~", "$HOME", "-x", "%2e%2e", "CON"])
def test_a_host_is_no_file_name(home: Path, host: str) -> None:
    text = f"protocol=https\nhost={host}\nusername=../x\n"
    assert helper("store", f'{text}path=../y\npassword=a b#"\\\n'.encode()).returncode == 0
    assert helper("get", text.encode()).stdout == b'username=../x\npassword=a b#"\\\n'
    files = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    names = {"credentials", "credentials.lock", "store", "store.lock"}
    assert files == {f".local/share/git-helper/{name}" for name in names}


def test_an_empty_answer_never_stands_for_single_sign_on() -> None:
    """CVE-2025-66413: git takes empty user name and password as leave to send the NTLM hash of the user."""
    assert helper("get", EVIL + b"\nwwwauth[]=Negotiate\nwwwauth[]=NTLM\nntlm=allow\n").stdout == b""


def test_a_netrc_word_cannot_become_another_attribute(home: Path) -> None:
    (home / ".netrc").write_bytes(b'machine x.example login "a\nhost=evil.example" password p')
    done = helper("get", b"protocol=https\nhost=x.example\n")
    assert done.stdout == b""
    assert b"'netrc'" in done.stderr
    assert b"evil" not in done.stderr


def test_a_variable_cannot_become_another_attribute() -> None:
    done = helper("get", b"protocol=https\nhost=x.example\n", GIT_HELPER_TOKEN_X_EXAMPLE="canary\nhost=evil.example")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"'variable'" in done.stderr
    assert b"canary" not in done.stderr


def test_the_url_that_injects_a_host_is_refused_before_any_request() -> None:
    """CVE-2020-5260 by the commands' own URLs."""
    for url in ("https://evil.example/?%0ahost=good.example", "https://evil.example%0d%0ahost=good.example"):
        done = run_helper("token", url, name="git-helper")
        assert (done.returncode, done.stdout) == (2, b"")


def test_no_credential_follows_git_to_another_origin(tmp_path: Path) -> None:
    """GHSA-9857-6mw7-fq2m, CVE-2026-41506, CVE-2026-3783: git asks anew behind a redirect, and we know the difference."""
    make_repository(tmp_path / "root/demo.git")
    realms = [Realm("/", [("alice", "canary")])]
    with (
        GitHttpServer(tmp_path / "root", realms=realms, host="127.0.0.2") as evil,
        GitHttpServer(tmp_path / "root", redirects=[Redirect("/", evil.url)]) as good,
    ):
        helper("store", f"protocol=http\nhost={good.netloc}\nusername=alice\npassword=canary\n".encode())
        done = subprocess.run(
            ["git", "-c", f"credential.helper={OURS}", "clone", good.url_for("demo.git"), tmp_path / "clone"],
            env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            check=False,
        )
        assert done.returncode != 0
        assert b"could not read Username for 'http://127.0.0.2" in done.stderr
        assert evil.authorizations == []
        assert evil.requests


class Stored:
    """A store with the one account of good.example."""

    def find(self, wanted: Description) -> Iterator[Credential]:
        account = Account(b"https", b"good.example", None, Credential(b"alice", Secret(CANARY)))
        if account.answers(wanted):
            yield account.credential


PIECES = [
    *(b"protocol=https", b"host=good.example", b"host=evil.example", b"host=", b"url=https://", b"good.example"),
    *(
        b"evil.example",
        b"%0a",
        b"%0d",
        b"@",
        b"/",
        b"\n",
        b"\n",
        b"\r",
        b"\0",
        b"\r\n",
        "\u2028".encode(),
        b"\x0b",
        b"=",
    ),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_an_answer_goes_only_to_a_request_that_everybody_reads_alike(request_: bytes) -> None:
    stdout = io.BytesIO()
    chain = Chain([("store", lambda wanted: Stored())], lambda *_: None, 0.0)
    answer.get(io.BytesIO(request_), stdout, lambda ready: chain, lambda _: None)
    if stdout.getvalue():
        message = re.split(rb"\n\r?\n", b"\n" + request_)[0] if not request_.startswith(b"\n") else b""
        last_url = message.rpartition(b"url=")[2]
        lines = re.split(rb"[\n\r\0\x0b]|\xe2\x80\xa8|%0a|%0d", last_url)
        assert not [
            line for line in lines if line.startswith(b"host=") and line not in (b"host=", b"host=good.example")
        ]
        assert b"evil.example" not in b"".join(line for line in lines if line.startswith((b"host=", b"https://")))
