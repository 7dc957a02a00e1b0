"""The end of a command does not wait for a connection that is just being made."""

from __future__ import annotations

import threading
import time
from typing import Any, cast

from git_helper.core.giturl import GitUrl
from git_helper.git.ssh.connections import Connections


def test_closing_while_somebody_connects() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def connect(host: str, user: str | None, port: int | None) -> Any:
        begun.set()
        go_on.wait(20)
        raise OSError("never")

    connections = Connections(cast("Any", None), connect)
    url = GitUrl.parse("git+ssh://git@good.example/r.git")
    errors: list[BaseException] = []

    def start() -> None:
        try:
            connections.start(url)
        except OSError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    assert begun.wait(10)
    start_of_end = time.monotonic()
    connections.close()
    assert time.monotonic() - start_of_end < 10
    go_on.set()
    thread.join(10)
    assert len(errors) == 1
