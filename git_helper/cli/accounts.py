"""`login`, `logout`, `list` and `token`."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from git_helper.cli.common import Command, command
from git_helper.core.credential import Description
from git_helper.errors import NoCredential
from git_helper.secret import visible
from git_helper.tasks import accounts, login
from git_helper.ui import tables
from git_helper.ui.messages import PLAIN, PLAIN_NOTICE

_PANEL = "Accounts"
Url = Annotated[str, typer.Argument(metavar="URL", help="https://host or https://host/path; a bare host means https.")]
Username = Annotated[str | None, typer.Option("--username", "-u", metavar="NAME", help="The account's user name.")]


def add(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("login", rich_help_panel=_PANEL)(command(_login))
    app.command("logout", rich_help_panel=_PANEL)(command(_logout))
    app.command("list", rich_help_panel=_PANEL)(command(_list))
    app.command("token", rich_help_panel=_PANEL)(command(_token))


def _login(
    command: Command,
    url: Url,
    username: Username = None,
    with_token: Annotated[bool, typer.Option("--with-token", help="Read the token from standard input.")] = False,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="When the token expires: 90d, 12h or 2027-01-31.")
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not ask the server whether the token works.")
    ] = False,
) -> None:
    """Ask for a token (or read it with --with-token), check it against the server, and keep it."""
    place = login.parse_place(url)
    typed = login.Typed(
        username,
        sys.stdin.buffer if with_token else None,
        None if expires is None else login.expiry(expires, time.time()),
    )
    with command.house.bare_session() as transport:
        outcome = login.login(
            place,
            typed,
            command.house.prompter(place.description, checked=not no_check),
            None if no_check else transport,
            command.house.store_to_write,
            with_path=command.house.uses_path(place.description),
        )
    account = outcome.account
    command.house.forget_in_cache(place.description.narrowed(account.username or b""))
    user, where = visible(account.username or b""), visible(account.url())
    command.messages.done(
        f"stored the token of '{user}' for {where} in the {outcome.store.name}: {outcome.check.value}"
    )
    if outcome.store.protection == PLAIN:
        command.messages.note(PLAIN_NOTICE)
    if not command.house.git_uses_us(place.description):
        command.messages.hint("git does not ask git-helper yet: git-helper configure")


def _logout(
    command: Command,
    url: Url,
    username: Username = None,
    everyone: Annotated[bool, typer.Option("--all", help="All accounts of the host.")] = False,
) -> None:
    """Forget the stored token. It is not revoked at the server."""
    wanted = _wanted(command, url, username)
    for one in accounts.forget(command.house.stores(), wanted, command.house.report, everyone=everyone):
        user = visible(one.account.username or b"")
        command.messages.done(f"forgot the token of '{user}' for {visible(one.account.url())} ({one.store})")
    command.house.forget_in_cache(wanted)
    command.messages.note("the token itself still works: revoke it at the server if others may have it")


def _list(command: Command, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every stored account. Secrets are never shown."""
    kept = accounts.kept(command.house.stores(), command.house.report)
    if as_json:
        command.messages.data(tables.accounts_data(kept))
    elif kept:
        command.messages.show(tables.accounts_table(kept, time.time()))
    else:
        command.messages.hint("no account is stored yet: git-helper login URL")


def _token(command: Command, url: Url, username: Username = None) -> None:
    """Print the token for scripts; exit code 3 when there is none. The person is not asked."""
    wanted = command.house.git_config().scoped(_described(url, username))
    chain = command.house.chain_for_commands()
    found = next((one.credential for one in chain.candidates(wanted) if one.credential.is_complete()), None)
    secret = None if found is None else found.password if found.password is not None else found.credential
    if secret is None:
        place = visible(wanted.protocol + b"://" + wanted.host)
        raise NoCredential(
            f"no token for '{place}'; asked: {', '.join(chain.names())}", f"store one: git-helper login {place}"
        )
    sys.stdout.buffer.write(secret.reveal() + b"\n")
    sys.stdout.buffer.flush()


def _wanted(command: Command, url: str, username: str | None) -> Description:
    """What `login` would have stored for the URL: its path counts only where git asks for each repository by itself."""
    wanted = _described(url, username)
    return wanted if command.house.uses_path(wanted) else wanted.without_path()


def _described(url: str, username: str | None) -> Description:
    wanted = login.parse_place(url).description
    return wanted if username is None else wanted.narrowed(username.encode("utf-8", "surrogateescape"))
