"""Keys on disk and on the wire: private key files of every format, public ones, certificates (PROTOCOL.key, RFC 4253 §6.6).

Only what is needed to log in: nothing here writes a key.
"""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from git_helper.errors import GitHelperError
from git_helper.git.ssh_blob import CERTIFIED, Fields, Malformed, key_fields, key_type, packed, plain_type

if TYPE_CHECKING:
    from git_helper.secret import Secret

_MAGIC = b"openssh-key-v1\0"
_LONGEST_FILE = 1 << 20
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {"rsa-sha2-512": hashes.SHA512(), "rsa-sha2-256": hashes.SHA256()}
_FOR_USERS = 1


class UnusableKey(GitHelperError):
    """A key file that cannot be used; the message is the reason, without the file's name."""


class Encrypted(UnusableKey):
    """It needs a passphrase, or another one."""


@dataclass(frozen=True)
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
        names = tuple(_RSA_HASHES) if self.type == "ssh-rsa" else (self.type,)
        return tuple(_certified_name(name) for name in names) if self.certified else names


def _certified_name(name: str) -> str:
    return name.replace("@openssh.com", "") + CERTIFIED


class PrivateKey:
    """A key that signs."""

    def __init__(self, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        public = Public.parse(base64.b64decode(line.split(b" ")[1]))
        if public is None:
            raise UnusableKey("its curve is not one of SSH's")
        self.public = public

    def sign(self, data: bytes, algorithm: str) -> bytes:
        """A signature as RFC 4253 §6.6 packs it; `algorithm` without that of certificates (RFC 8332, RFC 5656)."""
        name = algorithm.removesuffix(CERTIFIED)
        if isinstance(self._key, rsa.RSAPrivateKey):
            return packed(name.encode()) + packed(self._key.sign(data, padding.PKCS1v15(), _RSA_HASHES[name]))
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return packed(name.encode()) + packed(self._key.sign(data))
        bits = self._key.curve.key_size
        hash_ = hashes.SHA256() if bits <= 256 else hashes.SHA384() if bits <= 384 else hashes.SHA512()
        numbers = decode_dss_signature(self._key.sign(data, ec.ECDSA(hash_)))
        return packed(name.encode()) + packed(b"".join(packed(_mpint(number)) for number in numbers))


def _mpint(number: int) -> bytes:
    # One bit more than it needs: a leading 1 would make it negative.
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def load_private(path: str, passphrase: Secret | None = None) -> PrivateKey:
    """The private key in `path`. Raises Encrypted, UnusableKey."""
    data = _read_private(path)
    word = None if passphrase is None else passphrase.reveal()
    load = load_ssh_private_key if b"BEGIN OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        key = load(data, word)
    except TypeError:
        if word is None:
            raise Encrypted("it is encrypted") from None
        return load_private(path)
    except UnsupportedAlgorithm:
        raise UnusableKey("its type is not supported; an agent may be able to use it") from None
    except ValueError:
        if word is not None:
            raise Encrypted("the passphrase is wrong") from None
        raise UnusableKey("it is no private key") from None
    if isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
        return PrivateKey(key)
    raise UnusableKey("its type is not supported")


def _read_private(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise UnusableKey((error.strerror or "it cannot be read").lower()) from None
    if len(data) > _LONGEST_FILE or not stat.S_ISREG(found.st_mode):
        raise UnusableKey("it is no private key")
    # As OpenSSH: who else can read it has it, too (sshkey_perm_ok).
    if hasattr(os, "getuid") and found.st_uid == os.getuid() and found.st_mode & 0o077:
        raise UnusableKey(f"its mode {stat.S_IMODE(found.st_mode):04o} lets others read it: chmod 600")
    return data


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
