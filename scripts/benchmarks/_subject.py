"""What is measured (`Subject`), what came out (`Figures`), and what should come out (`Goal`)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TIME, INSTRUCTIONS, MEMORY, ABOVE = "time", "instructions", "memory", "memory above"
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Goal:
    """`what` (TIME, INSTRUCTIONS or MEMORY) is at most `limit` times that of the subject `of`; in MiB where `of` is None.

    ABOVE: at most `limit` MiB more memory than `of`. without: two subjects, whose times are taken off before ours and that
    of `of` are compared: what each of the two needs for nearly nothing.
    """

    limit: float
    of: str | None = None
    what: str = TIME
    without: tuple[str, str] | None = None


@dataclass(frozen=True)
class Subject:
    """A command, run with `stdin` in the environment `environ`; a first run proves that it does what is measured.

    expects: what its output must hold; b"" for no output at all, None for anything and any exit status.
    counted: whether its instructions are worth counting (no daemon or child does the work, and it is not too slow).
    fresh: what is removed before each run, outside the time. makes: what must be there afterwards.
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
            return self.median()
        if what == INSTRUCTIONS:
            return None if self.instructions is None else float(self.instructions)
        return None if self.memory is None else float(self.memory)


def verdict(goal: Goal, figures: Figures, all_figures: Mapping[str, Figures]) -> tuple[str, bool | None]:
    """The goal beside its figure, with a mark, and whether it was met; None where one of the figures is missing."""
    if goal.what == ABOVE:
        return _above(goal, figures, all_figures)
    value = figures.value(goal.what)
    unit = "" if goal.what == TIME else f" in {goal.what}"
    if goal.of is None:
        scale, aim = float(1 << 20), f"≤ {goal.limit:g} MiB"
    else:
        other = all_figures.get(goal.of)
        scale = (other.value(goal.what) or 0.0) if other is not None else 0.0
        aim = f"≤ {goal.limit:g} {TIMES} {goal.of}{unit}"
    if goal.without is not None:
        aim += ", start-up apart"
        if value is None or any(name not in all_figures for name in goal.without):
            return f"{aim}: not measured", None
        ours, theirs = (all_figures[name].median() for name in goal.without)
        # Noise may leave nothing of what they need.
        value, scale = max(value - ours, 0.0), max(scale - theirs, 0.0)
    if value is None or not scale:
        return f"{aim}: not measured", None
    met = value / scale <= goal.limit
    return f"{aim}: {value / scale:.2f} {'✓' if met else '✗'}", met


def _above(goal: Goal, figures: Figures, all_figures: Mapping[str, Figures]) -> tuple[str, bool | None]:
    aim = f"≤ {goal.limit:g} MiB above {goal.of}"
    other = all_figures.get(goal.of or "")
    if figures.memory is None or other is None or other.memory is None:
        return f"{aim}: not measured", None
    more = (figures.memory - other.memory) / (1 << 20)
    met = more <= goal.limit
    return f"{aim}: {more:.1f} {'✓' if met else '✗'}", met
