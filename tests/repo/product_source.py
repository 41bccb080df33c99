"""The product's own source, parsed for the tests of its shape."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.paths import ROOT

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One file of the product."""

    path: str  # Relative to the repository, as a reader names it.
    tree: ast.Module

    def functions(self) -> Iterator[Function]:
        """Find every function, however deep."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def imported(self) -> Iterator[str]:
        """Find the name of every module that is imported, at the top or inside a function."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or ""


@cache
def product() -> tuple[Module, ...]:
    """Parse function_app.py, functions and shared."""
    files = [
        ROOT / "function_app.py",
        *ROOT.glob("functions/**/*.py"),
        *ROOT.glob("shared/**/*.py"),
    ]
    return tuple(
        Module(str(file.relative_to(ROOT)), ast.parse(file.read_text(), filename=file))
        for file in sorted(files)
        if file.exists()
    )
