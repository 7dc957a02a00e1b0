"""The door to paramiko: what we use of it, without the weight of what we do not, and without its voice.

`import paramiko` loads its client, parsers, SFTP and `invoke`: half of what it costs to start. So its package is filled with
what we need only; whoever asks it for more gets all of it.
It also writes tracebacks to stderr where nobody has set up logging; the reasons that people need are in our errors.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType


def _empty_package() -> ModuleType | None:
    """The package, its `__init__` not yet run; None when somebody else has run it, or it is nowhere."""
    spec = None if "paramiko" in sys.modules else importlib.machinery.PathFinder.find_spec("paramiko")
    if spec is None or spec.loader is None:
        return None
    package = importlib.util.module_from_spec(spec)
    package.__version__ = "5"  # type: ignore[attr-defined]  # in the name of the client; importlib.metadata, for the real one, takes 20 ms
    sys.modules["paramiko"] = package
    return package


def _fill_when_asked(package: ModuleType) -> None:
    def missing(name: str) -> Any:
        if name.startswith("__"):  # asked of any module by who looks around
            raise AttributeError(name)
        delattr(package, "__getattr__")
        if package.__spec__ is not None and package.__spec__.loader is not None:
            package.__spec__.loader.exec_module(package)
        return getattr(package, name)

    setattr(package, "__getattr__", missing)  # noqa: B010 (PEP 562; mypy knows no such attribute)


_BLOCKED = "invoke" not in sys.modules
if _BLOCKED:
    sys.modules["invoke"] = None  # type: ignore[assignment]  # makes `import invoke` fail (the import statement, PLR 7.11)
_PACKAGE = _empty_package()

from paramiko.channel import Channel  # noqa: E402
from paramiko.kex_curve25519 import KexCurve25519  # noqa: E402
from paramiko.message import Message  # noqa: E402
from paramiko.packet import Packetizer  # noqa: E402
from paramiko.ssh_exception import IncompatiblePeer, SSHException  # noqa: E402
from paramiko.transport import Transport  # noqa: E402

if sys.platform == "win32":
    from paramiko.agent import get_agent_connection
else:

    def get_agent_connection() -> None:
        """Only Windows has agents without a socket."""


if _PACKAGE is not None:
    _fill_when_asked(_PACKAGE)
if _BLOCKED:
    del sys.modules["invoke"]

_logger = logging.getLogger("paramiko")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False
_logger.setLevel(logging.CRITICAL + 1)

__all__ = [
    "Channel",
    "IncompatiblePeer",
    "KexCurve25519",
    "Message",
    "Packetizer",
    "SSHException",
    "Transport",
    "get_agent_connection",
]
