"""Repositories over SSH: git-upload-pack on the server, which keeps its place in the conversation (gitprotocol-pack(5))."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, TypeVar

from git_helper.errors import GitHelperError, Refused, Unreachable
from git_helper.git import protocol_v0, protocol_v2
from git_helper.git.http_answers import RepositoryNotFound
from git_helper.git.pkt_line import NotGit, Packets, ServerError
from git_helper.git.refs import Refs
from git_helper.git.remote_repository import Once, RemoteRepository
from git_helper.git.ssh.command import Command, check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid
    from git_helper.git.protocol_v0 import Advertisement
    from git_helper.git.remote_repository import Feed

    T = TypeVar("T")

_NOT_FOUND = re.compile(
    r"not (?:be )?found|does ?n[o']t exist|does not appear to be a git repository|no such|not a git repo", re.IGNORECASE
)
_REFUSED = re.compile(
    r"denied|permission|not (?:allowed|authori[sz]ed|permitted)|forbidden|unauthori[sz]ed", re.IGNORECASE
)
_COMMAND_NOT_FOUND = 127


class Resting(Command, Protocol):
    """A Command that another may need the place of while it has nothing to do."""

    def rest(self, conversation: Conversation) -> None:
        """From now on it may be closed, or go on for whoever asks for `conversation` by Connector.resume."""


class Connector(Protocol):
    """What ssh.Connections does for us."""

    def start(self, url: GitUrl) -> Resting:
        """git-upload-pack for the repository at `url`. Raises what connecting raises."""

    def resume(self, url: GitUrl) -> Conversation | None:
        """A conversation about the repository at `url` that rested, if one is still there; it rests no more."""


class Conversation:
    """One git-upload-pack. `advertisement` is what it said first."""

    def __init__(self, command: Resting, packets: Packets, advertisement: Advertisement) -> None:
        self.command = command
        self.packets = packets
        self.advertisement = advertisement


class SshRepository(RemoteRepository):
    """One repository on a server.

    Raises UsageError at once for a URL that SSH cannot have; later what connecting raises, and Unreachable (NotGit: the
    answer is not git's), Refused (ServerError: what the server says), NotFound, UnsupportedObjectFormat. Not thread-safe;
    any number of them may share a connector.
    """

    def __init__(self, connector: Connector, url: GitUrl) -> None:
        check_url(url)
        self._connector = connector
        self._url = url
        self._open: Conversation | None = None
        self._known: Advertisement | None = None

    def ls_refs(self, prefixes: Iterable[str]) -> Refs:
        """See RemoteRepository."""
        wanted = tuple(prefixes)

        def ask(conversation: Conversation) -> Refs:
            if conversation.advertisement.version != 2:
                return Refs(conversation.advertisement.refs)
            conversation.command.write(protocol_v2.ls_refs_request(wanted))
            return Refs(protocol_v2.read_refs(conversation.packets))

        return self._converse(ask)

    def request_pack(self, wants: list[Oid], feed: Feed, depth: int | None, object_filter: str | None = None) -> None:
        """See RemoteRepository."""
        once = Once(feed)

        def ask(conversation: Conversation) -> None:
            packets = conversation.packets
            if conversation.advertisement.version == 2:
                conversation.command.write(protocol_v2.fetch_request(wants, depth, object_filter))
                protocol_v2.read_pack(packets, once)
                return
            known = conversation.advertisement.capabilities
            deepen = depth if "shallow" in known else None
            conversation.command.write(protocol_v0.fetch_request(wants, known, deepen, object_filter))
            protocol_v0.read_pack(packets, once)
            self._drop()  # before version 2 there is one pack for each conversation

        self._converse(ask, lambda: not once.started)

    def can(self, feature: str) -> bool:
        """See RemoteRepository."""
        known = self._known
        if known is None:
            known = self._converse(lambda conversation: conversation.advertisement)
        if known.version == 2:
            return feature in known.capabilities.get("fetch", "").split(" ")
        return feature in known.capabilities

    @property
    def shown(self) -> str:
        """The repository for people."""
        return self._url.masked_clone_url

    def close(self) -> None:
        """Ends a conversation that is under way; those that rest belong to the connector."""
        self._drop()

    # ------------------------------------------------------------------ conversations

    def _converse(self, ask: Callable[[Conversation], T], may_repeat: Callable[[], bool] = lambda: True) -> T:
        """The answer in a conversation that rests, if there is one; when that has died meanwhile, in a new one."""
        conversation = self._connector.resume(self._url)
        if conversation is not None:
            self._known = conversation.advertisement
            self._open = conversation
            try:
                return self._rested(ask, conversation)
            except (ServerError, NotGit):
                raise
            except Unreachable:
                if not may_repeat():
                    raise
        return self._rested(ask, self._begin())

    def _rested(self, ask: Callable[[Conversation], T], conversation: Conversation) -> T:
        try:
            found = ask(conversation)
        except Unreachable as error:
            error = self._explained(error, conversation.command)
            self._drop()
            raise error from None
        except BaseException:
            self._drop()
            raise
        if self._open is not None:
            self._open = None
            conversation.command.rest(conversation)
        return found

    def _begin(self) -> Conversation:
        self._drop()
        command = self._connector.start(self._url)
        try:
            secrets = [self._url.user] if self._url.user is not None and self._url.user_is_token else []
            packets = Packets(command.read, self.shown, secrets)
            if packets.at_end():
                raise no_answer(command, self.shown)
            try:
                advertisement = protocol_v0.read_advertisement(packets)
            except NotGit as error:
                hint = "does a start-up file of the shell on the server print something?"
                raise NotGit(error.message, hint) from None
            except ServerError as error:
                raise _classified(error, error.message) from None
        except BaseException:
            command.close()
            raise
        self._known = advertisement
        self._open = Conversation(command, packets, advertisement)
        return self._open

    def _drop(self) -> None:
        if self._open is not None:
            self._open.command.close()
            self._open = None

    def _explained(self, error: Unreachable, command: Resting) -> Unreachable:
        """With what the server said on the side, if it did."""
        if isinstance(error, NotGit) or command.is_open:
            return error
        command.said.wait(1)
        said = command.said.text()
        return Unreachable(f"{error.message}; it says: {said}", error.hint) if said else error


def no_answer(command: Command, shown: str) -> GitHelperError:
    """The error for a program that ended without a word; `shown`: the repository for people."""
    code = command.exit_code()
    command.said.wait(1)
    said = command.said.text()
    if command.was_refused() and not said:
        hint = "is it an account for Git there?"
        return Refused(f"cannot read '{shown}': the server refuses to run 'git-upload-pack'", hint)
    if code == _COMMAND_NOT_FOUND:
        return Unreachable(f"cannot read '{shown}': there is no 'git-upload-pack' on the server ({said})")
    reason = said or (f"git-upload-pack ended with {code}" if code else "nothing at all")
    return _classified(Unreachable(f"cannot read '{shown}': the server says: {reason}"), said)


def _classified(error: GitHelperError, said: str) -> GitHelperError:
    """What servers say in words is the only sign of a repository that is not there."""
    if _NOT_FOUND.search(said):
        hint = "check the path; the server may hide it from an account that may not read it"
        return RepositoryNotFound(error.message, hint)
    if _REFUSED.search(said):
        return Refused(error.message, "ask its owner for the right to read it, or use another key")
    return error
