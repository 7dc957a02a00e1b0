"""Which blocks of an ssh_config file apply: the lines Host and Match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.frozen import frozen
from git_helper.git.ssh.patterns import lower, matches, matches_host, matches_list
from git_helper.git.ssh.tokens import UnknownToken, expand
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.git.ssh.config_lines import Line
    from git_helper.git.ssh.tokens import Names


@frozen
class Situation:
    """What Match can ask for. `names.host`: the host as far as it is known; `final`: the second reading.

    `run`: gives a command to the person's shell and returns its exit status.
    """

    names: Names
    tag: str
    final: bool
    run: Callable[[str], int]


def host_applies(line: Line, host: str) -> bool:
    """Whether the block of a Host line applies: one pattern fits, none with `!` does. Raises SshConfigError."""
    applies = False
    for pattern in line.words:
        if not pattern:
            raise line.error("'host' has an empty value")
        if matches(host, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            applies = True
    return applies


def wants_final(line: Line) -> bool:
    """Whether a Match line asks for a second reading."""
    return any(lower(word.removeprefix("!")) == "final" for word in line.words)


def match_applies(line: Line, situation: Situation) -> bool:
    """Whether the block of a Match line applies.

    A criterion that we do not know is an error, never true and never false: it could guard either way. `exec` runs only
    when all before it is true. Raises SshConfigError.
    """
    words = list(line.words)
    result, count = True, 0
    while words:
        name, value = _next(line, words)
        is_negated = name.startswith("!")
        name = lower(name.removeprefix("!"))
        if name == "all":
            if count > 1 or words or value is not None:
                raise line.error("'all' cannot stand beside other criteria")
            return result and not is_negated
        count += 1
        if name in ("final", "canonical"):
            if value is not None:
                raise line.error(f"'{name}' takes no value")
            result = result and situation.final != is_negated
            continue
        value = value if value is not None else _value(line, name, words)
        if not value:
            raise line.error(f"the criterion '{visible(name)}' has no value")
        met = _meets(line, name, value, situation, needed=result)
        result = result and met != is_negated
    if not count:
        raise line.error("'match' has no criterion")
    return result


def _next(line: Line, words: list[str]) -> tuple[str, str | None]:
    """The next criterion, and its value where it hangs on it by a `=`."""
    name, equals, value = words.pop(0).partition("=")
    if not equals:
        return name, None
    return name, value or _value(line, name, words)


def _value(line: Line, name: str, words: list[str]) -> str:
    if words and words[0].startswith("="):
        words[0] = words[0][1:]
        if not words[0]:
            words.pop(0)
    if not words:
        raise line.error(f"the criterion '{visible(name)}' has no value")
    return words.pop(0)


def _meets(line: Line, name: str, value: str, situation: Situation, *, needed: bool) -> bool:
    names = situation.names
    if name == "host":
        return matches_host(names.host, value)
    if name == "originalhost":
        return matches_host(names.original, value)
    if name == "user":
        return matches_list(names.user, value)
    if name == "localuser":
        return matches_list(names.local_user, value)
    if name == "tagged":
        return matches_list(situation.tag, value)
    if name == "exec":
        try:
            command = expand(value, names.tokens())
        except UnknownToken as error:
            raise line.error(visible(str(error))) from error
        return needed and situation.run(command) == 0
    raise line.error(f"the criterion '{visible(name)}' of 'match' is not supported")
