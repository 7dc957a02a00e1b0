"""Which file is fetched for a requirement that is not Git, and what is left to the installer."""

from __future__ import annotations

import contextlib
import ssl
import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest

from git_helper.core.digests import DigestMismatch
from git_helper.core.indexes import Index
from git_helper.errors import NotFound, UsageError
from git_helper.net.session import Session
from git_helper.registry.artefact import Artefacts, Fetched
from git_helper.registry.artefact_cache import ArtefactCache
from git_helper.registry.client import Client
from git_helper.registry.indexes import Indexes
from git_helper.registry.pages import Pages
from git_helper.system import files
from git_helper.tasks.artefacts import Files
from git_helper.tasks.download import Left
from git_helper.tasks.gather import Wanted, gather
from tests.registry.file_server import FileServer, sha256

PYTHON = "3.12.1"


def wheel(text: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pkg.py", text)
    return packed.getvalue()


WHEEL, OTHER, SOURCE = wheel("1"), wheel("2"), b"source"
PAGE = (
    f'<a href="../../f/pkg-1.0-py3-none-any.whl#sha256={sha256(WHEEL)}">w</a>'
    f'<a href="../../f/pkg-1.0.tar.gz">s</a><a href="../../f/pkg-2.0.tar.gz" data-requires-python="&lt;3">s</a>'
)
ELSEWHERE = '<a href="../../f/other/pkg-1.0-1-py3-none-any.whl">w</a><a href="../../f/pkg-3.0.tar.gz">s</a>'


@pytest.fixture
def server() -> Iterator[FileServer]:
    content = {
        "/f/pkg-1.0-py3-none-any.whl": WHEEL,
        "/f/other/pkg-1.0-py3-none-any.whl": OTHER,
        "/f/other/pkg-1.0-1-py3-none-any.whl": OTHER,
        "/f/pkg-1.0.tar.gz": SOURCE,
        "/f/pkg-2.0.tar.gz": SOURCE,
        "/f/pkg-3.0.tar.gz": SOURCE,
        "/simple/pkg/": PAGE.encode(),
        "/more/pkg/": ELSEWHERE.encode(),
    }
    with FileServer(content) as server:
        server.headers = {"Content-Type": "text/html"}
        yield server


@contextlib.contextmanager
def no_progress(title: str) -> Iterator[Callable[[int, int | None], None]]:
    yield lambda received, total: None


Fetch = Callable[..., Fetched | Left]


@pytest.fixture
def fetch(server: FileServer, tmp_path: Path) -> Iterator[Fetch]:
    """`fetch(text, indexes)` for an argument; `fetch(text, indexes, in_file=True)` for a line of a file."""
    with Session(ssl.create_default_context(), 5.0) as session:
        client = Client(session)
        artefacts = Artefacts(client.get, ArtefactCache(str(tmp_path / "cache")))
        shared: list[Files] = []

        def fetch(text: str, indexes: Sequence[str] | None = ("simple",), *, in_file: bool = False) -> Fetched | Left:
            text = text.replace("URL", server.url)
            places = None
            if indexes is not None:
                places = Indexes([Index.parse(f"{server.url}/{one}/") for one in indexes], Pages(client))
            if not shared:
                shared.append(Files(artefacts, places, no_progress, PYTHON))
            return shared[0].fetch(wanted(text, in_file), str(tmp_path / "out"))

        def wanted(text: str, in_file: bool) -> Wanted:
            if not in_file:
                return gather([text], [], files.read, {}).wanted[0]
            (tmp_path / "r.txt").write_text(text)
            return gather([], [str(tmp_path / "r.txt")], files.read, {}).wanted[0]

        yield fetch


def content(done: Fetched | Left) -> bytes:
    assert isinstance(done, Fetched)
    return Path(done.path).read_bytes()


def test_a_url(fetch: Fetch) -> None:
    done = fetch("pkg @ URL/f/pkg-1.0.tar.gz", None)
    assert content(done) == SOURCE
    assert isinstance(done, Fetched)
    assert Path(done.path).name == "pkg-1.0.tar.gz"
    assert done.digests["sha256"] == sha256(SOURCE)


def test_the_digest_of_the_fragment_counts(fetch: Fetch) -> None:
    with pytest.raises(DigestMismatch):
        fetch(f"pkg @ URL/f/pkg-1.0.tar.gz#sha256={'0' * 64}")


GOOD, BAD = f"--hash=sha256:{sha256(SOURCE)}", f"--hash=sha256:{'0' * 64}"


def test_one_of_the_hash_options_has_to_be_met(fetch: Fetch) -> None:
    assert content(fetch(f"pkg @ URL/f/pkg-1.0.tar.gz {BAD} {GOOD}\n", in_file=True)) == SOURCE


def test_no_hash_option_is_met(fetch: Fetch) -> None:
    with pytest.raises(DigestMismatch):
        fetch(f"pkg @ URL/f/pkg-1.0.tar.gz {BAD}\n", in_file=True)


@pytest.mark.parametrize(
    "digest", ["sha256:zz", f"sha256:{'0' * 63}", f"sha256:{'g' * 64}", f"md5:{'0' * 32}", "sha256"]
)
def test_a_hash_that_can_match_nothing_is_said(fetch: Fetch, server: FileServer, digest: str) -> None:
    with pytest.raises(UsageError, match="cannot check"):
        fetch(f"pkg @ URL/f/pkg-1.0.tar.gz --hash={digest}\n", in_file=True)
    assert server.requests == []


def test_a_fragment_that_can_match_nothing_is_said(fetch: Fetch, server: FileServer) -> None:
    with pytest.raises(UsageError, match="cannot check 'sha256:zz'"):
        fetch("pkg @ URL/f/pkg-1.0.tar.gz#sha256=zz")
    assert server.requests == []


def test_a_wheel_of_another_project_is_refused(fetch: Fetch) -> None:
    with pytest.raises(UsageError, match="no file of 'other'"):
        fetch("other @ URL/f/pkg-1.0-py3-none-any.whl")


def test_a_pin_is_the_best_file_of_that_version(fetch: Fetch) -> None:
    assert content(fetch("pkg==1.0")) == WHEEL
    assert content(fetch("Pkg===1.0")) == WHEEL


def test_the_digest_of_the_page_counts(fetch: Fetch, server: FileServer) -> None:
    server.files["/f/pkg-1.0-py3-none-any.whl"] = OTHER
    with pytest.raises(DigestMismatch):
        fetch("pkg==1.0")


def test_the_first_index_that_has_it_wins(fetch: Fetch, server: FileServer) -> None:
    assert content(fetch("pkg==1.0", ("simple", "more"))) == WHEEL
    assert "/more/pkg/" not in [request.path for request in server.requests]
    assert content(fetch("pkg==3.0", ("simple", "more"))) == SOURCE


def test_no_file_for_this_python(fetch: Fetch) -> None:
    with pytest.raises(NotFound, match=r"'pkg==2.0' for Python 3\.12\.1 on this machine: none of 3 listed files fits"):
        fetch("pkg==2.0")


def test_no_such_project(fetch: Fetch) -> None:
    with pytest.raises(NotFound, match="'nothing'"):
        fetch("nothing==1.0")


@pytest.mark.parametrize("text", ["pkg", "pkg>=1.0", "pkg==1.*", "pkg>=1,==1.0", "pkg~=1.0"])
def test_no_version_is_chosen(fetch: Fetch, server: FileServer, text: str) -> None:
    with pytest.raises(UsageError, match="not pinned") as caught:
        fetch(text)
    assert caught.value.hint == "pin it: pkg==VERSION"
    left = fetch(text, in_file=True)
    assert isinstance(left, Left)
    assert (left.note or "").startswith("left to the installer: ")
    assert server.requests == []


def test_without_an_index_names_are_the_installers(fetch: Fetch, server: FileServer) -> None:
    assert fetch("pkg==1.0", None, in_file=True) == Left(None)
    with pytest.raises(UsageError, match="no index is named") as caught:
        fetch("pkg==1.0", None)
    assert caught.value.hint == "--index-url URL"
    assert server.requests == []


@pytest.mark.parametrize("text", ["pkg==1.0", "pkg @ URL/f/pkg-1.0.tar.gz"])
def test_what_is_for_other_machines_is_skipped(fetch: Fetch, server: FileServer, text: str) -> None:
    left = fetch(f"{text} ; python_version < '3'")
    assert isinstance(left, Left)
    assert (left.note or "").startswith("skipped '")
    assert server.requests == []
    assert isinstance(fetch(f"{text} ; python_version >= '3'"), Fetched)


def test_two_files_of_one_name_do_not_overwrite_each_other(fetch: Fetch) -> None:
    assert content(fetch("pkg @ URL/f/pkg-1.0-py3-none-any.whl")) == WHEEL
    with pytest.raises(UsageError, match=r"another requirement is to be 'pkg-1\.0-py3-none-any\.whl' too"):
        fetch("pkg @ URL/f/other/pkg-1.0-py3-none-any.whl")
    assert content(fetch("pkg @ URL/f/pkg-1.0-py3-none-any.whl")) == WHEEL
