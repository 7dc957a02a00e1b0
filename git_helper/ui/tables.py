"""Listings as tables for people and as values for `--json`; neither ever holds a secret."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from git_helper.core.redaction import redact, subject
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import RenderableType

    from git_helper.core.kept import Kept


def accounts_table(kept: Iterable[Kept], now: float) -> Table:
    """URL, user, store, protection and expiry of each account."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in ("URL", "User", "Store", "Protection", "Expires"):
        table.add_column(heading, overflow="fold")
    for one in kept:
        expiry = one.account.credential.expiry
        user = one.account.username
        table.add_row(
            Text(visible(one.account.url())),
            Text("(none)" if user is None else visible(user)),
            Text(one.store),
            Text(one.protection, "yellow" if one.protection == "plain text" else "green"),
            _expires(expiry, now),
        )
    return table


def accounts_data(kept: Iterable[Kept]) -> list[dict[str, Any]]:
    """The same as objects; `expires` is RFC 3339 in UTC or null."""
    return [
        {
            "url": visible(one.account.url()),
            "username": None if one.account.username is None else visible(one.account.username),
            "store": one.store,
            "protection": one.protection,
            "expires": None if (expiry := one.account.credential.expiry) is None else _moment(expiry, "seconds"),
        }
        for one in kept
    ]


def helpers_table(key: str, before: Iterable[str], after: Iterable[str]) -> Table:
    """The helpers of a key in git's configuration, before and after a change, in the order in which git asks them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column(Text(f"{visible(key)} before"), overflow="fold")
    table.add_column("after", overflow="fold")
    columns = [[visible(helper) for helper in helpers] or ["(none)"] for helpers in (before, after)]
    table.add_row(*(Text("\n".join(column)) for column in columns))
    return table


def parsed(text: str, described: Mapping[str, Any]) -> RenderableType:
    """What one requirement means, or the place of its error marked below it."""
    if described["ok"]:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in described.items():
            if name != "ok" and value not in (None, [], ""):
                shown = ", ".join(value) if isinstance(value, list) else str(value)
                table.add_row(Text(name, "dim"), Text(visible(shown)))
        return Group(table, Text())
    lines = [Text(described["message"], "red"), *_marked(text, described["span"])]
    if "hint" in described:
        lines.append(Text(f"hint: {described['hint']}", "cyan"))
    return Group(*lines, Text())


def _marked(text: str, span: Sequence[int]) -> list[Text]:
    """The text with carets below `span`, only when it needs no masking and no escaping to be shown."""
    if subject(text) != text or redact(text) != text:
        return []
    start, end = span
    return [Text(f"  {text}"), Text("  " + " " * start + "^" * max(1, end - start), "red")]


def _expires(expiry: int | None, now: float) -> Text:
    if expiry is None:
        return Text("never", "dim")
    if expiry <= now:
        return Text(f"expired {_moment(expiry, 'minutes')}", "red")
    return Text(_moment(expiry, "minutes"))


def _moment(seconds: int, timespec: str) -> str:
    try:
        return (
            datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
        )
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59Z"
