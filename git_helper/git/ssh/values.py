"""Settings with their defaults, tokens and folders filled in: what becomes an SshOptions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from git_helper.git.ssh.jumps import Hop, is_safe_host, is_safe_user
from git_helper.git.ssh.options import AUTHENTICATIONS, IDENTITIES, SshOptions
from git_helper.git.ssh.patterns import lower, matches
from git_helper.git.ssh.settings import Setting, expanded
from git_helper.git.ssh.tokens import expand, expand_tilde

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_helper.git.ssh.settings import Settings
    from git_helper.git.ssh.tokens import Names

_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Values:
    """The values of one host. `home_of`: the home folder of a user, for `~user`."""

    def __init__(
        self,
        settings: Settings,
        names: Names,
        environ: Mapping[str, str],
        home_of: Callable[[str], str | None],
        system_folder: str,
    ) -> None:
        self._settings = settings
        self._names = names
        self._environ = environ
        self._home_of = home_of
        self._system_folder = system_folder

    def options(self) -> SshOptions:
        """All of them. Raises SshConfigError for a token, a variable or a user that is not there."""
        return self._with_security(self._with_limits(self._with_files(self._basis())))

    def _basis(self) -> SshOptions:
        settings, names = self._settings, self._names
        alias = settings.get("hostkeyalias")
        return SshOptions(
            hostname=names.host,
            port=names.port,
            user=names.user,
            original_host=names.original,
            proxy_jump=self._jumps(),
            proxy_command=self._command(),
            host_key_alias=None if alias is None else lower(alias),
            address_family=settings.get("addressfamily", "any"),
            bind_address=settings.get("bindaddress"),
            send_env=self._sent(),
            set_env=settings.get("setenv", ()),
            lines=tuple(settings.applied),
        )

    def _with_files(self, options: SshOptions) -> SshOptions:
        settings, folder = self._settings, self._system_folder
        default = tuple(f"~/.ssh/{name}" for name in IDENTITIES)
        has_own = settings.has("identityfile")
        known = Setting(settings.get("userknownhostsfile", _KNOWN_HOSTS), settings.line("userknownhostsfile"))
        machine = (f"{folder}/ssh_known_hosts", f"{folder}/ssh_known_hosts2")
        revoked = settings.get("revokedhostkeys", "none")
        return replace(
            options,
            identity_files=self._paths("identityfile") if has_own else tuple(map(self._path, default)),
            identities_are_default=not has_own,
            identities_only=settings.get("identitiesonly", False),
            identity_agent=self._agent(),
            certificate_files=self._paths("certificatefile"),
            user_known_hosts_files=tuple(expanded(Setting(path, known.line), self._path) for path in known.value),
            global_known_hosts_files=settings.get("globalknownhostsfile", machine),
            revoked_host_keys=None
            if lower(revoked) == "none"
            else settings.expanded("revokedhostkeys", self._path, "none"),
        )

    def _with_limits(self, options: SshOptions) -> SshOptions:
        get = self._settings.get
        return replace(
            options,
            connect_timeout=get("connecttimeout") or None,
            connection_attempts=get("connectionattempts", 1),
            server_alive_interval=get("serveraliveinterval") or 0,
            server_alive_count_max=get("serveralivecountmax", 3),
            number_of_password_prompts=get("numberofpasswordprompts", 3),
            batch_mode=get("batchmode", False),
        )

    def _with_security(self, options: SshOptions) -> SshOptions:
        get = self._settings.get
        return replace(
            options,
            strict_host_key_checking=get("stricthostkeychecking", "ask"),
            hash_known_hosts=get("hashknownhosts", False),
            check_host_ip=get("checkhostip", False),
            preferred_authentications=get("preferredauthentications", AUTHENTICATIONS),
            pubkey_authentication=get("pubkeyauthentication", True),
            password_authentication=get("passwordauthentication", True),
            kbd_interactive_authentication=get("kbdinteractiveauthentication", True),
            host_key_algorithms=get("hostkeyalgorithms"),
            pubkey_accepted_algorithms=get("pubkeyacceptedalgorithms"),
            ca_signature_algorithms=get("casignaturealgorithms"),
            ciphers=get("ciphers"),
            macs=get("macs"),
            kex_algorithms=get("kexalgorithms"),
            required_rsa_size=get("requiredrsasize", 1024),
        )

    def _path(self, text: str) -> str:
        path = expand_tilde(text, self._names.home, self._home_of)
        return expand(path, self._names.tokens(), self._environ)

    def _paths(self, name: str) -> tuple[str, ...]:
        wanted = (setting for setting in self._settings.every(name) if lower(setting.value) != "none")
        return tuple(expanded(setting, self._path) for setting in wanted)

    def _agent(self) -> str | None:
        if not self._settings.has("identityagent"):
            return None
        agent = self._settings.expanded("identityagent", self._path, "none")
        if not agent.startswith("$"):
            return agent
        line = self._settings.line("identityagent")
        if _VARIABLE.fullmatch(agent[1:]) is None and line is not None:
            raise line.error("it is no name of an environment variable")
        return self._environ.get(agent[1:]) or "none"

    def _command(self) -> str | None:
        command, line = self._settings.get("proxycommand"), self._settings.line("proxycommand")
        if command is None:
            return None
        if self._settings.get("proxyusefdpass", False) and line is not None:
            raise line.error("'proxyusefdpass' is not supported")
        return expanded(Setting(command, line), lambda text: expand(text, self._names.proxy_tokens()))

    def _jumps(self) -> tuple[Hop, ...] | None:
        line = self._settings.line("proxyjump")
        hops: tuple[Hop, ...] = self._settings.get("proxyjump", ())
        if line is None or not hops:
            return None
        tokens = self._names.proxy_tokens()

        def full(text: str) -> str:
            return expanded(Setting(text, line), lambda value: expand(value, tokens))

        jumps = tuple(Hop(full(hop.host), None if hop.user is None else full(hop.user), hop.port) for hop in hops)
        if not all(is_safe_host(hop.host) and is_safe_user(hop.user or "") for hop in jumps):
            raise line.error("the jump host is no name of a host")
        last = jumps[-1]
        # ssh.c, "jumphost loop": only a name that would lead to the very same place.
        if (last.host, last.port or 22, last.user or self._user()) == (
            self._names.host,
            self._names.port,
            self._user(),
        ):
            raise line.error(f"the jump host '{last.host}' is the host itself")
        return jumps

    def _user(self) -> str | None:
        user: str | None = self._settings.get("user")
        return user

    def _sent(self) -> tuple[str, ...]:
        names: list[str] = []
        for setting in self._settings.every("sendenv"):
            for name in setting.value:
                if name.startswith("-"):
                    names = [kept for kept in names if not matches(kept, name[1:])]
                else:
                    names.append(name)
        return tuple(names)
