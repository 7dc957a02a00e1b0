"""The operations of git's protocol as commands, so that they have a help page; the front hall answers them."""

from __future__ import annotations

import typer


def add(app: typer.Typer) -> None:
    """Adds `get`, `store`, `erase` and `capability` to the application."""
    for name, does in _OPERATIONS.items():
        app.command(name, help=does, rich_help_panel="For git")(_usage)


_SEE = (
    "\n\nReads key=value lines up to an empty line (git-credential(1)); git calls it, with the options before its name."
)
_OPERATIONS = {
    "get": "Print the credential for a description, or nothing." + _SEE,
    "store": "Keep a credential that worked." + _SEE,
    "erase": "Forget a credential that was refused." + _SEE,
    "capability": "Print what of the protocol is understood.",
}


def _usage() -> None:
    """Reached only with words behind the operation, which the protocol does not have."""
    raise typer.BadParameter("an operation of the protocol stands last, its options before it")
