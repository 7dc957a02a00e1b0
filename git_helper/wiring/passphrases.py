"""Passphrases of client certificates that git's helpers keep, where git would ask them (http.sslCertPasswordProtected)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_helper.core.credential import Description
from git_helper.errors import GitHelperError

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_helper.core.credential import Credential
    from git_helper.core.trust import ClientCertificate
    from git_helper.secret import Secret
    from git_helper.wiring.commands import CommandHouse

_NAME = "other helpers"


def kept(house: CommandHouse, client: ClientCertificate) -> Kept | None:
    """What our stores or another helper keep for the certificate's file, which is git's question too (http.c)."""
    if not client.asked_for:
        return None
    wanted = Description(b"cert", b"", os.fsencode(client.certificate.path), b"")
    openers = [opener for opener in house.own_openers() if opener[0] in house.store_names()]
    chain = house.chained(*openers, (_NAME, lambda wanted: house.helpers()))
    try:
        for candidate in chain.candidates(wanted):
            if candidate.credential.password is not None:
                return Kept(house, wanted, candidate.credential, candidate.source, candidate.credential.password)
    except GitHelperError as error:  # one of them says that nobody else is to be asked
        house.report(_NAME, error)
    return None


class Kept:
    """One of them, and who keeps it; see net/tls."""

    def __init__(
        self, house: CommandHouse, wanted: Description, credential: Credential, source: str, secret: Secret
    ) -> None:
        self.secret = secret
        self._house = house
        self._wanted = wanted
        self._credential = credential
        self._source = source

    def tell(self, *, opens: bool) -> None:
        """As git does: `store` after success; a wrong one is erased where it is kept."""
        if self._source == _NAME:
            operation = "store" if opens else "erase"
            self._try(lambda: self._house.helpers().tell(operation, self._wanted, self._credential))
        elif not opens:
            self._try(lambda: self._house.store(self._source).erase(self._wanted, self._credential))

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except GitHelperError as error:
            self._house.report(self._source, error)
