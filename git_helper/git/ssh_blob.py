"""Public keys of servers as the wire and known_hosts have them (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709, PROTOCOL.u2f)."""

from __future__ import annotations

import base64
import hashlib
import struct

CERTIFIED = "-cert-v01@openssh.com"
"""What the names of types of certificates end with (PROTOCOL.certkeys)."""

SMALLEST_RSA = 1024  # bits; OpenSSH reads none below (SSH_RSA_MINIMUM_MODULUS_SIZE)
_POINTS = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
_FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}


class Malformed(ValueError):
    """Bytes that are no key of a type that we know; the text says why."""


class Fields:
    """Reads the fields of RFC 4251 §5 from `data`, one after the other. Each raises Malformed at the end of the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise Malformed("it is cut off")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def string(self) -> bytes:
        """A `string`."""
        return self._take(self.uint32())

    def text(self) -> str:
        """A `string` of ASCII."""
        try:
            return self.string().decode("ascii")
        except UnicodeDecodeError:
            raise Malformed("a name in it is not ASCII") from None

    def uint32(self) -> int:
        """A `uint32`."""
        number: int = struct.unpack(">I", self._take(4))[0]
        return number

    def uint64(self) -> int:
        """A `uint64`."""
        number: int = struct.unpack(">Q", self._take(8))[0]
        return number

    def strings(self) -> list[bytes]:
        """All that is left, as `string`s."""
        found: list[bytes] = []
        while self._at < len(self._data):
            found.append(self.string())
        return found

    def end(self) -> None:
        """Raises Malformed unless all was read."""
        if self._at != len(self._data):
            raise Malformed("there is more in it than a key")


def packed(data: bytes) -> bytes:
    """A `string` of RFC 4251 §5."""
    return struct.pack(">I", len(data)) + data


def plain_type(name: str) -> str:
    """The type of key that is in a certificate of the type `name`; other names are what they are."""
    if not name.endswith(CERTIFIED):
        return name
    base = name.removesuffix(CERTIFIED)
    return base + "@openssh.com" if base.startswith("sk-") else base


def key_fields(kind: str, fields: Fields) -> list[bytes]:
    """The fields of a key of the type `kind`, checked for their sizes. Raises Malformed."""
    if kind not in _FIELDS:
        raise Malformed("its type is not supported")
    found = [fields.string() for _ in range(_FIELDS[kind])]
    if kind == "ssh-rsa":
        if int.from_bytes(found[1], "big").bit_length() < SMALLEST_RSA:
            raise Malformed(f"an RSA key has at least {SMALLEST_RSA} bits")
    elif "ecdsa" in kind:
        curve = kind.removesuffix("@openssh.com").rpartition("-")[2]
        if found[0] != curve.encode() or len(found[1]) != _POINTS[curve] or found[1][:1] != b"\x04":
            raise Malformed("its point is not on its curve")
    elif len(found[0]) != 32:
        raise Malformed("an Ed25519 key has 32 bytes")
    return found


def key_type(blob: bytes) -> str:
    """The type of a whole public key that is no certificate. Raises Malformed for all else."""
    fields = Fields(blob)
    kind = fields.text()
    key_fields(kind, fields)
    fields.end()
    return kind


def decoded(kind: bytes, text: bytes) -> tuple[str, bytes]:
    """Type and bytes of a key written as `kind text` (base64). Raises Malformed."""
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError:
        raise Malformed("it is not base64") from None
    found = key_type(blob)
    if found.encode() != kind:
        raise Malformed("it is of another type than the line says")
    return found, blob


def fingerprint(blob: bytes) -> str:
    """What OpenSSH prints: `SHA256:` and the hash of the key in base64 without padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
