"""Redirects below one path of ours are followed here; every other answer passes as it is."""

from collections.abc import Mapping

import pytest
from starlette.types import Message, Receive, Scope, Send

from shared.hosting.following import Following, Shortcut
from tests.unit.hosting.asgi import Exchange, ask, scope

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
    following = Following(app, Shortcut("/short/", ADDRESS))
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


class Standing:
    """Redirects and answers; each of the two stands or not."""

    def __init__(self, *standing: str) -> None:
        self._standing = standing

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        place = "there" if scope["raw_path"] == b"/there" else "here"
        headers = [] if place == "there" else [(b"location", f"{ADDRESS}/there".encode())]
        start = _start(200 if place == "there" else 302, headers)
        again = place if place in self._standing else None
        await send({**start, "again": again})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("standing", "again"),
    [(("here", "there"), "here"), (("here",), None), (("there",), None), ((), None)],
)
async def test_an_answer_stands_if_both_do_and_is_noted_as_the_redirect_was(
    standing: tuple[str, ...], again: str | None
) -> None:
    following = Following(Standing(*standing), Shortcut("/short/", ADDRESS))
    answer = await ask(following, scope("GET", "/short/one"))
    assert (answer.status, answer.sent[0].get("again")) == (200, again)


async def test_other_paths_are_not_looked_at() -> None:
    app = App(None)
    assert (await asked(app, "/long/one")).body == b"/long/one?"
    assert app.asked == ["GET /long/one"]
