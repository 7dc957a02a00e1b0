"""Arguments and requirements files, read from a real disk."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from git_helper.core.giturl import GitUrl
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import GitHelperError, NotFound, UsageError
from git_helper.registry.text_file import TextFile
from git_helper.system import files
from git_helper.tasks.gather import Gathered, gather, read_file


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


def test_variables_in_the_urls_of_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    monkeypatch.setenv("BAD", "a/sekrit")
    words = ("a @ git+https://${TOKEN}@h/${ORG}/a.git # why", "b @ https://h/${TOKEN}.whl", "git+https://u:${BAD}@h/c")
    found = gathered(arguments=words)
    assert texts(found) == list(words)
    targets = [one.requirement and one.requirement.target for one in found.wanted]
    assert isinstance(targets[0], GitUrl)
    assert targets[0].clone_url.reveal() == b"https://t0ken@h/$%7BORG%7D/a.git"
    assert str(targets[1]) == "https://h/t0ken.whl"
    assert targets[2] is None
    assert "sekrit" not in str(found.wanted[2].error)
    assert found.warnings == ("ORG is not set",)


def test_a_variable_may_be_the_whole_url_or_a_path_of_an_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U", "git+https://tok@h/r.git@v1")
    monkeypatch.setenv("D", "a b")
    found = gathered(arguments=("${U}", " name @ ${U} # why", "./${D}/p # c", "${PROJECT_ROOT}/p"))
    targets = [one.requirement and one.requirement.target for one in found.wanted]
    assert [isinstance(one, GitUrl) for one in targets] == [True, True, False, False]
    assert targets[2:] == ["./a b/p", f"{os.getcwd()}/p"]


@pytest.mark.parametrize(
    "text", ["x @ ${TOKEN}", "${TOKEN}", "x @ git+https://h/r.git@${TOKEN}~1", "x @ https:/h/${TOKEN}"]
)
def test_no_message_about_an_argument_shows_a_value(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    (error,) = [one.error for one in gathered(arguments=(text,)).wanted]
    assert error is not None
    assert "t0ken" not in str(error.described())
    assert "${TOKEN}" in error.message


def test_what_is_wrong_in_a_constraint_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n-c c.txt\ntwo\n")
    (tmp_path / "c.txt").write_text("limit < 3\n-r d.txt\n")
    (tmp_path / "d.txt").write_text("other < 3\n\n=sekrit\n")
    found = gathered(tmp_path / "a.txt")
    assert [one.requirement and one.requirement.name for one in found.wanted] == ["one", None, "two"]
    error = found.wanted[1].error
    assert error is not None
    assert error.message.startswith(f"line 3 of '{tmp_path / 'd.txt'}': cannot use it")


def test_a_file_that_limits_may_be_wanted_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("-c b.txt\n-c b.txt\n-r b.txt\n")
    (tmp_path / "b.txt").write_text("one\n")
    found = gathered(tmp_path / "a.txt")
    assert texts(found) == ["one"]
    assert [below and below.text for below in found.sources[0].included.values()] == ["one\n"]


@pytest.mark.parametrize("text", ["https:/u:sekrit@h/r.txt", "u:sekrit@h/r.txt", "//u:sekrit@h/r.txt"])
def test_half_a_url_is_no_file(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        gathered(text)
    assert "sekrit" not in f"{caught.value.message} {caught.value.hint}"


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
        (b"\n-r none.txt\n", NotFound, "none.txt', named in line 2 of '.*a.txt'"),
        (b"-c bad.txt\n", UsageError, "line 1 is not UTF-8.*, named in line 1 of '.*a.txt'"),
        (b"-r https://h/a.txt\n", UsageError, "it is a URL"),
        (b"one\ntwo \xff\n", UsageError, "line 2 is not UTF-8"),
        (b"-r sub\n", GitHelperError, "cannot read.*, named in line 1"),
        (b'-r "a\0b"\n', GitHelperError, "cannot"),
        (b"-r " + b"a" * 5000 + b"\n", GitHelperError, "cannot"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes, error: type[GitHelperError], says: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(error) as caught:
        gathered(tmp_path / "a.txt")
    assert re.search(says, caught.value.message)


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


class Web:
    """Files on servers, by URL without userinfo; writes down what it was asked for."""

    def __init__(self, **files: str) -> None:
        self.files = {f"https://h.example/d/{name}.txt": text for name, text in files.items()}
        self.asked: list[str] = []

    def __call__(self, url: PlainUrl) -> TextFile:
        self.asked.append(url.text.reveal().decode())
        if url.safe_url not in self.files:
            raise NotFound(f"cannot find '{url.safe_url}'")
        return TextFile(self.files[url.safe_url].encode(), url.safe_url, url.safe_url)

    def gathered(self, *paths: Path | str) -> Gathered:
        return gather((), [str(path) for path in paths], files.read, os.environ, self)


def test_files_on_servers_are_read_once_and_nested_ones_beside_them(tmp_path: Path) -> None:
    web = Web(a="one\n-r b.txt\n-c ../d/c.txt\n", b="two\n-r https://u:p@h.example/d/a.txt#x\n", c="limit<1\n")
    (tmp_path / "local.txt").write_text("zero\n-r https://u:p@h.example/d/a.txt\nthree\n")
    found = web.gathered(tmp_path / "local.txt", "https://h.example/d/b.txt")
    assert texts(found) == ["zero", "one", "two", "three"]
    assert web.asked == [
        "https://u:p@h.example/d/a.txt",
        "https://h.example/d/b.txt",
        "https://h.example/d/c.txt",
    ]
    assert [source.path for source in found.files[1:]] == [f"https://h.example/d/{name}.txt" for name in "abc"]
    (below,) = found.sources[0].included.values()
    assert below is found.files[1]


def test_who_writes_a_file_on_a_server_learns_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "sekrit")
    web = Web(a="x @ https://h.example/${TOKEN}/x.whl\n-r ${TOKEN}.txt\n", **{"${TOKEN}": "y\n--trusted-host h\n"})
    web.files["https://h.example/d/$%7BTOKEN%7D.txt"] = web.files["https://h.example/d/${TOKEN}.txt"]
    found = web.gathered("https://h.example/d/a.txt")
    assert [source.path for source in found.files][1].endswith("TOKEN}.txt")
    assert "sekrit" not in str(web.asked) + repr(found)
    where = "'https://h.example/d/a.txt' stays as it is: only files of this machine may use variables"
    assert found.warnings == (f"${{TOKEN}} in {where}", "--trusted-host in a file is ignored")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-r file:///etc/passwd", "a file from a server cannot name one of this machine"),
        ("-c file:///etc/passwd", "a file from a server cannot name one of this machine"),
        ("-r none.txt", "cannot find 'https://h.example/d/none.txt', named in line 1 of 'https://h.example/d/a.txt'"),
        ("-e git+https://h/r.git", "line 1 of 'https://h.example/d/a.txt'"),
    ],
)
def test_what_a_file_on_a_server_cannot_name(text: str, says: str) -> None:
    with pytest.raises(GitHelperError) as caught:
        Web(a=f"{text}\n").gathered("https://h.example/d/a.txt")
    assert says in caught.value.message


def test_a_file_by_its_url(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("one\n")
    (tmp_path / "c.txt").write_text(f"-r {(tmp_path / 'a b.txt').as_uri()}\n")
    assert texts(gathered((tmp_path / "a b.txt").as_uri())) == ["one"]
    assert texts(gathered(tmp_path / "c.txt")) == ["one"]


def test_nothing_of_a_file_that_another_one_names_is_shown(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("-r netrc\n")
    (tmp_path / "netrc").write_text("machine good.example login u password hunter2\n")
    found = gather([], [str(tmp_path / "r.txt")], read_file, {})
    (error,) = [one.error for one in found.wanted if one.error is not None]
    assert "line 1 of" in error.message
    assert "hunter2" not in f"{error.message} {error.hint}"


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("-r /dev/zero\n")
    with pytest.raises(UsageError, match="'/dev/zero': it has more than"):
        gather([], [str(tmp_path / "r.txt")], read_file, {})
