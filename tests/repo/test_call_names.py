"""Tests that record the calls of ports name calls that exist: with a wrong name, a list of what
may not be called would prove nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

from shared.services.adapters import Adapters
from tests.paths import ROOT
from tests.support.port_doubles import PORTS, CallRecorder

CALL = re.compile(r"([a-z_]+)\.([a-z_]+)")
RECORDERS = (CallRecorder.__name__, "store_calls", "port_calls")  # With the fixtures.


def test_a_call_that_a_test_names_exists() -> None:
    types = get_type_hints(Adapters)
    named = [
        (path.relative_to(ROOT), call, has_method(types[port], method))
        for path in (ROOT / "tests").rglob("*.py")
        for call, port, method in calls_named_in(path)
        if port in PORTS
    ]
    assert len(named) > 100
    assert [(path, call) for path, call, exists in named if not exists] == []


def calls_named_in(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield each text of a file that reads as a call, its port and its method."""
    text = path.read_text("utf-8")
    if not any(each in text for each in RECORDERS):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and (found := CALL.fullmatch(str(node.value))):
            yield found[0], found[1], found[2]


def has_method(port: object, method: str) -> bool:
    """Check whether a port, or one of the types of a union, has a method."""
    return hasattr(port, method) or any(has_method(each, method) for each in get_args(port))
