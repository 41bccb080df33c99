"""Lines of the access log."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from shared.hosting.access_log import AccessLogOptions, with_access_log
from shared.hosting.requests import Message, Receive, Scope, Send
from tests.fakes.system import FakeClock

TOKEN = "blr_example_0000000000Example0Token0That0Opens0Nothing2vJ1kV"


def last_address(headers: Mapping[str, str]) -> str:
    return headers.get("x-forwarded-for", "").rpartition(",")[2]


async def line_of(
    form: str,
    path: bytes = b"/search",
    headers: Mapping[bytes, bytes] = MappingProxyType({}),
    *,
    fails: bool = False,
) -> str:
    """Return the line of a request that is answered with two pieces of a body."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        if fails:
            raise ConnectionResetError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"12345", "more_body": True})
        await send({"type": "http.response.body", "body": b"678"})

    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        pass

    lines: list[bytes] = []
    logged = with_access_log(
        app, AccessLogOptions(form, last_address, FakeClock()), ["/sign-in/link/"], lines.append
    )
    scope: dict[str, Any] = {"type": "http", "method": "GET", "http_version": "1.1"}
    scope |= {"raw_path": path, "headers": [*headers.items()], "client": ("192.0.2.7", 5)}
    try:
        await logged(scope, receive, send)
    except ConnectionResetError:
        assert fails
    (line,) = lines
    return line.decode("ascii")


async def test_the_common_format() -> None:
    line = await line_of("common")
    time = r"\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]"
    assert re.fullmatch(rf'192\.0\.2\.7 - - {time} "GET /search HTTP/1\.1" 200 8\n', line)


async def test_the_combined_format_adds_referer_and_agent() -> None:
    headers = {b"referer": b"https://a.test/x?code=1", b"user-agent": b"ballerina/2201.13.0"}
    line = await line_of("combined", headers=headers)
    assert line.endswith(' 200 8 "https://a.test/x" "ballerina/2201.13.0"\n')
    assert (await line_of("combined")).endswith(' 200 8 "-" "-"\n')


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"/sign-in/link/s3cret", "/sign-in/link/****"),
        (f"/packages/{TOKEN}".encode(), "/packages/blr_"),
        (b'/a"b\\c\n\xe9', "/a\\x22b\\x5Cc\\x0A\\xC3\\xA9 HTTP"),
    ],
    ids=["link", "token", "signs"],
)
async def test_no_secret_and_no_sign_gets_through(path: bytes, shown: str) -> None:
    line = await line_of("combined", path, {b"referer": b"http://r.test" + path})
    assert f'"GET {shown}' in line
    assert "s3cret" not in line
    assert TOKEN not in line
    assert line.count("\n") == 1


async def test_a_request_without_an_answer_has_a_line() -> None:
    assert (await line_of("common", fails=True)).endswith('" - -\n')
