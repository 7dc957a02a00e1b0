"""`parse`, `resolve` and `download`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.core import requirement, requirements_rewrite
from git_helper.core.options import CACHE, INDEXES
from git_helper.errors import UsageError
from git_helper.git.staging import ending_signals
from git_helper.system.together import together
from git_helper.tasks import checks, download, gather, index_locations, resolve
from git_helper.ui import tables
from git_helper.ui.progress import Display
from git_helper.wiring import indexes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    _Done = resolve.Outcome | download.Downloaded | checks.LocationChecked

_PANEL = "Dependencies"
_WHAT = "git+https://…, name @ git+https://…, a URL or a name."
Requirements = Annotated[list[str], typer.Argument(metavar="REQUIREMENT", help=_WHAT)]
Arguments = Annotated[list[str] | None, typer.Argument(metavar="REQUIREMENT", help=_WHAT)]
Files = Annotated[
    list[str] | None, typer.Option("--requirement", "-r", metavar="FILE", help="A requirements file. Repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("parse", rich_help_panel=_PANEL)(command(_parse))
    app.command("resolve", rich_help_panel=_PANEL)(command(_resolve, groups=(CACHE, INDEXES)))
    app.command("download", rich_help_panel=_PANEL)(command(_download, groups=(CACHE, INDEXES)))


def _parse(
    command: Command,
    requirements: Requirements,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object for each argument.")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print secrets as they are.")] = False,
) -> None:
    """Show what URLs and requirements mean. Nothing is asked or fetched."""
    described = [requirement.describe(text, reveal) for text in requirements]
    if as_json:
        for one in described:
            command.messages.line(one)
    else:
        for text, one in zip(requirements, described, strict=True):
            command.messages.show(tables.parsed(text, one))
    if not all(one["ok"] for one in described):
        raise typer.Exit(2)


def _resolve(
    command: Command,
    requirements: Arguments = None,
    requirement_files: Files = None,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="text, json or requirements.")] = "text",
) -> None:
    """Pin each Git requirement to a commit: one question to a server for each repository."""
    if form not in ("text", "json", "requirements"):
        raise UsageError(f"unknown --format '{form}'", "use one of: text, json, requirements")
    with ending_signals(), Display(quiet=command.messages.quiet, color=command.messages.color) as display:
        gathered = _gathered(command, display, requirements, requirement_files)
        outcomes, locations = _resolved_and_checked(command, gathered, display)
    if form == "json":
        described = [resolve.described(one) for one in outcomes]
        command.messages.data(described + [resolve.described_location(one) for one in locations])
    elif form == "requirements":
        _write_requirements(command, gathered, outcomes)
    else:
        for one in outcomes:
            if one.error is None or one.checked is not None:
                command.messages.text(one.pinned or resolve.written(one))
    for said in resolve.said_of_checks(outcomes, locations):
        command.messages.done(said)
    _finish(command, [*outcomes, *locations])


def _download(
    command: Command,
    requirements: Arguments = None,
    requirement_files: Files = None,
    directory: Annotated[
        str,
        typer.Option("--directory", "-d", metavar="DIR", help="Where to put them (default: here).", show_default=False),
    ] = ".",
    as_json: AsJson = False,
) -> None:
    """Fetch the tree of each Git requirement at its commit, and the files of the others; print where they are."""
    with ending_signals(), Display(quiet=command.messages.quiet, color=command.messages.color) as display:
        gathered = _gathered(command, display, requirements, requirement_files)
        outcomes = _resolved(command, gathered, display)
        locations = index_locations.index_locations(
            indexes.configured(command.house), gathered.files, command.house.environ
        )
        registry = indexes.Registry(command.house, display, locations)
        folder = command.house.path(directory)
        done = download.download(outcomes, folder, lambda: command.house.trees(display), lambda: registry.files)
    for note in dict.fromkeys(one.note for one in done if one.note is not None):
        command.messages.note(note)
    if as_json:
        command.messages.data([download.described(one, resolve.described(one.outcome)) for one in done])
    else:
        for one in done:
            if one.path is not None:
                command.messages.text(one.path)
    _finish(command, done)


def _gathered(
    command: Command, display: Display, requirements: Sequence[str] | None, paths: Sequence[str] | None
) -> gather.Gathered:
    """The arguments and files, those on servers too."""
    house = command.house
    registry = indexes.Registry(
        house, display, index_locations.index_locations(indexes.configured(house), (), house.environ)
    )
    files = [house.path(path) for path in paths or ()]
    gathered = gather.gather(requirements or (), files, gather.read_file, house.environ, registry.text_file)
    with display.paused():
        for warning in gathered.warnings:
            command.messages.note(warning)
    return gathered


def _resolved_and_checked(
    command: Command, gathered: gather.Gathered, display: Display
) -> tuple[list[resolve.Outcome], Sequence[checks.LocationChecked]]:
    """Git's servers and the others at once."""
    house = command.house
    given = indexes.configured(house)
    locations = index_locations.index_locations(given, gathered.files, house.environ)
    registry = None if house.settings.offline else indexes.Registry(house, display, locations)
    if not gathered.needs_index:  # what is configured for all projects is of no concern here
        locations = index_locations.index_locations(given.only_options(), gathered.files, house.environ)
    jobs: list[Callable[[], Any]] = [
        partial(_resolved, command, gathered, display),
        partial(checks.check, gathered.wanted, locations, registry),
    ]
    outcomes, checked = together(jobs, len(jobs))
    return resolve.with_checks(outcomes, checked), checked.locations


def _resolved(command: Command, gathered: gather.Gathered, display: Display) -> list[resolve.Outcome]:
    house = command.house
    opener = house.no_repository if house.settings.offline else house.connections(display).repository
    with display.job("resolving"):
        outcomes = resolve.resolve(gathered.wanted, opener, house.cache().has)
    with display.paused():
        for warning in dict.fromkeys(text for one in outcomes if one.choice for text in one.choice.warnings):
            command.messages.note(warning)
    return outcomes


def _write_requirements(command: Command, gathered: gather.Gathered, outcomes: Sequence[resolve.Outcome]) -> None:
    if any(one.error is not None and one.checked is None for one in outcomes):
        return  # half a file would be taken for a whole one
    arguments = [one for one in outcomes if one.wanted.source is None]
    for one in arguments:
        command.messages.text(resolve.written(one))
    texts = [resolve.rewritten(source, outcomes) for source in gathered.sources]
    command.messages.raw(requirements_rewrite.joined(texts, at_start=not arguments))


def _finish(command: Command, done: Sequence[_Done]) -> None:
    """Says each error once and ends with the worst exit code."""
    errors = [one.error for one in done if one.error is not None]
    for error in {(type(error), error.message, error.hint): error for error in errors}.values():
        command.messages.error(error)
    worst = max((one.exit_code for one in done), default=0)
    if worst:
        raise typer.Exit(worst)
