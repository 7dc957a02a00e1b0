"""Mozilla's list of authorities (certifi) as a TLS context, loaded beside everything else.

OpenSSL takes an eighth of the time of a short command to read it, in whatever form it gets it, and needs no interpreter
meanwhile: so a thread waits for that while we load what else a request needs.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import certifi

from git_helper.net.shared_context import SharedContext

if TYPE_CHECKING:
    import ssl


def load() -> ssl.SSLContext:
    """A new context that trusts these authorities."""
    context = SharedContext()
    context.load_verify_locations(cafile=certifi.where())
    return context


class BundledRoots:
    """Begins to load when it is made; each call gives a new context, the first one that which was loaded."""

    def __init__(self) -> None:
        self._loaded: list[ssl.SSLContext] = []
        # Not a daemon, as one would be by birth from another: an interpreter that ends puts OpenSSL away, which must not be
        # at work then. Only the executable leaves without that.
        self._thread = threading.Thread(target=self._load, name="roots", daemon=False)
        self._thread.start()

    def _load(self) -> None:
        try:
            self._loaded.append(load())
        except OSError:
            return  # whoever needs it tries again, and hears why

    def __call__(self) -> ssl.SSLContext:
        """Waits for what is loading. Raises OSError."""
        self._thread.join()
        try:
            return self._loaded.pop()
        except IndexError:
            return load()
