"""Answers that a host may keep and give again while nothing was written.

A Function marks such an answer. A host that knows whether anything was written since may give it
again without calling the Function, and records each time what the Function would have recorded.
"""

from collections.abc import Callable, Mapping

import azure.functions as func

REQUEST_ID_HEADER = "X-Request-Id"  # The one header that no two answers share.

# Notes the request, and returns the headers that its answer has besides: that one, and others that
# the first answer had not. Returns None where the Function itself has to answer.
RepeatAnswer = Callable[[func.HttpRequest], Mapping[str, str] | None]


def mark_cacheable(response: func.HttpResponse, again: RepeatAnswer) -> None:
    """Mark an answer that is made of the request's method, path, query and headers, and of nothing
    but what the stores hold: for nobody in particular, and at no time in particular."""
    vars(response)["again"] = again


def repeat_of(response: func.HttpResponse) -> RepeatAnswer | None:
    """Return how the answer is given again, or None if it does not stand."""
    return vars(response).get("again")
