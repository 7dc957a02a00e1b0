"""What an ssh connection needs to know: the values of ssh_config(5), all defaults filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.frozen import frozen
from git_helper.git.ssh.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.git.ssh.jumps import Hop
    from git_helper.git.ssh.settings import Applied

AUTHENTICATIONS = ("gssapi-with-mic", "hostbased", "publickey", "keyboard-interactive", "password")
METHODS = ("publickey", "keyboard-interactive", "password")
"""What we can do of them, in OpenSSH's order."""
IDENTITIES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
"""Private keys below ~/.ssh that are tried when no IdentityFile is named."""


@frozen
class SshOptions:
    """How to connect. Times in seconds, None: no limit. Paths are expanded.

    Algorithms are as written, None when no line names them: `+` adds, `-` removes, `^` puts in front (see `algorithms`).
    """

    hostname: str
    port: int
    user: str
    original_host: str = ""
    identity_files: tuple[str, ...] = ()
    identities_are_default: bool = True
    """No line names an IdentityFile: the files above are guesses, and missing ones are nobody's fault."""
    identities_only: bool = False
    identity_agent: str | None = None
    """None or "SSH_AUTH_SOCK": the socket of that variable; "none": no agent; else the path of its socket."""
    certificate_files: tuple[str, ...] = ()
    proxy_jump: tuple[Hop, ...] | None = None
    """In the order of travel; None or not empty. Never together with `proxy_command`."""
    proxy_command: str | None = None
    """For /bin/sh, its tokens expanded."""
    user_known_hosts_files: tuple[str, ...] = ()
    """New keys go to the first one."""
    global_known_hosts_files: tuple[str, ...] = ()
    host_key_alias: str | None = None
    """Stands in known_hosts and in host certificates for the host, there without port."""
    strict_host_key_checking: str = "ask"
    """"yes", "ask", "accept-new" or "no"."""
    hash_known_hosts: bool = False
    check_host_ip: bool = False
    revoked_host_keys: str | None = None
    connect_timeout: int | None = None
    connection_attempts: int = 1
    server_alive_interval: int = 0
    """0: never asks."""
    server_alive_count_max: int = 3
    preferred_authentications: tuple[str, ...] = AUTHENTICATIONS
    pubkey_authentication: bool = True
    password_authentication: bool = True
    kbd_interactive_authentication: bool = True
    number_of_password_prompts: int = 3
    batch_mode: bool = False
    host_key_algorithms: str | None = None
    pubkey_accepted_algorithms: str | None = None
    ca_signature_algorithms: str | None = None
    ciphers: str | None = None
    macs: str | None = None
    kex_algorithms: str | None = None
    required_rsa_size: int = 1024
    address_family: str = "any"
    """"any", "inet" or "inet6"."""
    bind_address: str | None = None
    send_env: tuple[str, ...] = ()
    """Names, also patterns, of variables to send."""
    set_env: tuple[str, ...] = ()
    """NAME=VALUE to send."""
    lines: tuple[Applied, ...] = ()
    """The lines that took effect, in the order in which they did."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The ways to log in to try, in this order."""
        switches = {
            "publickey": self.pubkey_authentication,
            "keyboard-interactive": self.kbd_interactive_authentication,
            "password": self.password_authentication,
        }
        return tuple(name for name in self.preferred_authentications if name in METHODS and switches[name])


def algorithms(written: str | None, default: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The algorithms to offer, of those we have, best first (kex.c, kex_assemble_names).

    `written`: a value of SshOptions; `default`: what we offer by ourselves; `known`: all that we could offer. What a person
    names and we do not have is left out, so the result may be empty: then there is nothing to agree on, and never more.
    """
    if written is None:
        return tuple(default)
    sign, patterns = (written[0], written[1:]) if written[:1] in ("+", "-", "^") else ("", written)
    named = [name for pattern in patterns.split(",") for name in known if matches(name, pattern)]
    if sign == "-":
        chosen = [name for name in default if not any(matches(name, pattern) for pattern in patterns.split(","))]
    elif sign == "+":
        chosen = [*default, *named]
    elif sign == "^":
        chosen = [*named, *default]
    else:
        chosen = named
    return tuple(dict.fromkeys(chosen))
