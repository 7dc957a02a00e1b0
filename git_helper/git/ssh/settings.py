"""What the lines of ssh_config files add up to: the first value of each keyword counts, of some keywords each value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from git_helper.frozen import frozen
from git_helper.git.ssh.keywords import ALIASES, IGNORED, REPEATED, SINGLE, TIMES
from git_helper.git.ssh.patterns import matches_host
from git_helper.git.ssh.tokens import UnknownToken
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.git.ssh.config_lines import Line


class Applied(NamedTuple):
    """A line that took effect: where it is, its keyword in lower case, its value as written."""

    file: str
    line: int
    keyword: str
    value: str


@frozen
class Setting:
    """A value, and the line that gave it (None: the person or the URL)."""

    value: Any
    line: Line | None


class Settings:
    """Values so far. `user` and `port` of a URL come before every line."""

    def __init__(self, user: str | None, port: int | None) -> None:
        self._single: dict[str, Setting] = {}
        self._repeated: dict[str, list[Setting]] = {name: [] for name in REPEATED}
        self.applied: list[Applied] = []
        if user is not None:
            self._single["user"] = Setting(user, None)
        if port is not None:
            self._single["port"] = Setting(port, None)

    def take(self, line: Line, *, active: bool) -> None:
        """Reads a line and, if its block applies, keeps its value. Raises SshConfigError for a bad line in any block."""
        name = ALIASES.get(line.keyword, line.keyword)
        if name in SINGLE:
            value = SINGLE[name](line)
            if active and not self._is_settled(name):
                self._single[name] = Setting(value, line)
                self._note(line)
        elif name in REPEATED:
            value = REPEATED[name](line)
            # Only of files does the second time of the same count for nothing (readconf.c, add_identity_file).
            if active and (name == "sendenv" or all(value != kept.value for kept in self._repeated[name])):
                self._repeated[name].append(Setting(value, line))
                self._note(line)
        elif name not in IGNORED and not matches_host(name, self.get("ignoreunknown", "")):
            raise line.error(f"the keyword '{name}' is unknown")
        if active and name == "refuseconnection":
            raise line.error(f"it refuses this connection: {visible(line.word())}")

    def _is_settled(self, name: str) -> bool:
        # ProxyJump and ProxyCommand exclude each other: the first of them counts (readconf.c; `ProxyJump none` is none).
        if name == "proxyjump" and "proxycommand" in self._single:
            return True
        if name == "proxycommand" and self.get("proxyjump", ()):
            return True
        # A time of `none` is as good as no line at all: a later one counts (readconf.c, parse_time).
        return name in self._single and (name not in TIMES or self.get(name) is not None)

    def _note(self, line: Line) -> None:
        self.applied.append(Applied(line.file, line.number, line.keyword, line.rest))

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a keyword; `default` when no line gave one."""
        setting = self._single.get(name)
        return default if setting is None else setting.value

    def has(self, name: str) -> bool:
        """Whether the keyword has a value."""
        return name in self._single or bool(self._repeated.get(name))

    def every(self, name: str) -> list[Setting]:
        """The values of a keyword of REPEATED, in order."""
        return self._repeated[name]

    def line(self, name: str) -> Line | None:
        """The line that gave the value of `name`."""
        setting = self._single.get(name)
        return None if setting is None else setting.line

    def expanded(self, name: str, expansion: Callable[[str], str], default: str) -> str:
        """The value of a keyword (else `default`) through `expansion`; what that rejects is an error at the line."""
        return expanded(Setting(self.get(name, default), self.line(name)), expansion)


def expanded(setting: Setting, expansion: Callable[[str], str]) -> str:
    """The value through `expansion`. Raises SshConfigError at the line for an UnknownToken."""
    try:
        return expansion(setting.value)
    except UnknownToken as error:
        if setting.line is None:
            raise
        raise setting.line.error(visible(str(error))) from error
