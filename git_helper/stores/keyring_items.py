"""Bytes of any content and length under a name, on top of a keyring that may take only short text.

A name is an item's service name; its user name is always `USER`. The item's value is one of

- the bytes as text, where they are plain text, so that a person who looks into the keyring can read them;
- `base64:` and the bytes in base64;
- `parts:SLOT:COUNT:STAMP`, where the back end takes short values only: the text is in the items `NAME#SLOT.1` and on,
  each as `STAMP:` and its share. New parts go to the other slot before this head names them, and a stamp tells a share
  of an older text, so that readers see the old text or the new one, never a mix, and a killed writer leaves either.

While a back end that deletes before it adds (macOS) replaces an item, `NAME#old` holds its previous value.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from typing import TYPE_CHECKING

from git_helper.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Backend(Protocol):
        """A keyring by names. Each method raises StoreError when the keyring fails."""

        def get(self, name: str) -> str | None:
            """The value, None when there is none."""

        def set(self, name: str, value: str) -> None:
            """Keeps the value in place of an older one."""

        def delete(self, name: str) -> None:
            """Forgets the value, if there is one."""


USER = "accounts"
# Windows takes 2,560 bytes of UTF-16 (CRED_MAX_CREDENTIAL_BLOB_SIZE), 1,280 characters, of which a stamp is the first.
SHARE = 1200
_BASE64 = "base64:"
_PARTS = "parts:"
_OTHER_SLOT = {"a": "b", "b": "a"}
_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:[]@+,=")


class Items:
    """Named bytes in `backend`. `short`: it takes short values only; `whole`: it replaces a value in one step."""

    def __init__(self, backend: Backend, *, short: bool, whole: bool) -> None:
        self._backend = backend
        self._short = short
        self._whole = whole

    def read(self, name: str) -> bytes | None:
        """The bytes, None when there are none. Raises ValueError for an item that is damaged."""
        head = self._head(name)
        while head is not None and head.startswith(_PARTS):
            text = self._joined(name, head)
            if text is not None:
                return _decoded(text)
            # A writer that was faster than us has put another head there, else a part is really missing.
            before, head = head, self._head(name)
            if head == before:
                raise ValueError("a part is missing")
        return None if head is None else _decoded(head)

    def write(self, name: str, content: bytes) -> None:
        """Keeps `content` in place of what is there; a kill leaves the one or the other. The caller holds a lock."""
        text = _encoded(content, ascii_only=self._short)
        before = self._head(name) or "" if self._short or not self._whole else ""
        used = _slot(before)
        # keyring copies what it overwrites on Windows, so there even short secrets go to parts, which are only deleted.
        if self._short:
            text = self._write_parts(name, _OTHER_SLOT.get(used, "a"), text)
        self._replace(name, before, text)
        if used:
            self._delete_parts(name, used)

    def delete(self, name: str) -> None:
        """Forgets the bytes under `name`. The caller holds a lock."""
        head = self._head(name) or ""
        if not self._whole:
            self._backend.delete(_old(name))  # first: without its head it would count again
        self._backend.delete(name)
        for slot in _OTHER_SLOT if self._short or _slot(head) else ():
            self._delete_parts(name, slot)

    def _head(self, name: str) -> str | None:
        head = self._backend.get(name)
        if head is not None or self._whole:
            return head
        # A writer may be between deleting and adding; when the old value is gone too, it has just added the new one.
        old = self._backend.get(_old(name))
        return self._backend.get(name) if old is None else old

    def _replace(self, name: str, before: str, text: str) -> None:
        if self._whole:
            self._backend.set(name, text)
            return
        if before and self._backend.get(name) is not None:  # else a killed writer left only the old value: keep that
            self._backend.set(_old(name), before)
        self._backend.set(name, text)
        self._backend.delete(_old(name))

    def _joined(self, name: str, head: str) -> str | None:
        """The text of the parts that `head` names; None when one of them is missing or of another text."""
        slot, count, stamp = _fields(head)
        shares = []
        for part in _names(name, slot, count):
            found, colon, share = (self._backend.get(part) or "").partition(":")
            if not colon or found != stamp:
                return None
            shares.append(share)
        return "".join(shares)

    def _write_parts(self, name: str, slot: str, text: str) -> str:
        """Writes the parts and returns their head. What a killed writer left in the slot goes first."""
        self._delete_parts(name, slot)
        stamp = os.urandom(6).hex()
        shares = [text[at : at + SHARE] for at in range(0, len(text), SHARE)]
        try:
            for part, share in zip(_names(name, slot, len(shares)), shares, strict=True):
                self._backend.set(part, f"{stamp}:{share}")
        except StoreError:
            with contextlib.suppress(StoreError):
                self._delete_parts(name, slot)
            raise
        return f"{_PARTS}{slot}:{len(shares)}:{stamp}"

    def _delete_parts(self, name: str, slot: str) -> None:
        # Written upwards and deleted downwards, so that those of a killed writer are found by counting up.
        there = []
        for part in _names(name, slot, None):
            if self._backend.get(part) is None:
                break
            there.append(part)
        for part in reversed(there):
            self._backend.delete(part)


def quoted(value: bytes) -> str:
    """`value` for use in a name: printable ASCII, without what separates the fields of a name."""
    return "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in value)


def _encoded(content: bytes, *, ascii_only: bool) -> str:
    try:
        text = content.decode("ascii" if ascii_only else "utf-8")
    except UnicodeDecodeError:
        text = ""
    # Back ends differ in what they make of control characters and byte order marks, never of base64.
    if text and all(char == "\n" or char.isprintable() for char in text):
        return text
    return _BASE64 + base64.b64encode(content).decode("ascii")


def _decoded(text: str) -> bytes:
    if not text.startswith(_BASE64):
        return text.encode("utf-8")
    try:
        return base64.b64decode(text[len(_BASE64) :], validate=True)
    except binascii.Error as error:
        raise ValueError("the value is not base64") from error


def _slot(head: str) -> str:
    """The slot whose parts `head` names; empty when it names none."""
    return _fields(head)[0] if head.startswith(_PARTS) else ""


def _fields(head: str) -> tuple[str, int, str]:
    slot, count, stamp = head.removeprefix(_PARTS).split(":")
    if slot not in _OTHER_SLOT:
        raise ValueError("the value names no parts")
    return slot, int(count), stamp


def _names(name: str, slot: str, count: int | None) -> Iterator[str]:
    number = 0
    while count is None or number < count:
        number += 1
        yield f"{name}#{slot}.{number}"


def _old(name: str) -> str:
    return f"{name}#old"
