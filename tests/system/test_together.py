"""Jobs on threads, questions in the main thread, and an end that waits for nobody."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from git_helper.errors import Cancelled, NotFound
from git_helper.system.together import in_main_thread, together
from tests.support import ROOT


def test_the_results_are_in_order_and_no_more_than_so_many_run_at_once() -> None:
    running: set[int] = set()
    most: list[int] = []
    meeting = threading.Barrier(3)

    def job(number: int) -> int:
        running.add(number)
        meeting.wait(10)
        most.append(len(running))
        running.discard(number)
        return number * number

    assert together([partial(job, number) for number in range(9)], 3) == [n * n for n in range(9)]
    assert max(most) == 3
    assert together([], 3) == []


def test_what_a_job_raises_is_raised_and_none_begins_after_it() -> None:
    begun: list[int] = []

    def job(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise NotFound("no")

    with pytest.raises(NotFound):
        together([partial(job, number) for number in (1, 2, 3, 4)], 1)
    assert begun == [1, 2]


def test_questions_are_put_in_the_main_thread_one_at_a_time() -> None:
    asked: list[str] = []

    def ask(name: str) -> str:
        assert threading.current_thread() is threading.main_thread()
        asked.append(f"{name} begins")
        asked.append(f"{name} ends")
        return name.upper()

    jobs = [partial(in_main_thread, partial(ask, name)) for name in "abcdef"]
    assert together(jobs, 6) == list("ABCDEF")
    assert [line.split()[0] for line in asked[::2]] == [line.split()[0] for line in asked[1::2]]
    assert in_main_thread(lambda: ask("g")) == "G"


def test_jobs_of_jobs() -> None:
    def ask() -> bool:
        return threading.current_thread() is threading.main_thread()

    def job() -> list[bool]:
        return together([lambda: in_main_thread(ask)] * 3, 2)

    assert together([job, job], 2) == [[True] * 3] * 2


def test_a_question_that_fails_is_its_job_s_business() -> None:
    def fails() -> None:
        raise NotFound("no terminal")

    def job() -> str:
        with pytest.raises(NotFound):
            in_main_thread(fails)
        return "went on"

    assert together([job, lambda: "other"], 2) == ["went on", "other"]


def test_who_cancels_one_question_gets_no_other() -> None:
    asked: list[int] = []
    both = threading.Barrier(2)

    def ask(number: int) -> None:
        asked.append(number)
        raise Cancelled("cancelled")

    def job(number: int) -> None:
        both.wait(10)
        in_main_thread(lambda: ask(number))

    with pytest.raises(Cancelled):
        together([lambda: job(1), lambda: job(2)], 2)
    assert len(asked) == 1


PROGRAM = """
import os, sys, threading
sys.path.insert(0, {root!r})
from git_helper.system.together import together
def job():
    os.write(1, b"begun\\n")
    threading.Event().wait()
together([job, job], 2)
"""


def test_an_interrupt_does_not_wait_for_who_hangs() -> None:
    words = [sys.executable, "-c", PROGRAM.format(root=str(ROOT))]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            assert [process.stdout.readline() for _ in range(2)] == [b"begun\n"] * 2
            start = time.monotonic()
            os.kill(process.pid, signal.SIGINT)
            said = process.communicate(timeout=10)[1]
        finally:
            process.kill()
    assert time.monotonic() - start < 8
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in said


def test_who_waits_for_an_answer_is_let_go_when_the_person_said_no() -> None:
    lock, ended = threading.Lock(), threading.Event()

    def no() -> None:
        raise Cancelled("cancelled")

    def job() -> None:
        try:
            with lock:  # what others need in order to end
                in_main_thread(no)
        finally:
            ended.set()

    with pytest.raises(Cancelled):
        together([job], 1)
    assert ended.wait(10)
    assert lock.acquire(timeout=10)


def test_questions_that_come_too_late_are_answered_by_no() -> None:
    begin, seen = threading.Event(), queue.SimpleQueue[object]()

    def late() -> None:
        begin.wait(10)
        try:
            seen.put(in_main_thread(lambda: "asked"))
        except Cancelled as error:
            seen.put(error)

    def broken() -> None:
        raise NotFound("not there")

    with pytest.raises(NotFound):
        together([late, broken], 2)
    begin.set()
    assert isinstance(seen.get(timeout=10), Cancelled)
