"""SSH for a whole command: one connection for all repositories of a host and user, closed in the end, nothing asked twice."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING

from git_helper.git.ssh.command import TooManyChannels, check_url, upload_pack
from git_helper.git.ssh.program import ProgramCommand

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from git_helper.core.giturl import GitUrl
    from git_helper.git.ssh.command import Command
    from git_helper.git.ssh.connection import Connection
    from git_helper.git.ssh.program import SshProgram
    from git_helper.git.ssh.repository import Conversation
    from git_helper.git.ssh.said import Said
    from git_helper.git.ssh.way import Means

    Connect = Callable[[str, str | None, int | None], Connection]

_SECONDS_TO_CLOSE = 0.5
_MOST_RESTING = 4
"""Commands that wait for another question."""
_MOST_CHANNELS = 8
"""Commands at once on a connection; OpenSSH's server allows 10 (MaxSessions), and counts those that are just ending."""
_Key = tuple[str, "str | None", "int | None"]
_About = tuple[_Key, str]
"""A place and what is run there."""


def _key(url: GitUrl) -> _Key:
    return url.host or "", None if url.userinfo is None else url.userinfo.username, url.port


def _about(url: GitUrl, line: str) -> _About:
    return _key(url), line


class Connections:
    """A Connector of `repository`. `connect`: makes a connection to host, user and port of a URL.

    `program`: what the person has chosen instead of our own client. Thread-safe.
    """

    def __init__(self, means: Means, connect: Connect, program: SshProgram | None = None) -> None:
        self._means = means
        self._connect = connect
        self._program = program
        self._variant: str | None = None
        self._lock = threading.Lock()
        self._places: dict[_Key, _Place] = {}
        self._resting: deque[_Resting] = deque()
        self._started: set[_Resting] = set()

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, url: GitUrl) -> _Resting:
        """git-upload-pack for the repository at `url`. Raises as `run`."""
        return self.run(url, upload_pack(url.remote_path))

    def run(self, url: GitUrl, line: str) -> _Resting:
        """The command `line` on the host of `url`, over a connection that is there already, or a new one.

        Raises UsageError, Unreachable, Refused, NoCredential, Cancelled.
        """
        check_url(url)
        host, user, port = _key(url)
        if self._program is not None:
            command: Command = self._with_program(self._program, host, user, port, line, url.masked_clone_url)
            found = _Resting(self, command, about=_about(url, line))
        else:
            with self._lock:
                place = self._places.setdefault((host, user, port), _Place(self._connect, host, user, port))
            found = self._on(place, line, _about(url, line))
        with self._lock:
            self._started.add(found)
        return found

    def close(self) -> None:
        """Ends all commands and connections."""
        with self._lock:
            started, places = list(self._started), list(self._places.values())
            self._places.clear()
        for command in started:
            command.close()
        for place in places:
            place.close()

    def _on(self, place: _Place, line: str, about: _About) -> _Resting:
        while True:
            taken = place.take(may_connect=False)
            if taken is None and not self._make_room(place):
                taken = place.take(may_connect=True)
            if taken is None:
                continue
            try:
                command = taken.connection.run(line, self._means.idle)
                taken.is_new = False
                return _Resting(self, command, place, taken, about=about)
            except TooManyChannels:
                if place.is_too_much(taken):
                    raise
            except BaseException:
                place.give_back(taken)
                raise

    def _with_program(
        self, program: SshProgram, host: str, user: str | None, port: int | None, line: str, shown: str
    ) -> Command:
        if self._variant is None:
            self._variant = program.detect(self._means.environ, host)
        words = program.arguments(host, user, port, line, self._variant)
        return ProgramCommand(words, self._means.environ, self._means.idle, shown, may_ask=self._means.may_ask)

    # ------------------------------------------------------------------ commands that rest

    def rests(self, command: _Resting) -> None:
        """`command` has nothing to do; the one that has rested longest makes room for it."""
        with self._lock:
            self._resting.append(command)
            oldest = self._resting.popleft() if len(self._resting) > _MOST_RESTING else None
        if oldest is not None:
            oldest.close()

    def resume(self, url: GitUrl) -> Conversation | None:
        """See repository.Connector; the one that rested last."""
        about = _about(url, upload_pack(url.remote_path))
        with self._lock:
            found = next((one for one in reversed(self._resting) if one.about == about), None)
            if found is None:
                return None
            self._resting.remove(found)
        if found.is_open:
            return found.conversation
        found.close()
        return None

    def forget(self, command: _Resting) -> None:
        """It has ended."""
        with self._lock:
            self._started.discard(command)
            if command in self._resting:
                self._resting.remove(command)

    def _make_room(self, place: _Place) -> bool:
        """Ends a command at `place` that rests; whether there was one."""
        with self._lock:
            found = next((one for one in self._resting if one.place is place), None)
            if found is not None:
                self._resting.remove(found)
        if found is not None:
            found.close()
        return found is not None


class _Resting:
    """A Command that is closed when others need its place."""

    def __init__(
        self,
        house: Connections,
        command: Command,
        place: _Place | None = None,
        taken: _Shared | None = None,
        *,
        about: _About,
    ) -> None:
        self.place = place
        self.about = about
        self.conversation: Conversation | None = None
        self._house = house
        self._command = command
        self._taken = taken

    @property
    def said(self) -> Said:
        """See Command."""
        return self._command.said

    @property
    def is_open(self) -> bool:
        """See Command."""
        return self._command.is_open

    def rest(self, conversation: Conversation) -> None:
        """See repository.Resting."""
        self.conversation = conversation
        self._house.rests(self)

    def read(self, size: int) -> bytes:
        """See Command."""
        return self._command.read(size)

    def write(self, data: bytes) -> None:
        """See Command."""
        self._command.write(data)

    def exit_code(self) -> int | None:
        """See Command."""
        return self._command.exit_code()

    def was_refused(self) -> bool:
        """See Command."""
        return self._command.was_refused()

    def close(self) -> None:
        """See Command."""
        self._house.forget(self)
        self._command.close()
        if self.place is not None and self._taken is not None:
            self.place.give_back(self._taken)
            self._taken = None


class _Shared:
    """A connection, and the number of commands on it: now, and at most."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.now = 0
        self.most = _MOST_CHANNELS
        self.is_new = True


class _Place:
    """A host with user and port as a URL names them, and the connections to it."""

    def __init__(self, connect: Connect, host: str, user: str | None, port: int | None) -> None:
        self._connect = connect
        self._where = (host, user, port)
        self._lock = threading.Lock()
        self._open: list[_Shared] = []

    def take(self, *, may_connect: bool) -> _Shared | None:
        """Room for a command on a connection that lives, or on a new one.

        Who comes while one is being made waits for it, instead of logging in, too. None when all are full.
        """
        with self._lock:
            for one in [one for one in self._open if not one.connection.is_alive]:
                self._open.remove(one)
                one.connection.close()
            found = next((one for one in self._open if one.now < one.most), None)
            if found is None and (may_connect or not self._open):
                found = _Shared(self._connect(*self._where))
                self._open.append(found)
            if found is not None:
                found.now += 1
            return found

    def give_back(self, taken: _Shared) -> None:
        """A command on it has ended."""
        with self._lock:
            taken.now -= 1

    def is_too_much(self, taken: _Shared) -> bool:
        """The server refused one more command on it; whether it refused even the first one."""
        with self._lock:
            taken.now -= 1
            taken.most = taken.now
            if taken.now == 0 and taken in self._open:  # the server has not yet seen the end of the last one
                self._open.remove(taken)
                taken.connection.close()
            return taken.is_new

    def close(self) -> None:
        """Ends all of them. One that is just being made is left alone: that may take long, and the command ends."""
        is_ours = self._lock.acquire(timeout=_SECONDS_TO_CLOSE)
        try:
            with contextlib.ExitStack() as stack:
                for one in self._open:
                    stack.callback(one.connection.close)
                self._open = []
        finally:
            if is_ours:
                self._lock.release()
