"""`list` and `logout`: what the stores hold, and forgetting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.credential import Credential, Description
from git_helper.core.kept import Kept
from git_helper.errors import NotFound, UsageError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.core.chain import Store


def kept(stores: Sequence[Store]) -> list[Kept]:
    """Every account of every store, by URL and user."""
    found = [Kept(account, store.name, store.protection) for store in stores for account in store.accounts()]
    return sorted(found, key=lambda one: (one.account.url(), one.account.username or b"", one.store))


def forget(stores: Sequence[Store], wanted: Description, *, everyone: bool) -> list[Kept]:
    """Erases the accounts of `wanted` and returns them; several users are only erased together if `everyone`.

    Raises NotFound, and UsageError when it is not clear which user is meant.
    """
    found = [one for one in kept(stores) if one.account.answers(wanted)]
    place = visible(wanted.protocol + b"://" + wanted.host)
    if not found:
        raise NotFound(f"no account is stored for '{place}'", "see what is stored: git-helper list")
    users = sorted({visible(one.account.username or b"") for one in found})
    if len(users) > 1 and not everyone:
        raise UsageError(
            f"several accounts are stored for '{place}': {', '.join(users)}",
            f"say which one: git-helper logout {place} --username {users[0]}  (or --all)",
        )
    for store in stores:
        store.erase(wanted, Credential())
    return found
