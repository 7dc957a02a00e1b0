"""`.gitmodules` (gitmodules(5)), written by whoever wrote the repository: read as git reads it, refused where git refuses."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from dulwich.config import ConfigFile

from git_helper.core.authority import Authority
from git_helper.core.giturl import GitUrl
from git_helper.core.instead_of import as_ssh_url
from git_helper.core.parse_error import ParseError
from git_helper.errors import UsageError
from git_helper.frozen import frozen
from git_helper.git.paths import check_name
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_BYTES = 1 << 20
# Up to the path: `scheme://host/`, or `user@host:` of the scp form.
_HOST = re.compile(r"[^/]*://[^/]*/?|(?:[^@/:]*@)?(?:\[[^\]]*\]|[^/:]*):/?")
_UPDATES = (b"checkout", b"rebase", b"merge", b"none")
_CONTROL = re.compile(rb"[\0-\x1f\x7f]")


class UnsafeSubmodule(UsageError):
    """A submodule whose name, path or URL would do harm or cannot be used; slug `unsafe-submodule`."""

    error = "unsafe-submodule"

    def __init__(self, name: bytes, reason: str, hint: str | None = None) -> None:
        super().__init__(f"cannot use the submodule '{visible(name)}': {reason}", hint)


@frozen
class Submodule:
    """`name`: of its repository below .git/modules; `path`: of its files; `url`: as written, maybe relative.

    `update`: how `git submodule update` is to treat it, if somebody says so; with `none` its folder stays empty.
    """

    name: bytes
    path: bytes
    url: str
    update: str | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether git fetches it unless it is named."""
        return self.update != "none"


def parse_gitmodules(content: bytes) -> dict[bytes, Submodule]:
    """The submodules by their paths; those without a path or URL are left out, as git does. Raises UsageError."""
    if len(content) > _MOST_BYTES:
        raise UsageError(f"cannot read '.gitmodules': it is longer than {_MOST_BYTES} bytes")
    try:
        config = ConfigFile.from_file(io.BytesIO(content), expand_includes=False)
    except ValueError as error:
        raise UsageError(f"cannot read '.gitmodules': {visible(str(error))}") from error
    found: dict[bytes, Submodule] = {}
    for section in config.sections():
        if len(section) != 2 or section[0].lower() != b"submodule":
            continue
        name = section[1]
        path, url, update = (_value(config, section, key) for key in (b"path", b"url", b"update"))
        if path is None or url is None:
            continue
        # Anything else would be a command (CVE-2019-19604), which is never run.
        known = update.decode() if update in _UPDATES else None
        submodule = Submodule(name, path.rstrip(b"/"), url.decode("utf-8", "surrogateescape"), known)
        _check(submodule, path)
        found.setdefault(submodule.path, submodule)
    return found


def _value(config: ConfigFile, section: tuple[bytes, ...], key: bytes) -> bytes | None:
    try:
        return config.get(section, key)
    except KeyError:
        return None


def _check(submodule: Submodule, path: bytes) -> None:
    """submodule-config.c check_submodule_name, parse_config, fsck.c fsck_gitmodules (CVE-2018-11235, -17456, 2025-48384)."""
    name, url = submodule.name, submodule.url.encode("utf-8", "surrogateescape")
    if not name or b".." in re.split(rb"[/\\]", name) or name.startswith((b"/", b"\\")):
        raise UnsafeSubmodule(name, "its name leads to another folder")
    for part in re.split(rb"[/\\]", name):
        check_name(part, name, at_top=True, symlink=False)
    for what, text in (("name", name), ("path", path), ("URL", url)):
        if _CONTROL.search(text):
            raise UnsafeSubmodule(name, f"its {what} holds a control character")
    if path.startswith(b"-") or url.startswith(b"-"):
        raise UnsafeSubmodule(name, "its path or URL looks like an option")


def refuse_nested(submodules: Iterable[Submodule]) -> None:
    """No repository below .git/modules inside another one (CVE-2024-32002's ground). Raises UsageError."""
    names = [submodule.name.lower() for submodule in submodules]
    count = Counter(names)
    for name in names:
        parts = name.split(b"/")
        above = [b"/".join(parts[:end]) for end in range(1, len(parts))] + [name] * (count[name] > 1)
        outer = next((one for one in above if one in count), None)
        if outer is not None:
            raise UnsafeSubmodule(name, f"its repository would be inside the one of '{visible(outer)}'")


def submodule_url(submodule: Submodule, parent: GitUrl) -> GitUrl:
    """Where it is: `./` and `../` are seen from the parent's URL (git-submodule(1), "add"; remote.c relative_url).

    What the parent's URL carries goes along to the same scheme, host and port, never elsewhere. Raises UnsafeSubmodule.
    """
    text = submodule.url
    if text.startswith(("./", "../")):
        text = _joined(parent.scp_form or parent.safe_url, text, submodule.name)
    ssh_url = as_ssh_url(text)
    try:
        url = GitUrl.parse(_with_plain_path(ssh_url or text))
    except ParseError as error:
        hint = "clone without --recurse-submodules and tell the owner of the repository"
        raise UnsafeSubmodule(submodule.name, f"its URL cannot be used: {error.message}", hint) from None
    if url.scheme == "file":
        raise UnsafeSubmodule(
            submodule.name, "its URL is a path on this machine, which is allowed to nobody's repository"
        )
    scp_form = None if ssh_url is None else text
    if scp_form is not None and url.user is not None and "@" not in url.safe_url:
        scp_form = text.partition("@")[2]  # the user name is a token, which is not written down
    same = (url.scheme, url.host, url.port) == (parent.scheme, parent.host, parent.port)
    if same and url.userinfo is None and parent.userinfo is not None:
        authority = url.authority
        url = replace(url, authority=Authority(parent.userinfo, authority.host, authority.port))
    return replace(url, of_submodule=True, scp_form=scp_form)


def _joined(base: str, relative: str, name: bytes) -> str:
    """As git joins them: each `../` takes away what follows the last `/`, but never the host."""
    place = _HOST.match(base)
    host, rest = (base, "") if place is None else (place[0], base[place.end() :])
    parts = rest.strip("/").split("/") if rest.strip("/") else []
    while True:
        if relative.startswith("../"):
            if not parts:
                raise UnsafeSubmodule(name, "its URL leads above the top of the server")
            relative = relative[3:]
            parts.pop()
        elif relative.startswith("./"):
            relative = relative[2:]
        else:
            break
    return host + "/".join([*parts, relative.rstrip("/")])


def _with_plain_path(text: str) -> str:
    """A submodule's URL has no revision: an `@` behind the host is part of the path."""
    place = _HOST.match(text) if "://" in text else None
    end = len(text) if place is None else place.end()
    return text[:end] + text[end:].replace("@", "%40")
