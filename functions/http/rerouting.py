"""Requests that are answered by another operation than the one whose Function the host called."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import azure.functions as func

from functions.http.operations import Operation, answer
from shared.registry import Registry
from shared.runtime.routing import Route, Router, parse_template


class Rerouting:
    """Finds the operation for a path among some operations, and lets it answer."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations

    async def answer(
        self, path: str, registry: Registry, request: func.HttpRequest, context: func.Context | None
    ) -> func.HttpResponse | None:
        """Return what the operation of a decoded path and the request's method answers, None if
        there is none."""
        found = self._router.match(str(request.method), path)
        if found is None:
            return None
        operation, params = found
        rewritten = _RewrittenRequest(request, params)
        return await (operation.respond or answer)(operation, registry, rewritten, context)

    def methods(self, path: str) -> list[str]:
        """Return the methods that operations have for a decoded path."""
        return self._router.methods(path)

    def operations(self, path: str) -> list[Operation]:
        """Return the operations of a decoded path, one for each of their methods."""
        found = (self._router.match(method, path) for method in self.methods(path))
        return [operation for operation, _ in filter(None, found)]

    @cached_property  # Created when first needed, because most processes never need it.
    def _router(self) -> Router[Operation]:
        return Router([(_route_of(each), each) for each in self._operations])


def _route_of(operation: Operation) -> Route:
    template = parse_template(operation.route)
    return Route(operation.name, template, frozenset(operation.methods))


class _RewrittenRequest(func.HttpRequest):
    """A request with the route parameters of another Function than the host called.

    The body is read only when the Function reads it, because the Function may refuse the request
    before.
    """

    def __init__(self, sent: func.HttpRequest, params: Mapping[str, str]) -> None:
        headers = sent.headers
        query = sent.params
        super().__init__(
            sent.method, sent.url, headers=headers, params=query, route_params=params, body=b""
        )
        self._sent = sent

    def get_body(self) -> bytes:
        """Return the body, or raise the refusal of one that was not read."""
        return self._sent.get_body()
