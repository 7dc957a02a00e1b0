"""Contexts that many threads connect with do not change."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme

from git_helper.net.target import Target
from tests.net.trusting import contexts, server_context


@pytest.mark.parametrize("kind", ["bundled", "native", "file", "unverified"])
def test_urllib3_cannot_change_what_is_offered(kind: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    options: dict[str, Any] = {}
    if kind == "native":
        options["native_tls"] = True
    elif kind == "file":
        options["cert"] = str(tmp_path / "ca.pem")
    insecure = ["localhost"] if kind == "unverified" else []
    client = contexts(insecure=insecure, **options)(Target.parse("https://localhost/"))
    client.set_alpn_protocols(["h2"])
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    server = server_context(authority.issue_cert("localhost"))
    server.set_alpn_protocols(["h2", "http/1.1"])
    near, far = socket.socketpair()
    near.settimeout(10)
    far.settimeout(10)
    chosen: list[str | None] = []

    def serve() -> None:
        with server.wrap_socket(far, server_side=True) as connection:
            chosen.append(connection.selected_alpn_protocol())

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(near, server_hostname="localhost"):
        thread.join(10)
    assert chosen == ["http/1.1"]
