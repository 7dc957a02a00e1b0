"""Typer's commands without what is slow in it: rich to draw a help page, pydantic to look at words.

Each of the two takes longer to load than all that most commands do. The help page has the same panels, as sections.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Sections = dict[str, list[tuple[str, str]]]
    """By its heading, the lines of each section: a name and what it means."""


_WIDEST = 26
"""Columns for names; what means a longer one begins in the next line."""


class QuickCommand(TyperCommand):
    """A command: `typer.Typer.command(cls=QuickCommand)`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the command line."""
        _take_words_as_they_are(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the sections with arguments and options."""
        _write(formatter, _options(self, ctx))


class QuickGroup(TyperGroup):
    """A group of commands: `typer.Typer(cls=QuickGroup)`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads the command line up to the command."""
        _take_words_as_they_are(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the sections with options and commands."""
        _write(formatter, _options(self, ctx))
        commands: Sections = {}
        for name, command in self.commands.items():
            does = (command.help or "").partition("\n\n")[0].replace("\n", " ")
            commands.setdefault(getattr(command, "rich_help_panel", None) or "Commands", []).append((name, does))
        _write(formatter, commands)


def quickened(app: typer.Typer) -> typer.Typer:
    """The application, all of whose commands and groups will be quick ones."""
    app.rich_markup_mode = None
    for command in app.registered_commands:
        command.cls = QuickCommand
    for group in app.registered_groups:
        group.cls = QuickGroup
        if group.typer_instance is not None:
            quickened(group.typer_instance)
    return app


def _options(command: TyperCommand | TyperGroup, ctx: Any) -> Sections:
    sections: Sections = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            is_argument = parameter.param_type_name == "argument"
            panel = getattr(parameter, "rich_help_panel", None) or ("Arguments" if is_argument else "Options")
            name = parameter.metavar if is_argument and parameter.metavar else record[0]
            sections.setdefault(panel, []).append((name, record[1]))
    return sections


def _write(formatter: Any, sections: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    names = [len(name) for rows in sections.values() for name, _ in rows]
    width = max((length for length in names if length <= _WIDEST), default=0)
    for heading, rows in sections.items():
        with formatter.section(typer.style(heading, bold=True)):
            formatter.write_dl([(typer.style(name.ljust(width), fg="cyan"), does) for name, does in rows], width)


def _take_words_as_they_are(parameters: Sequence[Any]) -> None:
    """A text, or a list of texts, needs no conversion, and neither does what was not given.

    Everything else, and everything in a Typer that keeps its types elsewhere, is converted as usual.
    """
    for parameter in parameters:
        kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
        if kind is not None:
            parameter.process_value = partial(_processed, parameter, kind, parameter.process_value)


def _processed(parameter: Any, kind: Any, convert: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:
    if value is None:
        is_ready = not parameter.required
    elif kind == list[str]:
        is_ready = bool(value) and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    else:
        is_ready = kind is str and isinstance(value, str)
    if not is_ready:
        return convert(ctx, value)
    return value if parameter.callback is None else parameter.callback(ctx, parameter, value)
