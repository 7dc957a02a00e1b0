"""`resolve`: each Git requirement is pinned to a commit; one question to a server for each repository.

What is not Git is checked by `tasks/checks.py`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from git_helper.core import requirements_file, requirements_rewrite
from git_helper.core.byte_size import in_units
from git_helper.core.digests import by_algorithm
from git_helper.core.giturl import GitUrl
from git_helper.core.reference import Choice, RefNotFound, choose
from git_helper.errors import Cancelled, GitHelperError
from git_helper.frozen import frozen
from git_helper.system.together import together
from git_helper.tasks.checks import artefact_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from git_helper.core.reference import Oid, RemoteRef
    from git_helper.tasks.checks import Checked, Checks, LocationChecked
    from git_helper.tasks.gather import Source, Wanted

WORKERS = 8
"""Repositories asked at once: more gain nothing on one host, and servers count connections."""


class Answered(Protocol):
    """Who let us in."""

    @property
    def source(self) -> str:
        """The source's name."""

    @property
    def username(self) -> bytes | None:
        """The user name, unless it is itself a secret."""


class Refs(Protocol):
    """What a repository has."""

    @property
    def refs(self) -> tuple[RemoteRef, ...]:
        """In the server's order."""

    @property
    def credential(self) -> Answered | None:
        """Who let us in; None when nobody was needed."""


class Repository(Protocol):
    """A repository on a server."""

    def ls_refs(self, prefixes: Iterable[str]) -> Refs:
        """Its refs whose names begin so (all of them from old servers). Raises GitHelperError."""

    def commits(self, prefix: str) -> list[Oid]:
        """The commits reachable from branches and tags whose hash begins so. Raises GitHelperError."""


@frozen
class Outcome:
    """What became of one requirement: a commit and how it was found, or an error; neither for what is not Git.

    `checked`: what the server said of an artefact's URL.
    """

    wanted: Wanted
    choice: Choice | None = None
    error: GitHelperError | None = None
    answered: Answered | None = None
    cached: bool = False
    checked: Checked | None = None

    @property
    def url(self) -> GitUrl | None:
        """The Git URL, if it is one."""
        target = None if self.wanted.requirement is None else self.wanted.requirement.target
        return target if isinstance(target, GitUrl) else None

    @property
    def exit_code(self) -> int:
        """0, or the error's."""
        return 0 if self.error is None else self.error.exit_code

    @property
    def pinned(self) -> str | None:
        """The requirement to write down."""
        requirement = self.wanted.requirement
        return requirement.pinned(self.choice.commit.hex) if requirement is not None and self.choice else None


def resolve(
    wanted: Sequence[Wanted], open_repository: Callable[[GitUrl], Repository], cached: Callable[[GitUrl, Oid], bool]
) -> list[Outcome]:
    """The outcome of each, in order. A whole hash is taken as it is, without a question; one failure stops no other.

    Raises Cancelled when a person says no.
    """
    groups: dict[object, list[int]] = {}
    outcomes = [Outcome(one, error=one.error) for one in wanted]
    for number, outcome in enumerate(outcomes):
        if outcome.url is not None:
            groups.setdefault(_group(outcome.url), []).append(number)
    found = groups.values()
    jobs = [partial(_resolve_group, [outcomes[n] for n in numbers], open_repository, cached) for numbers in found]
    asks = [any(url.reference.ref_prefixes() for n in numbers if (url := outcomes[n].url)) for numbers in found]
    answers = iter(together([job for job, ask in zip(jobs, asks, strict=True) if ask], WORKERS))
    for numbers, job, ask in zip(found, jobs, asks, strict=True):  # whole hashes without threads: none has to wait
        for number, outcome in zip(numbers, next(answers) if ask else job(), strict=True):
            outcomes[number] = outcome
    return outcomes


def with_checks(outcomes: Sequence[Outcome], checks: Checks) -> list[Outcome]:
    """The outcomes, those of artefacts with what the server said of them."""
    done = []
    for outcome in outcomes:
        url = artefact_url(outcome.wanted)
        checked = None if url is None else checks.artefacts.get(url)
        if checked is not None:
            outcome = replace(outcome, checked=checked, error=outcome.error or checked.error)
        done.append(outcome)
    return done


def _group(url: GitUrl) -> object:
    user, password = url.user, url.password
    return url.identity(), url.safe_url, user, password


def _resolve_group(
    outcomes: Sequence[Outcome],
    open_repository: Callable[[GitUrl], Repository],
    cached: Callable[[GitUrl, Oid], bool],
) -> list[Outcome]:
    """The outcomes of one repository and user: one question for all of their revisions."""
    urls = [outcome.url for outcome in outcomes if outcome.url is not None]
    prefixes = sorted({prefix for url in urls for prefix in url.reference.ref_prefixes()})
    repository: Repository | None = None
    refs: Refs | None = None
    try:
        if prefixes:
            repository = open_repository(urls[0])
            refs = repository.ls_refs(prefixes)
    except Cancelled:
        raise
    except GitHelperError as error:
        return [Outcome(one.wanted, error=error) for one in outcomes]
    done = []
    for one, url in zip(outcomes, urls, strict=True):
        try:
            choice = _chosen(url, () if refs is None else refs.refs, repository)
        except Cancelled:
            raise
        except GitHelperError as error:
            if isinstance(error, RefNotFound):
                error.name_repository(url.masked_clone_url)
            done.append(Outcome(one.wanted, error=error))
            continue
        answered = None if refs is None else refs.credential
        done.append(Outcome(one.wanted, choice, answered=answered, cached=cached(url, choice.commit)))
    return done


def _chosen(url: GitUrl, refs: Iterable[RemoteRef], repository: Repository | None) -> Choice:
    try:
        return choose(url.reference, refs)
    except RefNotFound as error:
        if not error.needs_history or repository is None or url.rev is None:
            raise
        history = repository.commits(url.rev.lower())
    try:
        return choose(url.reference, refs, history)
    except RefNotFound:
        return choose(url.reference, repository.ls_refs(("refs/",)).refs, history)  # knows a better hint


def described(outcome: Outcome) -> dict[str, Any]:
    """The object of `resolve --format json` (1-product §1.5)."""
    requirement, url, choice = outcome.wanted.requirement, outcome.url, outcome.choice
    if outcome.error is not None or requirement is None:
        kind, shown = ("git", None) if requirement is None else (requirement.kind, requirement.display)
        return _failed(kind, shown, outcome.error)
    if url is None or choice is None:
        described = {"name": requirement.name, "kind": requirement.kind, "url": requirement.display}
        return described | _described_artefact(outcome)
    return {
        "name": requirement.name,
        "kind": "git",
        "url": url.safe_url,
        "commit": choice.commit.hex,
        "requested_revision": url.rev,
        "subdirectory": url.subdirectory,
        "resolved_ref": choice.ref,
        "pinned": outcome.pinned,
        "direct_url": url.direct_url(choice.commit.hex),
        "credential": described_credential(outcome.answered),
        "cached": outcome.cached,
    }


def described_location(one: LocationChecked) -> dict[str, Any]:
    """The same for an index or find-links page."""
    kind, shown, checked = one.location.kind, one.location.shown, one.checked
    if checked.error is not None:
        return _failed(kind, shown, checked.error)
    credential = described_credential(checked.credential)
    return {"kind": kind, "url": shown, "status": checked.status, "credential": credential}


def said_of_checks(outcomes: Iterable[Outcome], locations: Iterable[LocationChecked]) -> list[str]:
    """A line for each file, index and find-links page that can be had; nothing of those that nobody asked for."""
    lines = []
    for one in outcomes:
        url, checked = artefact_url(one.wanted), one.checked
        if url is not None and checked is not None and checked.status is not None:
            size = [] if checked.size is None else [in_units(checked.size)]
            lines.append(_said(url.safe_url, checked, *size))
    return lines + [
        _said(one.location.shown, one.checked, one.location.kind) for one in locations if one.checked.status is not None
    ]


def _said(shown: str, checked: Checked, *more: str) -> str:
    credential = [] if checked.credential is None else [f"credential from: {checked.credential.source}"]
    return f"{shown}: {', '.join([str(checked.status), *more, *credential])}"


def _described_artefact(outcome: Outcome) -> dict[str, Any]:
    url, checked = artefact_url(outcome.wanted), outcome.checked
    if url is None:
        return {}
    return {
        "url": url.safe_url,
        "status": None if checked is None else checked.status,
        "size": None if checked is None else checked.size,
        "hashes": by_algorithm([*outcome.wanted.hashes, *url.hashes]),
        "credential": None if checked is None else described_credential(checked.credential),
    }


def _failed(kind: str, shown: str | None, error: GitHelperError | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "url": shown,
        "error": slug(error),
        "message": None if error is None else error.message,
        "hint": None if error is None else error.hint,
    }


def written(outcome: Outcome) -> str:
    """The requirement to write down instead of an argument: a Git URL pinned, no userinfo, all else as it is."""
    text = outcome.wanted.text
    if "${" in text and outcome.pinned is not None:
        return outcome.pinned  # what the variables stand for decides where the URL's parts are
    commits = {} if outcome.choice is None else {0: outcome.choice.commit.hex}
    return requirements_rewrite.rewrite(text, requirements_file.scan(text, {}), commits).strip(" \t\r\n")


def rewritten(source: Source, outcomes: Sequence[Outcome]) -> str:
    """The file's text with its Git URLs pinned and all userinfo removed, the files that it names by `-r` in their place.

    Not so those of `-c`: what they limit is not what is wanted.
    """
    commits = {
        one.wanted.number: one.choice.commit.hex
        for one in outcomes
        if one.wanted.source is source and one.choice is not None
    }
    included = {
        number: "" if below is None else rewritten(below, outcomes) for number, below in source.included.items()
    }
    return requirements_rewrite.rewrite(source.text, source.scan, commits, included)


def described_credential(answered: Answered | None) -> dict[str, str | None] | None:
    """Who let us in, as an object; None when nobody was needed."""
    if answered is None:
        return None
    user = answered.username
    return {"source": answered.source, "username": None if user is None else user.decode("utf-8", "replace")}


_SLUGS = {2: "invalid", 3: "authentication-required", 4: "refused", 5: "unreachable", 6: "not-found", 130: "cancelled"}


def slug(error: GitHelperError | None) -> str:
    """An error for programs."""
    named = getattr(error, "error", None)
    return named if isinstance(named, str) else _SLUGS.get(error.exit_code if error is not None else 1, "failed")
