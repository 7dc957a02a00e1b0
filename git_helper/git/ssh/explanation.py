"""What would happen for an SSH URL, and why: lines of the configuration, keys of hosts, identities in their order.

No server is called and nothing is signed; the agent is asked what it has, and `Match exec` runs, as for `ssh -G`. The values
are texts, numbers and tuples of such, so that a table or JSON can show them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_helper.errors import StoreError
from git_helper.frozen import frozen
from git_helper.git.ssh.agent import Agent, agent_place
from git_helper.git.ssh.identities import ordered
from git_helper.git.ssh.known_hosts import KnownHosts
from git_helper.git.ssh.known_hosts_lines import place
from git_helper.git.ssh.public_key import fingerprint
from git_helper.git.ssh.way import plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_helper.git.ssh.identities import Identity
    from git_helper.git.ssh.options import SshOptions
    from git_helper.git.ssh.public_key import Public
    from git_helper.git.ssh.settings import Applied
    from git_helper.git.ssh.way import Leg, Means


@frozen
class HostKey:
    """A line of known_hosts for the host; `marker`: empty, "@cert-authority" or "@revoked"."""

    file: str
    line: int
    marker: str
    type: str
    fingerprint: str


@frozen
class Offer:
    """A key or certificate, as it will be offered. `file`: of the private key; None when only the agent has it.

    `type`, `fingerprint`: of the key; None when only the private key could tell. `note`: why it cannot be used, else empty.
    """

    name: str
    file: str | None
    in_agent: bool
    certificate: bool
    type: str | None
    fingerprint: str | None
    note: str = ""


@frozen
class Stop:
    """A host on the way. `known_as`: how known_hosts has to call it; `proxy_command`: the program that leads there.

    `lines`: what took effect, in the order in which it did. `agent`: the place of its socket. `notes`: what is broken, or
    was skipped.
    """

    host: str
    port: int
    user: str
    lines: tuple[Applied, ...]
    proxy_command: str | None
    known_as: str
    known_hosts_files: tuple[str, ...]
    strict_host_key_checking: str
    host_keys: tuple[HostKey, ...]
    agent: str | None
    offers: tuple[Offer, ...]
    methods: tuple[str, ...]
    connect_seconds: float
    notes: tuple[str, ...]


def explain(means: Means, host: str, user: str | None, port: int | None) -> tuple[Stop, ...]:
    """The hosts on the way to `host`, spelled as in a URL; that one last. Raises what reading the configuration raises."""
    legs: list[Leg] = []
    leg: Leg | None = plan(means, host, user, port)
    while leg is not None:
        legs.insert(0, leg)
        leg = leg.hop
    return tuple(_stop(leg, means.environ) for leg in legs)


def _stop(leg: Leg, environ: Mapping[str, str]) -> Stop:
    options = leg.options
    name = options.host_key_alias or options.hostname
    port = None if options.host_key_alias is not None else options.port
    files = (*options.user_known_hosts_files, *options.global_known_hosts_files)
    known = KnownHosts.load(files, options.revoked_host_keys)
    agent = agent_place(options, environ) if options.pubkey_authentication else None
    held, notes = _held(agent)
    offers: tuple[Offer, ...] = ()
    if options.pubkey_authentication:
        found = ordered(options.identity_files, options.certificate_files, held, only=options.identities_only)
        offers = tuple(_offer(one) for one in found if one.public is not None or _is_worth_a_word(one, options))
    return Stop(
        options.hostname,
        options.port,
        options.user,
        options.lines,
        leg.command,
        place(name, port),
        files,
        options.strict_host_key_checking,
        tuple(
            HostKey(entry.file, entry.line, entry.marker, entry.key_type, fingerprint(entry.key))
            for entry in known.entries_for((name,), port)
        ),
        agent,
        offers,
        options.methods,
        leg.seconds,
        (*notes, *known.notes),
    )


def _held(agent: str | None) -> tuple[list[tuple[Public, str]], list[str]]:
    if agent is None:
        return [], []
    try:
        with Agent(agent, 1.0) as one:
            return one.keys(), []
    except StoreError as error:
        return [], [error.message]


def _is_worth_a_word(identity: Identity, options: SshOptions) -> bool:
    """Files that nobody named are nobody's fault when they are not there."""
    return not options.identities_are_default or os.path.exists(identity.file or "")


def _offer(identity: Identity) -> Offer:
    public = identity.public
    note = ""
    if identity.file is not None and not identity.in_agent and not os.path.exists(identity.file):
        note = "the file is not there"
    return Offer(
        identity.name,
        identity.file,
        identity.in_agent,
        public is not None and public.certified,
        None if public is None else public.type,
        None if public is None else fingerprint(public.plain),
        note,
    )
