"""When a pyproject.toml alone would lead a credential to whoever wrote it."""

from __future__ import annotations

import pytest

from git_helper.core.credential import Origin
from git_helper.core.given import Given, Provenance
from git_helper.core.project_word import withheld
from git_helper.core.trust import Trust

HOST = "https://good.example"
CA = Given("/clone/c a.pem", Provenance("project", "[tool.git-helper]", "/clone/pyproject.toml", lambda: 3))
PROXY = Given("http://px.example", Provenance("project", "[tool.git-helper]", "/clone/pyproject.toml", lambda: 4))
OWN_PROXY = Given("http://px.example", Provenance("option", "--proxy"))
BY_PROJECT, UNVERIFIED = Trust(project=CA), Trust(verify=False, project=CA)
BY_PERSON, UNVERIFIED_BY_PERSON = Trust(), Trust(verify=False)


def origin(url: str) -> Origin:
    scheme, _, authority = url.partition("://")
    found = Origin.parse(scheme.encode(), authority.encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "trust", "proxy", "reason"),
    [
        (HOST, BY_PERSON, None, None),
        (HOST, UNVERIFIED_BY_PERSON, None, None),
        (HOST, BY_PROJECT, None, "pyproject.toml:3 [tool.git-helper] names the authorities"),
        (HOST, BY_PROJECT, OWN_PROXY, "names the authorities"),
        (HOST, UNVERIFIED, None, "need not be verified"),
        (HOST, BY_PERSON, PROXY, None),  # it sees nothing but the name of the host
        (HOST, UNVERIFIED_BY_PERSON, PROXY, "pyproject.toml:4 [tool.git-helper] names the proxy"),
        (HOST, UNVERIFIED_BY_PERSON, OWN_PROXY, None),
        ("https://localhost:8443", BY_PROJECT, None, None),
        ("https://127.0.0.1", UNVERIFIED, OWN_PROXY, None),
        ("https://localhost:8443", BY_PROJECT, PROXY, "names the authorities"),  # a proxy knows another localhost
        ("https://localhost.evil.example", UNVERIFIED, None, "need not be verified"),
        ("http://good.example", BY_PERSON, None, None),
        ("http://good.example", BY_PERSON, OWN_PROXY, None),
        ("http://good.example", BY_PERSON, PROXY, "names the proxy"),
        ("http://localhost", BY_PERSON, PROXY, "names the proxy"),
    ],
)
def test_who_may_get_a_credential(url: str, trust: Trust, proxy: Given | None, reason: str | None) -> None:
    found = withheld(origin(url), trust, proxy)
    assert (found is None) is (reason is None)
    if found is not None:
        assert found.message.startswith(f"cannot send a credential to '{url}': only /clone/")
        assert (reason or "") in found.message
        assert (found.exit_code, found.error) == (3, "credential-withheld")


def test_the_hint_is_safe_to_copy() -> None:
    hostile = Given("/clone/$(touch x);\n'.pem", CA.provenance)
    found = withheld(origin(HOST), Trust(project=hostile), None)
    assert found is not None
    assert found.hint is not None
    assert found.hint.endswith("""--cert '/clone/$(touch x);%0A'\\''.pem'"""), found.hint
