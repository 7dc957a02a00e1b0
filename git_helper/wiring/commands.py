"""What the commands need besides what answers git: servers, their credentials, and a person who may be asked."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from git_helper.core.home_path import under_home
from git_helper.system.environment import environment
from git_helper.system.places import home
from git_helper.wiring import House
from git_helper.wiring.configuration import ConfigurationFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from git_helper.core.chain import Chain, Source
    from git_helper.core.command_settings import CommandSettings
    from git_helper.core.credential import Credential, Description
    from git_helper.core.giturl import GitUrl
    from git_helper.core.indexes import Index
    from git_helper.errors import GitHelperError
    from git_helper.git.connections import Connections
    from git_helper.git.full_clone import FullClone
    from git_helper.git.object_cache import ObjectCache
    from git_helper.git.remote_repository import RemoteRepository
    from git_helper.git.trees import Trees
    from git_helper.net.calls import CallingSession
    from git_helper.net.session import Session
    from git_helper.registry.artefact_cache import ArtefactCache
    from git_helper.registry.client import Client
    from git_helper.secret import Secret
    from git_helper.sources.other_helpers import OtherHelpers
    from git_helper.sources.person import Person, Question, Role
    from git_helper.tasks.login import Prompter
    from git_helper.ui.progress import Display, Job
    from git_helper.wiring.http import HttpSettings
    from git_helper.wiring.ssh import Ssh

    Pause = Callable[[], AbstractContextManager[None]]


class CommandHouse(House):
    """The house of a command. `program` is what the prompt says asks.

    `settings` are what option and variables say; pyproject.toml and git's configuration are read when that is not enough.
    """

    settings: CommandSettings

    def __init__(self, settings: CommandSettings, report: Callable[[str, GitHelperError], None], program: str) -> None:
        files = ConfigurationFiles(environment(), self.git_config)
        super().__init__(settings.before(files.project, files.git), report)
        self.program = program
        self._helpers: OtherHelpers | None = None
        self._session: CallingSession | None = None
        self._ssh: Ssh | None = None
        self._lock = threading.Lock()

    def explain(self, text: str) -> None:
        """Says what happens, for who wants to know, and writes it into the trace."""
        from git_helper.system import trace

        trace.note("said", text=text)
        super().explain(text)

    def chain_for_commands(self, *, ask: bool = False, pause: Pause | None = None, role: Role = "server") -> Chain:
        """Our sources, then git's other helpers; with `ask` the askpass program or the person.

        `pause`: takes a progress display off the screen while the person is asked. `role`: what the credential is for.
        """
        openers = [*self.own_openers(), ("other helpers", lambda wanted: self.helpers())]
        if ask:
            openers.append(("askpass", self._askpass))
            openers.append(("person", lambda wanted: self.person_of_command(pause, role)))
        return self.chained(*openers)

    def names_of_sources(self, ask: bool) -> list[str]:
        """The sources that `chain_for_commands` asks; of those who ask a person, the one that may."""
        names = self.chain_for_commands().names()
        if ask and self._askpass_program() is not None:
            names.append("askpass")
        elif ask and self.may_ask():
            names.append("person")
        return names

    def helpers(self) -> OtherHelpers:
        """git's other helpers; always the same ones, because they hear of the outcome."""
        self.git_config()  # may start a process
        with self._lock:
            if self._helpers is None:
                self._helpers = self.other_helpers(only_after_us=False, authtype=True)
            return self._helpers

    def _askpass(self, wanted: Description) -> Source | None:
        from git_helper.sources.askpass import Askpass

        program = self._askpass_program()
        return None if program is None else Askpass(program, self.environ)

    def _askpass_program(self) -> str | None:
        from git_helper.sources.askpass import program_to_ask

        return program_to_ask(self.environ, no_input=self.settings.no_input, git_setting=self.git_setting)

    def person_of_command(self, pause: Pause | None, role: Role = "server") -> Source | None:
        """The person, asked for user name and token; None where nobody may be asked. Else as `chain_for_commands`."""
        if not self.may_ask():
            return None
        from git_helper.sources.person import Person
        from git_helper.ui.prompt import RichPrompter

        kept = self.settings.store != "none"
        prompter = RichPrompter(self.settings.color)
        return _InFront(Person(prompter, self.program, remembered=kept, names=True, role=role), pause)

    @cached_property
    def http(self) -> HttpSettings:
        """What git's configuration and ours say of single requests."""
        from git_helper.wiring.http import HttpSettings

        return HttpSettings(self)

    def git_http(self, variable: str, url: str) -> str | None:
        """`http.<url>.<variable>` of git's configuration for `url`, the value that counts; of a bare name `true`."""
        found = self.git_config().for_url("http", variable, url)
        return None if not found else "true" if found[-1].value is None else found[-1].value

    def path(self, written: str) -> str:
        """A path of the command line; a shell expands no `~` behind `=`."""
        return under_home(written, home(self.environ))

    def cache(self) -> ObjectCache:
        """The cache of Git trees."""
        from git_helper.git.object_cache import ObjectCache

        return ObjectCache(self._cache_folder())

    def artefact_cache(self) -> ArtefactCache:
        """The cache of files from registries."""
        from git_helper.registry.artefact_cache import ArtefactCache

        return ArtefactCache(self._cache_folder())

    def _cache_folder(self) -> str:
        """That of `--cache-dir`, or the usual place."""
        from git_helper.system.places import cache_folder

        folder = self.settings.cache_dir
        return os.path.abspath(folder) if folder is not None else cache_folder(self.environ)

    def connections(self, display: Display) -> Connections:
        """Ways to repositories on servers, all through one session; `display` steps aside for questions."""
        from git_helper.git.connections import Connections

        def open_ssh() -> Ssh:
            with self._lock:
                if self._ssh is None:
                    from git_helper.wiring.ssh import Ssh

                    self._ssh = Ssh(self, display.paused)
                return self._ssh

        return Connections(self._one_session(display), self.rewritten, open_ssh)

    def registry(self, display: Display, indexes: Sequence[Index]) -> Client:
        """Registries, with the credentials for them; `indexes` are all that the command was given."""
        from git_helper.registry.client import Client

        return Client(self._one_session(display), indexes)

    def _one_session(self, display: Display) -> CallingSession:
        from git_helper.wiring import sessions

        with self._lock:
            if self._session is None:
                self._session = sessions.session(self, display.paused)
            return self._session

    def close(self) -> None:
        """Ends all connections."""
        if self._session is not None:
            self._session.close()
        if self._ssh is not None:
            self._ssh.close()

    def rewritten(self, url: GitUrl) -> GitUrl:
        """Where git's configuration says that the repository is (`url.<base>.insteadOf`), if Git may go there at all."""
        from git_helper.core.instead_of import instead_of

        return self.http.entered(url, instead_of(url, self.git_config().replacements()))

    def no_repository(self, url: GitUrl) -> RemoteRepository:
        """What opens repositories with `--offline`."""
        from git_helper.errors import Unreachable

        shown, hint = url.masked_clone_url, "pin the requirement to a commit first: git-helper resolve"
        raise Unreachable(f"cannot ask '{shown}': --offline", hint)

    def trees(self, display: Display) -> Trees:
        """Puts trees on disk."""
        from git_helper.git.trees import Trees
        from git_helper.system.environment import is_true

        connections, offline = self.connections(display), self.settings.offline
        opener = self.no_repository if offline else connections.repository
        with_lfs = not is_true(self.environ.get("GIT_LFS_SKIP_SMUDGE"))
        return Trees(opener, connections.lfs, self.cache(), display.job, offline=offline, lfs=with_lfs)

    def full_clone(self, display: Display, job: Job) -> FullClone:
        """Clones from servers; `job` shows how it goes on."""
        from git_helper.git.full_clone import FullClone
        from git_helper.ui.progress import Watcher

        self.http.remote = "origin"
        branch = self.git_config().setting("init.defaultBranch") or "master"
        return FullClone(self.connections(display), watch=Watcher(job), default_branch=branch)

    def bare_session(self) -> Session:
        """Servers, without asking any source; proxies with them."""
        from git_helper.wiring import sessions

        return sessions.bare_session(self)

    def prompter(self, wanted: Description, *, checked: bool = True) -> Prompter:
        """Asks the person for an account of `wanted`, which will be `checked`; never with `--no-input` or in CI."""
        from git_helper.sources.person import Question
        from git_helper.system.environment import is_true
        from git_helper.ui.prompt import RichPrompter

        silent = self.settings.no_input or is_true(self.environ.get("CI"))
        rich = RichPrompter(self.settings.color)
        program = self.program

        class ForLogin:
            def ask_username(self) -> bytes | None:
                return None if silent else rich.ask_username(self._question(None))

            def ask_secret(self, username: bytes) -> Secret | None:
                return None if silent else rich.ask_secret(self._question(username))

            def _question(self, username: bytes | None) -> Question:
                return Question(wanted.protocol, wanted.host, wanted.path, username, program, checked=checked)

        return ForLogin()

    def uses_path(self, wanted: Description) -> bool:
        """Whether git asks for each repository of the host by itself (credential.useHttpPath)."""
        return self.git_config().credential_settings(wanted).use_http_path

    def git_uses_us(self, wanted: Description) -> bool:
        """Whether git's configuration names us for `wanted`."""
        from git_helper.system.executables import is_ours

        return any(is_ours(entry.value or "", self.environ) for entry in self.git_config().helpers_for(wanted))

    def forget_in_cache(self, wanted: Description) -> None:
        """git's own cache, which may stand before us, must not go on with what was replaced or forgotten."""
        from git_helper.core.wire import serialize
        from git_helper.system import executables, process

        git = executables.git(self.environ)
        if git is not None:
            words = [git, "credential-cache", "erase"]
            process.run(words, serialize(wanted.pairs()), 10.0, self.environ, 1 << 16)


class _InFront:
    """A person who is asked in the main thread, user name and token in one go, the progress display out of the way."""

    def __init__(self, person: Person, pause: Pause | None) -> None:
        from contextlib import nullcontext

        self._person = person
        self._pause = pause or nullcontext

    def find(self, wanted: Description) -> Iterator[Credential]:
        from git_helper.system.together import in_main_thread

        answers = self._person.find(wanted)

        def ask() -> Credential | None:
            with self._pause():
                return next(answers, None)

        while (answer := in_main_thread(ask)) is not None:
            yield answer
