"""`index`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.core.distribution import checked_project
from git_helper.core.options import INDEXES
from git_helper.errors import UsageError
from git_helper.git.staging import ending_signals
from git_helper.tasks import gather, index, index_locations
from git_helper.ui.index_listing import JsonListings, text_lines
from git_helper.ui.progress import Display
from git_helper.wiring.indexes import Registry, configured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.errors import GitHelperError
    from git_helper.registry.local_place import Location

_PANEL = "Dependencies"
Urls = Annotated[
    list[str] | None,
    typer.Argument(metavar="URL", help="An index, a find-links page (.html), or a folder. Default: those configured."),
]
Projects = Annotated[
    list[str] | None, typer.Option("--project", metavar="NAME", help="List the files of this project. Repeatable.")
]
Files = Annotated[
    list[str] | None,
    typer.Option("--requirement", "-r", metavar="FILE", help="Ask what this requirements file names, too. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("index", rich_help_panel=_PANEL)(command(_index, groups=(INDEXES,)))


def _index(
    command: Command,
    urls: Urls = None,
    projects: Projects = None,
    requirement_files: Files = None,
    as_json: AsJson = False,
) -> None:
    """List the projects of package indexes, or the files of a project, or say exactly why that cannot be had."""
    wanted: list[str | None] = [checked_project(name) for name in projects or ()]
    offline = command.house.settings.offline
    with ending_signals(), Display(quiet=command.messages.quiet, color=command.messages.color) as display:
        locations = _locations(command, display, urls or (), requirement_files or ())
        registry = Registry(command.house, display, locations)
        with display.job("asking"):
            listings = index.ask(locations, wanted or [None], None if offline else registry.pages)
    errors = _shown(command, listings, as_json)
    counted = index.failures(listings, errors)
    for error in {(type(error), error.message, error.hint): error for error in counted}.values():
        command.messages.error(error)
    if counted:
        raise typer.Exit(max(error.exit_code for error in counted))


def _locations(command: Command, display: Display, urls: Sequence[str], paths: Sequence[str]) -> list[Location]:
    """Those of the arguments and options; what is configured elsewhere only when there are none."""
    house = command.house
    given = configured(house)
    if urls or paths:
        given = given.only_options()
    registry = Registry(house, display)
    files = [house.path(path) for path in paths]
    gathered = gather.gather((), files, gather.read_file, house.environ, registry.text_file, may_be_empty=True)
    with display.paused():
        for warning in gathered.warnings:
            command.messages.note(warning)
    named = [index.guessed(text, house.environ) for text in urls]
    found = index_locations.index_locations(given, gathered.files, house.environ)
    if not named and not found:
        hint = "git-helper index https://host/simple/ --project NAME"
        raise UsageError("nothing to ask: no index is named and none is configured", hint)
    return list(dict.fromkeys([*named, *found]))


def _shown(command: Command, listings: Sequence[index.Listing], as_json: bool) -> list[GitHelperError | None]:
    """Prints each listing while it arrives; the error of each."""
    most = command.house.settings.max_page_size
    document = JsonListings() if as_json else None
    errors = []
    for one in listings:
        counted = index.Counted(one, most)
        if document is None:
            text_lines(counted)
        else:
            _add(document, one, counted)
        errors.append(counted.error)
        if counted.error is None and document is None:
            command.messages.done(index.summary(one, counted))
        if one.facts.warning is not None:
            command.messages.note(one.facts.warning)
    if document is not None:
        document.finish()
    return errors


def _add(document: JsonListings, one: index.Listing, counted: index.Counted) -> None:
    document.begin(index.described_head(one))
    for fields in counted:
        document.item(counted.name, fields)
    document.end(index.described_tail(one, counted))
