"""The scripts of contributors start, say how they are used, and work in the small."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts._fuzz_targets import TARGETS, Target
from scripts.benchmarks._harness import BrokenSubjectError, Runner
from scripts.benchmarks._subject import INSTRUCTIONS, MEMORY, Figures, Goal, Subject, verdict
from scripts.benchmarks._table import table
from tests.support import ROOT

SCRIPTS = ("bench", "conformance", "demo", "fuzz")
WITH_HELP = ("bench", "conformance", "fuzz")


def script(name: str, *words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a script with the interpreter of these tests."""
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *words],
        capture_output=True,
        env={**os.environ, **environ},
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_executed(name: str) -> None:
    path = ROOT / "scripts" / name
    assert os.access(path, os.X_OK)
    assert path.read_bytes().startswith(b"#!/usr/bin/env python3\n")


@pytest.mark.parametrize("name", WITH_HELP)
def test_a_script_says_how_it_is_used(name: str) -> None:
    done = script(name, "--help")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(f"usage: {name} ".encode())


@pytest.mark.parametrize(
    ("words", "subject"),
    [
        (("bench", "frobnicate"), b"frobnicate"),
        (("fuzz", "frobnicate"), b"frobnicate"),
        (("conformance", "--git-source", "nowhere"), b"nowhere"),
        (("conformance",), b"--git-source"),
    ],
)
def test_a_wrong_word_is_said(words: tuple[str, ...], subject: bytes) -> None:
    done = script(*words)
    assert done.returncode == 2
    assert subject in done.stderr


def test_the_benchmarks_are_found_by_name() -> None:
    assert b"get" in script("bench", "--list").stdout.split()


def test_every_parser_is_fuzzed_for_a_moment(tmp_path: Path) -> None:
    done = script("fuzz", "--seconds", "0.01", "--seed", "1", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stdout.decode()
    said = done.stdout.decode().split("\n")
    assert [line.partition(":")[0] for line in said if line] == [target.name for target in TARGETS]
    assert list(tmp_path.iterdir()) == []


def test_a_kept_input_is_tried_again(tmp_path: Path) -> None:
    kept = tmp_path / "wire-0123456789ab"
    kept.write_bytes(b"protocol=https\n")
    assert b"no crash" in script("fuzz", "--replay", str(kept)).stdout


def test_a_broken_parser_is_noticed() -> None:
    def broken(module: object, data: bytes) -> None:
        data.decode("ascii")

    target = Target("broken", "git_helper.core.wire", broken, ())
    target.attempt(target.load(), b"plain")
    with pytest.raises(UnicodeDecodeError):
        target.attempt(target.load(), b"\xff")


@pytest.mark.skipif(os.name != "posix", reason="processes are measured with POSIX calls")
def test_a_process_is_measured(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    code = "import sys; b = bytearray(40 << 20); print(sys.stdin.read())"
    subject = Subject("echo", [sys.executable, "-I", "-c", code], {}, b"hello", b"hello")
    runner.prove(subject)
    assert 0 < runner.timed(subject) < 60
    assert runner.peak_memory(subject) - runner.memory_floor() > 30 << 20
    with pytest.raises(BrokenSubjectError):
        runner.prove(Subject("silent", [sys.executable, "-c", ""], {}, b"", b"something"))
    with pytest.raises(BrokenSubjectError):
        runner.prove(Subject("loud", [sys.executable, "-c", "print(1)"], {}, b"", b""))


def test_a_goal_is_judged_in_its_own_unit() -> None:
    figures = {
        "slow": Figures([0.3, 0.2, 0.4], 150, 20 << 20),
        "base": Figures([0.1, 0.2, 0.2], 100, None),
    }

    def judged(goal: Goal) -> bool | None:
        return verdict(goal, figures["slow"], figures).met

    assert [judged(Goal(limit, "base")) for limit in (1.4, 1.6)] == [False, True]
    assert [judged(Goal(limit, "base", INSTRUCTIONS)) for limit in (1.4, 1.6)] == [False, True]
    assert [judged(Goal(limit, None, MEMORY)) for limit in (19, 21)] == [False, True]
    assert judged(Goal(1, "base", MEMORY)) is None
    assert judged(Goal(1, "absent")) is None


def test_a_missed_goal_is_named_beside_the_figures() -> None:
    subjects = [Subject("base", [], {}), Subject("slow", [], {}, goals=(Goal(1.5, "base"),))]
    figures = {"base": Figures([0.010], None, 1 << 20), "slow": Figures([0.020], None, 3 << 20)}
    lines, judged = table(subjects, figures, base="base", floor=2 << 20)
    assert lines[2].startswith("| base | 10.0 (10.0 to 10.0) | 1.00 |")
    assert "2.00" in lines[3]
    assert [one.met for one in judged] == [False]
    assert judged[0].sentence.startswith("slow: ")
