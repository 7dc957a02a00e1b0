"""Secrets masked by type, and the cleaning of text that others wrote.

A secret is a `Secret` from the door where it enters to the wire where it leaves. The protocol door loads this module on
every start, so it imports nothing.
"""

MASK = "****"


class Secret:
    """Bytes that no formatting, logging or pickling shows; only `reveal()` gives them (tests/house lists its callers)."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The secret itself: for the wire, a store or the person who asked for it, nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        # An empty password is a value (3-protocol: it ends git's chain), so truth must not mean "not empty".
        raise TypeError("test a Secret with 'is None', not by its truth")

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not written down")


def visible(text: "str | bytes") -> str:
    """Foreign text with every control character (C0, DEL, C1, line and paragraph separators, bidi) percent-encoded.

    Terminals act on those (CVE-2024-52005, CVE-2024-50349), so a person sees their bytes instead.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isprintable():  # none of them is; nearly all text ends here
        return text
    return "".join(_percent(char) if _is_control(char) else char for char in text)


def _is_control(char: str) -> bool:
    point = ord(char)
    return (
        point < 0x20
        or 0x7F <= point <= 0x9F
        or point == 0x061C
        or 0x200B <= point <= 0x200F
        or 0x2028 <= point <= 0x202E
        or 0x2066 <= point <= 0x2069
        or 0xD800 <= point <= 0xDFFF
        or point == 0xFEFF
    )


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in _bytes(char))


def _bytes(char: str) -> bytes:
    try:
        return char.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return char.encode("utf-8", "surrogatepass")  # a lone surrogate that stands for no byte
