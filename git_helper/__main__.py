"""The front hall: a word of git's credential protocol takes the protocol door, everything else the command door."""

import os
import sys

from git_helper import __version__
from git_helper.errors import GitHelperError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO, NoReturn, TextIO

_PROTOCOL_WORDS = ("get", "store", "erase", "capability")


def operation_of(program: str, words: "Sequence[str]") -> "str | None":
    """The protocol operation asked for, or None for the command door.

    It is the last word (git appends it), with nothing but options before it. Under the name that git gives to helpers,
    unknown operations are the protocol's too: gitcredentials(7) wants them ignored in silence.
    """
    if not words or words[-1].startswith("-"):
        return None
    as_helper = os.path.basename(program).startswith("git-credential-")
    if words[-1] not in _PROTOCOL_WORDS and not as_helper:
        return None
    if len(words) == 1:
        return words[-1]
    return words[-1] if as_helper or words[0].startswith("-") else None


def main(program: str, words: "Sequence[str]", stdin: "BinaryIO", stdout: "BinaryIO", stderr: "TextIO") -> int:
    """Answers `words` on the streams and returns the exit code. A failure is one line on `stderr`, never a traceback."""
    try:
        if operation_of(program, words) is not None:
            return protocol_door(words, stdin, stdout, stderr)
        if list(words) == ["--version"]:  # scripts ask for it often, and it needs no library
            sys.stdout.write(f"git-helper {__version__}\n")
            sys.stdout.flush()
            return 0
        import gc

        from git_helper.cli.late import install

        gc.set_threshold(50_000)  # modules stay: looking through them for garbage is a tenth of the start
        install()
        from git_helper.cli.app import main as command_door

        return command_door(list(words))
    except GitHelperError as error:
        from git_helper.system.messages import say

        say(stderr, "error", error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0  # whoever reads has what they want and closed the pipe; git ignores SIGPIPE of its helpers
    except OSError as error:
        from git_helper.system.messages import say

        subject = f" '{error.filename}'" if error.filename else " the answer"
        say(stderr, "error", GitHelperError(f"cannot read or write{subject}: {reason(error)}"))
        return 1
    except Exception as error:
        return report_bug(error, words, stderr)


def protocol_door(words: "Sequence[str]", stdin: "BinaryIO", stdout: "BinaryIO", stderr: "TextIO") -> int:
    """One protocol operation: answers on `stdout` only; a source that is broken is said on `stderr` and skipped."""
    from git_helper.core.settings import Settings, split_words
    from git_helper.system.environment import environment
    from git_helper.wiring import answer

    def report(source: str, error: "GitHelperError") -> None:
        from git_helper.system.messages import say

        say(stderr, f"warning: {source}", error)

    options, rest = split_words(words)
    if len(rest) != 1:
        raise UsageError(f"cannot read the operation in {len(rest)} words", "see: git-helper get --help")
    answer(rest[0], Settings.merged(options, environment()), report, stdin, stdout)
    stdout.flush()
    return 0


def report_bug(error: "Exception", words: "Sequence[str]", stderr: "TextIO") -> int:
    """Says in one line that the program is wrong and where the details are; returns the exit code."""
    from git_helper.system import bug_report
    from git_helper.system.environment import environment
    from git_helper.system.messages import say
    from git_helper.system.places import data_folder

    bug = bug_report.write(data_folder(environment()), error, words)
    say(stderr, "error", bug)
    return bug.exit_code


def run() -> "NoReturn":
    """The executables' entry."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    words = sys.argv[1:]
    try:
        code = main(sys.argv[0], words, sys.stdin.buffer, sys.stdout.buffer, sys.stderr)
    except SystemExit as end:  # by a signal, or when a shell asked for completions
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    if operation_of(sys.argv[0], words) is None:
        _leave_in_order()
    os._exit(code)


def _leave_in_order() -> None:
    """What a process does before exit(3), but for the farewells of the interpreter and of its libraries.

    The first is a fifth of the time of a `get`. The others crash: OpenSSL 3.0 frees twice what it keeps for a thread that
    ends at that moment, and threads of ours may (`system/together`).
    """
    import atexit
    from contextlib import suppress

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


if __name__ == "__main__":
    run()
