"""Modules that wait: importing one costs next to nothing, and it is loaded when something of it is first used.

Each command needs few of all modules, and whoever types it waits for the first line (7-speed S13). So what not every command
needs is imported as a module, at the top of a file like all others: `from rich import table`, then `table.Table`. Who takes
a name out of a module (`from rich.table import Table`) has it loaded at once.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

_OURS = "git_helper."
_FOREIGN = frozenset(
    (
        *("packaging.markers", "packaging.requirements", "packaging.utils", "rich.console", "rich.table", "rich.text"),
        *("email.parser", "json", "secrets", "subprocess", "tempfile", "tomllib"),
    )
)


class LateFinder:
    """Finds our modules and a few others as everybody does, and lets them wait (importlib.abc.MetaPathFinder)."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """The specification of such a module by its full name, else None."""
        if not name.startswith(_OURS) and name not in _FOREIGN:
            return None
        spec = PathFinder.find_spec(name, path, None)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _LateLoader(spec.loader))
        return spec


class LateModule(ModuleType):
    """A module that was imported and not used so far. What the import system asks for (`__spec__` …) is no use."""

    def __init__(self, name: str, loader: _LateLoader) -> None:
        super().__init__(name)
        self.__late__ = loader

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__"):
            self.__late__.load(self)
        return ModuleType.__getattribute__(self, name)  # not super(): the class may be another one now


class _LateLoader:
    """Loads the module in the first thread that uses it; the others wait for that."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock = RLock()
        self._waits = True

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return LateModule(spec.name, self)

    def exec_module(self, module: ModuleType) -> None:
        """Not yet."""

    def load(self, module: ModuleType) -> None:
        with self._lock:
            if not self._waits:
                return  # by another thread meanwhile, or asked for by what it imports itself
            self._waits = False
            try:
                self._loader.exec_module(module)
            except BaseException:
                self._waits = True
                raise
            module.__class__ = ModuleType

    def __getattr__(self, name: str) -> Any:
        """What else a loader can do (`get_source`, …)."""
        return getattr(self._loader, name)


def install() -> None:
    """Lets modules wait from now on; those that are loaded already stay so."""
    if not any(isinstance(finder, LateFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, LateFinder())
