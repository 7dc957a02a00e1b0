"""The store contract, kept by every store: the file, and the keyring on each kind of back end."""

from __future__ import annotations

import threading

import pytest

from git_helper.core.credential import Credential
from tests.contracts import crowd
from tests.contracts.memory_keyring import MemoryKeyring
from tests.contracts.openers import SECRET_SERVICE, open_store
from tests.contracts.store_contract import StoreContract, asked, basic
from tests.servers.secret_service import SecretService


class TestCredentialFile(StoreContract):
    """The file with mode 0600."""

    kind = "file"


class TestKeyringInMemory(StoreContract):
    """A back end in the memory of this process, so the many are threads, and nobody is killed."""

    kind = "MemoryKeyring"
    test_a_kill_at_any_moment_loses_nothing = None  # type: ignore[assignment]

    @pytest.fixture(autouse=True)
    def empty(self) -> None:
        """Forgets what the test before has kept."""
        MemoryKeyring.values.clear()

    def many(self, processes: int, times: int) -> dict[str, int]:
        """The same as in StoreContract, in threads."""

        def work(user: str) -> None:
            opened = open_store(self.kind)
            for number in range(1, times + 1):
                opened.store(crowd.account(user, number))

        threads = [threading.Thread(target=work, args=(f"user-{number}",)) for number in range(processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {f"user-{number}": times for number in range(processes)}


class TestKeyringThatDeletesAndAdds(StoreContract):
    """A back end for all processes that replaces as the one of macOS does."""

    kind = "FileKeyring"


class TestKeyringOfWindows(StoreContract):
    """The limits and habits of the Windows Credential Manager."""

    kind = "WinVaultKeyring"


@pytest.mark.usefixtures("secret_service")
class TestKeyringOfGnome(StoreContract):
    """gnome-keyring, a real Secret Service."""

    kind = SECRET_SERVICE


def test_erasing_everything_leaves_no_item(secret_service: SecretService) -> None:
    store = open_store(SECRET_SERVICE)
    store.store(basic(b"alice"))
    store.store(basic(b"alice", path=b"a"))
    store.store(basic(b"bob", path=b"a"))
    assert len(secret_service.labels()) == 3  # two items and the index
    assert store.erase(asked(), Credential()) == 3
    assert secret_service.labels() == []
