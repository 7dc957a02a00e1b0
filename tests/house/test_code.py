"""How code is written: small files and functions, documented names, nothing unfinished, children that speak bytes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.source import broken, calls, module, project_files
from tests.support import ROOT

LONGEST_FILE = 300
LONGEST_FUNCTION = 50
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
STUB = "NotImplemented" + "Error"
CHILD_STARTERS = {"run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}


def long_functions(tree: ast.Module) -> Iterator[int]:
    """Lines of functions with more than LONGEST_FUNCTION lines, from `def` to the end, docstring included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION:
                yield node.lineno


def undocumented(tree: ast.Module) -> Iterator[int]:
    """Lines of public classes and functions at the top level without docstring; 1 for the module itself."""
    if ast.get_docstring(tree) is None:
        yield 1
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not node.name.startswith("_") and ast.get_docstring(node) is None and not _is_overload(node):
                yield node.lineno


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)


def shells(tree: ast.Module) -> Iterator[int]:
    """Lines that give a command to a shell."""
    for name, call in calls(tree):
        given = {argument.arg: argument.value for argument in call.keywords}
        if "shell" in given and not _is_false(given["shell"]):
            yield call.lineno
        elif name in ("getoutput", "getstatusoutput") or _is_os_call(call, "system", "popen"):
            yield call.lineno


def text_mode_children(tree: ast.Module) -> Iterator[int]:
    """Lines that start a child process whose streams would be decoded by the locale instead of by us."""
    for name, call in calls(tree):
        given = {argument.arg: argument.value for argument in call.keywords}
        for option in ("text", "universal_newlines", "encoding", "errors"):
            if name in CHILD_STARTERS and option in given and not _is_false(given[option]):
                yield call.lineno
                break


def loose_line_rules(tree: ast.Module) -> Iterator[int]:
    """Lines with splitlines(), or strip() without argument: both also act on VT, FF, CR, in text on NEL and more."""
    for name, call in calls(tree):
        if name == "splitlines" or (name in ("strip", "lstrip", "rstrip", "split") and not call.args):
            yield call.lineno


def slow_classes(tree: ast.Module) -> Iterator[int]:
    """Lines with a frozen dataclass that has no reason to be compiled: slots, for very many objects."""
    for name, call in calls(tree):
        if name == "dataclass":
            words = {word.arg for word in call.keywords}
            if "frozen" in words and "slots" not in words:
                yield call.lineno


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (False, None)


def _is_os_call(call: ast.Call, *names: str) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in names
        and isinstance(function.value, ast.Name)
        and function.value.id == "os"
    )


def unfinished_lines(text: str) -> Iterator[int]:
    """Lines with one of the words of UNFINISHED as a word, or with a STUB."""
    pattern = re.compile(rf"\b({'|'.join(UNFINISHED)})\b|{STUB}")
    for number, line in enumerate(text.split("\n"), 1):
        if pattern.search(line):
            yield number


def test_files_are_short() -> None:
    lengths = {
        name: (ROOT / name).read_bytes().count(b"\n") for name in project_files() if _is_ours(name.parts, name.suffix)
    }
    assert not {str(name): count for name, count in lengths.items() if count > LONGEST_FILE}, "one purpose, one file"


def _is_ours(parts: tuple[str, ...], suffix: str) -> bool:
    return parts[0] == "git_helper" and suffix == ".py"


def test_functions_are_short() -> None:
    assert not broken(long_functions), f"more than {LONGEST_FUNCTION} lines"


def test_public_names_are_documented() -> None:
    assert not broken(undocumented), "a public module, class or function without docstring"


def test_no_command_goes_through_a_shell() -> None:
    assert not broken(shells), "give the child a list of arguments"


def test_child_processes_speak_bytes() -> None:
    assert not broken(text_mode_children), "read bytes and decode them where their meaning is known"


def test_the_wire_knows_one_line_ending() -> None:
    wire = [place for place in broken(loose_line_rules) if place.startswith("git_helper/core/wire.py:")]
    assert not wire, "git's protocol ends lines with LF only: partition(b'\\n'), never splitlines() or strip()"


def test_frozen_classes_are_made_quickly() -> None:
    assert not broken(slow_classes), "use git_helper.frozen: every start of a command waits for each class"


def test_nothing_is_unfinished() -> None:
    folders = ("git_helper", "scripts", "bin")
    places = [
        f"{name}:{line}"
        for name in project_files()
        if name.parts[0] in folders and name.suffix in (".py", "")
        for line in unfinished_lines((ROOT / name).read_text(encoding="utf-8", errors="replace"))
    ]
    assert not places, "finish it or leave it out"


def test_a_long_function_is_noticed() -> None:
    assert list(long_functions(module("def f():\n" + "    a = 1\n" * LONGEST_FUNCTION))) == [1]
    assert not list(long_functions(module("def f():\n" + "    a = 1\n" * (LONGEST_FUNCTION - 1))))


def test_a_missing_docstring_is_noticed() -> None:
    assert list(undocumented(module("def f(): ...\nclass A: ...\ndef _g(): ..."))) == [1, 1, 2]


@pytest.mark.parametrize("text", ["run('ls', shell=True)", "os.system('ls')", "subprocess.getoutput('ls')"])
def test_a_shell_is_noticed(text: str) -> None:
    assert list(shells(module(text))) == [1]
    assert not list(shells(module("run(['ls'], shell=False)")))


@pytest.mark.parametrize("option", ["text=True", "universal_newlines=True", "encoding='utf-8'", "errors='replace'"])
def test_a_child_in_text_mode_is_noticed(option: str) -> None:
    assert list(text_mode_children(module(f"subprocess.run(['ls'], {option})"))) == [1]
    assert not list(text_mode_children(module(f"open('x', {option})")))


@pytest.mark.parametrize("text", ["x.splitlines()", "x.strip()", "x.rstrip()", "x.split()"])
def test_a_loose_line_rule_is_noticed(text: str) -> None:
    assert list(loose_line_rules(module(text))) == [1]
    assert not list(loose_line_rules(module("x.strip(b' '); x.split(b'\\n')")))


@pytest.mark.parametrize("word", [*UNFINISHED, STUB])
def test_an_unfinished_place_is_noticed(word: str) -> None:
    assert list(unfinished_lines(f"a = 1\n# {word}: later\n")) == [2]


@pytest.mark.parametrize(
    ("words", "lines"), [("frozen=True", [1]), ("frozen=True, slots=True", []), ("order=True", [])]
)
def test_a_slow_class_is_noticed(words: str, lines: list[int]) -> None:
    assert list(slow_classes(ast.parse(f"@dataclass({words})\nclass A: pass"))) == lines
