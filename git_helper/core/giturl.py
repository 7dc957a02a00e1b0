"""URLs of Git repositories: `GitUrl.parse` reads what people write in requirements and on the command line.

Our own parser for every Git URL that reaches the program, because a URL that two readers understand differently sends a
credential to the wrong host: git's client libraries get parts, never a URL to guess about (4-git-urls §1).
"""

from __future__ import annotations

import re
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, unquote_to_bytes

from git_helper.core.authority import (
    Authority,
    Located,
    parse_authority,
    refuse_controls,
    refuse_encoded_controls,
    scp_error,
)
from git_helper.core.mistyped import refuse_missing_slashes
from git_helper.core.parse_error import ParseError
from git_helper.core.redaction import mask_query
from git_helper.core.reference import Reference
from git_helper.core.url_text import UrlText, hides_credentials, split_url, without_dots
from git_helper.frozen import frozen
from git_helper.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

TRANSPORTS = ("https", "ssh", "http", "file")
_OTHER_VCS = ("hg", "svn", "bzr")
# The scp form `[user@]host:path`; without a user a host of one letter is a drive of Windows.
_SCP = re.compile(
    r"(?:git\+)?(?:(?P<user>[^\s@/:]+)@|(?![A-Za-z]:))(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:]+\]):(?!//)(?P<path>.+)"
)
# `ext::command` (gitremote-helpers(7)) runs what it is given.
_REMOTE_HELPER = re.compile(r"(?:git\+)?([A-Za-z][A-Za-z0-9+.-]*)::", re.IGNORECASE)
_PATH_SAFE = "/%:@!$&'()*+,;=~|[]"


@frozen
class GitUrl(Located):
    """`scheme` is one of TRANSPORTS; `path` percent-encoded as git gets it; `subdirectory` decoded, without `..`.

    `fragment` is as written, without `#`; `prefixed` tells whether `git+` stood in front. `of_submodule`: another repository
    names it, not a person. `scp_form`: how such a repository wrote it, if as `user@host:path` (git-clone(1), "GIT URLS").
    repr and str show no secret.
    """

    scheme: str
    authority: Authority
    path: str
    reference: Reference
    subdirectory: str | None = None
    fragment: str | None = None
    prefixed: bool = True
    of_submodule: bool = field(default=False, compare=False, repr=False)
    scp_form: str | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> GitUrl:
        """`[git+]scheme://[userinfo@]host[:port]/path[@rev][#key=value&…]`. Raises ParseError, nothing else."""
        refuse_controls(text)
        url = split_url(text)
        if url is None:
            raise _no_url(text)
        scheme, prefixed = _transport(url)
        authority = parse_authority(url, scheme)
        if url.query is not None:
            span = (url.path_end, url.query_end)
            hint = "leave the part from '?' to '#' out; a revision is written as '@' and its name behind the path"
            raise ParseError("query-not-supported", text, "a Git URL has no query", span, hint)
        path, reference = _path_and_reference(url, scheme)
        _refuse_fragment(url)
        return cls(scheme, authority, path, reference, parse_subdirectory(url), url.fragment, prefixed)

    @property
    def user(self) -> Secret | None:
        """The user part, which may be a token; `username` is it where it is a name."""
        return None if self.userinfo is None else self.userinfo.user

    @property
    def password(self) -> Secret | None:
        """The password part."""
        return None if self.userinfo is None else self.userinfo.password

    @property
    def username(self) -> str | None:
        """The user part unless it is a known kind of token."""
        return None if self.userinfo is None else self.userinfo.username

    @property
    def user_is_token(self) -> bool:
        """Whether the user part is a known kind of token, to be sent at once."""
        return self.userinfo is not None and self.userinfo.user_is_token

    @property
    def rev(self) -> str | None:
        """The revision, decoded, as the person wrote it."""
        return self.reference.rev

    @property
    def remote_path(self) -> str:
        """The path that git's program on the server gets: decoded, for ssh `~user/r` for `/~user/r` (git-clone(1)), and below
        the home folder where the scp form has no `/` in front."""
        decoded = unquote(self.path)
        below_home = self.scp_form is not None and self.scp_form.endswith(":" + decoded[1:])
        return decoded[1:] if below_home or (self.scheme == "ssh" and decoded.startswith("/~")) else decoded

    @property
    def clone_url(self) -> Secret:
        """What git would be given: userinfo and all, no revision, no fragment."""
        userinfo = b"" if self.userinfo is None else self.userinfo.encoded.reveal() + b"@"
        return Secret(f"{self.scheme}://".encode() + userinfo + f"{self.authority.netloc}{self.path}".encode())

    @property
    def safe_url(self) -> str:
        """The clone URL for argv, disk and direct_url.json: no userinfo but the user name of ssh (PEP 610)."""
        keeps = self.scheme == "ssh" and self.userinfo is not None and not self.user_is_token
        user = self.userinfo.encoded.reveal().decode() + "@" if keeps and self.userinfo is not None else ""
        return f"{self.scheme}://{user}{self.authority.netloc}{self.path}"

    @property
    def masked_clone_url(self) -> str:
        """The clone URL for a person to see."""
        return self._masked(self.scheme)

    @property
    def display(self) -> str:
        """The whole URL for a person to see: secrets masked, revision re-encoded."""
        return self._masked("git+" * self.prefixed + self.scheme) + self._tail(self.rev, self.fragment)

    def pinned(self, commit: str) -> str:
        """The URL of a requirement at `commit`: `git+`, no secrets, no revision but the commit, the same fragment."""
        text = f"git+{self.safe_url}" + self._tail(commit, self.fragment or None)
        url = split_url(text)
        if url is None or not hides_credentials(url):
            return text
        # A `:` in the path, now that an `@` follows, could be that of a userinfo.
        return text[: url.authority_end] + self.path.replace(":", "%3A") + text[url.authority_end + len(self.path) :]

    def direct_url(self, commit: str) -> dict[str, object]:
        """The direct_url.json object of an installation from `commit` (PEP 610)."""
        vcs_info = {"vcs": "git", "commit_id": commit}
        if self.rev is not None:
            vcs_info["requested_revision"] = self.rev
        direct: dict[str, object] = {"url": self.safe_url, "vcs_info": vcs_info}
        if self.subdirectory is not None:
            direct["subdirectory"] = self.subdirectory
        return direct

    def identity(self) -> str:
        """One text for all URLs of one repository, a key of caches: without userinfo, `.git`, trailing `/`, `git+`.

        Escapes are decoded in each segment; GitHub's paths are compared in lower case (4-git-urls §1.3).
        """
        return self._identity

    @cached_property
    def _identity(self) -> str:
        path = self.path.rstrip("/").removesuffix(".git").rstrip("/")
        path = "/".join(quote(unquote_to_bytes(segment), safe="") for segment in path.split("/"))
        host = (self.host or "").rstrip(".")
        if host == "github.com":
            path = path.lower()
        return f"{self.scheme}://{Authority(None, host, self.port).netloc}{path}"

    def __str__(self) -> str:
        return self.display

    def _masked(self, scheme: str) -> str:
        userinfo = "" if self.userinfo is None else self.userinfo.masked(scheme) + "@"
        return f"{scheme}://{userinfo}{self.authority.netloc}{self.path}"

    @staticmethod
    def _tail(rev: str | None, fragment: str | None) -> str:
        at = "" if rev is None else "@" + quote(rev, safe="/")
        return at if fragment is None else f"{at}#{mask_query(fragment)}"


def _no_url(text: str) -> ParseError:
    refuse_missing_slashes(text)
    helper = _REMOTE_HELPER.match(text)
    if helper is not None and "@" not in text:  # else it may be a user name
        raise _unsupported(text, helper[1].lower(), helper.span(1))
    scp = _SCP.fullmatch(text)
    if scp is not None:
        return scp_error(text, (0, len(text)), scp["user"], scp["host"], scp["path"])
    hint = "write 'git+https://host/path' or 'git+ssh://git@host/path'"
    return ParseError("invalid-url", text, "it is no URL", (0, len(text)), hint)


def _transport(url: UrlText) -> tuple[str, bool]:
    """The scheme without `git+`, and whether that was there."""
    vcs, plus, scheme = url.scheme.partition("+")
    if not plus:
        scheme = vcs
    elif vcs in _OTHER_VCS:
        details = {"vcs": vcs}
        raise ParseError("unsupported-vcs", url.text, f"'{vcs}' is not Git", (0, len(vcs)), details=details)
    elif vcs != "git":
        scheme = url.scheme
    if scheme not in TRANSPORTS:
        raise _unsupported(url.text, scheme, (url.authority_start - 3 - len(scheme), url.authority_start - 3))
    return scheme, bool(plus)


def _unsupported(text: str, scheme: str, span: tuple[int, int]) -> ParseError:
    hint = "use one of: " + ", ".join(f"git+{name}" for name in TRANSPORTS)
    return ParseError(
        "unsupported-scheme", text, f"Git over '{scheme}' is not supported", span, hint, {"scheme": scheme}
    )


def _refuse_fragment(url: UrlText) -> None:
    span = (url.query_end, len(url.text))
    refuse_encoded_controls(url, *span)
    if "@" in (url.fragment or ""):
        # Otherwise `#egg=name@v1` would be the default branch without a word.
        hint = "write the revision before the '#', or '@' as %40"
        raise ParseError("invalid-fragment", url.text, "an '@' stands behind the '#'", span, hint)


def _path_and_reference(url: UrlText, scheme: str) -> tuple[str, Reference]:
    path, at, rev = url.path.partition("@")
    span = (url.authority_end, url.path_end)
    mis_split = rev.rstrip("/").lower().endswith(".git") or not path.strip("/")
    if at and ("@" in rev or mis_split):
        hint = "percent-encode an '@' that is part of the path or of the revision as %40"
        raise ParseError("ambiguous-revision", url.text, "it is unclear which '@' begins the revision", span, hint)
    refuse_encoded_controls(url, *span)
    if path and scheme != "ssh":
        path = without_dots(path)
    if "\\" in path or not path.strip("/"):
        reason = "its path holds a backslash" if "\\" in path else "it names no repository"
        raise ParseError("invalid-path", url.text, reason, span)
    if scheme in ("ssh", "file") and unquote(path).lstrip("/").startswith("-"):
        raise ParseError("invalid-path", url.text, "its path looks like an option", span)
    reference = _reference(url, rev, url.path_end - len(rev)) if at else Reference.parse(None)
    return quote(path, safe=_PATH_SAFE), reference


def _reference(url: UrlText, rev: str, start: int) -> Reference:
    try:
        return Reference.parse(unquote_to_bytes(rev).decode())
    except UnicodeDecodeError:
        raise ParseError("invalid-revision", url.text, "its revision is not UTF-8", (start, url.path_end)) from None
    except ParseError as error:
        reason = "its revision is neither a branch, a tag, 'refs/…' nor a commit hash"
        raise ParseError(error.error, url.text, reason, (start, url.path_end), error.hint) from None


def fragment_fields(fragment: str | None) -> Mapping[str, list[str]]:
    """`key=value&key=value`: all values of each key, not decoded; a field without `=` has no value."""
    fields: dict[str, list[str]] = {}
    for part in (fragment or "").split("&"):
        key, equals, value = part.partition("=")
        if equals:
            fields.setdefault(key, []).append(value)
    return fields


def parse_subdirectory(url: UrlText) -> str | None:
    """`#subdirectory=`, decoded once, with single slashes; None for the top. ParseError when it leaves the top."""
    values = fragment_fields(url.fragment).get("subdirectory", [])
    span = (url.query_end, len(url.text))
    found: set[str] = set()
    for value in values:
        try:
            decoded = unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise ParseError("invalid-subdirectory", url.text, "its subdirectory is not UTF-8", span) from None
        segments = decoded.split("/")
        if decoded.startswith(("/", "~")) or "\\" in decoded or ".." in segments or re.match(r"[A-Za-z]:", decoded):
            hint = "write a folder below the top of the repository, without '..'"
            raise ParseError("subdirectory-escapes", url.text, "its subdirectory is outside", span, hint)
        refuse_controls(decoded.replace(" ", "_"), span)
        found.add("/".join(segment for segment in segments if segment not in ("", ".")))
    if len(found) > 1:
        raise ParseError("invalid-subdirectory", url.text, "it names several subdirectories", span)
    return next(iter(found), "") or None
