"""The project's own files as the rules of the house see them: parsed Python and tracked text."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.support import ROOT

Rule = Callable[[ast.Module], Iterable[int]]
"""A rule gets a parsed module and gives the numbers of the lines that break it."""


def module(text: str) -> ast.Module:
    """`text` parsed; the tests of the rules give their bad examples with it."""
    return ast.parse(text)


@functools.cache
def project_files() -> tuple[Path, ...]:
    """Every file that git tracks or would track, relative to ROOT; outside a clone (an unpacked sdist) every file."""
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        names = listing.stdout.decode().split("\0")
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if not _is_made(path.relative_to(ROOT))]
    return tuple(sorted(Path(name) for name in names if name and (ROOT / name).is_file()))


def _is_made(path: Path) -> bool:
    return any(part.startswith(".") or part in ("__pycache__", "build", "dist") for part in path.parts[:-1])


def our_modules() -> dict[str, ast.Module]:
    """Every module of git_helper/, parsed, by its path relative to ROOT ("git_helper/core/wire.py")."""
    names = [path.as_posix() for path in project_files() if path.parts[0] == "git_helper" and path.suffix == ".py"]
    return {name: parsed(name) for name in names}


@functools.cache
def parsed(name: str) -> ast.Module:
    """One module of the project; every rule reads the same tree, none changes it."""
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), name)


def broken(rule: Rule, allowed: Iterable[str] = ()) -> list[str]:
    """Places ("git_helper/x.py:12") that break `rule`, outside the `allowed` files and folders ("x/")."""
    exempt = tuple(allowed)
    return [
        f"{name}:{line}"
        for name, tree in our_modules().items()
        if not any(name == entry or (entry.endswith("/") and name.startswith(entry)) for entry in exempt)
        for line in rule(tree)
    ]


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the last name of what is called: "run" for subprocess.run(...) and for run(...)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node
