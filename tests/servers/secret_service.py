"""A real Secret Service: gnome-keyring on a D-Bus session of its own, with its own home and runtime folders."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import secretstorage

from tests.support import isolated_environment, needs

# No service folders: nothing is started on demand, so a prompt is answered with an error, not with a window.
_BUS = """<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_SECONDS = 20.0


def quick_folder() -> str | None:
    """A file system in memory where there is one: the keyring is written to disk, and waited for, at each change."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class SecretService:
    """A running service; `environment` is what its clients need."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus"}

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            with closing(secretstorage.dbus_init()) as bus:
                return bool(secretstorage.check_service_availability(bus))
        except (secretstorage.SecretStorageException, OSError):
            return False

    def clear(self) -> None:
        """Deletes every item. Only inside of the environment of its clients."""
        with closing(secretstorage.dbus_init()) as bus:
            for item in list(secretstorage.get_default_collection(bus).get_all_items()):
                item.delete()

    def labels(self) -> list[str]:
        """The label of every item, sorted. Only inside of the environment of its clients."""
        with closing(secretstorage.dbus_init()) as bus:
            return sorted(item.get_label() for item in secretstorage.get_default_collection(bus).get_all_items())

    def lock(self) -> None:
        """Locks the items. Only inside of the environment of its clients."""
        with closing(secretstorage.dbus_init()) as bus:
            secretstorage.get_default_collection(bus).lock()


@contextmanager
def running(folder: Path) -> Iterator[SecretService]:
    """Starts bus and keyring in `folder` (its path must be short: sockets), and ends both."""
    bus_program, keyring_program = needs("dbus-daemon"), needs("gnome-keyring-daemon")
    environment = isolated_environment(folder)
    (folder / ".runtime").mkdir(mode=0o700)
    config = folder / "bus.conf"
    config.write_text(_BUS.format(folder=folder))
    service = SecretService(folder)
    with (folder / "log").open("wb") as log:
        command = [bus_program, "--nofork", "--nosyslog", f"--config-file={config}"]
        bus = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stderr=log)
        try:
            _wait_until(lambda: (folder / "bus").exists(), bus)
            with _keyring(keyring_program, service, environment, log.fileno()):
                yield service
        finally:
            bus.terminate()
            bus.wait(_SECONDS)


@contextmanager
def _keyring(program: str, service: SecretService, environment: dict[str, str], log: int) -> Iterator[None]:
    command = [program, "--foreground", "--components=secrets", "--unlock"]
    daemon = subprocess.Popen(
        command, env=environment | service.environment, stdin=subprocess.PIPE, stdout=log, stderr=log
    )
    try:
        assert daemon.stdin is not None
        daemon.stdin.write(b"a password for the login keyring")
        daemon.stdin.close()
        with _environment(service.environment):
            _wait_until(service.is_ready, daemon)
        yield
    finally:
        daemon.terminate()
        daemon.wait(_SECONDS)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not ready():
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args!r} is not ready"
        time.sleep(0.02)
