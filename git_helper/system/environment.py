"""The only reader of the process environment."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def environment() -> "Mapping[str, str]":
    """The process environment, live."""
    return os.environ


def to_bytes(text: str) -> bytes:
    """A word of the environment or of argv as the bytes that it was."""
    return os.fsencode(text)


def is_true(value: "str | None") -> bool:
    """A switch in the environment: unset, empty and git's words for false (git-config(1)) are off, all else is on."""
    return value is not None and value.lower() not in ("", "0", "false", "no", "off", "f", "n")
