"""Certificates as a person meets them: real commands, a Git server that speaks TLS, a terminal for the passphrase."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from tests.commands import run
from tests.net.trusting import PASSPHRASE, encrypted, server_context
from tests.pseudo_terminal import CTRL_C, ENTER, PseudoTerminal
from tests.servers.git_http import GitHttpServer
from tests.servers.repositories import make_repository
from tests.support import BIN


class Company:
    """Its repositories are behind its own authority; those of members want a certificate, too."""

    def __init__(self, folder: Path) -> None:
        make_repository(folder / "root" / "team" / "tool.git")
        authority = trustme.CA(organization_name="Company", organization_unit_name="Company CA")
        member = authority.issue_cert("member.example")
        self.folder = folder
        self.authority = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.authority)
        self.member, self.locked = folder / "member.pem", folder / "locked.pem"
        self.member.write_bytes(member.private_key_and_cert_chain_pem.bytes())
        self.locked.write_bytes(member.cert_chain_pems[0].bytes() + encrypted(member.private_key_pem.bytes()))
        members = server_context(authority.issue_cert("localhost"))
        authority.configure_trust(members)
        members.verify_mode = ssl.CERT_REQUIRED
        self.open = GitHttpServer(folder / "root", tls=server_context(authority.issue_cert("localhost")))
        self.closed = GitHttpServer(folder / "root", tls=members)

    @staticmethod
    def requirement(server: GitHttpServer) -> str:
        return f"tool @ git+https://localhost:{server.port}/team/tool.git@main"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    made = Company(tmp_path)
    with made.open, made.closed:
        yield made


def resolve(
    requirement: str, *options: str, env: Mapping[str, str | None] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return run("resolve", *options, requirement, env=env)


def test_an_authority_that_nobody_knows(company: Company) -> None:
    done = resolve(company.requirement(company.open))
    assert done.returncode == 5
    assert b"from an unknown authority 'Company CA'" in done.stderr
    assert b"hint: if it is right, name the authority's certificate: export SSL_CERT_FILE=FILE" in done.stderr
    assert b"insecure" not in done.stderr
    assert company.open.requests == []


@pytest.mark.parametrize("way", ["--cert", "SSL_CERT_FILE", "GIT_SSL_CAINFO", "git config", "SSL_CERT_DIR"])
def test_an_authority_that_is_named(company: Company, way: str, home: Path) -> None:
    path, env = str(company.authority), dict[str, str]()
    options = ["--cert", path] if way == "--cert" else []
    if way == "git config":
        (home / ".gitconfig").write_text(f'[http "https://localhost:{company.open.port}"]\n\tsslCAInfo = {path}\n')
    elif way == "SSL_CERT_DIR":
        (company.folder / "certificates").mkdir()
        company.authority.rename(company.folder / "certificates" / "anyname")
        env[way] = str(company.folder / "certificates")
    elif way != "--cert":
        env[way] = path
    done = resolve(company.requirement(company.open), *options, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"git+https://localhost" in done.stdout


@pytest.mark.parametrize("way", ["--allow-insecure-host", "GIT_SSL_NO_VERIFY", "git config"])
def test_no_verification_is_said_once(company: Company, way: str, home: Path) -> None:
    options = [way, "localhost"] if way.startswith("--") else []
    if way == "git config":
        (home / ".gitconfig").write_text("[http]\n\tsslVerify = false\n")
    env: dict[str, str | None] = {way: "true"} if way.isupper() else {}
    done = resolve(company.requirement(company.open), *options, env=env)
    reason = {"--allow-insecure-host": f"{way}: localhost", "git config": "http.sslVerify"}.get(way, way)
    said = f"git-helper: warning: the certificate of '{company.open.netloc.replace('127.0.0.1', 'localhost')}' "
    assert done.returncode == 0
    assert done.stderr.decode() == f"{said}is not verified ({reason})\n"


def test_a_member_shows_a_certificate(company: Company) -> None:
    env: dict[str, str | None] = {"SSL_CERT_FILE": str(company.authority), "SSL_CLIENT_CERT": str(company.member)}
    assert resolve(company.requirement(company.closed), env=env).returncode == 0


def on_terminal(company: Company, *options: str) -> PseudoTerminal:
    env = {"SSL_CERT_FILE": str(company.authority), "SSL_CLIENT_CERT": str(company.locked)}
    words: list[str | Path] = [BIN / "git-helper", "resolve", *options, company.requirement(company.closed)]
    return PseudoTerminal(words, env=env, columns=200)


def test_the_passphrase_is_asked_for_by_us(company: Company) -> None:
    with on_terminal(company) as terminal:
        terminal.expect("Passphrase for the key ")
        terminal.send(PASSPHRASE.encode() + ENTER)
        assert terminal.wait() == 0, terminal.shown
        assert PASSPHRASE.encode() not in terminal.shown
        assert terminal.shown.count(b"Passphrase") == 1
        assert b"PEM pass phrase" not in terminal.shown


HELPER = """#!/bin/sh
{ echo "[$1]"; cat; } >> "$0.log"
[ "$1" = get ] && printf 'password=%s\\n' "$(cat "$0.word")"
exit 0
"""


def helped(company: Company, home: Path, word: str) -> tuple[subprocess.CompletedProcess[bytes], str]:
    """With a helper of git that answers `word`; and what it was told."""
    helper = home / "keeper"
    helper.write_text(HELPER)
    helper.chmod(0o700)
    (home / "keeper.word").write_text(word)
    (home / ".gitconfig").write_text(
        f"[credential]\nhelper = {helper}\n"
        f"[http]\nsslCAInfo = {company.authority}\nsslCert = {company.locked}\nsslCertPasswordProtected\n"
    )
    done = resolve(company.requirement(company.closed), "--no-input")
    return done, (home / "keeper.log").read_text()


def test_a_helper_of_git_keeps_the_passphrase(company: Company, home: Path) -> None:
    done, told = helped(company, home, PASSPHRASE)
    assert done.returncode == 0, done.stderr.decode()
    asked = f"protocol=cert\nhost=\npath={company.locked}\nusername=\n"
    assert told == f"[get]\ncapability[]=authtype\n{asked}[store]\n{asked}password={PASSPHRASE}\n"
    assert PASSPHRASE not in (done.stdout + done.stderr).decode()


def test_a_wrong_one_is_erased_there_and_the_person_is_asked(company: Company, home: Path) -> None:
    done, told = helped(company, home, "wr0ng-w0rd")
    assert done.returncode == 2
    assert b"its key is encrypted, and nobody can be asked for the passphrase" in done.stderr
    assert b"wr0ng-w0rd" not in done.stdout + done.stderr
    assert told.endswith(f"[erase]\nprotocol=cert\nhost=\npath={company.locked}\nusername=\npassword=wr0ng-w0rd\n")


def test_no_helper_is_asked_where_git_would_not(company: Company, home: Path) -> None:
    helped(company, home, PASSPHRASE)
    (home / "keeper.log").write_text("")
    config = home / ".gitconfig"
    config.write_text(config.read_text().replace("sslCertPasswordProtected", "sslCertPasswordProtected = false"))
    assert resolve(company.requirement(company.closed), "--no-input").returncode == 2
    assert (home / "keeper.log").read_text() == ""


def test_our_own_store_keeps_it_too(company: Company, home: Path) -> None:
    answer = f"protocol=cert\nhost=\npath={company.locked}\nusername=\npassword={PASSPHRASE}\n\n".encode()
    assert run("store", stdin=answer).returncode == 0
    env: dict[str, str | None] = {
        "SSL_CERT_FILE": str(company.authority),
        "GIT_SSL_CERT": str(company.locked),
        "GIT_SSL_CERT_PASSWORD_PROTECTED": "1",
    }
    assert resolve(company.requirement(company.closed), "--no-input", env=env).returncode == 0
    del env["GIT_SSL_CERT_PASSWORD_PROTECTED"]
    assert resolve(company.requirement(company.closed), "--no-input", env=env).returncode == 2


def test_nobody_is_asked_with_no_input(company: Company) -> None:
    with on_terminal(company, "--no-input") as terminal:
        assert terminal.wait() == 2
        assert b"its key is encrypted, and nobody can be asked for the passphrase" in terminal.shown
        assert b"pass phrase" not in terminal.shown, "nor by OpenSSL"


def test_who_leaves_is_asked_no_more(company: Company) -> None:
    with on_terminal(company) as terminal:
        terminal.expect("Passphrase for the key ")
        terminal.send(CTRL_C)
        assert terminal.wait() == 130
        assert b"pass phrase" not in terminal.shown
