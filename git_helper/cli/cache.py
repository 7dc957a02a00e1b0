"""`cache dir`, `cache prune` and `cache clean`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.core.options import CACHE
from git_helper.tasks import login

if TYPE_CHECKING:
    from git_helper.git import object_cache
    from git_helper.registry import artefact_cache


def add(app: typer.Typer) -> None:
    """Adds the command group to the application."""
    group = typer.Typer(
        help="The cache of Git trees and files.", context_settings={"help_option_names": ["-h", "--help"]}
    )
    group.command("dir")(command(_dir, groups=(CACHE,)))
    group.command("prune")(command(_prune, groups=(CACHE,)))
    group.command("clean")(command(_clean, groups=(CACHE,)))
    app.add_typer(group, name="cache", rich_help_panel="Dependencies")


def _dir(command: Command) -> None:
    """Print the folder of the cache."""
    command.messages.text(command.house.cache().folder)


def _prune(
    command: Command,
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Not used for so long: 90d, 12h.")] = "30d",
) -> None:
    """Remove what was not used for a while."""
    seconds = login.seconds_of(older_than)
    _say(command, command.house.cache().prune(seconds), command.house.artefact_cache().prune(seconds))


def _clean(command: Command) -> None:
    """Remove everything from the cache."""
    _say(command, command.house.cache().clean(), command.house.artefact_cache().clean())


def _say(command: Command, trees: object_cache.Freed, files: artefact_cache.Freed) -> None:
    size = (trees.size + files.size) / 1e6
    command.messages.done(f"removed {trees.commits} commits and {files.files} files, {size:.1f} MB")
