"""The lab of tests/cases: an authority, servers with all kinds of certificates, files by what they are said to hold."""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificate

from git_helper.core.command_settings import CommandSettings
from git_helper.core.given import of_environment, of_options
from git_helper.core.options import TABLE
from git_helper.core.trust import TrustSettings
from git_helper.net.certificate import read
from git_helper.net.native_roots import native
from git_helper.net.tls import Contexts
from git_helper.system.git_config import GitConfig
from tests.net.trusting import (
    DAY,
    NOW,
    GitHttp,
    Person,
    common_name,
    context_of,
    encrypted,
    new_key,
    server_context,
    signed,
)
from tests.servers.isolated import environment
from tests.servers.recording import RecordingServer

FILES = ("SSL_CERT_FILE", "GIT_SSL_CAINFO", "GIT_PROXY_SSL_CAINFO", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
FOLDERS = ("SSL_CERT_DIR", "GIT_SSL_CAPATH")
MINE = ("SSL_CLIENT_CERT", "GIT_SSL_CERT", "GIT_SSL_KEY")
_ABSENT = re.compile(r"non-?exist|missing|no-?such|absent")
_JUNK = re.compile(r"garbage|junk|text|invalid|corrupt|damaged|not a|no cert|nothing")


class Lab:
    """Its servers run until `stack` is closed. `server`: the kind of one by how a case describes it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.authority = trustme.CA(organization_name="Lab Root CA", organization_unit_name="Lab Root CA")
        self._other = trustme.CA()
        self._leaf = self.authority.issue_cert("localhost", "127.0.0.1", "::1")
        self._member = self.authority.issue_cert("client.example", common_name="client")

    def server(self, said: str, names: str = "", host: str = "127.0.0.1") -> RecordingServer:
        """`names`: of its certificate, if not those of this machine."""
        return self._stack.enter_context(RecordingServer(host=host, tls=self._context(said.lower(), names)))

    def _context(self, said: str, names: str) -> ssl.SSLContext | None:
        if "no tls" in said or "plain" in said:
            return None
        known = re.findall(r"(?:\*\.)?[a-z0-9][a-z0-9.-]*|::1", names.replace("only", ""))
        known = known or (["other.example"] if "wrong host" in said else ["localhost", "127.0.0.1", "::1"])
        if "expired" in said:
            return server_context(self.authority.issue_cert(*known, not_before=NOW - 9 * DAY, not_after=NOW - DAY))
        if "not yet" in said:
            return server_context(self.authority.issue_cert(*known, not_before=NOW + DAY, not_after=NOW + 9 * DAY))
        if "self-signed" in said or "self signed" in said:
            key, name = new_key(), common_name("localhost")
            return context_of(self._folder, key, signed(name, key, (name, key), names=known))
        if "intermediate" in said:
            return server_context(self.authority.create_child_ca().issue_cert(*known), chain="without" not in said)
        context = server_context(self.authority.issue_cert(*known))
        if re.search(r"tls ?v?1\.[01]\b", said):
            with warnings.catch_warnings():  # Python calls that obsolete, which is the point
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        if "client" in said or "mtls" in said:
            self.authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        """With the paths of what the variables describe."""
        found = dict(variables)
        for name, said in variables.items():
            if name in FOLDERS:
                found[name] = ":".join(self.folder(part) for part in said.split(":")) if said else ""
            elif name in FILES + MINE:
                found[name] = self.path(said, mine=name in MINE)
        return found

    def path(self, said: str, *, mine: bool = False) -> str:
        """Of a file, or of the folder that is named instead of one. `mine`: a certificate of ours, and its key."""
        lower = said.lower()
        if not said or _ABSENT.search(lower):
            return said and str(self._folder / "absent.pem")
        if "dir" in lower or "folder" in lower:
            return self.folder(said)
        place = self._folder / (("mine-" if mine else "roots-") + re.sub(r"[^a-z0-9.]+", "-", lower))
        place.write_bytes(self._of_ours(lower) if mine else self._roots(lower))
        return str(place)

    def folder(self, said: str) -> str:
        """With the authority in a file of some name, unless it is said to hold something else."""
        lower = said.lower()
        place = self._folder / ("folder-" + re.sub(r"[^a-z0-9]+", "-", lower))
        if _ABSENT.search(lower) or not said:
            return said and str(place)
        place.mkdir(exist_ok=True)
        if "empty" not in lower:
            (place / "anyname.pem").write_bytes(self._roots(lower))
        return str(place)

    def _roots(self, said: str) -> bytes:
        here, other = self.authority.cert_pem.bytes(), self._other.cert_pem.bytes()
        if "der" in re.split(r"[^a-z]+", said):
            return ssl.PEM_cert_to_DER_cert(here.decode())
        if "empty" in said:
            return b""
        if "other" in said:
            return other + here if re.search(r"\+|both|bundle|\bca\b", said) else other
        if "leaf" in said or "server" in said:
            return self._leaf.cert_chain_pems[0].bytes()
        return b"nothing of that kind\n" if _JUNK.search(said) else here

    def _of_ours(self, said: str) -> bytes:
        key, certificate = self._member.private_key_pem.bytes(), self._member.cert_chain_pems[0].bytes()
        if re.search(r"p12|pfx|pkcs", said):
            return pkcs12.serialize_key_and_certificates(
                b"client",
                load_pem_private_key(key, None),  # type: ignore[arg-type]
                load_pem_x509_certificate(certificate),
                None,
                BestAvailableEncryption(b"x"),
            )
        if re.search(r"encrypt|passphrase|password|locked", said):
            return certificate + encrypted(key)
        if re.search(r"cert(ificate)? only|(no|without)( a)? key|\.crt|^cert$", said):
            return certificate
        if re.search(r"key only|(no|without) cert|\.key", said):
            return key
        if re.search(r"other key|wrong key|mismatch|another", said):
            return certificate + self._other.issue_cert("x.example").private_key_pem.bytes()
        if "empty" in said or _JUNK.search(said):
            return b"" if "empty" in said else b"nothing of that kind\n"
        if re.search(r"intermediate|chain", said):
            return self.authority.create_child_ca().issue_cert("client.example").private_key_and_cert_chain_pem.bytes()
        return key + certificate if re.search(r"key (then|first|before)|reversed", said) else certificate + key

    def contexts(
        self, row: Mapping[str, Any], said: list[str], git: GitHttp | None = None
    ) -> tuple[Contexts, TrustSettings]:
        """What the options and variables of a case make of it, read as a command reads them. Raises UsageError."""
        environ = self.environ(row.get("env", {}))
        settings = CommandSettings(of_options(self._words(row.get("args", ()))), of_environment(environ))
        trust = TrustSettings(settings.given, environ, git or (lambda variable, url: None))
        made = Contexts(
            trust.trust_for, passphrase=Person(None), warn=said.append, native=native, read_certificate=read
        )
        return made, trust

    def _words(self, args: list[str]) -> dict[str, list[str]]:
        names = {flag: option for option in TABLE for flag in (f"--{option.name}", *option.flags)}
        found: dict[str, list[str]] = {}
        rest = iter(args)
        for word in rest:
            flag, equals, value = word.partition("=")
            option = names[flag]
            text = value if equals else "true" if option.metavar is None else next(rest)
            if option.name in ("cert", "client-cert"):
                text = ",".join(self.path(part, mine=option.name == "client-cert") for part in text.split(","))
            found.setdefault(option.name, []).append(text)
        return found


def of_git(config: str, folder: Path) -> GitHttp:
    """`http.*` as git reads it."""
    (folder / ".gitconfig").write_text(config)
    read_config = GitConfig.read(environment(folder))

    def git_http(variable: str, url: str) -> str | None:
        found = read_config.for_url("http", variable, url)
        return None if not found else "true" if found[-1].value is None else found[-1].value

    return git_http
