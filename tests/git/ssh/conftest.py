"""What the tests of SSH share: keys that cost time to make, a repository that none of them changes, servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.git.ssh.served import Client
from tests.servers.isolated import environment, git
from tests.servers.repositories import make_repository, random_files
from tests.servers.sshd import Keys, Sshd, public

StartSshd = Callable[..., Sshd]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A folder of keys."""
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """demo.git: five commits on main, and beside it, in `lonely`, the name of a commit that no ref reaches."""
    path = make_repository(tmp_path_factory.mktemp("repositories") / "demo.git", 5)
    env = environment(path.parent)
    tree = git("-C", path, "rev-parse", "main~3^{tree}", env=env).stdout.strip().decode()
    lonely = git("-C", path, "commit-tree", tree, "-m", "lonely", env=env).stdout.strip().decode()
    (path.parent / "lonely").write_text(lonely)
    return path


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose pack is larger than what fits into windows and pipes."""
    return make_repository(tmp_path_factory.mktemp("large") / "large.git", 2, random_files(120, 100_000))


@pytest.fixture
def start_sshd(tmp_path: Path, keys: Keys) -> Iterator[StartSshd]:
    """Starts servers: `start_sshd(host_keys=[...], authorized=[...], **settings)`; by default both are `host`, `user`."""
    with ExitStack() as stack:

        def start(*, host_keys: list[Path] | None = None, authorized: list[str] | None = None, **settings: str) -> Sshd:
            number = len(list(tmp_path.glob("sshd-*")))
            return stack.enter_context(
                Sshd(
                    tmp_path / f"sshd-{number}",
                    host_keys or [keys.key("host")],
                    authorized if authorized is not None else [public(keys.key("user"))],
                    settings,
                )
            )

        yield start


@pytest.fixture
def sshd(start_sshd: StartSshd) -> Sshd:
    """A server that lets `user` in."""
    return start_sshd()


@pytest.fixture
def client(home: Path, keys: Keys, sshd: Sshd) -> Iterator[Client]:
    """Somebody who knows `sshd` and has the key `user`."""
    with Client(home) as found:
        found.knows(f"[127.0.0.1]:{sshd.port} {public(keys.key('host'))}")
        found.configure("Host *", f"IdentityFile {keys.key('user')}")
        yield found
