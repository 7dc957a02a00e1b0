"""ssh_config(5) for one host, exact as OpenSSH or refused, never weaker: `ssh -G` is the oracle of its tests."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from git_helper.errors import UsageError
from git_helper.git.ssh.config_files import ConfigFile, Reading, standard_files
from git_helper.git.ssh.config_lines import SshConfigError
from git_helper.git.ssh.jumps import Hop, is_safe_host, is_safe_user
from git_helper.git.ssh.match import Situation
from git_helper.git.ssh.options import SshOptions
from git_helper.git.ssh.patterns import lower
from git_helper.git.ssh.settings import Settings
from git_helper.git.ssh.tokens import Names, expand
from git_helper.git.ssh.values import Values
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.git.ssh.config_files import Reader

__all__ = ["ConfigFile", "Hop", "SshConfigError", "SshOptions", "UnsafeName", "resolve"]

DEFAULT_PORT = 22


class UnsafeName(UsageError):
    """A host or user that could be read as an option, or as a command by a shell of the configuration."""


def resolve(
    host: str,
    *,
    user: str | None,
    port: int | None,
    reader: Reader,
    environ: Mapping[str, str],
    local_user: str,
    home: str,
    run: Callable[[str], int],
    files: Sequence[ConfigFile] | None = None,
) -> SshOptions:
    """How to connect to `host`, spelled as in the URL (an IPv6 address without brackets).

    `user`, `port`: those of the URL, before every line. `home`: the home folder of the user database, as for ssh, which
    does not look at HOME. `run`: for `Match exec` (`machine.shell`). `files`: instead of the person's and the
    machine's. Raises UnsafeName, SshConfigError, and what `run` raises.
    """
    if not is_safe_host(host) or not is_safe_user(user or ""):
        name = host if not is_safe_host(host) else user or ""
        raise UnsafeName(f"cannot use '{visible(name)}' with ssh: it is no name of a host or user")
    person = _Person(environ, local_user, home, reader, run)
    return _Resolution(host, Settings(user, port), person).options(
        files if files is not None else standard_files(home, reader.system_folder)
    )


class _Person:
    """Who asks, on which machine."""

    def __init__(
        self, environ: Mapping[str, str], local_user: str, home: str, reader: Reader, run: Callable[[str], int]
    ) -> None:
        self.environ = environ
        self.local_user = local_user
        self.home = home
        self.reader = reader
        self.run = run


class _Resolution:
    """The two readings of the files (ssh.c, main), and what they come to."""

    def __init__(self, original: str, settings: Settings, person: _Person) -> None:
        self._original = original
        self._settings = settings
        self._person = person

    def options(self, files: Sequence[ConfigFile]) -> SshOptions:
        """Reads the files, a second time if a line or CanonicalizeHostname wants it."""
        wants_final = self._read(files, None)
        host = self._host(self._original)
        host = _numeric(host) or lower(host)
        line = self._settings.line("hostname")
        if not is_safe_host(host) and line is not None:
            raise line.error("it is no name of a host")
        if self._is_canonical(host) or wants_final:
            self._read(files, host)
        reader = self._person.reader
        names = self._names(host)
        return Values(self._settings, names, self._person.environ, reader.home_of, reader.system_folder).options()

    def _read(self, files: Sequence[ConfigFile], final_host: str | None) -> bool:
        person = self._person

        def situation() -> Situation:
            names = self._names(final_host if final_host is not None else self._host(self._original))
            return Situation(names, self._settings.get("tag", ""), final_host is not None, person.run)

        host = final_host if final_host is not None else self._original
        reading = Reading(self._settings, person.reader, host, situation, person.environ, person.home)
        for file in files:
            reading.read(file)
        return reading.wants_final

    def _host(self, original: str) -> str:
        """HostName with `%h`, if a line named one."""
        return self._settings.expanded("hostname", lambda text: expand(text, {"%": "%", "h": original}), "%h")

    def _names(self, host: str) -> Names:
        settings, person = self._settings, self._person
        hops: tuple[Hop, ...] = settings.get("proxyjump", ())
        alias = settings.get("hostkeyalias")
        return Names(
            host=host,
            original=self._original,
            port=settings.get("port", DEFAULT_PORT),
            user=settings.get("user", person.local_user),
            local_user=person.local_user,
            home=person.home,
            local_host=person.reader.host_name(),
            user_id=person.reader.user_id(),
            key_alias=self._original if alias is None else lower(alias),
            jump_host=hops[-1].host if hops else "",
        )

    def _is_canonical(self, host: str) -> bool:
        """Whether CanonicalizeHostname asks for a second reading.

        Raises SshConfigError where ssh would first ask the DNS for another name: under that name other blocks might
        apply, so going on without would be a guess.
        """
        settings = self._settings
        mode = settings.get("canonicalizehostname", "no")
        is_direct = not settings.get("proxyjump", ()) and settings.get("proxycommand") is None
        asks = (is_direct or mode == "always") and _numeric(host) is None
        domains = [name for name in settings.get("canonicaldomains", ()) if lower(name) != "none"]
        aliases = [name for name in settings.get("canonicalizepermittedcnames", ()) if lower(name) != "none"]
        is_short = host.count(".") <= settings.get("canonicalizemaxdots", 1)
        needs_name = mode != "no" and (
            host.endswith(".") or (is_short and (domains or not settings.get("canonicalizefallbacklocal", True)))
        )
        line = settings.line("canonicalizehostname") or settings.line("canonicalizepermittedcnames")
        if asks and (needs_name or aliases) and line is not None:
            raise line.error(f"asking the DNS for the full name of '{visible(host)}' is not supported")
        return bool(mode != "no")


def _numeric(host: str) -> str | None:
    """An address as inet_ntop(3) writes it; None for a name. Addresses keep their case where nothing else differs."""
    plain = host
    try:
        if ":" in host:
            plain = socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host))
        elif re.fullmatch(r"[0-9][0-9a-fx.]*", host, re.IGNORECASE):
            plain = socket.inet_ntoa(socket.inet_aton(host))
        else:
            return None
    except (OSError, ValueError):
        return host if ":" in host else None
    return host if lower(plain) == lower(host) else plain
