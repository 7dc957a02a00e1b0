"""no_proxy: who is reached directly."""

from __future__ import annotations

import pytest

from git_helper.core.credential import Origin
from git_helper.core.no_proxy import is_exempt


def origin(url: str) -> Origin:
    scheme, _, rest = url.partition("://")
    found = Origin.parse(scheme.encode(), rest.partition("/")[0].encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("good.example", "http://good.example", True),
        ("good.example", "http://a.good.example", True),
        (".good.example", "http://good.example", True),
        ("good.example", "http://evilgood.example", False),
        ("good.example", "http://good.example.evil.example", False),
        ("GOOD.example", "http://good.EXAMPLE", True),
        ("good.example.", "http://good.example", True),
        ("good.example", "https://good.example.", True),
        ("a b", "http://b", True),
        ("a,b", "http://b", True),
        ("a , b", "http://b", True),
        ("*", "http://good.example", True),
        ("a, *", "http://good.example", True),
        ("*.example", "http://good.example", False),
        ("good.example:443", "https://good.example", True),
        ("good.example:444", "https://good.example", False),
        ("127.0.0.1", "http://127.0.0.1:8", True),
        ("127.0.0.1", "http://1.127.0.0.1.example", False),
        ("0.0.1", "http://127.0.0.1", False),
        ("127.1.0.0/16", "http://127.1.3.4", True),
        ("127.1.0.0/16", "http://127.2.3.4", False),
        ("127.1.2.3/16", "http://127.1.3.4", True),
        ("127.0.0.0/8", "http://localhost", False),
        ("0.0.0.0/0", "http://good.example", False),
        ("127.0.0.0/99", "http://127.0.0.1", False),
        ("::1", "http://[::1]:8", True),
        ("[::1]", "http://[::1]:8", True),
        ("[::1]:8", "http://[::1]:8", True),
        ("[::1]:9", "http://[::1]:8", False),
        ("fd00::/8", "https://[fd12::1]", True),
        ("[fd00::]/8", "https://[fd12::1]", True),
        ("fd00::/8", "https://[fe80::1]", False),
        ("", "http://good.example", False),
        (",.,", "http://good.example", False),
    ],
)
def test_who_is_exempt(no_proxy: str, url: str, exempt: bool) -> None:
    assert is_exempt(origin(url), no_proxy) is exempt
