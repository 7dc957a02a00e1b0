"""The keyring as pip and uv use it (`--keyring-provider`): entries that other programs keep under an index or host.

Only on request: a keyring may open windows or block where nobody sees it. pip and uv name their entries alike: the index's
URL as given, then its host.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Protocol

from git_helper.core.credential import Credential
from git_helper.core.redaction import redact
from git_helper.core.userinfo import looks_like_token
from git_helper.errors import StoreError
from git_helper.secret import Secret
from git_helper.system import executables, process

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from git_helper.core.credential import Description, Origin

    Entry = tuple[bytes, Secret]

SECONDS = 30.0
_LIMIT = 1 << 16  # bytes of an answer
_GUARD = {"GIT_HELPER_CHAIN": "1"}
_NONE = 1  # exit code of `keyring get`


class Keyring(Protocol):
    """A keyring by service and user."""

    def get(self, service: str, username: bytes | None) -> Entry | None:
        """User name and password; without a user name those of anyone. Raises StoreError."""


class KeyringProvider:
    """Asks `keyring` under the names that pip and uv use; each once, and once it is broken, never again."""

    def __init__(self, keyring: Keyring, allow_http: Iterable[bytes]) -> None:
        self._keyring = keyring
        self._allow_http = tuple(allow_http)
        self._answers: dict[tuple[str, bytes | None], Entry | None] = {}
        self._is_broken = False
        self._lock = threading.Lock()  # a keyring that asks a person must not ask twice at a time

    def find(self, wanted: Description) -> Iterator[Credential]:
        """The first entry for the index, the host or, over plain http, its URL. Raises StoreError the first time it fails."""
        origin = wanted.origin()
        if origin is None or not origin.may_get_tokens(self._allow_http):
            return
        if wanted.username is not None and looks_like_token(wanted.username.decode("utf-8", "replace")):
            return
        for service in services(origin, getattr(wanted, "service", None)):
            entry = self._ask(service, wanted.username)
            if entry is not None:
                yield Credential(*entry)
                return

    def _ask(self, service: str, username: bytes | None) -> Entry | None:
        key = (service, username)
        with self._lock:
            if key not in self._answers and not self._is_broken:
                try:
                    self._answers[key] = self._keyring.get(service, username)
                except StoreError:
                    self._is_broken = True
                    raise
            return self._answers.get(key)


class KeyringProgram:
    """The program `keyring` on PATH (https://pypi.org/project/keyring), `subprocess` for pip and uv."""

    def __init__(self, environ: Mapping[str, str], seconds: float = SECONDS) -> None:
        """`seconds`: the limit of each call."""
        self._environ = process.for_children(environ) | _GUARD
        self._seconds = seconds

    def get(self, service: str, username: bytes | None) -> Entry | None:
        """See Keyring. Anyone's entry needs keyring 25.2.1."""
        if username is None:
            answer = self._run(service, "--mode", "creds")
            user, separator, password = (answer or b"").partition(os.linesep.encode())
            return (user, Secret(password)) if separator and password else None
        if username.startswith(b"-"):
            raise StoreError("cannot ask the keyring provider: the user name looks like an option")
        password = self._run(service, os.fsdecode(username)) or b""
        return (username, Secret(password)) if password else None

    def _run(self, service: str, *words: str) -> bytes | None:
        """What it wrote without the one line end behind it; None when it has no entry."""
        program = executables.find("keyring", self._environ)
        if program is None:
            raise StoreError(
                "cannot ask the keyring provider: 'keyring' is not on PATH",
                "install it: pip install keyring; or use --keyring-provider import",
            )
        done = process.run([program, "get", service, *words], None, self._seconds, self._environ, _LIMIT)
        said = done.stderr.decode("utf-8", "replace").rstrip()
        # Also a failure of the back end ends in 1; there the last line of the traceback says what it is.
        if done.code == _NONE and "Traceback (most" not in said:
            return None
        if done.code:
            reason = redact(said.rpartition("\n")[2])[:200] or f"exit code {done.code}"
            raise StoreError(f"cannot ask the keyring provider: {reason}", "see what it can do: keyring diagnose")
        return done.stdout.removesuffix(os.linesep.encode())


def services(origin: Origin, index: str | None) -> Iterator[str]:
    """The names to ask for, in order. `index`: its URL as given, without userinfo."""
    if index is not None:
        yield index
    yield origin.authority()
    if origin.scheme != b"https":
        yield str(origin)
