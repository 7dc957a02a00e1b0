"""What every store must do. One class: a subclass names its store, see `test_stores.py`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

import pytest

from git_helper.core.credential import Account, Credential, Description
from git_helper.errors import StoreError
from git_helper.secret import Secret
from tests.contracts import crowd
from tests.contracts.openers import open_store

if TYPE_CHECKING:
    from git_helper.core.chain import Store

LONG = 65536
HOSTILE = [
    b"[red]x[/red] [link=https://evil.example]y",
    b"\x1b[2K\x1b]0;title\x07",
    b"a=b==c",
    b"  blanks and\ttabs  ",
    b"#comment ; & | $(id) `id` %0a %",
    b"\"double\" 'single' \\back",
    b"base64:AAAA",
    b"parts:a:1:00",
    b"-----",
    b"\xff\xfe\x80 not UTF-8",
    "ü € \U0001f600 \ufeff \u2028 \u2029 \x85 \x0b\x0c\x1c".encode(),
    "\ud800".encode("utf-8", "surrogatepass"),
]
LOOK_ALIKES = [
    (b"http", b"good.example"),
    (b"HTTPS", b"good.example"),
    (b"https", b"good.example:443"),
    (b"https", b"good.example:8443"),
    (b"https", b"Good.example"),
    (b"https", b"good.example."),
    (b"https", b"evilgood.example"),
    (b"https", b"good.example.evil.example"),
    (b"https", b"sub.good.example"),
    (b"https", b"good.exampl"),
    (b"https", b"user@good.example"),
    (b"https", b"good.example/team"),
    (b"https", b"*"),
    (b"https", b"."),
]


def basic(
    user: bytes, password: bytes = b"secret", host: bytes = b"good.example", path: bytes | None = None
) -> Account:
    """An https account with user name and password."""
    return Account(b"https", host, path, Credential(user, Secret(password)))


def asked(host: bytes = b"good.example", path: bytes | None = None, user: bytes | None = None) -> Description:
    """A request for an https host."""
    return Description(b"https", host, path, user)


def users(store: Store, wanted: Description) -> list[bytes | None]:
    """The user names of what answers, in order."""
    return [credential.username for credential in store.find(wanted)]


def everything(store: Store) -> list[list[tuple[bytes, bytes]]]:
    """All accounts with all their fields, in an order of its own."""
    return sorted(account.pairs() for account in store.accounts())


def fields(*accounts: Account) -> list[list[tuple[bytes, bytes]]]:
    """What `everything` gives for these accounts."""
    return sorted(account.pairs() for account in accounts)


class StoreContract:
    """The suite. `kind` is for `openers.open_store`, here and in other processes."""

    kind: ClassVar[str]

    @pytest.fixture
    def store(self) -> Store:
        """The store, empty."""
        return open_store(self.kind)

    def many(self, processes: int, times: int) -> dict[str, int]:
        """See `crowd.together`."""
        return crowd.run("together", self.kind, str(processes), str(times))

    # What is kept

    def test_an_empty_store_knows_nothing(self, store: Store) -> None:
        assert list(store.find(asked())) == []
        assert store.accounts() == []
        assert store.erase(asked(), Credential()) == 0

    def test_an_account_comes_back_whole(self, store: Store) -> None:
        store.store(basic(b"alice", b"secret"))
        assert [credential.pairs() for credential in store.find(asked())] == [basic(b"alice").credential.pairs()]
        assert everything(store) == fields(basic(b"alice"))

    def test_what_one_opener_stored_another_finds(self, store: Store) -> None:
        store.store(basic(b"alice"))
        assert users(open_store(self.kind), asked()) == [b"alice"]

    def test_empty_user_name_and_password_are_values(self, store: Store) -> None:
        store.store(basic(b"", b""))
        assert [credential.pairs() for credential in store.find(asked())] == [[(b"username", b""), (b"password", b"")]]
        assert users(store, asked(user=b"")) == [b""]

    def test_expiry_and_refresh_token_come_back(self, store: Store) -> None:
        credential = Credential(b"alice", Secret(b"old"), expiry=4102444800, refresh_token=Secret(b"renew me"))
        account = Account(b"https", b"good.example", None, credential)
        store.store(account)
        store.store(basic(b"bob"))
        assert everything(store) == fields(account, basic(b"bob"))

    @pytest.mark.parametrize("user", [None, b"alice"])
    def test_a_ready_credential_comes_back(self, store: Store, user: bytes | None) -> None:
        credential = Credential(user, authtype=b"Bearer", credential=Secret(b"token"))
        account = Account(b"https", b"good.example", None, credential)
        store.store(account)
        store.store(basic(b"bob"))
        assert everything(store) == fields(account, basic(b"bob"))
        assert users(store, asked()) == [b"bob", user]

    def test_a_certificate_has_a_path_and_no_host(self, store: Store) -> None:
        account = Account(b"cert", b"", b"home/me/cert.pem", Credential(b"", Secret(b"passphrase")))
        store.store(account)
        assert users(store, Description(b"cert", b"", b"home/me/cert.pem")) == [b""]
        assert users(store, Description(b"cert", b"", b"home/me/other.pem")) == []
        assert everything(store) == fields(account)

    def test_hostile_bytes_come_back_exactly(self, store: Store) -> None:
        accounts = [basic(value, value, path=value) for value in HOSTILE]
        for account in accounts:
            store.store(account)
        assert everything(store) == fields(*accounts)
        for value in HOSTILE:
            assert users(store, asked(path=value, user=value)) == [value]

    @pytest.mark.parametrize("byte", [b"\n", b"\r", b"\0", b"\n\n", b"\r\n"])
    @pytest.mark.parametrize("field", ["host", "path", "user", "password"])
    def test_what_no_line_can_carry_is_refused(self, store: Store, field: str, byte: bytes) -> None:
        store.store(basic(b"alice"))
        value = b"x" + byte + b"host=evil.example"
        with pytest.raises(StoreError) as refused:
            store.store(
                basic(
                    value if field == "user" else b"bob",
                    value if field == "password" else b"secret",
                    value if field == "host" else b"good.example",
                    value if field == "path" else None,
                )
            )
        assert "evil" not in refused.value.message
        assert everything(store) == fields(basic(b"alice"))

    @pytest.mark.parametrize("field", ["host", "path", "user", "password"])
    def test_long_values_come_back_exactly_or_are_refused(self, store: Store, field: str) -> None:
        long = (b"0123456789abcde " * (LONG // 16))[:LONG]
        account = basic(
            long if field == "user" else b"bob",
            long if field == "password" else b"secret",
            long if field == "host" else b"good.example",
            long if field == "path" else b"a",
        )
        store.store(basic(b"alice"))
        try:
            store.store(account)
        except StoreError:
            assert everything(store) == fields(basic(b"alice"))
            return
        assert everything(store) == fields(basic(b"alice"), account)
        assert users(store, asked(account.host, account.path, account.username)) == [account.username]
        assert store.erase(asked(account.host, account.path), Credential()) == 1
        assert everything(store) == fields(basic(b"alice"))

    def test_values_that_grow_and_shrink_stay_exact(self, store: Store) -> None:
        store.store(basic(b"alice"))
        for size in (1, 1199, 1200, 1201, 1280, 1281, 2400, 5000, 3, 2500, 0):
            store.store(basic(b"bob", b"p" * size))
            assert everything(store) == fields(basic(b"alice"), basic(b"bob", b"p" * size))

    def test_many_accounts_of_one_host(self, store: Store) -> None:
        accounts = [basic(b"user-%d" % number) for number in range(20)]
        for account in accounts:
            store.store(account)
        assert users(store, asked()) == [account.username for account in reversed(accounts)]

    # Who answers

    def test_several_users_answer_by_name(self, store: Store) -> None:
        for user in (b"alice", b"bob", b"carol"):
            store.store(basic(user, b"secret of " + user))
        for user in (b"alice", b"bob", b"carol"):
            found = list(store.find(asked(user=user)))
            assert [credential.pairs() for credential in found] == [
                basic(user, b"secret of " + user).credential.pairs()
            ]

    def test_without_a_user_name_the_newest_answers_first(self, store: Store) -> None:
        for user in (b"alice", b"bob", b"carol"):
            store.store(basic(user))
        assert users(store, asked()) == [b"carol", b"bob", b"alice"]

    def test_storing_again_makes_newest(self, store: Store) -> None:
        for user in (b"alice", b"bob", b"alice"):
            store.store(basic(user))
        assert users(store, asked()) == [b"alice", b"bob"]

    def test_the_same_key_is_replaced(self, store: Store) -> None:
        credential = Credential(b"alice", Secret(b"one"), expiry=1, refresh_token=Secret(b"renew"))
        store.store(Account(b"https", b"good.example", None, credential))
        store.store(basic(b"alice", b"two"))
        assert everything(store) == fields(basic(b"alice", b"two"))

    def test_storing_the_same_twice_changes_nothing(self, store: Store) -> None:
        store.store(basic(b"alice"))
        store.store(basic(b"alice"))
        assert everything(store) == fields(basic(b"alice"))

    @pytest.mark.parametrize(("protocol", "host"), LOOK_ALIKES)
    def test_look_alikes_get_nothing(self, store: Store, protocol: bytes, host: bytes) -> None:
        store.store(basic(b"alice"))
        store.store(basic(b"alice", path=b"team"))
        look_alike = Account(protocol, host, None, Credential(b"mallory", Secret(b"other")))
        assert users(store, Description(protocol, host)) == []
        store.store(look_alike)
        assert users(store, Description(protocol, host)) == [b"mallory"]
        assert users(store, asked()) == [b"alice", b"alice"]
        assert everything(store) == fields(basic(b"alice"), basic(b"alice", path=b"team"), look_alike)
        assert store.erase(Description(protocol, host), Credential()) == 1
        assert everything(store) == fields(basic(b"alice"), basic(b"alice", path=b"team"))

    @pytest.mark.parametrize("user", [b"Alice", b"alic", b"alice ", b"", b"bob", b"*"])
    def test_another_user_gets_nothing(self, store: Store, user: bytes) -> None:
        store.store(basic(b"alice"))
        assert users(store, asked(user=user)) == []

    def test_a_ready_credential_without_user_does_not_answer_for_one(self, store: Store) -> None:
        store.store(Account(b"https", b"good.example", None, Credential(authtype=b"Bearer", credential=Secret(b"t"))))
        assert users(store, asked(user=b"alice")) == []

    def test_a_request_with_a_path_gets_that_path_only(self, store: Store) -> None:
        for path in (None, b"", b"team", b"team/a", b"team/b"):
            store.store(basic(b"user of " + repr(path).encode(), path=path))
        assert users(store, asked(path=b"team/a")) == [b"user of b'team/a'"]
        assert users(store, asked(path=b"team")) == [b"user of b'team'"]
        assert users(store, asked(path=b"")) == [b"user of b''"]
        assert users(store, asked(path=b"team/a/")) == []
        assert users(store, asked(path=b"Team")) == []

    def test_a_request_without_a_path_gets_every_path(self, store: Store) -> None:
        for path in (b"a", b"b", b"c", None):
            store.store(basic(path or b"whole host", path=path))
        assert users(store, asked()) == [b"whole host", b"c", b"b", b"a"]
        assert users(store, asked(user=b"b")) == [b"b"]

    # What is forgotten

    def test_erase_forgets_the_named_user(self, store: Store) -> None:
        for user in (b"alice", b"bob"):
            store.store(basic(user))
        assert store.erase(asked(user=b"alice"), Credential(b"alice")) == 1
        assert everything(store) == fields(basic(b"bob"))

    def test_erase_without_a_user_forgets_the_whole_host(self, store: Store) -> None:
        other = basic(b"alice", host=b"other.example")
        for account in (basic(b"alice"), basic(b"bob"), basic(b"bob", path=b"a"), basic(b"carol", path=b"b"), other):
            store.store(account)
        assert store.erase(asked(), Credential()) == 4
        assert everything(store) == fields(other)
        assert users(store, asked()) == []

    def test_erase_with_a_path_forgets_that_path_only(self, store: Store) -> None:
        kept = [basic(b"alice"), basic(b"alice", path=b"b")]
        for account in (*kept, basic(b"alice", path=b"a")):
            store.store(account)
        assert store.erase(asked(path=b"a"), Credential()) == 1
        assert everything(store) == fields(*kept)

    def test_erase_with_a_secret_forgets_only_the_same(self, store: Store) -> None:
        for account in (basic(b"alice", b"refused"), basic(b"bob", b"refused"), basic(b"carol", b"good")):
            store.store(account)
        assert store.erase(asked(), Credential(password=Secret(b"never seen"))) == 0
        assert store.erase(asked(user=b"carol"), Credential(b"carol", Secret(b"refused"))) == 0
        assert store.erase(asked(), Credential(password=Secret(b"refused"))) == 2
        assert everything(store) == fields(basic(b"carol", b"good"))

    def test_erase_compares_ready_credentials_too(self, store: Store) -> None:
        ready = Credential(authtype=b"Bearer", credential=Secret(b"token"))
        store.store(Account(b"https", b"good.example", None, ready))
        refused = Credential(authtype=b"Bearer", credential=Secret(b"other"))
        assert store.erase(asked(), refused) == 0
        assert store.erase(asked(), ready) == 1
        assert store.accounts() == []

    def test_what_was_erased_can_be_stored_again(self, store: Store) -> None:
        for path in (None, b"a"):
            store.store(basic(b"alice", path=path))
        store.erase(asked(), Credential())
        store.store(basic(b"alice", b"new", path=b"a"))
        assert everything(store) == fields(basic(b"alice", b"new", path=b"a"))

    # Many at once, and sudden ends

    def test_sixteen_at_once_lose_nothing(self, store: Store) -> None:
        store.store(basic(b"alice"))
        last = self.many(16, 2)
        found = {credential.username: crowd.number(credential) for credential in store.find(asked(crowd.HOST))}
        assert found == {user.encode(): number for user, number in last.items()}
        assert len(found) == 16
        assert users(store, asked()) == [b"alice"]

    def test_a_reader_never_sees_a_torn_or_missing_account(self, store: Store) -> None:
        store.store(basic(b"alice", b"a" * 1500, host=crowd.HOST))
        store.store(crowd.account("user-0", 0))
        writer = threading.Thread(target=self.many, args=(1, 12))
        writer.start()
        seen = []
        while writer.is_alive():
            found = {credential.username: credential for credential in store.find(asked(crowd.HOST))}
            seen.append(crowd.number(found[b"user-0"]))
            assert found[b"alice"].pairs() == basic(b"alice", b"a" * 1500).credential.pairs()
        writer.join()
        assert seen == sorted(seen)

    def test_a_kill_at_any_moment_loses_nothing(self, store: Store) -> None:
        planted = [basic(b"alice", b"a" * 3000, host=crowd.HOST), basic(b"bob"), basic(b"carol", path=b"a")]
        for account in planted:
            store.store(account)
        acknowledged = crowd.run("killed", self.kind, "12")
        assert len(acknowledged) == 12
        found = {account.username: account for account in store.accounts()}
        assert fields(*(found[account.username] for account in planted)) == fields(*planted)
        for user, last in acknowledged.items():
            if last:
                number = crowd.number(found[user.encode()].credential)
                assert number in (last, last + 1)
        store.store(basic(b"dave", host=crowd.HOST))
        assert users(store, asked(crowd.HOST))[0] == b"dave"
