"""What is told of a server's certificate, whatever bytes a server shows."""

from __future__ import annotations

import ssl

import pytest
import trustme
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from git_helper.net.certificate import read
from tests.net.trusting import DAY, NOW, common_name, new_key, signed

CERTIFICATE = ssl.PEM_cert_to_DER_cert(
    trustme.CA(organization_name="Lab", organization_unit_name="Lab Root CA")
    .issue_cert("good.example", "*.good.example", "127.0.0.1", "::1", "10.0.0.0/8", "alice@good.example")
    .cert_chain_pems[0]
    .bytes()
    .decode()
)


def test_names_issuer_and_time() -> None:
    found = read(CERTIFICATE)
    assert found is not None
    assert found.names == ("good.example", "*.good.example", "127.0.0.1", "::1"), "hosts only"
    assert found.issuer == "Lab Root CA"
    assert found.not_before < NOW < found.not_after


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (common_name("alice"), "alice"),
        (x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Company")]), "Company"),
        (x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE")]), "C=DE"),
        (x509.Name([]), ""),
    ],
)
def test_the_name_that_people_know(subject: x509.Name, shown: str) -> None:
    key = new_key()
    found = read(ssl.PEM_cert_to_DER_cert(signed(subject, key, (common_name("me"), key), until=NOW - DAY).decode()))
    assert found is not None
    assert (found.subject, found.issuer, found.names) == (shown, "me", ())
    assert found.not_after == NOW - DAY


@pytest.mark.filterwarnings("ignore")
@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(0, 255), st.integers(0, 8))
def test_any_bytes_are_read_or_not(place: int, byte: int, removed: int) -> None:
    damaged = CERTIFICATE[:place] + bytes([byte]) + CERTIFICATE[place + removed :]
    found = read(damaged)
    assert found is None or found.not_after is not None


def test_no_certificate() -> None:
    assert read(b"") is None
    assert read(b"\x30\x82") is None
