"""What files say to a command: pyproject.toml and `gitHelper.*` of git's configuration, each read when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_helper.system.places import home

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_helper.core.given import Layer
    from git_helper.system.git_config import GitConfig

_MOST_URLS = 256


class ConfigurationFiles:
    """The two later places of core/command_settings.py; `project` and `git` raise UsageError, `git` StoreError too."""

    def __init__(self, environ: Mapping[str, str], git_config: Callable[[], GitConfig]) -> None:
        self._home = home(environ)
        self._git_config = git_config
        self._project: Layer | None = None
        self._of_url: dict[str | None, Layer] = {}

    def project(self) -> Layer:
        """What the nearest pyproject.toml says; nothing without one."""
        if self._project is None:
            from git_helper.system import project_file

            path = project_file.nearest()
            self._project = {} if path is None else project_file.settings(path, self._home)
        return self._project

    def git(self, url: str | None) -> Layer:
        """What git's configuration says for a URL, or for all of them."""
        found = self._of_url.get(url)
        if found is None:
            from git_helper.system import git_settings

            found = git_settings.settings(self._git_config(), url, self._home)
            if len(self._of_url) >= _MOST_URLS:
                self._of_url.clear()
            self._of_url[url] = found
        return found
