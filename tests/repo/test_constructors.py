"""A constructor has no default for what the registry always gives it."""

import ast
import inspect
from collections.abc import Iterator
from functools import cached_property
from types import NoneType
from typing import get_args, get_type_hints

from shared import construction
from tests.paths import ROOT


def calls() -> Iterator[ast.Call]:
    """Yield the calls of constructors of ours in `Services`."""
    source = (ROOT / "shared/construction.py").read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = getattr(construction, node.func.id, None)
            if isinstance(called, type) and called.__module__.startswith("shared."):
                yield node


def test_no_argument_that_is_given_has_a_default() -> None:
    found = 0
    with_default = list[str]()
    for call in calls():
        assert isinstance(call.func, ast.Name)
        parameters = inspect.signature(getattr(construction, call.func.id)).parameters
        for keyword in call.keywords:
            assert keyword.arg
            found += 1
            if parameters[keyword.arg].default is not inspect.Parameter.empty:
                with_default.append(f"{call.func.id}.{keyword.arg}")
    assert found > 500
    assert not with_default, with_default


def test_arguments_are_given_by_name() -> None:
    unnamed = [ast.unparse(call) for call in calls() if call.args]
    assert not unnamed, unnamed


def test_each_service_that_can_be_closed_is_closed() -> None:
    closed = list[str]()
    forgotten = list[str]()
    for name, made in vars(construction.Services).items():
        if not isinstance(made, cached_property):
            continue
        kinds = without_none(get_type_hints(made.func)["return"])
        if any(hasattr(kind, "close") for kind in kinds):
            source = inspect.getsource(made.func)
            (closed if "self._close_at_end(" in source else forgotten).append(name)
    assert len(closed) > 10
    assert not forgotten, forgotten


def without_none(hint: object) -> list[object]:
    """Return the types of a hint such as `Upstreams | None`."""
    return [each for each in get_args(hint) or (hint,) if each is not NoneType]
