"""`parse`, `resolve` and `download`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.core.requirement import describe
from git_helper.core.requirements_rewrite import with_line_end
from git_helper.errors import UsageError
from git_helper.git.staging import ending_signals
from git_helper.system import files
from git_helper.tasks import download, gather, resolve
from git_helper.ui import tables
from git_helper.ui.progress import Display

if TYPE_CHECKING:
    from collections.abc import Sequence

_PANEL = "Dependencies"
_WHAT = "git+https://…, name @ git+https://…, a URL or a name."
Requirements = Annotated[list[str], typer.Argument(metavar="REQUIREMENT...", help=_WHAT)]
Arguments = Annotated[list[str] | None, typer.Argument(metavar="REQUIREMENT...", help=_WHAT)]
Files = Annotated[
    list[str] | None, typer.Option("--requirement", "-r", metavar="FILE", help="A requirements file. Repeatable.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no server; use the cache.")]
CacheDir = Annotated[str | None, typer.Option("--cache-dir", metavar="DIR", help="Where the cache is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("parse", rich_help_panel=_PANEL)(command(_parse))
    app.command("resolve", rich_help_panel=_PANEL)(command(_resolve))
    app.command("download", rich_help_panel=_PANEL)(command(_download))


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


def _resolve(
    command: Command,
    requirements: Arguments = None,
    requirement_files: Files = None,
    form: Annotated[str, typer.Option("--format", metavar="FORM", help="text, json or requirements.")] = "text",
    offline: Offline = False,
    cache_dir: CacheDir = None,
) -> None:
    """Pin each Git requirement to a commit: one question to a server for each repository."""
    if form not in ("text", "json", "requirements"):
        raise UsageError(f"unknown --format '{form}'", "use one of: text, json, requirements")
    gathered = _gathered(command, requirements, requirement_files)
    with ending_signals(), Display(quiet=command.messages.quiet) as display:
        outcomes = _resolved(command, gathered, display, offline, cache_dir)
    if form == "json":
        command.messages.data([resolve.described(one) for one in outcomes])
    elif form == "requirements":
        _write_requirements(command, gathered, outcomes)
    else:
        for one in outcomes:
            if one.error is None:
                command.messages.text(one.pinned or resolve.written(one))
    _finish(command, outcomes)


def _download(
    command: Command,
    requirements: Arguments = None,
    requirement_files: Files = None,
    directory: Annotated[
        str, typer.Option("--directory", "-d", metavar="DIR", help="Where to put them (default: here).")
    ] = ".",
    as_json: AsJson = False,
    offline: Offline = False,
    cache_dir: CacheDir = None,
) -> None:
    """Fetch the source tree of each Git requirement at its commit and print where it is."""
    gathered = _gathered(command, requirements, requirement_files)
    with ending_signals(), Display(quiet=command.messages.quiet) as display:
        outcomes = _resolved(command, gathered, display, offline, cache_dir)
        done = download.download(
            outcomes, directory, command.house.trees(display, offline=offline, cache_dir=cache_dir)
        )
    if as_json:
        command.messages.data([download.described(one, resolve.described(one.outcome)) for one in done])
    else:
        for one in done:
            if one.path is not None:
                command.messages.text(one.path)
    _finish(command, done)


def _gathered(command: Command, requirements: Sequence[str] | None, paths: Sequence[str] | None) -> gather.Gathered:
    gathered = gather.gather(requirements or (), paths or (), files.read, command.house.environ)
    for warning in gathered.warnings:
        command.messages.note(warning)
    return gathered


def _resolved(
    command: Command, gathered: gather.Gathered, display: Display, offline: bool, cache_dir: str | None
) -> list[resolve.Outcome]:
    house = command.house
    opener = house.no_repository if offline else house.connections(display).repository
    with display.job("resolving"):
        outcomes = resolve.resolve(gathered.wanted, opener, house.cache(cache_dir).has)
    with display.paused():
        for warning in dict.fromkeys(text for one in outcomes if one.choice for text in one.choice.warnings):
            command.messages.note(warning)
    return outcomes


def _write_requirements(command: Command, gathered: gather.Gathered, outcomes: Sequence[resolve.Outcome]) -> None:
    if any(one.error is not None for one in outcomes):
        return  # half a file would be taken for a whole one
    for one in outcomes:
        if one.wanted.source is None:
            command.messages.text(resolve.written(one))
    *texts, last = [resolve.rewritten(source, outcomes) for source in gathered.sources] or [""]
    command.messages.raw("".join(map(with_line_end, texts)) + last)


def _finish(command: Command, done: Sequence[resolve.Outcome | download.Downloaded]) -> None:
    """Says each error once and ends with the worst exit code."""
    errors = [one.error for one in done if one.error is not None]
    for error in {(type(error), error.message, error.hint): error for error in errors}.values():
        command.messages.error(error)
    worst = max((one.exit_code for one in done), default=0)
    if worst:
        raise typer.Exit(worst)
