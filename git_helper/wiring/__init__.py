"""The composition root: the only room that knows all rooms.

Imports stand inside the functions on purpose: a room is loaded when someone enters it, so that a `get` answered from a
variable or the file store starts in the time of the interpreter (tests/protocol/test_speed_contract.py holds the list of
what it may load).
"""

import os
import sys
from time import time

from git_helper.core.chain import Chain
from git_helper.system.environment import environment, to_bytes
from git_helper.system.places import data_folder, home, netrc_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, BinaryIO

    from git_helper.core.chain import Opener, Report, Source, Store
    from git_helper.core.command_settings import CommandSettings
    from git_helper.core.credential import Description
    from git_helper.core.settings import Settings
    from git_helper.sources.other_helpers import OtherHelpers
    from git_helper.system.git_config import GitConfig

# Set for the helpers that we run: one of them calling us again must find us silent (no recursion).
CHAIN_GUARD = "GIT_HELPER_CHAIN"


class House:
    """The rooms, furnished for one command: its settings, its environment, and who hears of broken sources."""

    def __init__(self, settings: "Settings | CommandSettings", report: "Report") -> None:
        self.settings: Settings | CommandSettings = settings
        self.report = report
        self.environ: Mapping[str, str] = environment()
        self.folder = data_folder(self.environ)
        self._git_config: GitConfig | None = None

    def explain(self, text: str) -> None:
        """Says on stderr what happens, for who wants to know (`-v`)."""
        if self.settings.verbose:
            from git_helper.system.messages import tell

            tell(sys.stderr, text)

    # sources

    def chain_for_git(self, ready: bool) -> "Chain":
        """What answers git: everything of ours, and the person, if git would otherwise ask on the terminal itself.

        `ready`: whether git takes `authtype` and `credential`.
        """

        def later_helpers(wanted: "Description") -> "Source | None":
            # git is going to ask them itself, unless the person answers us first.
            if wanted.username is None or not self.may_ask():
                return None
            return self.other_helpers(only_after_us=True, authtype=ready)

        return self.chained(*self.own_openers(), ("other helpers", later_helpers), ("person", self._person))

    def chain_of_elsewhere(self) -> "Chain":
        """The sources that are read anew each time, whose answers must not be copied into a store."""
        return self.chained(("variable", self._variable), ("netrc", self._netrc), ("ci token", self._ci_token))

    def chained(self, *openers: "tuple[str, Opener]") -> "Chain":
        """The openers as a chain that knows what time it is."""
        return Chain(openers, self.report, time())

    def own_openers(self) -> "list[tuple[str, Opener]]":
        """Our own sources, in the one order."""
        stores: list[tuple[str, Opener]] = [
            (name, lambda wanted, name=name: self.store(name))  # type: ignore[misc]
            for name in self.store_names()
        ]
        return [("variable", self._variable), ("netrc", self._netrc), *stores, ("ci token", self._ci_token)]

    def _variable(self, wanted: "Description") -> "Source | None":
        if not any(name.startswith("GIT_HELPER_TOKEN_") for name in self.environ):
            return None
        from git_helper.sources.environment_token import EnvironmentToken

        return EnvironmentToken(self.environ, to_bytes, self.settings.allow_http)

    def _netrc(self, wanted: "Description") -> "Source | None":
        path = self.settings.netrc_file
        if path is not None:
            from git_helper.core.home_path import under_home

            path = under_home(path, home(self.environ))
        else:
            path = netrc_file(self.environ)
        if path is None:
            return None
        from git_helper.sources.netrc_file import NetrcFile

        named = self.settings.netrc_file is not None
        return NetrcFile(path, _netrc_parser, self.settings.allow_http, named=named)

    def _ci_token(self, wanted: "Description") -> "Source | None":
        if not any(name in self.environ for name in _CI_VARIABLES):
            return None
        from git_helper.sources.ci_token import CiToken

        return CiToken(self.environ, to_bytes, self.settings.allow_http)

    def other_helpers(self, *, only_after_us: bool, authtype: bool) -> "OtherHelpers":
        """The helpers of git's configuration without ourselves."""
        from git_helper.sources.other_helpers import SECONDS, OtherHelpers

        return OtherHelpers(
            self.environ,
            self.report,
            config=self.git_config(),
            only_after_us=only_after_us,
            authtype=authtype,
            seconds=self.settings.timeout or SECONDS,
        )

    def _person(self, wanted: "Description") -> "Source | None":
        if wanted.username is None or not self.may_ask():
            return None
        from git_helper.sources.person import Person
        from git_helper.system.ancestry import asking_program
        from git_helper.ui.prompt import RichPrompter

        return Person(RichPrompter(), asking_program(), remembered=self.settings.store != "none")

    def may_ask(self) -> bool:
        """Whether a person may be asked, and git would ask on the terminal too."""
        from git_helper.system.asking import has_terminal, may_ask

        # git's configuration may cost a process: not where there is no terminal anyway.
        return has_terminal() and may_ask(self.environ, no_input=self.settings.no_input, git_setting=self.git_setting)

    def git_setting(self, name: str) -> "bytes | None":
        """A variable of git's configuration."""
        value = self.git_config().setting(name)
        return None if value is None else to_bytes(value)

    def git_config(self) -> "GitConfig":
        """git's configuration as it is where the command runs, read once."""
        if self._git_config is None:
            from git_helper.system.git_config import GitConfig

            self._git_config = GitConfig.read(self.environ)
        return self._git_config

    # stores

    def store_names(self) -> "list[str]":
        """The stores to read: the one of `--store`, else those of the recorded choice, else the file. Tries nothing."""
        if self.settings.store is not None:
            return [name for name in (self.settings.store,) if name != "none"]
        if not os.path.exists(self._choice_path()):
            return ["file"]
        from git_helper.stores.choice import recorded

        choice = recorded(self._choice_path())
        return ["file"] if choice is None else choice.in_order()

    def stores(self) -> "list[Store]":
        """The stores of `store_names`, opened."""
        return [self.store(name) for name in self.store_names()]

    def store(self, name: str) -> "Store":
        """One store by name. The keyring is entered through the back end that was recorded, if one was."""
        if name == "file":
            from git_helper.stores.credential_file import CredentialFile

            return CredentialFile(os.path.join(self.folder, "credentials"), _files, self.report)
        from git_helper.stores.choice import recorded
        from git_helper.stores.os_keyring import SECONDS, OsKeyring

        choice = recorded(self._choice_path())
        backend = None if choice is None else choice.backend
        seconds = self.settings.timeout or SECONDS
        return OsKeyring(self.folder, _files, self.report, seconds=seconds, backend=backend)

    def store_to_write(self) -> "Store | None":
        """The store that keeps something new, chosen and recorded at the first time; None for `none`."""
        name = self.choose()
        return None if name == "none" else self.store(name)

    def chosen(self) -> "str | None":
        """The store that is chosen already, or would be without trying what is there."""
        from git_helper.stores.choice import recorded

        choice = recorded(self._choice_path())
        return self.settings.store or (choice.store if choice is not None else self._configured_store())

    def choose(self, *, anew: bool = False) -> str:
        """`--store`, else the recorded choice, else `gitHelper.store`, else keyring if it really answers, else file.

        The first choice is recorded; a later `--store` only adds to the stores that are read, unless `anew`.
        """
        from git_helper.stores.choice import Choice, recorded

        before = recorded(self._choice_path())
        name = self.chosen()
        if name is not None and (
            name == "none" or (before is not None and name in (before.used if not anew else {before.store}))
        ):
            return name
        backend = None
        if name != "file":
            from git_helper.stores.os_keyring import answering, works

            backend = works() if name is None else answering()
        name = name or ("keyring" if backend else "file")
        if before is None or anew:
            choice = Choice(name, backend, before.used if before is not None else ())
        else:
            choice = before.with_used(name, backend)
        _files().edit(self._choice_path(), lambda old: choice.dump())
        return name

    def _configured_store(self) -> "str | None":
        from git_helper.core.settings import checked_store

        return checked_store(self.git_config().setting("gitHelper.store"))

    def _choice_path(self) -> str:
        return os.path.join(self.folder, "store")


_CI_VARIABLES = (
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "CI_JOB_TOKEN",
    "GITLAB_TOKEN",
    "SYSTEM_ACCESSTOKEN",
)


def _netrc_parser() -> "Any":
    from git_helper.core import netrc

    return netrc


def _files() -> "Any":
    from git_helper.system import files

    return files


def answer(operation: str, settings: "Settings", report: "Report", stdin: "BinaryIO", stdout: "BinaryIO") -> None:
    """The protocol door: one operation of git's protocol on the given streams. Raises GitHelperError."""
    from git_helper.tasks import answer as task

    house = House(settings, report)
    if CHAIN_GUARD in house.environ or operation not in task.OPERATIONS:
        return
    if operation == "get":
        task.get(stdin, stdout, house.chain_for_git, house.explain)
    elif operation == "capability":
        task.capability(stdout)
    elif operation == "erase":
        task.erase(stdin, house.stores)
    else:
        task.store(stdin, time(), house.chain_of_elsewhere, house.store_to_write, settings.max_age)
