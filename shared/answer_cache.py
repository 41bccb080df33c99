"""The contract of Functions and the answer cache of a host: a response says how to repeat it.

A host that knows whether anything was written may repeat such a response without calling the
Function.
"""

from collections.abc import Callable, Mapping

import azure.functions as func

REQUEST_ID_HEADER = "X-Request-Id"  # The one header that differs in each repeat.

# Records a request that is answered by a repeat, and returns the headers to add: the request id,
# and others that the first response had not. Returns None where the Function has to be called.
RepeatAnswer = Callable[[func.HttpRequest], Mapping[str, str] | None]


def mark_cacheable(response: func.HttpResponse, repeat: RepeatAnswer) -> None:
    """Allow repeats of a response that depends on the method, path, query and headers of its
    request and on the stores, and on nothing else."""
    vars(response)["repeat"] = repeat


def repeat_of(response: func.HttpResponse) -> RepeatAnswer | None:
    """Return how to repeat the response, None if it must not be repeated."""
    return vars(response).get("repeat")
