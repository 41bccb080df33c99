"""Refusals in tests: how one is expected, and every one that the source raises."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from shared.domain.errors.base import (
    BadArchive,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    RefusalKind,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from shared.domain.errors.identity import DeviceRefusal, Untrusted
from shared.domain.errors.requests import TooMany
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass, RateLimitSubject
from tests.paths import ROOT

ALLOWANCE = RateLimitAllowance(
    RateLimitClass.PUSH, RateLimitSubject.TOKEN, limit=120, remaining=0, wait_ms=16_500
)
_KINDS: dict[str, type[Refusal]] = {
    each.__name__: each
    for each in (
        BadArchive,
        Conflict,
        Forbidden,
        Invalid,
        NotFound,
        DeviceRefusal,
        Refusal,
        TooLarge,
        TooMany,
        Unauthenticated,
        Unavailable,
        Untrusted,
    )
}


def raises_refusal(*codes: str, match: str | None = None) -> Any:
    """Expect a refusal with one of these codes, as `pytest.raises` expects an exception."""
    return pytest.raises(Refusal, match=match, check=lambda refusal: refusal.code in codes)


def refusals_of_the_source() -> Iterator[Refusal]:
    """Yield each refusal that the source makes, with the expressions of its sentence unevaluated:
    `package already exists: {coordinate}.`"""
    for path in sorted((*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/**/*.py"))):
        yield from refusals_of(path, path.read_text())


def refusals_of(path: Path, source: str) -> list[Refusal]:
    """Return the refusals that a module with this source makes."""
    if "shared.domain.errors" in source or path.parent.name == "errors":
        return _Maker().found(ast.parse(source))
    return []


class _Maker(ast.NodeVisitor):
    """Makes the refusals of one module."""

    def __init__(self) -> None:
        self._found: list[Refusal] = []
        self._class: ast.ClassDef | None = None
        self._sentences: dict[str, ast.expr] = {}

    def found(self, module: ast.Module) -> list[Refusal]:
        self.visit(module)
        return self._found

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._class = node
        self.generic_visit(node)
        self._class = None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._sentences = {}
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._sentences = {}
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], ast.Name):
            self._sentences[node.targets[0].id] = node.value
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        kind = self._kind(node.func)
        # A mutant may lack an argument.
        if kind is not None and len(node.args) > 1 and isinstance(node.args[0], ast.Constant):
            named = {each.arg: _template(each.value) for each in node.keywords if each.arg}
            self._found.append(self._made(kind, str(node.args[0].value), node.args[1], **named))
        self.generic_visit(node)

    def _kind(self, function: ast.expr) -> type[Refusal] | None:
        """Return what a call of the function makes: of a class itself, or of a class below it."""
        match function:
            case ast.Name(name):
                return _KINDS.get(name)
            case ast.Attribute(ast.Call(ast.Name("super")), "__init__") if self._class:
                return _KINDS.get(ast.unparse(self._class.bases[0]))
            case _:
                return None

    def _made(self, kind: Any, code: str, sentence: ast.expr, **named: str) -> Refusal:
        if isinstance(sentence, ast.Name):
            own = ast.Constant("The caller's own sentence. Send something else.")
            sentence = self._sentences.get(sentence.id, own)
        text = _template(sentence)
        if kind is TooMany:
            return TooMany(code, text.replace("{allowance.wait}", "17 seconds"), ALLOWANCE)
        made = cast("Refusal", kind(code, text, **named))
        if kind is Refusal and self._class is not None:
            kind_name = next(
                ast.unparse(each.value)
                for each in self._class.body
                if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "kind"
            )
            vars(made)["kind"] = RefusalKind[kind_name.rpartition(".")[2]]
        return made


def _template(sentence: ast.expr) -> str:
    match sentence:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(parts):
            return "".join(map(_template, parts))
        case ast.FormattedValue(value):
            return f"{{{ast.unparse(value)}}}"
        case _:
            return f"{{{ast.unparse(sentence)}}}"
