"""One requirement: `name[extras] @ URL ; marker`, a bare URL, or a name for an index (PEP 508, read by `packaging`)."""

from __future__ import annotations

import re

from packaging import markers, requirements

from git_helper.core.authority import refuse_controls
from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.url_text import UrlText, split_url, with_authority
from git_helper.frozen import frozen
from git_helper.secret import MASK, visible

# `++` and `*+` go back for nothing (re, "possessive"): with two ways to divide a run of blanks it costs square time.
_NAME = r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_EXTRA = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_EXTRAS = rf"\[[ \t]*+(?P<extras>{_EXTRA}(?:[ \t]*,[ \t]*{_EXTRA})*)?[ \t]*+\]"
# What surely begins a location, so that no blank is needed before it: a URL, or the scp form.
_LOCATION = r"(?=git\+|[A-Za-z][A-Za-z0-9+.-]*://|file:/|[^\s@/:;#]+@[^\s@/:]+:)"
# `name[extras] @ `, what stands before a location.
NAMED = re.compile(rf"{_NAME}(?:[ \t]*+{_EXTRAS})?(?:[ \t]*+@[ \t]+|[ \t]++@|[ \t]*+@{_LOCATION})[ \t]*")
_NAME_AND_EXTRAS = re.compile(rf"{_NAME}[ \t]*(?:{_EXTRAS})?")
_BARE_EXTRAS = re.compile(_EXTRAS)
_TRAILING_EXTRAS = re.compile(rf"{_EXTRAS}$")
# A URL ends before a blank and `;` or `#` or the end, or at a `;` or `#` with a blank behind it.
_URL_END = re.compile(r"(?<![ \t])(?:[ \t]+(?=[;#])|[ \t]*$)|[;#](?=[ \t])")
_AFTER_URL = re.compile(r"[ \t]*+(?:#.*|;(?P<marker>(?:[^ \t]++|[ \t]++(?!#))*+)(?:[ \t]+#.*)?)?[ \t]*")
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_ARCHIVE = re.compile(r".*\.(?:whl|zip|tar|tgz|tbz|txz|tar\.(?:gz|bz2|xz|lzma|zst)|egg)", re.IGNORECASE)
_FORGES = ("github.com", "gitlab.com", "bitbucket.org")


@frozen
class Requirement:
    """`target` is the URL, a local path (str), or None for a name; `specifier` only for a name, `marker` as written."""

    name: str | None
    extras: tuple[str, ...]
    marker: str | None
    target: GitUrl | PlainUrl | str | None
    specifier: str = ""

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """One argument or one line without options. Raises ParseError, nothing else, spans in `text`."""
        stripped = text.strip(" \t\r\n")
        offset = text.find(stripped)
        try:
            refuse_controls(stripped.replace("\t", "_").replace(" ", "_"))
            return _parse(cls, stripped)
        except ParseError as error:
            raise error.shifted(offset) from None

    @property
    def kind(self) -> str:
        """`git`, `url` (a local path too) or `name`."""
        if self.target is None:
            return "name"
        return "git" if isinstance(self.target, GitUrl) else "url"

    @property
    def display(self) -> str:
        """The URL, path or specifier for a person to see."""
        if isinstance(self.target, GitUrl | PlainUrl):
            return self.target.display
        return visible(f"{self._prefix}{self.specifier}" if self.target is None else self.target)

    def pinned(self, commit: str) -> str:
        """The requirement to write down: the Git URL at `commit`, no secrets. ValueError for other kinds."""
        if not isinstance(self.target, GitUrl):
            raise ValueError("only a Git requirement is pinned to a commit")
        url = self.target.pinned(commit)
        start = f"{self._prefix} @ {url}" if self.name is not None else url + self._prefix
        return start if self.marker is None else f"{start} ; {self.marker}"

    @property
    def _prefix(self) -> str:
        return (self.name or "") + (f"[{','.join(self.extras)}]" if self.extras else "")

    def described(self, reveal: bool = False) -> dict[str, object]:
        """The object of `parse --json` (1-product §1.4); secrets masked unless `reveal`."""
        described: dict[str, object] = {
            "ok": True,
            "name": self.name,
            "extras": list(self.extras),
            "marker": self.marker,
            "kind": self.kind,
        }
        target = self.target
        if isinstance(target, GitUrl):
            described |= _authority_fields(target, reveal) | _git_fields(target, reveal)
        elif isinstance(target, PlainUrl):
            described |= _authority_fields(target, reveal) | _url_fields(target)
        else:
            none = dict.fromkeys(("scheme", "user", "password", "host", "port"))
            described |= none | {"path": target} | dict.fromkeys(_GIT_ONLY) | {"safe_url": None}
        return described | {"display": self.display}


_GIT_ONLY = ("rev", "rev_kind", "subdirectory", "clone_url")


def describe(text: str, reveal: bool = False) -> dict[str, object]:
    """What one argument of `git-helper parse` means, or why it is unusable, as the object of 1-product §1.4."""
    try:
        return Requirement.parse(text).described(reveal)
    except ParseError as error:
        return error.described()


def _authority_fields(url: GitUrl | PlainUrl, reveal: bool) -> dict[str, object]:
    userinfo = url.userinfo
    user = None if userinfo is None or userinfo.user is None else userinfo.user.reveal().decode()
    password = None if userinfo is None or userinfo.password is None else userinfo.password.reveal().decode()
    if not reveal and userinfo is not None:
        prefix = "git+" if isinstance(url, GitUrl) and url.prefixed else ""
        masked = userinfo.masked(prefix + url.scheme).partition(":")[0]
        user = MASK if user is not None and masked == MASK else user
        password = None if password is None else MASK
    return {"scheme": url.scheme, "user": user, "password": password, "host": url.host, "port": url.port}


def _git_fields(url: GitUrl, reveal: bool) -> dict[str, object]:
    return {
        "path": url.path,
        "rev": url.rev,
        "rev_kind": str(url.reference.kind),
        "subdirectory": url.subdirectory,
        "clone_url": url.clone_url.reveal().decode() if reveal else url.masked_clone_url,
        "safe_url": url.safe_url,
    }


def _url_fields(url: PlainUrl) -> dict[str, object]:
    subdirectory = {"subdirectory": url.subdirectory}
    return {"path": url.path} | dict.fromkeys(_GIT_ONLY) | subdirectory | {"safe_url": url.safe_url}


def url_span(text: str) -> tuple[int, int] | None:
    """Where the URL of a requirement lies, without the extras behind a bare one; None when there is none."""
    named = NAMED.match(text)
    start = named.end() if named else len(text) - len(text.lstrip(" \t\r\n"))
    if named is None and split_url(text[start:]) is None and not text.lower().startswith(("git+", "file:/"), start):
        return None
    found = _URL_END.search(text, start)
    end = found.start() if found else len(text)
    trailing = None if named else _TRAILING_EXTRAS.search(text, start, end)
    return start, trailing.start() if trailing else end


def _parse(cls: type[Requirement], text: str) -> Requirement:
    span = url_span(text)
    if span is None:
        return _without_url(cls, text)
    start, end = span
    head = NAMED.match(text) or _BARE_EXTRAS.match(text, end)
    marker = _after_url(text, head.end() if head and head.end() > end else end)
    url = text[start:end]
    blank = re.search(r"[ \t]", url)
    if blank is not None or not url:
        span = (start + blank.start(), end) if blank else (start, end)
        hint = "write blanks in a URL as %20; options, markers and comments stand behind it"
        raise ParseError(
            "invalid-requirement", text, "its URL contains a blank" if blank else "it has no URL", span, hint
        )
    whole = with_authority(url)
    try:
        target = _target(whole)
    except ParseError as error:
        added = len(whole) - len(url)
        error.span = max(0, error.span[0] - added), max(0, error.span[1] - added)
        raise error.shifted(start) from None
    _refuse_glued_marker(text, start, end)
    fields = head.groupdict() if head else {}
    return cls(fields.get("name"), _split_extras(fields.get("extras")), marker, target)


def _after_url(text: str, end: int) -> str | None:
    """The marker behind a URL that ends at `end`; None when there is none."""
    rest = _AFTER_URL.fullmatch(text, end)
    if rest is None:
        raise ParseError("invalid-requirement", text, "something else than a marker follows the URL", (end, len(text)))
    marker = rest["marker"]
    if marker is None:
        return None
    marker = marker.strip(" \t")
    _check_marker(text, marker, rest.span("marker"))
    return marker


def _check_marker(text: str, marker: str, span: tuple[int, int]) -> None:
    try:
        markers.Marker(marker)
    except (markers.InvalidMarker, RecursionError):
        raise ParseError("invalid-requirement", text, "its marker cannot be read", span) from None


def _refuse_glued_marker(text: str, start: int, end: int) -> None:
    """`url;python_version>'3'` names another file than was meant: PEP 508 wants a blank before the marker."""
    place = text.rfind(";", start, end)
    if place < 0:
        return
    try:
        markers.Marker(text[place + 1 : end])
    except (markers.InvalidMarker, RecursionError):
        return
    raise ParseError(
        "invalid-requirement", text, "its marker is part of the URL", (place, end), "put a space before ';'"
    )


def _target(url: str) -> GitUrl | PlainUrl | str:
    parts = split_url(url)
    if parts is None:
        return url if is_path(url) else GitUrl.parse(url)
    if is_repository(parts):
        return GitUrl.parse(url)
    plain = PlainUrl.parse(url)
    path = plain.path.rstrip("/")
    if plain.host in _FORGES and re.fullmatch(r"/[^/]+/[^/]+", path) and not _ARCHIVE.fullmatch(path.partition("@")[0]):
        hint = f"missing the `git+` prefix: write 'git+{plain.display}'"
        raise ParseError("missing-git-prefix", url, "it is the page of a repository, no file", (0, len(url)), hint)
    return plain


def is_repository(url: UrlText) -> bool:
    """Whether it is surely no file's, whatever its version control system."""
    whole = url.path.rstrip("/").lower()
    path = whole.partition("@")[0].rstrip("/")
    # `/@scope/repo.git` is one, too: GitUrl says that it is unclear.
    return "+" in url.scheme or url.scheme in ("ssh", "git") or path.endswith(".git") or whole.endswith(".git")


def is_path(text: str) -> bool:
    """A local file or folder. A `:` or `@` in it could be a URL gone wrong, unless the text begins as a path does."""
    if text.startswith((".", "/", "~")) or re.match(r"[A-Za-z]:[\\/]", text):
        return "@" not in text or not re.match(r"[A-Za-z]:|//", text)
    if text[:4].lower() == "git+":
        return False
    return ("/" in text or "\\" in text or _ARCHIVE.fullmatch(text) is not None) and not {":", "@"} & set(text)


def _without_url(cls: type[Requirement], text: str) -> Requirement:
    bare = _COMMENT.sub("", text).rstrip(" \t")
    before, semicolon, marker = bare.partition(";")
    if is_path(before.rstrip(" \t")):
        if semicolon:
            _check_marker(text, marker.strip(" \t"), (len(before) + 1, len(bare)))
        return cls(None, (), marker.strip(" \t") if semicolon else None, before.rstrip(" \t"))
    try:
        requirement = requirements.Requirement(bare)
    except (requirements.InvalidRequirement, RecursionError):
        raise _not_a_requirement(text, bare) from None
    if requirement.url is not None:
        # `packaging` takes any text for a URL, `git@host:path` too.
        raise _not_a_requirement(text, bare)
    head = _NAME_AND_EXTRAS.match(bare)
    extras = _split_extras(head["extras"]) if head else ()
    return cls(requirement.name, extras, marker.strip(" \t") if semicolon else None, None, str(requirement.specifier))


def _not_a_requirement(text: str, bare: str) -> ParseError:
    hint = "write 'name', 'name @ https://…', 'name @ git+https://…' or 'git+https://…'"
    error = ParseError("invalid-requirement", text, "it is no requirement", (0, len(bare)), hint)
    before, _, marker = bare.partition(";")
    url = bare if "@" in marker else before.rstrip(" \t")  # no part of `user:pass;word@host` by itself
    if " " in url or "\t" in url:
        return error
    try:
        GitUrl.parse(url)
    except ParseError as said:
        return said if said.error in ("scp-form", "unsupported-scheme") else error
    return error


def _split_extras(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(extra.strip(" \t") for extra in text.split(","))) if text else ()
