"""Puts our two executables into the wheel: plain files on POSIX, entry points on Windows (hatchling runs this).

git starts us for every authenticated operation. The script that pip 23 (bundled with Python 3.11) writes for an entry
point begins with `import re`, which costs two thirds of a bare interpreter's start; so on POSIX the wheel carries the
files in bin/, whose line `#!python` every installer replaces by the interpreter's path. Windows does not start such
files and needs the .exe that installers make from entry points. One wheel cannot have both: where a file and an entry
point have one name, pip and uv drop the file. Hence two kinds of wheel: `py3-none-any` without entry points, and, built
on Windows, `py3-none-win_…` with them, which pip and uv prefer there. A source distribution becomes the right kind
where it is built.

The price: where the environment's path holds a space, pip (not uv) writes a first line that the kernel cannot read.
"""

from __future__ import annotations

import sys
import sysconfig
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

EXECUTABLES = ("git-helper", "git-credential-git-helper")


class EntryPointsOnWindows(MetadataHookInterface):
    """Fills the dynamic field `scripts` of [project]."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Sets `scripts`: empty off Windows."""
        on_windows = sys.platform == "win32"
        metadata["scripts"] = dict.fromkeys(EXECUTABLES, "git_helper.__main__:main") if on_windows else {}


class FilesElsewhere(BuildHookInterface[Any]):
    """Adds bin/* to a wheel, or marks a wheel with entry points as one for this Windows only."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Changes hatchling's `build_data` (keys `shared_scripts` and `tag`) before a wheel is written."""
        if sys.platform == "win32":
            build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_")
        else:
            build_data["shared_scripts"].update({f"bin/{name}": name for name in EXECUTABLES})
