"""Benchmarks: each module here without a leading underscore is a group that `scripts/bench` runs by its name.

A group has a docstring, whose first line is its title, and `measure(bench: Bench) -> None`, which prepares what it needs in
`bench.folder`, calls `bench.compare(...)` with its subjects, and says by `bench.skip(...)` what cannot be measured here.

The goals of speed have numbers, S1 to S13: the number of a Goal stands before it in the tables, and the summary at the end
counts by it. Goals without one are counted under the group's name.
"""
