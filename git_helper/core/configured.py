"""A description together with what git's configuration says of its whole URL.

git looks up `credential.<url>.*` with the path and drops the path only then (credential.c, credential_apply_config): what is
sent to helpers does not tell any more which helpers these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_helper.core.credential import Description

if TYPE_CHECKING:
    from collections.abc import Hashable


class Configured(Description):
    """`rules`: equal ones for places that are served alike, such as all repositories of one team."""

    __slots__ = ("rules",)

    def __init__(self, wanted: Description, rules: Hashable) -> None:
        super().__init__(wanted.protocol, wanted.host, wanted.path, wanted.username)
        self.rules = rules

    def narrowed(self, username: bytes) -> Configured:
        """The same for one user."""
        return Configured(super().narrowed(username), self.rules)


def rules_of(wanted: Description) -> Any:
    """The rules of its own; None where the description alone says which ones hold."""
    return wanted.rules if isinstance(wanted, Configured) else None
