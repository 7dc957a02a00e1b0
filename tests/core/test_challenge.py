"""WWW-Authenticate as servers write it, and as they should not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_helper.core.challenge import Challenge, accepts_password, parse


def plain(values: list[str]) -> list[tuple[str, str | None, dict[str, str]]]:
    return [(one.scheme, one.token68, dict(one.parameters)) for one in parse(values)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        (["Basic"], [("basic", None, {})]),
        (['Basic realm="x"'], [("basic", None, {"realm": "x"})]),
        (['BASIC Realm="x", charset="UTF-8"'], [("basic", None, {"realm": "x", "charset": "UTF-8"})]),
        # RFC 9110 §11.6.1 has this one as its example.
        (
            ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
            [
                ("basic", None, {"realm": "simple"}),
                ("newauth", None, {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
            ],
        ),
        (['Basic realm="a, b=c"', "Bearer"], [("basic", None, {"realm": "a, b=c"}), ("bearer", None, {})]),
        (
            ["Negotiate, NTLM, Basic realm=x"],
            [("negotiate", None, {}), ("ntlm", None, {}), ("basic", None, {"realm": "x"})],
        ),
        (["Negotiate YII/a+b-c.d_e~f=="], [("negotiate", "YII/a+b-c.d_e~f==", {})]),
        (["Negotiate abc=, Basic realm=x"], [("negotiate", "abc=", {}), ("basic", None, {"realm": "x"})]),
        (['Basic realm = x ,  a\t=\t"b"'], [("basic", None, {"realm": "x", "a": "b"})]),
        ([",, ,Basic realm=x,,"], [("basic", None, {"realm": "x"})]),
        (['Basic realm=""'], [("basic", None, {"realm": ""})]),
        # Azure DevOps
        (
            [
                "Bearer authorization_uri=https://login.example/x?y=z",
                'Basic realm="https://dev.example/"',
                "TFS-Federated",
            ],
            [
                ("bearer", None, {"authorization_uri": "https://login.example/x?y=z"}),
                ("basic", None, {"realm": "https://dev.example/"}),
                ("tfs-federated", None, {}),
            ],
        ),
        # broken ones
        ([""], []),
        (['realm="x"'], []),
        (['Basic realm="never closed'], [("basic", None, {"realm": "never closed"})]),
        (['Basic realm="never closed\\'], [("basic", None, {"realm": "never closed"})]),
        (["Basic realm="], [("basic", "realm=", {})]),
        (["Basic realm=, Digest nonce=1"], [("basic", "realm=", {}), ("digest", None, {"nonce": "1"})]),
        (
            ["Basic realm=my place, Digest nonce=1"],
            [("basic", None, {"realm": "my place"}), ("digest", None, {"nonce": "1"})],
        ),
        (['Basic realm="a" b="c", x=y'], [("basic", None, {"realm": "a", "b": "c", "x": "y"})]),
        (['Basic realm="a", realm="b"'], [("basic", None, {"realm": "a"})]),
        (['"x", Basic realm=y'], [("basic", None, {"realm": "y"})]),
        (["=, Basic"], [("basic", None, {})]),
        (['Basic realm="\x1b[2J\r\n\xff"'], [("basic", None, {"realm": "\x1b[2J\r\n\xff"})]),
    ],
)
def test_challenges(values: list[str], expected: list[tuple[str, str | None, dict[str, str]]]) -> None:
    assert plain(values) == expected


@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        ([], True),
        (["Basic realm=x"], True),
        (["Bearer"], True),
        (["Negotiate", "Basic"], True),
        (["Negotiate, NTLM"], False),
        (['Digest realm="Basic", nonce=x'], False),
        (["Unheard-Of"], True),
    ],
)
def test_who_gets_a_password(values: list[str], accepted: bool) -> None:
    assert accepts_password(parse(values)) is accepted


@given(st.lists(st.text(), max_size=4))
def test_any_text_is_survived(values: list[str]) -> None:
    for one in parse(values):
        assert one.scheme
        assert one.scheme == one.scheme.lower()


@given(st.lists(st.sampled_from(["Basic", "realm", "=", '"', "\\", ",", " ", "x", "\t", "=="]), max_size=30))
def test_any_mixture_of_its_marks_is_survived(words: list[str]) -> None:
    assert all(isinstance(one, Challenge) for one in parse(["".join(words)]))


_TOKENS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


@given(st.lists(st.tuples(_TOKENS, st.dictionaries(_TOKENS, st.text(), min_size=1, max_size=3)), max_size=4))
def test_what_is_written_well_is_read_back(challenges: list[tuple[str, dict[str, str]]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    written = ", ".join(
        f"{scheme} " + ", ".join(f"{name}={quoted(text)}" for name, text in parameters.items())
        for scheme, parameters in challenges
    )
    assert plain([written]) == [(scheme, None, parameters) for scheme, parameters in challenges]


@pytest.mark.parametrize("text", ["a=", '"', "\\", "a ", ",", 'a="\\', "= ", "Basic x"])
def test_64_kib_of_anything_take_no_time(text: str) -> None:
    start = time.process_time()
    parse([text * (65536 // len(text))])
    assert time.process_time() - start < 2
