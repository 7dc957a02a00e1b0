"""One value of a setting with where it comes from, as the command line and the environment give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from git_helper.core.option_kinds import unchanged
from git_helper.core.options import BY_NAME, TABLE, Option, Variable
from git_helper.core.redaction import redact
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible

if TYPE_CHECKING:
    from git_helper.core.option_kinds import Place, Written


@frozen
class Provenance:
    """Where a value comes from. `kind`: option, environment, project, git or default.

    `name`: the option, the variable, the table of pyproject.toml or the key of git's configuration; `file` and `line`
    are where it stands, if in a file and if known.
    """

    kind: str
    name: str
    file: str | None = None
    find_line: Callable[[], int | None] = field(default=lambda: None, compare=False, repr=False)

    @property
    def line(self) -> int | None:
        """Looked for when asked."""
        return self.find_line()

    def __str__(self) -> str:
        if self.file is None:
            return visible(self.name)
        line = self.line
        place = visible(self.file) + ("" if line is None else f":{line}")
        return f"{place} {self.name}" if self.kind == PROJECT else f"{visible(self.name)} in {place}"


DEFAULT = Provenance("default", "default")
PROJECT = "project"
"""The `kind` of what a pyproject.toml says, which comes with a clone: not always the word of the person."""


@frozen
class Given:
    """One value of a setting and where it comes from."""

    value: Any
    provenance: Provenance


Layer = Mapping[str, Sequence[Given]]
"""What one place gives, by the names of options; a list has a Given for each of its values."""


def read(option: Option, written: Written, provenance: Provenance, place: Place = unchanged) -> Given:
    """One word. Raises UsageError that says where it stands."""
    return _read(option.kind.read, written, place, f"'{provenance.name}'", provenance)


def read_toml(option: Option, value: object, key: str, provenance: Provenance, place: Place) -> tuple[Given, ...]:
    """The value of `key` in TOML; a list must be an array. Raises UsageError that says where it stands."""
    subject = f"'{key}' of {provenance.name}"
    if not option.many:
        return (_read(option.kind.read_toml, value, place, subject, provenance),)
    if not isinstance(value, list):
        reason = f"expected an array, each value {option.kind.noun}"
        raise failure(subject, provenance, reason, f'write it as: {key} = ["…"]')
    return tuple(_read(option.kind.read_toml, one, place, subject, provenance) for one in value)


def failure(subject: str, provenance: Provenance, reason: str, hint: str | None = None) -> UsageError:
    """What is said of a setting that cannot be used."""
    line = provenance.line
    where = "" if provenance.file is None else f" in '{visible(provenance.file)}'"
    where += "" if line is None else f", line {line}"
    return UsageError(f"cannot use {subject}{where}: {redact(reason)}", hint)


def _read(
    convert: Callable[[Any, Place], object], written: object, place: Place, subject: str, provenance: Provenance
) -> Given:
    try:
        return Given(convert(written, place), provenance)
    except UsageError as error:
        raise failure(subject, provenance, error.message, error.hint) from None


def of_options(words: Mapping[str, Sequence[str]], place: Place = unchanged) -> Layer:
    """What the command line gives: every word of each option by its name; of what is no list the last word counts."""
    layer = {}
    for name, values in words.items():
        option, provenance = BY_NAME[name], Provenance("option", f"--{name}")
        layer[name] = [read(option, value, provenance, place) for value in (values if option.many else values[-1:])]
    return layer


def of_environment(environ: Mapping[str, str], place: Place = unchanged) -> Layer:
    """What our variables and those of other programs give. An empty variable is as good as none."""
    return {option.name: given for option in TABLE if (given := _of_variables(option, environ, place))}


def _of_variables(option: Option, environ: Mapping[str, str], place: Place) -> list[Given]:
    found: list[Given] = []
    for variable in (option.variable, *option.variables):
        written = environ.get(variable.name)
        if written is None or (not written and not option.empty_counts) or written in variable.unsaid:
            continue
        provenance = Provenance("environment", variable.name)
        values = _split(written, variable) if option.many else [written]
        found += [read(option, value, provenance, place) for value in values]
        if found and not option.adds:
            break
    return found


def _split(written: str, variable: Variable) -> Iterator[str]:
    for separator in variable.separators:
        written = written.replace(separator, "\n")
    return (value for line in written.split("\n") if (value := line.strip(" \t\r")))
