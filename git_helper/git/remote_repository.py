"""What a repository on a server can be asked for, whatever carries the requests, and the ways around refusals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from git_helper.errors import NotFound
from git_helper.git import history
from git_helper.git.pkt_line import NotGit, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_helper.core.reference import Oid, RemoteRef
    from git_helper.git.history import History
    from git_helper.git.refs import Refs

    Feed = Callable[[bytes], None]

HISTORY = ("HEAD", "refs/heads/", "refs/tags/")


class RemoteRepository(ABC):
    """Raises Unreachable (NotGit: the answer is not git's), Refused (ServerError: what the server says), NotFound."""

    @abstractmethod
    def ls_refs(self, prefixes: Iterable[str]) -> Refs:
        """The refs that begin with one of `prefixes`, in one small request; more than these from older servers."""

    @abstractmethod
    def request_pack(self, wants: list[Oid], feed: Feed, depth: int | None, object_filter: str | None = None) -> None:
        """One request for a pack with `wants`, whose bytes go to `feed`."""

    @abstractmethod
    def can(self, feature: str) -> bool:
        """Whether the server knows `shallow`, `filter`, …"""

    @property
    @abstractmethod
    def shown(self) -> str:
        """The repository for people."""

    def fetch(self, oid: Oid, feed: Feed, depth: int | None = 1) -> None:
        """The bytes of a pack that holds the commit `oid` (or the tag and its commit) go to `feed`.

        Where the server gives no commit by its name: the history of a ref that reaches it, as little of it as can be;
        then, and where it knows no depth, there is more in the pack than was asked for.
        """
        once = Once(feed)
        try:
            self.request_pack([oid], once, depth)
            return
        except (ServerError, NotGit) as error:
            if once.started:
                raise
            refusal = error
        if depth is not None and self._refuses_depth(refusal):
            try:
                self.request_pack([oid], once, None)
                return
            except (ServerError, NotGit) as error:
                if once.started:
                    raise
                refusal = error
        self._fetch_around(oid, once, depth, refusal)

    def commits(self, prefix: str) -> list[Oid]:
        """The commits of HEAD, branches and tags, and of their history, whose names begin with `prefix` (hexadecimal)."""
        return self._history(self.ls_refs(HISTORY).tips()).starting(prefix)

    def _refuses_depth(self, refusal: ServerError | NotGit) -> bool:
        said = refusal.message.lower()
        return "shallow" in said or "deepen" in said or not self.can("shallow")

    def _fetch_around(self, oid: Oid, feed: Feed, depth: int | None, refusal: ServerError | NotGit) -> None:
        """`oid` by way of a ref that reaches it; all refs where the server cannot give commits alone."""
        try:
            tips = self.ls_refs(HISTORY).tips()
        except (ServerError, NotGit):
            raise refusal from None
        if not tips:
            raise refusal
        of_tag = [tip.oid for tip in tips if tip.commit == oid != tip.oid]
        if of_tag:  # the server gives the tag, and with it its commit
            self.request_pack(of_tag, feed, depth)
        elif any(tip.oid == oid for tip in tips):
            raise refusal
        elif not self.can("filter"):
            self.request_pack([tip.oid for tip in tips], feed, None)
        else:
            nearest = self._history(tips).nearest(oid, tips)
            if nearest is None:
                hint = "is it pushed, and to a branch or tag? name one of these instead"
                raise NotFound(f"cannot find the commit '{oid}': no branch or tag of '{self.shown}' reaches it", hint)
            tip, steps = nearest
            self.request_pack([tip.oid], feed, steps + 1 if self.can("shallow") else None)

    def _history(self, tips: list[RemoteRef]) -> History:
        """All commits that `tips` reach: alone where the server can do that, else with all that belongs to them."""
        if not tips:
            return history.History()
        wants = [tip.oid for tip in tips]
        if self.can("filter"):
            found = history.read_history(lambda feed: self.request_pack(wants, feed, None, "tree:0"))
            if found.is_whole():  # dulwich's server leaves commits out
                return found
        return history.read_history(lambda feed: self.request_pack(wants, feed, None))


class Once:
    """A feed that knows whether anything has gone through it: then there is no way back to another request."""

    def __init__(self, feed: Feed) -> None:
        self.started = False
        self._feed = feed

    def __call__(self, data: bytes) -> None:
        """See Feed."""
        self.started = True
        self._feed(data)
