"""`clone`: a repository with its history, which git can go on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.reference import Reference
from git_helper.errors import UsageError
from git_helper.git.clone_options import Options
from git_helper.secret import visible

if TYPE_CHECKING:
    from git_helper.git.clone_options import Cloned

_MOST_DEPTH = 0x7FFFFFFF


class Transport(Protocol):
    """Clones over some transport; `FullClone` is one."""

    def clone(self, url: GitUrl, destination: str, options: Options) -> Cloned:
        """A clone at `destination`, or nothing and a GitHelperError."""


def clone(
    text: str,
    folder: str | None,
    transport: Transport,
    *,
    revision: str | None = None,
    depth: int | None = None,
    bare: bool = False,
    recurse_submodules: bool = False,
    lfs: bool = True,
) -> Cloned:
    """Clones the Git URL `text` (see GitUrl) into `folder`, by default the one that git would choose.

    `revision`: branch, tag or commit, in place of the one in the URL. Raises ParseError, UsageError and what the
    transport raises.
    """
    url = GitUrl.parse(text)
    if revision is not None and url.rev is not None:
        raise UsageError("cannot clone two revisions: the URL has one behind its '@'", "leave out --ref")
    if depth is not None and not 1 <= depth <= _MOST_DEPTH:
        raise UsageError(f"cannot clone with --depth {depth}: it is no number of commits", "use --depth 1 or more")
    reference = url.reference if revision is None else _reference(revision)
    options = Options(reference, depth, bare, recurse_submodules and not bare, lfs)
    return transport.clone(url, folder if folder is not None else folder_name(url, bare=bare), options)


def folder_name(url: GitUrl, *, bare: bool = False) -> str:
    """The folder that git would choose (dir.c git_url_basename): the last part of the path without `.git`.

    A bare clone keeps `.git`. Raises UsageError when the URL names none.
    """
    path = url.path.rstrip("/").removesuffix("/.git").rstrip("/")
    name = path.rpartition("/")[2].removesuffix(".git")
    if name in ("", ".", "..") or name.lower() == ".git":
        raise UsageError(f"cannot guess a folder from '{url.masked_clone_url}'", "name one behind the URL")
    return f"{name}.git" if bare else name


def _reference(revision: str) -> Reference:
    try:
        return Reference.parse(revision)
    except ParseError as error:
        raise UsageError(f"cannot clone '{visible(revision)}': {error.message}", error.hint) from None
