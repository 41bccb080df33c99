"""Preflights are answered by the host, and every page may read what everybody may."""

import json
from collections.abc import Mapping
from pathlib import Path

import azure.functions as func
import pytest

from shared.hosting.asgi import Message, Receive, Scope, Send
from shared.hosting.host import Host
from shared.hosting.middleware import (
    HOST_FILE,
    FollowedRedirects,
    RedirectFollower,
    configured_headers,
    with_headers,
)
from shared.hosting.responses import send_answer, status_answer
from tests.unit.shared.hosting.asgi import Exchange, ask, scope

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


ADDRESS = "https://registry.test/base"


class App:
    """Answers with the location that it was given, or with what it was asked."""

    def __init__(self, location: str | None, status: int = 302) -> None:
        self.asked: list[str] = []
        self._location = location
        self._status = status

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['raw_path'].decode()}")
        if scope["raw_path"].startswith(b"/short/"):
            headers = [] if self._location is None else [(b"location", self._location.encode())]
            await send(_start(self._status, headers))
            await send({"type": "http.response.body", "body": b"there"})
        else:
            given: Mapping[bytes, bytes] = dict(scope["headers"])
            await send(_start(200, [(b"x-range", given.get(b"range", b""))]))
            line = scope["raw_path"] + b"?" + scope["query_string"]
            await send({"type": "http.response.body", "body": line})


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


async def asked(app: App, path: str, method: str = "GET", **headers: str) -> Exchange:
    following = RedirectFollower(app, FollowedRedirects("/short/", ADDRESS))
    return await ask(following, scope(method, path, headers))


async def test_the_client_gets_what_the_redirect_leads_to() -> None:
    app = App(f"{ADDRESS}/files/one?signature=x")
    answer = await asked(app, "/short/one", Range="bytes=1-")
    assert (answer.status, answer.body) == (200, b"/files/one?signature=x")
    assert answer.headers["x-range"] == "bytes=1-"


async def test_the_method_stays() -> None:
    app = App(f"{ADDRESS}/files/one")
    await asked(app, "/short/one", "HEAD")
    assert app.asked == ["HEAD /short/one", "HEAD /files/one"]


async def test_a_redirect_that_leads_to_a_redirect_is_passed_on() -> None:
    app = App(f"{ADDRESS}/short/two")
    answer = await asked(app, "/short/one")
    assert (answer.status, app.asked) == (302, ["GET /short/one", "GET /short/two"])


@pytest.mark.parametrize(
    "location",
    ["https://elsewhere.test/files/one", f"{ADDRESS}.elsewhere.test/files/one", "/files/one", None],
)
async def test_a_redirect_to_elsewhere_is_passed_on(location: str | None) -> None:
    answer = await asked(App(location), "/short/one")
    assert (answer.status, answer.headers.get("location")) == (302, location)


@pytest.mark.parametrize("status", [200, 201, 401, 404])
async def test_other_answers_are_passed_on(status: int) -> None:
    answer = await asked(App(f"{ADDRESS}/files/one", status), "/short/one")
    assert (answer.status, answer.body) == (status, b"there")


class Cacheable:
    """Redirects and answers, of which some are cacheable."""

    def __init__(self, *cacheable: str) -> None:
        self._cacheable = cacheable

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        place = "there" if scope["raw_path"] == b"/there" else "here"
        headers = [] if place == "there" else [(b"location", f"{ADDRESS}/there".encode())]
        start = _start(200 if place == "there" else 302, headers)
        repeat = place if place in self._cacheable else None
        await send({**start, "repeat": repeat})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("cacheable", "repeat"),
    [(("here", "there"), "here"), (("here",), None), (("there",), None), ((), None)],
)
async def test_an_answer_is_cacheable_if_the_redirect_is_and_is_repeated_as_that(
    cacheable: tuple[str, ...], repeat: str | None
) -> None:
    following = RedirectFollower(Cacheable(*cacheable), FollowedRedirects("/short/", ADDRESS))
    answer = await ask(following, scope("GET", "/short/one"))
    assert (answer.status, answer.sent[0].get("repeat")) == (200, repeat)


async def test_other_paths_are_not_looked_at() -> None:
    app = App(None)
    assert (await asked(app, "/long/one")).body == b"/long/one?"
    assert app.asked == ["GET /long/one"]


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
