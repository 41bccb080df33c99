"""List the mutants of one module: `python generation.py FILE` writes one JSON object a line.

It runs in an environment of its own, with mutmut's operators (tests/mutants/requirements.txt). A
mutant is one change in the body of one function: decorated functions too, which mutmut leaves out.
What only type checkers read is not changed, nor is what runs once, when the module is imported.
"""

import json
import sys
from itertools import accumulate
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import (
    CodeRange,
    MetadataWrapper,
    PositionProvider,
    WhitespaceInclusivePositionProvider,
)
from mutmut.mutation.mutators import mutation_operators

# Calls that mutmut does not change either: a wrong number of arguments says nothing.
WHOLE_CALLS = {"len", "isinstance", "zip"}
TYPE_ONLY = {"cast", "TypeVar"}  # Their first argument is for type checkers.


class Mutations(cst.CSTVisitor):
    """Collects every change of every function."""

    METADATA_DEPENDENCIES = (PositionProvider, WhitespaceInclusivePositionProvider)

    def __init__(self, source: str, module: cst.Module) -> None:
        """Find changes of this text, which was read into a module."""
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self._source = source
        self._module = module
        lengths = (len(line) for line in source.splitlines(keepends=True))
        self._line_starts = list(accumulate(lengths, initial=0))
        self._names: list[str] = []
        self._functions: list[tuple[str, cst.FunctionDef]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Note the changes of a node; say whether to look inside."""
        if isinstance(node, cst.Annotation | cst.Decorator) or _is_strictness(node):
            return False
        if self._functions and not _is_whole(node):
            for kind, operator in mutation_operators:
                if isinstance(node, kind):
                    self._note(node, list(operator(node)))
        if isinstance(node, cst.ClassDef | cst.FunctionDef):
            self._names.append(node.name.value)
        if isinstance(node, cst.FunctionDef):
            self._functions.append((".".join(self._names), node))
        if isinstance(node, cst.Call) and _called(node) in TYPE_ONLY:
            node.args[-1].visit(self)
            return False
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Leave the scope of a class or a function."""
        if isinstance(original_node, cst.ClassDef | cst.FunctionDef):
            self._names.pop()
        if isinstance(original_node, cst.FunctionDef):
            self._functions.pop()

    def _note(self, node: cst.CSTNode, changes: list[cst.CSTNode]) -> None:
        if not changes:
            return
        start = 0
        end = len(self._source)
        if not isinstance(node, cst.Match):
            around: CodeRange = self.get_metadata(WhitespaceInclusivePositionProvider, node)
            start = self._offset(around.start)
            end = self._offset(around.end)
            # What libcst writes for a part of a file has lost the indent of its further lines.
            if self._source[start:end].split() != self._module.code_for_node(node).split():
                raise ValueError(node)
        place: CodeRange = self.get_metadata(PositionProvider, node)
        name, function = self._functions[0]
        outside: CodeRange = self.get_metadata(PositionProvider, function)
        for changed in changes:
            whole = isinstance(changed, cst.Match)
            code = self._module.deep_replace(node, changed) if whole else changed
            self.found.append(
                {
                    "function": name,
                    "function_start": self._offset(outside.start),
                    "function_end": self._offset(outside.end),
                    "line": place.start.line,
                    "start": start,
                    "end": end,
                    "text": self._module.code_for_node(code),
                }
            )

    def _offset(self, position: Any) -> int:
        return self._line_starts[position.line - 1] + position.column


def _called(call: cst.Call) -> str:
    return call.func.value if isinstance(call.func, cst.Name) else ""


def _is_whole(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Call) and _called(node) in WHOLE_CALLS | TYPE_ONLY


def _is_strictness(node: cst.CSTNode) -> bool:
    """Say whether it is the `strict=True` of a zip: a claim that what is joined is equally long."""
    return isinstance(node, cst.Arg) and node.keyword is not None and node.keyword.value == "strict"


def mutants(source: str) -> list[dict[str, Any]]:
    """Return every mutant of a module: a function, a line, and the text to put in a place."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    found = Mutations(source, wrapper.module)
    wrapper.visit(found)
    return found.found


if __name__ == "__main__":
    for path in sys.argv[1:]:
        for mutant in mutants(Path(path).read_text()):
            print(json.dumps({"file": path, **mutant}))
