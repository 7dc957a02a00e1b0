"""The options that mean the same for every command, declared once and added to each command's own."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from git_helper.core.settings import Settings
from git_helper.system.environment import environment
from git_helper.system.messages import say
from git_helper.ui.messages import Messages
from git_helper.wiring.commands import CommandHouse

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.errors import GitHelperError

_PANEL = "Options of every command"
_COMMON: dict[str, Any] = {
    "store": Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Where to keep credentials: keyring, file or none.", rich_help_panel=_PANEL),
    ],
    "netrc_file": Annotated[
        str | None, typer.Option(metavar="FILE", help="Read this file instead of ~/.netrc.", rich_help_panel=_PANEL)
    ],
    "allow_http": Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST", help="Send tokens to this host over plain http. Repeatable.", rich_help_panel=_PANEL
        ),
    ],
    "timeout": Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS", help="The limit of each wait: servers, keyring, helpers.", rich_help_panel=_PANEL
        ),
    ],
    "no_input": Annotated[
        bool, typer.Option("--no-input", "--non-interactive", help="Never ask a person.", rich_help_panel=_PANEL)
    ],
    "quiet": Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.", rich_help_panel=_PANEL)],
    "verbose": Annotated[bool, typer.Option("--verbose", "-v", help="Say more.", rich_help_panel=_PANEL)],
    "color": Annotated[str | None, typer.Option(metavar="WHEN", help="auto, always or never.", rich_help_panel=_PANEL)],
}


@dataclass(frozen=True)
class Command:
    """What every command works with: the house furnished by its settings, and the two ways to speak."""

    house: CommandHouse
    messages: Messages


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Gives `function(command, **own)` the common options on its command line."""
    own = inspect.signature(function, eval_str=True)
    parameters = [parameter for name, parameter in own.parameters.items() if name != "command"]
    for name, annotation in _COMMON.items():
        default = False if name in ("no_input", "quiet", "verbose") else None
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )

    @wraps(function)
    def with_common(**given: Any) -> None:
        common = {name: given.pop(name) for name in _COMMON}
        own_command = _command(function.__name__.strip("_"), common)
        try:
            function(own_command, **given)
        finally:
            own_command.house.close()

    with_common.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_common.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_common


def _command(title: str, common: dict[str, Any]) -> Command:
    messages = Messages(color=common.pop("color"), quiet=common.pop("quiet"))
    options: dict[str, list[str]] = {}
    for name, value in common.items():
        if value not in (None, False):
            values = value if isinstance(value, list) else ["1" if value is True else value]
            options[name.replace("_", "-")] = values
    return Command(CommandHouse(Settings.merged(options, environment()), _report, f"git-helper {title}"), messages)


def _report(source: str, error: GitHelperError) -> None:
    say(sys.stderr, f"warning: {source}", error)
