"""The command door: builds the Typer application and turns every outcome into an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer

from git_helper import __version__
from git_helper.cli.commands import late_commands
from git_helper.cli.quick import QuickGroup
from git_helper.core import options, redaction
from git_helper.errors import Cancelled, UsageError
from git_helper.system.environment import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typer.core import TyperGroup


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"git-helper {__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def application(*, completion: bool = True) -> TyperGroup:
    """The program as a group of commands, none of which is loaded yet. A new one is added in cli/commands.py.

    `completion`: with the options that complete words and install that for a shell.
    """
    app = typer.Typer(
        name="git-helper",
        cls=QuickGroup,
        help="One executable for every moment in which a Git dependency needs a credential.",
        add_completion=completion,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    group = cast("TyperGroup", typer.main.get_command(app))
    for command in late_commands():
        group.add_command(command)
    return group


def main(words: Sequence[str]) -> int:
    """Runs the command line `words`; returns its exit code. Raises GitHelperError."""
    try:
        given, color = list(words) or ["--help"], _color(environment())
        # They stand before the command, and a shell that wants words completed gives none of its own.
        program = application(completion=given[0].startswith("-"))
        code = program.main(given, prog_name="git-helper", standalone_mode=False, color=color)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        raise Cancelled("cancelled") from None
    except typer.TyperException as error:
        # What was typed may be a URL with a password, and a CI keeps what we say.
        raise UsageError(redaction.redact(_sentence(error.format_message())), _see(error)) from error
    return code if isinstance(code, int) else 0


def _color(environ: Mapping[str, str]) -> bool | None:
    """Whether help pages have colour (no-color.org, force-color.org); None: on a terminal."""
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return True if environ.get("FORCE_COLOR") else None


def _see(error: typer.TyperException) -> str:
    """Where an option belongs that stands before the command, else the help page of what was typed so far."""
    context, option = getattr(error, "ctx", None), getattr(error, "option_name", None)
    if context is not None and context.parent is None and any(option in one.words for one in options.TABLE):
        return f"options stand behind the command: git-helper COMMAND {option}"
    return f"see: {'git-helper' if context is None else context.command_path} --help"


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
