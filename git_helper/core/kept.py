"""An account together with the store that holds it: what listings show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.frozen import frozen

if TYPE_CHECKING:
    from git_helper.core.credential import Account


@frozen
class Kept:
    """One account, its store's name, and what protects it there."""

    account: Account
    store: str
    protection: str
