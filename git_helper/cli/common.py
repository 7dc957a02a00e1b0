"""The options that mean the same for every command, as core/options.py lists them, added to each command's own."""

from __future__ import annotations

import inspect
import sys
from functools import cache, wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from git_helper.core.command_settings import CommandSettings
from git_helper.core.given import of_environment, of_options
from git_helper.core.home_path import in_home
from git_helper.core.option_kinds import SWITCH
from git_helper.core.options import COMMON, TABLE, Option
from git_helper.frozen import frozen
from git_helper.system import trace, trace_file
from git_helper.system.environment import environment
from git_helper.system.messages import say
from git_helper.system.places import home
from git_helper.ui.messages import Messages
from git_helper.wiring.commands import CommandHouse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_helper.errors import GitHelperError


@frozen
class Command:
    """What every command works with: the house furnished by its settings, and the two ways to speak."""

    house: CommandHouse
    messages: Messages


def command(function: Callable[..., None], groups: Sequence[str] = ()) -> Callable[..., None]:
    """Gives `function(command, **own)` the common options on its command line, and those of `groups` (core/options.py).

    Their values are `command.house.settings`.
    """
    own = inspect.signature(function, eval_str=True)
    parameters = [parameter for name, parameter in own.parameters.items() if name != "command"]
    parameters += (_parameter(option) for option in TABLE if option.group in (COMMON, *groups))

    @wraps(function)
    def with_common(**given: Any) -> None:
        options = {option.name: given.pop(option.attribute, None) for option in TABLE}
        own_command = _command(function.__name__.strip("_"), options)
        try:
            function(own_command, **given)
        finally:
            own_command.house.close()
            trace_file.stop()

    with_common.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_common.__annotations__ = {}  # they are in the signature, and typer would go through all of them twice more
    return with_common


@cache
def _parameter(option: Option) -> inspect.Parameter:
    shown = typer.Option(*option.words, metavar=option.metavar, help=option.help, rich_help_panel=option.group)
    kind: Any = list[str] | None if option.many else str | None
    if option.kind is SWITCH:
        kind = bool
    return inspect.Parameter(
        option.attribute,
        inspect.Parameter.KEYWORD_ONLY,
        default=False if kind is bool else None,
        annotation=Annotated[kind, shown],
    )


def _command(title: str, given: Mapping[str, Any]) -> Command:
    words = {name: _words(value) for name, value in given.items() if value not in (None, False)}
    environ = environment()
    place = in_home(home(environ))  # a shell expands no `~` behind `=`
    settings = CommandSettings(of_options(words, place), of_environment(environ, place))
    messages = Messages(color=settings.color, quiet=settings.quiet)
    if settings.trace is not None:
        trace_file.start(settings.trace)
        trace.note("command", name=title)
    return Command(CommandHouse(settings, _report, f"git-helper {title}"), messages)


def _words(value: Any) -> list[str]:
    return value if isinstance(value, list) else ["true" if value is True else value]


def _report(source: str, error: GitHelperError) -> None:
    trace.note("warning", source=source, message=error.message)
    say(sys.stderr, f"warning: {source}", error)
