"""`list` and `logout`: what the stores hold, and forgetting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.credential import Credential, Description
from git_helper.core.kept import Kept
from git_helper.errors import NotFound, StoreError, UsageError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.core.chain import Report, Store
    from git_helper.core.credential import Account


def kept(stores: Sequence[Store], report: Report) -> list[Kept]:
    """Every account of every store, by URL and user; a store that is broken is reported, the others are read."""
    found: list[Kept] = []
    for store in stores:
        try:
            found += [Kept(account, store.name, store.protection) for account in store.accounts()]
        except StoreError as error:
            report(store.name, error)
    return sorted(found, key=lambda one: (one.account.url(), one.account.username or b"", one.store))


def forget(stores: Sequence[Store], wanted: Description, report: Report, *, everyone: bool) -> list[Kept]:
    """Erases the accounts of `wanted` and returns them; several users are only erased together if `everyone`.

    However host and port are spelled: it is the origin that counts. Raises NotFound, StoreError, and UsageError when it
    is not clear which user is meant.
    """
    found = [one for one in kept(stores, report) if _is_meant(one.account, wanted)]
    place = visible(wanted.protocol + b"://" + wanted.host)
    if not found:
        raise NotFound(f"no account is stored for '{place}'", "see what is stored: git-helper list")
    users = sorted({visible(one.account.username or b"") for one in found})
    if len(users) > 1 and not everyone:
        raise UsageError(
            f"several accounts are stored for '{place}': {', '.join(users)}",
            f"say which one: git-helper logout {place} --username {users[0]}  (or --all)",
        )
    for account in (one.account for one in found):
        exactly = Description(account.protocol, account.host, account.path, account.username)
        for store in stores:
            store.erase(exactly, Credential())
    return found


def _is_meant(account: Account, wanted: Description) -> bool:
    if account.answers(wanted):
        return True
    same = Description(account.protocol, account.host, wanted.path, wanted.username)
    origin = same.origin()
    return origin is not None and origin == wanted.origin() and account.answers(same)
