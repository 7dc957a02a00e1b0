"""`~` at the start of a path, as the shell expands it; it does not behind `=`, and nobody does in a file or a variable."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def under_home(path: str, home: str) -> str:
    """`~` and `~/x` as paths in the folder `home`; any other path as it is, `~name/x` too."""
    return home + path[1:] if path == "~" or path.startswith(("~/", "~\\")) else path


def in_home(home: str) -> "Callable[[str], str]":
    """The same as a place of paths (core/option_kinds.py): relative ones start at the working folder."""
    return lambda path: under_home(path, home)
