"""What holds for a command: option before environment before pyproject.toml before git's configuration before default.

Lists of hosts add up over all of these (`Option.adds`); every other setting, other lists among them, comes whole from the
first that has it. Files are read when a setting is asked for that neither option nor variable has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_helper.core.given import DEFAULT, Given, Layer
from git_helper.core.options import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from git_helper.core.options import Option

__all__ = ["CommandSettings", "Given", "Layer"]


def _nothing(_: str | None = None) -> Layer:
    return {}


class CommandSettings:
    """The settings of one command. Attributes are their values: None where nothing is given and nothing is the default."""

    def __init__(
        self,
        options: Layer | None = None,
        environment: Layer | None = None,
        *,
        project: Callable[[], Layer] = _nothing,
        git: Callable[[str | None], Layer] = _nothing,
        url: str | None = None,
    ) -> None:
        """`project` and `git` read their files when they are first called; `git` for one URL, or in general."""
        self._options: Layer = options or {}
        self._environment: Layer = environment or {}
        self._project = project
        self._git = git
        self.url = url

    def before(self, project: Callable[[], Layer], git: Callable[[str | None], Layer]) -> CommandSettings:
        """The same options and variables, before these files."""
        return CommandSettings(self._options, self._environment, project=project, git=git, url=self.url)

    def for_url(self, url: str) -> CommandSettings:
        """The settings for one URL: `gitHelper.<url>.<option>` counts where git's rules let it."""
        return CommandSettings(self._options, self._environment, project=self._project, git=self._git, url=url)

    def of_project(self) -> Layer:
        """What pyproject.toml says. Raises UsageError."""
        return self._project()

    def effective(self, name: str) -> tuple[Given, ...]:
        """What holds for an option, with where it comes from; empty where nothing does. Raises UsageError, StoreError."""
        option = BY_NAME[name]
        found: list[Given] = []
        for layer in self._layers(option):
            here = layer.get(name, ())
            if here and not option.adds:
                return tuple(here)
            found += here
        if found or option.default is None:
            return tuple(found)
        return (Given(option.default, DEFAULT),)

    def given(self, name: str, url: str) -> tuple[Given, ...]:
        """`effective` for one URL: what core/trust and net/proxy ask."""
        return self.for_url(url).effective(name)

    def value(self, name: str) -> Any:
        """The value of an option, a tuple of a list."""
        given = self.effective(name)
        if BY_NAME[name].many:
            return tuple(dict.fromkeys(one.value for one in given))
        return given[-1].value if given else None

    def _layers(self, option: Option) -> Iterator[Layer]:
        yield self._options
        yield self._environment
        if option.in_project:
            yield self._project()
        if option.in_git:
            yield self._git(self.url)

    @property
    def store(self) -> str | None:
        """One of STORES, or None: the recorded choice."""
        return self._text("store")

    @property
    def keyring_provider(self) -> str:
        """`disabled`, `subprocess` or `import`."""
        return self._text("keyring-provider") or "disabled"

    @property
    def netrc_file(self) -> str | None:
        """The netrc file, or None: that of NETRC or of the home folder."""
        return self._text("netrc-file")

    @property
    def allow_http(self) -> tuple[bytes, ...]:
        """Hosts that get tokens over plain http."""
        hosts: tuple[bytes, ...] = self.value("allow-http")
        return hosts

    @property
    def timeout(self) -> float | None:
        """Seconds."""
        seconds: float | None = self.value("timeout")
        return seconds

    @property
    def offline(self) -> bool:
        """Whether no server is to be asked."""
        return self._switch("offline")

    @property
    def no_input(self) -> bool:
        """Whether nobody is to be asked."""
        return self._switch("no-input")

    @property
    def quiet(self) -> bool:
        """Whether to say only what went wrong."""
        return self._switch("quiet")

    @property
    def verbose(self) -> bool:
        """Whether to say more."""
        return self._switch("verbose")

    @property
    def trace(self) -> str | None:
        """The file to append to."""
        return self._text("trace")

    @property
    def color(self) -> str:
        """`auto`, `always` or `never`."""
        return self._text("color") or "auto"

    @property
    def cache_dir(self) -> str | None:
        """The folder of the cache, or None: the usual one."""
        return self._text("cache-dir")

    @property
    def find_links(self) -> tuple[str, ...]:
        """URLs and paths."""
        return self._texts("find-links")

    @property
    def no_index(self) -> bool:
        """Whether no index is to be asked."""
        return self._switch("no-index")

    @property
    def max_page_size(self) -> int:
        """Bytes of an index page."""
        size: int = self.value("max-page-size")
        return size

    def _text(self, name: str) -> str | None:
        text: str | None = self.value(name)
        return text

    def _texts(self, name: str) -> tuple[str, ...]:
        texts: tuple[str, ...] = self.value(name)
        return texts

    def _switch(self, name: str) -> bool:
        return bool(self.value(name))
