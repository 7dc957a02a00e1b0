"""A private index that other people wrote (pypiserver), from the login to what pip installs."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import CANARY, download, everything_below, leaks, on_path, run
from tests.registry.world import PipKeyring
from tests.servers.packages import sdist, wheel
from tests.servers.pypi_server import PypiServer, pypi_server
from tests.support import BIN, ROOT

USER = "ada"
WHEEL, WHEEL_BYTES = wheel("greeting", "1.0", {"greeting.py": "VERSION = '1.0'\n"})
SOURCE, SOURCE_BYTES = sdist("farewell", "2.5")
SHA256 = hashlib.sha256(WHEEL_BYTES).hexdigest()
OTHER = wheel("greeting", "1.1", {"greeting.py": "VERSION = '1.1'\n"})
WINDOWS = ("greeting-1.0-1-cp27-none-win32.whl", b"not for this machine")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


@pytest.fixture(scope="module")
def private(folder: Path) -> Iterator[PypiServer]:
    files = dict([(WHEEL, WHEEL_BYTES), (SOURCE, SOURCE_BYTES), OTHER, WINDOWS])
    with pypi_server(folder / "private", files, USER, CANARY) as server:
        yield server


@pytest.fixture(scope="module")
def second(folder: Path) -> Iterator[PypiServer]:
    """Another one, with another password and one more project."""
    extra = wheel("extra", "3.0", {"extra.py": ""})
    with pypi_server(folder / "second", dict([extra, (SOURCE, b"another farewell")]), USER, "another") as server:
        yield server


def log_in(server: PypiServer, password: str = CANARY) -> int:
    done = run("login", server.url, "--username", USER, "--with-token", stdin=f"{password}\n".encode())
    assert not leaks(done.stdout + done.stderr, CANARY)
    return done.returncode


def write_netrc(home: Path, password: str) -> None:
    (home / ".netrc").write_text(f'machine 127.0.0.1 login {USER} password "{password}"\n')
    (home / ".netrc").chmod(0o600)


def pip_install(found: Path, site: Path, *words: str) -> None:
    """By the real pip, from a folder and from nowhere else."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("'pip' is not installed")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        "--find-links",
        found,
        "--target",
        site,
        *words,
    ]
    done = subprocess.run(command, env=os.environ, capture_output=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr.decode()


def version_of(module: str, site: Path) -> str:
    words = [sys.executable, "-S", "-c", f"import {module}; print({module}.VERSION)"]
    return subprocess.run(words, cwd=site, capture_output=True, check=True).stdout.decode().strip()


def test_from_the_login_to_an_import(private: PypiServer, home: Path, tmp_path: Path) -> None:
    refused = run("index", private.url, "--project", "greeting")
    assert refused.returncode == 3
    assert b"netrc, file" in refused.stderr
    assert log_in(private) == 0

    listed = run("index", private.url)
    assert (listed.returncode, listed.stdout.decode().split()) == (0, ["farewell", "greeting"])
    (listing,) = json.loads(run("index", private.url, "--project", "Greeting", "--json").stdout)
    hashes = {file["filename"]: file["hashes"] for file in listing["files"]}
    assert set(hashes) == {WHEEL, OTHER[0], WINDOWS[0]}
    assert hashes[WHEEL] == {"sha256": SHA256}

    requirements, out = tmp_path / "requirements.txt", tmp_path / "out"
    requirements.write_text(f"--index-url {private.url}\ngreeting==1.0 --hash=sha256:{SHA256}\nfarewell==2.5\n")
    resolved = run("resolve", "-r", requirements)
    assert resolved.returncode == 0, resolved.stderr.decode()
    done = run("download", "-r", requirements, "-d", out)
    assert done.returncode == 0, done.stderr.decode()
    assert [Path(line) for line in done.stdout.decode().splitlines()] == [out / WHEEL, out / SOURCE]
    assert ((out / WHEEL).read_bytes(), (out / SOURCE).read_bytes()) == (WHEEL_BYTES, SOURCE_BYTES)

    pip_install(out, tmp_path / "site", "greeting==1.0", "farewell")
    assert (version_of("greeting", tmp_path / "site"), version_of("farewell", tmp_path / "site")) == ("1.0", "2.5")
    assert not leaks(everything_below(home, tmp_path, without=("credentials",)) + done.stdout + done.stderr, CANARY)


def test_one_refusal_for_all_files(private: PypiServer, home: Path, tmp_path: Path) -> None:
    write_netrc(home, CANARY)
    before = len(private.asked())
    words = ["--index-url", private.url, "greeting==1.0", "farewell==2.5"]
    assert len(download(*words, into=tmp_path / "one")) == 2
    asked = private.asked(before + 5)[before:]
    assert sorted(status for _, status in asked) == [200] * 4 + [401]
    assert len(download(*words, into=tmp_path / "two")) == 2
    again = private.asked(before + 5 + 3)[before + 5 :]
    assert len(again) == 3  # the files are known by their digests


def test_a_user_in_the_url_is_never_refused(private: PypiServer, home: Path, tmp_path: Path) -> None:
    write_netrc(home, CANARY)
    before = len(private.asked())
    url = private.url.replace("http://", f"http://{USER}@")
    done = run("download", "--index-url", url, "-d", tmp_path, "greeting==1.1")
    assert done.returncode == 0, done.stderr.decode()
    assert [status for _, status in private.asked(before + 2)[before:]] == [200, 200]


def test_the_file_for_this_machine(private: PypiServer, home: Path, tmp_path: Path) -> None:
    """A build number would win, were its tag not another machine's; and an index that has the version is enough."""
    write_netrc(home, CANARY)
    done = run("download", "--index-url", private.url, "-d", tmp_path, "greeting==1.0", "--json")
    (found,) = json.loads(done.stdout)
    assert found["path"] == str(tmp_path / WHEEL)
    assert found["hashes"]["sha256"] == SHA256
    missing = run("download", "--index-url", private.url, "-d", tmp_path, "greeting==7.0")
    assert missing.returncode == 6


def test_two_indexes_each_with_its_own_credential(private: PypiServer, second: PypiServer, tmp_path: Path) -> None:
    assert (log_in(private), log_in(second, "another")) == (0, 0)
    both = ["--index-url", private.url, "--extra-index-url", second.url]
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("greeting==1.0\nextra==3.0\nfarewell==2.5\n")
    resolved = run("resolve", "-r", requirements, *both)
    assert resolved.returncode == 0, resolved.stderr.decode()
    done = run("download", "-r", requirements, "-d", tmp_path / "out", *both)
    assert done.returncode == 0, done.stderr.decode()
    # The first index that has the version wins.
    assert (tmp_path / "out" / SOURCE).read_bytes() == SOURCE_BYTES
    assert (tmp_path / "out" / "extra-3.0-py3-none-any.whl").is_file()


def test_a_wrong_password(private: PypiServer, home: Path, tmp_path: Path) -> None:
    assert log_in(private, "wrong") == 4
    assert json.loads(run("list", "--json").stdout) == []
    write_netrc(home, "wrong")
    before = len(private.asked())
    for words in (
        ("index", private.url, "--project", "greeting"),
        ("download", "--index-url", private.url, "-d", tmp_path / "out", "greeting==1.0"),
    ):
        done = run(*words)
        assert done.returncode == 4, done.stderr.decode()
        assert b"netrc" in done.stderr
        assert b"wrong" not in done.stdout + done.stderr
    assert [status for _, status in private.asked(before + 4)[before:]] == [401, 403] * 2  # bare, then once
    assert not (tmp_path / "out").exists()


def test_a_wrong_digest(private: PypiServer, home: Path, tmp_path: Path) -> None:
    write_netrc(home, CANARY)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"greeting==1.0 --hash=sha256:{'0' * 64}\n")
    done = run("download", "--index-url", private.url, "-r", requirements, "-d", tmp_path / "out")
    assert done.returncode == 4
    assert SHA256.encode() in done.stderr
    assert not (tmp_path / "out" / WHEEL).exists()


def test_the_keyring_of_pip(private: PypiServer, home: Path, tmp_path: Path) -> None:
    """What pip keeps under host:port."""
    path = PipKeyring.path()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({PipKeyring.key(private.netloc, USER): CANARY}))
    env = {"PYTHON_KEYRING_BACKEND": "tests.registry.world.PipKeyring", "PYTHONPATH": str(ROOT)}
    env["PATH"] = on_path(BIN)
    out = tmp_path / "out"
    assert run("download", "--index-url", private.url, "-d", out, "greeting==1.0", env=env).returncode == 3
    url = private.url.replace("http://", f"http://{USER}@")
    for provider in ("import", "subprocess"):
        before = len(private.asked())
        words = ["--keyring-provider", provider, "--index-url", url, "--cache-dir", str(tmp_path / provider)]
        done = run("download", *words, "-d", tmp_path / provider / "out", "greeting==1.0", env=env)
        assert done.returncode == 0, done.stderr.decode()
        assert (tmp_path / provider / "out" / WHEEL).read_bytes() == WHEEL_BYTES
        assert [status for _, status in private.asked(before + 2)[before:]] == [200, 200]


def test_a_url_of_a_file(private: PypiServer, home: Path, tmp_path: Path) -> None:
    write_netrc(home, CANARY)
    url = f"http://{private.netloc}/packages/{WHEEL}"
    done = run("download", "-d", tmp_path, f"greeting @ {url}#sha256={SHA256}")
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / WHEEL).read_bytes() == WHEEL_BYTES
