"""Our entry in git's configuration: put in by `configure`, taken out by `unconfigure`; all else stays as it was.

git-config(1), gitcredentials(7). What is changed is tried on a copy and put in place whole.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from git_helper.core.mistyped import refuse_mistyped
from git_helper.core.url_text import hides_credentials, split_url
from git_helper.errors import StoreError, UsageError
from git_helper.frozen import frozen
from git_helper.secret import visible
from git_helper.system import executables, process
from git_helper.system.config_file import ConfigFile, exactly, has_controls, rewrite, same_key
from git_helper.system.git_config import SECONDS, GitConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from git_helper.system.git_config import Entry

SCOPES = ("system", "global", "local")
CACHE_SECONDS = 900
"""How long git's own cache keeps an answer, unless told otherwise: a quarter of an hour."""
_SLOW_STORES = ("keyring", "vault")
_PASSWORD = re.compile(r"(?:[^/?#]*://)?[^/?#@]*:[^/?#@]*@")


@frozen
class Request:
    """What to configure. `url`: for it alone. `store`: written down as our option. `kept_in`: the store in use.

    `cache`: seconds in git's cache before us, 0 for none; None keeps what there is, or else depends on the store.
    """

    scope: str = "global"
    url: str | None = None
    store: str | None = None
    kept_in: str | None = None
    cache: int | None = None
    dry_run: bool = False

    @property
    def helper(self) -> str:
        """The key of the helpers."""
        return "credential.helper" if self.url is None else f"credential.{self.url}.helper"

    @property
    def record(self) -> str:
        """The key that says which cache entry is of our making: its seconds."""
        return "gitHelper.cache" if self.url is None else f"gitHelper.{self.url}.cache"


@frozen
class Note:
    """Something to know about the outcome, and the command that mends it, where there is one."""

    message: str
    hint: str | None = None


@frozen
class Outcome:
    """The helpers of `key` in the file before and after, safe to show; what holds after a dry run is what would hold."""

    key: str
    scope: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    changed: bool
    notes: tuple[Note, ...]


def configure(
    request: Request, environ: Mapping[str, str], folder: str | None = None, beside: str | None = None
) -> Outcome:
    """Names us to git, behind its cache where that helps. A second time changes nothing.

    `folder`: where `--local` applies (default: here). `beside`: the folder of our executables, if they are not on PATH.
    Raises UsageError for a request that cannot be, NotFound without git or our executable, StoreError if git cannot.
    """
    _check(request)
    name, lasting = executables.configured_name(environ, beside)
    value = name if request.store is None else f"{name} --store {request.store}"
    file = ConfigFile([f"--{request.scope}"], environ, folder)
    elsewhere = GitConfig.read(environ, folder)
    plan = _Plan(request, value, environ, _has_cache_program(environ))
    before, after = _apply(file, plan.put_in, request, environ)
    notes = [*plan.notes, *_notes(request, elsewhere, environ)]
    if not lasting:
        notes.append(Note(f"'{name}' goes away with its virtual environment or version", "pipx install git-helper"))
    return _outcome(request, before, after, notes)


def unconfigure(request: Request, environ: Mapping[str, str], folder: str | None = None) -> Outcome:
    """Removes our entries from the file, the cache entry that `configure` added, and nothing else. Raises like it."""
    _check(request)
    file = ConfigFile([f"--{request.scope}"], environ, folder)
    plan = _Plan(request, "", environ, has_cache=False)
    before, after = _apply(file, plan.take_out, request, environ)
    return _outcome(request, before, after, plan.notes)


class _Plan:
    """The changes to one file. Run twice (on a copy, then on the file) it makes the same of the same."""

    def __init__(self, request: Request, value: str, environ: Mapping[str, str], has_cache: bool) -> None:
        self.notes: list[Note] = []
        self._request = request
        self._key = request.helper
        self._value = value
        self._environ = environ
        self._has_cache = has_cache

    def put_in(self, file: ConfigFile) -> None:
        """Our entry in place of an older one, else behind all others; then the cache."""
        self.notes.clear()
        own = self._own(file)
        for extra in dict.fromkeys(own[1:]):
            if extra != own[0]:
                file.unset(self._key, extra)
        if own and own != [self._value]:
            file.replace(self._key, own[0], self._value)
        elif not own:
            self._add(file)
            return
        self._set_cache(file)

    def take_out(self, file: ConfigFile) -> None:
        """Neither our entry nor our cache."""
        self.notes.clear()
        own = self._own(file)
        if not own:
            self.notes.append(Note(f"git-helper is not configured in '{self._key}' ({self._request.scope})"))
        for value in dict.fromkeys(own):
            file.unset(self._key, value)
        self._drop_cache(file)

    def _own(self, file: ConfigFile) -> list[str]:
        return [value for value in file.values(self._key) if executables.is_ours(value, self._environ)]

    def _add(self, file: ConfigFile) -> None:
        seconds = self._seconds(file)
        if seconds and self._may_cache(file.values(self._key)):
            # The record first: whatever stops us, `unconfigure` knows what is ours.
            file.put(self._request.record, str(seconds))
            file.add(self._key, _cache(seconds))
        elif not seconds:
            self._drop_cache(file)
        file.add(self._key, self._value)

    def _set_cache(self, file: ConfigFile) -> None:
        seconds, recorded = self._seconds(file), self._recorded(file)
        values = file.values(self._key)
        if not seconds:
            self._drop_cache(file)
        elif recorded is not None and _cache(recorded) in values:
            if seconds != recorded:
                file.put(self._request.record, str(seconds))
                file.replace(self._key, _cache(recorded), _cache(seconds))
        elif self._may_cache(values):
            self._insert(file, values, seconds)

    def _insert(self, file: ConfigFile, values: list[str], seconds: int) -> None:
        """The cache directly before us: git can only append, so each entry moves to the place of the next one."""
        moved = values[values.index(self._value) :]
        if len(set(moved)) < len(moved) or any(map(has_controls, moved)) or self._others_between(file):
            message = f"git's cache is not put before '{executables.shown(self._value)}': other helpers are in the way"
            self.notes.append(Note(message, f"git config --{self._request.scope} --edit"))
            return
        file.put(self._request.record, str(seconds))
        for old, new in zip(moved, [_cache(seconds), *moved[:-1]], strict=True):
            file.replace(self._key, old, new)
        file.add(self._key, moved[-1])

    def _others_between(self, file: ConfigFile) -> bool:
        # Helpers of other URLs behind ours must not change places with those that move; a bare name cannot be moved.
        entries = [entry for entry in file.entries() if entry.section == "credential" and entry.variable == "helper"]
        keys = [entry.key for entry in entries]
        places = [at for at, key in enumerate(keys) if same_key(key, self._key)]
        first = places[file.values(self._key).index(self._value)]
        behind = entries[first : places[-1] + 1]
        return any(entry.value is None or not same_key(entry.key, self._key) for entry in behind)

    def _drop_cache(self, file: ConfigFile) -> None:
        recorded = self._recorded(file)
        if recorded is not None:
            same = file.values(self._key).count(_cache(recorded))
            if same == 1:
                file.unset(self._key, _cache(recorded))
            elif same > 1:
                file.replace(self._key, _cache(recorded), _cache(recorded))  # one of two becomes none of ours
        if file.values(self._request.record):
            file.drop(self._request.record)

    def _seconds(self, file: ConfigFile) -> int:
        default = CACHE_SECONDS if self._request.kept_in in _SLOW_STORES else 0
        if self._request.cache is not None:
            return self._request.cache
        return default and (self._recorded(file) or default)

    def _recorded(self, file: ConfigFile) -> int | None:
        values = file.values(self._request.record)
        return int(values[-1]) if values and values[-1].isdecimal() else None

    def _may_cache(self, values: Iterable[str]) -> bool:
        if any(_program(value) == "cache" for value in values):
            return False
        if not self._has_cache:
            self.notes.append(Note("this git has no credential cache, so every question reaches git-helper"))
        return self._has_cache


def _apply(
    file: ConfigFile, change: Callable[[ConfigFile], None], request: Request, environ: Mapping[str, str]
) -> tuple[list[Entry], list[Entry]]:
    path = file.path()
    before, after = rewrite(path, environ, change, keep=not request.dry_run)
    if path is None and before != after and not request.dry_run:
        # No file yet, or an empty one: only git knows where it is to be.
        change(file)
    return before, after


def _outcome(request: Request, before: list[Entry], after: list[Entry], notes: Iterable[Note]) -> Outcome:
    return Outcome(
        request.helper,
        request.scope,
        _shown(before, request.helper),
        _shown(after, request.helper),
        [(entry.key, entry.value) for entry in before] != [(entry.key, entry.value) for entry in after],
        tuple(notes),
    )


def _shown(entries: Iterable[Entry], key: str) -> tuple[str, ...]:
    return tuple(executables.shown(entry.value or "") for entry in entries if same_key(entry.key, key))


def _notes(request: Request, config: GitConfig, environ: Mapping[str, str]) -> list[Note]:
    notes = []
    helpers = [entry for entry in config.entries if entry.section == "credential" and entry.variable == "helper"]
    earlier = SCOPES[: SCOPES.index(request.scope) + 1]
    for entry in helpers:
        value, key = entry.value or "", visible(entry.key)
        own = same_key(entry.key, request.helper) and entry.scope == request.scope
        if _program(value) == "store":
            message = f"git sends every credential to '{executables.shown(value)}' too, which keeps it in plain text"
            pattern = exactly(value)
            notes.append(Note(message, f"git config --{entry.scope} --unset-all '{key}' '{pattern}'"))
        elif not own and executables.is_ours(value, environ):
            notes.append(Note(f"git-helper is configured in '{key}' ({visible(entry.origin)}), too"))
        elif not value and same_key(entry.key, request.helper) and entry.scope not in earlier:
            notes.append(Note(f"'{key}' is emptied in {visible(entry.origin)}, so git does not ask us there"))
    return notes


def _check(request: Request) -> None:
    if request.scope not in SCOPES:
        raise UsageError(f"cannot configure '{visible(request.scope)}': it is not one of {', '.join(SCOPES)}")
    if request.store is not None and not re.fullmatch(r"[a-z][a-z0-9-]*", request.store):
        raise UsageError(f"cannot use '{visible(request.store)}' as the name of a store")
    if request.cache is not None and request.cache < 0:
        raise UsageError(f"cannot cache for '{request.cache}' seconds", "write how long, or 0 for no cache")
    url = request.url
    if url is None:
        return
    parts = split_url(url)
    if _PASSWORD.match(url) or (parts is not None and hides_credentials(parts)):
        raise UsageError("cannot configure a URL with a password: it would be written to a file in plain text")
    refuse_mistyped(url)
    if not url or visible(url) != url:
        raise UsageError(f"cannot configure the URL '{visible(url)}': it is empty or has control characters")


def _cache(seconds: int) -> str:
    return f"cache --timeout={seconds}"


def _program(helper: str) -> str:
    """Which of git's own helpers a value starts: `store`, `cache`, …, however it is written."""
    words = helper.removeprefix("!").split()
    if words[:1] == ["git"]:
        words = words[1:]
    return os.path.basename(words[0]).removeprefix("git-").removeprefix("credential-") if words else ""


def _has_cache_program(environ: Mapping[str, str]) -> bool:
    git = executables.git(environ)
    if git is None:
        return False
    done = process.run([git, "--exec-path"], b"", SECONDS, environ)
    if done.code:
        raise StoreError("cannot ask git for its folder of programs")
    folder = os.fsdecode(done.stdout.removesuffix(b"\n"))
    return any(os.path.exists(os.path.join(folder, "git-credential-cache" + suffix)) for suffix in ("", ".exe"))
