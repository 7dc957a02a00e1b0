"""Modules that wait: importing one costs next to nothing, and it is loaded when something of it is first used.

Each command needs few of all modules, and whoever types it waits for the first line (7-speed S13). So what not every command
needs is imported as a module, at the top of a file like all others: `from rich import table`, then `table.Table`. Who takes
a name out of a module (`from rich.table import Table`) has it loaded at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from git_helper.cli import patterns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

_OURS = "git_helper."
_FOREIGN = frozenset(
    (
        *("packaging.markers", "packaging.requirements", "packaging.utils", "rich.console", "rich.table", "rich.text"),
        *("certifi", "hashlib", "json", "secrets", "shellingham", "socket", "subprocess", "tempfile", "tomllib"),
        # What other libraries import for something that we seldom ask of them.
        *("ast", "base64", "bz2", "calendar", "csv", "hmac", "ipaddress", "linecache", "locale", "lzma", "mimetypes"),
        *("pkgutil", "platform", "quopri", "random", "selectors", "shlex", "textwrap", "tokenize", "zipfile"),
        *("email.base64mime", "email.header", "email.parser", "email.quoprimime", "urllib3.http2"),
    )
)
# A Python may have been built without the second one. Whoever imports the first then has to hear of it at once.
_NEEDS = {"bz2": "_bz2", "lzma": "_lzma"}
# The names of this form that a module gives itself.
_CONTENT = ("__all__", "__version__")
# A module that others take out of a package, which itself can wait on.
_INSIDE = {"urllib3.http2": "probe"}


class LateFinder:
    """Finds our modules and a few others as everybody does, and lets them wait (importlib.abc.MetaPathFinder)."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """The specification of such a module by its full name, else None."""
        if not name.startswith(_OURS) and name not in _FOREIGN:
            return None
        spec = PathFinder.find_spec(name, path, None)
        if spec is not None and spec.loader is not None and _may_wait(name):
            spec.loader = cast("Loader", _LateLoader(name, spec.loader))
        return spec


def _may_wait(name: str) -> bool:
    needed = _NEEDS.get(name)
    return needed is None or needed in sys.builtin_module_names or PathFinder.find_spec(needed) is not None


class LateModule(ModuleType):
    """A module that was imported and not used so far. What the import system asks for (`__spec__` …) is no use."""

    def __init__(self, name: str, loader: _LateLoader) -> None:
        super().__init__(name)
        self.__late__ = loader

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__") or name in _CONTENT:
            inside = self.__late__.inside(name)
            if inside is not None:
                return inside
            self.__late__.load(self)
        return ModuleType.__getattribute__(self, name)  # not super(): the class may be another one now


class _LateLoader:
    """Loads the module in the first thread that uses it; the others wait for that."""

    def __init__(self, name: str, loader: Loader) -> None:
        self._name = name
        self._loader = loader
        self._lock = RLock()
        self._waits = True

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return LateModule(spec.name, self)

    def exec_module(self, module: ModuleType) -> None:
        """Not yet."""

    def inside(self, name: str) -> ModuleType | None:
        """The module `name` of a package that waits on."""
        if _INSIDE.get(self._name) != name:
            return None
        try:
            return import_module(f"{self._name}.{name}")
        except ModuleNotFoundError:
            return None  # in another version, it is something else

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
    """Lets modules, and patterns in them, wait from now on; those that are loaded already stay so."""
    if not any(isinstance(finder, LateFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, LateFinder())
        patterns.install()
