"""Which ways to a repository are allowed: `protocol.allow`, `protocol.<name>.allow`, GIT_ALLOW_PROTOCOL (git-config(1))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.git_values import boolean
from git_helper.errors import UsageError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_POLICIES = ("always", "never", "user")
# Who is safe even when somebody else chose the URL (transport.c, get_protocol_config).
_KNOWN = {"http": "always", "https": "always", "git": "always", "ssh": "always", "ext": "never"}


class TransportNotAllowed(UsageError):
    """git's configuration or GIT_ALLOW_PROTOCOL forbids this way; slug `transport-not-allowed`."""

    error = "transport-not-allowed"


def check_transport(
    scheme: str,
    shown: str,
    setting: Callable[[str], str | None],
    environ: Mapping[str, str],
    *,
    from_user: bool = True,
) -> None:
    """Raises TransportNotAllowed when `scheme` (http, https, ssh, git, file) may not be used to reach `shown`.

    `setting`: the last value of a variable of git's configuration. `from_user`: whether a person chose the URL, not
    another repository as that of its submodule.
    """
    listed = environ.get("GIT_ALLOW_PROTOCOL")
    if listed is not None:
        if scheme not in listed.split(":"):
            _refuse(scheme, shown, "GIT_ALLOW_PROTOCOL", f"export GIT_ALLOW_PROTOCOL={visible(listed)}:{scheme}")
        return
    name, policy = _policy(scheme, setting)
    if policy == "user":
        from_user = from_user and boolean(environ.get("GIT_PROTOCOL_FROM_USER", "true")) is not False
        if not from_user:
            _refuse(scheme, shown, f"{name} (user)", f"git config --global protocol.{scheme}.allow always")
    elif policy == "never":
        _refuse(scheme, shown, name, f"git config --global protocol.{scheme}.allow always")


def _policy(scheme: str, setting: Callable[[str], str | None]) -> tuple[str, str]:
    """The setting that decides, and what it says."""
    for name in (f"protocol.{scheme}.allow", "protocol.allow"):
        value = setting(name)
        if value is not None:
            if value.lower() not in _POLICIES:
                raise UsageError(f"cannot use '{visible(value)}' of '{name}'", f"use one of: {', '.join(_POLICIES)}")
            return name, value.lower()
    return f"protocol.{scheme}.allow", _KNOWN.get(scheme, "user")


def _refuse(scheme: str, shown: str, setting: str, hint: str) -> None:
    raise TransportNotAllowed(f"cannot reach '{shown}': '{setting}' does not allow '{scheme}'", hint)
