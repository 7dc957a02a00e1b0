"""An account together with the store that holds it: what listings show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_helper.core.credential import Account


@dataclass(frozen=True)
class Kept:
    """One account, its store's name, and what protects it there."""

    account: Account
    store: str
    protection: str
