"""The settings that every door understands, and how options come before the environment."""

from git_helper.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STORES = ("keyring", "file", "none")
_WITH_VALUE = ("--store", "--netrc-file", "--allow-http", "--timeout", "--max-age")
_MOST_SECONDS = 10**9
MOST_WAIT = 2_000_000.0
"""Seconds: three weeks. poll(2) takes milliseconds as a C int, and makes something small of a greater number."""
BOOLISH = "a boolish value (1, t, true, y, yes, on or 0, f, false, n, no, off)"
_TRUE = ("1", "t", "true", "y", "yes", "on")
_FALSE = ("0", "f", "false", "n", "no", "off")
_SWITCHES = {"--no-input": "no_input", "--non-interactive": "no_input", "-v": "verbose", "--verbose": "verbose"}


class Settings:
    """`store`: one of STORES or None (use the recorded choice); `allow_http`: host names.

    `timeout`: the limit of each wait in seconds; `max_age`: seconds after which what git stores expires; or None.
    """

    __slots__ = ("allow_http", "max_age", "netrc_file", "no_input", "store", "timeout", "verbose")

    def __init__(
        self,
        store: "str | None" = None,
        netrc_file: "str | None" = None,
        allow_http: "Sequence[bytes]" = (),
        timeout: "float | None" = None,
        max_age: "float | None" = None,
        no_input: bool = False,
        verbose: bool = False,
    ) -> None:
        self.store = checked_store(store)
        self.netrc_file = netrc_file
        self.allow_http = tuple(allow_http)
        self.timeout = timeout
        self.max_age = max_age
        self.no_input = no_input
        self.verbose = verbose

    @classmethod
    def merged(cls, options: "Mapping[str, list[str]]", environ: "Mapping[str, str]") -> "Settings":
        """Options (name without dashes, the values given) before `GIT_HELPER_<OPTION>`. Raises UsageError."""

        def last(name: str) -> "str | None":
            given = options.get(name)
            return given[-1] if given else environ.get("GIT_HELPER_" + name.upper().replace("-", "_")) or None

        hosts = [*options.get("allow-http", ()), *environ.get("GIT_HELPER_ALLOW_HTTP", "").replace(",", " ").split()]
        return cls(
            last("store"),
            last("netrc-file"),
            [host.encode("utf-8", "surrogateescape") for host in hosts],
            _wait(last("timeout")),
            _seconds(last("max-age")),
            _switch("NO_INPUT", last("no-input")),
            _switch("VERBOSE", last("verbose")),
        )


def checked_store(name: "str | None") -> "str | None":
    """The name of a store as it is, or None. Raises UsageError for any other."""
    if name is not None and name not in STORES:
        raise UsageError(f"unknown store '{name}'", f"use one of: {', '.join(STORES)}")
    return name


def split_words(words: "Sequence[str]") -> "tuple[dict[str, list[str]], list[str]]":
    """The protocol door's argv as options and the words left; git appends the operation, so options come first.

    Raises UsageError for an option that is unknown or has no value.
    """
    options: dict[str, list[str]] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word in _SWITCHES:
            options.setdefault(_SWITCHES[word].replace("_", "-"), []).append("1")
        elif name in _WITH_VALUE:
            given = value if equals else next(rest, None)
            if given is None:
                raise UsageError(f"the option '{name}' needs a value")
            options.setdefault(name[2:], []).append(given)
        elif word.startswith("-"):
            raise UsageError(f"unknown option '{name}'", "see: git-helper get --help")
        else:
            return options, [word, *rest]
    return options, []


def seconds(text: str) -> float:
    """A positive number. Raises UsageError."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number < _MOST_SECONDS:
        raise UsageError(f"'{text}' is not a positive number of seconds")
    return number


def wait_seconds(text: str) -> float:
    """The same for the limit of a wait."""
    return min(seconds(text), MOST_WAIT)


def boolean(text: str) -> "bool | None":
    """The words that clap and uv call boolish, in any case; None for any other."""
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _seconds(text: "str | None") -> "float | None":
    return None if text is None else seconds(text)


def _wait(text: "str | None") -> "float | None":
    return None if text is None else wait_seconds(text)


def _switch(name: str, text: "str | None") -> bool:
    value = False if text is None else boolean(text)
    if value is None:  # an option is only given or not
        raise UsageError(f"cannot use 'GIT_HELPER_{name}': expected {BOOLISH}, not '{text}'")
    return value
