"""Ambient tokens of CI systems: each for its own host only."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from git_helper.core.credential import Description
from git_helper.sources.ci_token import CiToken

GITLAB = {"CI_JOB_TOKEN": "t", "CI_SERVER_HOST": "good.example"}


def users(
    environ: dict[str, str],
    host: bytes,
    username: bytes | None = None,
    protocol: bytes = b"https",
    allow_http: Iterable[bytes] = (),
) -> list[bytes | None]:
    source = CiToken(environ, os.fsencode, allow_http)
    return [one.username for one in source.find(Description(protocol, host, None, username))]


@pytest.mark.parametrize(
    ("environ", "host", "user"),
    [
        ({"GITHUB_TOKEN": "t"}, b"github.com", b"x-access-token"),
        ({"GH_TOKEN": "t"}, b"github.com", b"x-access-token"),
        ({"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://good.example"}, b"good.example", b"x-access-token"),
        ({"GH_ENTERPRISE_TOKEN": "t", "GH_HOST": "good.example"}, b"good.example", b"x-access-token"),
        (GITLAB, b"good.example", b"gitlab-ci-token"),
        ({**GITLAB, "CI_SERVER_PORT": "8443"}, b"good.example:8443", b"gitlab-ci-token"),
        ({"GITLAB_TOKEN": "t", "GITLAB_HOST": "https://good.example:8443/x"}, b"good.example:8443", b"oauth2"),
        ({"SYSTEM_ACCESSTOKEN": "t", "SYSTEM_COLLECTIONURI": "https://good.example/org/"}, b"good.example", b"build"),
    ],
)
def test_each_token_has_its_home(environ: dict[str, str], host: bytes, user: bytes) -> None:
    assert users(environ, host) == [user]
    assert users(environ, host, user) == [user]
    assert users(environ, host, b"alice") == []
    assert users({**environ, **{name: "" for name in environ if name.endswith("TOKEN")}}, host) == []
    for other in (b"evil.example", b"x." + host, host + b".", host + b".evil.example", b"evil" + host, host + b"@evil"):
        assert users(environ, other) == []
        assert users(environ, other, user) == []


@pytest.mark.parametrize(
    ("environ", "host"),
    [
        ({"GH_ENTERPRISE_TOKEN": "t"}, b"evil.example"),  # CVE-2024-53858
        ({"CODESPACES": "true", "GITHUB_TOKEN": "t"}, b"evil.example"),
        ({"GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://good.example"}, b"github.com"),
        ({"GITHUB_TOKEN": "t"}, b"github.com:8443"),
        ({"GITHUB_TOKEN": "t"}, b"gist.github.com"),
        ({"GITHUB_TOKEN": "t"}, b"evilgithub.com"),
        ({"CI_JOB_TOKEN": "t"}, b"gitlab.com"),
        ({**GITLAB, "CI_SERVER_PORT": "8443"}, b"good.example"),
        ({"CI_JOB_TOKEN": "t", "CI_SERVER_HOST": ""}, b""),
    ],
)
def test_no_other_host_gets_a_token(environ: dict[str, str], host: bytes) -> None:
    assert users(environ, host) == []


def test_plain_http_only_where_it_is_allowed() -> None:
    plain = {**GITLAB, "CI_SERVER_PORT": "80"}
    assert users(plain, b"good.example", protocol=b"http") == []
    assert users(plain, b"good.example", protocol=b"http", allow_http=[b"good.example"]) == [b"gitlab-ci-token"]
    assert users(GITLAB, b"good.example", protocol=b"http", allow_http=[b"good.example"]) == []
