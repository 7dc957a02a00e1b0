"""Which keys of servers are trusted: known_hosts files, the verdict on a key, and new lines.

Stricter than ssh in two ways: a changed or revoked key is refused whatever StrictHostKeyChecking says, and a key counts as
changed also when only keys of other types are known.
"""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from git_helper.errors import StoreError, UsageError, reason
from git_helper.frozen import frozen
from git_helper.git.ssh.fields import Malformed
from git_helper.git.ssh.jumps import is_safe_host
from git_helper.git.ssh.known_hosts_lines import AUTHORITY, REVOKED, SALT_SIZE, hashed, parse, place
from git_helper.git.ssh.public_key import CERTIFIED, decoded, fingerprint, key_type, plain_type
from git_helper.secret import visible
from git_helper.system.files import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_helper.git.ssh.known_hosts_lines import Entry

_KRL_MAGIC = b"SSHKRL\n\0"


class KnownHostsError(UsageError):
    """A list of keys that cannot be used, or a line that cannot be written."""


@frozen
class Known:
    """The key is trusted by this line."""

    file: str
    line: int


@frozen
class Unknown:
    """No line knows the host. `note`: why its certificate does not count, else empty."""

    fingerprint: str
    note: str = ""


@frozen
class Changed:
    """The line (from 1) has another key for the host; `fingerprint`: of the key that was shown, `known`: of the line's."""

    file: str
    line: int
    fingerprint: str
    known: str
    note: str = ""


@frozen
class Revoked:
    """The line says never to trust the key."""

    file: str
    line: int
    fingerprint: str


Verdict = Known | Unknown | Changed | Revoked


class KnownHosts:
    """The lines of some known_hosts files. `notes`: what was skipped, and why; for a person who wonders.

    `names` below: the host, or the HostKeyAlias with None as port. Where nothing is known of a port other than 22, lines
    without port count, too, as long as they have the very key (sshconnect.c, "checking without port identifier").
    """

    def __init__(self, entries: Iterable[Entry], revoked: Iterable[Revocation] = (), notes: Iterable[str] = ()) -> None:
        self._entries = tuple(entries)
        self._revoked = tuple(revoked)
        self.notes = tuple(notes)

    @classmethod
    def load(cls, paths: Iterable[str], revoked: str | None = None) -> KnownHosts:
        """Reads the files that are there. `revoked`: the file of RevokedHostKeys, public keys in lines.

        Raises KnownHostsError only for `revoked`: without that file no key may be trusted (ssh_config(5)).
        """
        entries: list[Entry] = []
        notes: list[str] = []
        for path in dict.fromkeys(paths):
            try:
                with open(path, "rb") as file:
                    content = file.read()
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                notes.append(f"'{visible(path)}' is not read: {getattr(error, 'strerror', None) or error}")
                continue
            found, bad = parse(path, content)
            entries += found
            notes += [f"'{visible(path)}', line {number} is skipped: {reason}" for number, reason in bad]
        return cls(entries, () if revoked is None else load_revoked(revoked), notes)

    def check(self, names: Sequence[str], port: int | None, key_type: str, key_blob: bytes) -> Verdict:
        """The verdict on a key that is no certificate (for those: `host_certificates.check`)."""
        shown = fingerprint(key_blob)
        revoked = self.revocation(names, port, (key_blob,))
        if revoked is not None:
            return revoked
        others: list[Entry] = []
        for entry in self._for(names, port, ""):
            if entry.key == key_blob:
                return Known(entry.file, entry.line)
            others.append(entry)
        if others:
            same = [entry for entry in others if entry.key_type == plain_type(key_type)]
            worst = (same or others)[0]
            return Changed(worst.file, worst.line, shown, fingerprint(worst.key))
        for entry in self._for(names, None, ""):
            if entry.key == key_blob:
                return Known(entry.file, entry.line)
        return Unknown(shown)

    def revocation(self, names: Sequence[str], port: int | None, keys: Sequence[bytes]) -> Revoked | None:
        """The first line that revokes one of `keys` for the host, with or without its port."""
        for entry in (*self._for(names, port, REVOKED), *self._for(names, None, REVOKED)):
            if entry.key in keys:
                return Revoked(entry.file, entry.line, fingerprint(entry.key))
        for gone in self._revoked:
            if gone.key in keys:
                return Revoked(gone.file, gone.line, fingerprint(gone.key))
        return None

    def authority(self, names: Sequence[str], port: int | None, key_blob: bytes) -> Known | None:
        """The line that trusts `key_blob` to certify the host."""
        for entry in self._for(names, port, AUTHORITY):
            if entry.key == key_blob:
                return Known(entry.file, entry.line)
        return None

    def entries_for(self, names: Sequence[str], port: int | None) -> list[Entry]:
        """All lines for the host, whatever they say of it; those without port where no other names it."""
        wanted = [self._for(names, port, marker) for marker in ("", AUTHORITY, REVOKED)]
        wanted[0] = wanted[0] or self._for(names, None, "")
        wanted[2] = list(dict.fromkeys([*wanted[2], *self._for(names, None, REVOKED)]))
        found = [entry for entries in wanted for entry in entries]
        return sorted(found, key=self._entries.index)

    def key_types_for(self, names: Sequence[str], port: int | None) -> tuple[str, ...]:
        """The types of the keys that are known for the host, in the order of the lines; `ssh-rsa` is any RSA key."""
        found = self._for(names, port, "") or self._for(names, None, "")
        return tuple(dict.fromkeys(entry.key_type for entry in found))

    def ordered(self, algorithms: Sequence[str], names: Sequence[str], port: int | None) -> tuple[str, ...]:
        """The host key algorithms in the order in which to offer them, so that the server shows a key that we know.

        Certificates come first when an authority is known for the host, else last; then the known types.
        """
        has_authority = bool(self._for(names, port, AUTHORITY))
        known = self.key_types_for(names, port)

        def rank(name: str) -> int:
            if name.endswith(CERTIFIED):
                return 0 if has_authority else 3
            return 1 if (("ssh-rsa" if name.startswith("rsa-sha2-") else name) in known) else 2

        return tuple(sorted(algorithms, key=rank))

    def _for(self, names: Sequence[str], port: int | None, marker: str) -> list[Entry]:
        places = [place(name, port) for name in names]
        return [entry for entry in self._entries if entry.marker == marker and any(map(entry.names, places))]


@frozen
class Revocation:
    """A key in the file of RevokedHostKeys."""

    file: str
    line: int
    key: bytes


def load_revoked(path: str) -> tuple[Revocation, ...]:
    """The keys in the file of RevokedHostKeys. Raises KnownHostsError for what is not public keys in lines."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KnownHostsError(f"cannot read the revoked host keys '{visible(path)}': {reason}") from error
    if content.startswith(_KRL_MAGIC):
        hint = "let the ssh program connect: export GIT_SSH_COMMAND=ssh"
        raise KnownHostsError(
            f"cannot read the revoked host keys '{visible(path)}': binary lists are not supported", hint
        )
    return tuple(_revocations(path, content))


def _revocations(path: str, content: bytes) -> Iterator[Revocation]:
    for number, line in enumerate(content.split(b"\n"), 1):
        words = [word for word in line.strip(b" \t\r").replace(b"\t", b" ").split(b" ") if word]
        if not words or words[0].startswith(b"#"):
            continue
        try:
            if len(words) < 2:
                raise Malformed("it has no key")
            yield Revocation(path, number, decoded(words[0], words[1])[1])
        except Malformed as error:
            raise KnownHostsError(
                f"cannot use the revoked host keys '{visible(path)}', line {number}: {error}"
            ) from error


def append(path: str, host: str, port: int | None, key_blob: bytes, *, hash_names: bool) -> None:
    """Adds a line for the host: to the end, in one write, so that several processes may do it at once.

    A new file has mode 0600, a new folder 0700. Raises KnownHostsError for a host that a line cannot name, or a key that is
    none; StoreError.
    """
    name = place(host, port)
    try:
        kind = key_type(key_blob)
    except Malformed as error:
        raise KnownHostsError(f"cannot remember the key of '{visible(host)}': {error}") from error
    if not is_safe_host(host) or any(char in ",*?!#@|" for char in host):
        raise KnownHostsError(f"cannot remember the key of '{visible(host)}': its name is a pattern")
    shown = hashed(name, os.urandom(SALT_SIZE)) if hash_names else name
    line = f"{shown} {kind} {base64.b64encode(key_blob).decode()}\n".encode("utf-8", "surrogateescape")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        private_folder(folder)
    try:
        _append(path, line)
    except OSError as error:
        raise StoreError(f"cannot write '{visible(path)}': {reason(error)}") from error


def _append(path: str, line: bytes) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            # A line without end, of an editor or of a full disk, must not swallow ours.
            line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line
        if os.write(descriptor, line) != len(line):
            raise OSError(None, "the disk is full")
    finally:
        os.close(descriptor)
