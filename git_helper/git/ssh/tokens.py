"""Tokens (`%h`), environment variables (`${NAME}`) and `~` in values: ssh_config(5), "TOKENS"."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_helper.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class UnknownToken(ValueError):
    """A `%` or `${}` that stands for nothing; its text says which."""


@frozen
class Names:
    """What the tokens stand for. `original`: the host as it was asked for; `host`: as it is connected to."""

    host: str
    original: str
    port: int
    user: str
    local_user: str
    home: str
    local_host: str
    user_id: int
    key_alias: str
    jump_host: str = ""

    def tokens(self) -> dict[str, str]:
        """All of them; `%C` is the SHA-1 of `%l%h%p%r%j` in hexadecimal."""
        port = str(self.port)
        whole = self.local_host + self.host + port + self.user + self.jump_host
        return {
            "%": "%",
            "C": hashlib.sha1(whole.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest(),
            "L": self.local_host.partition(".")[0],
            "d": self.home,
            "h": self.host,
            "i": str(self.user_id),
            "j": self.jump_host,
            "k": self.key_alias,
            "l": self.local_host,
            "n": self.original,
            "p": port,
            "r": self.user,
            "u": self.local_user,
        }

    def proxy_tokens(self) -> dict[str, str]:
        """Those of ProxyCommand and ProxyJump."""
        tokens = self.tokens()
        return {name: tokens[name] for name in "%hknpr"}


def expand(text: str, tokens: Mapping[str, str], environ: Mapping[str, str] | None = None) -> str:
    """`text` with its tokens and, if `environ` is given, its `${NAME}` replaced; nothing is replaced twice.

    Raises UnknownToken.
    """
    result: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "%":
            name = text[at + 1 : at + 2]
            if name not in tokens:
                raise UnknownToken(f"'%{name}' means nothing here")
            result.append(tokens[name])
            at += 2
        elif environ is not None and text.startswith("${", at):
            name, brace, _ = text[at + 2 :].partition("}")
            if not brace or name not in environ:
                raise UnknownToken(f"the environment variable '{name}' is not set" if brace else "'${' is not closed")
            result.append(environ[name])
            at += len(name) + 3
        else:
            result.append(text[at])
            at += 1
    return "".join(result)


def expand_tilde(path: str, home: str, home_of: Callable[[str], str | None]) -> str:
    """`path` with a leading `~` or `~user` as a folder. Raises UnknownToken when there is no such user."""
    if not path.startswith("~"):
        return path
    user, slash, rest = path[1:].partition("/")
    folder = home_of(user) if user else home
    if folder is None:
        raise UnknownToken(f"there is no user '{user}'")
    return folder.rstrip("/") + "/" + rest.lstrip("/") if slash else folder
