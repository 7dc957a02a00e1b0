"""What `--color` means to rich. An option counts more than NO_COLOR (no-color.org)."""

from __future__ import annotations

NO_COLOR = {"auto": None, "always": False, "never": True}
"""`no_color` of a console; None leaves it to the terminal and to the variable."""
