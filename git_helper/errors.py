"""The error tree: each error carries its exit code, one message and, where there is one, a hint.

Messages are lower case, name their subject in single quotes and never hold a secret. A hint ends in the command to type.
"""


class GitHelperError(Exception):
    """Anything we report to a person in one line; `exit_code` is what the process ends with."""

    exit_code = 1

    def __init__(self, message: str, hint: "str | None" = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def reason(error: OSError) -> str:
    """What the system says is wrong, as our messages end."""
    return (error.strerror or type(error).__name__).lower()


class UsageError(GitHelperError):
    """An option, a URL or a file that cannot be read as what it should be."""

    exit_code = 2


class NoCredential(GitHelperError):
    """No source had a credential; the message lists the sources that were asked."""

    exit_code = 3


class Refused(GitHelperError):
    """The server refused the credential, or the person may not do what was asked."""

    exit_code = 4


class Unreachable(GitHelperError):
    """No answer in time, no connection, or TLS that cannot be trusted."""

    exit_code = 5


class NotFound(GitHelperError):
    """No such reference, object, account or file."""

    exit_code = 6


class Cancelled(GitHelperError):
    """The person said no: Ctrl-C, Ctrl-D or an empty answer."""

    exit_code = 130


class StoreError(GitHelperError):
    """A store or source that is broken right now (locked, damaged, timed out): reported, then skipped."""


class Timeout(StoreError):
    """A keyring, helper or lock that did not answer within its limit."""

    exit_code = 5


def shell_word(text: str) -> str:
    """`text` as one word for a POSIX shell, where a hint has something in it that is not ours: hints are pasted."""
    if text and all(char.isalnum() or char in "%+,-./:=@_" for char in text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"
