"""The layout of Python is the formatter's: no statement is packed so that it fits a line."""

import ast
import subprocess
from functools import cache

import pytest

from tests.paths import ROOT


@cache
def sources() -> tuple[tuple[str, str], ...]:
    """Return the path and the text of every Python file of the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = [ROOT / each for each in listed.splitlines()]
    return tuple(
        (str(each.relative_to(ROOT)), each.read_text("utf-8")) for each in files if each.exists()
    )


@cache
def statements() -> tuple[tuple[str, ast.Assign | ast.Starred], ...]:
    """Return each assignment and each splat of the repository, with its place."""
    return tuple(
        (f"{path}:{node.lineno}", node)
        for path, text in sources()
        for node in ast.walk(ast.parse(text, filename=path))
        if isinstance(node, ast.Assign | ast.Starred)
    )


@pytest.mark.slow
def test_each_assignment_is_a_statement_of_its_own() -> None:
    """`a, b = 1, 2` are two statements; `a, b = b, a` is one, because neither could go first."""
    assert [where for where, node in statements() if is_packed(node)] == []


@pytest.mark.slow
def test_no_literal_is_unpacked_where_its_elements_could_be_written() -> None:
    """`call(*("a", "b"))` and `[*[1, 2], *others]` are `call("a", "b")` and `[1, 2, *others]`."""
    assert [where for where, node in statements() if is_splat_of_literal(node)] == []


def test_the_formatter_decides_everywhere() -> None:
    marks = ("# fmt: " + "skip", "# fmt: " + "off")
    assert [path for path, text in sources() if any(each in text for each in marks)] == []


def is_packed(node: ast.AST) -> bool:
    """Check whether a statement assigns several elements that are written on both sides."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple | ast.List):
        return False
    packed = [each for each in node.targets if isinstance(each, ast.Tuple | ast.List)]
    return any(not is_swap(each, node.value) for each in packed)


def is_swap(targets: ast.Tuple | ast.List, values: ast.Tuple | ast.List) -> bool:
    """Check whether an assigned place is read on the other side, as in `a, b = b, a + b`."""
    assigned = {ast.unparse(each) for each in targets.elts}
    read = {
        ast.unparse(each) for value in values.elts for each in ast.walk(value) if is_place(each)
    }
    return bool(assigned & read)


def is_place(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript)


def is_splat_of_literal(node: ast.AST) -> bool:
    return isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple | ast.List)
