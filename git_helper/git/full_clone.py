"""A whole clone at its destination: fetched, verified, checked out in a temporary sibling, and only then visible.

What there is at the end git takes for its own (git-clone(1), gitrepository-layout(5)); nothing in it came from the part of
a URL before the `@`. Reflogs are left out: git begins them with the first change.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from git_helper.core.reference import Oid, Reference
from git_helper.errors import UsageError
from git_helper.git import configuration, lfs_files
from git_helper.git.clone_fetch import Fetch
from git_helper.git.clone_options import Cloned
from git_helper.git.clone_refs import Wish
from git_helper.git.configuration import Configuration
from git_helper.git.index_file import write_index_file
from git_helper.git.lfs_files import LfsAttributes
from git_helper.git.pack_errors import Limits
from git_helper.git.staging import WAIT_SECONDS, Staging, ending_signals, staged
from git_helper.git.submodules import UnsafeSubmodule, parse_gitmodules, refuse_nested, submodule_url
from git_helper.git.tree_writer import TreeWriter
from git_helper.git.unpack import is_folding
from git_helper.git.work_tree import WorkTree
from git_helper.secret import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dulwich.client import GitClient

    from git_helper.core.giturl import GitUrl
    from git_helper.git.clone_fetch import Fetched
    from git_helper.git.clone_options import Options, Watch
    from git_helper.git.lfs_pointer import LfsPointer
    from git_helper.git.stored_objects import StoredObjects
    from git_helper.git.submodules import Submodule
    from git_helper.git.work_tree import CheckedOut

_DEEPEST = 32
"""Submodules in submodules."""


class LfsObjects(Protocol):
    """The LFS side of a repository; LfsClient is one."""

    def fetch(self, pointers: Iterable[LfsPointer], folder: str, progress: Callable[[int], None] | None = None) -> None:
        """Puts what they stand for below `folder`."""


class Connections(Protocol):
    """Ways to repositories; git/connections.py has one. Both raise UsageError for a URL they cannot speak to."""

    def client(self, url: GitUrl) -> tuple[GitClient, str]:
        """A dulwich client, and the path to ask it for."""

    def lfs(self, url: GitUrl, endpoint: str | None) -> LfsObjects:
        """Its LFS side, at another URL if `endpoint` is one."""


class FullClone:
    """Clones over `connections`. `default_branch`: what an empty repository of an old server gets (init.defaultBranch)."""

    def __init__(
        self,
        connections: Connections,
        *,
        watch: Watch | None = None,
        limits: Limits | None = None,
        default_branch: str = "master",
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._connections = connections
        self._watch = watch
        self._limits = limits or Limits()
        self._default_branch = default_branch
        self._wait = wait
        self._folds = False

    def clone(self, url: GitUrl, destination: str, options: Options) -> Cloned:
        """A clone of `url` at `destination`, or nothing. SIGTERM and SIGHUP end it in order in the main thread.

        Raises UsageError when `destination` is there and not empty; what the server, the objects, the paths and the disk
        give reason for.
        """
        place = os.path.abspath(destination)
        place = os.path.realpath(place) if os.path.isdir(place) else place
        with ending_signals(), staged(place, self._wait) as staging:
            if staging is None:
                hint = "remove it first, or name another folder"
                raise UsageError(f"cannot clone into '{visible(destination)}': it is there already and not empty", hint)
            folder, scratch = staging.make("repository", 0o777), staging.make_scratch()
            self._folds = is_folding(os.fsencode(scratch))
            wish = Wish(options.reference, options.depth, options.bare)
            git_folder = folder if options.bare else os.path.join(folder, ".git")
            active = "." if options.recurse_submodules else None
            one = _One(self, url, git_folder, None if options.bare else folder, scratch, options)
            fetched, warnings = one.make(wish, active=active)
            _publish(staging, folder, place)
        commit = None if fetched.head is None else Oid(fetched.head.hex())
        branch = fetched.layout.branch
        name = None if branch is None else branch.decode("utf-8", "surrogateescape")
        return Cloned(place, commit, name, tuple(dict.fromkeys(warnings)))


class _One:
    """One repository of a clone: the one asked for, or a submodule. `folder`: of its files, None for a bare one."""

    def __init__(
        self,
        house: FullClone,
        url: GitUrl,
        git_folder: str,
        folder: str | None,
        scratch: str,
        options: Options,
        depth: int = 0,
    ) -> None:
        self._house = house
        self._url = url
        self._git_folder = git_folder
        self._folder = folder
        self._scratch = scratch
        self._options = options
        self._depth = depth
        self._name = url.safe_url.rstrip("/").rpartition("/")[2]
        self._warnings: list[str] = []

    def make(self, wish: Wish, *, active: str | None = None, worktree: str | None = None) -> tuple[Fetched, list[str]]:
        """Makes all of it; warnings to show."""
        house, watch, name = self._house, self._house._watch, self._name
        client, path = house._connections.client(self._url)
        fetch = Fetch(
            client,
            self._url,
            self._git_folder,
            self._scratch,
            path=path,
            limits=house._limits,
            default_branch=house._default_branch,
            tell=None if watch is None else (lambda text: watch.message(name, text)),
            progress=None if watch is None else (lambda *counts: watch.pack(name, *counts)),
        )
        with fetch:
            fetched = fetch.run(wish)
            self._warnings += fetched.warnings
            found = fetched.layout
            config = Configuration(
                self._url.scp_form or self._url.safe_url,
                wish.bare,
                found.refspec,
                found.branch,
                worktree,
                house._folds,
                active,
            )
            configuration.write(os.path.join(self._git_folder, "config"), config.sections())
            if fetched.head is None:
                self._warnings.append(
                    f"'{self._url.masked_clone_url}' is an empty repository"
                    if not found.packed
                    else "the server's default branch does not exist, so nothing is checked out"
                )
            elif self._folder is not None and fetched.objects is not None:
                submodules = self._check_out(fetched.objects, fetched.head, self._folder)
                if submodules and self._options.recurse_submodules:
                    self._add(submodules, self._folder, active=active is None)
        return fetched, self._warnings

    def _check_out(self, stored: StoredObjects, commit: bytes, folder: str) -> list[tuple[bytes, bytes]]:
        """Writes files and index; paths and commits of the submodules."""
        house, watch, name = self._house, self._house._watch, self._name
        tree = WorkTree(stored, os.fsencode(folder), house._limits, fold=house._folds)
        done = tree.write(commit, None if watch is None else (lambda *counts: watch.files(name, *counts)))
        self._fetch_lfs(done, os.fsencode(folder))
        write_index_file(os.path.join(self._git_folder, "index"), done.entries)
        return done.submodules

    def _fetch_lfs(self, done: CheckedOut, folder: bytes) -> None:
        """The content of files that Git LFS keeps, or a warning that they are only pointers."""
        attributes = LfsAttributes(folder)
        pointers = [(path, pointer) for path, pointer in done.pointers if attributes.is_tracked(path)]
        if not pointers:
            return
        if not self._options.lfs:
            self._warnings.append(f"{len(pointers)} files are pointers of Git LFS; what they stand for was not fetched")
            return
        watch, name = self._house._watch, self._name
        objects = os.path.join(self._git_folder, "lfs", "objects")
        client = self._house._connections.lfs(self._url, lfs_files.endpoint(folder))
        progress = None if watch is None else (lambda size: watch.lfs(name, size))
        client.fetch([pointer for _, pointer in pointers], objects, progress)
        writer = TreeWriter(folder, self._house._limits)
        done.entries = lfs_files.put_in_place(writer, objects, pointers, done.entries)

    def _add(self, found: Sequence[tuple[bytes, bytes]], folder: str, *, active: bool) -> None:
        """The submodules, each a clone of its own below .git/modules, its HEAD at the commit that is wanted."""
        content = lfs_files.read_small(os.path.join(os.fsencode(folder), b".gitmodules"))
        known = parse_gitmodules(content or b"")
        wanted = [(known[path], path, commit) for path, commit in found if path in known]
        missing = [visible(path) for path, _ in found if path not in known]
        if missing:
            raise UnsafeSubmodule(os.fsencode(missing[0]), "'.gitmodules' does not say where it is")
        if self._depth == _DEEPEST:
            raise UsageError(f"cannot clone: submodules are nested more than {_DEEPEST} deep")
        refuse_nested(submodule for submodule, _, _ in wanted)
        for submodule, path, commit in sorted(wanted, key=lambda one: one[1]):
            self._add_one(submodule, os.path.join(folder, os.fsdecode(path)), Oid(commit.hex()), active=active)

    def _add_one(self, submodule: Submodule, folder: str, commit: Oid, *, active: bool) -> None:
        url = submodule_url(submodule, self._url)
        shown = url.scp_form or url.safe_url
        section = configuration.submodule_section(submodule.name, shown, submodule.update, active=active)
        configuration.write(os.path.join(self._git_folder, "config"), [section], append=True)
        if not submodule.is_wanted:
            return
        git_folder = os.path.join(self._git_folder, "modules", os.fsdecode(submodule.name))
        os.makedirs(os.path.dirname(git_folder), exist_ok=True)
        options = replace(self._options, reference=Reference.parse(None), depth=None)
        one = _One(self._house, url, git_folder, folder, self._scratch, options, self._depth + 1)
        with open(os.path.join(folder, ".git"), "xb") as file:
            file.write(b"gitdir: %b\n" % os.fsencode(_relative(git_folder, folder)))
        wish = Wish(options.reference, detach_at=commit)
        _, warnings = one.make(wish, worktree=_relative(folder, git_folder))
        self._warnings += warnings


def _publish(staging: Staging, folder: str, destination: str) -> None:
    """In one step; but the folder that people are in is filled, `.git` last, since it would be another one afterwards."""
    try:
        here = os.path.samefile(destination, os.curdir)
    except OSError:
        here = False
    if not here:
        staging.publish(folder)
        return
    for name in sorted(os.listdir(folder), key=lambda name: name in (".git", "HEAD")):
        os.rename(os.path.join(folder, name), os.path.join(destination, name))


def _relative(path: str, start: str) -> str:
    return os.path.relpath(path, start).replace(os.sep, "/")
