"""What is measured (`Subject`), what came out (`Figures`), and what should come out (`Goal`)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TIME, INSTRUCTIONS, MEMORY, ABOVE = "time", "instructions", "memory", "memory above"
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Goal:
    """`what` (TIME, INSTRUCTIONS or MEMORY) is at most `limit` times that of the subject `of`; in MiB where `of` is None.

    number: of the list of goals, as "S5". ABOVE: at most `limit` MiB more memory than `of`.
    without: two subjects that do next to nothing, one of our program and one of the other. Their times are taken off
    before ours and that of `of` are compared, and both ratios are shown. Start-up apart is what counts where `of` needs
    less than `apart_below` seconds, the whole elsewhere.
    """

    limit: float
    of: str | None = None
    what: str = TIME
    without: tuple[str, str] | None = None
    apart_below: float = math.inf
    number: str = ""


@dataclass(frozen=True)
class Verdict:
    """A goal beside its figure. met: None where it could not be measured."""

    number: str
    sentence: str
    met: bool | None

    def __str__(self) -> str:
        return f"{self.number} {self.sentence}".strip()


@dataclass(frozen=True)
class Subject:
    """A command, run with `stdin` in the environment `environ`; a first run proves that it does what is measured.

    expects: what its output must hold; b"" for no output at all, None for anything and any exit status.
    counted: whether its instructions are worth counting (no daemon or child does the work, and it is not too slow).
    fresh: what is removed before each run, outside the time. makes: what must be there after each; * is any name.
    most: the most rounds, where one takes many seconds.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    stdin: bytes = b""
    expects: bytes | None = None
    goals: tuple[Goal, ...] = ()
    counted: bool = True
    fresh: tuple[Path, ...] = ()
    makes: Path | None = None
    most: int | None = None


@dataclass
class Figures:
    """`times` in seconds, one for each round; `instructions` as callgrind counts them; `memory` in bytes, the peak."""

    times: list[float] = field(default_factory=list)
    instructions: int | None = None
    memory: int | None = None

    def median(self) -> float:
        """The middle time in seconds."""
        return statistics.median(self.times)

    def value(self, what: str) -> float | None:
        """The figure that a goal is about; None where it could not be had."""
        if what == TIME:
            return self.median() if self.times else None
        if what == INSTRUCTIONS:
            return None if self.instructions is None else float(self.instructions)
        return None if self.memory is None else float(self.memory)


def verdict(goal: Goal, figures: Figures, all_figures: Mapping[str, Figures]) -> Verdict:
    """The goal beside its figure, with a mark."""
    other = all_figures.get(goal.of or "", Figures())
    whole, apart = _whole(goal, figures, other), None
    by_start = goal.without is not None and whole is not None and other.median() < goal.apart_below
    if goal.without is not None and whole is not None:
        apart = _apart(goal.without, figures, other, all_figures)
    value = apart if by_start else whole
    if value is None:
        return Verdict(goal.number, f"{_aim(goal)}: not measured", None)
    met = value <= goal.limit
    shown = f"{value:.{1 if goal.what == ABOVE else 2}f} {'✓' if met else '✗'}"
    if by_start:
        shown = f"start-up apart {shown}, whole {whole:.2f}"
    elif apart is not None:
        shown += f", start-up apart {apart:.2f}"
    return Verdict(goal.number, f"{_aim(goal)}: {shown}", met)


def _aim(goal: Goal) -> str:
    if goal.of is None:
        return f"≤ {goal.limit:.3g} MiB"
    if goal.what == ABOVE:
        return f"≤ {goal.limit:.3g} MiB above {goal.of}"
    return f"≤ {goal.limit:.3g} {TIMES} {goal.of}{'' if goal.what == TIME else f' in {goal.what}'}"


def _whole(goal: Goal, figures: Figures, other: Figures) -> float | None:
    if goal.what == ABOVE:
        if figures.memory is None or other.memory is None:
            return None
        return (figures.memory - other.memory) / (1 << 20)
    return _ratio(figures.value(goal.what), 1 << 20 if goal.of is None else other.value(goal.what))


def _apart(
    without: tuple[str, str], figures: Figures, other: Figures, all_figures: Mapping[str, Figures]
) -> float | None:
    """The ratio of what is left of both; None where noise leaves nothing of the other's, or a start was not measured."""
    if any(name not in all_figures for name in without):
        return None
    ours, theirs = (all_figures[name].median() for name in without)
    return _ratio(max(figures.median() - ours, 0.0), max(other.median() - theirs, 0.0))


def _ratio(value: float | None, by: float | None) -> float | None:
    return None if value is None or not by else value / by
