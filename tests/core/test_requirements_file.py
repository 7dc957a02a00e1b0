"""Requirements files: what they say, `${NAME}` in them, and writing them back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_helper.core.expansion import expand, expand_location
from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.core.requirements_file import (
    HASH,
    OptionItem,
    RequirementItem,
    scan,
)
from git_helper.core.requirements_rewrite import rewrite
from tests.core.cases import cases

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def revealed(item: OptionItem | None) -> str | None:
    if item is None or item.url is None:
        return None if item is None else item.value
    return item.url.text.reveal().decode()


LINES = [case for case in cases("env-expansion") if "line" in case.values[0]["setup"].get("where", "line")]


@pytest.mark.parametrize("case", LINES)
def test_expansion_case(case: dict[str, Any]) -> None:
    line, expected, environment = case["input"], case["expected"], case["setup"].get("env", {})
    if "error" in expected:
        with pytest.raises(ParseError) as caught:
            (item,) = scan(line, environment, "/cwd").items
            raise getattr(item, "error", None) or AssertionError("it is usable")
        assert caught.value.error == expected["error"]
        assert expected.get("hint", "") in (caught.value.hint or "")
        shown = json.dumps(caught.value.described())
    else:
        scanned = scan(line, environment, "/cwd")
        assert [expanded_line(line, item) for item in scanned.items] == [expected["expanded"].replace("<cwd>", "/cwd")]
        assert scanned.warnings == ((expected["warn"],) if "warn" in expected else ())
        shown = str(scanned.warnings)
    assert not [value for value in expected.get("must_not_contain", ()) if value in shown]


def expanded_line(line: str, item: OptionItem | RequirementItem) -> str:
    if isinstance(item, OptionItem):
        return line[: item.span[0]] + str(revealed(item)) + line[item.span[1] :]
    if item.url_span is None:  # nothing is expanded in a name
        return line
    assert item.requirement is not None
    target = item.requirement.target
    assert isinstance(target, PlainUrl | GitUrl)
    written = target.text.reveal().decode() if isinstance(target, PlainUrl) else as_written(target)
    return line[: item.url_span[0]] + written + line[item.url_span[1] :]


def as_written(url: GitUrl) -> str:
    """The whole of a Git URL."""
    rev = "" if url.rev is None else f"@{url.rev}"
    fragment = "" if url.fragment is None else f"#{url.fragment}"
    return "git+" * url.prefixed + url.clone_url.reveal().decode() + rev + fragment


@pytest.mark.parametrize(
    ("text", "environment", "expanded", "missing"),
    [
        ("${A}${A}${B}", {"A": "x"}, "xx${B}", ("B",)),
        ("u:${A}@", {"A": ""}, "u:@", ()),
        ("$A ${a} ${A-b} ${} {A}", {"A": "x", "a": "y"}, "$A ${a} ${A-b} ${} {A}", ()),
        ("${PROJECT_ROOT}", {"PROJECT_ROOT": "/x"}, "/x", ()),
    ],
)
def test_expand(text: str, environment: dict[str, str], expanded: str, missing: tuple[str, ...]) -> None:
    expansion = expand(text, environment, "/cwd")
    assert (expansion.text, expansion.missing) == (expanded, missing)


@pytest.mark.parametrize("value", ["a/b", "a?b", "a#b", "a\\b", "a b", "a\nb"])
def test_a_value_cannot_end_the_userinfo(value: str) -> None:
    with pytest.raises(ParseError) as caught:
        expand_location("https://u:${A}@h/x", {"A": value})
    assert (caught.value.error, caught.value.hint) == ("invalid-url", "percent-encode the value of A")
    assert value not in str(caught.value)


def test_a_value_brings_no_option_and_no_line() -> None:
    with pytest.raises(ParseError):
        scan("-i https://h/${A}\n", {"A": "x --extra-index-url https://evil.example/"})
    assert scan("-f ${A}\n", {"A": "x -r y\n-r z"}).options[0].value == "x -r y\n-r z"


def test_a_name_is_not_expanded() -> None:
    item = scan("${PKG}\n", {"PKG": "requests"}).requirements[0]
    assert item.error is not None
    assert item.error.error == "invalid-requirement"


def test_unusable_requirements_do_not_hide_the_others() -> None:
    text = "good\nbad @ git+https://u:p/sekrit@h/r.git\nname @ git+https://h/r.git@v1\n"
    first, second, third = scan(text, {}).requirements
    assert (first.error, third.error) == (None, None)
    assert second.error is not None
    assert (second.error.error, second.error.details["line"]) == ("ambiguous-authority", 2)
    assert "sekrit" not in str(second.error)
    assert text[slice(*second.error.span)].startswith("bad @")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("--index http://h/", "unknown-option"),
        ("pkg --frobnicate", "unknown-option"),
        ("-i", "missing-value"),
        ("--index-url=", "missing-value"),
        ("pkg --hash", "missing-value"),
        ("pkg --hash=", "missing-value"),
        ("-e pkg@git+https://h/r.git", "editable-git-unsupported"),
        ("-i http://h/ -i http://h/", "duplicate-index-url"),
        ("--pypi-url http://a/ --index-url http://b/", "duplicate-index-url"),
        ("--no-index=1", "unknown-option"),
        ("-r ftp://h/x.txt", "unsupported-scheme"),
    ],
)
def test_unusable_options(line: str, error: str) -> None:
    with pytest.raises(ParseError) as caught:
        scan(f"# one\n{line}\n", {})
    assert (caught.value.error, caught.value.details["line"]) == (error, 2)


@pytest.mark.parametrize(
    "line", ["-i https://u:p sekrit@h/", "-e git+https://u:/sekrit @h/r", "-f https://u:\\sekrit @h"]
)
def test_a_password_with_a_blank_is_not_shown(line: str) -> None:
    with pytest.raises(ParseError) as caught:
        scan(line, {})
    assert "sekrit" not in str(caught.value.described())


def test_forms_of_options() -> None:
    text = "-ihttp://a/ --extra-index-url='http://b/' \\\n -f \"./a dir\" -r=x.txt\n-e . # c\n--pre --no-binary :all:\n"
    options = scan(text, {}).options
    assert [(option.line, option.name, option.value or (option.url and str(option.url))) for option in options] == [
        (1, "--index-url", "http://a/"),
        (1, "--extra-index-url", "http://b/"),
        (1, "--find-links", "./a dir"),
        (1, "--requirement", "x.txt"),
        (3, "--editable", "."),
        (4, "--pre", None),
        (4, "--no-binary", ":all:"),
    ]
    assert text[slice(*options[2].span)] == '"./a dir"'


def test_lines() -> None:
    text = (
        "\ufeffa # x \\\r\nb\\\r\n  # c \\\r\nd ; python_version > '3' \\\n --hash=sha256:00 \\\n --hash sha256:11\r\re"
    )
    items = scan(text, {}).requirements
    assert [(item.line, text[slice(*item.span)]) for item in items] == [
        (1, "a"),
        (2, "b"),
        (4, "d ; python_version > '3'"),
        (8, "e"),
    ]
    assert items[2].hashes == ("sha256:00", "sha256:11")
    assert HASH == "--hash"


REWRITTEN = [
    ("git+https://h/r.git\n", "git+https://h/r.git@{c}\n"),
    ("git+https://h/r.git@v1\n", "git+https://h/r.git@{c}\n"),
    (
        "p @ git+https://u:p@h/r.git@v1#egg=p ; python_version>'3' # c@d\r\n",
        "p @ git+https://h/r.git@{c}#egg=p ; python_version>'3' # c@d\r\n",
    ),
    ("git+ssh://git@h/r.git[dev]", "git+ssh://git@h/r.git@{c}[dev]"),
    ("p @ git+https://${TOKEN}@h/${ORG}/r.git@${REV}\n", "p @ git+https://h/${ORG}/r.git@{c}\n"),
    ("p @ git+https://h/r.git${SUFFIX}\n", "p @ git+https://h/r.git@{c}\n"),
    ("p @ git+https://u:p@h/a:b/r.git ; os_name=='x'\n", "p @ git+https://h/a%3Ab/r.git@{c} ; os_name=='x'\n"),
    ("git+file:/srv/r.git#egg=r\n", "git+file:///srv/r.git@{c}#egg=r\n"),
    ("p @ ${BASE}/r.git@v1\n", "p @ git+https://h/r.git@{c}\n"),
    ("p @ \\\n git+https://u:p@h/r.git@v1 --hash=sha256:00\n", "p @ \\\n git+https://h/r.git@{c} --hash=sha256:00\n"),
    ("p @ git+https://u:\\\np@h/r.git@v1\n", "p @ git+https://h/r.git@{c}\n"),
    ("https://u:p@h/r.git@v1\n", "https://h/r.git@{c}\n"),
]
ENVIRONMENT = {"TOKEN": "t", "ORG": "o", "REV": "v1", "SUFFIX": "@v1", "BASE": "git+https://u:p@h"}


@pytest.mark.parametrize(("text", "pinned"), REWRITTEN)
def test_rewrite_pins(text: str, pinned: str) -> None:
    file = scan(text, ENVIRONMENT)
    assert rewrite(text, file, {0: COMMIT}) == pinned.replace("{c}", COMMIT)


def test_rewrite_keeps_all_else() -> None:
    lines = [
        "\ufeff# https://u:p@h/ ",
        "--index-url='http://u:p@h/s/'",
        "",
        "requests>=2   # x",
        "a @ https://u:p@h/a.whl ; python_version>'3'",
        "",
    ]
    text = "\r\n".join(lines)
    kept = text.replace("'http://u:p@", "'http://").replace("@ https://u:p@", "@ https://")
    assert rewrite(text, scan(text, {}), {}) == kept


@pytest.mark.parametrize(
    "line",
    [
        "git+https://u:p/sekrit@h/r.git",
        "n==1 @ git+https://u:sekrit@h/r.git",
        "git+ssh://u:sekrit@h/r",
        "git+ssh://u:sekrit/w@h/r",
        '"-ihttp://u:sekrit@h/"',
        "-f http://u:'sekrit'@h/",
        "git+https://u:sekrit@h/r.git@a~1",
    ],
)
def test_rewrite_writes_no_password_of_an_unusable_line(line: str) -> None:
    assert "sekrit" not in rewrite(line, scan(line, {}), {})


def test_rewrite_refuses_a_commit_for_what_is_no_git_url() -> None:
    with pytest.raises(ValueError, match="only a Git requirement"):
        rewrite("requests\n", scan("requests\n", {}), {0: COMMIT})


FRAGMENTS = st.sampled_from(
    [
        "requests",
        ">=2",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\\\n",
        "\\",
        "#",
        " # c",
        "'",
        '"',
        "${A}",
        "-r",
        "-i",
        "--hash=sha256:00",
        "https://h/x.whl",
        "http://h/s/",
        ";",
        "python_version>'3'",
        "name @ ",
        "./x",
        "\ufeff",
        "\u2028",
        "=",
        "é",
        "--no-index",
    ]
)


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(FRAGMENTS, max_size=20).map("".join)))
def test_without_git_url_and_userinfo_rewriting_changes_nothing(text: str) -> None:
    try:
        file = scan(text, {"A": "x"})
    except ParseError as error:
        start, end = error.span
        assert 0 <= start <= end <= len(text)
        return
    for item in file.items:
        assert 0 <= item.span[0] <= item.span[1] <= len(text)
    if "@" not in text[text.find("://") :]:
        assert rewrite(text, file, {}) == text


@settings(deadline=None)
@given(
    st.lists(st.one_of(FRAGMENTS, st.sampled_from(["git+https://u:p@h/r.git@v1", "git+ssh://git@h/r "])), max_size=16)
)
def test_pinned_files_mean_the_same_at_the_commit(fragments: list[str]) -> None:
    text = "".join(fragments)
    try:
        file = scan(text, {"A": "x"})
    except ParseError:
        return
    git = {
        number: COMMIT
        for number, item in enumerate(file.items)
        if isinstance(item, RequirementItem) and item.requirement and isinstance(item.requirement.target, GitUrl)
    }
    again = scan(rewrite(text, file, git), {"A": "x"})
    assert len(again.items) == len(file.items)
    for number in git:
        before, after = file.items[number], again.items[number]
        assert isinstance(before, RequirementItem)
        assert isinstance(after, RequirementItem)
        assert before.requirement is not None
        assert after.requirement is not None
        assert isinstance(before.requirement.target, GitUrl)
        assert isinstance(after.requirement.target, GitUrl)
        assert after.requirement.target.rev == COMMIT
        assert after.requirement.target.identity() == before.requirement.target.identity()
        assert after.requirement.marker == before.requirement.marker
