"""What may be touched in one place only: the environment, secrets, output, third-party libraries, late imports."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.house.source import broken, calls, module, our_modules
from tests.support import ROOT

ENVIRONMENT_DOOR = ["git_helper/system/environment.py"]
LATE_IMPORTS = ["git_helper/wiring/", "git_helper/__main__.py"]
# The person chooses a keyring back end by the name of its class; modules that wait are imported for whoever asked.
IMPORTERS_BY_NAME = ["git_helper/stores/os_keyring.py", "git_helper/cli/late.py"]
PRINTERS = ["git_helper/cli/", "git_helper/ui/"]

# Where a Secret may leave its mask. Add a file only if it writes to the wire, to a store or to the person who asked.
REVEALERS = [
    "git_helper/core/credential.py",  # pairs(): the protocol's attributes, for the wire and the stores
    "git_helper/core/authorization.py",  # the Authorization header
    "git_helper/core/userinfo.py",  # the user information of a URL, split, joined and masked
    "git_helper/core/giturl.py",  # clone_url: a Secret again
    "git_helper/core/plain_url.py",  # the same of artefacts and indexes
    "git_helper/core/indexes.py",  # the user information of an index
    "git_helper/stores/keyring_library.py",  # into the keyring that pip reads
    "git_helper/core/requirement.py",  # `parse --reveal`, and masking
    "git_helper/core/redaction.py",  # what is looked for in foreign text
    "git_helper/net/exchange.py",  # whether a header can carry it
    "git_helper/net/certificate_files.py",  # the passphrase of a client key, for OpenSSL that opens it
    "git_helper/net/pools.py",  # headers of requests
    "git_helper/net/proxy.py",  # the user name in the URL of a proxy
    "git_helper/net/tunnel.py",  # what a proxy is let in with
    "git_helper/net/target.py",  # user information of a redirect
    "git_helper/git/smart_http.py",  # the user name of a URL, which the session treats as a secret
    "git_helper/git/pool.py",  # the same
    "git_helper/git/lfs.py",  # the same
    "git_helper/git/ssh/private_key.py",  # the passphrase of a key, for the library that opens it
    "git_helper/git/ssh/userauth.py",  # passwords and answers, onto the wire
    "git_helper/registry/artefact.py",  # the URL of an artefact, onto the wire
    "git_helper/registry/text_file.py",  # the URL of a requirements file, onto the wire
    "git_helper/tasks/checks.py",  # that of an artefact, for the client
    "git_helper/tasks/index_locations.py",  # that of an index, for core/indexes
    "git_helper/cli/accounts.py",  # `token` prints it: that is what it is for
]


def environment_reads(tree: ast.Module) -> Iterator[int]:
    """Lines with os.environ, os.getenv and their like, or with an import of one of these names."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(tree):
        if (isinstance(node, ast.Attribute) and node.attr in names and _is_name(node.value, "os", "posix", "nt")) or (
            isinstance(node, ast.ImportFrom) and node.module == "os" and names & {alias.name for alias in node.names}
        ):
            yield node.lineno


def late_imports(tree: ast.Module) -> Iterator[int]:
    """Lines of imports inside functions."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node.lineno


def imports_by_name(tree: ast.Module) -> Iterator[int]:
    """Lines of calls that import a module by its name, unseen by import-linter."""
    for name, call in calls(tree):
        if name in ("__import__", "import_module"):
            yield call.lineno


def reveals(tree: ast.Module) -> Iterator[int]:
    """Lines that name the method `reveal` of something (called or handed on)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "reveal":
            yield node.lineno


def prints(tree: ast.Module) -> Iterator[int]:
    """Lines that call print()."""
    for name, call in calls(tree):
        if name == "print" and isinstance(call.func, ast.Name):
            yield call.lineno


def foreign_packages(tree: ast.Module) -> set[str]:
    """Top-level names of the imported packages that are neither ours nor in the standard library."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"git_helper"}


def packages_with_a_door() -> set[str]:
    """The libraries that a contract named "door: …" in pyproject.toml confines; `make check` enforces these."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    doors = [contract for contract in contracts if contract["name"].startswith("door: ")]
    assert all(contract["type"] == "forbidden" and contract["source_modules"] == ["git_helper"] for contract in doors)
    return {name for contract in doors for name in contract["forbidden_modules"]}


def _is_name(node: ast.expr, *names: str) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def test_only_the_environment_door_reads_the_environment() -> None:
    assert not broken(environment_reads, ENVIRONMENT_DOOR), "read it in system/environment.py and hand the values on"


def test_imports_inside_functions_only_where_the_rooms_are_joined() -> None:
    assert not broken(late_imports, LATE_IMPORTS), "import at the top; only wiring and __main__ open rooms late"


def test_imports_by_name_only_where_a_person_chooses_the_module() -> None:
    assert not broken(imports_by_name, IMPORTERS_BY_NAME), "import-linter cannot see such an import"


def test_secrets_are_revealed_only_in_the_listed_files() -> None:
    assert not broken(reveals, REVEALERS), "hand on the Secret itself, or add the file to REVEALERS with a reason"


def test_the_list_of_revealing_files_is_short() -> None:
    idle = [name for name in REVEALERS if not list(reveals(our_modules()[name]))]
    assert not idle, "these reveal nothing (any more): take them off REVEALERS"


def test_only_cli_and_ui_print() -> None:
    assert not broken(prints, PRINTERS), "return a value or raise an error of errors.py; cli and ui show it"


def test_each_third_party_library_has_a_door() -> None:
    used = {package for tree in our_modules().values() for package in foreign_packages(tree)}
    assert used - packages_with_a_door() == set(), "add a contract 'door: …' to pyproject.toml"


def unsafe_ssh(tree: ast.Module) -> Iterator[int]:
    """Lines that name what of paramiko is weaker than OpenSSH: it trusts unseen keys, or reads half of a file."""
    unsafe = {"AutoAddPolicy", "WarningPolicy", "SSHConfig", "HostKeys", "SSHClient", "load_system_host_keys"}
    for node in ast.walk(tree):
        if getattr(node, "attr", None) in unsafe or getattr(node, "id", None) in unsafe:
            yield node.lineno  # type: ignore[attr-defined]
        elif isinstance(node, ast.ImportFrom) and unsafe & {alias.name for alias in node.names}:
            yield node.lineno


def test_paramikos_own_trust_and_configuration_are_not_used() -> None:
    assert not broken(unsafe_ssh, []), "git/ssh/known_hosts.py and git/ssh/config.py do it as OpenSSH does"


@pytest.mark.parametrize("text", ["paramiko.AutoAddPolicy()", "from paramiko import SSHConfig", "HostKeys()"])
def test_unsafe_ssh_is_noticed(text: str) -> None:
    assert list(unsafe_ssh(module(text)))


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['A']",
        "import os\nos.getenv('A')",
        "from os import environ",
        "from os import path, getenv",
    ],
)
def test_a_read_of_the_environment_is_noticed(text: str) -> None:
    assert list(environment_reads(module(text)))


@pytest.mark.parametrize(
    "text",
    ["def f():\n import re", "class A:\n async def f(self):\n  from re import sub"],
)
def test_a_late_import_is_noticed(text: str) -> None:
    assert list(late_imports(module(text)))


@pytest.mark.parametrize("text", ["import_module('re')", "importlib.import_module(name)", "__import__('re')"])
def test_an_import_by_name_is_noticed(text: str) -> None:
    assert list(imports_by_name(module(text)))


def test_an_import_for_types_only_is_not_late() -> None:
    assert not list(late_imports(module("if TYPE_CHECKING:\n import re")))


@pytest.mark.parametrize("text", ["secret.reveal()", "show(self._password.reveal)"])
def test_a_reveal_is_noticed(text: str) -> None:
    assert list(reveals(module(text)))


def test_a_print_is_noticed() -> None:
    assert list(prints(module("def f():\n print('x')"))) == [2]


def test_a_foreign_package_is_noticed() -> None:
    tree = module(
        "import os, requests.auth\nfrom yaml.loader import Loader\nfrom . import near\nimport git_helper.core"
    )
    assert foreign_packages(tree) == {"requests", "yaml"}
    assert "requests" not in packages_with_a_door()
