"""Requests that Front Door sends to one of two origins: the app, and copies in Blob Storage.

It signs in to both as itself, in the header `Authorization`, and rules put that of the client into
another one (infra/modules/edge.bicep).
"""

from collections.abc import Callable
from functools import wraps

import azure.functions as func

from functions.http.handlers import Handler
from functions.http.requests import header, headers_of
from shared.composition import Registry
from shared.domain.archives.delivery import Cdn

CLIENT_AUTHORIZATION = "X-Ballroom-Authorization"
NO_AUTHORIZATION = "none"  # Front Door's own is not the client's.


def has_two_origins(registry: Registry) -> bool:
    """Check whether there is a Front Door that reads copies while the app does not answer."""
    return registry.settings.archive_cdn is Cdn.READING_BLOBS


def with_client_credentials(registry: Registry) -> Callable[[Handler], Handler]:
    """Return a decorator for handlers of requests that Front Door may send to either origin: they
    get the credentials that the client sent.

    The header is as good as `Authorization` itself: it names a caller who knows the secret.
    """

    def decorate(handler: Handler) -> Handler:
        if not has_two_origins(registry):
            return handler

        @wraps(handler)
        async def respond(req: func.HttpRequest) -> func.HttpResponse:
            sent = header(req, CLIENT_AUTHORIZATION)
            return await handler(_sent_by_client(req, sent) if sent else req)

        return respond

    return decorate


def _sent_by_client(req: func.HttpRequest, authorization: str) -> func.HttpRequest:
    headers = {
        name: value for name, value in headers_of(req).items() if name.lower() not in _REPLACED
    }
    if authorization != NO_AUTHORIZATION:
        headers["authorization"] = authorization
    return func.HttpRequest(
        req.method,
        req.url,
        headers=headers,
        params=req.params,
        route_params=req.route_params,
        body=req.get_body(),
    )


_REPLACED = frozenset(("authorization", CLIENT_AUTHORIZATION.lower()))
