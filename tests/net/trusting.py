"""What the tests of TLS share: an authority with servers of every kind, and contexts from settings as people give them."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from git_helper.core.given import Given, Provenance
from git_helper.core.insecure_host import InsecureHost
from git_helper.core.trust import TrustSettings
from git_helper.errors import Unreachable
from git_helper.net.certificate import read
from git_helper.net.native_roots import native
from git_helper.net.session import Request
from git_helper.net.tls import Contexts
from git_helper.secret import Secret
from tests.net.asked import CANARY, session
from tests.servers.recording import RecordingServer, Script

GitHttp = Callable[[str, str], str | None]
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
PASSPHRASE = "open-sesame"


class Person:
    """Knows the passphrase, or not; counts the questions."""

    def __init__(self, answer: str | None = PASSPHRASE) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, path: str) -> Secret | None:
        self.asked.append(path)
        return None if self.answer is None else Secret(self.answer.encode())


def contexts(
    environ: Mapping[str, str] | None = None,
    git: Mapping[str, str] | GitHttp | None = None,
    *,
    insecure: Sequence[str | Mapping[str, object]] = (),
    person: Person | None = None,
    warnings: list[str] | None = None,
    **options: Any,
) -> Contexts:
    """`git`: variables of `http.*`, by URL if it is a function; `options`: cert, client_cert, native_tls.

    `insecure`: the words of --allow-insecure-host. `warnings`: a list that gets them.
    """
    given = {name.replace("_", "-"): [value] for name, value in options.items()}
    given["allow-insecure-host"] = [InsecureHost.parse(host) for host in insecure]

    def of_options(name: str, url: str) -> Sequence[Given]:
        return [Given(value, Provenance("option", f"--{name}")) for value in given.get(name, ())]

    settings = TrustSettings(
        of_options, environ or {}, git if callable(git) else lambda name, url: (git or {}).get(name)
    )
    return Contexts(
        settings.trust_for,
        passphrase=person or Person(None),
        warn=(warnings if warnings is not None else []).append,
        native=native,
        read_certificate=read,
    )


def server_context(certificate: trustme.LeafCert, *, chain: bool = True) -> ssl.SSLContext:
    """Of a server that shows `certificate`; without `chain` it leaves out what lies between it and the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if chain:
        certificate.configure_cert(context)
    else:
        with certificate.private_key_pem.tempfile() as key, certificate.cert_chain_pems[0].tempfile() as leaf:
            context.load_cert_chain(leaf, key)
    return context


def served(certificate: trustme.LeafCert, script: Script | None = None, *, chain: bool = True) -> RecordingServer:
    """A server with that certificate."""
    return RecordingServer(script, tls=server_context(certificate, chain=chain))


def failure(server: RecordingServer, context_for: Contexts, host: str = "127.0.0.1") -> Unreachable:
    """What is said of a server that is not trusted; not one byte of the request may reach it."""
    url = f"https://{host}:{server.port}/"
    with session(context_for=context_for) as one, pytest.raises(Unreachable) as caught:
        one.send(Request("GET", url, {"X": CANARY}))
    assert server.requests == [], "nothing was said"
    assert caught.value.message.startswith(f"cannot trust '{url}': ")
    assert caught.value.exit_code == 5
    assert "insecure" not in f"{caught.value.message} {caught.value.hint}", "never the first advice"
    return caught.value


def status(context_for: Contexts, server: RecordingServer, host: str = "127.0.0.1") -> int:
    """The status of a request to the server."""
    with session(context_for=context_for) as one:
        return one.send(Request("GET", f"https://{host}:{server.port}/")).status


def signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: tuple[x509.Name, CertificateIssuerPrivateKeyTypes],
    *,
    names: Sequence[str] = (),
    authority: bool = False,
    until: datetime.datetime = NOW + DAY,
) -> bytes:
    """A certificate (PEM) of any kind, for what trustme does not make."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 9 * DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(san, critical=False)
    return builder.sign(by[1], hashes.SHA256()).public_bytes(Encoding.PEM)


def common_name(text: str) -> x509.Name:
    """A subject."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def new_key() -> ec.EllipticCurvePrivateKey:
    """A private key."""
    return ec.generate_private_key(ec.SECP256R1())


def context_of(folder: Path, key: ec.EllipticCurvePrivateKey, chain: bytes) -> ssl.SSLContext:
    """Of a server with that key and these certificates."""
    path = folder / "server.pem"
    path.write_bytes(chain + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def encrypted(key: bytes, *, old: bool = False) -> bytes:
    """A private key (PEM) that PASSPHRASE opens; `old`: as OpenSSL wrote them before PKCS #8."""
    form = PrivateFormat.TraditionalOpenSSL if old else PrivateFormat.PKCS8
    private = load_pem_private_key(key, None)
    return private.private_bytes(Encoding.PEM, form, BestAvailableEncryption(PASSPHRASE.encode()))
