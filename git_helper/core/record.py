"""Accounts ↔ the text both our stores keep: one stanza of protocol lines for each account, ended by an empty line.

The format is the wire's own (`core/wire.py`), so every byte that git can send survives, and a store is read by searching
it for two lines instead of parsing it.
"""

from git_helper.core.credential import Account, Credential, Description
from git_helper.core.wire import parse, serialize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def dump(accounts: "Iterable[Account]") -> bytes:
    """The accounts as stanzas, in order. Raises ValueError for a value that no line can carry."""
    return b"".join(serialize(account.pairs()) + b"\n" for account in accounts)


def load(text: bytes) -> "Iterator[Account]":
    """The accounts of `text`, in order. Raises ValueError at a stanza that is none of ours."""
    for stanza in text.split(b"\n\n"):
        if stanza.strip(b"\n"):
            yield account(stanza.lstrip(b"\n"))


def account(stanza: bytes) -> "Account":
    """One stanza's account. Raises ValueError when it is damaged."""
    message = parse(stanza)
    description = Description.of(message)
    credential = Credential.of(message)
    if message.problem or description is None or not credential.is_complete():
        raise ValueError(message.problem or "a record has no protocol, host or secret")
    return Account(description.protocol, description.host, description.path, credential)


def find(text: bytes, wanted: "Description") -> "Iterator[Account]":
    """The accounts of `text` that answer `wanted`, in order; only stanzas of its host are parsed."""
    needle = b"\n" + serialize([(b"protocol", wanted.protocol), (b"host", wanted.host)])
    at = text.find(needle)
    while at >= 0:
        end = text.find(b"\n\n", at + 1)
        found = account(text[at + 1 : end if end >= 0 else len(text)])
        if found.answers(wanted):
            yield found
        at = text.find(needle, at + len(needle) - 1)


def replaced(accounts: "Iterable[Account]", new: "Account") -> "list[Account]":
    """`new` first (the newest answers a request that names no user), then the others without the one it replaces."""
    return [new, *(old for old in accounts if old.key() != new.key())]


def without(accounts: "Iterable[Account]", wanted: "Description", refused: "Credential") -> "list[Account]":
    """What is left after erasing all accounts that answer `wanted` and, where `refused` has a secret, hold that secret."""
    return [old for old in accounts if not (old.answers(wanted) and old.credential.same_secret(refused))]
