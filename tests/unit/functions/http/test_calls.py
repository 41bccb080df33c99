"""What a call knows of its request."""

import azure.functions as func
import pytest

from functions.http.calls import Call
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass, RateLimitSubject
from tests.support.operations import call_as, call_of
from tests.support.world import World


def request(**headers: str) -> func.HttpRequest:
    """Return a request for a file of the index."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = "https://registry.test/index/acme/greet/index.json?a=b"
    return func.HttpRequest("GET", url, headers=named, params={"a": "b"}, body=b"body")


def test_the_path_is_as_the_client_wrote_it() -> None:
    assert call_of(request()).path == "/index/acme/greet/index.json"
    assert call_of(func.HttpRequest("GET", "https://x", body=b"")).path == "/"


@pytest.mark.parametrize(("length", "size"), [("", 4), ("9", 9), ("3", 4), ("x", 4), ("-9", 4)])
def test_a_body_that_the_host_dropped_is_as_long_as_it_was_announced(
    length: str, size: int
) -> None:
    assert call_of(request(Content_Length=length)).body_size == size


async def test_limits_are_stated_in_the_order_in_which_they_counted(world: World) -> None:
    call = call_as(Call, request(), world.registry)
    left = RateLimitAllowance(RateLimitClass.PUSH, RateLimitSubject.TOKEN, 9, 8, wait_ms=1)
    call.add_allowance(None)
    call.add_allowance(left)
    assert call.allowances == [left]


async def test_credentials_may_be_ignored(world: World) -> None:
    token = f"Bearer {world.people.ann.token}"
    known, ignored = (call_as(Call, request(Authorization=token), world.registry) for _ in range(2))
    await known.identify()
    ignored.identify_as_anonymous()
    assert known.caller.id == known.exchange.principal == world.people.ann.account.id
    assert ignored.caller.is_anonymous
    assert ignored.exchange.principal == ""
