"""What the Functions host passes to a Function beside its trigger."""

from collections.abc import Callable
from typing import Any, TypeVar

import azure.functions as func

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def declare_context(function: FunctionT) -> FunctionT:
    """Declare the parameter `context` of a Function, which may be None, as the host demands.

    The Functions host passes the context to a parameter of that name and type, and rejects a type
    that allows None. The local host passes no context.
    """
    function.__annotations__["context"] = func.Context
    return function


def traceparent_of(context: func.Context | None, sent: str) -> str:
    """Return the `traceparent` of the host's context, else the one that the client sent."""
    return sent if context is None else context.trace_context.trace_parent or ""
