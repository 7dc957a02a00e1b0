"""Bytes ↔ `Message` of git's credential protocol: lines of `key=value`, ended by an empty line or the end of input.

Rules of git-credential(1) "INPUT/OUTPUT FORMAT" and credential.c: split on LF only, one CR before it is dropped, values
are bytes that are never trimmed or decoded. What git itself would read two ways, or never send, makes a message unusable.
"""

TYPE_CHECKING = False  # typing.TYPE_CHECKING without the 12 ms of importing typing on every `get`
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

LINE_LIMIT = 1 << 20  # bytes; git-credential(1) promises at most 65,535
MESSAGE_LIMIT = 8 << 20  # bytes
IDENTITY = (b"protocol", b"host", b"path", b"username")
_FORBIDDEN = (b"\r", b"\0")  # CVE-2024-52006, CVE-2024-50338; git's C strings end at NUL


class Message:
    """The attributes of one message: scalars by name, `key[]` lists by name without brackets.

    `problem` says why the message must not be acted on, or is None.
    """

    __slots__ = ("lists", "problem", "scalars")

    def __init__(self) -> None:
        self.scalars: dict[bytes, bytes] = {}
        self.lists: dict[bytes, list[bytes]] = {}
        self.problem: str | None = None

    def get(self, key: bytes) -> "bytes | None":
        """The scalar's value (an empty one is a value), or None."""
        return self.scalars.get(key)

    def list(self, key: bytes) -> "list[bytes]":
        """The values of `key[]` in order, without its brackets in the name."""
        return self.lists.get(key, [])

    def flag(self, key: bytes) -> bool:
        """A scalar read as one of git's booleans (git-config(1)); anything else is false."""
        value = self.scalars.get(key, b"").lower()
        # No int(): it refuses more than 4,300 digits.
        return value in (b"true", b"yes", b"on") or (value.isdigit() and value.strip(b"0") != b"")


def read(stream: "BinaryIO") -> bytes:
    """The bytes of one message, up to its empty line or the end; callers may keep the stream open behind that line."""
    lines: list[bytes] = []
    size = 0
    new_line = True
    while size <= MESSAGE_LIMIT:
        line = stream.readline(LINE_LIMIT + 1)
        if not line or (new_line and line in (b"\n", b"\r\n")):
            break
        new_line = line.endswith(b"\n")
        size += len(line)
        lines.append(line)
    return b"".join(lines)


def parse(data: bytes) -> "Message":
    """The message in `data`; never raises: what cannot be trusted is said in `Message.problem`."""
    message = Message()
    if len(data) > MESSAGE_LIMIT:
        message.problem = "the message is too long"
        return message
    for line in data.split(b"\n"):
        line = line.removesuffix(b"\r")
        if not line:
            break
        key, equals, value = line.partition(b"=")
        if not equals or not key:
            message.problem = "a line is not 'key=value'"
        elif len(line) > LINE_LIMIT:
            message.problem = "a line is too long"
        elif key == b"url":
            message = _from_url(value, message.problem)
        elif key.endswith(b"[]"):
            _append(message, key[:-2], value)
        else:
            _set(message, key, value)
    return message


def _append(message: "Message", key: bytes, value: bytes) -> None:
    # git-credential(1): an empty value resets the list.
    if value:
        message.lists.setdefault(key, []).append(value)
    else:
        message.lists.pop(key, None)


def _set(message: "Message", key: bytes, value: bytes) -> None:
    if any(byte in value for byte in _FORBIDDEN):
        message.problem = f"the value of '{key.decode('ascii', 'replace')}' has a carriage return or NUL"
    elif key in IDENTITY and message.scalars.get(key, value) != value:
        # CVE-2020-5260: an injected second host must not replace the first.
        message.problem = f"'{key.decode()}' is given twice"
    message.scalars[key] = value


def _from_url(url: bytes, problem: "str | None") -> "Message":
    # credential_from_url() of git clears every field first, capabilities included.
    message = Message()
    message.problem = problem
    for key, value in url_fields(url):
        if b"\n" in value:
            message.problem = "the URL has an encoded line break"
        _set(message, key, value)
    if b"protocol" not in message.scalars:
        message.problem = "the URL has no scheme"
    elif b"@" in message.scalars[b"host"]:
        # Browsers would take the last `@` for the end of the user information, git takes the first.
        message.problem = "the URL has two '@' before its path"
    return message


def url_fields(url: bytes) -> "list[tuple[bytes, bytes]]":
    """`scheme://[user[:password]@]host[:port][/path]` as protocol attributes, percent-decoded; [] when it is no URL.

    As git's credential_from_url(): the authority ends at the first of `/?#`, user information at its first `@`.
    """
    scheme, separator, rest = url.partition(b"://")
    if not separator or not scheme:
        return []
    end = min((at for at in map(rest.find, (b"/", b"?", b"#")) if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:].lstrip(b"/").rstrip(b"/")
    userinfo, at, host = authority.partition(b"@") if b"@" in authority else (b"", b"", authority)
    fields = [(b"protocol", scheme), (b"host", unquote(host))]
    if path:
        fields.append((b"path", unquote(path)))
    if at:
        user, colon, password = userinfo.partition(b":")
        fields.append((b"username", unquote(user)))
        if colon:
            fields.append((b"password", unquote(password)))
    return fields


def unquote(value: bytes) -> bytes:
    """Percent-decoding (RFC 3986 §2.1) in which an escape that is none stays as it is."""
    head, *rest = value.split(b"%")
    parts = [head]
    for part in rest:
        digits = part[:2]
        if len(digits) == 2 and not digits.strip(b"0123456789abcdefABCDEF"):
            parts.append(bytes((int(digits, 16),)) + part[2:])
        else:
            parts.append(b"%" + part)
    return b"".join(parts)


def serialize(pairs: "Iterable[tuple[bytes, bytes]]") -> bytes:
    """`pairs` as lines, in order. Raises ValueError for a value that no line can carry (LF, CR, NUL)."""
    lines = []
    for key, value in pairs:
        if b"\n" in value or any(byte in value for byte in _FORBIDDEN):
            raise ValueError(f"the value of '{key.decode('ascii', 'replace')}' has a line break or NUL")
        lines.append(key + b"=" + value + b"\n")
    return b"".join(lines)
