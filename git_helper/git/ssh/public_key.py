"""Public keys and certificates: on the wire, in known_hosts, in files (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709, PROTOCOL.key).

Nothing here needs cryptography: only who signs does.
"""

from __future__ import annotations

import base64
import hashlib

from git_helper.frozen import frozen
from git_helper.git.ssh.fields import Fields, Malformed, packed

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
_MAGIC = b"openssh-key-v1\0"
_LONGEST_FILE = 1 << 20
_FOR_USERS = 1
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


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


@frozen
class Public:
    """A public key: `blob` as the wire has it, of a certificate the whole of it; `plain` the key alone."""

    blob: bytes
    plain: bytes
    type: str

    @classmethod
    def parse(cls, blob: bytes) -> Public | None:
        """None for what is no key of a type we know, and for certificates that are not for users."""
        fields = Fields(blob)
        try:
            name = fields.text()
            kind = plain_type(name)
            if name == kind:
                return cls(blob, blob, key_type(blob))
            fields.string()  # the nonce
            plain = packed(kind.encode()) + b"".join(map(packed, key_fields(kind, fields)))
            fields.uint64()  # the serial number
            return cls(blob, plain, kind) if fields.uint32() == _FOR_USERS else None
        except Malformed:
            return None

    @property
    def certified(self) -> bool:
        """Whether this is a certificate."""
        return self.blob != self.plain

    def algorithms(self) -> tuple[str, ...]:
        """The names of signatures that it can make, the best first."""
        names = _RSA_SIGNATURES if self.type == "ssh-rsa" else (self.type,)
        return tuple(_certified_name(name) for name in names) if self.certified else names


def _certified_name(name: str) -> str:
    return name.replace("@openssh.com", "") + CERTIFIED


def load_public(path: str) -> Public | None:
    """The public key that belongs to the private key `path`, without its passphrase; None when that is not to be had.

    From the file itself (in OpenSSH's format that part is not encrypted), or from `path`.pub.
    """
    for name in (path, path + ".pub"):
        try:
            with open(name, "rb") as file:
                data = file.read(_LONGEST_FILE)
        except OSError:
            continue
        public = _public_of_private(data) or parse_public_line(data)
        if public is not None:
            return public
    return None


def parse_public_line(data: bytes) -> Public | None:
    """A line `type base64 comment`, of a public key or certificate; the first one that is none of these counts."""
    for line in data.split(b"\n"):
        words = line.strip(b" \t\r").split(None, 2)
        if not words or words[0].startswith(b"#"):
            continue
        try:
            blob = base64.b64decode(words[1], validate=True) if len(words) > 1 else b""
            return Public.parse(blob) if Fields(blob).text().encode() == words[0] else None
        except ValueError:
            return None
    return None


def _public_of_private(data: bytes) -> Public | None:
    begin, end = b"-----BEGIN OPENSSH PRIVATE KEY-----", b"-----END OPENSSH PRIVATE KEY-----"
    _, found, rest = data.partition(begin)
    text, closed, _ = rest.partition(end)
    if not found or not closed:
        return None
    try:
        content = base64.b64decode(text.translate(None, b" \t\r\n"), validate=True)
        if not content.startswith(_MAGIC):
            return None
        fields = Fields(content[len(_MAGIC) :])
        for _ in range(3):  # cipher, key derivation, its options
            fields.string()
        fields.uint32()  # how many keys
        blob = fields.string()
    except ValueError:
        return None
    return Public.parse(blob)
