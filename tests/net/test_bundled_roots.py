"""Mozilla's roots, loaded in a thread."""

from __future__ import annotations

import ssl
import subprocess
import sys

import pytest

from git_helper.net.bundled_roots import BundledRoots, load


def test_each_call_gives_a_context_of_its_own_with_the_same_roots() -> None:
    roots = BundledRoots()
    contexts = [roots(), roots(), load()]
    assert len({id(context) for context in contexts}) == 3
    counts = {len(context.get_ca_certs()) for context in contexts}
    assert len(counts) == 1
    assert counts.pop() > 50


def test_servers_are_verified() -> None:
    context = BundledRoots()()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("thread", ["", ", daemon=True"])
def test_a_process_may_end_while_they_load(thread: str) -> None:
    """OpenSSL cleans up at exit, and would crash in a thread that is still at work; whoever began it."""
    begin = f"begin = threading.Thread(target=BundledRoots{thread})\nbegin.start()\nbegin.join()\n"
    script = f"import threading, time\nfrom git_helper.net.bundled_roots import BundledRoots\n{begin}"
    for milliseconds in range(6, 30, 3):
        code = f"{script}time.sleep({milliseconds / 1e3})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
