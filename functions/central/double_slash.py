"""`/2.0/registry//…`: the Central protocol for clients whose base URL ends in a slash.

The language server always doubles the slash, and clients follow redirects only where they expect
them. The Functions host does not normalize slashes, so one more Function handles these paths; it
calls the Function of the same path without the second slash.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import azure.functions as func
from azure.functions.decorators.function_app import Function
from azure.functions.decorators.http import HttpTrigger

from functions.central.responses import central_errors
from functions.http.handlers import declare_context
from shared.domain.errors.requests import PageNotFound

BASE = "2.0/registry/"
ROUTE = "2.0/{*rest:regex(^registry//)}"
METHODS = ["GET", "HEAD", "POST", "PUT"]  # Those of the protocol.

_PARAMETER = re.compile(r"/\\\{(\w+)(\\\?)?\\\}")

_Handler = Callable[[func.HttpRequest, func.Context | None], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class _Operation:
    path: re.Pattern[str]
    methods: frozenset[str]
    call: _Handler


def double_slash_blueprint(functions: Iterable[Function]) -> func.Blueprint:
    bp, operations = func.Blueprint(), tuple(_operations(functions))

    async def central_doubled(req: func.HttpRequest) -> func.HttpResponse:
        raise PageNotFound("/2.0/" + req.route_params["rest"])

    missing = cast("_Handler", central_errors(central_doubled))

    async def answer(
        req: func.HttpRequest, context: func.Context | None = None
    ) -> func.HttpResponse:
        path = "/".join(filter(None, req.route_params["rest"].split("/")[1:]))
        for each in operations:
            found = each.path.fullmatch(f"/{path}")
            if found and req.method in each.methods:
                return await each.call(_rewritten(req, found), context)
        return await missing(req, context)

    bp.function_name("central_doubled")(
        bp.route(ROUTE, methods=METHODS)(declare_context(answer, central_doubled))
    )
    return bp


def _operations(functions: Iterable[Function]) -> Iterator[_Operation]:
    for each in functions:
        trigger = each.get_trigger()
        route = trigger.route or "" if isinstance(trigger, HttpTrigger) else ""
        if route.startswith(BASE) and "*" not in route:
            methods = frozenset(
                str(method) for method in cast("HttpTrigger", trigger).methods or ()
            )
            yield _Operation(_pattern(route), methods, cast("_Handler", each.get_user_function()))


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


def _rewritten(req: func.HttpRequest, found: re.Match[str]) -> func.HttpRequest:
    params = {name: value for name, value in found.groupdict().items() if value is not None}
    return _RewrittenRequest(req, params)
