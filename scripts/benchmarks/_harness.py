"""Runs subjects in turn (A B C B C A …), so that the noise of the machine falls on all of them, and measures each run."""

from __future__ import annotations

import contextlib
import glob
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from scripts.benchmarks._installation import Installation
from scripts.benchmarks._subject import Figures, Subject, Verdict
from scripts.benchmarks._table import table
from tests.servers.isolated import environment

SECONDS = 120
_COLLECTED = re.compile(rb"Collected : (\d+)")
# ru_maxrss of a process begins with the size of the one that started it, so a small one must do that.
_LAUNCHER = """\
import sys, posix
program, name = sys.argv[2], sys.argv[1]
child = posix.posix_spawn(program, sys.argv[2:], posix.environ)
usage = posix.wait4(child, 0)[2]
with open(name, "w") as file:
    file.write(str(usage.ru_maxrss))
"""


class BrokenSubjectError(Exception):
    """A subject does not do what is to be measured."""


@dataclass
class Bench:
    """What a group gets: its name, a temporary folder, our installation, and where its results go."""

    folder: Path
    installation: Installation
    rounds: int
    count: bool
    quick: bool = False
    name: str = ""
    printed: list[str] = field(default_factory=list)
    judged: list[Verdict] = field(default_factory=list)

    def skip(self, what: str, why: str) -> None:
        """Notes that something was not measured."""
        self.note(f"Not measured: {what} ({why}).")

    def note(self, sentence: str) -> None:
        """Says something between the tables, at once: what takes minutes may be interrupted."""
        self.printed.append(f"{sentence}\n")
        print(self.printed[-1], flush=True)

    def check(self, sentence: str, met: bool | None, number: str = "") -> None:
        """Notes a goal that is no figure of a table; None: not measured. number: of the list of goals, as "S5"."""
        self.note(f"{number} {sentence} {'?' if met is None else '✓' if met else '✗'}".lstrip())
        self.judge(Verdict(number, sentence, met))

    def judge(self, verdict: Verdict) -> None:
        """For the summary; a goal without a number is found there by the group's name."""
        self.judged.append(verdict if verdict.number else replace(verdict, number=self.name))

    def environ(self, name: str, **extra: str) -> dict[str, str]:
        """The environment of a subject: a home of its own below the group's folder, our installation first on PATH."""
        home = self.folder / name
        home.mkdir(mode=0o700, exist_ok=True)
        path = os.pathsep.join([str(self.installation.bin), os.environ.get("PATH", os.defpath)])
        return environment(home, PATH=path, **extra)

    def compare(self, subjects: Sequence[Subject], *, base: str, most: int | None = None, title: str = "") -> None:
        """Measures the subjects and notes them as a table, with ratios to the one named `base`.

        most: the most rounds, for what takes seconds. title: what is above the table, and before its goals in the summary.
        A subject that has a goal must work, else BrokenSubjectError; a peer that does not is noted and left out.
        """
        rounds = self.rounds if most is None else min(self.rounds, most)
        if title or rounds != self.rounds:
            self.note(f"{title or 'This table'} (rounds: {rounds}):")
        runner = Runner(self.folder)
        working = self._working(subjects, base, runner.prove)
        figures = {subject.name: Figures() for subject in working}

        def timed(subject: Subject) -> None:
            figures[subject.name].times.append(runner.timed(subject))

        for number in range(rounds):
            turn = [subject for subject in working if subject.most is None or number < subject.most]
            # Another order each time: what ran before leaves its traces in the caches.
            well = self._working(random.Random(number).sample(turn, len(turn)), base, timed)
            working = [subject for subject in working if subject in well or subject not in turn]
        for subject in working:
            figures[subject.name].memory = runner.peak_memory(subject)
            if self.count and subject.counted:
                figures[subject.name].instructions = runner.instructions(subject)
        figures = {subject.name: figures[subject.name] for subject in working}
        lines, judged = table(working, figures, base=base, floor=runner.memory_floor())
        self.note("\n".join(lines))
        for one in judged:
            self.judge(replace(one, sentence=f"{title}: {one.sentence}") if title else one)

    def _working(self, subjects: Sequence[Subject], base: str, run: Callable[[Subject], None]) -> list[Subject]:
        """Those that `run` can run."""
        working = []
        for subject in subjects:
            try:
                run(subject)
            except BrokenSubjectError as error:
                if subject.goals or subject.name == base:
                    raise
                self.skip(subject.name, str(error))
            else:
                working.append(subject)
        return working


class Runner:
    """Starts subjects without a terminal, with files for their streams."""

    def __init__(self, folder: Path) -> None:
        self._input = folder / ".stdin"
        self._output = folder / ".stdout"
        self._errors = folder / ".stderr"
        self._memory = folder / ".memory"

    def prove(self, subject: Subject) -> None:
        """Runs it once. Raises BrokenSubjectError unless its output is what it should be."""
        self._prepare(subject)
        self._check(subject, self._run(subject.command, subject))

    def _check(self, subject: Subject, status: int) -> None:
        said = self._output.read_bytes()
        if subject.makes is not None and not glob.glob(str(subject.makes)):
            raise BrokenSubjectError(f"exit status {status}, and no '{subject.makes.name}'; {self._said()}")
        if subject.expects is None:
            return
        fits = subject.expects in said if subject.expects else not said
        if status or not fits:
            raise BrokenSubjectError(f"exit status {status}, {len(said)} bytes of output; {self._said()}")

    def timed(self, subject: Subject) -> float:
        """Seconds from the start of the process to its end. BrokenSubjectError as `prove`: failing is quick."""
        self._prepare(subject)
        start = time.perf_counter()
        status = self._run(subject.command, subject)
        seconds = time.perf_counter() - start
        self._check(subject, status)
        return seconds

    def instructions(self, subject: Subject) -> int | None:
        """Instructions of the process itself, which do not depend on the noise; None without a working valgrind."""
        valgrind = shutil.which("valgrind")
        if valgrind is None:
            return None
        self._prepare(subject)
        command = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *subject.command]
        self._run(command, subject)
        found = _COLLECTED.search(self._errors.read_bytes())
        return int(found[1]) if found else None

    def peak_memory(self, subject: Subject) -> int:
        """The most memory that the process, or one of its children, had, in bytes; never less than `memory_floor`."""
        self._prepare(subject)
        self._run([sys.executable, "-I", "-S", "-c", _LAUNCHER, str(self._memory), *subject.command], subject)
        unit = 1 if sys.platform == "darwin" else 1024
        return int(self._memory.read_text()) * unit

    def memory_floor(self) -> int:
        """What `peak_memory` says of a process that has nothing."""
        return self.peak_memory(Subject("nothing", [shutil.which("true") or "true"], {}))

    def _prepare(self, subject: Subject) -> None:
        self._input.write_bytes(subject.stdin)
        for path in subject.fresh:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _said(self) -> str:
        return self._errors.read_bytes()[-300:].decode(errors="replace").strip() or "no message"

    def _run(self, words: Sequence[str], subject: Subject) -> int:
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, str(self._input), os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self._output), write, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, str(self._errors), write, 0o600),
        ]
        # A session of its own has no terminal, so nothing can ask the person who waits for the figures.
        child = os.posix_spawn(words[0], [*words], dict(subject.environ), file_actions=actions, setsid=True)
        try:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        except BaseException:  # the benchmark is to end, and nobody else would end this session
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise


@contextlib.contextmanager
def ended(command: Sequence[str], environ: dict[str, str]) -> Iterator[None]:
    """Runs `command` at the end, whatever happened: for peers that leave a daemon behind."""
    try:
        yield
    finally:
        subprocess.run(command, env=environ, capture_output=True, timeout=SECONDS, check=False)
