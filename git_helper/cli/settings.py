"""`settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from git_helper.cli.common import Command, command
from git_helper.core.options import CACHE, INDEXES
from git_helper.tasks import settings
from git_helper.ui.settings_table import settings_table
from git_helper.wiring import overview

if TYPE_CHECKING:
    from git_helper.tasks.settings import Rule, Setting


def add(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("settings", rich_help_panel="Set-up")(command(_settings, groups=(CACHE, INDEXES)))


def _settings(
    command: Command,
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="Also what holds for this URL: trust, proxy, git's http.*.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show every setting with its value and where that comes from. Secrets are masked."""
    house = command.house
    place = None if url is None else overview.place_of(url)
    here = house.settings if place is None else house.settings.for_url(place.configured_url)
    found = settings.overview(here, overview.own_defaults(house))
    rules = [] if place is None else overview.rules_for(house, place)
    for note in overview.unknown_settings(house):
        command.messages.note(note)
    if as_json:
        command.messages.data(_data(found, None if place is None else place.shown, rules))
        return
    command.messages.show(settings_table([_row(one) for one in found], "Setting", "Value", "From"))
    if place is not None:
        rows = [(rule.name, [(rule.value, rule.because)]) for rule in rules]
        command.messages.show(settings_table(rows, f"For {place.shown}", "", "Because of"))


def _row(setting: Setting) -> tuple[str, list[tuple[str, str]]]:
    origins = [str(one.provenance) for one in setting.given]
    return setting.option.name, list(zip(map(_text, setting.shown), origins, strict=True))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data(found: list[Setting], url: str | None, rules: list[Rule]) -> dict[str, Any]:
    data: dict[str, Any] = {"settings": [settings.described(one) for one in found]}
    if url is not None:
        facts = [{"name": rule.name, "value": rule.value, "because": rule.because} for rule in rules]
        data["url"] = {"url": url, "rules": facts}
    return data
