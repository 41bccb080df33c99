"""`/2.0/registry//…`: the Central protocol for clients whose base URL ends in a slash.

The language server always doubles the slash, and clients follow redirects only where they expect
them. The Functions host does not normalize slashes, so one more Function handles these paths; it
calls the Function of the same path without the second slash.
"""

from collections.abc import Iterable
from functools import partial

import azure.functions as func

from functions.central.central_face import CentralFace
from functions.http.calls import Call
from functions.http.operations import Operation, answer
from functions.http.rerouting import Rerouting
from shared.domain.errors.missing_pages import PageNotFound
from shared.registry import Registry
from shared.runtime.answers import Answer

BASE = "2.0/registry/"
ROUTE = "2.0/{*rest:regex(^registry//)}"
METHODS = ("GET", "HEAD", "POST", "PUT")  # The methods that the protocol uses.


def double_slash_face(operations: Iterable[Operation]) -> CentralFace:
    """Return the operation that calls those of the protocol for their paths with two slashes."""
    targets = Rerouting(
        [each for each in operations if each.route.startswith(BASE) and "*" not in each.route]
    )
    central = CentralFace()
    respond = partial(_call_target, targets)
    central.read(ROUTE, METHODS, name="central_doubled", ignores_credentials=True, respond=respond)(
        _missing
    )
    return central


async def _missing(call: Call) -> Answer:
    raise PageNotFound("/2.0/" + call.route_params["rest"])


async def _call_target(
    targets: Rerouting,
    doubled: Operation,
    registry: Registry,
    request: func.HttpRequest,
    context: func.Context | None = None,
) -> func.HttpResponse:
    path = "/".join(filter(None, request.route_params["rest"].split("/")[1:]))
    found = await targets.answer(f"/{BASE}{path}", registry, request, context)
    return found or await answer(doubled, registry, request, context)
