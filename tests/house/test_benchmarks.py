"""What `make bench` says: goals are judged rightly, failures are no speed, repositories are what they should be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scripts.benchmarks._harness import Bench, BrokenSubjectError, Runner
from scripts.benchmarks._installation import Installation
from scripts.benchmarks._materials import packed_size, source_files, tree_repository
from scripts.benchmarks._subject import ABOVE, TIME, TIMES, Figures, Goal, Subject, Verdict, verdict
from scripts.benchmarks._table import summary
from scripts.benchmarks.growth import is_linear
from tests.servers.isolated import environment, git
from tests.servers.repositories import python_project, resolve

posix = pytest.mark.skipif(os.name != "posix", reason="processes are measured with POSIX calls")
FIGURES = {
    "ours": Figures([0.30]),
    "git": Figures([0.20]),
    "ours, 1 file": Figures([0.15]),
    "git, 1 file": Figures([0.05]),
    "slow": Figures([9.0], None, 30 << 20),
    "small": Figures([0.01], None, 10 << 20),
}
STARTS = ("ours, 1 file", "git, 1 file")


@pytest.mark.parametrize(
    ("goal", "said", "met"),
    [
        # (0.30 - 0.15) / (0.20 - 0.05) = 1, and 0.30 / 0.20 = 1.5
        (Goal(1.2, "git", TIME, STARTS, 1.0, "S5"), "S5 ≤ 1.2 x git: start-up apart 1.00 ✓, whole 1.50", True),
        (Goal(0.9, "git", TIME, STARTS, 1.0, "S5"), "S5 ≤ 0.9 x git: start-up apart 1.00 ✗, whole 1.50", False),
        (Goal(1.2, "git", TIME, STARTS, 0.2, "S9"), "S9 ≤ 1.2 x git: 1.50 ✗, start-up apart 1.00", False),
        (Goal(1.6, "git", TIME, STARTS, 0.0, "S9"), "S9 ≤ 1.6 x git: 1.50 ✓, start-up apart 1.00", True),
        (Goal(1.2, "git", TIME, STARTS), "≤ 1.2 x git: start-up apart 1.00 ✓, whole 1.50", True),
        (Goal(1.6, "git"), "≤ 1.6 x git: 1.50 ✓", True),
        (Goal(1.6, "git", TIME, ("ours, 1 file", "absent")), "≤ 1.6 x git: not measured", None),
        (Goal(1.6, "git", TIME, ("ours, 1 file", "slow")), "≤ 1.6 x git: not measured", None),
        (Goal(1.6, "git", TIME, ("slow", "git, 1 file")), "≤ 1.6 x git: start-up apart 0.00 ✓, whole 1.50", True),
        (Goal(1.6, "absent", number="S6"), "S6 ≤ 1.6 x absent: not measured", None),
    ],
)
def test_start_up_apart_is_judged_where_the_other_is_quick(goal: Goal, said: str, met: bool | None) -> None:
    judged = verdict(goal, FIGURES["ours"], FIGURES)
    assert (str(judged).replace(TIMES, "x"), judged.met) == (said, met)


@pytest.mark.parametrize(
    ("limit", "said"), [(20, "≤ 20 MiB above small: 20.0 ✓"), (19, "≤ 19 MiB above small: 20.0 ✗")]
)
def test_memory_is_judged_above_that_of_the_start(limit: int, said: str) -> None:
    assert verdict(Goal(limit, "small", ABOVE), FIGURES["slow"], FIGURES).sentence == said
    assert verdict(Goal(limit, "git", ABOVE), FIGURES["slow"], FIGURES).met is None


def test_the_summary_counts_by_number_and_names_what_was_missed() -> None:
    verdicts = [
        Verdict("S10", "far", True),
        Verdict("S5", "small", True),
        Verdict("S5", "large", False),
        Verdict("S6", "no peer", None),
        Verdict("registry", "pages", False),
    ]
    lines = summary(verdicts).splitlines()
    assert lines[2:6] == ["| S5 | 1 | 1 | 0 |", "| S6 | 0 | 0 | 1 |", "| S10 | 1 | 0 | 0 |", "| registry | 0 | 1 | 0 |"]
    assert [line for line in lines if line.startswith("- ")] == ["- S5 large", "- registry pages"]
    assert "None was missed." in summary(verdicts[:2])


@pytest.mark.parametrize(
    ("seconds", "linear"),
    [
        ([1.0, 2.0, 12.0], True),
        ([1.0, 2.0, 16.9], True),
        ([1.0, 2.0, 17.1], False),
        ([0.5, 1.0, 1.2, 9.0], False),
        ([9.0, 1.0, 2.0, 12.0], True),
        ([1.0, 0.9, 0.8], True),
        ([1.0, 1.05, 9.0], None),
        ([1.0, 0.9, 9.0], None),
    ],
)
def test_growth_is_linear_when_what_one_more_costs_does_not_grow(seconds: list[float], linear: bool | None) -> None:
    # From 10 to 100, and from 100 to 1,000: the last step has ten times as many.
    assert is_linear([1, 10, 100, 1_000][-len(seconds) :], seconds) is linear


def bench(folder: Path, rounds: int = 3) -> Bench:
    return Bench(folder, Installation(folder), rounds, count=False, name="group")


def once(folder: Path, name: str, goals: tuple[Goal, ...] = ()) -> Subject:
    """Works when it is proved, and fails afterwards."""
    mark, out = folder / f"{name}.mark", folder / f"{name}.out"
    code = f"import os; os.path.exists({str(mark)!r}) or [open(x, 'w') for x in ({str(mark)!r}, {str(out)!r})]"
    return Subject(name, [sys.executable, "-I", "-c", code], {}, goals=goals, fresh=(out,), makes=out)


@posix
def test_who_fails_in_a_later_round_is_left_out(tmp_path: Path) -> None:
    measured = bench(tmp_path)
    base = Subject("base", [sys.executable, "-I", "-c", ""], {}, goals=(Goal(1e9, "peer"),))
    measured.compare([base, once(tmp_path, "peer")], base="base", title="Title")
    assert "Not measured: peer (" in "".join(measured.printed)
    assert measured.judged == [Verdict("group", f"Title: base: ≤ 1e+09 {TIMES} peer: not measured", None)]
    with pytest.raises(BrokenSubjectError):
        measured.compare([base, once(tmp_path, "ours", (Goal(1.0, "base"),))], base="base")


@posix
def test_what_it_makes_may_have_any_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = f"import os; os.makedirs({str(out / '1f' / 'deep')!r})"
    words = [sys.executable, "-I", "-c", code]
    Runner(tmp_path).prove(Subject("made", words, {}, fresh=(out,), makes=out / "*" / "deep"))
    with pytest.raises(BrokenSubjectError):
        Runner(tmp_path).timed(Subject("made", words, {}, fresh=(out,), makes=out / "*" / "high"))


@posix
def test_a_slow_peer_has_fewer_rounds(tmp_path: Path) -> None:
    runs = {name: tmp_path / name for name in ("quick", "slow")}
    subjects = [
        Subject(name, [sys.executable, "-I", "-c", f"open({str(path)!r}, 'a').write('x')"], {}, most=most)
        for (name, path), most in zip(runs.items(), (None, 1), strict=True)
    ]
    bench(tmp_path).compare(subjects, base="quick")
    # The proof and the memory are two more.
    assert [len(path.read_text()) for path in runs.values()] == [3 + 2, 1 + 2]


def test_a_repository_has_a_history_and_ends_in_its_files(tmp_path: Path) -> None:
    files = {**python_project(), **source_files(60)}
    paths = [
        tree_repository(tmp_path / f"{number}.git", files, commits) for number, commits in enumerate((450, 450, 2))
    ]
    long, again, short = paths

    def said(path: Path, *words: str) -> str:
        return git("-C", path, *words, env=environment(path)).stdout.decode()

    assert [said(path, "rev-list", "--count", "main").strip() for path in paths] == ["450", "450", "2"]
    assert resolve(long) == resolve(again)
    assert resolve(long, "main^{tree}") == resolve(short, "main^{tree}")
    names = said(long, "ls-tree", "-r", "--name-only", "main").split()
    assert sorted(names) == sorted([*files, "history.txt"])
    assert said(long, "show", "main:greeting.py") == files["greeting.py"]
    assert said(long, "tag").split() == ["v1", "v2"]
    assert packed_size(long)[0] > 450 * 4


def test_a_server_has_the_last_version_of_a_file_whole(tmp_path: Path) -> None:
    path = tree_repository(tmp_path / "long.git", {**python_project(), **source_files(60)}, 300)
    ids = git("-C", path, "ls-tree", "-r", "--format=%(objectname)", "main", env=environment(path)).stdout
    bases = git("-C", path, "cat-file", "--batch-check=%(deltabase)", env=environment(path), stdin=ids).stdout
    whole = [line for line in bases.split() if set(line) == set(b"0")]
    assert len(whole) > 0.9 * len(ids.split())
