"""What a Function returns leaves as the real host would send it."""

import json
from pathlib import Path

import azure.functions as func
import pytest

from shared.hosting.host import Host
from shared.hosting.requests import REPEAT
from shared.hosting.responses import (
    HOST_FILE,
    answer_messages,
    configured_headers,
    send_answer,
    status_answer,
    with_headers,
)
from shared.runtime.answers import Answer, FunctionResponse, Repeatable
from tests.unit.shared.hosting.asgi import Exchange, ask, scope


def test_a_cacheable_answer_says_how_it_is_repeated() -> None:
    repeat = Repeatable(lambda _, _caller: None, 1, {"acme/greet"})
    repeated, once = (FunctionResponse(Answer(b"a", repeat=each)) for each in (repeat, None))
    assert answer_messages(repeated, "GET")[0][REPEAT] is repeat
    assert answer_messages(once, "GET")[0][REPEAT] is None


# --- Headers of every answer ---------------------------------------------------------------------

ORIGIN = {"Origin": "https://store.test"}
ASKED = {**ORIGIN, "Access-Control-Request-Method": "PUT"}


def host(headers: dict[str, str] | None = None) -> Host:
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("read", methods=["GET", "OPTIONS"])
    async def read(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(req.method, headers=headers)

    return Host(app)


async def fetched(method: str, headers: dict[str, str], path: str = "/read") -> Exchange:
    return await ask(host(), scope(method, path, headers))


async def test_a_preflight_is_answered_before_any_function() -> None:
    for path in ("/read", "/nowhere"):
        asked = {**ASKED, "Access-Control-Request-Headers": "x-a, authorization"}
        answer = await fetched("OPTIONS", asked, path)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers == {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "PUT",
            "access-control-allow-headers": "x-a, authorization",
        }


async def test_headers_that_nobody_asks_for_are_not_named() -> None:
    assert "access-control-allow-headers" not in (await fetched("OPTIONS", ASKED)).headers


async def test_options_without_an_origin_or_a_method_are_the_functions() -> None:
    for headers in ({}, ORIGIN, {"Access-Control-Request-Method": "PUT"}):
        assert (await fetched("OPTIONS", headers)).body == b"OPTIONS"


async def test_any_page_may_read_any_answer_without_its_cookies() -> None:
    for path in ("/read", "/nowhere"):
        answer = await fetched("GET", ORIGIN, path)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    assert "access-control-allow-origin" not in (await fetched("GET", {})).headers


async def test_the_origin_is_named_once() -> None:
    app = host({"Access-Control-Allow-Origin": "https://one.test"})
    answer = await ask(app, scope("GET", "/read", ORIGIN))
    named = [
        value for name, value in answer.sent[0]["headers"] if name == b"access-control-allow-origin"
    ]
    assert named == [b"*"]


def host_file(folder: Path, *, enabled: bool = True) -> Path:
    """Write a host.json with one header."""
    http = {"customHeaders": {"X-One": "1"}, "hsts": {"isEnabled": enabled, "maxAge": "2"}}
    file = folder / "host.json"
    file.write_text(json.dumps({"extensions": {"http": http}}))
    return file


def test_headers_are_those_of_the_file(tmp_path: Path) -> None:
    assert configured_headers("http://registry.test", host_file(tmp_path)) == [(b"x-one", b"1")]


def test_over_https_browsers_get_strict_transport_security(tmp_path: Path) -> None:
    [_, hsts] = configured_headers("https://registry.test", host_file(tmp_path))
    assert hsts == (b"strict-transport-security", b"max-age=172800")


def test_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert len(configured_headers("https://registry.test", host_file(tmp_path, enabled=False))) == 1


def test_our_own_host_file_has_the_security_headers() -> None:
    names = {name for name, _ in configured_headers("", HOST_FILE)}
    assert {b"x-content-type-options", b"x-frame-options", b"referrer-policy"} <= names


@pytest.mark.parametrize("status", [200, 404])
async def test_they_are_added_to_what_is_there(status: int) -> None:
    shared = status_answer(status, (b"x-own", b"2"))

    async def app(_scope: object, _receive: object, send: object) -> None:
        await send_answer(shared, send)  # type: ignore[arg-type]

    for _ in range(2):
        answer = await ask(with_headers(app, [(b"x-one", b"1")]), scope("GET", "/"))
        assert answer.status == status
        assert answer.headers["x-own"] == "2"
        assert answer.headers["x-one"] == "1", "an answer that is sent twice is left as it was"
