"""Accounts in keyring items: one item for each protocol, host and path (a scope), and an index of all scopes.

An item is named `git-helper:https://host[/path]` and holds all its accounts as the text of `core/record.py`. A keyring
cannot be listed, so the item `git-helper:index` names the scopes (no secrets), the one changed last first.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_helper.core import record, wire
from git_helper.core.credential import Description
from git_helper.errors import StoreError
from git_helper.stores.keyring_items import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.core.credential import Account
    from git_helper.stores.keyring_items import Items

INDEX = "git-helper:index"
NAME_LIMIT = 1000  # characters; Windows takes 32,767 (CRED_MAX_GENERIC_TARGET_NAME_LENGTH), of others we do not know


class Shelf:
    """The accounts by scope. Each method raises StoreError; the caller holds a lock for those that write."""

    def __init__(self, items: Items, report: Callable[[StoreError], None]) -> None:
        self._items = items
        self._report = report

    def load(self, scope: Description) -> list[Account]:
        """What is in the scope's item, newest first: where names differ in case only (Windows), of other scopes too."""
        name = item_name(scope)
        try:
            return list(record.load(self._items.read(name) or b""))
        except ValueError:
            pass
        # Not chained: the error of a decoder holds what it could not decode.
        raise StoreError(
            f"the item '{name}' of the OS keyring is damaged",
            "delete it with your system's keyring program; its credentials are asked for anew",
        )

    def own(self, scope: Description) -> list[Account]:
        """The scope's accounts, newest first."""
        return [account for account in self.load(scope) if same_scope(account, scope)]

    def save(self, scope: Description, accounts: list[Account]) -> None:
        """Makes `accounts` the content of the scope's item, or removes the item when there are none."""
        if accounts:
            self._items.write(item_name(scope), record.dump(accounts))
        else:
            self._items.delete(item_name(scope))

    def scopes(self) -> list[Description]:
        """The known scopes. Of a damaged index those that can be read, and that is reported."""
        try:
            stanzas = (self._items.read(INDEX) or b"").split(b"\n\n")
        except ValueError:
            stanzas = [b"damaged"]
        scopes = [Description.of(wire.parse(stanza)) for stanza in stanzas if stanza]
        known = [scope for scope in scopes if scope is not None]
        if len(known) < len(scopes):
            hint = "what is stored anew appears again"
            self._report(StoreError(f"the item '{INDEX}' of the OS keyring is damaged", hint))
        return known

    def paths(self, wanted: Description) -> list[Description]:
        """The known scopes with a path on the host that `wanted` names."""
        return [
            scope
            for scope in self.scopes()
            if scope.path is not None and (scope.protocol, scope.host) == (wanted.protocol, wanted.host)
        ]

    def put_first(self, scope: Description) -> None:
        """Makes `scope` the first of the known ones."""
        known = self.scopes()
        if not known or not same_scope(known[0], scope):
            self._save_scopes([scope, *(other for other in known if not same_scope(other, scope))])

    def drop(self, scopes: list[Description]) -> None:
        """Makes `scopes` unknown."""
        known = self.scopes()
        left = [scope for scope in known if not any(same_scope(scope, other) for other in scopes)]
        if len(left) < len(known):
            self._save_scopes(left)

    def _save_scopes(self, scopes: list[Description]) -> None:
        if scopes:
            self._items.write(INDEX, b"\n".join(wire.serialize(scope.pairs()) for scope in scopes))
        else:
            self._items.delete(INDEX)


def scope_of(one: Account | Description) -> Description:
    """Its protocol, host and path."""
    return Description(one.protocol, one.host, one.path)


def same_scope(one: Account | Description, other: Account | Description) -> bool:
    """Whether both have the same protocol, host and path, byte for byte."""
    return (one.protocol, one.host, one.path) == (other.protocol, other.host, other.path)


def item_name(scope: Description) -> str:
    """The name of the scope's item, in printable ASCII; of a very long one the beginning and a hash."""
    path = "" if scope.path is None else "/" + "/".join(map(quoted, scope.path.split(b"/")))
    name = f"git-helper:{quoted(scope.protocol)}://{quoted(scope.host)}{path}"
    if len(name) <= NAME_LIMIT:
        return name
    return f"{name[:NAME_LIMIT]}#{hashlib.sha256(name.encode()).hexdigest()}"
