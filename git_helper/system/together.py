"""Several things at once on threads, while the main thread stays free for signals and for questions to a person.

Only the main thread gets signals: it alone can put a terminal back into its modes when one comes (signal(7), tty(4)), and
end the command at once whatever the others wait for. So they are daemon threads, and what they may leave on disk is
removed at exit (`git/staging`).
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from git_helper.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    _Message: TypeAlias = "_Call | tuple[int, object, BaseException | None]"
    """A question, or the number of a job, what it gave and what it raised."""

T = TypeVar("T")
_PIECE = 0.5  # seconds
_worker = threading.local()


class _Call:
    """Something that a worker wants the main thread to do."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.action = action
        self.done = threading.Event()
        self.result: object = None
        self.error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """The worker raises it."""
        self.error = error
        self.done.set()


class _Crew:
    """The workers of one `together`, and their messages to the thread that called it."""

    def __init__(self, jobs: Sequence[Callable[[], object]]) -> None:
        self.messages: SimpleQueue[_Message] = SimpleQueue()
        self.is_over = False
        self._jobs = jobs
        self._waiting = deque(range(len(jobs)))

    def work(self) -> None:
        _worker.crew = self
        while self._waiting:
            try:
                number = self._waiting.popleft()
            except IndexError:
                return  # another one took the last
            try:
                self.messages.put((number, self._jobs[number](), None))
            except BaseException as error:  # the caller raises it
                self.dismiss()
                self.messages.put((number, None, error))

    def next_message(self) -> _Message:
        """Waits in pieces: a signal just before the wait does not end it, and on Windows none does."""
        while True:
            try:
                return self.messages.get(timeout=_PIECE)
            except Empty:
                continue

    def dismiss(self) -> None:
        """Nobody begins another job."""
        self._waiting.clear()

    def end(self) -> None:
        """Nobody listens any more: whoever waits for an answer holds locks that others need in order to end."""
        self.dismiss()
        self.is_over = True
        with suppress(Empty):
            while True:
                message = self.messages.get_nowait()
                if isinstance(message, _Call):
                    message.fail(Cancelled("cancelled"))


def together(jobs: Sequence[Callable[[], T]], workers: int) -> list[T]:
    """What the jobs give, in their order; at most `workers` of them at a time.

    What a job raises is raised at once, and so are KeyboardInterrupt and what signal handlers raise: jobs that run go on
    unheard, none begins.
    """
    crew = _Crew(jobs)
    results: dict[int, T] = {}
    try:
        for _ in range(min(workers, len(jobs))):
            threading.Thread(target=crew.work, daemon=True).start()
        while len(results) < len(jobs):
            message = crew.next_message()
            if isinstance(message, _Call):
                _answer(message)
                continue
            number, result, error = message
            if error is not None:
                raise error
            results[number] = result  # type: ignore[assignment]
    finally:
        crew.end()
    return [results[number] for number in range(len(jobs))]


def in_main_thread(action: Callable[[], T]) -> T:
    """What `action` gives, done by the thread that waits in `together`; elsewhere than in a job, by this one.

    Raises what `action` raises; when that is Cancelled, `together` raises it too.
    """
    crew: _Crew | None = getattr(_worker, "crew", None)
    if crew is None:
        return action()
    call = _Call(action)
    crew.messages.put(call)
    if crew.is_over:
        raise Cancelled("cancelled")
    call.done.wait()
    if call.error is not None:
        raise call.error
    return call.result  # type: ignore[return-value]


def _answer(call: _Call) -> None:
    try:
        call.result = in_main_thread(call.action)  # this thread may be another one's worker
    except Cancelled:
        call.fail(Cancelled("cancelled"))
        raise  # the person wants none of it: whoever else would ask must not
    except Exception as error:
        call.fail(error)
    except BaseException:
        call.fail(Cancelled("cancelled"))
        raise
    else:
        call.done.set()
