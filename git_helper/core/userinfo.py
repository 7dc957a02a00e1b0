"""The user information of a URL (`user:password@`): decoded, re-encoded, masked, and names that are tokens."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, unquote_to_bytes

from git_helper.frozen import frozen
from git_helper.secret import MASK, Secret

# Prefixes that only tokens have: GitHub, GitLab and Atlassian publish theirs so that scanners find them.
SHAPES = r"(?:gh[opsur]_|github_pat_|gl(?:pat|dt|cbt|ptt|rt|rtr|ft|imt|agent|soat|ffct|oas)-|AT(?:BB|CTT|ATT))"
# Prefixes that may begin a name, too, so that only a long word is a token.
LONG_SHAPES = r"(?:pypi-|npm_|hf_|dckr_pat_|AKCp|cmVmd|xox[abeoprs]-)[\w.-]{20,}"
_NAME = re.compile(r"[A-Za-z][A-Za-z._-]{0,30}[0-9]{0,4}(?:@[A-Za-z0-9.-]{1,60}\.[A-Za-z]{2,20})?")
_TOKEN = re.compile(rf"{SHAPES}|x-oauth-basic$|{LONG_SHAPES}$|eyJ[\w.-]{{20,}}$|[0-9a-f]{{40}}$")
# A browser's rule (WHATWG URL, userinfo percent-encode set) with escapes left as they are.
_SAFE = "%!$&'()*+,-._~"
_GIT_USER_SCHEMES = ("ssh", "git+ssh", "git+https")


def looks_like_token(name: str) -> bool:
    """Whether a user name has the shape of a known kind of token, so that it is itself a secret."""
    return _TOKEN.match(name) is not None


def is_plain_name(name: str) -> bool:
    """Whether a lone user name may be shown in a message: letters, few digits, maybe of a mail address.

    Tokens of no known kind are long, or have digits between their letters.
    """
    return _NAME.fullmatch(name) is not None and not looks_like_token(name)


def masked_userinfo(text: str, scheme: str) -> str:
    """Percent-encoded `user:password` for a person to see; `scheme` as written, with its `git+`.

    `git` alone stays for SSH and `git+https`: it is everybody's name there. Any other lone user may be a token.
    """
    user, _, password = text.partition(":")
    if not password:
        return user if user == "git" and scheme in _GIT_USER_SCHEMES else MASK if user else ""
    if user and (unquote(password) == "x-oauth-basic" or looks_like_token(unquote(user))):
        user = MASK
    return f"{user}:{MASK}"


@frozen
class UserInfo:
    """`user` and `password` decoded (UTF-8), None where absent; `encoded` is both as a URL holds them, without `@`.

    The user is a Secret too: `token@` and `user@` are one syntax.
    """

    user: Secret | None
    password: Secret | None
    encoded: Secret

    @classmethod
    def parse(cls, text: str) -> UserInfo | None:
        """Userinfo as written, without `@`; None when it names nobody. An empty password counts as none (WHATWG).

        Bad escapes stay literal; UnicodeDecodeError, which is a ValueError, when the decoded bytes are no UTF-8.
        """
        user, _, password = text.partition(":")
        if not user and not password:
            return None
        encoded = quote(user, safe=_SAFE) + (":" + quote(password, safe=_SAFE) if password else "")
        return cls(_decoded(user), _decoded(password), Secret(encoded.encode()))

    @property
    def username(self) -> str | None:
        """The user's name for questions and look-ups; None when there is none or when it is a token."""
        if self.user is None or self.user_is_token:
            return None
        return self.user.reveal().decode()

    @property
    def user_is_token(self) -> bool:
        """Whether the user part is by its shape a secret that can be sent at once."""
        return self.user is not None and looks_like_token(self.user.reveal().decode())

    def masked(self, scheme: str) -> str:
        """See `masked_userinfo`."""
        return masked_userinfo(self.encoded.reveal().decode(), scheme)


def _decoded(text: str) -> Secret | None:
    if not text:
        return None
    value = unquote_to_bytes(text)
    value.decode()
    return Secret(value)
