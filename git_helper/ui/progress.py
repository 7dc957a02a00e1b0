"""What is going on, shown while it goes on: on a terminal only, on stderr, and out of the way when a person is asked."""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING

from rich.filesize import decimal

from git_helper.errors import Cancelled
from git_helper.secret import visible
from git_helper.ui import bars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, TaskID


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


class Display:
    """A context manager; shows nothing when `quiet` or when stderr is not a terminal. Thread-safe."""

    def __init__(self, *, quiet: bool = False, color: str = "auto") -> None:
        self._lock = threading.RLock()
        self._running = False
        # Not what rich calls a terminal: FORCE_COLOR makes one of a file, too.
        self._progress: Progress | None = bars.bars(color) if sys.stderr.isatty() and not quiet else None

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
            task = self._progress.add_task(visible(title), total=None, note="")
        try:
            yield Job(self, task)
        finally:
            if self._progress is not None and task is not None:
                self._progress.remove_task(task)

    @contextlib.contextmanager
    def file(self, title: str) -> Iterator[Callable[[int, int | None], None]]:
        """A line for one file: tell it the bytes so far and in all."""
        if self._progress is None:
            yield lambda received, total: None
            return
        with self.job(title) as job:
            yield lambda received, total: job.show(title, received, "" if total is None else f"of {decimal(total)}")

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
