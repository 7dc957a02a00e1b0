"""`settings`: what holds here or for a URL, and who said so. Secrets are masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_helper.core.options import TABLE, Option
from git_helper.core.redaction import display_url, redact
from git_helper.frozen import frozen
from git_helper.secret import MASK, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from git_helper.core.command_settings import CommandSettings
    from git_helper.core.given import Given, Provenance
    from git_helper.system.git_config import Entry

# Of git's `http.*`. The value of the first is often a token; the second may be a URL without its scheme.
_HEADERS, _PROXY = "extraheader", "proxy"


@frozen
class Setting:
    """One setting: its values with their provenances, several only of a list, none where nothing is given."""

    option: Option
    given: tuple[Given, ...]

    @property
    def shown(self) -> list[Any]:
        """Its values as JSON has them."""
        return [None if one.value is None else self.option.kind.show(one.value) for one in self.given]


@frozen
class Rule:
    """One fact that holds for a URL: what it is, and which setting said so."""

    name: str
    value: str
    because: str


def overview(settings: CommandSettings, defaults: Mapping[str, Callable[[], Given]]) -> list[Setting]:
    """Every setting. `defaults`: what holds where nobody says anything, for those that find out by themselves.

    Raises UsageError for the first value that cannot be used.
    """
    found = []
    for option in TABLE:
        given = settings.effective(option.name)
        if not given and option.name in defaults:
            given = (defaults[option.name](),)
        found.append(Setting(option, given))
    return found


def described(setting: Setting) -> dict[str, Any]:
    """`{"name", "value", "origins": […]}`: an origin for each value of a list, exactly one for all else."""
    value = setting.shown if setting.option.many else (setting.shown or [None])[-1]
    origins = [_origin(one.provenance) for one in setting.given]
    if not origins and not setting.option.many:
        origins = [{"kind": "default"}]
    return {"name": setting.option.name, "value": value, "origins": origins}


def _origin(provenance: Provenance) -> dict[str, Any]:
    origin: dict[str, Any] = {"kind": provenance.kind}
    if provenance.kind != "default":
        origin["name"] = visible(provenance.name)
    if provenance.file is not None:
        origin |= {"file": visible(provenance.file)}
    line = provenance.line
    return origin if line is None else origin | {"line": line}


def git_rules(entries: Iterable[Sequence[Entry]]) -> list[Rule]:
    """What git's `http.*` says for the URL: of each variable the entries that count, the last one most."""
    rules = []
    for counted in entries:
        many = counted[-1].variable == _HEADERS
        for entry in counted if many else counted[-1:]:
            rules.append(Rule(visible(_safe_key(entry)), _safe_value(entry), visible(entry.file or "git -c")))
    return rules


def _safe_key(entry: Entry) -> str:
    if entry.url is None:
        return entry.key
    return ".".join((entry.section, display_url(entry.url), entry.variable))


def _safe_value(entry: Entry) -> str:
    if entry.value is None:
        return "true"
    if entry.variable == _HEADERS:
        name, colon, _ = entry.value.partition(":")
        return visible(f"{name}: {MASK}" if colon else entry.value and MASK)
    is_url = "://" in entry.value or entry.variable == _PROXY
    return display_url(entry.value) if is_url else redact(entry.value)
