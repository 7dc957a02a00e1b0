"""What a credential is wanted for, what it is, and when one answers the other."""

from __future__ import annotations

import pytest

from git_helper.core.credential import Account, Credential, Description, Origin
from git_helper.core.wire import parse
from git_helper.secret import Secret

HTTPS = b"https"


def described(data: bytes) -> Description | None:
    return Description.of(parse(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"host=a\n",
        b"protocol=https\n",
        b"protocol=https\nhost=\n",
        b"protocol=\nhost=a\n",
        b"protocol=cert\nhost=\n",
    ],
)
def test_without_protocol_and_host_nothing_is_described(data: bytes) -> None:
    assert described(data) is None


def test_a_client_certificate_has_a_path_instead_of_a_host() -> None:
    wanted = described(b"protocol=cert\nhost=\nusername=\npath=/home/alice/key.pem\n")
    assert wanted is not None
    assert (wanted.host, wanted.path, wanted.username) == (b"", b"/home/alice/key.pem", b"")
    assert wanted.origin() is None


def test_a_description_is_written_as_git_writes_it() -> None:
    wanted = Description(HTTPS, b"good.example", b"a/b", b"")
    assert wanted.pairs() == [
        (b"protocol", b"https"),
        (b"host", b"good.example"),
        (b"path", b"a/b"),
        (b"username", b""),
    ]
    assert wanted.without_path().narrowed(b"bob").pairs()[2:] == [(b"username", b"bob")]


@pytest.mark.parametrize(
    ("scheme", "authority", "shown"),
    [
        (b"https", b"good.example", "https://good.example"),
        (b"HTTPS", b"GOOD.example:443", "https://good.example"),
        (b"http", b"good.example:80", "http://good.example"),
        (b"http", b"good.example:443", "http://good.example:443"),
        (b"https", b"good.example:08443", "https://good.example:8443"),
        (b"https", b"good.example.", "https://good.example."),
        (b"https", b"[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_origin_is_scheme_host_and_effective_port(scheme: bytes, authority: bytes, shown: str) -> None:
    origin = Origin.parse(scheme, authority)
    assert str(origin) == shown
    assert origin == Origin.parse(scheme.lower(), authority.lower())
    assert len({origin, Origin.parse(scheme.lower(), authority.lower())}) == 1


@pytest.mark.parametrize(
    ("scheme", "authority"),
    [
        (b"ssh", b"good.example"),
        *(
            (HTTPS, authority)
            for authority in (
                b"",
                b":443",
                b"good.example:",
                b"good.example:x",
                b"good.example:123456",
                b"good.example:+443",
                b"good.example:443:443",
                b"alice@good.example",
                b"good.example/x",
                b"good.example\\x",
                b"good example",
                b"good.example\0",
                b"good.example%00",
                "g\u00f6\u00f6d.example".encode(),
                b"[good.example]",
                b"[::1]x",
                b"[::1",
                b"::1",
            )
        ),
    ],
)
def test_what_is_no_host_has_no_origin(scheme: bytes, authority: bytes) -> None:
    assert Origin.parse(scheme, authority) is None


@pytest.mark.parametrize(
    ("authority", "loopback"),
    [
        (b"localhost", True),
        (b"127.0.0.1", True),
        (b"127.8.9.1:99", True),
        (b"[::1]", True),
        (b"localhost.evil.example", False),
        (b"127.0.0.1.evil.example", False),
        (b"127.evil.1.2", False),
        (b"127.1", False),
        (b"1.127.0.0", False),
    ],
)
def test_only_this_machine_gets_tokens_over_plain_http(authority: bytes, loopback: bool) -> None:
    origin = Origin.parse(b"http", authority)
    assert origin is not None
    assert origin.is_loopback() is origin.may_get_tokens() is loopback
    assert origin.may_get_tokens([origin.host.upper()])
    assert not origin.may_get_tokens([b"other.example"]) or loopback


@pytest.mark.parametrize(
    ("text", "expiry"),
    [
        (b"1700000000", 1700000000),
        (b" +1700000000 junk", 1700000000),
        (b"12\xff", 12),
        (b"0", None),
        (b"", None),
        (b"soon", None),
        (b"-5", None),
        (b"\xb2", None),
    ],
)
def test_expiry_is_read_as_git_reads_it(text: bytes, expiry: int | None) -> None:
    assert Credential.of(parse(b"password_expiry_utc=" + text + b"\n")).expiry == expiry


def test_an_absurd_expiry_is_far_away() -> None:
    assert not Credential.of(parse(b"password_expiry_utc=" + b"9" * 6000)).is_expired(1e12)


def test_expiry_and_what_is_left_after_it() -> None:
    credential = Credential(b"alice", Secret(b"p"), expiry=100, refresh_token=Secret(b"r"))
    assert credential.is_expired(100)
    assert not credential.is_expired(99.5)
    left = credential.remainder()
    assert (left.username, left.password, left.expiry, left.refresh_token) == (b"alice", None, None, Secret(b"r"))
    assert credential.expiring(50).expiry == 50
    assert credential.expiring(150).expiry == 100
    assert Credential(b"a", Secret(b"p")).expiring(7).expiry == 7


def test_empty_user_name_and_password_are_values() -> None:
    assert Credential(b"", Secret(b"")).is_complete()
    assert not Credential(b"alice").is_complete()
    assert not Credential(None, Secret(b"p")).is_complete()
    assert Credential(authtype=b"Bearer", credential=Secret(b"t")).is_complete()
    assert not Credential(authtype=b"Bearer").is_complete()


def test_a_ready_header_is_written_only_for_who_can_use_it() -> None:
    credential = Credential(b"alice", Secret(b"p"), authtype=b"Bearer", credential=Secret(b"t"), expiry=9)
    assert [key for key, _ in credential.pairs()] == [
        b"authtype",
        b"credential",
        b"username",
        b"password",
        b"password_expiry_utc",
    ]
    assert [key for key, _ in credential.pairs(ready=False)] == [b"username", b"password", b"password_expiry_utc"]


def test_an_ephemeral_credential_says_so() -> None:
    assert (b"ephemeral", b"1") in Credential(b"a", Secret(b"p"), ephemeral=True).pairs()
    assert Credential.of(parse(b"ephemeral=yes\n")).ephemeral


@pytest.mark.parametrize(
    ("refused", "same"),
    [
        (Credential(), True),
        (Credential(b"other user", Secret(b"p")), True),
        (Credential(password=Secret(b"P")), False),
        (Credential(credential=Secret(b"t")), False),
    ],
)
def test_only_a_secret_that_is_named_must_be_the_same(refused: Credential, same: bool) -> None:
    assert Credential(b"alice", Secret(b"p")).same_secret(refused) is same


@pytest.mark.parametrize(
    ("wanted", "answered"),
    [
        (Description(HTTPS, b"good.example"), True),
        (Description(HTTPS, b"good.example", b"a", b"alice"), True),
        (Description(HTTPS, b"good.example", None, b"alice"), True),
        (Description(HTTPS, b"good.example", None, b"Alice"), False),
        (Description(HTTPS, b"good.example", b"a/"), False),
        (Description(HTTPS, b"good.example", b""), False),
        (Description(HTTPS, b"good.example:443"), False),
        (Description(HTTPS, b"Good.example"), False),
        (Description(b"http", b"good.example"), False),
        (Description(HTTPS, b"x.good.example"), False),
    ],
)
def test_an_account_answers_what_is_exactly_its_own(wanted: Description, answered: bool) -> None:
    account = Account(HTTPS, b"good.example", b"a", Credential(b"alice", Secret(b"p")))
    assert account.answers(wanted) is answered


def test_an_account_of_the_whole_host_does_not_answer_for_one_repository() -> None:
    account = Account(HTTPS, b"good.example", None, Credential(b"alice", Secret(b"p")))
    assert not account.answers(Description(HTTPS, b"good.example", b"a"))
    assert account.url() == "https://good.example"
