"""Which commit a revision means among the refs of the repository of the ref-resolution cases."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_helper.core.parse_error import ParseError
from git_helper.core.reference import (
    Choice,
    Oid,
    Reference,
    RefKind,
    RefNotFound,
    RemoteRef,
    UnsupportedObjectFormat,
    choose,
)
from git_helper.secret import visible
from tests.core.cases import cases
from tests.core.rows import NO_SUCH, expected_commit, revision


def oid(digits: str) -> Oid:
    return Oid((digits * 40)[:40])


MAIN, SAME, TAG, LIGHT, ANNOTATED, PEELED, PULL = map(oid, ("a1", "b1", "c1", "d1", "e1", "f1", "9c"))
REFS = (
    RemoteRef("HEAD", MAIN, target="refs/heads/main"),
    RemoteRef("refs/heads/main", MAIN),
    RemoteRef("refs/heads/same", SAME),
    RemoteRef("refs/heads/feature/x", oid("01")),
    RemoteRef("refs/heads/deadbee", oid("02")),
    RemoteRef("refs/heads/abcdef", oid("03")),
    RemoteRef("refs/heads/1234567", oid("04")),
    RemoteRef("refs/tags/light1", LIGHT),
    RemoteRef("refs/tags/ann1", ANNOTATED, peeled=PEELED),
    RemoteRef("refs/tags/same", TAG),
    RemoteRef("refs/tags/pkg@1.0", oid("05")),
    RemoteRef("refs/pull/1/head", PULL),
)
COMMITS = {ref.name: ref.commit.hex for ref in REFS if ref.name != "HEAD"} | {"UNREF": "7e" * 20}
# What only a server can tell is asked in tests/cli.
_ELSEWHERE = re.compile(rf"unref|unreach|{NO_SUCH.pattern}", re.IGNORECASE)
HERE = [case for case in cases("ref-resolution") if not _ELSEWHERE.search(str(case.values[0]["input"].get("rev")))]


@pytest.mark.parametrize("case", HERE)
def test_case(case: dict[str, Any]) -> None:
    rev, expected = revision(case["input"].get("rev"), COMMITS), case["expected"]
    if "commit" in expected:
        reference = Reference.parse(rev)
        choice = choose(reference, REFS)
        assert choice.commit.hex == expected_commit(expected["commit"], COMMITS)
        assert len(reference.ref_prefixes()) <= expected.get("max_refs_fetched", 3)
        assert expected.get("warn", "") in " ".join(choice.warnings)
        return
    with pytest.raises((RefNotFound, UnsupportedObjectFormat, ParseError)) as caught:
        choose(Reference.parse(rev), REFS)
    error = caught.value
    assert isinstance(error, RefNotFound | UnsupportedObjectFormat | ParseError)
    assert error.error == expected["error"]
    assert expected.get("hint", "") in (caught.value.hint or "")
    if "tried" in expected:
        assert isinstance(caught.value, RefNotFound)
        assert list(caught.value.tried) == expected["tried"]


def test_the_default_branch_is_named() -> None:
    assert choose(Reference.parse(None), REFS) == Choice(MAIN, "refs/heads/main")
    assert choose(Reference.parse("HEAD"), [RemoteRef("HEAD", MAIN)]) == Choice(MAIN, "HEAD")


def test_a_branch_that_is_a_tag_too_is_the_branch_with_a_warning() -> None:
    choice = choose(Reference.parse("same"), REFS)
    assert (choice.commit, choice.ref) == (SAME, "refs/heads/same")
    assert "refs/tags/same" in choice.warnings[0]
    assert choose(Reference.parse("refs/tags/same"), REFS) == Choice(TAG, "refs/tags/same")


@pytest.mark.parametrize("rev", ["light1", "pkg@1.0", "1234567", "abcdef"])
def test_names_before_hashes(rev: str) -> None:
    choice = choose(Reference.parse(rev), REFS)
    assert choice.ref in (f"refs/heads/{rev}", f"refs/tags/{rev}")
    assert choice.warnings == ()


def test_a_whole_hash_needs_no_refs_and_knows_no_case() -> None:
    reference = Reference.parse(LIGHT.hex.upper())
    assert (reference.kind, reference.ref_prefixes(), reference.rev) == (RefKind.COMMIT, (), LIGHT.hex.upper())
    assert choose(reference, []) == Choice(LIGHT, None)
    assert choose(Reference.parse(ANNOTATED.hex), REFS) == Choice(PEELED, "refs/tags/ann1")


def test_a_short_hash_may_lie_in_the_history() -> None:
    reference = Reference.parse("0badc0ffee")
    assert reference.ref_prefixes() == ("HEAD", "refs/heads/", "refs/tags/")
    with pytest.raises(RefNotFound) as first:
        choose(reference, REFS)
    assert first.value.needs_history
    deep, other = Oid("0badc0ffee" + "0" * 30), Oid("0badc0ffee" + "1" * 30)
    assert choose(reference, REFS, history=[deep]) == Choice(deep, None)
    with pytest.raises(RefNotFound) as second:
        choose(reference, REFS, history=[deep, other])
    assert (second.value.error, second.value.exit_code) == ("ambiguous-commit", 6)
    with pytest.raises(RefNotFound) as third:
        choose(reference, REFS, history=[])
    assert not third.value.needs_history


def test_more_digits_than_a_commit_has_are_looked_for_once() -> None:
    for rev in (LIGHT.hex + "0", "0" * 63):
        with pytest.raises(RefNotFound) as caught:
            choose(Reference.parse(rev), REFS)
        assert not caught.value.needs_history


def test_a_short_hash_of_a_tag_object_is_its_commit() -> None:
    assert choose(Reference.parse(ANNOTATED.hex[:9].upper()), REFS).commit == PEELED


@pytest.mark.parametrize(
    ("rev", "hint"), [("heads/same", "refs/heads/same"), ("origin/same", "'same'"), (None, "branch")]
)
def test_hints(rev: str | None, hint: str) -> None:
    with pytest.raises(RefNotFound) as caught:
        choose(Reference.parse(rev), [ref for ref in REFS if ref.name != "HEAD"])
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "rev",
    [
        "",
        "@",
        "-x",
        "/x",
        "x/",
        "a//b",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        ".a",
        "a/.b",
        "a.lock",
        *["a.lock/b", "a.", "a@{1}", "a;b", "a\x7fb", "a\u2028b", "a\x85b"],
    ],
)
def test_what_is_no_ref_name_is_refused(rev: str) -> None:
    with pytest.raises(ParseError) as caught:
        Reference.parse(rev)
    assert caught.value.error == "invalid-revision"


@pytest.mark.parametrize("digits", ["", "a" * 39, "a" * 41, "g" * 40, "a" * 63])
def test_oid_is_whole(digits: str) -> None:
    with pytest.raises(ValueError, match="40 or 64"):
        Oid(digits)
    assert (Oid("A" * 64).algorithm, str(Oid("A" * 40))) == ("sha256", "a" * 40)


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("0123456789abcdefABCDEF", max_size=70)))
def test_every_text_is_a_revision_or_a_parse_error(rev: str) -> None:
    try:
        reference = Reference.parse(rev)
    except ParseError:
        return
    assert reference.rev == rev
    for prefix in reference.ref_prefixes():
        assert "\n" not in prefix
        assert not prefix.startswith("-")
    try:
        choose(reference, REFS)
    except (RefNotFound, UnsupportedObjectFormat) as error:
        assert visible(error.message) == error.message
