"""What StrictHostKeyChecking makes of the verdict on a server's key, and how a refusal is said."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from git_helper.errors import Unreachable
from git_helper.git.ssh.known_hosts import Changed, Known, Revoked
from git_helper.git.ssh.known_hosts_lines import place
from git_helper.secret import visible

if TYPE_CHECKING:
    from git_helper.git.ssh.known_hosts import Verdict


class HostKeyRefused(Unreachable):
    """The server cannot be told from someone else, so nothing is sent to it."""


class Action(Enum):
    """What to do: go on; write the key down, then go on; ask the person first; end."""

    TRUST = "trust"
    ADD = "add"
    ASK = "ask"
    REFUSE = "refuse"


def action(verdict: Verdict, strict: str, *, can_ask: bool) -> Action:
    """`strict`: a value of SshOptions; `can_ask`: whether there is a person, and BatchMode is off.

    A changed or revoked key is refused always; what is no value of StrictHostKeyChecking counts as `yes`.
    """
    if isinstance(verdict, Known):
        return Action.TRUST
    if isinstance(verdict, Changed | Revoked):
        return Action.REFUSE
    if strict in ("accept-new", "no"):
        return Action.ADD
    return Action.ASK if strict == "ask" and can_ask else Action.REFUSE


def refusal(verdict: Verdict, host: str, port: int | None, key_type: str) -> HostKeyRefused:
    """The error for a verdict that was refused: file and line, the fingerprint, and what to type.

    `host`, `port`: as given to KnownHosts.check.
    """
    name, kind = visible(place(host, port)), visible(key_type)
    if isinstance(verdict, Revoked):
        where = f"'{visible(verdict.file)}', line {verdict.line}"
        return HostKeyRefused(f"cannot trust '{name}': its key {verdict.fingerprint} is revoked ({where})")
    if isinstance(verdict, Changed):
        where = f"'{visible(verdict.file)}', line {verdict.line}"
        message = f"cannot trust '{name}': its {kind} key {verdict.fingerprint} is not {verdict.known} of {where}"
        hint = (
            f"someone may be in between; if its owner changed it: ssh-keygen -f '{visible(verdict.file)}' -R '{name}'"
        )
        return HostKeyRefused(message + _noted(verdict.note), hint)
    shown = "" if isinstance(verdict, Known) else verdict.fingerprint
    note = "" if isinstance(verdict, Known) else verdict.note
    hint = f"compare the fingerprint with its owner's, then: ssh {f'-p {port} ' if port else ''}{visible(host)}"
    return HostKeyRefused(f"cannot trust '{name}': its {kind} key {shown} is unknown{_noted(note)}", hint)


def _noted(note: str) -> str:
    return f" ({note})" if note else ""
