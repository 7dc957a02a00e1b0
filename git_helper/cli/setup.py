"""`configure` and `unconfigure`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.errors import UsageError
from git_helper.tasks import configure
from git_helper.ui import tables
from git_helper.ui.messages import PLAIN_NOTICE

_PANEL = "Set-up"
System = Annotated[bool, typer.Option("--system", help="For all users of this machine.")]
Global = Annotated[bool, typer.Option("--global", help="For all repositories of this user (the default).")]
Local = Annotated[bool, typer.Option("--local", help="For the repository here.")]
ForUrl = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="For this URL only (credential.<url>.helper).")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, change nothing.")]
Cache = Annotated[
    int | None,
    typer.Option(
        metavar="SECONDS", help="Put git's own cache before git-helper; 0 for none. Default: 900 before an OS keyring."
    ),
]


def add(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("configure", rich_help_panel=_PANEL)(command(_configure))
    app.command("unconfigure", rich_help_panel=_PANEL)(command(_unconfigure))


def _configure(
    command: Command,
    system: System = False,
    for_user: Global = False,
    local: Local = False,
    url: ForUrl = None,
    cache: Cache = None,
    dry_run: DryRun = False,
) -> None:
    """Make git ask git-helper for credentials. All other helpers stay; a second time changes nothing."""
    house = command.house
    store = house.settings.store
    scope = _scope(system, for_user, local)
    kept_in = house.chosen() if dry_run else house.choose(anew=store is not None)
    request = configure.Request(scope, url, store, kept_in, cache, dry_run)
    _show(command, configure.configure(request, house.environ, beside=os.path.dirname(sys.executable)), dry_run)
    if kept_in == "file":
        command.messages.note(PLAIN_NOTICE)


def _unconfigure(
    command: Command,
    system: System = False,
    for_user: Global = False,
    local: Local = False,
    url: ForUrl = None,
    dry_run: DryRun = False,
) -> None:
    """Take git-helper out of git's configuration again, and nothing else. Stored credentials stay."""
    request = configure.Request(_scope(system, for_user, local), url, dry_run=dry_run)
    _show(command, configure.unconfigure(request, command.house.environ), dry_run)


def _scope(system: bool, for_user: bool, local: bool) -> str:
    chosen = [name for name, given in zip(configure.SCOPES, (system, for_user, local), strict=True) if given]
    if len(chosen) > 1:
        raise UsageError("give only one of --system, --global and --local")
    return chosen[0] if chosen else "global"


def _show(command: Command, outcome: configure.Outcome, dry_run: bool) -> None:
    command.messages.tell(tables.helpers_table(outcome.key, outcome.before, outcome.after))
    if not outcome.changed:
        command.messages.done(f"git's {outcome.scope} configuration was so already")
    elif dry_run:
        command.messages.note(f"git's {outcome.scope} configuration would change so; nothing was changed (--dry-run)")
    else:
        command.messages.done(f"git's {outcome.scope} configuration is changed")
    for note in outcome.notes:
        command.messages.note(note.message)
        if note.hint:
            command.messages.hint(note.hint)
