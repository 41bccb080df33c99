"""What the worker of the cloud finds in the app, whichever version of its library it brings."""

import ast
from collections.abc import Iterator

from tests.paths import ROOT
from tests.repo.product_source import Module, product

# What the headers of requests and responses have in every azure-functions 1.x that has worker 4.
METHODS_OF_HEADERS = {"add", "get", "get_all", "items"}
ANSWERS = {"answer", "made"}  # What variables of answers are called, whose headers are a dict.


def test_the_worker_does_not_take_the_app_for_one_of_fastapi() -> None:
    # It looks for these words in the text of the file.
    text = (ROOT / "function_app.py").read_text()
    assert "FastAPI()" not in text
    assert "from fastapi import" not in text


def test_headers_are_assigned_by_name() -> None:
    called = [
        f"{module.path}:{line} calls headers.{name}"
        for module in product()
        for name, line in methods_of_headers(module)
        if name not in METHODS_OF_HEADERS
    ]
    assert called == []


def methods_of_headers(module: Module) -> Iterator[tuple[str, int]]:
    """Find the methods of an attribute `headers` that are called, and the lines."""
    for node in module.find(ast.Call):
        match node:
            case ast.Call(
                func=ast.Attribute(
                    attr=name, value=ast.Attribute(attr="headers", value=owner), lineno=line
                )
            ):
                if ast.unparse(owner) not in ANSWERS:
                    yield name, line
            case _:
                continue
