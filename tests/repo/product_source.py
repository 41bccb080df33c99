"""The product's own source, parsed for the tests of its shape."""

import ast
import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, TypeVar

from tests.paths import ROOT

Node = TypeVar("Node", bound=ast.AST)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the product."""

    path: str  # Relative to the repository, as a reader names it.
    tree: ast.Module

    @cached_property
    def _nodes(self) -> Mapping[type[ast.AST], Sequence[Any]]:
        nodes: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        for node in ast.walk(self.tree):
            nodes[type(node)].append(node)
        return nodes

    def find(self, *kinds: type[Node]) -> Iterator[Node]:
        """Find every node of these kinds, however deep; the tree is walked once for all tests."""
        return (node for kind in kinds for node in self._nodes.get(kind, ()))

    def functions(self) -> Iterator[Function]:
        return self.find(ast.FunctionDef, ast.AsyncFunctionDef)

    def imported(self) -> Iterator[str]:
        """Find the name of every module that is imported, at the top or inside a function."""
        for node in self.find(ast.Import):
            yield from (alias.name for alias in node.names)
        for node in self.find(ast.ImportFrom):
            yield node.module or ""


@cache
def product() -> tuple[Module, ...]:
    """Parse function_app.py, functions and shared."""
    files = [
        ROOT / "function_app.py",
        *ROOT.glob("functions/**/*.py"),
        *ROOT.glob("shared/**/*.py"),
    ]
    # Millions of nodes stay until the end. The garbage collector would look at all of them again
    # and again: while they are made, which takes twice as long as parsing, and in later tests.
    gc.disable()
    try:
        return tuple(
            Module(str(file.relative_to(ROOT)), ast.parse(file.read_text(), filename=file))
            for file in sorted(files)
            if file.exists()
        )
    finally:
        gc.freeze()
        gc.enable()
