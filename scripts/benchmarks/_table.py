"""Figures as a table in Markdown."""

from __future__ import annotations

import itertools
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scripts.benchmarks._subject import TIMES, Figures, Subject, Verdict, verdict


def table(
    subjects: Sequence[Subject], figures: Mapping[str, Figures], *, base: str, floor: int
) -> tuple[list[str], list[Verdict]]:
    """The lines of the table, and what is to be said of each goal, with the name of its subject.

    floor: bytes of memory that every measurement shows at least.
    """
    lines = [
        f"| | ms (min to max) | {TIMES} {base} | M instructions | {TIMES} {base} | MiB | goals |",
        "|---|---|---|---|---|---|---|",
    ]
    judged = []
    for subject in subjects:
        own, first = figures[subject.name], figures[base]
        verdicts = [verdict(goal, own, figures) for goal in subject.goals]
        judged += [replace(one, sentence=f"{subject.name}: {one.sentence}") for one in verdicts]
        cells = [
            subject.name,
            f"{own.median() * 1e3:.1f} ({min(own.times) * 1e3:.1f} to {max(own.times) * 1e3:.1f})",
            f"{own.median() / first.median():.2f}",
            "" if own.instructions is None else f"{own.instructions / 1e6:.1f}",
            _ratio(own.instructions, first.instructions),
            _memory(own.memory, floor),
            "; ".join(map(str, verdicts)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines, judged


def _ratio(value: int | None, base: int | None) -> str:
    return "" if value is None or not base else f"{value / base:.2f}"


def _memory(value: int | None, floor: int) -> str:
    if value is None:
        return ""
    # Two runs of one program differ by a few pages.
    return f"≤ {floor / (1 << 20):.1f}" if value <= floor * 1.02 else f"{value / (1 << 20):.1f}"


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many goals of each number were met, and what was missed."""
    lines = ["| | met | missed | not measured |", "|---|---|---|---|"]
    by_number = sorted(verdicts, key=lambda one: _order(one.number))
    for number, group in itertools.groupby(by_number, key=lambda one: one.number):
        marks = [one.met for one in group]
        lines.append(f"| {number} | {marks.count(True)} | {marks.count(False)} | {marks.count(None)} |")
    missed = [f"- {one}" for one in by_number if one.met is False]
    return "\n".join([*lines, "", *(["Missed:", "", *missed] if missed else ["None was missed."]), ""])


def _order(number: str) -> tuple[int, str]:
    """S2 before S10, and both before what has a name only."""
    digits = number.removeprefix("S")
    return (int(digits), "") if digits.isdigit() else (sys.maxsize, number)


def heading(rounds: int, count: bool) -> str:
    """What the figures depend on, in one paragraph."""
    git = subprocess.run(["git", "--version"], capture_output=True, check=False).stdout.decode().strip() or "no git"
    valgrind = "not counted"
    if count:
        valgrind = "by callgrind" if shutil.which("valgrind") else "not counted, because valgrind is not installed"
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {git}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"load {load:.1f}. Medians of {rounds} interleaved runs; compare ratios within a table, never times of two tables. "
        f"Instructions: {valgrind}.\n"
    )
