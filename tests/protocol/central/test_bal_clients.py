"""How the clients read each response of the Central face."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.protocol.bal.failures import ClientFailure, NoPackage, Swallowed, Unauthorized
from tests.protocol.bal.go import GoBal
from tests.protocol.bal.java import JavaBal
from tests.protocol.bal.okhttp import okhttp_query
from tests.protocol.bal.wire import Wire

BASE = "https://central.test/2.0/registry"
MODEL = {"isDeprecated": False}
Call = Callable[[JavaBal], Awaitable[object]]

CALLS: dict[str, Call] = {
    "push": lambda bal: bal.send_archive("acme/greet:1.0.0", b"archive"),
    "metadata": lambda bal: bal.metadata("acme/greet:1.0.0"),
    "versions": lambda bal: bal.versions("acme/greet"),
    "pull": lambda bal: bal.pull("acme/greet:1.0.0"),
    "deprecate": lambda bal: bal._change("deprecate", "acme/greet:1.0.0", b"{}", MODEL),
    "search": lambda bal: bal.search("greet"),
    "resolve": lambda bal: bal.resolve_dependencies([]),
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


def central(
    status: int, message: str = "the reason", content_type: str = "application/json"
) -> httpx.AsyncClient:
    """Return a connection to a Central that always gives this answer."""

    def answer(_request: httpx.Request) -> httpx.Response:
        headers = {"Content-Type": content_type}
        body = f'{{"message":"{message}"}}'.encode()
        return httpx.Response(status, headers=headers, content=body)

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


async def test_java_takes_a_deprecation_that_is_forbidden_for_done() -> None:
    bal = java(central(403))
    await CALLS["deprecate"](bal)
    assert bal.printed == []


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_java_swallows_every_error_of_a_build_but_a_401(status: int) -> None:
    with pytest.raises(Swallowed):
        await java(central(status)).resolve_dependencies([])
    with pytest.raises(Unauthorized):
        await java(central(401)).resolve_dependencies([])


@pytest.mark.parametrize("kind", ["Application/JSON", "text/json", "text/plain"])
async def test_java_reads_no_message_of_another_content_type(kind: str) -> None:
    assert await reason(java(central(400, content_type=kind)), "push") is None


async def test_java_pushes_on_after_exactly_one_text() -> None:
    with pytest.raises(NoPackage):
        await java(central(404, "package not found for: x")).metadata("acme/greet:1.0.0")
    for other in ("package not found: x", "Package not found for: x", "no such package"):
        with pytest.raises(ClientFailure) as reported:
            await java(central(404, other)).metadata("acme/greet:1.0.0")
        assert not isinstance(reported.value, NoPackage)


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


@pytest.mark.parametrize(("status", "times"), [(500, 2), (503, 2), (504, 2), (404, 1), (400, 1)])
async def test_the_clients_repeat_a_request_once_on_a_5xx(status: int, times: int) -> None:
    bal = java(central(status))
    await reason(bal, "push")
    assert len(bal.wire.exchanges) == times


async def test_java_needs_a_length_on_the_second_hop() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(".bala"):
            return httpx.Response(200, content=b"")
        location = "https://central.test/1.0.0/acme-greet-any-1.0.0.bala"
        disposition = "attachment; filename=acme-greet-any-1.0.0.bala"
        headers = {"Location": location, "Content-Disposition": disposition}
        return httpx.Response(302, headers=headers)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    with pytest.raises(ClientFailure, match="invalid response from the server"):
        await java(http).pull("acme/greet:1.0.0")


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("org:acme kafka", "org:acme%20kafka"),
        ('"exact phrase"', "%22exact%20phrase%22"),
        ("a+b", "a+b"),
        ("c#", "c"),
        ("a&b", "a&b"),
        ("caf\u00e9", "caf%C3%A9"),
    ],
)
def test_a_search_goes_into_the_url_as_it_was_typed(typed: str, sent: str) -> None:
    assert okhttp_query(typed) == sent


async def test_go_sends_no_content_type_when_it_resolves() -> None:
    seen: list[httpx.Headers] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, json={"resolved": [], "unresolved": []})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    await GoBal(Wire(http), BASE).resolve_dependencies([])
    assert "content-type" not in seen[0]
    assert seen[0]["user-agent"] == "2201.12.0"
