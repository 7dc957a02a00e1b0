"""Half a URL where a path may stand."""

from __future__ import annotations

import pytest

from git_helper.core import given
from git_helper.core.mistyped import refuse_mistyped
from git_helper.core.parse_error import ParseError
from git_helper.core.requirements_file import scan
from git_helper.errors import UsageError

HALF = [
    "https:/u:sekrit@h/s",
    "HTTPS:u:sekrit@h/s",
    "name=https:/u:sekrit@h/s",
    "git+ssh:sekrit@h:s",
    "u:sekrit@h/s",
    "//u:sekrit@h/s",
    "//sekrit@h/s",
    ":sekrit@h/s",
]
OPTIONS = ["index-url", "extra-index-url", "find-links"]


@pytest.mark.parametrize("text", [*HALF, "ftp:/h/s", "u:@h/s", "https:h", "git+file:x"])
def test_refused(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        refuse_mistyped(text)
    assert caught.value.error == "invalid-url"
    assert "sekrit" not in str(caught.value.described())


@pytest.mark.parametrize("text", HALF)
@pytest.mark.parametrize("option", OPTIONS)
def test_neither_an_option_nor_a_file_shows_it(text: str, option: str) -> None:
    with pytest.raises(UsageError) as of_option:
        given.of_options({option: [text]})
    assert f"'--{option}'" in of_option.value.message
    with pytest.raises(ParseError) as of_file:
        scan(f"--{option} {text}\n", {})
    assert "sekrit" not in f"{of_option.value.message} {of_option.value.hint} {of_file.value.described()}"


@pytest.mark.parametrize(
    "text",
    [
        "https://u:p@h/s",
        "name=https://u:p@h/s",
        "file:x",
        "./u:p@h",
        "/srv/u:p@h",
        "a@b",
        "~/x@y:z",
        r"C:\a@b",
        "http-links",
        "x:y",
        "name=links",
        "//server/links",
    ],
)
def test_urls_and_paths(text: str) -> None:
    try:
        refuse_mistyped(text)
        refused = None
    except ParseError as error:
        refused = error.error
    assert refused is None


@pytest.mark.parametrize("text", HALF)
def test_what_is_no_host_is_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        given.of_options({"allow-http": [text]})
    assert "sekrit" not in caught.value.message
