"""What many tests need: programs that may be missing, an environment of one's own, and our real executables."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
"""The top folder of the project."""

BIN = Path(os.path.abspath(sys.executable)).parent
"""Where the installer put our executables: beside the interpreter that runs the tests."""

OUTER_ENVIRONMENT: Mapping[str, str] = dict(os.environ)
"""The environment before a test got its own; only for tests that run an installer, which needs its configuration."""

# Everything that could bring a developer's or a CI machine's credentials, settings or prompts into a test.
CLEARED_PREFIXES = (
    "GIT_",
    "PIP_",
    "UV_",
    "XDG_",
    "SSH_",
    "SSL_",
    "GH_",
    "GITHUB_",
    "GITLAB_",
    "CI_",
    "SYSTEM_",
    "PYTHON_KEYRING_",
    "DBUS_",
    "GNOME_KEYRING_",
)
CLEARED_NAMES = (
    "BUILD_BUILDID",
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "DISPLAY",
    "EDITOR",
    "FORCE_COLOR",
    "LANGUAGE",
    "LINES",
    "NETRC",
    "NO_COLOR",
    "PAGER",
    "PYTHONPATH",
    "PYTHONWARNINGS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "TF_BUILD",
    "WAYLAND_DISPLAY",
)
PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")


def needs(program: str) -> str:
    """The full path of `program`; without it the test is skipped, or fails when GIT_HELPER_TEST_REQUIRE_ALL=1.

    Looks in the folder of our executables too, and in the sbin folders: sshd lives there, and not every PATH has them.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(BIN), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(program, path=path)
    if found is not None:
        return found
    if OUTER_ENVIRONMENT.get("GIT_HELPER_TEST_REQUIRE_ALL") == "1":
        pytest.fail(f"'{program}' is not installed, and GIT_HELPER_TEST_REQUIRE_ALL=1 forbids to skip")
    pytest.skip(f"'{program}' is not installed")


def isolated_environment(home: Path, outer: Mapping[str, str] = OUTER_ENVIRONMENT) -> dict[str, str]:
    """`outer` without what carries credentials or settings, with `home` as HOME and above the XDG folders."""
    dropped = {*CLEARED_NAMES, *PROXY_NAMES, *(name.upper() for name in PROXY_NAMES)}
    kept = {
        name: value
        for name, value in outer.items()
        if name not in dropped and not name.startswith(CLEARED_PREFIXES) and not name.endswith("_TOKEN")
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_RUNTIME_DIR": str(home / ".runtime"),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Test Author",
        "GIT_AUTHOR_EMAIL": "author@good.example",
        "GIT_COMMITTER_NAME": "Test Committer",
        "GIT_COMMITTER_EMAIL": "committer@good.example",
    }


def run_helper(
    *args: str | bytes,
    stdin: bytes = b"",
    env: Mapping[str, str | None] | None = None,
    name: str = "git-credential-git-helper",
    cwd: Path | None = None,
    timeout: float = 30,
) -> subprocess.CompletedProcess[bytes]:
    """Run one of our installed executables, without a controlling terminal, and return its exit code and bytes.

    `env` is laid over the test's environment; a value of None removes the variable. The exit code is not checked.
    Raises subprocess.TimeoutExpired after `timeout` seconds.
    """
    environment = dict(os.environ)
    for key, value in (env or {}).items():
        if value is None:
            environment.pop(key, None)
        else:
            environment[key] = value
    return subprocess.run(
        [str(BIN / name), *args],
        input=stdin,
        capture_output=True,
        env=environment,
        cwd=cwd,
        timeout=timeout,
        check=False,
        start_new_session=True,
    )
