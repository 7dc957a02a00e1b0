"""Every command: its name, its panel and what it does, known while the module that carries it out waits (cli/late.py).

To add a command: a line in TABLE, which tests/cli/test_commands.py compares with what the modules say of themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import typer
from typer.core import TyperCommand

from git_helper.cli import accounts, cache, protocol, registries, repositories, requirements, settings, setup
from git_helper.cli.quick import quickened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from typer.core import TyperGroup


class Row(NamedTuple):
    """Commands that a module's `add` makes, in one panel: what each does, by its name."""

    panel: str
    module: ModuleType
    commands: Mapping[str, str]


TABLE = (
    Row(
        "Set-up",
        setup,
        {
            "configure": "Make git ask git-helper for credentials. All other helpers stay; "
            "a second time changes nothing.",
            "unconfigure": "Take git-helper out of git's configuration again, and nothing else. "
            "Stored credentials stay.",
        },
    ),
    Row(
        "Set-up",
        settings,
        {"settings": "Show every setting with its value and where that comes from. Secrets are masked."},
    ),
    Row(
        "Accounts",
        accounts,
        {
            "login": "Ask for a token (or read it with --with-token), check it against the server, and keep it.",
            "logout": "Forget the stored token. It is not revoked at the server.",
            "list": "Show every stored account. Secrets are never shown.",
            "token": "Print the token for scripts; exit code 3 when there is none. The person is not asked.",
        },
    ),
    Row(
        "Dependencies",
        requirements,
        {
            "parse": "Show what URLs and requirements mean. Nothing is asked or fetched.",
            "resolve": "Pin each Git requirement to a commit: one question to a server for each repository.",
            "download": "Fetch the tree of each Git requirement at its commit, and the files of the others; "
            "print where they are.",
        },
    ),
    Row(
        "Dependencies",
        repositories,
        {"clone": "Clone a repository so that git can go on with it. No secret is written to it."},
    ),
    Row(
        "Dependencies",
        registries,
        {
            "index": "List the projects of package indexes, or the files of a project, or say exactly why that cannot "
            "be had."
        },
    ),
    Row("Dependencies", cache, {"cache": "The cache of Git trees and files."}),
    Row(
        "For git",
        protocol,
        {
            "get": "Print the credential for a description, or nothing.",
            "store": "Keep a credential that worked.",
            "erase": "Forget a credential that was refused.",
            "capability": "Print what of the protocol is understood.",
        },
    ),
)


class LateCommand(TyperCommand):
    """Stands in the list of commands for one whose module is loaded when it is called."""

    def __init__(self, name: str, help: str, row: Row) -> None:  # noqa: A002 - typer's word
        super().__init__(name, help=help, rich_help_panel=row.panel)
        self._module = row.module

    def loaded(self) -> TyperCommand | TyperGroup:
        """The command itself, made by its module."""
        app = typer.Typer(add_completion=False)
        self._module.add(app)
        # Each command that is made takes its time.
        app.registered_commands = [command for command in app.registered_commands if command.name == self.name]
        return cast("TyperCommand | TyperGroup", typer.main.get_group(quickened(app)).commands[self.name or ""])

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself: whoever invokes or completes goes on with that."""
        return self.loaded().make_context(info_name, args, parent, **extra)


def late_commands() -> Iterator[LateCommand]:
    """A stand-in for each command, in the order of the help page."""
    for row in TABLE:
        for name, does in row.commands.items():
            yield LateCommand(name, does, row)
