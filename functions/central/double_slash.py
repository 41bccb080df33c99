"""`/2.0/registry//…`: the Central protocol for clients whose base URL ends in a slash.

The language server always doubles the slash, and clients follow redirects only where they expect
them. The Functions host does not normalize slashes, so one more Function handles these paths; it
calls the Function of the same path without the second slash.
"""

import re
from collections.abc import Iterable, Sequence
from functools import partial

import azure.functions as func
from msgspec import Struct

from functions.central.answers import CentralFace
from functions.http.calls import Call, RewrittenRequest
from functions.http.operations import Operation, answer
from shared.composition import Registry
from shared.domain.errors.requests import PageNotFound
from shared.runtime.answers import Answer

BASE = "2.0/registry/"
ROUTE = "2.0/{*rest:regex(^registry//)}"
METHODS = ("GET", "HEAD", "POST", "PUT")  # Those of the protocol.

_PARAMETER = re.compile(r"/\\\{(\w+)(\\\?)?\\\}")


class _Target(Struct, frozen=True):
    path: re.Pattern[str]
    operation: Operation


def double_slash_face(operations: Iterable[Operation]) -> CentralFace:
    """Return the operation that calls those of the protocol for their paths with two slashes."""
    targets = [
        _Target(_pattern(each.route), each)
        for each in operations
        if each.route.startswith(BASE) and "*" not in each.route
    ]
    central = CentralFace()
    respond = partial(_call_target, targets)
    central.read(ROUTE, METHODS, name="central_doubled", is_open=True, respond=respond)(_missing)
    return central


async def _missing(call: Call) -> Answer:
    raise PageNotFound("/2.0/" + call.route_params["rest"])


async def _call_target(
    targets: Sequence[_Target],
    doubled: Operation,
    registry: Registry,
    request: func.HttpRequest,
    context: func.Context | None = None,
) -> func.HttpResponse:
    path = "/".join(filter(None, request.route_params["rest"].split("/")[1:]))
    for each in targets:
        found = each.path.fullmatch(f"/{path}")
        if found and request.method in each.operation.methods:
            params = {name: value for name, value in found.groupdict().items() if value is not None}
            rewritten = RewrittenRequest(request, params)
            return await answer(each.operation, registry, rewritten, context)
    return await answer(doubled, registry, request, context)


def _pattern(route: str) -> re.Pattern[str]:
    """Return a regular expression for the paths of a route, relative to the base."""
    escaped = re.escape(f"/{route.removeprefix(BASE)}")
    return re.compile(_PARAMETER.sub(_group, escaped), re.IGNORECASE | re.ASCII)


def _group(parameter: re.Match[str]) -> str:
    return f"(?:/(?P<{parameter[1]}>[^/]+)){'?' if parameter[2] else ''}"
