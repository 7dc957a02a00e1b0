"""`clone`."""

from __future__ import annotations

from typing import Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.secret import visible
from git_helper.system.environment import is_true
from git_helper.tasks import clone
from git_helper.ui.progress import Display


def add(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("clone", rich_help_panel="Dependencies")(command(_clone))


def _clone(
    command: Command,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="https://… or git+https://…, with '@' and a revision or not.")
    ],
    folder: Annotated[
        str | None, typer.Argument(metavar="DIR", help="Where to (default: as git would choose).")
    ] = None,
    ref: Annotated[
        str | None, typer.Option("--ref", metavar="REV", help="The branch, tag or commit to check out.")
    ] = None,
    depth: Annotated[int | None, typer.Option(metavar="N", help="Only so many commits of history.")] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Without files, as on a server.")] = False,
    recurse_submodules: Annotated[
        bool, typer.Option("--recurse-submodules", help="With submodules, each with its own credential.")
    ] = False,
) -> None:
    """Clone a repository so that git can go on with it. No secret is written to it."""
    with Display(quiet=command.messages.quiet, color=command.messages.color) as display, display.job("cloning") as job:
        cloned = clone.clone(
            url,
            folder,
            command.house.full_clone(display, job),
            revision=ref,
            depth=depth,
            bare=bare,
            recurse_submodules=recurse_submodules,
            lfs=not is_true(command.house.environ.get("GIT_LFS_SKIP_SMUDGE")),
        )
    for warning in cloned.warnings:
        command.messages.note(warning)
    where = cloned.branch or "no branch (detached HEAD)"
    at = "an empty repository" if cloned.commit is None else f"{cloned.commit.hex[:12]}, {visible(where)}"
    command.messages.done(f"cloned into '{visible(cloned.folder)}': {at}")
