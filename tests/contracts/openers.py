"""The stores of the contract suite by name, opened the same way in a test and in its child processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from git_helper.errors import GitHelperError
from git_helper.stores.credential_file import CredentialFile
from git_helper.stores.os_keyring import OsKeyring
from git_helper.system import files
from tests.contracts.memory_keyring import ROOM

if TYPE_CHECKING:
    from git_helper.core.chain import Store

Report = Callable[[str, GitHelperError], None]
SECRET_SERVICE = "keyring.backends.SecretService.Keyring"


def folder() -> Path:
    """Our data folder in the environment of the test."""
    return Path(os.environ["XDG_DATA_HOME"]) / "git-helper"


def unexpected(source: str, error: GitHelperError) -> None:
    """A report that fails the test: for where nothing is to be reported."""
    raise AssertionError(f"{source}: {error}")


def credential_file(report: Report = unexpected) -> CredentialFile:
    """The file store."""
    return CredentialFile(str(folder() / "credentials"), lambda: files, report)


def keyring(backend: str, report: Report = unexpected, seconds: float = 30) -> OsKeyring:
    """The keyring store on the back end of that name; one without a dot is of `memory_keyring.py`."""
    name = backend if "." in backend else f"{ROOM}.{backend}"
    return OsKeyring(str(folder()), lambda: files, report, seconds=seconds, backend=name)


def open_store(name: str) -> Store:
    """`file`, or the name of a keyring back end."""
    return credential_file() if name == "file" else keyring(name)
