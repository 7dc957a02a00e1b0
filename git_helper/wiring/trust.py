"""Whom a command trusts: our settings, the environment and git's configuration, read when the first server needs it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from git_helper.core.trust import TrustSettings
from git_helper.net.tls import Contexts
from git_helper.system.messages import tell
from git_helper.system.places import home

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from git_helper.core.given import Given
    from git_helper.net.tls_failures import Certificate
    from git_helper.secret import Secret
    from git_helper.wiring.commands import CommandHouse, Pause


def trust_settings(house: CommandHouse) -> TrustSettings:
    """What decides, for `settings` too."""

    def given(option: str, url: str) -> Sequence[Given]:
        return house.settings.for_url(url).effective(option)

    return TrustSettings(given, house.environ, house.git_http, home(house.environ), os.pathsep)


def contexts(house: CommandHouse, pause: Pause | None) -> Contexts:
    """The TLS contexts of one command; `pause` takes a progress display off the screen while the person is asked."""

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
        warn=lambda text: tell(sys.stderr, f"warning: {text}"),
        native=_native,
        read_certificate=_read_certificate,
    )


def _native() -> ssl.SSLContext:
    from git_helper.net.native_roots import native

    return native()


def _read_certificate(der: bytes) -> Certificate | None:
    from git_helper.net.certificate import read

    return read(der)
