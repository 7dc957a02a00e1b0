"""A very small terminal: what a person would see after a program wrote these characters."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"\x1b\[(?P<numbers>[0-9;?]*)[ -/]*(?P<final>[@-~])"  # CSI: cursor, erase, colour (ECMA-48)
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: title, link
    r"|\x1b[ -/]*[0-~]"
    r"|(?P<char>.)",
    re.DOTALL,
)


def screen(written: str) -> list[str]:
    """The lines on the screen, without colours and without trailing blanks; enough for prompts and progress lines."""
    lines = [""]
    row = column = 0
    for match in _SEQUENCE.finditer(written):
        char, final = match["char"], match["final"]
        count = int(match["numbers"] or 1) if final and (match["numbers"] or "1").isdecimal() else 1
        if char == "\n":
            row += 1
        elif char == "\r":
            column = 0
        elif char == "\b":
            column = max(column - 1, 0)
        elif char and char.isprintable():
            lines[row] = lines[row][:column].ljust(column) + char + lines[row][column + 1 :]
            column += 1
        elif final == "A":
            row = max(row - count, 0)
        elif final == "B":
            row += count
        elif final == "C":
            column += count
        elif final == "D":
            column = max(column - count, 0)
        elif final == "G":
            column = count - 1
        elif final == "K":
            lines[row] = "" if match["numbers"] == "2" else lines[row][:column]
        elif final == "J" and match["numbers"] in ("", "0"):
            lines[row:] = [lines[row][:column]]
        lines += [""] * (row + 1 - len(lines))
    return [line.rstrip() for line in lines]
