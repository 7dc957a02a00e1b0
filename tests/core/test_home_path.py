"""`~` at the start of paths: expanded once for options, variables and files; a name that only looks so stays."""

from __future__ import annotations

import pytest

from git_helper.core.credential import Origin
from git_helper.core.given import of_environment, of_options
from git_helper.core.home_path import in_home, under_home
from git_helper.core.trust import Named, TrustSettings


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("~", "/home/u"),
        ("~/x", "/home/u/x"),
        ("~/a b/~", "/home/u/a b/~"),
        ("~name/x", "~name/x"),
        ("a/~/x", "a/~/x"),
        ("/x", "/x"),
        ("", ""),
    ],
)
def test_the_start_of_a_path(written: str, path: str) -> None:
    assert under_home(written, "/home/u") == path


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("netrc-file", "~/x", "/home/u/x"),
        ("cert", "~/x", "/home/u/x"),
        ("client-cert", "~/x,~/y", "/home/u/x,/home/u/y"),
        ("cache-dir", "~/x", "/home/u/x"),
        ("trace", "~/x", "/home/u/x"),
        ("find-links", "~/x", "/home/u/x"),
        ("find-links", "https://h/~/x", "https://h/~/x"),
        ("proxy", "~/x", "~/x"),
    ],
)
def test_of_options_and_variables(name: str, written: str, value: str) -> None:
    place = in_home("/home/u")
    variable = "GIT_HELPER_" + name.upper().replace("-", "_")
    assert [one.value for one in of_options({name: [written]}, place)[name]] == [value]
    assert [one.value for one in of_environment({variable: written}, place)[name]] == [value]


class _Server:
    origin = Origin(b"https", b"good.example", 443)
    configured_url = "https://good.example/"
    leads_to = None


def test_of_variables_of_other_programs() -> None:
    environ = {"SSL_CERT_FILE": "~/ca.pem", "SSL_CERT_DIR": "~/a:/b", "SSL_CLIENT_CERT": "~/me.pem"}
    trust = TrustSettings(environ=environ, home="/home/u").trust_for(_Server())
    assert [one.path for one in trust.roots.named] == ["/home/u/ca.pem", "/home/u/a", "/b"]
    assert trust.client is not None
    assert trust.client.certificate == Named("/home/u/me.pem", "SSL_CLIENT_CERT")
