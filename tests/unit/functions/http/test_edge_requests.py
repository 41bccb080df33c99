"""The credentials of a client that Front Door sends in a header beside its own."""

import azure.functions as func
import pytest

from functions.http.edge_requests import CLIENT_AUTHORIZATION, with_client_credentials
from functions.http.requests import header
from tests.support.world import OpenWorld, World

BLOBS = {"archive_cdn_url": "https://registry.test", "archive_cdn_origin": "blobs"}


def request(**headers: str) -> func.HttpRequest:
    """Return a request for a file of the index."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    route = {"org": "acme", "name": "greet"}
    url = "https://registry.test/index/acme/greet/index.json?a=b"
    return func.HttpRequest(
        "GET", url, headers=named, params={"a": "b"}, route_params=route, body=b"body"
    )


async def seen_by_handler(world: World, sent: func.HttpRequest) -> func.HttpRequest:
    """Return the request that a handler gets."""
    seen: list[func.HttpRequest] = []

    @with_client_credentials(world.registry)
    async def handler(req: func.HttpRequest) -> func.HttpResponse:
        seen.append(req)
        return func.HttpResponse()

    await handler(sent)
    return seen[0]


@pytest.mark.parametrize(
    ("sent", "authorization"),
    [("none", ""), ("Bearer of-the-client", "Bearer of-the-client"), ("Basic YTpi", "Basic YTpi")],
)
async def test_a_handler_sees_what_the_client_sent(
    worlds: OpenWorld, sent: str, authorization: str
) -> None:
    world = await worlds(**BLOBS)
    req = await seen_by_handler(
        world,
        request(Authorization="Bearer of-front-door", X_Ballroom_Authorization=sent, Accept="a/b"),
    )
    assert header(req, "authorization") == authorization
    assert header(req, CLIENT_AUTHORIZATION) == ""
    assert header(req, "accept") == "a/b"
    assert (req.method, req.url) == ("GET", request().url)
    assert (dict(req.params), dict(req.route_params)) == ({"a": "b"}, dict(request().route_params))
    assert req.get_body() == b"body"


async def test_a_request_without_the_header_stays_as_it_is(worlds: OpenWorld) -> None:
    world = await worlds(**BLOBS)
    sent = request(Authorization="Bearer of-the-client")
    assert await seen_by_handler(world, sent) is sent


async def test_where_there_is_no_such_front_door_the_header_means_nothing(world: World) -> None:
    sent = request(Authorization="Bearer a", X_Ballroom_Authorization="Bearer b")
    assert await seen_by_handler(world, sent) is sent
