"""How the clients read each response of the Central face."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.wire import Wire

BASE = "https://central.test/2.0/registry"
Call = Callable[[JavaBal], Awaitable[object]]

CALLS: dict[str, Call] = {
    "push": lambda bal: bal.send_archive("acme/greet:1.0.0", b"archive"),
    "metadata": lambda bal: bal.metadata("acme/greet:1.0.0"),
    "versions": lambda bal: bal.versions("acme/greet"),
    "pull": lambda bal: bal.pull("acme/greet:1.0.0"),
    "deprecate": lambda bal: bal._change("deprecate", "acme/greet:1.0.0", b"{}", {}),
    "search": lambda bal: bal.search("greet"),
}
SHOWN = {
    "push": {400, 401, 500, 503},
    "metadata": {400, 401, 404, 500, 503},
    "versions": {400, 401, 404, 500, 503},
    "pull": {400, 401, 404, 500, 503},
    "deprecate": {400, 401, 404, 500, 503},
    "search": {400, 401, 500, 503},
}
STATUSES = [400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 502, 503, 504]


def central(status: int, message: str = "the reason") -> httpx.AsyncClient:
    """Return a connection to a Central that always gives this answer."""

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"message": message})

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


def java(http: httpx.AsyncClient) -> JavaBal:
    """Return a Java client of that Central."""
    return JavaBal(Wire(http), BASE)


async def reason(bal: JavaBal, call: str) -> str | None:
    """Return what the user reads of the registry's words, if anything."""
    try:
        await CALLS[call](bal)
    except ClientFailure as failure:
        return failure.reason
    return None


@pytest.mark.parametrize("call", SHOWN)
@pytest.mark.parametrize("status", STATUSES)
async def test_java_shows_the_message_of_few_statuses(call: str, status: int) -> None:
    shown = "the reason" if status in SHOWN[call] else None
    assert await reason(java(central(status)), call) == shown


@pytest.mark.parametrize(
    ("message", "java_understands", "go_understands"),
    [
        ("package not found: acme/greet", True, True),
        ("package not found for: acme/greet", True, False),
        ("nothing here", False, False),
    ],
)
async def test_the_clients_differ_in_what_means_no_versions(
    message: str, java_understands: bool, go_understands: bool
) -> None:
    go = GoBal(Wire(central(404, message)), BASE)
    for versions, understands in (
        (java(central(404, message)).versions, java_understands),
        (go.versions, go_understands),
    ):
        if understands:
            assert await versions("acme/greet") == []
        else:
            with pytest.raises(ClientFailure):
                await versions("acme/greet")
