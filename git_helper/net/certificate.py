"""What stands in a server's certificate (RFC 5280), for messages only: whether it is trusted, OpenSSL decides."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

from git_helper.net.tls_failures import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(der: bytes) -> Certificate | None:
    """Its names, its issuer and its time; None when it cannot be read. All texts are foreign."""
    try:
        found = x509.load_der_x509_certificate(der)
        return Certificate(
            tuple(_names(found)),
            _shown(found.subject),
            _shown(found.issuer),
            found.not_valid_before_utc,
            found.not_valid_after_utc,
        )
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _names(certificate: x509.Certificate) -> Iterator[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in names:
        if isinstance(name, x509.DNSName):
            yield name.value
        elif isinstance(name, x509.IPAddress) and isinstance(name.value, IPv4Address | IPv6Address):
            yield str(name.value)


def _shown(name: x509.Name) -> str:
    """The common name, which is what people know; else all of it (RFC 4514)."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(kind):
            return str(attribute.value)
    return name.rfc4514_string()
