"""`${NAME}` in the URL or path of a requirement: what it may bring, and that no message shows its value."""

from __future__ import annotations

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.requirements_file import RequirementItem, scan
from git_helper.core.requirements_rewrite import rewrite

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MARKER = "python_version > '3'"


def item_of(line: str, value: str | None) -> RequirementItem:
    (item,) = scan(line, {} if value is None else {"U": value}, "/a folder").requirements
    return item


def target_of(line: str, value: str | None) -> GitUrl | PlainUrl | str | None:
    item = item_of(line, value)
    assert item.requirement is not None, item.error
    return item.requirement.target


@pytest.mark.parametrize(
    ("line", "value", "display"),
    [
        ("${U}", "git+https://h/r.git@v1", "git+https://h/r.git@v1"),
        (f"${{U}} ; {MARKER} # c", "https://u:p@h/x.whl", "https://u:****@h/x.whl"),
        ("${U} --hash=sha256:00", "file:/x.whl", "file:///x.whl"),
        ("${U}", "./folder", "./folder"),
        ("${U}/x.whl", "/srv/a b", "/srv/a b/x.whl"),
        ("./${U}/x", "a", "./a/x"),
        ("./${U}/x", None, "./${U}/x"),
        ("name[e] @ ${U}", "../a b; c #d", "../a b; c #d"),
        (f"name @ ${{PROJECT_ROOT}}/p ; {MARKER}", None, "/a folder/p"),
        ("${PROJECT_ROOT}/p", None, "/a folder/p"),
        ("name @ file://${PROJECT_ROOT}/p", None, "file:///a%20folder/p"),
    ],
)
def test_a_url_or_a_path(line: str, value: str | None, display: str) -> None:
    item = item_of(line, value)
    assert item.requirement is not None, item.error
    assert item.requirement.display == display
    assert item.requirement.marker == (MARKER if ";" in line else None)
    assert item.requirement.name == ("name" if line.startswith("name") else None)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("${U}", "requests"),
        ("${U}", "name @ https://h/x.whl"),
        ("${U}==1", "requests"),
        ("${U} @ https://h/x.whl", "name"),
        ("${U}@https://h/x.whl", "name"),
        ("name==${U}", "1/2"),
        ("https://h/x.whl\t${U}", ""),
    ],
)
def test_no_name_and_no_version(line: str, value: str) -> None:
    error = item_of(line, value).error
    assert error is not None
    assert error.error == "invalid-requirement"


@pytest.mark.parametrize(
    ("line", "value", "error"),
    [
        ("name @ ${U}", "sekrit", "invalid-url"),
        ("name @ ${U}", "u:p/sekrit@h", "invalid-url"),
        ("${U}", "https://h/sekrit x.whl", "invalid-requirement"),
        ("name @ git+https://h/r.git@${U}", "sekrit@x", "ambiguous-revision"),
        ("name @ git+https://h/r.git@${U}", "sekrit~1", "invalid-revision"),
        ("name @ git+https://h/${U}.git ; nonsense", "sekrit", "invalid-requirement"),
        ("./${U}", "sekrit\x07", "invalid-url"),
        ("${U}https://h/x.whl", "sekrit", "unsupported-scheme"),
        ("name @ git+ssh://git@h:o/${U}.git", "sekrit", "scp-form"),
        ("name @ https://github.com/o/${U}", "sekrit", "missing-git-prefix"),
    ],
)
def test_a_message_shows_the_variable(line: str, value: str, error: str) -> None:
    found = item_of(line, value).error
    assert found is not None
    assert found.error == error
    assert "sekrit" not in str(found.described())
    assert "${U}" in found.message


@pytest.mark.parametrize("option", ["-i", "--extra-index-url", "-f", "-r", "-c"])
def test_a_value_that_is_no_place(option: str) -> None:
    for value, slug in (("", "missing-value"), ("https:/h/sekrit", "invalid-url"), ("git+ssh:sekrit", "invalid-url")):
        with pytest.raises(ParseError) as caught:
            scan(f"{option} ${{U}}", {"U": value})
        assert caught.value.error == slug
        assert "'${U}'" in caught.value.message
        assert "sekrit" not in str(caught.value.described())


def test_only_what_is_written_is_not_set() -> None:
    error = item_of("https://h:${U}/", "${OF_VALUE}").error
    assert error is not None
    assert "OF_VALUE" not in str(error.described())


def test_what_is_not_set_is_named_where_it_hurts() -> None:
    with pytest.raises(ParseError) as caught:
        scan("-i https://h:${PORT}/", {})
    assert (caught.value.error, caught.value.hint) == ("invalid-port", "PORT is not set")


def test_a_url_that_a_variable_brings_is_pinned() -> None:
    text = f"${{U}}  ; {MARKER}  # c\n"
    file = scan(text, {"U": "git+https://tok@h/r.git@v1"})
    assert rewrite(text, file, {0: COMMIT}) == f"git+https://h/r.git@{COMMIT}  ; {MARKER}  # c\n"
    assert rewrite(text, file, {}) == text


def test_a_path_stays_as_it_is_written() -> None:
    text = "./${U}/p # c\nname @ ${U} ; python_version>'3'\n"
    assert rewrite(text, scan(text, {"U": "./a b"}), {}) == text
    assert target_of("name @ ${U}", "./a b") == "./a b"
