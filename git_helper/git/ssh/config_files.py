"""One reading of the ssh_config files: Include, Host and Match decide which lines count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from git_helper.frozen import frozen
from git_helper.git.ssh.config_lines import lines_of
from git_helper.git.ssh.match import host_applies, match_applies, wants_final
from git_helper.git.ssh.tokens import UnknownToken, expand, expand_tilde
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_helper.git.ssh.config_lines import Line
    from git_helper.git.ssh.match import Situation
    from git_helper.git.ssh.settings import Settings

DEEPEST = 16  # Include in Include in … (readconf.c, READCONF_MAX_DEPTH)


class Reader(Protocol):
    """The machine, as far as a configuration needs it. `machine.LocalReader` is the real one."""

    system_folder: str
    """Where the configuration of the machine is: /etc/ssh."""

    def read(self, path: str, *, owned: bool) -> bytes | None:
        """The bytes of a file, None when there is no such file.

        `owned`: it must belong to the person or to root, and nobody else may write to it. Raises SshConfigError.
        """

    def names(self, pattern: str) -> list[str]:
        """The files that a pattern of glob(7) names, sorted."""

    def home_of(self, user: str) -> str | None:
        """The home folder of another user, None when there is no such user."""

    def host_name(self) -> str:
        """The name of this machine, with its domain if it says it."""

    def user_id(self) -> int:
        """The number of the user who runs us."""


@frozen
class ConfigFile:
    """A file to begin with. `is_personal`: paths in it may begin with `~`; `owned`: as for Reader.read."""

    path: str
    is_personal: bool
    owned: bool


def standard_files(home: str, system_folder: str) -> tuple[ConfigFile, ...]:
    """The person's file, then the machine's (ssh_config(5), "FILES")."""
    return (
        ConfigFile(f"{home}/.ssh/config", is_personal=True, owned=True),
        ConfigFile(f"{system_folder}/ssh_config", is_personal=False, owned=False),
    )


@dataclass
class Reading:
    """One reading of all files into `settings`. `host`: what Host is compared with; `situation`: for Match, as of now.

    `wants_final` is set when a line asks for one more reading.
    """

    settings: Settings
    reader: Reader
    host: str
    situation: Callable[[], Situation]
    environ: Mapping[str, str]
    home: str
    wants_final: bool = False

    def read(self, file: ConfigFile) -> None:
        """Reads a file and what it includes; none is as good as an empty one. Raises SshConfigError."""
        content = self.reader.read(file.path, owned=file.owned)
        if content is not None:
            self._read(file, content, active=True, depth=0)

    def _read(self, file: ConfigFile, content: bytes, *, active: bool, depth: int) -> None:
        # A file included by a block that does not apply is checked, but none of its own blocks can apply.
        possible = active
        for line in lines_of(file.path, content):
            if line.keyword == "host":
                active = host_applies(line, self.host) and possible
            elif line.keyword == "match":
                active = self._match(line, possible=possible)
            elif line.keyword == "include":
                for path in self._included(line, file):
                    self._include(ConfigFile(path, file.is_personal, owned=True), line, active=active, depth=depth + 1)
            else:
                self.settings.take(line, active=active)

    def _match(self, line: Line, *, possible: bool) -> bool:
        self.wants_final = self.wants_final or wants_final(line)
        situation = self.situation()
        if not possible:
            # Still read for its errors, but nothing runs for a block that cannot apply.
            match_applies(line, _quiet(situation))
            return False
        return match_applies(line, situation)

    def _include(self, file: ConfigFile, line: Line, *, active: bool, depth: int) -> None:
        if depth > DEEPEST:
            raise line.error(f"more than {DEEPEST} files include each other")
        content = self.reader.read(file.path, owned=True)
        if content is not None:
            self._read(file, content, active=active, depth=depth)

    def _included(self, line: Line, file: ConfigFile) -> list[str]:
        found: list[str] = []
        for word in line.words:
            try:
                path = expand(word, self.situation().names.tokens(), self.environ)
                if not path or (path.startswith("~") and not file.is_personal):
                    raise line.error("an 'include' needs a path, and only a personal file may begin it with '~'")
                if not path.startswith(("/", "~")):
                    path = ("~/.ssh/" if file.is_personal else self.reader.system_folder + "/") + path
                # glob(3) knows the home folder by HOME, all else in ssh by the user database.
                path = expand_tilde(path, self.environ.get("HOME") or self.home, self.reader.home_of)
            except UnknownToken as error:
                raise line.error(visible(str(error))) from error
            found += self.reader.names(path)
        return found


def _quiet(situation: Situation) -> Situation:
    return type(situation)(situation.names, situation.tag, situation.final, lambda _: 1)
