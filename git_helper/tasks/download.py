"""`download`: the source tree of each Git requirement at its exact commit and the files of the others, for a script."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from git_helper.errors import Cancelled, GitHelperError, NotFound
from git_helper.frozen import frozen
from git_helper.git.staging import ending_signals
from git_helper.secret import visible
from git_helper.system.together import together
from git_helper.tasks.resolve import Outcome, described_credential

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from git_helper.core.giturl import GitUrl
    from git_helper.core.reference import Oid
    from git_helper.registry.artefact import Fetched
    from git_helper.tasks.gather import Wanted

    _Done: TypeAlias = "Fetched | Left | GitHelperError | None"

T = TypeVar("T")
WORKERS = 24
"""Trees and files fetched at once: enough to fill a line of 20 ms with files of a megabyte."""


class Fetcher(Protocol):
    """Puts trees on disk."""

    def fetch(self, url: GitUrl, commit: Oid, destination: str) -> None:
        """Writes the commit's tree to `destination`, whole or not at all. Raises GitHelperError."""

    def fetch_kept(self, url: GitUrl, commit: Oid, destination: str) -> bool:
        """Does so at once when the cache has all of it; whether it did. Raises GitHelperError."""


@frozen
class Left:
    """What is left to the installer, and why; None where that is as usual."""

    note: str | None


class Files(Protocol):
    """Fetches what is not Git (`tasks/artefacts`)."""

    def fetch(self, wanted: Wanted, folder: str) -> Fetched | Left:
        """Puts the file into the folder, whole or not at all. Raises GitHelperError."""


@frozen
class Downloaded:
    """One requirement's outcome and, when all went well, where its tree or file is.

    `path`: what to install, the subdirectory of the `tree` included. `file`: what became of one that is not Git.
    """

    outcome: Outcome
    tree: str | None = None
    path: str | None = None
    error: GitHelperError | None = None
    file: Fetched | Left | None = None

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return self.outcome.exit_code if self.error is None else self.error.exit_code

    @property
    def note(self) -> str | None:
        """Why it was left to the installer."""
        return self.file.note if isinstance(self.file, Left) else None


def download(
    outcomes: Sequence[Outcome], folder: str, open_fetcher: Callable[[], Fetcher], open_files: Callable[[], Files]
) -> list[Downloaded]:
    """Fetches what was resolved, several at once, each tree once; the results are in the order given.

    `open_fetcher` is called when there is a tree, `open_files` when there is something that is not Git. Raises Cancelled
    when a person says no.
    """
    trees: dict[str, Outcome] = {}
    others: list[Outcome] = []
    for outcome in outcomes:
        if outcome.url is not None and outcome.choice is not None:
            trees.setdefault(_tree(folder, outcome), outcome)
        elif outcome.error is None:
            others.append(outcome)
    jobs: dict[object, Callable[[], _Done]] = {}
    cached: dict[object, Callable[[], bool]] = {}
    done: dict[object, _Done] = {}
    if trees:
        fetcher = open_fetcher()
        jobs = {tree: _of(fetcher.fetch, outcome, tree) for tree, outcome in trees.items()}
        cached = {tree: _of(fetcher.fetch_kept, outcome, tree) for tree, outcome in trees.items() if outcome.cached}
    if others:
        fetch = open_files().fetch
        jobs |= {id(outcome): partial(fetch, outcome.wanted, folder) for outcome in others}
    with ending_signals():  # in this thread, because the jobs' threads get none
        first = [partial(_keep, done, key, job) for key, job in jobs.items() if key not in cached]
        together([partial(_take_kept, done, cached), *first] if cached else first, WORKERS)
        together([partial(_keep, done, key, job) for key, job in jobs.items() if key not in done], WORKERS)
    errors = {tree: error for tree in trees if isinstance(error := done[tree], GitHelperError)}
    return [
        _of_file(outcome, done[id(outcome)]) if id(outcome) in done else _of_tree(outcome, folder, errors)
        for outcome in outcomes
    ]


def _of(fetch: Callable[[GitUrl, Oid, str], T], outcome: Outcome, tree: str) -> Callable[[], T]:
    if outcome.url is None or outcome.choice is None:
        raise ValueError("not resolved")
    return partial(fetch, outcome.url, outcome.choice.commit, tree)


def _keep(done: dict[object, _Done], key: object, job: Callable[[], _Done]) -> None:
    """Notes what the job gives."""
    try:
        done[key] = job()
    except Cancelled:
        raise
    except GitHelperError as error:
        done[key] = error


def _take_kept(done: dict[object, _Done], cached: dict[object, Callable[[], bool]]) -> None:
    """What the cache has, one after the other: it takes no waiting, so threads would only be in each other's way."""
    for key, job in cached.items():
        try:
            if job():
                done[key] = None
        except GitHelperError as error:
            done[key] = error


def _of_file(outcome: Outcome, done: _Done) -> Downloaded:
    if isinstance(done, GitHelperError):
        return Downloaded(outcome, error=done)
    return Downloaded(outcome, path=None if done is None or isinstance(done, Left) else done.path, file=done)


def _of_tree(outcome: Outcome, folder: str, errors: dict[str, GitHelperError]) -> Downloaded:
    if outcome.error is not None or outcome.url is None or outcome.choice is None:
        return Downloaded(outcome, error=outcome.error)
    tree = _tree(folder, outcome)
    if tree in errors:
        return Downloaded(outcome, error=errors[tree])
    if outcome.url.subdirectory is None:
        return Downloaded(outcome, tree, tree)
    path = os.path.join(tree, outcome.url.subdirectory)
    if not _is_inside(path, tree):
        message = f"cannot find the folder '{visible(outcome.url.subdirectory)}' in the commit {outcome.choice.commit}"
        return Downloaded(outcome, tree, error=NotFound(message, "check '#subdirectory=' of the URL"))
    return Downloaded(outcome, tree, path)


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
    found = {"path": downloaded.path, "tree": downloaded.tree}
    if downloaded.file is None:
        return resolved | found
    if isinstance(downloaded.file, Left):
        return resolved | found | {"note": downloaded.file.note}
    one = downloaded.file
    hashes = {"size": one.size, "hashes": dict(sorted(one.digests.items()))}
    return resolved | found | hashes | {"credential": described_credential(one.credential), "cached": one.cached}
