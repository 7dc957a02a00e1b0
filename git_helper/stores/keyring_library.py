"""Entries of other programs in the keyring, by the library in our own process: `--keyring-provider import`.

Not our store (`os_keyring.py`): here services and user names are those that pip uses, and any back end counts, because the
person asked for it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

import keyring

from git_helper.errors import GitHelperError, StoreError, Timeout
from git_helper.secret import Secret
from git_helper.stores.time_limit import within

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
SECONDS = 30.0
_HINT = "see what it can do: keyring diagnose"

logging.getLogger("keyring").addHandler(logging.NullHandler())


class KeyringLibrary:
    """The back end that keyring chooses; each call ends within `seconds`."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def get(self, service: str, username: bytes | None) -> tuple[bytes, Secret] | None:
        """User name and password; without a user name those of anyone. Raises StoreError."""

        def work() -> tuple[bytes, Secret] | None:
            if username is not None:
                password = keyring.get_password(service, username.decode("utf-8", "surrogateescape"))
                return (username, _secret(password)) if password else None
            found = keyring.get_credential(service, None)
            return (found.username.encode(), _secret(found.password)) if found is not None and found.password else None

        return self._limited("read", work)

    def set(self, service: str, username: bytes, password: Secret) -> None:
        """Keeps an entry in place of an older one. Raises StoreError."""

        def work() -> None:
            keyring.set_password(service, username.decode("utf-8"), password.reveal().decode("utf-8"))

        self._limited("write to", work)

    def _limited(self, action: str, work: Callable[[], Result]) -> Result:
        late = Timeout(f"the keyring gave no answer within {self._seconds:g} s", "unlock it in your desktop session")
        try:
            return within(self._seconds, work, late)
        except GitHelperError:
            raise
        except Exception as error:
            kind = type(error).__name__  # its text may hold a secret
        raise StoreError(f"cannot {action} the keyring: its back end failed with '{kind}'", _HINT)


def _secret(text: str) -> Secret:
    return Secret(text.encode("utf-8", "surrogateescape"))
