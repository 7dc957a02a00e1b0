"""`cache dir`, `cache prune` and `cache clean`."""

from __future__ import annotations

from typing import Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.cli.requirements import CacheDir
from git_helper.tasks.login import seconds_of


def add(app: typer.Typer) -> None:
    """Adds the command group to the application."""
    group = typer.Typer(help="The cache of Git trees.", context_settings={"help_option_names": ["-h", "--help"]})
    group.command("dir")(command(_dir))
    group.command("prune")(command(_prune))
    group.command("clean")(command(_clean))
    app.add_typer(group, name="cache", rich_help_panel="Dependencies")


def _dir(command: Command, cache_dir: CacheDir = None) -> None:
    """Print the folder of the cache."""
    command.messages.text(command.house.cache(cache_dir).folder)


def _prune(
    command: Command,
    cache_dir: CacheDir = None,
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Not used for so long: 90d, 12h.")] = "30d",
) -> None:
    """Remove what was not used for a while."""
    freed = command.house.cache(cache_dir).prune(seconds_of(older_than))
    command.messages.done(f"removed {freed.commits} commits, {freed.size / 1e6:.1f} MB")


def _clean(command: Command, cache_dir: CacheDir = None) -> None:
    """Remove everything from the cache."""
    freed = command.house.cache(cache_dir).clean()
    command.messages.done(f"removed {freed.commits} commits, {freed.size / 1e6:.1f} MB")
