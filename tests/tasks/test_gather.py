"""Arguments and requirements files, read from a real disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_helper.core.parse_error import ParseError
from git_helper.errors import GitHelperError, NotFound, UsageError
from git_helper.system import files
from git_helper.tasks.gather import Gathered, gather


def gathered(*paths: Path | str, arguments: tuple[str, ...] = ()) -> Gathered:
    return gather(arguments, [str(path) for path in paths], files.read, os.environ)


def texts(found: Gathered) -> list[str]:
    return [wanted.text for wanted in found.wanted]


def test_arguments_first_then_files_each_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n-r b.txt\nthree\n")
    (tmp_path / "b.txt").write_text("two\n-r a.txt\n-c c.txt\n")
    (tmp_path / "c.txt").write_text("limit < 3\n")
    (tmp_path / "d.txt").write_text("four\n")
    found = gathered(tmp_path / "a.txt", tmp_path / "d.txt", tmp_path / "sub/../b.txt", arguments=("zero",))
    assert texts(found) == ["zero", "one", "two", "three", "four"]
    assert [Path(source.path).name for source in found.sources] == ["a.txt", "d.txt"]
    below = found.sources[0].included
    assert [one and Path(one.path).name for one in below.values()] == ["b.txt"]
    assert [one and list(one.included.values()) for one in below.values()] == [[None]]


def test_a_file_is_one_file_by_whatever_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "link.txt").symlink_to("a.txt")
    assert texts(gathered(tmp_path / "a.txt", tmp_path / "link.txt")) == ["one"]


def test_an_unusable_line_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\n\n# comment\ngit+https://u:secret/x@h/r.git\ntwo\n")
    found = gathered(path)
    assert [wanted.error is None for wanted in found.wanted] == [True, False, True]
    error = found.wanted[1].error
    assert error is not None
    assert error.message.startswith(f"line 4 of '{path}': cannot use ")
    assert "secret" not in error.message


def test_an_unusable_option_ends_it_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-r b.txt\n")
    (tmp_path / "b.txt").write_text("one\n--index-url https://u:p%0a@h/\n")
    with pytest.raises(ParseError) as caught:
        gathered(tmp_path / "a.txt")
    assert caught.value.message.startswith(f"line 2 of '{tmp_path / 'b.txt'}': ")


def test_warnings_are_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("a @ https://${NOBODY}@h/a.whl\nb @ https://${NOBODY}@h/b.whl\n-r b.txt\n")
    (tmp_path / "b.txt").write_text("c @ https://${NOBODY}@h/c.whl\n")
    assert len(gathered(tmp_path / "a.txt").warnings) == 1
    monkeypatch.setenv("NOBODY", "somebody")
    assert gathered(tmp_path / "a.txt").warnings == ()


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert [str(wanted.requirement and wanted.requirement.name) for wanted in gathered(tmp_path / "a.txt").wanted] == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"-r none.txt\n", NotFound, "cannot find"),
        (b"-r https://h/a.txt\n", UsageError, "it is a URL"),
        (b"one\ntwo \xff\n", UsageError, "line 2 is not UTF-8"),
        (b"-r sub\n", GitHelperError, "cannot read"),
        (b'-r "a\0b"\n', GitHelperError, "cannot"),
        (b"-r " + b"a" * 5000 + b"\n", GitHelperError, "cannot"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes, error: type[GitHelperError], says: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(error, match=says):
        gathered(tmp_path / "a.txt")


def test_files_that_name_each_other_in_a_long_chain_are_refused(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(UsageError, match="files already"):
        gathered(tmp_path / "0.txt")


def test_nothing_at_all_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        gathered()
    (tmp_path / "a.txt").write_text("# nothing\n")
    assert texts(gathered(tmp_path / "a.txt")) == []
