"""`-e` in requirements files."""

from __future__ import annotations

import pytest

from git_helper.core.parse_error import ParseError
from git_helper.core.requirements_file import scan


@pytest.mark.parametrize(
    ("line", "folders"),
    [
        ("-e ./p ; python_version > '3'", ["./p"]),
        ("-e ./p; python_version > '3' # c", ["./p"]),
        ("-e './a b' ; python_version > '3'", ["./a b"]),
        ("--editable=name @ ./p", ["./p"]),
        ("-e name[x] @ ./p ; python_version > '3'", ["./p"]),
        ("-e name@ ./p", ["./p"]),
        ("-e ./p -e ./q ; os_name == 'x' --pre", ["./p", "./q"]),
        ("-e file:///p", ["file:///p"]),
    ],
)
def test_folder(line: str, folders: list[str]) -> None:
    found = [option for option in scan(line, {}).options if option.name == "--editable"]
    assert [str(option.value or option.url) for option in found] == folders
    assert [line[slice(*option.span)].strip("'") for option in found] == folders


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("-e name @ git+https://h/r.git", "editable-git-unsupported"),
        ("-e name[x] @ git+https://h/r.git@v1 ; python_version > '3'", "editable-git-unsupported"),
        ("-e 'name @ git+https://h/r.git'", "editable-git-unsupported"),
        ("-e https://h/r.git@v1", "editable-git-unsupported"),
        ("-e https://h/r.git/#egg=r", "editable-git-unsupported"),
        ("-e ssh://git@h/r", "editable-git-unsupported"),
        ("-e git://h/r", "editable-git-unsupported"),
        ("-e git@h:o/r", "editable-git-unsupported"),
        ("-e name @ git@h:o/r", "editable-git-unsupported"),
        ("-e HG+https://h/r", "editable-git-unsupported"),
        ("-e ${U}", "editable-git-unsupported"),
        ("-e https://h/x.whl", "editable-url-unsupported"),
        ("-e name @ http://h/x.zip", "editable-url-unsupported"),
        ("-e ./p ; nonsense", "invalid-requirement"),
        ("-e ./p junk", "unknown-option"),
        ("-e name @", "unknown-option"),
        ("-e", "missing-value"),
    ],
)
def test_unusable(line: str, error: str) -> None:
    with pytest.raises(ParseError) as caught:
        scan(f"pkg\n{line}\n", {"U": "git+https://h/r.git"})
    assert (caught.value.error, caught.value.details["line"]) == (error, 2)


@pytest.mark.parametrize("place", ["git+https://u:sekrit@h/r", "ssh://u:sekrit@h/r", "https://u:sekrit@h/x.whl"])
def test_no_secret_is_shown(place: str) -> None:
    for line in (f"-e {place}", f"-e name @ {place}", f"-e {place} ; nonsense"):
        with pytest.raises(ParseError) as caught:
            scan(line, {})
        assert "sekrit" not in str(caught.value.described())
