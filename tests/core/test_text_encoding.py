"""The encoding of requirements files: as pip finds it, asked of pip itself; and what must not be taken for one."""

from __future__ import annotations

import codecs

import pytest
from pip._internal.req.constructors import install_req_from_line
from pip._internal.req.req_file import get_file_content

from git_helper.core.requirements_file import scan
from git_helper.core.requirements_rewrite import joined
from git_helper.core.text_encoding import decoded
from git_helper.errors import UsageError

TEXT = "# größe\r\ndemo==1.0  # ü\n"
FILES = {
    "utf-8": TEXT.encode(),
    "utf-8 with mark": codecs.BOM_UTF8 + TEXT.encode(),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16-be": codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
    "emacs": b"# -*- coding: latin-1 -*-\n" + TEXT.encode("latin-1"),
    "vim": b"# vim: set fileencoding=cp1252 :\n" + TEXT.encode("cp1252"),
    "second line": b"# x\n# coding: iso-8859-15\n" + TEXT.encode("iso-8859-15"),
    "third line": b"# x\n# y\n# coding: latin-1\n" + TEXT.encode(),
    "says utf-8": b"# coding: utf-8\n" + TEXT.encode(),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_pip_reads_the_same(content: bytes, tmp_path: object) -> None:
    path = f"{tmp_path}/requirements.txt"
    with open(path, "wb") as file:
        file.write(content)
    _, by_pip = get_file_content(path, session=None)  # type: ignore[arg-type]
    text = decoded(content, path)
    assert text.removeprefix("\ufeff") == by_pip
    assert [item.line for item in scan(text, {}).requirements] == [by_pip.count("\n")]


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_what_is_written_back_is_read_the_same(content: bytes, tmp_path: object) -> None:
    text = decoded(content, "x")
    path = f"{tmp_path}/back.txt"
    with open(path, "wb") as file:
        file.write(text.encode())
    assert get_file_content(path, session=None)[1] == text.removeprefix("\ufeff")  # type: ignore[arg-type]


def test_files_behind_one_another_have_no_mark_within() -> None:
    assert joined(["\ufeffa", "\ufeffb\n", "c"]) == "\ufeffa\nb\nc"
    assert joined(["\ufeffa"], at_start=False) == "a"
    assert joined([]) == ""
    assert install_req_from_line(joined(["x", "\ufeffdemo==1"]).split("\n")[1]).name == "demo"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# coding: nonsense\n", "'nonsense' is not known"),
        (b"# coding: rot13\n", "'rot13' is not known"),
        (b"# coding: unicode_escape\n\\n", "'unicode_escape' is not known"),
        (b"# coding: idna\n", "'idna' is not known"),
        (b"# coding: utf-7\n", "'utf-7' is not known"),
        (b"# coding: cp037\n", "'cp037' is not known"),
        (b"# coding: utf-16\nab", "'utf-16' is not known"),
        (b"# coding: ascii\n\xff", "line 2 is not ASCII"),
        (codecs.BOM_UTF16_LE + b"a", "line 1 is not UTF-16-LE"),
        (b"a\n\xff", "line 2 is not UTF-8"),
    ],
)
def test_what_is_none(content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        decoded(content, "x")
