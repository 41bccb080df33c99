"""What the Functions host says of a call beside its trigger: the trace that it is part of."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import azure.functions as func

F = TypeVar("F", bound=Callable[..., Any])

_CONTEXT = inspect.Parameter(
    "context", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=func.Context
)


def takes_context(function: F, like: Callable[..., Any]) -> F:
    """Declare the parameters of a Function: those of `like`, and the host's context.

    The host gives the context to whoever declares a parameter of that name and type, and refuses a
    type that says that it may be missing; a host on one machine gives none.
    """
    known = inspect.signature(like)
    signature = known.replace(parameters=[*known.parameters.values(), _CONTEXT])
    vars(function)["__signature__"] = signature
    function.__annotations__ = {**like.__annotations__, "context": func.Context}
    return function


def trace_of(context: func.Context | None, sent: str) -> str:
    """Return the `traceparent` of a call: the host's own, or else the one that was sent."""
    return sent if context is None else context.trace_context.trace_parent or ""
