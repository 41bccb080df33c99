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
from functions.http.calls import Call
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
            return await answer(each.operation, registry, _rewritten(request, found), context)
    return await answer(doubled, registry, request, context)


def _pattern(route: str) -> re.Pattern[str]:
    """Return a regular expression for the paths of a route, relative to the base."""
    escaped = re.escape(f"/{route.removeprefix(BASE)}")
    return re.compile(_PARAMETER.sub(_group, escaped), re.IGNORECASE | re.ASCII)


def _group(parameter: re.Match[str]) -> str:
    return f"(?:/(?P<{parameter[1]}>[^/]+)){'?' if parameter[2] else ''}"


class _RewrittenRequest(func.HttpRequest):
    """A request with the route parameters of the other Function.

    The body is read when the Function reads it, which may refuse the request before.
    """

    def __init__(self, sent: func.HttpRequest, params: dict[str, str]) -> None:
        headers, query = sent.headers, sent.params
        super().__init__(
            sent.method, sent.url, headers=headers, params=query, route_params=params, body=b""
        )
        self._sent = sent

    def get_body(self) -> bytes:
        """Return the body, or raise the refusal of one that was not read."""
        return self._sent.get_body()


def _rewritten(request: func.HttpRequest, found: re.Match[str]) -> func.HttpRequest:
    params = {name: value for name, value in found.groupdict().items() if value is not None}
    return _RewrittenRequest(request, params)
