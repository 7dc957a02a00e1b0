"""git-helper: one executable for every moment in which a Git dependency needs a credential."""

import sys

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any

_PACKAGES = ("core", "system", "wiring", "tasks", "stores", "sources")
_MODULES = (
    *("__main__", "errors", "secret", "core.settings", "core.credential", "core.chain", "core.wire", "core.record"),
    *("system.environment", "system.places", "tasks.answer", "stores.choice", "stores.credential_file"),
    *("sources.environment_token", "sources.netrc_file"),
)


class Doorman:
    """Knows where the modules of the protocol door are, so that nobody searches folders for them.

    git starts us for every question, and that search is a tenth of the time of a `get`. Other modules are found as usual.
    """

    def __init__(self, spec: "Any") -> None:
        """`spec`: this package's own, whose classes serve for the others."""
        self._folder = __file__[: -len("__init__.py")]
        self._spec = type(spec)
        self._loader = type(spec.loader)
        self._files = {f"{__name__}.{name}": name.replace(".", "/") + ".py" for name in _MODULES}
        self._files |= {f"{__name__}.{name}": f"{name}/__init__.py" for name in _PACKAGES}

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> "ModuleSpec | None":
        """The specification of a module of the door by its full name, or None (importlib.abc.MetaPathFinder)."""
        file = self._files.get(name)
        if file is None:
            return None
        place = self._folder + file
        spec: ModuleSpec = self._spec(name, self._loader(name, place), origin=place)
        spec.has_location = True
        if file.endswith("/__init__.py"):
            spec.submodule_search_locations = [place[: -len("/__init__.py")]]
        return spec


# Only where we are plain source files: not in an archive, not as bytecode alone.
if type(getattr(__spec__, "loader", None)).__name__ == "SourceFileLoader":
    sys.meta_path.insert(0, Doorman(__spec__))
