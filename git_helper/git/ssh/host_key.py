"""Whether the server is who it should be: known_hosts, certificates, StrictHostKeyChecking, and the person's word."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from git_helper.git.ssh import host_certificates, host_key_policy
from git_helper.git.ssh.fields import Fields, Malformed
from git_helper.git.ssh.host_key_policy import Action, HostKeyRefused
from git_helper.git.ssh.known_hosts import Changed, KnownHosts, Revoked, Unknown, append
from git_helper.git.ssh.known_hosts_lines import place
from git_helper.git.ssh.options import algorithms
from git_helper.git.ssh.public_key import CERTIFIED, fingerprint, key_fields, plain_type
from git_helper.git.ssh.transport import HOST_KEYS
from git_helper.secret import visible
from git_helper.system.trace import note

if TYPE_CHECKING:
    from git_helper.git.ssh.answers import Answers
    from git_helper.git.ssh.known_hosts import Verdict
    from git_helper.git.ssh.options import SshOptions

__all__ = ["HostKeyRefused", "HostTrust"]

_ALL = (*(name + CERTIFIED for name in HOST_KEYS), *HOST_KEYS)


class HostTrust:
    """What is known of the host of `options`. Raises KnownHostsError when the list of revoked keys cannot be read."""

    def __init__(self, options: SshOptions, answers: Answers) -> None:
        self._options = options
        self._answers = answers
        # With an alias the port does not matter (ssh_config(5), HostKeyAlias).
        self._name = options.host_key_alias or options.hostname
        self._port = None if options.host_key_alias is not None else options.port
        self._known = KnownHosts.load(
            [*options.user_known_hosts_files, *options.global_known_hosts_files], options.revoked_host_keys
        )

    def algorithms(self) -> tuple[str, ...]:
        """The host key algorithms to offer: those whose keys are known come first, unless the person gave an order."""
        written = self._options.host_key_algorithms
        offered = algorithms(written, _ALL, _ALL)
        if written is not None and written[:1] not in ("+", "-", "^"):
            return offered
        return self._known.ordered(offered, (self._name,), self._port)

    def check(self, blob: bytes, address: str | None) -> None:
        """Returns if the key or certificate is trusted, maybe since just now.

        `address`: of the host, for CheckHostIP. Raises HostKeyRefused, Cancelled.
        """
        try:
            kind = Fields(blob).text()
            self._refuse_short(kind, blob)
            verdict = host_certificates.check(
                self._known,
                (self._name,),
                self._port,
                kind,
                blob,
                now=time.time(),
                ca_algorithms=self._options.ca_signature_algorithms,
            )
            plain = host_certificates.HostCertificate.parse(blob).key if kind.endswith(CERTIFIED) else blob
        except Malformed as error:
            raise HostKeyRefused(f"cannot trust '{self._shown}': its key cannot be read: {error}") from None
        strict = self._options.strict_host_key_checking
        action = host_key_policy.action(verdict, strict, can_ask=self._answers.may_ask)
        kind = plain_type(kind)
        if action is Action.ASK and self._answers.confirms(self._shown, kind, fingerprint(plain)):
            action = Action.ADD
        self._trace(verdict, action, kind, plain)
        if action in (Action.ASK, Action.REFUSE):
            raise host_key_policy.refusal(verdict, self._name, self._port, kind)
        new = [(self._name, self._port)] if action is Action.ADD else []
        if address is not None and plain == blob and self._looks_at(address):
            new += self._new_address(address, kind, plain)
        for name, port in new:
            self._add(name, port, plain)

    def _trace(self, verdict: Verdict, action: Action, kind: str, plain: bytes) -> None:
        outcome = {Action.TRUST: "trusted", Action.ADD: "added"}.get(action, "refused")
        place = {} if isinstance(verdict, Unknown) else {"file": verdict.file, "line": verdict.line}
        note("host key", host=self._shown, type=kind, fingerprint=fingerprint(plain), outcome=outcome, **place)

    def _refuse_short(self, kind: str, blob: bytes) -> None:
        if plain_type(kind) != "ssh-rsa":
            return
        fields = Fields(blob)
        fields.string()
        if kind.endswith(CERTIFIED):
            fields.string()  # the nonce
        bits = int.from_bytes(key_fields("ssh-rsa", fields)[1], "big").bit_length()
        if bits < self._options.required_rsa_size:
            raise Malformed(f"an RSA key of {bits} bits is too short")

    def _looks_at(self, address: str) -> bool:
        """Whether CheckHostIP is for this one: not for loopback, nor where there is no name beside it (sshconnect.c)."""
        is_local = address.startswith("127.") or address == "::1"
        return self._options.check_host_ip and not is_local and address != self._options.hostname

    def _new_address(self, address: str, kind: str, plain: bytes) -> list[tuple[str, int]]:
        """The place to add when nothing is known of it. Raises HostKeyRefused when another key is (ssh would ask)."""
        port = self._options.port
        verdict = self._known.check((address,), port, kind, plain)
        if isinstance(verdict, Changed | Revoked):
            raise host_key_policy.refusal(verdict, address, port, kind)
        return [(address, port)] if isinstance(verdict, Unknown) else []

    def _add(self, name: str, port: int | None, plain: bytes) -> None:
        files = self._options.user_known_hosts_files
        if files:
            append(files[0], name, port, plain, hash_names=self._options.hash_known_hosts)

    @property
    def _shown(self) -> str:
        return visible(place(self._name, self._port))
