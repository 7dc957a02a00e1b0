"""The lines of known_hosts files (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). A bad line is noted and costs only itself."""

from __future__ import annotations

import base64
import hashlib
import hmac

from git_helper.frozen import frozen
from git_helper.git.ssh.fields import Malformed
from git_helper.git.ssh.patterns import lower, matches_host
from git_helper.git.ssh.public_key import decoded

AUTHORITY, REVOKED = "@cert-authority", "@revoked"
DEFAULT_PORT = 22
SALT_SIZE = 20  # bytes, those of a SHA-1


@frozen
class Entry:
    """A key for hosts. `marker`: "", AUTHORITY or REVOKED; `hosts`: patterns, or one hash, as written."""

    file: str
    line: int
    marker: str
    hosts: str
    key_type: str
    key: bytes

    def names(self, name: str) -> bool:
        """Whether it is for `name`, which is lower case and has its port as in `place`."""
        if not self.hosts.startswith("|"):
            return matches_host(name, self.hosts)
        salt, digest = _hash_of(self.hosts)
        return hmac.compare_digest(_hmac(salt, name), digest)


def place(host: str, port: int | None) -> str:
    """How a host is looked up: lower case, `[host]:port` unless the port is 22 or None (a HostKeyAlias has no port)."""
    name = lower(host)
    return name if port is None or port == DEFAULT_PORT else f"[{name}]:{port}"


def hashed(name: str, salt: bytes) -> str:
    """`name` as HashKnownHosts writes it: HMAC-SHA1 with a salt of SALT_SIZE bytes."""
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(_hmac(salt, name)).decode()}"


def _hmac(salt: bytes, name: str) -> bytes:
    return hmac.digest(salt, name.encode("utf-8", "surrogateescape"), hashlib.sha1)


def _hash_of(hosts: str) -> tuple[bytes, bytes]:
    """Salt and digest of a hashed name. Raises Malformed."""
    parts = hosts.split("|")
    try:
        if len(parts) != 4 or parts[:2] != ["", "1"]:
            raise ValueError
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:])
        if len(salt) != SALT_SIZE or len(digest) != SALT_SIZE:
            raise ValueError
    except ValueError:
        raise Malformed("the hash of the host is bad") from None
    return salt, digest


def parse(file: str, content: bytes) -> tuple[list[Entry], list[tuple[int, str]]]:
    """The entries of a file, and the numbers of its bad lines with what is wrong with each."""
    entries: list[Entry] = []
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        line = line.partition(b"\0")[0].lstrip(b" \t\r")  # ssh, too, reads no further
        if not line or line.startswith(b"#"):
            continue
        try:
            entries.append(_entry(file, number, line))
        except Malformed as error:
            bad.append((number, str(error)))
    return entries, bad


def _entry(file: str, number: int, line: bytes) -> Entry:
    words = line.replace(b"\t", b" ").split(b" ")
    words = [word for word in words if word]
    marker = ""
    if words[0].startswith(b"@"):
        marker = words.pop(0).decode("ascii", "replace")
        if marker not in (AUTHORITY, REVOKED) or (words and words[0].startswith(b"@")):
            raise Malformed("its marker is unknown")
        # ssh looks for a space behind a marker before it looks for a tab, and so trusts no such authority.
        if marker == AUTHORITY and b" " in line and line[len(marker) : len(marker) + 1] != b" ":
            raise Malformed("its marker needs a space behind it")
    if len(words) < 3 or words[1].startswith(b"#"):
        raise Malformed("it has no key")
    hosts = words[0].decode("utf-8", "surrogateescape")
    if hosts.startswith("|"):
        _hash_of(hosts)
    kind, key = decoded(words[1], words[2].rstrip(b"\r"))
    return Entry(file, number, marker, hosts, kind, key)
