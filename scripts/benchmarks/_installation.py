"""git-helper as users have it: the built wheel, installed by pip into a fresh environment, byte-compiled.

An editable install would not do, because its path hook is part of every start. Beside it, installed the same way, are
scripts to compare with: one that does nothing, and one that is the least that a Typer command can be.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_PEERS = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "bench-peers"
version = "1"
[tool.hatch.build.targets.wheel]
packages = ["bench_peers"]
shared-scripts = { "do-nothing" = "do-nothing", "typer-get" = "typer-get" }
""",
    "bench_peers/__init__.py": "",
    "bench_peers/nothing.py": """\
def main():
    return 0
""",
    "bench_peers/typed.py": """\
import sys

import typer

app = typer.Typer()


@app.callback()
def main():
    pass


@app.command()
def get():
    sys.stdin.buffer.read()
    print("username=ada\\npassword=secret")
""",
    "do-nothing": """\
#!python
import sys

from bench_peers.nothing import main

sys.exit(main())
""",
    "typer-get": """\
#!python
import sys

from bench_peers.typed import app

sys.exit(app())
""",
}


class Installation:
    """The environment in `folder`, made by `install`."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self._folder = folder

    def program(self, name: str) -> str:
        """An executable of the environment."""
        return str(self.bin / name)

    def install(self) -> None:
        """Builds the wheels and installs them, with the libraries that git-helper needs. RuntimeError when that fails."""
        peers = self._folder / "peers"
        for name, text in _PEERS.items():
            path = peers / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)  # pip keeps the bits of a script
        wheels = self._folder / "wheels"
        for source in (ROOT, peers):
            _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], source)
        _run([sys.executable, "-m", "venv", str(self._folder / "venv")], self._folder)
        pip = [self.program("python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--compile"]
        _run([*pip, *sorted(map(str, wheels.glob("*.whl")))], self._folder)


def _run(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")[-1000:]
        raise RuntimeError(f"'{' '.join(command[:4])} …' ended with {done.returncode}:\n{said}")
