"""Which store was chosen: made once, recorded as `key=value` lines, so that a `get` need not try what is there."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = ("keyring", "file")


class Choice:
    """`store`: where new credentials go; `used`: every store ever chosen; `backend`: the keyring back end that answered."""

    __slots__ = ("backend", "store", "used")

    def __init__(self, store: str, backend: "str | None" = None, used: "Iterable[str]" = ()) -> None:
        self.store = store
        self.backend = backend
        self.used = frozenset(used) | {store}

    def in_order(self) -> "list[str]":
        """The stores to read: the chosen one, then what an earlier choice may have left."""
        return [self.store, *sorted(self.used - {self.store})]

    def with_used(self, store: str, backend: "str | None") -> "Choice":
        """The same choice, with one more store that holds something."""
        return Choice(self.store, self.backend or backend, self.used | {store})

    def dump(self) -> bytes:
        """The record's bytes."""
        backend = f"backend={self.backend}\n" if self.backend else ""
        return f"store={self.store}\n{backend}used={' '.join(sorted(self.used))}\n".encode()


def recorded(path: str) -> "Choice | None":
    """The choice in the file at `path`; None when none was made, or it cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read(4096)
    except OSError:
        return None
    fields = dict(line.partition("=")[::2] for line in content.decode("utf-8", "replace").split("\n"))
    store = fields.get("store", "")
    if store not in NAMES:
        return None
    return Choice(
        store, fields.get("backend") or None, [name for name in fields.get("used", "").split() if name in NAMES]
    )
