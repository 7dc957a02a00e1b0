"""Accounts as stanzas of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core import record
from git_helper.core.credential import Account, Credential, Description
from git_helper.secret import Secret

TEXT = st.binary(max_size=30).filter(lambda value: not set(value) & set(b"\n\r\0"))
NAME = TEXT.filter(bool)
SECRET = TEXT.map(Secret)


def _account(*parts: object) -> Account:
    protocol, host, path, username, password, expiry = parts
    credential = Credential(username, password, expiry=expiry)  # type: ignore[arg-type]
    return Account(protocol, host, path, credential)  # type: ignore[arg-type]


ACCOUNTS = st.lists(
    st.builds(_account, NAME, NAME, st.none() | TEXT, TEXT, SECRET, st.none() | st.integers(1, 10**12)), max_size=5
)


def parts(account: Account) -> list[tuple[bytes, bytes]]:
    return account.pairs()


@given(ACCOUNTS)
def test_what_is_written_is_read_back(accounts: list[Account]) -> None:
    text = record.dump(accounts)
    assert [parts(one) for one in record.load(text)] == [parts(one) for one in accounts]
    for account in accounts:
        wanted = Description(account.protocol, account.host, account.path, account.username)
        found = [parts(one) for one in record.find(b"\n" + text, wanted)]
        assert found == [parts(one) for one in accounts if one.answers(wanted)]
        assert parts(account) in found


@given(st.binary())
def test_any_bytes_are_records_or_refused(text: bytes) -> None:
    try:
        accounts = list(record.load(text))
    except ValueError:
        return
    assert all(account.credential.is_complete() for account in accounts)


def test_a_password_cannot_become_a_second_account() -> None:
    account = Account(b"https", b"good.example", None, Credential(b"a", Secret(b"x\n\nprotocol=https\nhost=evil")))
    with pytest.raises(ValueError, match="line break"):
        record.dump([account])


def test_a_value_that_looks_like_the_lines_searched_for_is_no_match() -> None:
    account = Account(b"https", b"x", None, Credential(b"protocol=https host=good.example", Secret(b"p")))
    assert not list(record.find(b"\n" + record.dump([account]), Description(b"https", b"good.example")))


@pytest.mark.parametrize(
    "stanza",
    [
        b"host=a\nusername=u\npassword=p",
        b"protocol=https\nhost=a\nusername=u",
        b"protocol=https\nhost=a\npassword=p",
        b"protocol=https\nhost=a\nusername=u\npassword=p\nbroken",
        b"garbage",
    ],
)
def test_a_damaged_record_is_refused(stanza: bytes) -> None:
    with pytest.raises(ValueError, match=r"record|key=value"):
        list(record.load(stanza + b"\n\n"))


def test_a_ready_credential_without_user_is_kept() -> None:
    account = Account(b"https", b"a", None, Credential(authtype=b"Bearer", credential=Secret(b"t")))
    (loaded,) = record.load(record.dump([account]))
    assert loaded.credential.is_ready()
    assert loaded.username is None


def account(user: bytes, password: bytes, path: bytes | None = None) -> Account:
    return Account(b"https", b"good.example", path, Credential(user, Secret(password)))


def test_the_newest_account_is_first_and_replaces_its_like() -> None:
    kept: list[Account] = []
    for new in (account(b"a", b"1"), account(b"b", b"2"), account(b"a", b"3", b"path"), account(b"a", b"4")):
        kept = record.replaced(kept, new)
    assert [one.credential.password for one in kept] == [Secret(b"4"), Secret(b"3"), Secret(b"2")]


def test_erasing_takes_all_that_match_and_only_the_secret_that_was_refused() -> None:
    kept = [account(b"a", b"1"), account(b"b", b"2"), account(b"a", b"3", b"path")]
    wanted = Description(b"https", b"good.example")
    assert record.without(kept, wanted, Credential()) == []
    assert record.without(kept, wanted, Credential(password=Secret(b"2"))) == [kept[0], kept[2]]
    assert record.without(kept, wanted.narrowed(b"a"), Credential(password=Secret(b"2"))) == kept
    assert record.without(kept, Description(b"https", b"other.example"), Credential()) == kept
