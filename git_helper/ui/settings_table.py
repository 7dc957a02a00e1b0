"""The settings as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Row = tuple[str, Sequence[tuple[str, str]]]
    """A name, and each of its values with who said so."""


def settings_table(rows: Iterable[Row], *headings: str) -> Table:
    """Name, value and origin; a list has a line for each value. What nobody set is dim."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for name, values in rows:
        for number, (value, origin) in enumerate(values or [("", "default")]):
            style = "dim" if origin == "default" else ""
            table.add_row(Text("" if number else name, style), Text(value, style), Text(origin, style))
    return table
