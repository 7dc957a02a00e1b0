"""`configure` and `unconfigure`."""

from __future__ import annotations

import typer


def add(app: typer.Typer) -> None:
    """Adds the commands to the application."""
