"""Package registries for a command: what asks them, and what reads their pages, opened when it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from git_helper.core import indexes
from git_helper.core.given import PROJECT
from git_helper.tasks.index_locations import Configured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_helper.core.given import Given
    from git_helper.core.plain_url import PlainUrl
    from git_helper.registry.asking import Asking
    from git_helper.registry.indexes import Indexes
    from git_helper.registry.local_place import Location
    from git_helper.registry.pages import Pages
    from git_helper.registry.text_file import TextFile
    from git_helper.tasks.artefacts import Files
    from git_helper.ui.progress import Display
    from git_helper.wiring.commands import CommandHouse

OPTIONS = ("index-url", "extra-index-url", "find-links", "no-index")


class Registry:
    """Asks registries with the credentials of the house; `locations` are all that the command was given."""

    def __init__(self, house: CommandHouse, display: Display, locations: Sequence[Location] = ()) -> None:
        self._house = house
        self._display = display
        self._locations = tuple(locations)

    @cached_property
    def client(self) -> Asking:
        """Asks for anything."""
        from git_helper.registry.asking import Asking

        found = [location for location in self._locations if isinstance(location, indexes.Index)]
        return Asking(self._house.registry(self._display, found))

    @cached_property
    def pages(self) -> Pages:
        """Asks for pages of indexes."""
        from git_helper.registry.pages import Pages

        return Pages(self.client, self._house.settings.max_page_size)

    @cached_property
    def indexes(self) -> Indexes:
        """Asks all locations for the files of a project."""
        from git_helper.registry.indexes import Indexes

        return Indexes(self._locations, self.pages)

    @cached_property
    def files(self) -> Files:
        """Fetches what is not Git."""
        import platform

        from git_helper.registry.artefact import Artefacts
        from git_helper.tasks.artefacts import Files

        artefacts = Artefacts(self.client.get, self._house.artefact_cache(), offline=self._house.settings.offline)
        indexes = self.indexes if self._locations else None
        return Files(artefacts, indexes, self._display.file, platform.python_version())

    def text_file(self, url: PlainUrl) -> TextFile:
        """A requirements file on a server. Raises Unreachable with `--offline`."""
        from git_helper.errors import Unreachable
        from git_helper.registry.text_file import fetch_text

        if self._house.settings.offline:
            raise Unreachable(f"cannot read '{url.safe_url}': --offline")
        return fetch_text(self.client, url)


def configured(house: CommandHouse) -> Configured:
    """What options, environment and files of settings say about where to look for packages."""
    settings = house.settings
    from_option = [name for name in OPTIONS if any(one.provenance.kind == "option" for one in settings.effective(name))]
    index = _indexes(settings.effective("index-url"))
    return Configured(
        index[-1] if index else None,
        _indexes(settings.effective("extra-index-url")),
        settings.find_links,
        settings.no_index,
        frozenset(from_option),
    )


def _indexes(given: Sequence[Given]) -> Sequence[str | indexes.Described]:
    """Their URLs. A pyproject.toml gives none a name: it would choose who gets the password of a person's variable."""
    return tuple(_unnamed(one.value) if one.provenance.kind == PROJECT else str(one.value) for one in given)


def _unnamed(index: str | indexes.Described) -> str | indexes.Described:
    return index if isinstance(index, indexes.Described) else indexes.named(index)[1]
