"""What is going on, shown while it goes on: on a terminal only, on stderr, and out of the way when a person is asked."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.text import Text

from git_helper.errors import Cancelled
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Task, TaskID


class Job:
    """One line of the display."""

    def __init__(self, display: Display, task: TaskID | None) -> None:
        self._display = display
        self._task = task

    def received(self, size: int, done: int, count: int) -> None:
        """Bytes so far, objects so far, objects in all."""
        self._display.update(self._task, completed=size, note=f"{done}/{count} objects")

    def show(self, title: str, size: int | None, note: str) -> None:
        """What it is about now, bytes so far if they count, and a note."""
        fields: dict[str, object] = {"description": visible(title), "note": note}
        if size is not None:
            fields["completed"] = size
        self._display.update(self._task, **fields)


class Watcher:
    """Shows a clone on one line: the `Watch` of `git/clone_options`."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def pack(self, name: str, received: int, done: int, total: int) -> None:
        """Bytes and objects of a pack."""
        self._job.show(name, received, f"{done}/{total} objects")

    def files(self, name: str, done: int, total: int) -> None:
        """Files of the work tree."""
        self._job.show(name, None, f"{done}/{total} files")

    def lfs(self, name: str, size: int) -> None:
        """Bytes of Git LFS."""
        self._job.show(name, None, f"{size / 1e6:.1f} MB of Git LFS")

    def message(self, name: str, text: bytes) -> None:
        """What the server says about its own work is of no use to the person."""


class _Received(ProgressColumn):
    """Bytes and how fast they come, once there are any."""

    def render(self, task: Task) -> Text:
        if not task.completed:
            return Text()
        rate = "" if task.speed is None else f", {decimal(int(task.speed))}/s"
        return Text(f"{decimal(int(task.completed))}{rate}", "green")


class Display:
    """A context manager; shows nothing when `quiet` or when stderr is not a terminal. Thread-safe."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
        self._lock = threading.RLock()
        self._progress: Progress | None = None
        self._running = False
        # Not console.is_terminal: FORCE_COLOR makes that true for a file, too.
        if sys.stderr.isatty() and not quiet:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                _Received(),
            )
            note = TextColumn("{task.fields[note]}", markup=False)
            self._progress = Progress(*columns, note, console=console, transient=True, redirect_stdout=False)

    def __enter__(self) -> Display:
        self._start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    @contextlib.contextmanager
    def job(self, title: str) -> Iterator[Job]:
        """A line for one thing, gone when it is done."""
        task = None
        if self._progress is not None:
            task = self._progress.add_task(str(Text(visible(title))), total=None, note="")
        try:
            yield Job(self, task)
        finally:
            if self._progress is not None and task is not None:
                self._progress.remove_task(task)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is drawn meanwhile, and what was drawn is cleared: for a question to the person (uv#5107)."""
        with self._lock:
            was_running = self._running
            self._stop()
            try:
                yield
            except (Cancelled, KeyboardInterrupt):
                was_running = False  # it all ends
                raise
            finally:
                if was_running:
                    self._start()

    def update(self, task: TaskID | None, **fields: object) -> None:
        """Changes the fields of a line."""
        if self._progress is not None and task is not None:
            self._progress.update(task, **fields)  # type: ignore[arg-type]

    def _start(self) -> None:
        with self._lock:
            if self._progress is not None and not self._running:
                self._progress.start()
                self._running = True

    def _stop(self) -> None:
        with self._lock:
            if self._progress is not None and self._running:
                self._progress.stop()
                self._running = False
