"""Where to look for packages: options, files and settings in one list."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from git_helper.core.indexes import Described, Index
from git_helper.core.parse_error import ParseError
from git_helper.core.plain_url import PlainUrl
from git_helper.errors import UsageError
from git_helper.registry.local_place import LocalPlace, Location
from git_helper.registry.text_file import TextFile
from git_helper.system import files
from git_helper.tasks.gather import Gathered, gather
from git_helper.tasks.index_locations import Configured, index_locations, location


def gathered(path: Path, text: str, **others: str) -> Gathered:
    path.write_text(text)
    for name, content in others.items():
        (path.parent / f"{name}.txt").write_text(content)

    def fetch(url: PlainUrl) -> TextFile:
        return TextFile(others[url.filename].encode(), url.safe_url, url.safe_url)

    return gather((), [str(path)], files.read, {}, fetch)


def shown(locations: list[Location]) -> list[tuple[str, str]]:
    return [(one.kind, one.url if isinstance(one, Index) else one.path) for one in locations]


def test_everything_in_order_and_each_once(tmp_path: Path) -> None:
    found = gathered(
        tmp_path / "a.txt",
        "-i https://u:p@file.example/\n--extra-index-url=https://extra.example/ -f links -r b.txt\n",
        b="--pypi-url https://u:p@file.example/\n--extra-index-url https://extra.example/\n-f https://h/l.html -c c.txt\n",
        c="-f /abs\n",
    )
    configured = Configured("https://env.example/", ["https://more.example/"], ["here"])
    assert shown(index_locations(configured, found.files)) == [
        ("index", "https://u:p@file.example/"),
        ("index", "https://extra.example/"),
        ("index", "https://more.example/"),
        ("find-links", str(tmp_path / "links")),
        ("find-links", "https://h/l.html"),
        ("find-links", "/abs"),
        ("find-links", str(Path.cwd() / "here")),
    ]


def test_an_option_comes_before_files_and_files_before_the_rest(tmp_path: Path) -> None:
    found = gathered(tmp_path / "a.txt", "-i https://file.example/\n--extra-index-url https://f.example/\n")
    values = ("https://other.example/", ["https://o.example/"])
    option = Configured(*values, from_option=frozenset({"index-url", "extra-index-url"}))
    assert [url for _, url in shown(index_locations(option, found.files))] == [
        "https://other.example/",
        "https://o.example/",
        "https://f.example/",
    ]
    assert [url for _, url in shown(index_locations(Configured(*values), found.files))] == [
        "https://file.example/",
        "https://f.example/",
        "https://o.example/",
    ]
    assert [url for _, url in shown(index_locations(Configured(*values)))] == [values[0], *values[1]]
    assert index_locations(Configured(*values).only_options()) == []
    assert len(index_locations(option.only_options())) == 2


def test_no_index_leaves_the_links(tmp_path: Path) -> None:
    text = "--extra-index-url https://x.example/\n-f https://h/l/\n"
    for found, configured in (
        (gathered(tmp_path / "a.txt", text), Configured("https://e.example/", no_index=True)),
        (gathered(tmp_path / "b.txt", text + "--no-index\n"), Configured("https://e.example/")),
    ):
        assert shown(index_locations(configured, found.files)) == [("find-links", "https://h/l/")]


def test_files_that_name_different_indexes_are_refused(tmp_path: Path) -> None:
    found = gathered(
        tmp_path / "a.txt", "-i https://u:sekrit@a.example/\n-r b.txt\n", b="\n-i https://u:sekrit@b.example/\n"
    )
    with pytest.raises(ParseError) as caught:
        index_locations(Configured(), found.files)
    assert (caught.value.error, caught.value.details["line"]) == ("duplicate-index-url", 2)
    assert f"line 2 of '{tmp_path}/b.txt'" in caught.value.message
    assert f"'{tmp_path}/a.txt' names another index" in caught.value.message
    assert "sekrit" not in caught.value.message


def test_what_is_relative_in_a_file_on_a_server_is_on_that_server(tmp_path: Path) -> None:
    nested = {"r.txt": "-f links/ -f ../l.html -f /etc\n-r sub/s.txt\n", "s.txt": "-f x\n-i https://i.example/\n"}
    found = gathered(tmp_path / "a.txt", "-r https://u:p@h.example/d/r.txt\n", **nested)
    assert [url for _, url in shown(index_locations(Configured(), found.files))] == [
        "https://i.example/",
        "https://h.example/d/links/",
        "https://h.example/l.html",
        "https://h.example/etc",
        "https://h.example/d/sub/x",
    ]


def test_a_file_on_a_server_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    found = gathered(tmp_path / "a.txt", "-r https://h.example/r.txt\n", **{"r.txt": "-f file:///etc\n"})
    with pytest.raises(UsageError, match="cannot name one of this machine"):
        index_locations(Configured(), found.files)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("file:///a%20b/c", LocalPlace("/a b/c")),
        ("FILE:/a", LocalPlace("/a")),
        ("/a/../b", LocalPlace("/b")),
        ("~/x", LocalPlace(str(Path("~/x")))),
    ],
)
def test_a_place_of_this_machine(text: str, expected: LocalPlace) -> None:
    path = str(Path(expected.path).expanduser())
    assert location(text, "find-links") == LocalPlace(path)


@pytest.mark.parametrize("text", ["", "a\0b", "ftp://h/x", "https://u:p/w@h/", "https://h/%0a"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        location(text, "index")
    assert "p/w" not in caught.value.message


@pytest.mark.parametrize("kind", ["index", "find-links"])
@pytest.mark.parametrize("written", ["https:/u:sekrit@h/", "u:sekrit@h/", Described("https:/u:sekrit@h/")])
def test_half_a_url_is_no_path(written: str | Described, kind: Literal["index", "find-links"]) -> None:
    with pytest.raises(ParseError) as caught:
        location(written, kind)
    assert "sekrit" not in f"{caught.value.message} {caught.value.hint}"
