"""The door to paramiko: what we use of it, without the weight of what we do not, and without its voice.

paramiko loads `invoke` for `Match exec` of its own configuration parser, which we never run: a third of its start-up.
It also writes tracebacks to stderr where nobody has set up logging; the reasons that people need are in our errors.
"""

from __future__ import annotations

import logging
import sys

_BLOCKED = "invoke" not in sys.modules
if _BLOCKED:
    sys.modules["invoke"] = None  # type: ignore[assignment]  # makes `import invoke` fail (the import statement, PLR 7.11)

from paramiko.agent import get_agent_connection  # noqa: E402
from paramiko.channel import Channel  # noqa: E402
from paramiko.kex_curve25519 import KexCurve25519  # noqa: E402
from paramiko.message import Message  # noqa: E402
from paramiko.packet import Packetizer  # noqa: E402
from paramiko.ssh_exception import IncompatiblePeer, SSHException  # noqa: E402
from paramiko.transport import Transport  # noqa: E402

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
