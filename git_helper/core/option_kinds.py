"""How the value of an option is written, as one word and as a value of TOML, and how it is shown to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_helper.core import indexes
from git_helper.core.byte_size import in_units, parse_size
from git_helper.core.credential import Origin
from git_helper.core.insecure_host import InsecureHost
from git_helper.core.mistyped import refuse_mistyped
from git_helper.core.parse_error import ParseError
from git_helper.core.redaction import display_url, subject
from git_helper.core.settings import BOOLISH, boolean, checked_store, wait_seconds
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Place = Callable[[str], str]
    """Where the path of a setting leads: relative to the file that it stands in, `~/` to the home folder."""

    Written = str | Mapping[str, object]
    """One word, or a table of TOML."""

_LONGEST = 80
_TOML_TYPES = {
    bool: "a boolean",
    str: "a string",
    int: "a number",
    float: "a number",
    list: "an array",
    dict: "a table",
}


@frozen
class Kind:
    """`noun`: what is expected, for people. `convert` raises UsageError that says what is wrong with the value.

    `toml`: the types that may stand in TOML. `lead`: what holds a path, with the path where it leads. `show` gives what
    JSON can hold, without secrets; messages of errors are to be cleaned by whoever shows them.
    """

    noun: str
    convert: Callable[[Any], object]
    toml: tuple[type, ...] = (str,)
    lead: Callable[[str, Place], str] | None = None
    show: Callable[[Any], object] = lambda value: value

    def read(self, written: Written, place: Place) -> object:
        """A word or a table. Raises UsageError."""
        value = self.convert(written)
        return self.lead(value, place) if self.lead is not None and isinstance(value, str) else value

    def read_toml(self, value: object, place: Place) -> object:
        """A value as tomllib gives it. Raises UsageError."""
        if type(value) not in self.toml:  # a bool is an int, and no number
            found = _TOML_TYPES.get(type(value), "a date or time")
            raise UsageError(f"expected {self.noun}, not {found}")
        return self.read(value if isinstance(value, dict | str) else str(value), place)


def unchanged(path: str) -> str:
    """The place of paths on the command line and in the environment: relative to the working folder."""
    return path


def choice(*values: str) -> Kind:
    """One of the values."""

    def convert(text: str) -> str:
        if text not in values:
            raise UsageError(f"invalid value '{_short(text)}'; possible values: {', '.join(values)}")
        return text

    return Kind(" or ".join(f"'{value}'" for value in values), convert)


def _switch(text: str) -> bool:
    value = boolean(text)
    if value is None:
        raise UsageError(f"expected {BOOLISH}, not '{_short(text)}'")
    return value


def _host(text: str) -> bytes:
    origin = Origin.parse(b"http", text.encode("utf-8", "surrogateescape"))
    if origin is None or origin.authority() != text.lower() or ":" in text.rpartition("]")[2]:
        raise UsageError(f"expected a host without scheme, port or path, not '{_short(subject(text))}'")
    return origin.host


def _filled(text: str) -> str:
    if not text:
        raise UsageError("it is empty")
    if "\0" in text:
        raise UsageError("it has a NUL character")
    return text


def _filled_or_none(text: str) -> str:
    return _filled(text) if text else ""


def _location(text: str) -> str:
    try:
        refuse_mistyped(_filled(text))
    except ParseError as error:
        raise UsageError(error.reason, error.hint) from None
    return text


def _path(path: str, place: Place) -> str:
    return place(path)


def _paths(paths: str, place: Place) -> str:
    return ",".join(map(place, paths.split(",", 1)))


def _path_or_url(text: str, place: Place) -> str:
    return text if "://" in text or text.startswith("file:") else place(text)


def _shown_index(text: str | indexes.Described) -> str:
    if isinstance(text, indexes.Described):
        return display_url(text.url)
    name, url = indexes.named(text)
    return display_url(url) if name is None else f"{name}={display_url(url)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


SWITCH = Kind("a boolean", _switch, (bool,))
SECONDS = Kind("a number of seconds", wait_seconds, (int, float))
SIZE = Kind("a size, as in 64MiB", parse_size, (str, int), show=in_units)
STORE = Kind("the name of a store", checked_store)
PATH = Kind("a path", _filled, lead=_path, show=visible)
PATHS = Kind("FILE or FILE,KEY", _filled, lead=_paths, show=visible)
INDEX = Kind("a URL or NAME=URL", _location, show=_shown_index)
PROXY = Kind("a URL", _filled_or_none, show=display_url)
LOCATION = Kind("a URL or a path", _location, lead=_path_or_url, show=display_url)
HOST = Kind("a host", _host, show=visible)
INSECURE_HOST = Kind("HOST, HOST:PORT or a table of them", InsecureHost.parse, (str, dict), show=str)
