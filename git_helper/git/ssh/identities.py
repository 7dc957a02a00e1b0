"""The keys to offer to a server, in the order in which OpenSSH offers them (pubkey_prepare of its sshconnect2.c)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_helper.git.ssh.private_key import UnusableKey
from git_helper.git.ssh.public_key import Public, load_public

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_helper.git.ssh.agent import Agent
    from git_helper.git.ssh.answers import Answers
    from git_helper.git.ssh.private_key import PrivateKey

_MOST_FILES = 100  # SSH_MAX_IDENTITY_FILES, SSH_MAX_CERTIFICATE_FILES


@dataclass
class Identity:
    """A key or certificate. `public`: None when only the private key could tell; `file`: of the private key."""

    name: str
    public: Public | None
    file: str | None = None
    in_agent: bool = False
    tried: bool = False


class Identities:
    """All of them for one connection. `prompts`: how often a passphrase is asked for."""

    def __init__(self, found: Sequence[Identity], agent: Agent | None, answers: Answers, prompts: int) -> None:
        self.all = list(found)
        self._agent = agent
        self._answers = answers
        self._prompts = prompts

    def next(self) -> Identity | None:
        """The next one that was not yet tried."""
        identity = self.upcoming()
        if identity is not None:
            identity.tried = True
        return identity

    def upcoming(self) -> Identity | None:
        """What `next` will give."""
        return next((one for one in self.all if not one.tried), None)

    def start_again(self) -> None:
        """A server that wants several factors may want each key for each of them."""
        for identity in self.all:
            identity.tried = False

    def public(self, identity: Identity) -> Public:
        """Its public part, for which the private one is opened only if there is no other way. Raises UnusableKey."""
        if identity.public is None:
            identity.public = self._private(identity).public
        return identity.public

    def sign(self, identity: Identity, data: bytes, algorithm: str) -> bytes:
        """A signature with `identity`, of a certificate with the key that it is for. Raises UnusableKey, StoreError."""
        signer = self._signer(identity)
        if signer.in_agent and self._agent is not None and signer.public is not None:
            return self._agent.sign(signer.public.blob, data, algorithm)
        key = self._private(signer)
        if identity.public is not None and key.public.plain != identity.public.plain:
            raise UnusableKey("it does not belong to the public key beside it")
        return key.sign(data, algorithm)

    def _signer(self, identity: Identity) -> Identity:
        if identity.public is None or not identity.public.certified:
            return identity
        plain = identity.public.plain
        return next((one for one in self.all if one.public is not None and one.public.blob == plain), identity)

    def _private(self, identity: Identity) -> PrivateKey:
        if identity.file is None:
            raise UnusableKey("there is no private key for it")
        key = self._answers.private_key(identity.file, self._prompts)
        if key is None:
            raise UnusableKey("the passphrase was empty")
        return key


def ordered(
    files: Sequence[str], certificates: Sequence[str], agent_keys: Iterable[tuple[Public, str]], *, only: bool
) -> list[Identity]:
    """What IdentityFile, CertificateFile and the agent give; with `only` (IdentitiesOnly) of the agent what they name."""
    waiting = _of_files(files, beside=not certificates)
    ordered = []
    for path in certificates[:_MOST_FILES]:
        public = load_public(path)
        if public is not None and public.certified:
            ordered.append(Identity(path, public))
    others = []
    for public, comment in agent_keys:
        named = next((one for one in waiting if one.public == public), None)
        if named is not None:
            waiting.remove(named)
            named.in_agent = True
            ordered.append(named)
        elif not only:
            others.append(Identity(comment, public, in_agent=True))
    return [*ordered, *others, *waiting]


def _of_files(files: Sequence[str], *, beside: bool) -> list[Identity]:
    """The keys of IdentityFile, each with the certificate `beside` it."""
    found = []
    for path in files[:_MOST_FILES]:
        public = load_public(path)
        found.append(Identity(path, public, path))
        certificate = load_public(path + "-cert") if beside and public is not None else None
        if certificate is not None and certificate.certified:
            found.append(Identity(path, certificate, path))
    return found
