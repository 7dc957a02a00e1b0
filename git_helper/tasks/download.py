"""`download`: the source tree of each Git requirement at its exact commit, for a script that installs it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from git_helper.errors import Cancelled, GitHelperError, NotFound, UsageError
from git_helper.git.staging import ending_signals
from git_helper.secret import visible
from git_helper.system.together import together
from git_helper.tasks.resolve import WORKERS, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid


class Fetcher(Protocol):
    """Puts trees on disk."""

    def fetch(self, url: GitUrl, commit: Oid, destination: str) -> None:
        """Writes the commit's tree to `destination`, whole or not at all. Raises GitHelperError."""


@dataclass(frozen=True)
class Downloaded:
    """One requirement's outcome and, when all went well, where its tree is (`path`, the subdirectory in it included)."""

    outcome: Outcome
    tree: str | None = None
    path: str | None = None
    error: GitHelperError | None = None

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return self.outcome.exit_code if self.error is None else self.error.exit_code


def download(outcomes: Sequence[Outcome], folder: str, fetcher: Fetcher) -> list[Downloaded]:
    """Fetches what was resolved, several at once, each tree once; the results are in the order given.

    Raises Cancelled when a person says no.
    """
    targets: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.url is not None and outcome.choice is not None:
            targets.setdefault(_tree(folder, outcome), outcome)
    jobs = [partial(_fetch, fetcher, outcome, tree) for tree, outcome in targets.items()]
    with ending_signals():  # in this thread, because the jobs' threads get none
        errors = dict(zip(targets, together(jobs, WORKERS), strict=True))
    return [_downloaded(outcome, folder, errors) for outcome in outcomes]


def _fetch(fetcher: Fetcher, outcome: Outcome, tree: str) -> GitHelperError | None:
    if outcome.url is None or outcome.choice is None:
        return None
    try:
        fetcher.fetch(outcome.url, outcome.choice.commit, tree)
    except Cancelled:
        raise
    except GitHelperError as error:
        return error
    return None


def _downloaded(outcome: Outcome, folder: str, errors: dict[str, GitHelperError | None]) -> Downloaded:
    if outcome.error is not None:
        return Downloaded(outcome, error=outcome.error)
    if outcome.url is None or outcome.choice is None:
        return Downloaded(outcome, error=_not_git(outcome))
    tree = _tree(folder, outcome)
    failed = errors[tree]
    if failed is not None:
        return Downloaded(outcome, error=failed)
    path = tree if outcome.url.subdirectory is None else os.path.join(tree, outcome.url.subdirectory)
    if not _is_inside(path, tree):
        message = (
            f"cannot find the folder '{visible(outcome.url.subdirectory or '')}' in the commit {outcome.choice.commit}"
        )
        return Downloaded(outcome, tree, error=NotFound(message, "check '#subdirectory=' of the URL"))
    return Downloaded(outcome, tree, path)


def _not_git(outcome: Outcome) -> GitHelperError | None:
    """Other lines of a requirements file are the installer's own business; what was asked for by itself is not."""
    if outcome.wanted.source is not None or outcome.wanted.requirement is None:
        return None
    return UsageError(
        f"cannot download '{outcome.wanted.requirement.display}': it is no Git requirement", "pip download"
    )


def _is_inside(path: str, tree: str) -> bool:
    """A symbolic link in the tree must not lead the installer elsewhere."""
    real = os.path.realpath(path)
    return os.path.isdir(real) and os.path.commonpath([real, os.path.realpath(tree)]) == os.path.realpath(tree)


def _tree(folder: str, outcome: Outcome) -> str:
    """`NAME-COMMIT` in the folder, the name that of the requirement or of the repository."""
    requirement, url, choice = outcome.wanted.requirement, outcome.url, outcome.choice
    if requirement is None or url is None or choice is None:
        raise ValueError("not resolved")
    name = requirement.name or url.path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    safe = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name).lstrip(".-")
    return os.path.join(os.path.abspath(folder), f"{safe or 'repository'}-{choice.commit.hex[:12]}")


def described(downloaded: Downloaded, resolved: dict[str, Any]) -> dict[str, Any]:
    """The object of `resolve --format json` with `path` and `tree`, or with the error that came later."""
    if downloaded.error is not None and downloaded.outcome.error is None:
        error = downloaded.error
        return resolved | {"error": "download-failed", "message": error.message, "hint": error.hint, "path": None}
    return resolved | {"path": downloaded.path, "tree": downloaded.tree}
