"""Answers that stand: the same request may get them again, as long as nothing is written.

A Function marks such an answer. A host that can tell whether anything was written since may then
give it again without asking the Function, if it notes each time what the Function would have noted.
"""

from collections.abc import Callable, Mapping

import azure.functions as func

NEW_EACH_TIME = "X-Request-Id"  # The one header that no two answers share.

# Notes the request, and returns the headers that its answer has besides: that one, and others that
# the first answer had not. Returns None where the Function itself has to answer.
Again = Callable[[func.HttpRequest], Mapping[str, str] | None]


def let_stand(response: func.HttpResponse, again: Again) -> None:
    """Mark an answer that is made of the request's method, path, query and headers, and of nothing
    but what the stores hold: for nobody in particular, and at no time in particular."""
    vars(response)["again"] = again


def again_of(response: func.HttpResponse) -> Again | None:
    """Return how the answer is given again, or None if it does not stand."""
    return vars(response).get("again")
