"""Who is asked for a credential on a server's demand, and who hears how it went: `Credentials` of `net/session`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from git_helper.core.credential import Account
from git_helper.errors import Cancelled, GitHelperError
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from git_helper.core.chain import Candidate, Chain, Report, Store
    from git_helper.core.credential import Credential, Description

    class Tellable(Protocol):
        """Helpers that hear of the outcome of their answers (`sources/other_helpers`)."""

        def tell(self, operation: str, wanted: Description, credential: Credential) -> None:
            """Runs the operation of the helper that gave the credential."""


PERSON, HELPERS = "person", "other helpers"


class AskedCredentials:
    """`chain(ask)` makes the sources, with the person if `ask`, and `names(ask)` tells their names;
    `scope` makes of a description what git would ask for (`system/git_config.py:GitConfig.scoped`).

    `writer` opens the store for what a person typed, `readers` all stores.
    """

    def __init__(
        self,
        chain: Callable[[bool], Chain],
        names: Callable[[bool], Sequence[str]],
        scope: Callable[[Description], Description],
        helpers: Callable[[], Tellable],
        writer: Callable[[], Store | None],
        readers: Callable[[], list[Store]],
        report: Report,
        explain: Callable[[str], None],
    ) -> None:
        self._chain = chain
        self._names = names
        self._scope = scope
        self._helpers = helpers
        self._writer = writer
        self._readers = readers
        self._report = report
        self._explain = explain

    def scoped(self, wanted: Description) -> Description:
        """As git is configured: mostly without its path, maybe with a user name."""
        return self._scope(wanted)

    def candidates(self, wanted: Description, *, ask: bool) -> Iterator[Candidate]:
        """Each answer of the sources in order. A helper that says `quit` ends the search, like in git."""
        try:
            yield from self._chain(ask).candidates(wanted)
        except Cancelled as error:
            if type(error) is Cancelled:
                raise
            self._report(HELPERS, error)

    def names(self, wanted: Description, *, ask: bool) -> Sequence[str]:
        """The sources in the order in which they are asked."""
        return self._names(ask)

    def approve(self, candidate: Candidate, wanted: Description) -> None:
        """What a person typed is kept in our store, what a helper gave by that helper; nothing else is copied."""
        self._explain(f"let in at {visible(wanted.host)} by: {candidate.source}")
        with_report = self._reporting(candidate.source)
        if candidate.source == PERSON:
            with_report(lambda: self._keep(wanted, candidate.credential))
        elif candidate.source == HELPERS:
            with_report(lambda: self._helpers().tell("store", wanted, candidate.credential))

    def reject(self, candidate: Candidate, wanted: Description) -> None:
        """Only the very secret that was refused is forgotten, wherever it is kept.

        git tells all helpers to erase what a URL carried, too. Those of git before 2.42 look at the user name alone and
        lose the right password of that user; so a helper hears only of what it gave itself.
        """
        self._explain(f"refused at {visible(wanted.host)}, from: {candidate.source}")
        with_report = self._reporting(candidate.source)
        if candidate.source == HELPERS:
            with_report(lambda: self._helpers().tell("erase", wanted, candidate.credential))
        for store in self._readers():
            with_report(lambda store=store: store.erase(wanted, candidate.credential))  # type: ignore[misc]

    def _keep(self, wanted: Description, credential: Credential) -> None:
        store = self._writer()
        if store is not None and not credential.ephemeral:
            store.store(Account(wanted.protocol, wanted.host, wanted.path, credential))

    def _reporting(self, name: str) -> Callable[[Callable[[], object]], None]:
        def run(action: Callable[[], object]) -> None:
            try:
                action()
            except GitHelperError as error:
                self._report(name, error)

        return run
