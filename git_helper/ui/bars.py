"""The lines of the progress display as rich draws them; loaded only where there is a terminal to show them."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from git_helper.ui.colors import NO_COLOR


class _Received(ProgressColumn):
    """Bytes and how fast they come, once there are any."""

    def render(self, task: Task) -> Text:
        if not task.completed:
            return Text()
        rate = "" if task.speed is None else f", {decimal(int(task.speed))}/s"
        return Text(f"{decimal(int(task.completed))}{rate}", "green")


def bars(color: str) -> Progress:
    """`color`: a key of NO_COLOR. For each task: its description, a bar, bytes, and its field `note`; on stderr."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        _Received(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    console = Console(file=sys.stderr, no_color=NO_COLOR[color], markup=False, highlight=False, emoji=False)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False)
