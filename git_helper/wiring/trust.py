"""Whom a command trusts: our settings, the environment and git's configuration, read when the first server needs it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from git_helper.core import project_word
from git_helper.core.trust import Trust, TrustSettings
from git_helper.net.tls import Contexts
from git_helper.system.messages import tell
from git_helper.system.places import home
from git_helper.wiring import passphrases

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from git_helper.core.given import Given
    from git_helper.net.exchange import WithheldFor
    from git_helper.net.target import Target
    from git_helper.net.tls_failures import Certificate
    from git_helper.secret import Secret
    from git_helper.wiring.commands import CommandHouse, Pause


def trust_settings(house: CommandHouse) -> TrustSettings:
    """What decides, for `settings` too."""

    def given(option: str, url: str) -> Sequence[Given]:
        return house.settings.for_url(url).effective(option)

    return TrustSettings(given, house.environ, house.git_http, home(house.environ), os.pathsep)


def withheld(house: CommandHouse) -> WithheldFor:
    """Where only a pyproject.toml says that a server may be trusted."""
    trust_for, proxy_for = trust_settings(house).trust_for, house.http.proxy_for

    def reason(target: Target) -> project_word.CredentialWithheld | None:
        if house.settings.of_project().keys().isdisjoint(project_word.OPTIONS):
            return None
        proxy = None
        if target.leads_to is None:  # a proxy is reached directly
            given = house.settings.given("proxy", target.configured_url)
            proxy = given[-1] if given and proxy_for(target) is not None else None
        trust = trust_for(target) if target.origin.scheme == b"https" else Trust()
        return project_word.withheld(target.origin, trust, proxy)

    return reason


def contexts(house: CommandHouse, pause: Pause | None, bundled: Callable[[], ssl.SSLContext]) -> Contexts:
    """The TLS contexts of one command; `pause` takes a progress display off the screen while the person is asked.

    `bundled`: a new context that trusts Mozilla's list.
    """

    def passphrase(path: str) -> Secret | None:
        if not house.may_ask():
            return None
        from git_helper.system.together import in_main_thread
        from git_helper.ui.ssh_prompt import SshPrompter

        prompter = SshPrompter() if pause is None else SshPrompter(pause)
        return in_main_thread(lambda: prompter.ask_passphrase(path))

    return Contexts(
        trust_settings(house).trust_for,
        passphrase=passphrase,
        kept=lambda client: passphrases.kept(house, client),
        warn=lambda text: tell(sys.stderr, f"warning: {text}"),
        bundled=bundled,
        native=_native,
        read_certificate=_read_certificate,
    )


def _native() -> ssl.SSLContext:
    from git_helper.net.native_roots import native

    return native()


def _read_certificate(der: bytes) -> Certificate | None:
    from git_helper.net.certificate import read

    return read(der)
