"""protocol.allow and its like: which ways to a repository are open."""

from __future__ import annotations

import pytest

from git_helper.core.transports import TransportNotAllowed, check_transport
from git_helper.errors import UsageError


def check(scheme: str, settings: dict[str, str], *, from_user: bool = True, **environ: str) -> bool:
    """Whether it is allowed; else it raises."""
    check_transport(scheme, "http://h/r.git", settings.get, environ, from_user=from_user)
    return True


@pytest.mark.parametrize("scheme", ["http", "https", "ssh", "git"])
@pytest.mark.parametrize("from_user", [True, False])
def test_ordinary_ways_are_open_to_all(scheme: str, from_user: bool) -> None:
    assert check(scheme, {}, from_user=from_user)


def test_files_are_for_the_user_alone() -> None:
    check("file", {})
    with pytest.raises(TransportNotAllowed):
        check("file", {}, from_user=False)
    with pytest.raises(TransportNotAllowed):
        check("file", {}, GIT_PROTOCOL_FROM_USER="0")
    check("file", {"protocol.file.allow": "always"}, from_user=False)


@pytest.mark.parametrize(
    ("settings", "scheme", "allowed"),
    [
        ({"protocol.allow": "never"}, "https", False),
        ({"protocol.allow": "never", "protocol.https.allow": "always"}, "https", True),
        ({"protocol.allow": "never", "protocol.https.allow": "always"}, "http", False),
        ({"protocol.allow": "always", "protocol.http.allow": "never"}, "http", False),
        ({"protocol.allow": "ALWAYS"}, "ext", True),
        ({}, "ext", False),
        ({}, "unheard-of", True),
        ({"protocol.allow": "user"}, "https", True),
    ],
)
def test_what_is_configured(settings: dict[str, str], scheme: str, allowed: bool) -> None:
    if allowed:
        check(scheme, settings)
        return
    with pytest.raises(TransportNotAllowed) as caught:
        check(scheme, settings)
    assert caught.value.error == "transport-not-allowed"
    assert caught.value.hint == f"git config --global protocol.{scheme}.allow always"


def test_user_shuts_out_submodules() -> None:
    with pytest.raises(TransportNotAllowed, match=r"'protocol\.allow \(user\)' does not allow 'https'"):
        check("https", {"protocol.allow": "user"}, from_user=False)


@pytest.mark.parametrize(("listed", "allowed"), [("https", False), ("http", True), ("https:http", True), ("", False)])
def test_the_environment_hides_the_configuration(listed: str, allowed: bool) -> None:
    settings = {"protocol.http.allow": "never" if allowed else "always"}
    if allowed:
        check("http", settings, GIT_ALLOW_PROTOCOL=listed)
        return
    with pytest.raises(TransportNotAllowed, match="GIT_ALLOW_PROTOCOL"):
        check("http", settings, GIT_ALLOW_PROTOCOL=listed)


def test_a_word_that_is_no_policy() -> None:
    with pytest.raises(UsageError, match=r"cannot use 'sometimes' of 'protocol\.http\.allow'"):
        check("http", {"protocol.http.allow": "sometimes"})
