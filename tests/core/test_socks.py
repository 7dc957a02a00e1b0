"""SOCKS, byte for byte (RFC 1928, RFC 1929, and the memos on version 4 and 4a)."""

from __future__ import annotations

import pytest

from git_helper.core.socks import Conversation, SocksRefusal, version_4, version_5

OPEN = b"\x05\x00\x00\x01"
REST = bytes(6)


def held(conversation: Conversation, *answers: bytes) -> list[bytes]:
    """What is said when the proxy answers so."""
    said: list[bytes] = []
    text, count = next(conversation)
    try:
        for answer in answers:
            assert len(answer) == count, f"{count} bytes were awaited"
            said.append(text)
            text, count = conversation.send(answer)
    except StopIteration:
        return said
    raise AssertionError(f"it goes on with {text!r}")


def test_version_5_to_a_name() -> None:
    said = held(version_5("good.example", 443, None), b"\x05\x00", OPEN, REST)
    assert said == [b"\x05\x01\x00", b"\x05\x01\x00\x03\x0cgood.example\x01\xbb", b""]


@pytest.mark.parametrize(
    ("host", "sent"), [("127.0.0.1", b"\x01\x7f\x00\x00\x01"), ("::1", b"\x04" + bytes(15) + b"\x01")]
)
def test_version_5_to_an_address(host: str, sent: bytes) -> None:
    assert held(version_5(host, 80, None), b"\x05\x00", OPEN, REST)[1] == b"\x05\x01\x00" + sent + b"\x00\x50"


@pytest.mark.parametrize("end", [(b"\x05\x00\x00\x04", bytes(18)), (b"\x05\x00\x00\x03", b"\x07", b"a.proxy\x00\x01")])
def test_version_5_reads_the_whole_answer(end: tuple[bytes, ...]) -> None:
    assert len(held(version_5("a", 80, None), b"\x05\x00", *end)) == 1 + len(end)


def test_version_5_with_a_password() -> None:
    long = b"p" * 255
    said = held(version_5("a", 80, (b"alice", long)), b"\x05\x02", b"\x01\x00", OPEN, REST)
    assert said[:2] == [b"\x05\x02\x00\x02", b"\x01\x05alice\xff" + long]


def test_a_password_is_not_sent_to_who_does_not_ask() -> None:
    said = held(version_5("a", 80, (b"alice", b"canary")), b"\x05\x00", OPEN, REST)
    assert not any(b"canary" in one for one in said)


@pytest.mark.parametrize(
    ("login", "answers", "reason", "wants_login"),
    [
        (None, (b"\x05\xff",), "it wants a user name and password", True),
        ((b"u", b"p"), (b"\x05\xff",), "it wants a user name and password", True),
        ((b"u", b"p"), (b"\x05\x02", b"\x01\x01"), "it does not accept the user name and password", True),
        (None, (b"\x05\x02",), "it wants what was not offered", False),
        (None, (b"HT",), "it does not speak SOCKS 5", False),
        (None, (b"\x05\x00", b"\x05\x02\x00\x01"), "its rules do not allow it", False),
        (None, (b"\x05\x00", b"\x05\x05\x00\x01"), "connection refused", False),
        (None, (b"\x05\x00", b"\x05\x63\x00\x01"), "reply 99", False),
        ((b"u", b"p" * 256), (b"\x05\x02",), "SOCKS 5 takes no password longer than 255 bytes", False),
    ],
)
def test_version_5_refused(
    login: tuple[bytes, bytes] | None, answers: tuple[bytes, ...], reason: str, wants_login: bool
) -> None:
    with pytest.raises(SocksRefusal) as caught:
        held(version_5("good.example", 80, login), *answers)
    assert (caught.value.reason, caught.value.wants_login) == (reason, wants_login)


def test_version_4() -> None:
    assert held(version_4("127.0.0.1", 80, b"ada"), b"\x00\x5a" + REST) == [b"\x04\x01\x00\x50\x7f\x00\x00\x01ada\x00"]


def test_version_4a() -> None:
    said = held(version_4("good.example", 443, b""), b"\x00\x5a" + REST)
    assert said == [b"\x04\x01\x01\xbb\x00\x00\x00\x01\x00good.example\x00"]


@pytest.mark.parametrize(
    ("host", "user", "answer", "reason"),
    [
        ("::1", b"", b"", "SOCKS 4 knows no IPv6 addresses"),
        ("a", b"a\0b", b"", "its user name holds a NUL byte"),
        ("a", b"", b"\x00\x5b" + REST, "it failed"),
        ("a", b"", b"\x00\x5d" + REST, "its rules do not allow this user"),
        ("a", b"", b"HTTP/1.1", "it does not speak SOCKS 4"),
    ],
)
def test_version_4_refused(host: str, user: bytes, answer: bytes, reason: str) -> None:
    with pytest.raises(SocksRefusal) as caught:
        held(version_4(host, 80, user), answer)
    assert caught.value.reason == reason
