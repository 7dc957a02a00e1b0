"""A folder or file of this machine that is looked in for packages."""

from __future__ import annotations

import os

from git_helper.core.indexes import Index
from git_helper.errors import NotFound
from git_helper.frozen import frozen
from git_helper.secret import visible


@frozen
class LocalPlace:
    """A folder or file; `path` is absolute. `kind`: `index` for a folder laid out as an index, else `find-links`."""

    path: str
    kind: str = "find-links"

    @property
    def shown(self) -> str:
        """For people and reports."""
        return visible(self.path)

    def below(self, project: str) -> LocalPlace:
        """Where an index lists a project's files."""
        return LocalPlace(os.path.join(self.path, project), self.kind)

    def check(self) -> None:
        """Raises NotFound when there is no such folder or file."""
        if not os.path.exists(self.path):
            raise NotFound(f"cannot find '{self.shown}', which is to be looked in for packages")


Location = Index | LocalPlace
"""Where files are listed: on a server, or on this machine; `kind` is `index` or `find-links`."""
