"""`parse`."""

from __future__ import annotations

from typing import Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.core.requirement import describe
from git_helper.ui import tables

_PANEL = "Dependencies"
Requirements = Annotated[
    list[str], typer.Argument(metavar="REQUIREMENT...", help="git+https://…, name @ git+https://…, a URL or a name.")
]


def add(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("parse", rich_help_panel=_PANEL)(command(_parse))


def _parse(
    command: Command,
    requirements: Requirements,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object for each argument.")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print secrets as they are.")] = False,
) -> None:
    """Show what URLs and requirements mean. Nothing is asked or fetched."""
    described = [describe(text, reveal) for text in requirements]
    if as_json:
        for one in described:
            command.messages.line(one)
    else:
        for text, one in zip(requirements, described, strict=True):
            command.messages.show(tables.parsed(text, one))
    if not all(one["ok"] for one in described):
        raise typer.Exit(2)
