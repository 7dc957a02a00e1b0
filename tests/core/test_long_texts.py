"""What others wrote costs time by its length, never by the square of it: these took minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from git_helper.core import netrc, requirements_file, urlmatch
from git_helper.core.credential import Origin
from git_helper.core.git_values import boolean, integer
from git_helper.core.no_proxy import is_exempt
from git_helper.core.redaction import redact
from git_helper.secret import MASK

_SIZE = 40_000


def seconds_of(work: Callable[[], object]) -> float:
    """Of the processor, so that a busy machine changes nothing."""
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.parametrize("text", ["%" * _SIZE, "x-" * (_SIZE // 2), "a:" * (_SIZE // 2)])
def test_redacting_long_runs(text: str) -> None:
    assert seconds_of(lambda: redact(text)) < 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("%41da:hunter2@good.example", f"%41da:{MASK}@good.example"),
        ("at /%41da:hunter2@good.example", f"at /%41da:{MASK}@good.example"),
        ("x-deploy-token: hunter2", f"x-deploy-token: {MASK}"),
    ],
)
def test_what_looks_like_a_secret_is_masked_as_before(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize("line", ["a{}b", "a[{}b", "a [x{}b", "a @ https://good.example/x.whl ;{}b"])
def test_blanks_in_a_requirement(line: str) -> None:
    assert seconds_of(lambda: requirements_file.scan(line.format(" " * _SIZE), {})) < 2


def test_a_netrc_of_many_entries() -> None:
    text = b"".join(b"machine h%d.example login u password p%d\n" % (count, count) for count in range(12_000))
    assert seconds_of(lambda: netrc.parse(text)) < 3
    with pytest.raises(netrc.NetrcError, match="line 12001: 'machine' has no value"):
        netrc.parse(text + b"machine")


@pytest.mark.parametrize("path", ["a/", "./", "a/../", "/", "%41"])
def test_the_path_of_a_url_that_patterns_are_matched_with(path: str) -> None:
    url = b"https://good.example/" + path.encode() * (_SIZE // 2)
    assert seconds_of(lambda: urlmatch.match_text(url, b"https://good.example/")) < 1


def test_numbers_of_more_digits_than_python_reads() -> None:
    assert integer("1" * 5000) is None
    assert boolean("1" * 5000) is None
    assert not is_exempt(Origin(b"https", b"good.example", 443), "good.example:" + "4" * 5000)
