"""The other Git credential helpers, run directly, in git's order and with git's rules.

Never through `git credential fill`: that would start us again, without end (3-protocol §11). Rules: credential.c
(credential_fill, credential_do), gitcredentials(7) "CUSTOM HELPERS", git-credential(1).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from git_helper.core.configured import rules_of
from git_helper.core.credential import Credential, Description
from git_helper.core.redaction import redact
from git_helper.core.wire import Message, parse, serialize
from git_helper.errors import Cancelled, GitHelperError, StoreError
from git_helper.secret import Secret, visible
from git_helper.system import executables, process
from git_helper.system.git_config import GitConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from git_helper.system.git_config import CredentialSettings, Entry

GUARD = "GIT_HELPER_CHAIN"
"""Set for the helpers that we run, and for them only: whoever starts us again below them gets silence."""
SECONDS = 30.0
LIMIT = 1 << 20  # bytes of output

_SILENCE = {
    GUARD: "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # set but empty: hides core.askPass and SSH_ASKPASS, too
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
}
_BASIC = (b"username", b"password", b"password_expiry_utc", b"oauth_refresh_token", b"ephemeral")
_READY = (b"authtype", b"credential")
_CARRIED = (b"username", b"oauth_refresh_token")
_SECRETS = (b"password", b"credential", b"oauth_refresh_token")
_HTTP = (b"http", b"https")


class ToldToQuit(Cancelled):
    """A helper answered `quit`: nobody else may be asked, the person included (git dies here)."""


class OtherHelpers:
    """The helpers that git's configuration names for a description, without ourselves."""

    def __init__(
        self,
        environ: Mapping[str, str],
        report: Callable[[str, GitHelperError], None],
        *,
        config: GitConfig | None = None,
        only_after_us: bool = False,
        authtype: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        """`report` takes the name and the failure of a helper that is skipped. `config`: read when needed if None.

        `only_after_us`: git is asking us, and has asked those before us already. `authtype`: whether the caller can use
        `authtype` and `credential` instead of user name and password. `seconds`: the limit for each helper.
        """
        self._environ = environ
        self._report = report
        self._config = config
        self._only_after_us = only_after_us
        self._authtype = authtype
        self._useful = (*_BASIC, *_READY) if authtype else _BASIC
        self._seconds = seconds
        self._answers: list[tuple[Credential, Entry]] = []

    def find(self, wanted: Description) -> Iterator[Credential]:
        """Each complete answer in order; last, what is known in part since the last one. Raises ToldToQuit.

        Who goes on after a complete answer found it refused: the helpers after it start anew.
        """
        if self._environ.get(GUARD):
            return
        config = self._config or GitConfig.read(self._environ)
        settings = rules_of(wanted) or config.credential_settings(wanted)
        wanted = _as_git_sends(wanted, settings)
        known: dict[bytes, bytes] = {}
        for entry in self.helpers(settings):
            try:
                answer = self._ask(entry, wanted, known)
            except StoreError as error:
                self._report(name_of(entry), error)
                continue
            known |= {key: value for key, value in answer.scalars.items() if key in self._useful}
            credential = _credential(known, wanted)
            if credential.is_expired(time.time()):
                known = {key: value for key, value in known.items() if key in _CARRIED}
                credential = _credential(known, wanted)
            if credential.is_complete():
                self._answers.append((credential, entry))
                yield credential
                known = {}
            elif answer.flag(b"quit"):
                raise ToldToQuit(f"{name_of(entry)} told us to quit")
        if known:
            yield _credential(known, wanted)

    def tell(self, operation: str, wanted: Description, credential: Credential) -> None:
        """Runs `store` or `erase` of the helper that gave `credential`, as git does after success or refusal.

        Raises StoreError.
        """
        entry = next((entry for one, entry in self._answers if one is credential), None)
        if entry is None:
            return
        config = self._config or GitConfig.read(self._environ)
        described = _as_git_sends(wanted, config.credential_settings(wanted))
        pairs = Description(described.protocol, described.host, described.path).pairs() + credential.pairs()
        self._run(entry, operation, serialize(pairs))

    def helpers(self, settings: CredentialSettings) -> list[Entry]:
        """Whom we ask, in order: all but ourselves, or only those behind us."""
        ours = [executables.is_ours(entry.value or "", self._environ) for entry in settings.helpers]
        start = ours.index(True) if self._only_after_us and True in ours else 0
        return [entry for entry, own in list(zip(settings.helpers, ours, strict=True))[start:] if not own]

    def _ask(self, entry: Entry, wanted: Description, known: Mapping[bytes, bytes]) -> Message:
        done = self._run(entry, "get", self._request(wanted, known))
        message = _answer(done.stdout, wanted, entry)
        # git ignores the exit code. Where there is no answer, code 1 in silence is how some say that they know none.
        if done.code and not message.scalars and (done.stderr.strip() or done.code != 1):
            raise StoreError(f"cannot ask {name_of(entry)}: {_complaint(done, known)}")
        return message

    def _run(self, entry: Entry, operation: str, request: bytes) -> process.Finished:
        command = f"{command_of(entry.value or '')} {operation}"
        environ = process.for_children(self._environ) | _SILENCE
        # git's own words: the command is $0 as well.
        argv = [executables.shell(self._environ), "-c", command, command]
        try:
            return process.run(argv, request, self._seconds, environ, LIMIT)
        except StoreError as error:
            reason = error.message.partition(": ")[2] or error.message
            raise type(error)(f"cannot ask {name_of(entry)}: {reason}") from error

    def _request(self, wanted: Description, known: Mapping[bytes, bytes]) -> bytes:
        username = known.get(b"username", wanted.username)
        pairs = [(b"capability[]", b"authtype")] if self._authtype else []
        pairs += Description(wanted.protocol, wanted.host, wanted.path, username).pairs()
        # What a helper before knew of an expired token lets the next one renew it.
        pairs += [(key, value) for key, value in known.items() if key == b"oauth_refresh_token"]
        try:
            return serialize(pairs)
        except ValueError as error:
            raise StoreError(f"cannot ask other helpers: {error}") from error


def command_of(helper: str) -> str:
    """A value of `credential.helper` as the shell command that git makes of it, without the operation."""
    if helper.startswith("!"):
        return helper[1:]
    return helper if os.path.isabs(helper) else f"git credential-{helper}"


def name_of(entry: Entry) -> str:
    """The helper for people: its program and where it is configured, never its options."""
    return f"the git credential helper '{executables.shown(entry.value or '')}' ({visible(entry.origin)})"


def _as_git_sends(wanted: Description, settings: CredentialSettings) -> Description:
    path = wanted.path if settings.use_http_path or wanted.protocol not in _HTTP else None
    username = settings.username if wanted.username is None else wanted.username
    return Description(wanted.protocol, wanted.host, path, username)


def _answer(output: bytes, wanted: Description, entry: Entry) -> Message:
    message = parse(b"\n".join(_lines(output, entry)))
    if message.problem is not None:
        raise StoreError(f"cannot use the answer of {name_of(entry)}: {message.problem}")
    protocol, host = message.get(b"protocol"), message.get(b"host")
    named = Description(
        wanted.protocol if protocol is None else protocol,
        wanted.host if host is None else host,
    )
    same = (named.protocol, named.host) == (wanted.protocol, wanted.host)
    if not same and (named.origin() is None or named.origin() != wanted.origin()):
        # git would follow; but a credential belongs to its own origin.
        raise StoreError(f"cannot use the answer of {name_of(entry)}: it is for another host or protocol")
    return message


def _lines(output: bytes, entry: Entry) -> Iterator[bytes]:
    """What git reads of the output: up to the first line that is empty or has no `=`, each cut at its first NUL."""
    for raw in output.split(b"\n"):
        line = raw.removesuffix(b"\r").partition(b"\0")[0]
        if b"=" not in line:
            return
        if b"\r" in line:
            raise StoreError(f"cannot use the answer of {name_of(entry)}: it has a carriage return in a value")
        if not line.startswith(b"="):
            yield line


def _credential(known: Mapping[bytes, bytes], wanted: Description) -> Credential:
    message = Message()
    message.scalars.update(known)
    if wanted.username is not None:
        message.scalars.setdefault(b"username", wanted.username)
    return Credential.of(message)


def _complaint(done: process.Finished, known: Mapping[bytes, bytes]) -> str:
    secrets = [Secret(known[key]) for key in _SECRETS if known.get(key)]
    lines = [line for line in done.stderr.split(b"\n") if line.strip()]
    if not lines:
        return f"exit code {done.code}"
    # The last line says most (tracebacks), but git's own complaint has advice below it.
    line = lines[0] if b"is not a git command" in lines[0] else lines[-1]
    return visible(redact(os.fsdecode(line), secrets))
