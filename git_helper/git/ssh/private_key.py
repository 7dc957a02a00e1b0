"""Private keys in files of every format, and their signatures (RFC 4253 §6.6, RFC 8332, RFC 5656); none is written here."""

from __future__ import annotations

import base64
import os
import stat
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
from git_helper.git.ssh.fields import packed
from git_helper.git.ssh.public_key import CERTIFIED, Public

if TYPE_CHECKING:
    from git_helper.secret import Secret

_LONGEST_FILE = 1 << 20
_RSA_HASHES: dict[str, hashes.HashAlgorithm] = {"rsa-sha2-512": hashes.SHA512(), "rsa-sha2-256": hashes.SHA256()}


class UnusableKey(GitHelperError):
    """A key file that cannot be used; the message is the reason, without the file's name."""


class Encrypted(UnusableKey):
    """It needs a passphrase, or another one."""


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
