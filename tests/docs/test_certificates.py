"""Everything that docs/certificates.md tells people to type is typed here, with servers that have such certificates."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import certifi
import pytest
import trustme

from tests.docs.surface import blocks, commands, spans
from tests.docs.test_readme import Step, steps
from tests.net.trusting import common_name, context_of, new_key, server_context, signed
from tests.servers.git_http import GitHttpServer
from tests.servers.repositories import make_repository
from tests.support import BIN, ROOT, needs

TEXT = (ROOT / "docs/certificates.md").read_text(encoding="utf-8")
CONSOLE = [steps(lines) for lines in blocks("console", TEXT)]


class Reader:
    """Someone with the files that the page speaks of; its hosts are servers on loopback."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder / "here"
        self.folder.mkdir()
        make_repository(folder / "root" / "team" / "tool.git")
        authority, key, name = trustme.CA(), new_key(), common_name("test host")
        alice = authority.issue_cert("alice.example")
        authority.cert_pem.write_to_path(self.folder / "company-ca.pem")
        alice.private_key_pem.write_to_path(self.folder / "alice.key")
        alice.cert_chain_pems[0].write_to_path(self.folder / "alice.pem")
        members = server_context(authority.issue_cert("localhost"))
        authority.configure_trust(members)
        members.verify_mode = ssl.CERT_REQUIRED
        contexts = {
            "git.example.com": server_context(authority.issue_cert("localhost")),
            "members.example.com": members,
            "test.example.com": context_of(folder, key, signed(name, key, (name, key), names=["localhost"])),
        }
        self.servers = {
            host: stack.enter_context(GitHttpServer(folder / "root", tls=context)) for host, context in contexts.items()
        }

    def here(self, text: str) -> str:
        for host, server in self.servers.items():
            text = text.replace(host, f"localhost:{server.port}")
        return text.replace("/etc/ssl/certs/ca-certificates.crt", certifi.where())

    def play(self, block: list[Step]) -> list[str]:
        """What each command prints. All in one shell, as variables are exported there; a NUL ends each output."""
        script = "".join(f"{self.here(step.command)}\nprintf '\\0'\n" for step in block)
        done = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        warned = b"is not verified (--allow-insecure-host" in done.stderr
        assert warned is any("--allow-insecure-host" in step.command for step in block)
        return done.stdout.decode().split("\0")[:-1]

    def pattern(self, step: Step) -> str:
        """What the page says that a command prints, `...` being anything; a page that shows nothing says nothing."""
        expected = re.escape("\n".join(map(self.here, step.expected))).replace(re.escape("..."), ".*")
        return f"{expected}\n" if step.expected else ".*"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    needs("git")
    needs("openssl")
    with ExitStack() as stack:
        yield Reader(tmp_path, stack)


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block[-1].command[:50])
def test_what_is_to_be_typed_works(reader: Reader, block: list[Step]) -> None:
    for step, output in zip(block, reader.play(block), strict=True):
        assert re.fullmatch(reader.pattern(step), output, re.DOTALL), f"{step.command}: {output}"


def test_nothing_of_it_works_by_itself(reader: Reader) -> None:
    for host in reader.servers:
        with pytest.raises(AssertionError, match="cannot trust"):
            reader.play([Step(f'git-helper resolve "tool @ git+https://{host}/team/tool@main"', ())])


def test_every_option_exists() -> None:
    known = set().union(*commands().values())
    named = {span.split(" ")[0] for span in spans(TEXT) if re.match("--[a-z]", span)}
    assert named
    assert named <= known


def test_the_messages_are_ours() -> None:
    table = TEXT.partition("## What the messages mean")[2]
    messages = [row.split("|")[1].strip(" `") for row in table.split("\n") if row.startswith("| `")]
    code = (ROOT / "git_helper/net/tls_failures.py").read_text(encoding="utf-8")
    assert len(messages) > 8
    for message in messages:
        for part in re.split(r"'[A-Z]+'|\([A-Z]+\)|\('NAME'\)|DATE|,", message):
            assert part.strip(" :()") in code, message
