"""What a pyproject.toml may not do by itself: lead a person's credential to whoever wrote it.

It comes with a clone, like the `.lfsconfig` and the `.gitmodules` that git takes little from for the same reason. What it
says about proxies and certificates is used, but no credential goes where nothing else says that the server is the one it
claims to be, or that nobody reads along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.core.given import PROJECT
from git_helper.errors import NoCredential, shell_word
from git_helper.secret import visible

if TYPE_CHECKING:
    from git_helper.core.credential import Origin
    from git_helper.core.given import Given
    from git_helper.core.trust import Trust


OPTIONS = ("cert", "allow-insecure-host", "proxy")
"""What of a pyproject.toml all this is about."""


class CredentialWithheld(NoCredential):
    """None was sent, whoever may have one."""

    error = "credential-withheld"


def withheld(origin: Origin, trust: Trust, proxy: Given | None) -> CredentialWithheld | None:
    """Why no credential may be sent to `origin`; None where one may. `trust`: for https.

    `proxy`: the setting of ours that names the proxy of the request, if there is one and no other names it.
    """
    is_led = proxy is not None and proxy.provenance.kind == PROJECT
    if origin.scheme == b"https" and trust.project is not None and (is_led or not origin.is_loopback()):
        return _of_trust(origin, trust.project, verified=trust.verify)
    if proxy is None or not is_led or (origin.scheme == b"https" and trust.verify):
        return None
    reason = f"only {proxy.provenance} names the proxy, which could read it"
    return _because(origin, reason, "--proxy URL, or the variable GIT_HELPER_PROXY")


def _of_trust(origin: Origin, given: Given, *, verified: bool) -> CredentialWithheld:
    if verified:
        reason = f"only {given.provenance} names the authorities that vouch for it"
        return _because(origin, reason, f"--cert {shell_word(visible(given.value))}")
    reason = f"only {given.provenance} says that its certificate need not be verified"
    return _because(origin, reason, f"git config --global gitHelper.allowInsecureHost {origin.authority()}")


def _because(origin: Origin, reason: str, agreement: str) -> CredentialWithheld:
    message = f"cannot send a credential to '{origin}': {reason}"
    return CredentialWithheld(message, f"if you agree with that project, say it yourself: {agreement}")
