"""Text for a person to see, and the secrets that it must not show."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_helper.core.redaction import display_url, redact, subject
from git_helper.core.requirement import describe
from git_helper.secret import MASK, Secret
from tests.core.cases import cases

# Command lines and child processes are driven in tests/cli.
PURE = [case for case in cases("redaction") if not {"cli", "process"} & set(case.values[0]["input"])]


@pytest.mark.parametrize("case", PURE)
def test_case(case: dict[str, Any]) -> None:
    given_row, expected = case["input"], case["expected"]
    if "requirement" in given_row:
        described = describe(given_row["requirement"])
        assert described["ok"] is (expected.get("exit", 2) == 0)
        shown = json.dumps(described)
    elif "url" in given_row:
        shown = display_url(given_row["url"])
        assert shown == expected.get("display", shown)
        assert redact(f"x '{given_row['url']}' y") == expected.get("text", f"x '{shown}' y")
    else:
        (text,) = (value for name, value in given_row.items() if name != "secrets")
        shown = redact(text, [Secret(secret.encode()) for secret in given_row.get("secrets", [])])
        assert shown == expected.get("display", expected.get("text", shown))
    assert not [secret for secret in expected.get("must_not_contain", ()) if secret in shown]
    assert not [text for text in expected.get("must_contain", ()) if text not in shown]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://:pass@h/x", "https://:****@h/x"),
        # Servers echo the Authorization field; base64 of `u:sek/rit>` and of a short one.
        ("https://h/e?next=Basic%20dTpzZWsvcml0Pg==&v=1", "https://h/e?next=Basic%20****&v=1"),
        ("https://h/e?next=%2Fx%3Fa%3DBasic+dTpzZWsvcml0Pg%3D%3D", "https://h/e?next=%2Fx%3Fa%3DBasic+****"),
        ("https://h/basic%20dTp4/x", "https://h/basic%20****"),
        ("https://h/e#Bearer%20abcdefghijklmnopqrst", "https://h/e#Bearer%20****"),
        ("https://h/basic+tools/basic-1.0", "https://h/basic+tools/basic-1.0"),
        ("https://h/a/basic%20training%20kit/x", "https://h/a/basic%20training%20kit/x"),
        ("https://h/x", "https://h/x"),
        ("https://ghp_x:x-oauth-basic@h/x", "https://****:****@h/x"),
        ("git+https://git@h/o/r@v1", "git+https://git@h/o/r@v1"),
        ("git+http://git@h/o/r", "git+http://****@h/o/r"),
        ("https://git@h/o/r", "https://****@h/o/r"),
        (
            "https://h/?X-Amz-Signature=s&X-Amz-Security-Token=t&v=1",
            "https://h/?X-Amz-Signature=****&X-Amz-Security-Token=****&v=1",
        ),
        ("https://h/?sig=a&sv=1;private_token=b", "https://h/?sig=****&sv=1;private_token=****"),
        ("https://h/?access%5Ftoken=a", "https://h/?access%5Ftoken=****"),
        (
            "https://h/?monkey=1&design=2&author=3&keyboard=4&token=",
            "https://h/?monkey=1&design=2&author=3&keyboard=4&token=",
        ),
        ("https://h/x#access_token=a", "https://h/x#access_token=****"),
        (
            "https://h/?accessToken=a&clientsecret=b&jwt=c&pass=d",
            "https://h/?accessToken=****&clientsecret=****&jwt=****&pass=****",
        ),
        ("https://h/?aws_secret_access_key=a&u[token]=b", "https://h/?aws_secret_access_key=****&u[token]=****"),
        ("https://h/?next=https://u:p@i/x&v=1", "https://h/?next=https://****@i/x&v=1"),
        ("https://h/#next=https://u:p@i/x", "https://h/#next=https://****@i/x"),
        ("https://h/?next=https%3A%2F%2Fu%3Ap%40i%2Fx&v=a%40b", "https://h/?next=https%3A%2F%2F****%40i%2Fx&v=a%40b"),
        ("https://h/https%3a%2f%2ftok%40i/x", "https://h/https%3a%2f%2f****%40i/x"),
        ("https://h/?next=https%3A%2F%2Fi%2Fa%40b", "https://h/?next=https%3A%2F%2Fi%2Fa%40b"),
        ("https://abc:x-oauth%2Dbasic@h/x", "https://****:****@h/x"),
        ("https://ghp_0123456789abcdefghij", "https://****"),
        ("https://xoxb-0123456789abcdefghij:x@h/", "https://****:****@h/"),
        ("https://h/glpat-0123456789abcdefghij/x?y=gho_0123456789abcdefghij", "https://h/****/x?y=****"),
        ("https://h/glrt-1.0-py3-none-any.whl", "https://h/glrt-1.0-py3-none-any.whl"),
        ("https://u:p@ss@h/x", "https://u:****@h/x"),
        ("https://user/name:pw@h/x", "https:***@h/x"),
        ("https://u:p#w@h/x", "https:***@h/x"),
        ("https://u:p?w@h/x", "https:***@h/x"),
        ("https://u:p]/w@h/x", "https:***@h/x"),
        ("https://[u:p]/w@h/x", "https:***@h/x"),
        ("https://h/npm/@scope/x.tgz", "https://h/npm/@scope/x.tgz"),
        ("https://h:8080/r.git@v1", "https://h:8080/r.git@v1"),
        ("git+https://p.example/https://h:1/r.git@v1", "git+https://p.example/https://h:1/r.git@v1"),
        ("https://p.example/https://tok@h/r", "https:***@h/r"),
        ("https://h/\x1b[2J", "https://h/%1B[2J"),
        ("no url", "no url"),
        ("u:p@px:1", "u:****@px:1"),
        ("tok@px:1", "****@px:1"),
        (":p@px", ":****@px"),
        ("https:u:p@h/x", "https:****@h/x"),
        ("https:/u:p@h/x", "***@h/x"),
        ("//u:p@h/x", "***@h/x"),
        ("/srv/a@b/c", "/srv/a@b/c"),
        ("file:/srv/x", "file:/srv/x"),
        ("https://h/\ud800", "https://h/?"),
    ],
)
def test_display_url(url: str, shown: str) -> None:
    assert display_url(url) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fatal: unable to access 'https://u:p@h/r/': 403", "fatal: unable to access 'https://u:****@h/r/': 403"),
        (
            "fatal: could not read Password for 'https://sekrit@h:9201': terminal prompts disabled",
            "fatal: could not read Password for 'https://****@h:9201': terminal prompts disabled",
        ),
        ("see <https://tok@h/r>, (https://tok@h/r).", "see <https://****@h/r>, (https://****@h/r)."),
        ("'https://u:p'w@h/r'", "'https://u:****@h/r'"),
        ("Failed to clone https://x:y@h/..", "Failed to clone https://x:****@h/.."),
        ("a\nAuthorization: Basic dTpw\nb", "a\nAuthorization: ****\nb"),
        ("Private-Token: abc", "Private-Token: ****"),
        ("X-JFrog-Art-Api: abc", "X-JFrog-Art-Api: ****"),
        ("username=u\npassword=p w\nhost=h", "username=u\npassword=**** w\nhost=h"),
        ("get 'https://h/?secret=x' now", "get 'https://h/?secret=****' now"),
        ("secret=****x", "secret=****"),
        ("get https://u:sekrit @h/x", "get https://u:**** @h/x"),
        ("at https://[::1]:8080/x and https://h:99999/", "at https://[::1]:8080/x and https://h:99999/"),
        ("sent Bearer abc.def0123", "sent Bearer ****"),
        ('WWW-Authenticate: Basic realm="x"', 'WWW-Authenticate: Basic realm="x"'),
        ("basic authentication failed", "basic authentication failed"),
        ("token ghp_abcdefgh!", "token ****!"),
        ('{"access_token": "se krit", "v": 1}', '{"access_token": "****", "v": 1}'),
        ("{'Authorization': 'Basic dTpw', 'a': 'b'}", "{'Authorization': '****', 'a': 'b'}"),
        ("(b'Authorization', b'Basic dTpw')", "(b'Authorization', b'****')"),
        ("Authorization=Bearer sekrit", "Authorization=****"),
        ("GITHUB_TOKEN=sekrit x", "GITHUB_TOKEN=**** x"),
        ("export AWS_SECRET_ACCESS_KEY=sekrit", "export AWS_SECRET_ACCESS_KEY=****"),
        ("GIT_HELPER_TOKEN_GOOD_EXAMPLE=sekrit", "GIT_HELPER_TOKEN_GOOD_EXAMPLE=****"),
        (
            "--token sekrit --password=sekrit --with-token https://h",
            "--token **** --password=**** --with-token https://h",
        ),
        ("machine h login u password sekrit", "machine h login u password ****"),
        ("machine h\n login u\n password sekrit\n", "machine h\n login u\n password ****\n"),
        ("npm_abcdefghijklmnopqrstuvwxyz", "****"),
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.c2ln, bad", "got ****, bad"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nsekrit\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----****-----END RSA PRIVATE KEY-----",
        ),
        ("in https%3A%2F%2Fu%3Asekrit%40h%2Fx", "in https%3A%2F%2F****%40h%2Fx"),
        (r'"https:\/\/u:sekrit@h\/x"', r'"https:\/\/****@h\/x"'),
        ("the password was refused; no token is set", "the password was refused; no token is set"),
        ("tokens=3 secretary=x credential.helper=store", "tokens=3 secretary=x credential.helper=store"),
        ("global-configuration", "global-configuration"),
        ("u:pw@h:path", "u:****@h:path"),
        ("git@h:path 10:20:30 a@b", "git@h:path 10:20:30 a@b"),
        ("bell\x07\ttab", "bell%07\ttab"),
    ],
)
def test_redact(text: str, shown: str) -> None:
    assert redact(text) == shown


AROUND = st.text(st.characters(exclude_characters="zQ"), max_size=10)


@settings(deadline=None)
@given(st.binary(min_size=4, max_size=20), AROUND, AROUND)
def test_a_known_secret_is_found_in_every_form(inner: bytes, before: str, after: str) -> None:
    value = b"zQ" + inner + b"Qz"
    lower = re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), quote(value))
    for written in (value.decode("utf-8", "replace"), lower, quote(value), quote(value, safe="")):
        assert "zQ" not in redact(f"{before}{written}{after}", [Secret(value)])
    for user in ("", "u", "me", "git"):
        encoded = b64encode(f"{user}:".encode() + value).decode()
        assert MASK in redact(f"x {encoded} y", [Secret(value)])


@settings(deadline=None)
@given(st.text())
def test_everything_can_be_shown(text: str) -> None:
    for shown in (display_url(text), subject(text), redact(text).replace("\n", "").replace("\t", "")):
        assert "\x1b" not in shown
        assert "\r" not in shown


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).map(lambda text: f"zQ{text}"))
def test_a_password_in_a_url_is_masked_wherever_the_url_stands(password: str) -> None:
    for text in (
        f"x 'https://u:{password}@h/r' y",
        f"https://u:{password}@h",
        "<ssh://" + re.sub(r"[:/?#\\]", "", password) + "@h/r>",
    ):
        assert "zQ" not in redact(text)
