"""How the demo shows what it does: runs a command, prints it with its output, says whether it went as expected."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pexpect

from scripts._demo_screen import screen
from tests.servers.isolated import environment

_SECONDS = 30


class UnexpectedError(Exception):
    """Something did not go as the demo says it goes."""


@dataclass(frozen=True)
class Result:
    """What a command said, decoded for people."""

    status: int
    output: str
    errors: str

    @property
    def all(self) -> str:
        return self.output + self.errors


class Stage:
    """A throw-away folder to play in, with a HOME of its own, and the printing.

    folder: made and removed by the caller. Programs of the demo are found in the folder of this Python first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        self.home = self.new_home("home")
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def new_home(self, name: str) -> Path:
        """An empty home folder beside the others."""
        home = self.folder / name
        home.mkdir(mode=0o700)
        (home / ".run").mkdir(mode=0o700)
        return home

    def environment(self, home: Path | None = None, **extra: str) -> dict[str, str]:
        """Nothing of the person who runs the demo; our executables first on PATH."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return environment(home or self.home, PATH=path, **extra)

    def title(self, number: int, text: str) -> None:
        print(f"\n{self._style('1', f'{number}. {text}')}")

    def run(
        self,
        *command: str | Path,
        stdin: str = "",
        shown_stdin: str = "",
        cwd: Path | None = None,
        home: Path | None = None,
        expect: int = 0,
    ) -> Result:
        """Runs a command that nobody can be asked by, prints it and what it says. UnexpectedError for another status.

        shown_stdin: how the shell would be told where stdin comes from, for the printed line only.
        """
        self._show_command([*map(str, command), *([shown_stdin] if shown_stdin else [])])
        words = [str(word) for word in command]
        result = _run(words, stdin.encode(), cwd or self.work, self.environment(home))
        self._show(result.output)
        self._show(result.errors)
        if result.status != expect:
            raise UnexpectedError(f"'{shlex.join(words)}' ended with {result.status}, expected was {expect}")
        return result

    def type(self, command: Sequence[str | Path], answers: Mapping[str, str], *, home: Path) -> str:
        """Runs a command on a terminal of its own, types each answer when its question (a regular expression) is there.

        Prints the screen as the person saw it and returns it. UnexpectedError when a question does not come, or when
        the command does not end with 0.
        """
        words = [str(word) for word in command]
        self._show_command(words)
        env = self.environment(home, TERM="xterm-256color")
        del env["GIT_TERMINAL_PROMPT"]
        terminal = pexpect.spawn(
            words[0], words[1:], env=env, cwd=str(self.work), encoding="utf-8", timeout=_SECONDS, dimensions=(30, 100)
        )
        written = problem = ""
        try:
            for question, answer in answers.items():
                terminal.expect(question)
                written += f"{terminal.before}{terminal.after}"
                terminal.sendline(answer)
            terminal.expect(pexpect.EOF)
            written += str(terminal.before)
        except pexpect.ExceptionPexpect as error:
            problem = "nothing was asked" if isinstance(error, pexpect.EOF) else f"silent for {_SECONDS} s"
            written += terminal.before if isinstance(terminal.before, str) else ""
        finally:
            terminal.close(force=True)
        seen = "\n".join(screen(written)).rstrip()
        self._show(seen)
        if problem or terminal.exitstatus != 0:
            raise UnexpectedError(f"'{shlex.join(words)}' on a terminal: {problem or f'status {terminal.exitstatus}'}")
        return seen

    def check(self, good: bool, claim: str) -> None:
        """Prints the claim when it holds, else UnexpectedError."""
        if not good:
            raise UnexpectedError(f"this should be so, and is not: {claim}")
        print(f"   {self._style('32', 'ok')} {claim}")

    def _show_command(self, words: Sequence[str]) -> None:
        line = " ".join(word if word.startswith("< ") else shlex.quote(word) for word in words)
        print(f"   {self._style('36', f'$ {line}')}")

    def _show(self, text: str) -> None:
        for line in screen(text.replace("\n", "\r\n")) if text else ():
            if line:
                print(f"     {line}")

    def _style(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text


def _run(command: list[str], stdin: bytes, cwd: Path, env: dict[str, str]) -> Result:
    # A session of its own has no controlling terminal: nothing can ask the person who watches the demo.
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            output, errors = process.communicate(stdin, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise UnexpectedError(f"'{shlex.join(command)}' did not end within {_SECONDS} s") from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    return Result(process.returncode, output.decode(errors="replace"), errors.decode(errors="replace"))
