"""Preflights are answered by the host, and every page may read what everybody may."""

import azure.functions as func

from shared.hosting.host import Host
from tests.unit.hosting.asgi import Exchange, ask, scope

ORIGIN = {"Origin": "https://store.test"}
ASKED = {**ORIGIN, "Access-Control-Request-Method": "PUT"}


def host(headers: dict[str, str] | None = None) -> Host:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("read", methods=["GET", "OPTIONS"])
    async def read(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(req.method, headers=headers)

    return Host(app)


async def sent(method: str, headers: dict[str, str], path: str = "/read") -> Exchange:
    return await ask(host(), scope(method, path, headers))


async def test_a_preflight_is_answered_before_any_function() -> None:
    for path in ("/read", "/nowhere"):
        asked = {**ASKED, "Access-Control-Request-Headers": "x-a, authorization"}
        answer = await sent("OPTIONS", asked, path)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers == {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "PUT",
            "access-control-allow-headers": "x-a, authorization",
        }


async def test_headers_that_nobody_asks_for_are_not_named() -> None:
    assert "access-control-allow-headers" not in (await sent("OPTIONS", ASKED)).headers


async def test_options_without_an_origin_or_a_method_are_the_functions() -> None:
    for headers in ({}, ORIGIN, {"Access-Control-Request-Method": "PUT"}):
        assert (await sent("OPTIONS", headers)).body == b"OPTIONS"


async def test_any_page_may_read_any_answer_without_its_cookies() -> None:
    for path in ("/read", "/nowhere"):
        answer = await sent("GET", ORIGIN, path)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in (await sent("GET", {})).headers


async def test_the_origin_is_named_once() -> None:
    app = host({"Access-Control-Allow-Origin": "https://one.test"})
    answer = await ask(app, scope("GET", "/read", ORIGIN))
    named = [
        value for name, value in answer.sent[0]["headers"] if name == b"access-control-allow-origin"
    ]
    assert named == [b"*"]
