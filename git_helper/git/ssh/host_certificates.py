"""Certificates of servers (PROTOCOL.certkeys of OpenSSH): trusted through `@cert-authority` lines."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

from git_helper.frozen import frozen
from git_helper.git.ssh.fields import Fields, Malformed, packed
from git_helper.git.ssh.known_hosts import Changed, Unknown
from git_helper.git.ssh.options import algorithms
from git_helper.git.ssh.patterns import lower, matches
from git_helper.git.ssh.public_key import CERTIFIED, fingerprint, key_fields, key_type, plain_type
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.git.ssh.known_hosts import KnownHosts, Verdict

_FOR_HOSTS = 2
_SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Signatures of authorities that we can verify. SHA-1 (ssh-rsa) is none of them, whatever CASignatureAlgorithms says."""


class Rejected(Exception):
    """Why a certificate does not count."""


@frozen
class HostCertificate:
    """What a certificate says; nothing is verified. `key`: the server's own key; times in seconds since 1970."""

    blob: bytes
    type: str
    key: bytes
    is_for_hosts: bool
    key_id: bytes
    principals: tuple[bytes, ...]
    valid_after: int
    valid_before: int
    critical_options: tuple[bytes, ...]
    authority: bytes
    signature_type: str

    @classmethod
    def parse(cls, blob: bytes) -> HostCertificate:
        """Raises Malformed."""
        fields = Fields(blob)
        name = fields.text()
        if not name.endswith(CERTIFIED):
            raise Malformed("it is no certificate")
        fields.string()  # the nonce
        kind = plain_type(name)
        key = packed(kind.encode()) + b"".join(map(packed, key_fields(kind, fields)))
        fields.uint64()  # the serial number
        purpose = fields.uint32()
        key_id, principals = fields.string(), Fields(fields.string()).strings()
        valid_after, valid_before = fields.uint64(), fields.uint64()
        critical = Fields(fields.string()).strings()[::2]
        fields.string()  # extensions: what is not critical may be ignored
        fields.string()
        authority, signature = fields.string(), Fields(fields.string())
        fields.end()
        key_type(authority)
        return cls(
            blob=blob,
            type=name,
            key=key,
            is_for_hosts=purpose == _FOR_HOSTS,
            key_id=key_id,
            principals=tuple(principals),
            valid_after=valid_after,
            valid_before=valid_before,
            critical_options=tuple(critical),
            authority=authority,
            signature_type=signature.text(),
        )


def check(
    known: KnownHosts,
    names: Sequence[str],
    port: int | None,
    key_type: str,
    key_blob: bytes,
    *,
    now: float,
    ca_algorithms: str | None = None,
) -> Verdict:
    """The verdict on what a server shows: its certificate, or its key.

    A certificate that does not count leaves the key that is in it, which is judged like any other (sshconnect.c); the note
    of the verdict says why. `now`: seconds since 1970; `ca_algorithms`: CASignatureAlgorithms. Raises Malformed for bytes
    that are neither key nor certificate.
    """
    if not key_type.endswith(CERTIFIED):
        return known.check(names, port, key_type, key_blob)
    certificate = HostCertificate.parse(key_blob)
    revoked = known.revocation(names, port, (certificate.key, certificate.authority))
    if revoked is not None:
        return revoked
    trusted = known.authority(names, port, certificate.authority)
    try:
        if trusted is None:
            raise Rejected(f"no line trusts its authority {fingerprint(certificate.authority)}")
        verify(certificate, names, now, ca_algorithms)
    except Rejected as reason:
        verdict = known.check(names, port, plain_type(key_type), certificate.key)
        if isinstance(verdict, Unknown | Changed):
            return replace(verdict, note=f"its certificate '{visible(certificate.key_id)}' does not count: {reason}")
        return verdict
    return trusted


def verify(certificate: HostCertificate, names: Sequence[str], now: float, ca_algorithms: str | None = None) -> None:
    """Whether it is sound and for a host of one of these names (without port), now. Raises Rejected."""
    if not certificate.is_for_hosts:
        raise Rejected("it is for users, not for hosts")
    if certificate.critical_options:
        raise Rejected(f"it demands '{visible(certificate.critical_options[0])}', which we do not know")
    if not certificate.valid_after <= now < certificate.valid_before:
        raise Rejected("it is not valid yet" if now < certificate.valid_after else "it has expired")
    # Without principals it is for any host (ssh-keygen(1), "CERTIFICATES").
    patterns = [name.decode("utf-8", "surrogateescape") for name in certificate.principals]
    if patterns and not any(matches(lower(name), pattern) for name in names for pattern in patterns):
        raise Rejected(f"it is for {', '.join(map(visible, patterns))}")
    if certificate.signature_type not in algorithms(ca_algorithms, _SIGNATURES, _SIGNATURES):
        raise Rejected(f"signatures of the type '{visible(certificate.signature_type)}' are not taken")
    _verify_signature(certificate)


def _verify_signature(certificate: HostCertificate) -> None:
    line = certificate.type.encode() + b" " + base64.b64encode(certificate.blob)
    try:
        identity = load_ssh_public_identity(line)
        if not isinstance(identity, SSHCertificate):
            raise Rejected("it is no certificate")
        identity.verify_cert_signature()
    except InvalidSignature:
        raise Rejected("its signature is wrong") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Rejected(visible(str(error))) from error
